//! The checks of people: who started the run, who approved its gates, and whether that is enough.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::checks::Case;
use super::decision::{Approver, PassedGate};
use super::gates::{self, History, is_settled};
use super::{Check, Finding, Verdict};
use crate::model::{Account, AccountType, Environment, EnvironmentReview, ReviewState, listed, quoted};

/// What the checks of people found, and who approved what.
pub(super) struct People {
    pub(super) findings: Vec<Finding>,
    pub(super) gates: Vec<PassedGate>,
}

/// Judges who started the run and who approved its finished gates. With `approvals = 0` nobody is asked.
pub(super) fn judge(case: &Case<'_>, histories: &[History<'_>]) -> People {
    if case.rule.approvals == 0 {
        return People { findings: Vec::new(), gates: histories.iter().map(|gate| passed(case, gate, &[])).collect() };
    }
    let starters = match starters(case, histories) {
        Ok(starters) => starters,
        Err(finding) => return People { findings: vec![finding], gates: Vec::new() },
    };
    let mut findings = vec![starter(case, &starters)];
    let mut gates = Vec::new();
    for history in histories {
        let counted = count(case, history, &starters);
        findings.push(gate_approval(case, history, &counted).of_gate(&history.gate.job));
        gates.push(passed(case, history, &counted.approvers));
    }
    findings.push(approvals(case, histories, &gates));
    People { findings, gates }
}

/// Who started the run, and the attempts of it in which a gate ran.
fn starters<'a>(case: &Case<'a>, histories: &[History<'_>]) -> Result<Vec<&'a Account>, Finding> {
    let run = &case.evidence.run;
    let mut starters: Vec<&Account> = run.actor.iter().collect();
    for attempt in histories.iter().flat_map(|history| &history.attempts) {
        let triggering_actor = if Some(*attempt) == run.attempt {
            run.triggering_actor.as_ref()
        } else {
            let earlier = case.evidence.earlier_attempts.iter().find(|earlier| earlier.attempt == *attempt);
            earlier.and_then(|earlier| earlier.triggering_actor.as_ref())
        };
        let Some(account) = triggering_actor else {
            let got = format!("attempt {attempt} without its `triggering_actor`");
            return Err(Finding::new(Check::Starter, Verdict::Wait, got, "to know who started it".to_owned()));
        };
        if !starters.iter().any(|known| known.id == account.id) {
            starters.push(account);
        }
    }
    Ok(starters)
}

fn starter(case: &Case<'_>, starters: &[&Account]) -> Finding {
    let may_start = |account: &&&Account| {
        account.account_type == AccountType::User
            || case.rule.self_approval
            || case.rule.starters.contains(&account.login)
    };
    let refused = starters.iter().find(|account| !may_start(account));
    let verdict = if refused.is_some() { Verdict::Fail } else { Verdict::Pass };
    let expected = if case.rule.starters.is_empty() {
        "a person (the rule's `starters` names no bot)".to_owned()
    } else {
        let named = case.rule.starters.iter().map(|login| quoted(login.as_str()).to_string());
        format!("a person, or one of `starters`: {}", listed(named))
    };
    Finding::new(Check::Starter, verdict, listed(starters.iter().map(|account| account_text(account))), expected)
}

fn account_text(account: &Account) -> String {
    let login = quoted(account.login.as_str());
    match account.account_type {
        AccountType::User => login.to_string(),
        AccountType::Bot => format!("{login} (a bot)"),
        AccountType::Unknown => format!("{login} (no person's account)"),
    }
}

/// The reviews of one gate's environment: those that count, and why the others do not.
struct Counted {
    approvers: Vec<Approver>,
    others: Vec<String>,
}

fn count(case: &Case<'_>, history: &History<'_>, starters: &[&Account]) -> Counted {
    let mut counted = Counted { approvers: Vec::new(), others: Vec::new() };
    let Some(environment) = case.evidence.environment(&history.gate.environment) else {
        return counted;
    };
    for review in reviews_of(case, environment) {
        match counts(case, review, starters) {
            Ok(approver) => counted.approvers.push(approver),
            Err(why) => counted.others.push(why),
        }
    }
    counted
}

fn reviews_of<'a>(case: &Case<'a>, environment: &Environment) -> impl Iterator<Item = &'a EnvironmentReview> {
    case.evidence.reviews.iter().filter(move |review| review.environment_ids.contains(&environment.id))
}

/// Does the review count? If not, why not.
fn counts(case: &Case<'_>, review: &EnvironmentReview, starters: &[&Account]) -> Result<Approver, String> {
    let Some(user) = &review.user else {
        return Err("a review by an account that is gone".to_owned());
    };
    let text = account_text(user);
    match review.state {
        ReviewState::Approved => {}
        ReviewState::Rejected => return Err(format!("a rejection by {text}")),
        ReviewState::Unknown => return Err(format!("a review by {text} that is neither approval nor rejection")),
    }
    if user.account_type != AccountType::User {
        return Err(format!("an approval by {text}"));
    }
    if !case.rule.approvers.is_empty() && !case.rule.approvers.contains(&user.login) {
        return Err(format!("an approval by {text}, who is not in `approvers`"));
    }
    if !case.rule.self_approval && starters.iter().any(|starter| starter.id == user.id) {
        return Err(format!("an approval by {text}, who started the run"));
    }
    Ok(Approver { id: user.id, login: user.login.as_str().to_owned() })
}

/// As many approvals as there are attempts in which the gate's job got past the wait, and at least one: an entry says
/// no attempt, so an admin's bypass in one of them shows only in the number.
fn gate_approval(case: &Case<'_>, history: &History<'_>, counted: &Counted) -> Finding {
    let wanted = history.passed_wait.max(1);
    let others = listed(counted.others.iter().cloned());
    let got = match (counted.approvers.len(), others.as_str()) {
        (0, "") => "no approval".to_owned(),
        (0, others) => others.to_owned(),
        (_, "") => approvals_text(&counted.approvers),
        (_, others) => format!("{}, and not counted: {others}", approvals_text(&counted.approvers)),
    };
    let environment = quoted(history.gate.environment.as_str());
    let by = who_counts(case);
    let (got, expected) = if wanted == 1 {
        (got, format!("an approval of environment {environment} by {by}"))
    } else {
        // An approval does not say its attempt: somebody got past the gate without one, and nobody can tell when.
        let got = format!("{got} for {wanted} attempts that passed the gate");
        (got, format!("{wanted} approvals of environment {environment} by {by}, one for each of these attempts"))
    };
    let enough = counted.approvers.len() >= wanted;
    Finding::new(Check::GateApproval, missing_unless(enough, case.now, completed_at(history)), got, expected)
        .mended_if(gates::is_rejected(case, history.gate), gates::SETTLE)
}

fn approvals_text(approvers: &[Approver]) -> String {
    let names = listed(approvers.iter().map(|approver| quoted(&approver.login).to_string()));
    match approvers.len() {
        1 => format!("1 approval (by {names})"),
        several => format!("{several} approvals (by {names})"),
    }
}

fn people(count: usize) -> String {
    if count == 1 { "1 person who counts".to_owned() } else { format!("{count} different people who count") }
}

fn who_counts(case: &Case<'_>) -> String {
    let who = if case.rule.approvers.is_empty() {
        "a person".to_owned()
    } else {
        let named = listed(case.rule.approvers.iter().map(|login| quoted(login.as_str()).to_string()));
        if case.rule.approvers.len() == 1 { named } else { format!("one of {named}") }
    };
    if case.rule.self_approval { who } else { format!("{who}, other than who started the run") }
}

fn approvals(case: &Case<'_>, histories: &[History<'_>], gates: &[PassedGate]) -> Finding {
    let humans: BTreeMap<u64, &str> =
        gates.iter().flat_map(|gate| &gate.approvers).map(|approver| (approver.id, approver.login.as_str())).collect();
    let newest = histories.iter().filter_map(completed_at).max();
    let got = if humans.is_empty() {
        "nobody".to_owned()
    } else {
        format!("{}: {}", people(humans.len()), listed(humans.values().map(|login| quoted(login).to_string())))
    };
    let wanted = case.rule.approvals;
    let expected = format!("{}, over all gates", people(wanted));
    Finding::new(Check::Approvals, missing_unless(humans.len() >= wanted, case.now, newest), got, expected)
}

fn completed_at(history: &History<'_>) -> Option<Timestamp> {
    history.newest.and_then(|job| job.completed_at)
}

/// What is missing right after the gate was passed may only not be shown yet. Where no gate was passed there is nothing to wait for.
fn missing_unless(enough: bool, now: Timestamp, passed_at: Option<Timestamp>) -> Verdict {
    match passed_at {
        _ if enough => Verdict::Pass,
        Some(passed_at) if !is_settled(now, passed_at) => Verdict::Wait,
        _ => Verdict::Fail,
    }
}

fn passed(case: &Case<'_>, history: &History<'_>, approvers: &[Approver]) -> PassedGate {
    PassedGate {
        job: history.gate.job.clone(),
        job_id: history.newest.map(|job| job.id),
        attempt: history.attempts.last().copied(),
        environment: history.gate.environment.as_str().to_owned(),
        environment_id: case.evidence.environment(&history.gate.environment).map(|environment| environment.id),
        passed_at: completed_at(history),
        approvers: approvers.to_vec(),
    }
}
