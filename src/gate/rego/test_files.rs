//! Which files are policies and which are tests, and which of them are evaluated together. Not here: the tests in them.

use serde_json::{Map, Value as Json};

use super::calls::RulePath;
use super::error::RegoError;
use super::file::RegoFile;
use super::library::{self, Language};
use super::modules;
use super::nesting::{self, code};
use super::paths::full_path;
use super::test_case::{decides, tests_of, with_cases_printed};
use super::tree::MissingRule;

/// As for policies (see `nesting`); tests are longer, and nobody waits for them.
const PARSE_WORK_MAX: u64 = 1 << 24;

/// A file with what was found in it.
pub(super) struct TestFile<'f> {
    pub(super) file: &'f RegoFile,
    pub(super) language: Language,
    /// With the names of cases printed.
    pub(super) text: String,
    package: RulePath,
    pub(super) is_policy: bool,
    has_tests: bool,
}

impl<'f> TestFile<'f> {
    /// A file is a policy unless it is named as a test, or has tests and none of the rules that a policy is asked for.
    pub(super) fn read(file: &'f RegoFile, config: &Map<String, Json>) -> Result<Self, RegoError> {
        nesting::examine_nesting(&file.path, &file.text, PARSE_WORK_MAX)?;
        let (language, mut engine) = library::parse_either(&file.path, &file.text)?;
        let module = engine.get_modules().first().cloned();
        let module = module.ok_or_else(|| RegoError::of_policy(&file.path, "got no package"))?;
        let package = modules::package(&file.path, &module)?;
        let has_tests = !tests_of(&file.path, 0, &package, &module).is_empty();
        let is_policy = !file.is_named_as_test() && (!has_tests || decides(&module));
        if is_policy {
            file.policy(config)?;
        }
        Ok(Self { file, language, text: with_cases_printed(&module), package, is_policy, has_tests })
    }

    /// Whether its name says that it is the tests of this policy: `NAME_test.rego` beside `NAME.rego`.
    fn is_test_of(&self, policy: &Self) -> bool {
        let name = self.file.path.strip_suffix("_test.rego");
        name.is_some() && name == policy.file.path.strip_suffix(".rego")
    }

    /// Whether its tests may look at the policies of a package.
    fn looks_at(&self, package: &RulePath) -> bool {
        self.has_tests && (self.package == *package || self.file.text.contains(&full_path(package)))
    }
}

/// Files that are evaluated together, policies first: all of them, as under OPA. But a policy is evaluated alone by the function, so those that share a
/// package and have tests beside them are, too.
pub(super) fn together<'r, 'f>(files: &'r [TestFile<'f>]) -> Vec<Vec<&'r TestFile<'f>>> {
    let policies_of =
        |package: &RulePath| files.iter().filter(|file| file.is_policy && file.package == *package).count();
    let has_own_tests = |policy: &&TestFile<'_>| files.iter().any(|file| file.is_test_of(policy));
    let is_alone = |file: &&TestFile<'_>| file.is_policy && policies_of(&file.package) > 1 && has_own_tests(file);
    let alone: Vec<&TestFile<'_>> = files.iter().filter(is_alone).collect();
    let helpers = files.iter().filter(|file| !file.is_policy && !file.has_tests);
    let with_its_tests = |policy: &&'r TestFile<'f>| {
        let tests = files.iter().filter(|file| file.is_test_of(policy) && file.has_tests);
        [*policy].into_iter().chain(tests).chain(helpers.clone()).collect()
    };
    let mut groups: Vec<Vec<&TestFile<'_>>> = alone.iter().map(with_its_tests).collect();
    let is_grouped =
        |file: &&TestFile<'_>| alone.iter().any(|policy| file.file == policy.file || file.is_test_of(policy));
    let mut others: Vec<&TestFile<'_>> = files.iter().filter(|file| !is_grouped(file)).collect();
    if alone.iter().any(|policy| others.iter().any(|file| file.looks_at(&policy.package))) {
        others.extend(&alone);
    }
    others.sort_by_key(|file| !file.is_policy);
    groups.push(others);
    groups
}

/// What is wrong with a test that looks at a rule of its package, if none of these files is a policy of that package.
pub(super) fn without_policy(files: &[&TestFile<'_>], missing: &MissingRule) -> Option<RegoError> {
    let test = files.iter().find(|file| file.file.path == missing.policy && !file.is_policy)?;
    let has_policy = files.iter().any(|file| file.is_policy && file.package == test.package);
    let name = missing.name.as_str();
    // `deny = data.example.deny` declares a variable.
    let code = code(&test.file.text);
    let mut after = code.split(name).skip(1).map(str::trim_start);
    let is_variable = after.any(|rest| rest.starts_with('=') && !rest.starts_with("=="));
    let problem = format!(
        "there is no rule `{name}` in package `{}`: pass its policy, too, or the folder",
        test.package.join(".")
    );
    (!has_policy && !is_variable).then(|| RegoError::at(&missing.policy, missing.place, problem))
}

/// The packages that several of these policies have, and their files.
pub(super) fn shared_packages(files: &[&TestFile<'_>]) -> Vec<(String, Vec<String>)> {
    let policies = || files.iter().filter(|file| file.is_policy);
    let mut packages: Vec<&RulePath> = policies().map(|policy| &policy.package).collect();
    packages.sort();
    packages.dedup();
    let files_of = |package: &RulePath| {
        let of_package = policies().filter(|policy| policy.package == *package);
        let mut files: Vec<String> = of_package.map(|policy| policy.file.path.clone()).collect();
        files.sort();
        files
    };
    let shared = packages.into_iter().map(|package| (full_path(package), files_of(package)));
    shared.filter(|(_, files)| files.len() > 1).collect()
}
