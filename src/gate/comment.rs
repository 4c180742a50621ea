//! A decision as a comment, for the release engineer at night and the auditor a year later.

use super::check::{Finding, Verdict};
use super::decide::{Approval, Deferral, Rejection};
use super::passed_gate::PassedGate;
use crate::model::{Request, quoted, quoted_list};

/// GitHub takes 1,024 characters of Markdown. We stay below as many bytes, however it counts.
pub const COMMENT_BYTES_MAX: usize = 1024;
/// Bytes of the end; a longer one, which names many people, is cut to its last line.
const END_BYTES_MAX: usize = 320;
/// Bytes of one reason, so that the first one always fits.
const REASON_BYTES_MAX: usize = 420;
/// Bytes kept for "and 9 more", should reasons have to be cut.
const MORE_BYTES: usize = 64;

/// Markdown for a review: at most [`COMMENT_BYTES_MAX`] bytes. Nothing in it mentions people, links or hides text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment(String);

impl Comment {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Shows who approved.
    pub fn of_approval(approval: &Approval, request: &Request) -> Self {
        let verdict = verdict("Approved", "can deploy", request, "");
        let gates: Vec<String> = approval.gates().iter().map(|gate| format!("- Gate {}.", passed(gate))).collect();
        Self::fit(verdict, &gates, &rule(approval.rule()))
    }

    /// Shows every reason, how to fix it, and who approved all the same.
    pub fn of_rejection(rejection: &Rejection, request: &Request) -> Self {
        let verdict = verdict("Rejected", "cannot deploy", request, "");
        // What only waits is no reason to reject.
        let failed = rejection.findings().iter().filter(|finding| finding.verdict == Verdict::Fail);
        let reasons: Vec<String> = failed.map(|finding| line(finding, &format!(" **Fix:** {}", finding.fix))).collect();
        let approved = rejection.gates().iter().filter(|gate| !gate.approvers.is_empty());
        let approved: String = approved.map(|gate| format!("- For information, gate {}.\n", passed(gate))).collect();
        Self::fit(verdict, &reasons, &(approved + &rule(rejection.rule())))
    }

    /// Shows what the decision waits for.
    pub fn of_deferral(deferral: &Deferral, request: &Request) -> Self {
        let verdict = verdict("Waiting", "cannot deploy", request, " yet");
        let missing = deferral.findings().iter().filter(|finding| finding.verdict == Verdict::Wait);
        let reasons: Vec<String> = missing.map(|finding| line(finding, "")).collect();
        let end = format!("Checked again about every minute, for up to three days. {}", rule(deferral.rule()));
        Self::fit(verdict, &reasons, &end)
    }

    /// The verdict, as many lines as fit, how many were cut, and the end, of which the last line always fits.
    fn fit(verdict: String, lines: &[String], end: &str) -> Self {
        let end = if end.len() > END_BYTES_MAX { end.lines().last().unwrap_or_default() } else { end };
        let room = COMMENT_BYTES_MAX.saturating_sub(end.len()).saturating_sub(MORE_BYTES);
        let mut text = verdict;
        let mut cut = lines.len();
        for line in lines {
            if text.len().saturating_add(line.len()) >= room {
                break;
            }
            text.push_str(line);
            text.push('\n');
            cut = cut.saturating_sub(1);
        }
        if cut > 0 {
            text.push_str(&format!("- and {cut} more, in the function's log\n"));
        }
        text.push_str(end);
        Self(text)
    }
}

fn verdict(name: &str, can: &str, request: &Request, yet: &str) -> String {
    format!("**{name}**: run {} {can} to {}{yet}.\n", request.run, quoted(request.environment.as_str()))
}

/// A reason and an end. With the longest names and lists the names are left out, and at last the finding's own fix.
fn line(finding: &Finding, end: &str) -> String {
    let check = format!("- **{}**{}", finding.check, finding.gate_suffix());
    let whole = format!("{check}: {}.{end}", finding.reason);
    if whole.len() <= REASON_BYTES_MAX {
        return whole;
    }
    let nameless = format!("{check}: the names are in the function's log.{end}");
    if nameless.len() <= REASON_BYTES_MAX {
        return nameless;
    }
    format!("{check}: the names are in the function's log. **Fix:** {}", finding.check.fix())
}

fn passed(gate: &PassedGate) -> String {
    let approvers = quoted_list(gate.approvers.iter().map(|approver| &approver.login));
    let who = if approvers.is_empty() { "no approval required".to_owned() } else { format!("approved by {approvers}") };
    let when = gate.passed_at.map(|at| format!(", job ended at {at}")).unwrap_or_default();
    let attempt = gate.attempt.map(|attempt| format!(" in attempt {attempt}")).unwrap_or_default();
    format!("{}: {who}{when}{attempt}", quoted(&gate.job))
}

fn rule(number: Option<usize>) -> String {
    match number {
        Some(number) => format!("Rule {number} of the Environment Gate policy."),
        None => "No rule of the Environment Gate policy covers it.".to_owned(),
    }
}
