//! Tests of policies, evaluated as OPA evaluates them: all texts together, one engine, and each test by itself. Not here: files, clocks, and how results
//! are shown.

use std::collections::{BTreeMap, BTreeSet};

use regorus::{Engine, Value};
use serde_json::{Map, Value as Json};

use super::coverage::Coverage;
use super::error::RegoError;
use super::library::{self, Language};
use super::modules;
use super::nesting;
use super::policy::{RegoPolicy, aliases, full_path};
use super::test_case::{TestCase, TestForm, decides, printed_case, tests_of, with_cases_printed};
use super::tree::DataScope;

/// As for policies (see `nesting`); tests are longer, and nobody waits for them.
const PARSE_WORK_MAX: u64 = 1 << 24;
/// Ends the name of a file that holds tests alone.
const TEST_FILE: &str = "_test.rego";

/// A text, and what its file is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegoFile {
    /// As it is shown.
    pub path: String,
    /// What is in it.
    pub text: String,
}

/// Policies with their tests, ready to be evaluated.
pub struct TestSuite {
    engine: Engine,
    tests: Vec<TestCase>,
    /// The policies among the texts, which come first.
    policies: usize,
    coverage: Option<Coverage>,
    shared: Vec<(String, Vec<String>)>,
}

/// What came of a test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestOutcome {
    /// Whether it passed.
    pub verdict: TestVerdict,
    /// Its cases, if it has any, each with its name and whether it passed.
    pub cases: Vec<(Vec<String>, bool)>,
    /// What it printed, each with `FILE:LINE: ` before it.
    pub printed: Vec<String>,
}

/// Whether a test passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TestVerdict {
    /// Its value is `true`.
    Pass,
    /// It has another value, or a case that failed: what was got, and what was expected.
    Fail(String),
    /// It could not be evaluated.
    Error(RegoError),
    /// Its name begins with `todo_`.
    Skipped,
}

impl RegoFile {
    /// The policy's name: the file's without `.rego`.
    pub fn policy_name(&self) -> &str {
        let name = self.path.rsplit(['/', '\\']).next().unwrap_or_default();
        name.strip_suffix(".rego").unwrap_or(name)
    }

    /// Whether it holds tests alone, by its name.
    pub fn is_named_as_test(&self) -> bool {
        self.path.ends_with(TEST_FILE)
    }

    /// Reads it as a policy. An error names the file.
    ///
    /// # Errors
    /// Whatever the function would refuse.
    pub fn policy(&self, config: &Map<String, Json>) -> Result<RegoPolicy, RegoError> {
        let read = RegoPolicy::parse(self.policy_name(), &self.text, config);
        read.map_err(|error| RegoError { policy: self.path.clone(), ..error })
    }
}

/// A file with what was found in it.
struct ReadFile<'f> {
    file: &'f RegoFile,
    language: Language,
    /// With the names of cases printed.
    text: String,
    is_policy: bool,
}

impl<'f> ReadFile<'f> {
    /// A file is a policy unless it is named as a test, or has tests and none of the rules that a policy is asked for.
    fn read(file: &'f RegoFile, config: &Map<String, Json>) -> Result<Self, RegoError> {
        nesting::examine_nesting(&file.path, &file.text, PARSE_WORK_MAX)?;
        let (language, mut engine) = library::parse_either(&file.path, &file.text)?;
        let module =
            engine.get_modules().first().cloned().ok_or_else(|| RegoError::of_policy(&file.path, "got no package"))?;
        let package = modules::package(&file.path, &module)?;
        let has_tests = !tests_of(&file.path, 0, &package, &module).is_empty();
        let is_policy = !file.is_named_as_test() && (!has_tests || decides(&module));
        if is_policy {
            file.policy(config)?;
        }
        Ok(Self { file, language, text: with_cases_printed(&module), is_policy })
    }
}

impl TestSuite {
    /// Reads policies and tests. `config` is what policies see as `data.config` where a test does not say anything else.
    ///
    /// # Errors
    /// What the function would refuse of a policy; what cannot be read, or not survived, of a test. Each names its file.
    pub fn read(files: &[RegoFile], config: &Map<String, Json>) -> Result<Self, Vec<RegoError>> {
        let (read, errors): (Vec<_>, Vec<_>) =
            files.iter().map(|file| ReadFile::read(file, config)).partition(Result::is_ok);
        let errors: Vec<RegoError> = errors.into_iter().filter_map(Result::err).collect();
        if !errors.is_empty() {
            return Err(errors);
        }
        let mut read: Vec<ReadFile<'_>> = read.into_iter().filter_map(Result::ok).collect();
        read.sort_by_key(|file| !file.is_policy);
        Self::of(&read, config).map_err(|error| vec![error])
    }

    fn of(read: &[ReadFile<'_>], config: &Map<String, Json>) -> Result<Self, RegoError> {
        let of_all = |error: &anyhow::Error| RegoError::of_texts("tests", error);
        let mut engine = library::for_tests().map_err(|error| of_all(&error))?;
        for ReadFile { file, language, text, .. } in read {
            library::add_as(*language, &mut engine, &file.path, text)?;
        }
        let modules = engine.get_modules().clone();
        let named: Vec<_> =
            read.iter().zip(&modules).map(|(read, module)| (read.file.path.as_str(), module.as_ref())).collect();
        modules::examine(&named, DataScope::Everything)?;
        let (mut tests, mut short_names, mut packages) = (Vec::new(), BTreeSet::new(), BTreeMap::new());
        for (number, (read, (path, module))) in read.iter().zip(&named).enumerate() {
            let package = modules::package(path, module)?;
            tests.extend(tests_of(path, number, &package, module));
            if read.is_policy {
                let tree = modules::examine(&[(path, module)], DataScope::OwnPackage)?;
                short_names.extend(aliases(&tree, &package));
                packages.entry(full_path(&package)).or_insert_with(Vec::new).push((*path).to_owned());
            }
        }
        for rules in short_names {
            library::add_as(Language::V0, &mut engine, "short names", &rules)?;
        }
        library::add_config(&mut engine, config).map_err(|error| of_all(&error))?;
        // Makes the library look at every rule now: a variable that nothing binds is an error here.
        engine.eval_query("true".to_owned(), false).map_err(|error| of_all(&error))?;
        let policies = read.iter().filter(|read| read.is_policy).count();
        let shared = packages.into_iter().filter(|(_, files)| files.len() > 1).collect();
        Ok(Self { engine, tests, policies, coverage: None, shared })
    }

    /// Notes which lines of the policies are evaluated from now on.
    pub fn measure_coverage(&mut self) {
        self.coverage = Some(Coverage::none(&self.engine, self.policies));
    }

    /// Which lines of the policies were evaluated, if that was to be noted.
    pub fn coverage(&self) -> Option<&Coverage> {
        self.coverage.as_ref()
    }

    /// The tests, by file and in their order there.
    pub fn tests(&self) -> Vec<TestCase> {
        self.tests.clone()
    }

    /// Packages that several policies have: in tests they see each other's rules, in the function they do not.
    pub fn shared_packages(&self) -> &[(String, Vec<String>)] {
        &self.shared
    }

    /// Evaluates a test.
    pub fn run(&mut self, test: &TestCase) -> TestOutcome {
        let without_output = |verdict| TestOutcome { verdict, cases: Vec::new(), printed: Vec::new() };
        if test.is_skipped {
            return without_output(TestVerdict::Skipped);
        }
        let error = |problem: &str| RegoError {
            policy: test.file.clone(),
            place: Some(test.place),
            problem: problem.to_owned(),
        };
        if test.form == TestForm::Function {
            return without_output(TestVerdict::Error(error("a test takes no arguments")));
        }
        // A test that fails may leave an engine in any state, so each has its own.
        let mut engine = self.engine.clone();
        engine.set_enable_coverage(self.coverage.is_some());
        let value = value_of(&mut engine, test);
        if let Some(coverage) = &mut self.coverage {
            coverage.add(&engine);
        }
        let printed = engine.take_prints().unwrap_or_default();
        let (names, printed): (Vec<_>, Vec<_>) = printed.into_iter().partition(|line| printed_case(line).is_some());
        let reached: Vec<_> = names.iter().filter_map(|line| printed_case(line)).collect();
        let (verdict, cases) = match value {
            Ok(value) => judge(test.form, &value, &reached),
            Err(problem) => {
                let of_library = RegoError::of_texts(&test.file, &problem);
                let place = of_library.place.or(Some(test.place));
                (TestVerdict::Error(RegoError { place, ..of_library }), Vec::new())
            }
        };
        TestOutcome { verdict, cases, printed }
    }
}

/// The value of a test's own rule. Other rules of its name are not asked.
fn value_of(engine: &mut Engine, test: &TestCase) -> anyhow::Result<Value> {
    let (text, rule) = test.rule;
    let module = engine.get_modules().get(text).cloned();
    let found = module.and_then(|module| Some((module.clone(), module.policy.get(rule).cloned()?)));
    let Some((module, rule)) = found else { return Ok(Value::Undefined) };
    let data = engine.eval_rule_in_module(&module, &rule, false)?;
    Ok(test.path.iter().fold(data, |value, part| at(&value, &Value::from(part.as_str()))))
}

fn at(value: &Value, key: &Value) -> Value {
    let found = value.as_object().ok().and_then(|object| object.get(key));
    found.cloned().unwrap_or(Value::Undefined)
}

type Cases = Vec<(Vec<String>, bool)>;

/// `reached` are the cases that were begun; those that passed are in the value.
fn judge(form: TestForm, value: &Value, reached: &[Vec<Json>]) -> (TestVerdict, Cases) {
    if form == TestForm::Rule {
        let failed = || TestVerdict::Fail(format!("got {}, expected `true`", shown(value)));
        return (if *value == Value::from(true) { TestVerdict::Pass } else { failed() }, Vec::new());
    }
    let mut cases: BTreeMap<Vec<String>, bool> = BTreeMap::new();
    for name in reached {
        let at = name.iter().fold(value.clone(), |value, part| at(&value, &Value::from(part.clone())));
        cases.insert(name.iter().map(text_of).collect(), at == Value::from(true));
    }
    if value.as_object().is_ok() {
        leaves(value, &mut Vec::new(), &mut cases);
    }
    let failed = cases.values().filter(|passed| !**passed).count();
    let verdict = match (cases.len(), failed) {
        (0, _) => TestVerdict::Fail("got no case, expected at least one".to_owned()),
        (_, 0) => TestVerdict::Pass,
        (all, failed) => TestVerdict::Fail(format!("got {failed} of {all} cases that failed, expected none")),
    };
    (verdict, cases.into_iter().collect())
}

/// The cases that a test's value has.
fn leaves(value: &Value, name: &mut Vec<String>, cases: &mut BTreeMap<Vec<String>, bool>) {
    match value {
        Value::Object(object) => {
            for (part, value) in object.iter() {
                name.push(library::to_json(part).as_ref().map(text_of).unwrap_or_default());
                leaves(value, name, cases);
                name.pop();
            }
        }
        value => {
            cases.entry(name.clone()).or_insert(*value == Value::from(true));
        }
    }
}

fn text_of(json: &Json) -> String {
    json.as_str().map_or_else(|| json.to_string(), str::to_owned)
}

fn shown(value: &Value) -> String {
    library::to_json(value).map_or_else(|| "undefined".to_owned(), |json| format!("`{json}`"))
}
