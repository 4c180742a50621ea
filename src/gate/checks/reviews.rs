//! The reviews of a gate's environment: whose approval counts, and why the others do not.

use super::case::Case;
use super::history::History;
use super::starter::{account_text, what_started};
use crate::gate::passed_gate::Approver;
use crate::model::{Account, AccountType, EnvironmentReview, ReviewState, listed, quoted};

/// The reviews of one gate's environment: those that count, and why the others do not.
pub(super) struct Reviews {
    pub(super) approvers: Vec<Approver>,
    others: Vec<String>,
    /// Rejections for which no execution of the gate ended while it waited: somebody said no, and the gate was passed all the same.
    pub(super) unexplained: usize,
}

impl Reviews {
    /// `starters` are the accounts whose approval does not count unless the rule has `self_approval`.
    pub(super) fn count(case: &Case<'_>, history: &History<'_>, starters: &[&Account]) -> Self {
        let unexplained = case.rejections(history.gate).saturating_sub(history.ended_at_the_wait());
        let mut reviews = Self { approvers: Vec::new(), others: Vec::new(), unexplained };
        for review in case.reviews_of(history.gate) {
            match counts(case, review, starters) {
                Ok(approver) => reviews.approvers.push(approver),
                Err(why) => reviews.others.push(why),
            }
        }
        reviews.others.extend(of_deleted_environment(case, history));
        reviews
    }

    /// Whether nobody reviewed the gate at all.
    pub(super) fn is_empty(&self) -> bool {
        self.approvers.is_empty() && self.others.is_empty()
    }

    /// `` 1 approval that counts (by `bob`; `alice` approved it but started the run) ``.
    pub(super) fn text(&self) -> String {
        let names = names_with_counts(&self.approvers);
        let others = listed(self.others.iter().cloned());
        match (self.approvers.len(), others.as_str()) {
            (0, "") => "no approval".to_owned(),
            (0, others) => format!("no approval that counts ({others})"),
            (1, "") => format!("1 approval (by {names})"),
            (several, "") => format!("{several} approvals (by {names})"),
            (1, others) => format!("1 approval that counts (by {names}; {others})"),
            (several, others) => format!("{several} approvals that count (by {names}; {others})"),
        }
    }
}

/// Approvals of an environment that was deleted and created again since.
fn of_deleted_environment(case: &Case<'_>, history: &History<'_>) -> Vec<String> {
    let Some(environment) = case.environment(history.gate) else { return Vec::new() };
    let of_another_id = case
        .reviews_by_name(history.gate)
        .filter(|review| !review.environment_ids.contains(&environment.id) && review.state == ReviewState::Approved);
    let who = |review: &EnvironmentReview| {
        review
            .user
            .as_ref()
            .map_or_else(|| "a deleted account".to_owned(), |user| quoted(user.login.as_str()).to_string())
    };
    of_another_id
        .map(|review| format!("{} approved it before the environment was deleted and created again", who(review)))
        .collect()
}

/// Whose approval it is, if it counts; else why it does not.
fn counts(case: &Case<'_>, review: &EnvironmentReview, starters: &[&Account]) -> Result<Approver, String> {
    let Some(user) = &review.user else {
        return Err("a deleted account reviewed it, and only approvals by people count".to_owned());
    };
    let login = quoted(user.login.as_str());
    match review.state {
        ReviewState::Approved => {}
        ReviewState::Rejected => return Err(format!("{} rejected it", account_text(user))),
        ReviewState::Unknown => {
            return Err(format!("{} left a review that neither approves nor rejects", account_text(user)));
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::check::{Check, Finding, Verdict};
    use crate::gate::tests::{ALICE, BOB, account, approval, bot, found};

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
        assert_eq!(
            reason,
            "no approval that counts (a deleted account reviewed it, and only approvals by people count)"
        );
    }

    #[test]
    fn a_review_in_an_unknown_state_does_not_count() {
        let user = Some(Account { account_type: AccountType::Unknown, ..account(BOB) });
        let reason = refused(EnvironmentReview { state: ReviewState::Unknown, user, ..approval(BOB) });
        assert_eq!(
            reason,
            "no approval that counts (`bob` (not a person) left a review that neither approves nor rejects)"
        );
    }

    #[test]
    fn an_approval_of_an_environment_that_was_created_again_does_not_count() {
        let finding = with_reviews(vec![EnvironmentReview { environment_ids: vec![499], ..approval(BOB) }]);
        let reason = "no approval that counts (`bob` approved it before the environment was deleted and created again)";
        assert_eq!((finding.verdict, finding.reason.as_str()), (Verdict::Fail, reason));
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
    fn who_re_ran_the_gate_cannot_approve_it() {
        let finding = found(Check::GateApproval, |world| {
            world.rerun_with_gate();
            world.facts.reviews = vec![approval(33), approval(33)];
        });
        assert_eq!(finding.verdict, Verdict::Fail);
        assert!(finding.reason.contains("`carol` approved it but re-ran the gate"), "{finding}");
    }
}
