//! The checks `gate-approval` and `approvals`: whose approvals count, and are they enough?

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::case::{Case, SETTLE, lag};
use super::history::History;
use super::starter::{account_text, logins, what_started};
use crate::gate::check::{Check, Finding, Verdict};
use crate::gate::passed_gate::{Approver, PassedGate};
use crate::model::{Account, AccountType, EnvironmentReview, ReviewState, listed, quoted, quoted_list};

/// The reviews of one gate's environment: those that count, and why the others do not.
pub(super) struct Reviews {
    pub(super) approvers: Vec<Approver>,
    others: Vec<String>,
}

pub(super) fn count(case: &Case<'_>, history: &History<'_>, starters: &[&Account]) -> Reviews {
    let mut reviews = Reviews { approvers: Vec::new(), others: Vec::new() };
    for review in case.reviews_of(history.gate) {
        match counts(case, review, starters) {
            Ok(approver) => reviews.approvers.push(approver),
            Err(why) => reviews.others.push(why),
        }
    }
    reviews
}

/// Whose approval it is, if it counts; else why it does not.
fn counts(case: &Case<'_>, review: &EnvironmentReview, starters: &[&Account]) -> Result<Approver, String> {
    let Some(user) = &review.user else {
        return Err("a review by a deleted account".to_owned());
    };
    let login = quoted(user.login.as_str());
    match review.state {
        ReviewState::Approved => {}
        ReviewState::Rejected => return Err(format!("{} rejected it", account_text(user))),
        ReviewState::Unknown => return Err(format!("{} neither approved nor rejected it", account_text(user))),
    }
    match user.account_type {
        AccountType::User => {}
        AccountType::Bot => return Err(format!("{login} approved it but is a bot")),
        AccountType::Unknown => return Err(format!("{login} approved it but is not a person")),
    }
    if !case.rule.approvers.is_empty() && !case.rule.approvers.contains(&user.login) {
        return Err(format!("{login} approved it but is not in `approvers`"));
    }
    if !case.rule.self_approval && starters.iter().any(|starter| starter.id == user.id) {
        return Err(format!("{login} approved it but {}", what_started(case, user)));
    }
    Ok(Approver { id: user.id, login: user.login.as_str().to_owned() })
}

/// As many approvals as there are attempts in which the gate's job got past the wait, and at least one. An approval does not name its
/// attempt, so an admin's bypass in one of them shows only in the number.
pub(super) fn gate_approval(case: &Case<'_>, history: &History<'_>, reviews: &Reviews) -> Finding {
    let required = history.passed_wait.max(1);
    let environment = quoted(history.gate.environment.as_str());
    let by = who_counts(case);
    let expected = match required {
        1 => format!("an approval of environment {environment} by {by}"),
        _ => {
            format!(
                "{required} approvals of environment {environment} by {by}, one for each attempt that passed the gate"
            )
        }
    };
    let got = approvals_text(reviews);
    let verdict = verdict(case, reviews.approvers.len(), required, history.completed_at());
    let reason = match verdict {
        Verdict::Wait => format!("{got} so far; {}", lag()),
        Verdict::Fail if required > 1 => format!("{required} attempts passed the gate, but it has only {got}"),
        Verdict::Fail if got == NO_APPROVAL => format!("nobody approved environment {environment} in this run"),
        Verdict::Pass | Verdict::Fail => got.clone(),
    };
    let fix = if case.is_rejected(history.gate) {
        SETTLE.to_owned()
    } else if required > 1 {
        "Start a new run (not a re-run) and have its gate approved.".to_owned()
    } else {
        approval_fix(case, history)
    };
    Finding::new(Check::GateApproval, verdict, got, expected).because(reason).fixed_by(fix)
}

const NO_APPROVAL: &str = "no approval";

fn approvals_text(reviews: &Reviews) -> String {
    let names = names_with_counts(&reviews.approvers);
    let others = listed(reviews.others.iter().cloned());
    match (reviews.approvers.len(), others.as_str()) {
        (0, "") => NO_APPROVAL.to_owned(),
        (0, others) => format!("no approval that counts ({others})"),
        (1, "") => format!("1 approval (by {names})"),
        (several, "") => format!("{several} approvals (by {names})"),
        (1, others) => format!("1 approval that counts (by {names}; {others})"),
        (several, others) => format!("{several} approvals that count (by {names}; {others})"),
    }
}

/// Each name once: `` `bob` (2 times), `carol` ``.
fn names_with_counts(approvers: &[Approver]) -> String {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for approver in approvers {
        match counts.iter_mut().find(|(login, _)| *login == approver.login) {
            Some((_, count)) => *count = count.saturating_add(1),
            None => counts.push((&approver.login, 1)),
        }
    }
    listed(counts.into_iter().map(|(login, count)| match count {
        1 => quoted(login).to_string(),
        count => format!("{} ({count} times)", quoted(login)),
    }))
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
    use crate::gate::tests::{ALICE, BOB, World, account, ago, approval, bot, found, job};
    use crate::model::{Conclusion, Job, RunAttempt};

    fn verdict(check: Check, change: impl FnOnce(&mut World)) -> Verdict {
        found(check, change).verdict
    }

    /// Carol re-ran all jobs of the run.
    fn rerun_by_carol(world: &mut World) {
        world.facts.run.attempt = Some(2);
        world.facts.run.triggering_actor = Some(account(33));
        world.facts.earlier_attempts = vec![RunAttempt { attempt: 1, triggering_actor: Some(account(ALICE)) }];
        world.facts.jobs.push(Job { attempt: Some(2), ..job(7101, "release-gate") });
    }

    /// What is said about the approvals of the gate, when these are all.
    fn with_reviews(reviews: Vec<EnvironmentReview>) -> Finding {
        found(Check::GateApproval, |world| world.facts.reviews = reviews)
    }

    /// Why one review does not count.
    fn refused(review: EnvironmentReview) -> String {
        let finding = with_reviews(vec![review]);
        assert_eq!(finding.verdict, Verdict::Fail);
        finding.reason
    }

    #[test]
    fn an_approval_by_another_person_counts() {
        let finding = found(Check::GateApproval, |_| {});
        assert_eq!((finding.verdict, finding.reason.as_str()), (Verdict::Pass, "1 approval (by `bob`)"));
        assert_eq!(finding.expected, "an approval of environment `release-gate` by a person (but not whoever started the run)");
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
    fn an_approval_of_an_environment_with_another_id_does_not_count() {
        assert_eq!(
            with_reviews(vec![EnvironmentReview { environment_ids: vec![1], ..approval(BOB) }]).verdict,
            Verdict::Fail
        );
    }

    #[test]
    fn the_starters_approval_does_not_count() {
        assert_eq!(refused(approval(ALICE)), "no approval that counts (`alice` approved it but started the run)");
    }

    #[test]
    fn a_bots_approval_does_not_count() {
        let review = EnvironmentReview { user: Some(bot()), ..approval(BOB) };
        assert_eq!(refused(review), "no approval that counts (`a-bot[bot]` approved it but is a bot)");
    }

    #[test]
    fn an_approval_by_an_unknown_kind_of_account_does_not_count() {
        let user = Some(Account { account_type: AccountType::Unknown, ..account(BOB) });
        let reason = refused(EnvironmentReview { user, ..approval(BOB) });
        assert_eq!(reason, "no approval that counts (`bob` approved it but is not a person)");
    }

    #[test]
    fn an_approval_by_a_deleted_account_does_not_count() {
        let reason = refused(EnvironmentReview { user: None, ..approval(BOB) });
        assert_eq!(reason, "no approval that counts (a review by a deleted account)");
    }

    #[test]
    fn a_review_in_an_unknown_state_does_not_count() {
        let user = Some(Account { account_type: AccountType::Unknown, ..account(BOB) });
        let reason = refused(EnvironmentReview { state: ReviewState::Unknown, user, ..approval(BOB) });
        assert_eq!(reason, "no approval that counts (`bob` (not a person) neither approved nor rejected it)");
    }

    #[test]
    fn a_rejection_is_settled_with_the_reviewer() {
        let finding = with_reviews(vec![EnvironmentReview { state: ReviewState::Rejected, ..approval(BOB) }]);
        assert_eq!(finding.reason, "no approval that counts (`bob` rejected it)");
        assert_eq!((finding.verdict, finding.fix.as_str()), (Verdict::Fail, SETTLE));
    }

    #[test]
    fn an_approval_that_counts_is_enough_beside_one_that_does_not() {
        let finding = with_reviews(vec![approval(ALICE), approval(BOB)]);
        let reason = "1 approval that counts (by `bob`; `alice` approved it but started the run)";
        assert_eq!((finding.verdict, finding.reason.as_str()), (Verdict::Pass, reason));
    }

    #[test]
    fn several_approvals_are_counted() {
        assert_eq!(with_reviews(vec![approval(BOB), approval(33)]).reason, "2 approvals (by `bob`, `carol`)");
        let reason = with_reviews(vec![approval(BOB), approval(33), approval(ALICE)]).reason;
        assert_eq!(reason, "2 approvals that count (by `bob`, `carol`; `alice` approved it but started the run)");
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
        assert_eq!(finding.expected, "an approval of environment `release-gate` by `BOB` (but not whoever started the run)");
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
    fn who_re_ran_the_gate_cannot_approve_it() {
        let finding = found(Check::GateApproval, |world| {
            rerun_by_carol(world);
            world.facts.reviews = vec![approval(33), approval(33)];
        });
        assert_eq!(finding.verdict, Verdict::Fail);
        assert!(finding.reason.contains("`carol` approved it but re-ran the gate"), "{finding}");
    }

    #[test]
    fn each_attempt_that_passed_the_gate_needs_an_approval() {
        let finding = found(Check::GateApproval, rerun_by_carol);
        let reason = "2 attempts passed the gate, but it has only 1 approval (by `bob`)";
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
