//! How the command line tells a decision: the verdict first, then every check. The same findings as the comment at GitHub.

use std::fmt::Write as _;

use environment_gate::gate::Verdict;
use environment_gate::model::quoted;
use environment_gate::report::Outcome;
use serde_json::{Value, json};

/// Columns of a check's name, with its gate.
const NAME_COLUMNS: usize = 16;

/// Tells the verdict, the checks that made it, and why in one line.
pub(crate) fn tell_decision(told: &mut String, outcome: &Outcome, colour: bool) -> std::fmt::Result {
    let style = match outcome.name() {
        "approved" => GREEN,
        "rejected" | "refused" | "failed" => RED,
        _ => YELLOW,
    };
    let failed = failed_checks(outcome);
    let by = if failed.is_empty() { String::new() } else { format!(" by {failed}") };
    writeln!(told, "\nDecision: {}{by}", paint(outcome.name(), style, colour))?;
    writeln!(told, "  {}", why(outcome))
}

/// The findings for machines.
pub(crate) fn findings_in_json(outcome: &Outcome) -> Vec<Value> {
    let findings = outcome.findings().iter();
    findings
        .map(|finding| {
            json!({
                "check": finding.check.id(),
                "gate": finding.gate,
                "verdict": finding.verdict.as_str(),
                "got": finding.got,
                "expected": finding.expected,
                "reason": finding.reason,
                "fix": finding.fix,
            })
        })
        .collect()
}

/// The ids of the checks that do not hold.
fn failed_checks(outcome: &Outcome) -> String {
    let findings = outcome.findings().iter();
    let failed = findings.filter(|finding| finding.verdict != Verdict::Pass).map(|finding| finding.check.id());
    failed.collect::<Vec<_>>().join(", ")
}

/// Why, in one line: for an approval, who let it in.
fn why(outcome: &Outcome) -> String {
    let Outcome::Approved(approval) = outcome else { return outcome.reason() };
    let gates = approval.gates().iter().map(|gate| {
        let who = gate.approvers.iter().map(|approver| quoted(&approver.login).to_string()).collect::<Vec<_>>();
        let who =
            if who.is_empty() { "nobody had to approve".to_owned() } else { format!("{} approved", who.join(" and ")) };
        format!("{who} {} of this run", quoted(&gate.environment))
    });
    format!("{}; every check holds, and nothing is left to do", gates.collect::<Vec<_>>().join(", "))
}

/// Tells what every check found.
pub(crate) fn tell_checks(told: &mut String, outcome: &Outcome, colour: bool) -> std::fmt::Result {
    let findings = outcome.findings();
    if findings.is_empty() {
        return writeln!(told, "\nChecks: none was made");
    }
    match outcome.rule() {
        Some(rule) => writeln!(told, "\nChecks of the policy's rule {rule}")?,
        None => writeln!(told, "\nChecks")?,
    }
    for finding in findings {
        let style = match finding.verdict {
            Verdict::Pass => GREEN,
            Verdict::Wait => YELLOW,
            Verdict::Fail => RED,
        };
        let verdict = paint(finding.verdict.as_str(), style, colour);
        let gate = finding.gate.as_ref().map(|job| format!("of {}: ", quoted(job))).unwrap_or_default();
        writeln!(told, "  {verdict}  {:<NAME_COLUMNS$}  {gate}got {}", finding.check.id(), finding.got)?;
        let blank = "";
        writeln!(told, "  {blank:4}  {blank:NAME_COLUMNS$}  expected {}", finding.expected)?;
        if finding.verdict == Verdict::Fail {
            writeln!(told, "  {blank:4}  {blank:NAME_COLUMNS$}  fix: {}", finding.fix)?;
        }
    }
    Ok(())
}

pub(crate) const BOLD: &str = "1";
pub(crate) const RED: &str = "31";
pub(crate) const GREEN: &str = "32";
pub(crate) const YELLOW: &str = "33";

/// ANSI's "select graphic rendition", on a terminal only.
pub(crate) fn paint(text: &str, style: &str, colour: bool) -> String {
    if colour { format!("\u{1b}[{style}m{text}\u{1b}[0m") } else { text.to_owned() }
}
