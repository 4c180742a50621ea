//! The checks `gate-approval` and `approvals`: are the approvals that count enough? Not here: which ones count.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::case::{Case, SETTLE, lag};
use super::history::History;
use super::reviews::Reviews;
use super::starter::logins;
use crate::gate::check::{Check, Finding, Verdict};
use crate::gate::passed_gate::PassedGate;
use crate::model::{quoted, quoted_list};

/// As many approvals as there are attempts in which the gate's job got past the wait, and at least one. An approval does not name its
/// attempt, so an admin's bypass in one of them shows only in the number.
pub(super) fn gate_approval(case: &Case<'_>, history: &History<'_>, reviews: &Reviews) -> Finding {
    let required = history.passed_wait().max(1);
    let environment = quoted(history.gate.environment.as_str());
    let by = who_counts(case);
    let expected = match required {
        1 => format!("an approval of environment {environment} by {by}"),
        _ => {
            format!(
                "{required} approvals of environment {environment} by {by}, one for each time that the gate was passed"
            )
        }
    };
    let got = reviews.text();
    let verdict = match reviews.unexplained {
        0 => verdict(case, reviews.approvers.len(), required, history.completed_at()),
        _ => Verdict::Fail,
    };
    let reason = match verdict {
        Verdict::Fail if reviews.unexplained > 0 => {
            format!("a reviewer rejected environment {environment}, and yet the gate was passed: {got}")
        }
        Verdict::Wait => format!("{got} so far; {}", lag()),
        Verdict::Fail if required > 1 => {
            format!("the gate was passed {required} times, but it has only {got}; every pass needs one of its own")
        }
        Verdict::Fail if reviews.is_empty() => format!("nobody approved environment {environment} in this run"),
        Verdict::Pass | Verdict::Fail => got.clone(),
    };
    let fix = if case.rejections(history.gate) > 0 {
        SETTLE.to_owned()
    } else if history.findings.iter().any(|finding| finding.verdict == Verdict::Fail && finding.check == Check::GateJob)
    {
        "Follow the fix for `gate-job`.".to_owned()
    } else if case.environment(history.gate).is_none() {
        "Follow the fix for `gate-environment`.".to_owned()
    } else if required > 1 {
        "Start a new run (not a re-run) and have its gate approved.".to_owned()
    } else {
        approval_fix(case, history)
    };
    Finding::new(Check::GateApproval, verdict, got, expected).because(reason).fixed_by(fix)
}

fn approval_fix(case: &Case<'_>, history: &History<'_>) -> String {
    let anyone_else = case.rule.approvers.is_empty() && !case.rule.self_approval;
    let who = if anyone_else { "someone else".to_owned() } else { who_counts(case) };
    let environment = quoted(&format!("environment: {}", history.gate.environment.as_str())).to_string();
    format!(
        "Start a new run (not a re-run) and have {who} approve its gate. If GitHub never asks for approval, the gate job is missing {environment}."
    )
}

fn who_counts(case: &Case<'_>) -> String {
    let who = match case.rule.approvers.as_slice() {
        [] => "a person".to_owned(),
        [_] => logins(&case.rule.approvers),
        _ => format!("one of {}", logins(&case.rule.approvers)),
    };
    if case.rule.self_approval { who } else { format!("{who} (but not whoever started the run)") }
}

pub(super) fn approvals(case: &Case<'_>, histories: &[History<'_>], gates: &[PassedGate]) -> Finding {
    let approvers: BTreeMap<u64, &str> =
        gates.iter().flat_map(|gate| &gate.approvers).map(|approver| (approver.id, approver.login.as_str())).collect();
    let required = case.rule.approvals;
    let names = if approvers.is_empty() { String::new() } else { format!(" ({})", quoted_list(approvers.values())) };
    let newest = histories.iter().filter_map(History::completed_at).max();
    let verdict = verdict(case, approvers.len(), required, newest);
    let got = format!("{}{names}", people(approvers.len()));
    let expected = format!("{}, over all gates", people(required));
    let finding = Finding::new(Check::Approvals, verdict, got, expected);
    let finding = match required {
        1 => finding.fixed_by("Follow the fix for `gate-approval`."),
        _ => finding,
    };
    match verdict {
        Verdict::Pass => finding,
        _ => finding.because(format!("{} of {required} required approvers{names}", approvers.len())),
    }
}

fn people(count: usize) -> String {
    match count {
        0 => "no approver".to_owned(),
        1 => "1 approver".to_owned(),
        count => format!("{count} different approvers"),
    }
}

/// An approval that is missing right after the gate was passed may simply not be visible yet. Where no gate was passed there is nothing to wait for.
fn verdict(case: &Case<'_>, approvals: usize, required: usize, passed_at: Option<Timestamp>) -> Verdict {
    match passed_at {
        _ if approvals >= required => Verdict::Pass,
        Some(passed_at) if !case.is_settled(passed_at) => Verdict::Wait,
        _ => Verdict::Fail,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::tests::{ALICE, BOB, World, account, ago, approval, found};
    use crate::model::{Conclusion, EnvironmentReview, ReviewState};

    fn verdict(check: Check, change: impl FnOnce(&mut World)) -> Verdict {
        found(check, change).verdict
    }

    /// Carol re-ran all jobs of the run.
    fn rerun_by_carol(world: &mut World) {
        world.rerun_with_gate();
    }

    /// What is said about the approvals of the gate, when these are all.
    fn with_reviews(reviews: Vec<EnvironmentReview>) -> Finding {
        found(Check::GateApproval, |world| world.facts.reviews = reviews)
    }

    #[test]
    fn an_approval_by_another_person_counts() {
        let finding = found(Check::GateApproval, |_| {});
        assert_eq!((finding.verdict, finding.reason.as_str()), (Verdict::Pass, "1 approval (by `bob`)"));
        assert_eq!(
            finding.expected,
            "an approval of environment `release-gate` by a person (but not whoever started the run)"
        );
    }

    #[test]
    fn a_gate_that_nobody_approved_fails() {
        let finding = with_reviews(Vec::new());
        let reason = "nobody approved environment `release-gate` in this run";
        assert_eq!((finding.verdict, finding.reason.as_str()), (Verdict::Fail, reason));
        let fix = "Start a new run (not a re-run) and have someone else approve its gate. If GitHub never asks for approval, the gate job is missing `environment: release-gate`.";
        assert_eq!(finding.fix, fix);
    }

    #[test]
    fn a_rejection_is_settled_with_the_reviewer() {
        let finding = with_reviews(vec![EnvironmentReview { state: ReviewState::Rejected, ..approval(BOB) }]);
        let reason = "a reviewer rejected environment `release-gate`, and yet the gate was passed: no approval that counts (`bob` rejected it)";
        assert_eq!(finding.reason, reason);
        assert_eq!((finding.verdict, finding.fix.as_str()), (Verdict::Fail, SETTLE));
    }

    #[test]
    fn a_rejection_that_no_execution_explains_fails_beside_an_approval() {
        let finding =
            with_reviews(vec![EnvironmentReview { state: ReviewState::Rejected, ..approval(33) }, approval(BOB)]);
        let reason = "a reviewer rejected environment `release-gate`, and yet the gate was passed: 1 approval that counts (by `bob`; `carol` rejected it)";
        assert_eq!((finding.verdict, finding.reason.as_str()), (Verdict::Fail, reason));
    }

    #[test]
    fn a_rejection_is_explained_by_an_execution_that_ended_while_it_waited() {
        let finding = found(Check::GateApproval, |world| {
            world.rerun_with_gate();
            let gate = world.gate_job();
            (gate.conclusion, gate.has_runner) = (Some(Conclusion::parse("failure")), false);
            world.facts.reviews.push(EnvironmentReview { state: ReviewState::Rejected, ..approval(33) });
        });
        assert_eq!(finding.verdict, Verdict::Pass);
    }

    #[test]
    fn only_approvers_of_the_rule_count() {
        let finding = found(Check::GateApproval, |world| world.policy += "approvers = [\"Carol\", \"dave\"]\n");
        assert_eq!(finding.reason, "no approval that counts (`bob` approved it but is not in `approvers`)");
        assert!(
            finding.fix.contains("have one of `Carol`, `dave` (but not whoever started the run) approve"),
            "{}",
            finding.fix
        );
    }

    #[test]
    fn a_single_approver_of_the_rule_is_named() {
        let finding = found(Check::GateApproval, |world| world.policy += "approvers = [\"BOB\"]\n");
        assert_eq!(finding.verdict, Verdict::Pass);
        assert_eq!(
            finding.expected,
            "an approval of environment `release-gate` by `BOB` (but not whoever started the run)"
        );
    }

    #[test]
    fn with_self_approval_the_starters_approval_counts() {
        let passes = verdict(Check::GateApproval, |world| {
            world.policy += "self_approval = true\n";
            world.facts.reviews = vec![approval(ALICE)];
        });
        assert_eq!(passes, Verdict::Pass);
    }

    #[test]
    fn with_self_approval_any_person_can_fix_it() {
        let finding = found(Check::GateApproval, |world| {
            world.policy += "self_approval = true\n";
            world.facts.reviews.clear();
        });
        assert!(finding.fix.contains("have a person approve its gate"), "{}", finding.fix);
    }

    #[test]
    fn each_attempt_that_passed_the_gate_needs_an_approval() {
        let finding = found(Check::GateApproval, rerun_by_carol);
        let reason =
            "the gate was passed 2 times, but it has only 1 approval (by `bob`); every pass needs one of its own";
        assert_eq!((finding.verdict, finding.reason.as_str()), (Verdict::Fail, reason));
        assert_eq!(finding.fix, "Start a new run (not a re-run) and have its gate approved.");
        let passes = verdict(Check::GateApproval, |world| {
            rerun_by_carol(world);
            world.facts.reviews.push(approval(BOB));
        });
        assert_eq!(passes, Verdict::Pass);
    }

    #[test]
    fn an_attempt_that_did_not_pass_the_gate_needs_no_approval() {
        let passes = verdict(Check::GateApproval, |world| {
            rerun_by_carol(world);
            world.gate_job().has_runner = false;
            world.gate_job().conclusion = Some(Conclusion::parse("failure"));
        });
        assert_eq!(passes, Verdict::Pass);
    }

    #[test]
    fn a_missing_approval_waits_for_60_seconds_after_the_gate_ended() {
        let with = |seconds| {
            move |world: &mut World| {
                world.facts.reviews.clear();
                world.gate_job().completed_at = Some(ago(seconds));
            }
        };
        let finding = found(Check::GateApproval, with(59));
        let reason = "no approval so far; GitHub's data can lag by up to 60 s";
        assert_eq!((finding.verdict, finding.reason.as_str()), (Verdict::Wait, reason));
        assert_eq!(verdict(Check::GateApproval, with(60)), Verdict::Fail);
        assert_eq!(verdict(Check::Approvals, with(59)), Verdict::Wait);
        assert_eq!(verdict(Check::Approvals, with(60)), Verdict::Fail);
    }

    #[test]
    fn without_a_gate_there_is_no_approval_to_wait_for() {
        let finding = found(Check::GateApproval, |world| {
            world.gate_job().name = "build".to_owned();
            world.facts.reviews.clear();
        });
        assert_eq!(finding.verdict, Verdict::Fail);
    }

    #[test]
    fn enough_approvers_pass() {
        let finding = found(Check::Approvals, |_| {});
        assert_eq!((finding.verdict, finding.reason.as_str()), (Verdict::Pass, "1 approver (`bob`)"));
    }

    #[test]
    fn no_approver_is_reported_as_a_count() {
        let finding = found(Check::Approvals, |world| world.facts.reviews.clear());
        assert_eq!((finding.reason.as_str(), finding.got.as_str()), ("0 of 1 required approvers", "no approver"));
        assert_eq!(finding.fix, "Follow the fix for `gate-approval`.");
    }

    #[test]
    fn two_people_over_two_gates_are_two_approvers() {
        let finding = found(Check::Approvals, World::add_security_gate);
        assert_eq!(
            (finding.verdict, finding.reason.as_str()),
            (Verdict::Pass, "2 different approvers (`bob`, `carol`)")
        );
    }

    #[test]
    fn one_person_over_two_gates_is_one_approver() {
        let finding = found(Check::Approvals, |world| {
            world.add_security_gate();
            world.facts.reviews.iter_mut().for_each(|review| review.user = Some(account(BOB)));
        });
        assert_eq!((finding.verdict, finding.reason.as_str()), (Verdict::Fail, "1 of 2 required approvers (`bob`)"));
        assert_eq!(finding.fix, Check::Approvals.fix());
    }
}
