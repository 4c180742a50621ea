//! Results of tests for machines, in the form of `opa test --format json`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use environment_gate::gate::rego::{Coverage, CoveredLines, Place, RegoError, TestVerdict};
use serde_json::{Map, Value, json};

use super::test_report::{TestReport, TestRun, rounded};

/// The results as an array; with coverage, OPA's report of that, and the results in it as `tests`.
pub(super) fn in_json(report: &TestReport<'_>) -> Value {
    let tests: Value = report.runs.iter().map(result).collect();
    match report.coverage {
        Some(coverage) => coverage_report(coverage, &tests),
        None => tests,
    }
}

fn result(TestRun { test, outcome, took }: &TestRun) -> Value {
    let mut result = Map::new();
    let mut set = |key: &str, value: Value| {
        result.insert(key.to_owned(), value);
    };
    set("location", location(&test.file, test.place));
    set("package", test.package.clone().into());
    set("name", test.name.clone().into());
    match &outcome.verdict {
        TestVerdict::Pass => {}
        TestVerdict::Fail(problem) => {
            set("fail", true.into());
            set("problem", problem.clone().into());
        }
        TestVerdict::Skipped => set("skip", true.into()),
        TestVerdict::Error(error) => set("error", error_in_json(error)),
    }
    if !outcome.cases.is_empty() {
        let cases: Vec<(&[String], bool)> =
            outcome.cases.iter().map(|(name, passed)| (name.as_slice(), *passed)).collect();
        set("sub_results", sub_results(&cases));
    }
    if !outcome.printed.is_empty() {
        set("output", STANDARD.encode(outcome.printed.join("\n") + "\n").into());
    }
    // OPA's are nanoseconds.
    set("duration", u64::try_from(took.as_nanos()).unwrap_or(u64::MAX).into());
    Value::Object(result)
}

fn location(file: &str, Place { line, column }: Place) -> Value {
    json!({ "file": file, "row": line, "col": column })
}

fn error_in_json(RegoError { policy, place, problem }: &RegoError) -> Value {
    json!({ "code": "eval_error", "message": problem, "location": place.map(|place| location(policy, place)) })
}

/// Cases whose names have the same first part are the sub-results of one.
fn sub_results(cases: &[(&[String], bool)]) -> Value {
    let mut results = Map::new();
    for (first, _) in cases.iter().filter_map(|(name, passed)| name.split_first().map(|(first, _)| (first, passed))) {
        let of_first = cases.iter().filter_map(|(name, passed)| {
            let (name, rest) = name.split_first()?;
            (name == first).then_some((rest, *passed))
        });
        let of_first: Vec<(&[String], bool)> = of_first.collect();
        let mut one = Map::from_iter([("name".to_owned(), first.as_str().into())]);
        if of_first.iter().any(|(_, passed)| !passed) {
            one.insert("fail".to_owned(), true.into());
        }
        if of_first.iter().any(|(rest, _)| !rest.is_empty()) {
            one.insert("sub_results".to_owned(), sub_results(&of_first));
        }
        results.insert(first.clone(), one.into());
    }
    Value::Object(results)
}

fn coverage_report(coverage: &Coverage, tests: &Value) -> Value {
    let (covered, all) = coverage.lines();
    let files: Map<String, Value> = coverage.files.iter().map(|(file, lines)| (file.clone(), of_file(lines))).collect();
    json!({
        "files": files,
        "covered_lines": covered,
        "not_covered_lines": all.saturating_sub(covered),
        "coverage": rounded(coverage.percent()),
        "tests": tests,
    })
}

fn of_file(lines: &CoveredLines) -> Value {
    json!({
        "covered": ranges(lines.covered.iter().copied()),
        "not_covered": ranges(lines.not_covered.iter().copied()),
        "covered_lines": lines.covered.len(),
        "not_covered_lines": lines.not_covered.len(),
        "coverage": rounded(lines.percent()),
    })
}

/// Lines that follow each other as one range.
fn ranges(lines: impl Iterator<Item = u32>) -> Vec<Value> {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for line in lines {
        match ranges.last_mut() {
            Some((_, end)) if end.checked_add(1) == Some(line) => *end = line,
            _ => ranges.push((line, line)),
        }
    }
    ranges.into_iter().map(|(start, end)| json!({ "start": { "row": start }, "end": { "row": end } })).collect()
}
