//! Results of tests for people, as `opa test` shows them.

use std::fmt::{self, Write as _};

use environment_gate::gate::rego::{Coverage, TestVerdict};
use environment_gate::model::quoted;

use super::line;
use super::test_report::{TestReport, TestRun, rounded};
use crate::render::{BOLD, GREEN, RED, YELLOW};

/// Dashes in the line above the summary.
const LINE_COLUMNS: usize = 80;

/// Which tests are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// Those that did not pass.
    NotPassed,
    /// All of them, and which lines are not covered.
    All,
}

pub(super) fn in_words(report: &TestReport<'_>, shown: Shown) -> Result<String, fmt::Error> {
    let mut text = String::new();
    let runs = report.runs.iter().filter(|run| shown == Shown::All || run.outcome.verdict != TestVerdict::Pass);
    let mut file = None;
    for run in runs {
        if file.is_some_and(|file| file != &run.test.file) {
            text.push('\n');
        }
        file = Some(&run.test.file);
        show(&mut text, run)?;
    }
    if file.is_some() {
        writeln!(text, "{:-<LINE_COLUMNS$}", "")?;
    }
    summary(&mut text, report)?;
    if let Some(coverage) = report.coverage {
        show_coverage(&mut text, coverage, report, shown)?;
    }
    if !report.has_policies && !report.is_good() {
        writeln!(text, "{YELLOW}note{YELLOW:#}: none of these files is a policy: pass the policy, too, or the folder")?;
    }
    for (package, files) in report.shared_packages {
        writeln!(
            text,
            "{YELLOW}note{YELLOW:#}: {} are all of package `{package}`: here they see each other's rules, in the function each is alone",
            files.join(", ")
        )?;
    }
    for (path, meant) in report.undefined.iter().filter(|_| report.has_policies) {
        let meant = meant.as_ref().map(|meant| format!(": did you mean {}?", quoted(meant))).unwrap_or_default();
        writeln!(text, "{YELLOW}note{YELLOW:#}: nothing here defines {}{meant}", quoted(path))?;
    }
    Ok(text)
}

fn show(text: &mut String, TestRun { test, outcome, took }: &TestRun) -> fmt::Result {
    let name = test.full_name();
    writeln!(text, "{}:{}:", test.file, test.place.line)?;
    match &outcome.verdict {
        TestVerdict::Pass => writeln!(text, "{name}: {GREEN}PASS{GREEN:#} ({took:?})")?,
        TestVerdict::Skipped => writeln!(text, "{name}: {YELLOW}SKIPPED{YELLOW:#}")?,
        TestVerdict::Fail(problem) => writeln!(text, "{name}: {RED}FAIL{RED:#} ({took:?})\n  {problem}")?,
        TestVerdict::Error(error) => writeln!(text, "{name}: {RED}ERROR{RED:#} ({took:?})\n  {}", line(error))?,
    }
    for (case, passed) in &outcome.cases {
        let (style, verdict) = if *passed { (GREEN, "PASS") } else { (RED, "FAIL") };
        writeln!(text, "  {}: {style}{verdict}{style:#}", case.join(": "))?;
    }
    if !outcome.printed.is_empty() {
        let lines = outcome.printed.iter().flat_map(|printed| printed.lines());
        let lines: Vec<String> = lines.map(|line| format!("  {line}\n")).collect();
        writeln!(text, "\n{}", lines.concat())?;
    }
    Ok(())
}

fn summary(text: &mut String, report: &TestReport<'_>) -> fmt::Result {
    let all = report.runs.len();
    if all == 0 {
        return writeln!(text, "{RED}No test was run{RED:#}: a test is a rule whose name begins with `test_`.");
    }
    let counts = [
        ("PASS", GREEN, report.count(|verdict| *verdict == TestVerdict::Pass)),
        ("FAIL", RED, report.count(|verdict| matches!(verdict, TestVerdict::Fail(_)))),
        ("SKIPPED", YELLOW, report.count(|verdict| *verdict == TestVerdict::Skipped)),
        ("ERROR", RED, report.count(|verdict| matches!(verdict, TestVerdict::Error(_)))),
    ];
    for (name, style, count) in counts.into_iter().filter(|(_, _, count)| *count > 0) {
        writeln!(text, "{style}{name}{style:#}: {count}/{all}")?;
    }
    Ok(())
}

fn show_coverage(text: &mut String, coverage: &Coverage, report: &TestReport<'_>, shown: Shown) -> fmt::Result {
    let (covered, all) = coverage.lines();
    let style = if report.is_below_threshold() { RED } else { BOLD };
    write!(text, "{style}COVERAGE{style:#}: {}% ({covered} of {all} lines)", rounded(coverage.percent()))?;
    match report.threshold.filter(|_| report.is_below_threshold()) {
        Some(threshold) => writeln!(text, ", expected at least {threshold}%")?,
        None => writeln!(text)?,
    }
    if shown == Shown::All && covered < all {
        writeln!(text, "\nNot covered:")?;
        for (file, lines) in &coverage.files {
            lines.not_covered.iter().try_for_each(|line| writeln!(text, "  {file}:{line}"))?;
        }
    }
    Ok(())
}
