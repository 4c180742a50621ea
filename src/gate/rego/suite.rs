//! Tests of policies, evaluated as OPA evaluates them, each by itself. Not here: where files come from, clocks, and how results are shown.

use std::collections::BTreeMap;

use regorus::Value;
use serde_json::{Map, Value as Json};

use super::coverage::Coverage;
use super::error::RegoError;
use super::file::RegoFile;
use super::library;
use super::test_case::{TestCase, TestForm, printed_case};
use super::test_engine::TestEngine;
use super::test_files::{TestFile, shared_packages, together};
use super::test_value::{at, last_line, value_of};

/// Policies with their tests, ready to be evaluated.
pub struct TestSuite {
    engines: Vec<TestEngine>,
    tests: Vec<TestCase>,
    coverage: Option<Coverage>,
    shared: Vec<(String, Vec<String>)>,
    undefined: BTreeMap<String, Option<String>>,
    has_policies: bool,
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

impl TestSuite {
    /// Reads policies and tests. `config` is what policies see as `data.config` where a test does not say anything else.
    ///
    /// # Errors
    /// What the function would refuse of a policy; what cannot be read, or not survived, of a test. Each names its file.
    pub fn read(files: &[RegoFile], config: &Map<String, Json>) -> Result<Self, Vec<RegoError>> {
        let (read, errors): (Vec<_>, Vec<_>) =
            files.iter().map(|file| TestFile::read(file, config)).partition(Result::is_ok);
        let errors: Vec<RegoError> = errors.into_iter().filter_map(Result::err).collect();
        if !errors.is_empty() {
            return Err(errors);
        }
        let read: Vec<TestFile<'_>> = read.into_iter().filter_map(Result::ok).collect();
        let groups = together(&read);
        let shared = groups.iter().flat_map(|group| shared_packages(group)).collect();
        let engines = groups.iter().map(|group| TestEngine::new(group, config));
        let engines: Vec<TestEngine> = engines.collect::<Result<_, _>>().map_err(|error| vec![error])?;
        let of_engine = |(number, engine): (usize, &TestEngine)| {
            let tests = engine.tests.iter().cloned();
            tests.map(|test| TestCase { engine: number, ..test }).collect::<Vec<_>>()
        };
        let mut tests: Vec<TestCase> = engines.iter().enumerate().flat_map(of_engine).collect();
        tests.sort_by(|one, other| (&one.file, one.rule.1).cmp(&(&other.file, other.rule.1)));
        // A policy that is evaluated alone may also be there for tests that look at several.
        tests.dedup_by(|one, other| (&one.file, one.rule.1) == (&other.file, other.rule.1));
        let has_policies = read.iter().any(|file| file.is_policy);
        let undefined = engines.iter().flat_map(|engine| engine.undefined.iter().cloned()).collect();
        Ok(Self { engines, tests, coverage: None, shared, undefined, has_policies })
    }

    /// Notes which lines of the policies are evaluated from now on.
    pub fn measure_coverage(&mut self) {
        let mut coverage = Coverage::default();
        for TestEngine { engine, policies, .. } in &self.engines {
            coverage.expect(engine, *policies);
        }
        self.coverage = Some(coverage);
    }

    /// Which lines of the policies were evaluated, if that was to be noted.
    pub fn coverage(&self) -> Option<&Coverage> {
        self.coverage.as_ref()
    }

    /// The tests, by file and in their order there.
    pub fn tests(&self) -> Vec<TestCase> {
        self.tests.clone()
    }

    /// Packages of which several policies are evaluated together: in tests they see each other's rules, in the function they do not.
    pub fn shared_packages(&self) -> &[(String, Vec<String>)] {
        &self.shared
    }

    /// Rules and packages that the files look at and none of them defines, each with what may be meant.
    pub fn undefined(&self) -> &BTreeMap<String, Option<String>> {
        &self.undefined
    }

    /// Whether any of the files is a policy.
    pub fn has_policies(&self) -> bool {
        self.has_policies
    }

    /// Evaluates a test.
    pub fn run(&mut self, test: &TestCase) -> TestOutcome {
        let without_output = |verdict| TestOutcome { verdict, cases: Vec::new(), printed: Vec::new() };
        let Some(TestEngine { engine, .. }) = self.engines.get(test.engine).filter(|_| !test.is_skipped) else {
            return without_output(TestVerdict::Skipped);
        };
        let place = Some(test.place);
        if test.form == TestForm::Function {
            let problem = "a test takes no arguments".to_owned();
            return without_output(TestVerdict::Error(RegoError { policy: test.file.clone(), place, problem }));
        }
        // A test that fails may leave an engine in any state, so each has its own.
        let fresh = engine;
        let mut engine = fresh.clone();
        engine.set_enable_coverage(self.coverage.is_some());
        let value = value_of(&mut engine, test);
        if let Some(coverage) = &mut self.coverage {
            coverage.add(&engine);
        }
        let printed = engine.take_prints().unwrap_or_default();
        let (names, printed): (Vec<_>, Vec<_>) = printed.into_iter().partition(|line| printed_case(line).is_some());
        let reached: Vec<_> = names.iter().filter_map(|line| printed_case(line)).collect();
        let (verdict, cases) = match value {
            Ok(value) => match judge(test.form, &value, &reached) {
                (TestVerdict::Fail(problem), cases) if value == Value::Undefined => {
                    let line = last_line(fresh, test);
                    let reached = line.map(|line| format!(" (evaluated as far as line {line})")).unwrap_or_default();
                    (TestVerdict::Fail(format!("{problem}{reached}")), cases)
                }
                judged => judged,
            },
            Err(problem) => {
                let of_library = RegoError::of_texts(&test.file, &problem);
                (TestVerdict::Error(RegoError { place: of_library.place.or(place), ..of_library }), Vec::new())
            }
        };
        TestOutcome { verdict, cases, printed }
    }
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
