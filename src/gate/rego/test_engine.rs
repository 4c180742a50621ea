//! An engine with several texts, policies and tests. Not here: which texts, and what comes of the tests.

use std::collections::BTreeSet;

use regorus::Engine;
use serde_json::{Map, Value as Json};

use super::calls::RulePath;
use super::error::RegoError;
use super::library::{self, Language};
use super::modules;
use super::paths::full_path;
use super::policy::aliases;
use super::spelling::nearest;
use super::test_case::{TestCase, tests_of};
use super::test_files::{TestFile, without_policy};
use super::tree::{DataScope, Tree};

/// An engine, and the tests in its texts.
pub(super) struct TestEngine {
    pub(super) engine: Engine,
    pub(super) tests: Vec<TestCase>,
    /// How many of the texts are policies; they come first.
    pub(super) policies: usize,
    /// What the texts look at and none of them defines, each with what may be meant.
    pub(super) undefined: Vec<(String, Option<String>)>,
}

impl TestEngine {
    /// Reads the texts together.
    pub(super) fn new(files: &[&TestFile<'_>], config: &Map<String, Json>) -> Result<Self, RegoError> {
        let of_all = |error: &anyhow::Error| RegoError::of_texts("tests", error);
        let mut engine = library::for_tests().map_err(|error| of_all(&error))?;
        for TestFile { file, language, text, .. } in files {
            library::add_as(*language, &mut engine, &file.path, text)?;
        }
        let modules = engine.get_modules().clone();
        let named = files.iter().zip(&modules).map(|(file, module)| (file.file.path.as_str(), module.as_ref()));
        let named: Vec<_> = named.collect();
        let tree = modules::examine(&named, DataScope::Everything)?;
        // The library would say that the name is unsafe, and print a line of its own.
        if let Some(error) = tree.missing.iter().find_map(|missing| without_policy(files, missing)) {
            return Err(error);
        }
        let undefined = undefined(&tree);
        let (mut tests, mut short_names) = (Vec::new(), BTreeSet::new());
        for (number, (file, (path, module))) in files.iter().zip(&named).enumerate() {
            let package = modules::package(path, module)?;
            tests.extend(tests_of(path, number, &package, module));
            if file.is_policy {
                let tree = modules::examine(&[(path, module)], DataScope::OwnPackage)?;
                short_names.extend(aliases(&tree, &package));
            }
        }
        for rules in short_names {
            library::add_as(Language::V0, &mut engine, "short names", &rules)?;
        }
        library::add_config(&mut engine, config).map_err(|error| of_all(&error))?;
        // Makes the library look at every rule now: a variable that nothing binds is an error here.
        engine.eval_query("true".to_owned(), false).map_err(|error| of_all(&error))?;
        let policies = files.iter().filter(|file| file.is_policy).count();
        Ok(Self { engine, tests, policies, undefined })
    }
}

/// A rule may be looked at in part, and a package as a whole.
fn undefined(tree: &Tree) -> Vec<(String, Option<String>)> {
    let is_defined = |path: &RulePath| tree.rules.keys().any(|rule| rule.starts_with(path) || path.starts_with(rule));
    let rules: Vec<String> = tree.rules.keys().map(full_path).collect();
    let undefined = tree.used.iter().filter(|path| !path.is_empty() && !is_defined(path)).map(full_path);
    let meant = |path: &String| nearest(path, rules.iter().map(String::as_str)).map(str::to_owned);
    undefined.map(|path| (path.clone(), meant(&path))).collect()
}
