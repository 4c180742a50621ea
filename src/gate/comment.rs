//! A decision as a comment, for the release engineer at night and the auditor a year later.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::check::{Finding, NOTHING, NOTHING_YET, Verdict};
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
        let gates = approval.gates().iter().map(|gate| format!("- Gate {}.", passed(gate)));
        let lines: Vec<String> = gates.chain(warnings(approval.findings())).collect();
        Self::fit(verdict, &lines, &rule(approval.rule()))
    }

    /// Shows every reason, how to fix it, and who approved all the same.
    pub fn of_rejection(rejection: &Rejection, request: &Request) -> Self {
        let verdict = verdict("Rejected", "cannot deploy", request, "");
        // What only waits is no reason to reject.
        let failed = rejection.findings().iter().filter(|finding| finding.verdict == Verdict::Fail);
        let reasons = failed.map(|finding| line(finding, &format!(" **Fix:** {}", finding.fix)));
        let reasons: Vec<String> = reasons.chain(warnings(rejection.findings())).collect();
        let approved = rejection.gates().iter().filter(|gate| !gate.approvers.is_empty());
        let approved = approved.map(|gate| format!("- For information, gate {}.", passed(gate)));
        let end: Vec<String> = approved.chain([rule(rejection.rule())]).collect();
        Self::fit(verdict, &reasons, &end.join("\n"))
    }

    /// Shows what the decision waits for.
    pub fn of_deferral(deferral: &Deferral, request: &Request) -> Self {
        let verdict = verdict("Waiting", "cannot deploy", request, " yet");
        let missing = deferral.findings().iter().filter(|finding| finding.verdict == Verdict::Wait);
        let reasons: Vec<String> =
            missing.map(|finding| line(finding, "")).chain(warnings(deferral.findings())).collect();
        let end = format!(
            "**To do:** {}\nChecked again about every minute, for up to three days. {}",
            to_do(deferral.findings()),
            rule(deferral.rule())
        );
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
            // Writing to a `String` cannot fail.
            let _ = writeln!(text, "- and {cut} more, in the function's log");
        }
        text.push_str(end);
        Self(text)
    }
}

fn verdict(name: &str, can: &str, request: &Request, yet: &str) -> String {
    format!("**{name}**: run {} {can} to {}{yet}.\n", request.run, quoted(request.environment.as_str()))
}

/// What people can do while the decision waits.
fn to_do(findings: &[Finding]) -> String {
    let waiting = findings.iter().filter(|finding| finding.verdict == Verdict::Wait);
    let to_do: BTreeSet<&str> = waiting.map(|finding| finding.fix.as_str()).collect();
    let mut by_people = to_do.iter().filter(|to_do| ![NOTHING, NOTHING_YET].contains(to_do)).copied().peekable();
    match by_people.peek() {
        Some(_) => by_people.collect::<Vec<_>>().join(" "),
        None if to_do.contains(NOTHING_YET) => NOTHING_YET.to_owned(),
        None => NOTHING.to_owned(),
    }
}

/// A reason and an end. If they are too long, the names are left out first, then the finding's own fix.
fn line(finding: &Finding, end: &str) -> String {
    let check = format!("- **{}**{}", finding.check, finding.subject());
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

/// What policies want people to read, whatever was decided.
fn warnings(findings: &[Finding]) -> impl Iterator<Item = String> {
    findings.iter().filter_map(|finding| {
        Some(format!("- **{}**{}: {}.", finding.check, finding.subject(), finding.warning.as_ref()?))
    })
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
        None => "No rule of the Environment Gate policy covers this request.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

    use super::*;
    use crate::gate::tests::World;
    use crate::gate::{Check, Decision};
    use crate::model::{EnvironmentName, JobStatus, Login};

    fn comment(change: impl FnOnce(&mut World)) -> String {
        let mut world = World::new();
        change(&mut world);
        let comment = match world.decision() {
            Decision::Approved(approval) => Comment::of_approval(&approval, &world.request),
            Decision::Rejected(rejection) => Comment::of_rejection(&rejection, &world.request),
            Decision::Deferred(deferral) => Comment::of_deferral(&deferral, &world.request),
            Decision::RunEnded => panic!("nothing is said about a run that has ended"),
        };
        comment.as_str().to_owned()
    }

    #[test]
    fn an_approval_shows_who_approved() {
        let text = "**Approved**: run 9001 can deploy to `release`.\n\
            - Gate `release-gate`: approved by `bob`, job ended at 2026-01-05T10:05:00Z in attempt 1.\n\
            Rule 1 of the Environment Gate policy.";
        assert_eq!(comment(|_| {}), text);
    }

    #[test]
    fn an_approval_that_nobody_had_to_give_says_so() {
        let text = comment(|world| world.policy += "approvals = 0\n");
        assert!(text.contains("- Gate `release-gate`: no approval required, job ended at"), "{text}");
    }

    #[test]
    fn a_rejection_shows_each_reason_with_its_fix_and_who_approved_all_the_same() {
        let text = "**Rejected**: run 9001 cannot deploy to `release`.\n\
            - **fork**: the run's commit is from repository 1, not from this one (4242). **Fix:** Push the commit to this repository and start a new run there.\n\
            - For information, gate `release-gate`: approved by `bob`, job ended at 2026-01-05T10:05:00Z in attempt 1.\n\
            Rule 1 of the Environment Gate policy.";
        assert_eq!(comment(|world| world.facts.run.head_repository_id = Some(1)), text);
    }

    #[test]
    fn a_rejection_without_an_approval_names_no_gate() {
        assert!(!comment(|world| world.facts.reviews.clear()).contains("For information"));
    }

    #[test]
    fn what_only_waits_is_no_reason_to_reject() {
        let text = comment(|world| {
            world.facts.run.head_repository_id = Some(1);
            world.gate_job().status = JobStatus::Waiting;
        });
        assert!(text.contains("**fork**") && !text.contains("gate-conclusion"), "{text}");
    }

    #[test]
    fn a_rejection_by_no_rule_says_so() {
        let text = comment(|world| world.request.environment = EnvironmentName::parse("staging").unwrap());
        assert!(text.ends_with("\nNo rule of the Environment Gate policy covers this request."), "{text}");
    }

    #[test]
    fn a_deferral_shows_what_it_waits_for_and_what_to_do() {
        let text = "**Waiting**: run 9001 cannot deploy to `release` yet.\n\
            - **gate-conclusion** (`release-gate`): the gate's job is waiting for its reviewers.\n\
            **To do:** Have `release-gate` approved or rejected on the run's page.\n\
            Checked again about every minute, for up to three days. Rule 1 of the Environment Gate policy.";
        assert_eq!(comment(|world| world.gate_job().status = JobStatus::Waiting), text);
    }

    fn lines(count: usize, bytes: usize) -> Vec<String> {
        (0..count).map(|_| "x".repeat(bytes)).collect()
    }

    #[test]
    fn reasons_that_do_not_fit_are_cut_and_counted() {
        let Comment(text) = Comment::fit("no\n".to_owned(), &lines(5, 300), "the end");
        assert_eq!(text, format!("no\n{0}\n{0}\n{0}\n- and 2 more, in the function's log\nthe end", "x".repeat(300)));
    }

    #[test]
    fn reasons_that_fit_exactly_are_not_cut() {
        let room = COMMENT_BYTES_MAX - "the end".len() - MORE_BYTES;
        let fits = |bytes| !Comment::fit("no\n".to_owned(), &lines(1, bytes), "the end").0.contains("more");
        assert!(fits(room - "no\n".len() - 1) && !fits(room - "no\n".len()));
    }

    #[test]
    fn an_end_that_is_too_long_keeps_its_last_line() {
        let end = |bytes| format!("{}\nthe rule", "x".repeat(bytes));
        let last_line = "\nthe rule".len();
        assert_eq!(Comment::fit(String::new(), &[], &end(END_BYTES_MAX - last_line)).0.len(), END_BYTES_MAX);
        assert_eq!(Comment::fit(String::new(), &[], &end(END_BYTES_MAX - last_line + 1)).0, "the rule");
    }

    fn finding(reason: &str, fix: &str) -> Finding {
        Finding::new(Check::GateApproval, Verdict::Fail, reason, "").fixed_by(fix).of_gate(&"g".repeat(200))
    }

    #[test]
    fn a_reason_that_is_too_long_loses_its_names() {
        let end = " **Fix:** Wait.";
        let without_names = line(&finding(&"x".repeat(300), ""), end);
        assert!(without_names.ends_with(": the names are in the function's log. **Fix:** Wait."), "{without_names}");
        let room = REASON_BYTES_MAX - line(&finding("", ""), end).len();
        assert!(line(&finding(&"x".repeat(room), ""), end).contains("xxx"));
        assert!(!line(&finding(&"x".repeat(room + 1), ""), end).contains("xxx"));
    }

    #[test]
    fn a_fix_that_is_too_long_is_the_checks_own() {
        let fix = format!("Ask {}.", "x".repeat(300));
        let text = line(&finding("no", &fix), &format!(" **Fix:** {fix}"));
        assert!(text.ends_with(Check::GateApproval.fix()) && text.len() <= REASON_BYTES_MAX, "{text}");
        let room = REASON_BYTES_MAX - line(&finding(&"x".repeat(400), ""), "").len();
        let with = |bytes: usize| line(&finding(&"x".repeat(400), ""), &"y".repeat(bytes));
        assert!(with(room).contains('y') && !with(room + 1).contains("yyy"));
    }

    #[test]
    fn every_checks_own_fix_fits_into_a_reason() {
        for check in Check::ALL {
            let long = Finding::new(check, Verdict::Fail, "x".repeat(500), "").of_gate(&"\u{10ffff}".repeat(200));
            let text = line(&long, &format!(" **Fix:** {}", "y".repeat(500)));
            assert!(text.len() <= REASON_BYTES_MAX && text.ends_with(check.fix()), "{text}");
        }
    }

    #[test]
    fn the_longest_names_stay_within_the_limit_and_still_give_a_reason() {
        let name = "\u{10ffff}".repeat(200);
        let text = comment(|world| {
            world.request.environment = EnvironmentName::parse(&name).unwrap();
            world.facts.pending = Some(vec![world.request.environment.clone()]);
            let approver = "b".repeat(120);
            write!(world.policy, "environment = \"{name}\"\napprovals = 9\napprovers = [\"{approver}\"]\n").unwrap();
            for number in 0..9 {
                let gate = format!("{number}{name}");
                let job: String = gate.chars().take(100).collect();
                let table = "[[rule.gate]]\njob =";
                writeln!(world.policy, "{table} \"{job}\"\nenvironment = \"{gate}\"").unwrap();
                world.facts.environments.insert(EnvironmentName::parse(&gate).unwrap(), None);
            }
            world.facts.run.actor.iter_mut().for_each(|actor| actor.login = Login::parse(&"a".repeat(120)).unwrap());
        });
        assert!(text.len() <= COMMENT_BYTES_MAX, "{}", text.len());
        assert!(text.contains("- **gate-job** (`0\\u{10ffff}"), "{text}");
        assert!(text.ends_with("more, in the function's log\nRule 1 of the Environment Gate policy."), "{text}");
    }
}
