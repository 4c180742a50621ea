//! How a decision is printed, by `replay` and `simulate` alike: the answer, what failed with its fix, what passed. The findings are those of the
//! comment on GitHub.

use std::fmt::{self, Write as _};

use anstyle::{AnsiColor, Effects, Style};
use environment_gate::gate::signature::Claims;
use environment_gate::gate::{Finding, Verdict};
use environment_gate::model::{Request, quoted};
use environment_gate::outcome::Outcome;
use serde_json::{Value, json};

pub(crate) const BOLD: Style = Style::new().effects(Effects::BOLD);
pub(crate) const RED: Style = AnsiColor::Red.on_default();
pub(crate) const GREEN: Style = AnsiColor::Green.on_default();
pub(crate) const YELLOW: Style = AnsiColor::Yellow.on_default();

/// Columns of a check's id.
const CHECK_COLUMNS: usize = 16;
/// Columns of a claim's name.
const CLAIM_COLUMNS: usize = 19;

/// How much is printed of each check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// Why it passed or failed.
    Reason,
    /// What was found and what was expected, too.
    Everything,
}

/// The decision, and why: the checks that did not pass, each with its fix, then those that did.
pub(crate) fn decision(text: &mut String, outcome: &Outcome, detail: Detail) -> fmt::Result {
    let style = match outcome {
        Outcome::Approved(_) => GREEN,
        Outcome::Rejected(_) | Outcome::Refused(_) | Outcome::Failed(_) => RED,
        Outcome::Ignored(_) | Outcome::Deferred(_) => YELLOW,
    };
    let (passed, not_passed): (Vec<&Finding>, Vec<&Finding>) =
        outcome.findings().iter().partition(|finding| finding.verdict == Verdict::Pass);
    write!(text, "Decision: {style}{}{style:#}", outcome.name())?;
    if let Outcome::Approved(approval) = outcome {
        writeln!(text)?;
        for gate in approval.gates() {
            let approvers: Vec<String> =
                gate.approvers.iter().map(|approver| quoted(&approver.login).to_string()).collect();
            let approvers = if approvers.is_empty() {
                "nobody had to approve".to_owned()
            } else {
                format!("approved by {}", approvers.join(", "))
            };
            writeln!(text, "  gate {}: {approvers}", quoted(&gate.job))?;
            for (name, value) in gate.claims.iter().flat_map(Claims::by_name) {
                if let Some(value) = value {
                    writeln!(text, "    {name:<CLAIM_COLUMNS$}  {value}")?;
                }
            }
        }
    } else if not_passed.is_empty() {
        writeln!(text, "\n  {}", outcome.reason())?;
    } else {
        let ids: Vec<&str> = not_passed.iter().map(|finding| finding.check.id()).collect();
        writeln!(text, " ({})", ids.join(", "))?;
    }
    if outcome.findings().is_empty() {
        return Ok(());
    }
    match outcome.rule() {
        Some(rule) => writeln!(text, "\nChecks of rule {rule}")?,
        None => writeln!(text, "\nChecks")?,
    }
    for finding in not_passed.into_iter().chain(passed) {
        check(text, finding, detail)?;
    }
    Ok(())
}

fn check(text: &mut String, finding: &Finding, detail: Detail) -> fmt::Result {
    let style = match finding.verdict {
        Verdict::Pass => GREEN,
        Verdict::Wait => YELLOW,
        Verdict::Fail => RED,
    };
    let (verdict, id) = (finding.verdict.as_str(), finding.check.id());
    let subject = finding.gate.as_ref().or(finding.policy.as_ref());
    let subject = subject.map(|name| format!("{}: ", quoted(name))).unwrap_or_default();
    writeln!(text, "  {style}{verdict}{style:#}  {id:<CHECK_COLUMNS$}  {subject}{}", finding.reason)?;
    let blank = "";
    let mut more = |line: fmt::Arguments<'_>| writeln!(text, "  {blank:4}  {blank:CHECK_COLUMNS$}  {line}");
    if let Some(warning) = &finding.warning {
        more(format_args!("{warning}"))?;
    }
    if detail == Detail::Everything {
        more(format_args!("got {}", finding.got))?;
        more(format_args!("expected {}", finding.expected))?;
    }
    match finding.verdict {
        Verdict::Pass => {}
        Verdict::Wait => more(format_args!("{BOLD}To do:{BOLD:#} {}", finding.fix))?,
        Verdict::Fail => more(format_args!("{BOLD}Fix:{BOLD:#} {}", finding.fix))?,
    }
    Ok(())
}

/// What a request asks for, in one line.
pub(crate) fn request(request: &Request) -> String {
    format!(
        "run {} of {} to environment {}, from {} at {}",
        request.run,
        quoted(&request.repository.name.to_string()),
        quoted(request.environment.as_str()),
        quoted(request.ref_name.as_str()),
        quoted(request.sha.as_str())
    )
}

/// A comment, set off from what is around it.
pub(crate) fn comment(text: &mut String, comment: &str) -> fmt::Result {
    comment.lines().try_for_each(|line| writeln!(text, "  {line}"))
}

/// What a request asks for, for machines.
pub(crate) fn request_in_json(request: &Request) -> Value {
    json!({
        "repository": request.repository.name.to_string(),
        "run_id": request.run.to_string(),
        "environment": request.environment.as_str(),
        "ref": request.ref_name.as_str(),
        "sha": request.sha.as_str(),
    })
}

/// The checks for machines.
pub(crate) fn checks_in_json(outcome: &Outcome) -> Vec<Value> {
    let check = |finding: &Finding| {
        json!({
            "check": finding.check.id(),
            "gate": finding.gate,
            "policy": finding.policy,
            "warning": finding.warning,
            "verdict": finding.verdict.as_str(),
            "got": finding.got,
            "expected": finding.expected,
            "reason": finding.reason,
            "fix": finding.fix,
        })
    };
    outcome.findings().iter().map(check).collect()
}
