//! Policies and their tests come out of OPA itself as they come out of ours.

mod generator;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use environment_gate::gate::rego::{Input, RegoError, RegoPolicy, RuleName};
use serde_json::{Map, Value, json};

use crate::support::moto::tool;
use generator::Generator;

/// Asks OPA, which `make test` installs, about several engines.
fn ask(engines: &[Value]) -> Vec<Value> {
    let opa = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/opa");
    assert!(opa.join("opa_bindings").exists(), "{} is not there: run `make test`", opa.display());
    let mut python = Command::new(tool("python"))
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/layers/rego_opa/ask.py"))
        .env("PYTHONPATH", opa)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    python.stdin.take().unwrap().write_all(json!(engines).to_string().as_bytes()).unwrap();
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What each test of some files came to, by its full name: `gate policy test`.
fn our_verdicts(files: &[PathBuf]) -> BTreeMap<String, &'static str> {
    let gate = Command::new(env!("CARGO_BIN_EXE_gate"))
        .args(["policy", "test", "--format", "json"])
        .args(files)
        .output()
        .unwrap();
    let told: Value = serde_json::from_slice(&gate.stdout).unwrap_or_else(|error| panic!("{error}: {gate:?}"));
    let verdict = |test: &Value| match test {
        test if test["error"].is_object() => "error",
        test if test["fail"] == true => "fail",
        test if test["skip"] == true => "skipped",
        _ => "pass",
    };
    let name = |test: &Value| format!("{}.{}", test["package"].as_str().unwrap(), test["name"].as_str().unwrap());
    told.as_array().unwrap().iter().map(|test| (name(test), verdict(test))).collect()
}

/// An engine with these files, asked about these tests.
fn engine(files: &[PathBuf], tests: &BTreeMap<String, &str>) -> Value {
    let text = |path: &PathBuf| json!([path.to_string_lossy(), fs::read_to_string(path).unwrap()]);
    let path = |name: &String| json!([name.strip_prefix("data.").unwrap(), null]);
    json!({ "policies": files.iter().map(text).collect::<Vec<_>>(), "data": { "config": {} }, "queries": tests.keys().map(path).collect::<Vec<_>>() })
}

/// What OPA makes of the same tests; it skips none by itself.
fn opas_verdicts(answer: &Value, tests: &BTreeMap<String, &str>) -> BTreeMap<String, &'static str> {
    let answers = answer.as_array().unwrap_or_else(|| panic!("{answer}"));
    let verdict = |answer: &Value| match answer {
        answer if answer.get("error").is_some() => "error",
        answer if answer["value"] == true => "pass",
        _ => "fail",
    };
    tests.keys().cloned().zip(answers.iter().map(verdict)).collect()
}

fn rego_in(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files: Vec<PathBuf> = folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "rego"));
    files.sort();
    files
}

/// The policies of the library that are written in v1, each with its tests; OPA is built for nothing else.
#[test]
fn the_librarys_tests_say_the_same_under_opa() {
    let files = rego_in("policies");
    let pairs = files.iter().filter(|path| !path.to_string_lossy().ends_with("_test.rego")).map(|policy| {
        vec![
            policy.clone(),
            policy.with_file_name(format!("{}_test.rego", policy.file_stem().unwrap().to_string_lossy())),
        ]
    });
    let pairs: Vec<(Vec<PathBuf>, BTreeMap<String, &str>)> =
        pairs.map(|pair| (pair.clone(), our_verdicts(&pair))).collect();
    let engines: Vec<Value> = pairs.iter().map(|(pair, tests)| engine(pair, tests)).collect();
    let mut compared = 0;
    for ((pair, tests), answer) in pairs.iter().zip(ask(&engines)) {
        assert_eq!(tests, &opas_verdicts(&answer, tests), "{}", pair[0].display());
        compared += tests.len();
    }
    assert!(pairs.len() >= 10 && compared >= 30, "got {} policies with {compared} tests", pairs.len());
}

/// Tests that pass, fail and cannot be evaluated, for as many reasons as came to mind.
#[test]
fn tests_pass_fail_and_break_as_under_opa() {
    let files = rego_in("tests/layers/rego_opa/mixed");
    let mut tests = our_verdicts(&files);
    tests.retain(|_, verdict| *verdict != "skipped");
    let answer = ask(&[engine(&files, &tests)]).remove(0);
    let opas = opas_verdicts(&answer, &tests);
    let differences: Vec<_> = tests.iter().filter(|(name, verdict)| opas[*name] != **verdict).collect();
    assert!(differences.is_empty(), "ours: {differences:#?}");
    for verdict in ["pass", "fail", "error"] {
        let expected = |name: &&String| name.rsplit('.').next().unwrap().starts_with(&format!("test_{verdict}"));
        let named: Vec<&String> = tests.keys().filter(expected).collect();
        assert!(named.len() >= 5 && named.iter().all(|name| tests[*name] == verdict), "{verdict}: {tests:#?}");
    }
}

/// Policies that are made up, with a fixed seed.
const GENERATED: usize = 200;
const SEED: u64 = 20_260_105;

#[test]
fn generated_policies_have_the_same_values_under_opa() {
    let mut generator = Generator::new(SEED);
    let made: Vec<(String, Vec<Value>)> =
        (0..GENERATED).map(|_| (generator.policy(), (0..3).map(|_| generator.input()).collect())).collect();
    let rules = [RuleName::Deny, RuleName::Warn, RuleName::Sample].map(RuleName::as_str);
    let engines = made.iter().map(|(policy, inputs)| {
        let queries = inputs.iter().flat_map(|input| rules.map(|rule| json!([format!("generated.{rule}"), input])));
        json!({ "policies": [["p.rego", policy]], "data": {}, "queries": queries.collect::<Vec<_>>() })
    });
    let engines: Vec<Value> = engines.collect();
    let (mut differences, mut values) = (Vec::new(), 0);
    for ((policy, inputs), answers) in made.iter().zip(ask(&engines)) {
        let Some(answers) = answers.as_array() else {
            differences.push(format!("OPA refuses {answers}\n{policy}"));
            continue;
        };
        for (input, answers) in inputs.iter().zip(answers.chunks(rules.len())) {
            let (ours, opas) = (our_values(policy, input), opas_values(&rules, answers));
            values += ours.as_ref().map_or(0, Map::len);
            if ours.is_err() != opas.is_err() || (ours.is_ok() && ours != opas) {
                differences.push(format!("{policy}\ninput: {input}\nours: {ours:?}\nOPA's: {opas:?}"));
            }
        }
    }
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n\n"));
    assert!(values > 2 * GENERATED, "got {values} values");
}

/// Moments (nanoseconds since 1970): before and after changes of clocks, at the ends of months and years, before 1970.
const MOMENTS: [i64; 8] = [
    1_767_605_400_000_000_000,
    1_774_746_000_123_456_789,
    1_774_745_999_000_000_000,
    1_793_494_800_060_000_000,
    1_769_817_600_000_000_000,
    1_709_208_000_000_000_000,
    0,
    -86_400_000_000_001,
];
const ZONES: [&str; 6] = ["UTC", "", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"];
const LAYOUTS: [&str; 9] = [
    "RFC3339",
    "RFC3339Nano",
    "ANSIC",
    "RFC850",
    "RFC822Z",
    "Monday, January 2 2006 at 3:04:05.000 pm",
    "__2 002 06 1 _2 03 4 5.999",
    "Month 100% Janet 2 Jan",
    "Z0700 -0700 -07:00 MST 15:04",
];

/// Expressions over times, as OPA's documentation has them and at their edges.
fn expressions_over_times() -> Vec<String> {
    let mut expressions: Vec<String> = [
        "time.parse_rfc3339_ns(\"2026-01-05T09:30:00.5+02:00\")",
        "time.parse_ns(\"2006-01-02\", \"2026-02-28\")",
        "time.parse_ns(\"RFC822Z\", \"05 Jan 26 09:30 -0500\")",
        "time.parse_ns(\"2006-01-02 15:04:05\", \"2026-01-05 09:30:00.25\")",
        "time.parse_ns(\"Jan _2 2006 3:04PM\", \"Jan  5 2026 9:30PM\")",
        "time.parse_duration_ns(\"1h30m\")",
        "time.parse_duration_ns(\"-1.5h\")",
        "time.parse_duration_ns(\"250ms\")",
    ]
    .map(str::to_owned)
    .to_vec();
    for moment in MOMENTS {
        for (years, months, days) in [(0, 1, 0), (1, -2, 3), (-1, 13, -40), (0, 0, 30)] {
            expressions.push(format!("time.add_date({moment}, {years}, {months}, {days})"));
        }
        for zone in ZONES {
            let at = format!("[{moment}, \"{zone}\"]");
            expressions.extend(["clock", "date", "weekday", "format"].map(|function| format!("time.{function}({at})")));
            expressions.extend(MOMENTS.map(|other| format!("time.diff({at}, {other})")));
            expressions.extend(LAYOUTS.map(|layout| format!("time.format([{moment}, \"{zone}\", \"{layout}\"])")));
        }
    }
    expressions
}

#[test]
fn times_are_those_of_opa() {
    let expressions = expressions_over_times();
    let policy = |expression| format!("package generated\nimport rego.v1\ndeny contains json.marshal({expression})\n");
    let engine = |expression| json!({ "policies": [["p.rego", policy(expression)]], "data": {}, "queries": [["generated.deny", {}]] });
    let answers = ask(&expressions.iter().map(engine).collect::<Vec<_>>());
    let compared = expressions.iter().zip(answers).map(|(expression, answer)| {
        let ours = our_values(&policy(expression), &json!({})).map(|mut values| values.remove("deny"));
        let ours = ours.unwrap_or_else(|error| Some(json!({ "error": error })));
        (expression, ours, answer[0].clone())
    });
    let differences = compared.filter(|(_, ours, opas)| ours.is_none() || ours.as_ref() != opas.get("value"));
    let differences: Vec<String> =
        differences.map(|(expression, ours, opas)| format!("{expression}: ours: {ours:?}, OPA's: {opas}")).collect();
    assert!(differences.is_empty(), "{} of {}:\n{}", differences.len(), expressions.len(), differences.join("\n"));
}

fn our_values(policy: &str, input: &Value) -> Result<Map<String, Value>, String> {
    let read = RegoPolicy::parse("p", policy, &Map::new()).map_err(|error| error.to_string())?;
    let input = Input::new(input.clone())?;
    // However busy the machine is.
    let is_slow = |error: &RegoError| error.problem.contains("time limit");
    let mut evaluations = std::iter::repeat_with(|| read.evaluate(&input));
    let evaluated = evaluations.find(|evaluated| !evaluated.as_ref().is_err_and(is_slow)).unwrap();
    evaluated.map(|evaluated| evaluated.values).map_err(|error| error.to_string())
}

/// All values, or the first error: a policy that fails in one rule says nothing.
fn opas_values(rules: &[&str], answers: &[Value]) -> Result<Map<String, Value>, String> {
    let mut values = Map::new();
    for (rule, answer) in rules.iter().zip(answers) {
        if let Some(error) = answer.get("error") {
            return Err(error.to_string());
        }
        values.extend(answer.get("value").map(|value| ((*rule).to_owned(), value.clone())));
    }
    Ok(values)
}
