//! A decision, told in a comment: for the release engineer at night and the auditor a year later.

use std::fmt::Write as _;

use super::{Approval, Deferral, Finding, PassedGate, Rejection, Verdict};
use crate::model::{Request, listed, quoted};

/// GitHub takes 1,024 characters of Markdown; we stay under as many bytes, however it counts them.
pub const COMMENT_BYTES_MAX: usize = 1024;
/// Bytes of the end; one that names more people than fit is cut to its last line.
const END_BYTES_MAX: usize = 320;
/// Bytes of one reason; so the first one always fits.
const REASON_BYTES_MAX: usize = 420;
/// Bytes kept for "and so many more reasons", should reasons have to be cut.
const MORE_BYTES: usize = 64;

/// Markdown for a review: at most [`COMMENT_BYTES_MAX`] bytes, and nothing in it mentions, links or hides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment(String);

impl Comment {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Tells who let the run in.
    pub fn of_approval(approval: &Approval, request: &Request) -> Self {
        let verdict =
            format!("**Approved**: run {} may enter {}.\n", request.run, quoted(request.environment.as_str()));
        let lines: Vec<String> = approval.gates().iter().map(passed).collect();
        Self::fit(verdict, &lines, &rule_line(approval.rule()))
    }

    /// Tells every reason, how to mend it, and who approved all the same.
    pub fn of_rejection(rejection: &Rejection, request: &Request) -> Self {
        let verdict =
            format!("**Rejected**: run {} may not enter {}.\n", request.run, quoted(request.environment.as_str()));
        let approved = rejection.gates().iter().filter(|gate| !gate.approvers.is_empty());
        let approved: String = approved.flat_map(|gate| [passed(gate), " (for information)\n".to_owned()]).collect();
        Self::fit(verdict, &reasons(rejection.findings()), &(approved + &rule_line(rejection.rule())))
    }

    /// Tells what is waited for. It is no verdict.
    pub fn of_deferral(deferral: &Deferral, request: &Request) -> Self {
        let run = request.run;
        let waiting =
            format!("**Not decided yet**: run {run} waits to enter {}.\n", quoted(request.environment.as_str()));
        let missing = deferral.findings().iter().filter(|finding| finding.verdict == Verdict::Wait);
        let lines: Vec<String> = missing.map(waited_for).collect();
        let end = format!("It is looked at again every minute or so, for three days. {}", rule_line(deferral.rule()));
        Self::fit(waiting, &lines, &end)
    }

    /// The verdict, as many lines as fit, how many were cut, and the end, of which the last line always fits.
    fn fit(verdict: String, lines: &[String], end: &str) -> Self {
        let end = if end.len() > END_BYTES_MAX { end.lines().last().unwrap_or_default() } else { end };
        let room = COMMENT_BYTES_MAX.saturating_sub(end.len()).saturating_sub(MORE_BYTES);
        let mut text = verdict;
        let mut shown: usize = 0;
        for line in lines {
            if text.len().saturating_add(line.len()) >= room {
                break;
            }
            text.push_str(line);
            text.push('\n');
            shown = shown.saturating_add(1);
        }
        let more = lines.len().saturating_sub(shown);
        if more > 0 {
            // Writing to a `String` cannot fail.
            let _ = writeln!(text, "- and {more} more, in the function's log");
        }
        text.push_str(end);
        Self(text)
    }
}

/// What fails. What only waits is no reason to reject.
fn reasons(findings: &[Finding]) -> Vec<String> {
    findings.iter().filter(|finding| finding.verdict == Verdict::Fail).map(reason).collect()
}

fn reason(finding: &Finding) -> String {
    line(finding, &format!(" To mend: {}.", finding.mend))
}

fn waited_for(finding: &Finding) -> String {
    line(finding, "")
}

/// What was got and expected, and an end. Only the longest names in the longest lists do not fit.
fn line(finding: &Finding, end: &str) -> String {
    let gate = finding.gate.as_ref().map(|job| format!(" of {}", quoted(job))).unwrap_or_default();
    let (check, got, expected) = (finding.check, &finding.got, &finding.expected);
    let whole = format!("- **{check}**{gate}: got {got}; expected {expected}.{end}");
    if whole.len() > REASON_BYTES_MAX {
        format!("- **{check}**{gate}: the function's log has the names.{end}")
    } else {
        whole
    }
}

fn passed(gate: &PassedGate) -> String {
    let approvers = listed(gate.approvers.iter().map(|approver| quoted(&approver.login).to_string()));
    let who =
        if approvers.is_empty() { "nobody had to approve".to_owned() } else { format!("approved by {approvers}") };
    let when = gate.passed_at.map(|at| format!(", job ended at {at}")).unwrap_or_default();
    let attempt = gate.attempt.map(|attempt| format!(" in attempt {attempt}")).unwrap_or_default();
    format!("- gate {}: {who}{when}{attempt}", quoted(&gate.job))
}

fn rule_line(rule: Option<usize>) -> String {
    match rule {
        Some(number) => format!("Rule {number} of Environment Gate's policy."),
        None => "No rule of Environment Gate's policy.".to_owned(),
    }
}
