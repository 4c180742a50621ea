//! What policies see of people: who started, who approved.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::gate::checks::case::Case;
use crate::gate::passed_gate::{Approver, PassedGate};
use crate::gate::rego::{InputValue, object};
use crate::model::{Account, AccountType, EnvironmentName, EnvironmentReview, Permission, ReviewState};

pub(super) fn account(account: Option<&Account>) -> InputValue {
    account.map(|Account { id, login, account_type }| who(*id, login.as_str(), *account_type)).into()
}

fn who(id: u64, login: &str, account_type: AccountType) -> InputValue {
    let is_machine = account_type != AccountType::User;
    object(vec![("id", id.into()), ("login", login.into()), ("machine", is_machine.into())])
}

/// An account with its teams, in the form that Spacelift calls a session.
pub(super) fn session(case: &Case<'_>, who: Option<&Account>, permission: Option<&Permission>) -> InputValue {
    let Some(who) = who else { return InputValue::NULL };
    let session = account(Some(who)).with("teams", teams(case, who.login.as_str()));
    // A machine has none. A person's is there only if it was read.
    let (permission, is_admin) = match permission {
        Some(permission) => (permission.as_str().into(), permission.is_admin()),
        None if who.account_type != AccountType::User => (InputValue::NULL, false),
        None => return session,
    };
    session.with("permission", permission).with("admin", is_admin.into())
}

/// The teams of `data.config.teams` that list this login.
pub(super) fn teams(case: &Case<'_>, login: &str) -> InputValue {
    let lists = |members: &Json| {
        let members = members.as_array().into_iter().flatten();
        members.filter_map(Json::as_str).any(|member| member.eq_ignore_ascii_case(login))
    };
    let teams = case.config.get("teams").and_then(Json::as_object).into_iter().flatten();
    teams.filter(|(_, members)| lists(members)).map(|(team, _)| team.as_str()).collect()
}

/// The approvals that count, one for each person, and every rejection of a gate.
pub(super) fn current(case: &Case<'_>, gates: &[PassedGate]) -> InputValue {
    let mut approvals: BTreeMap<String, InputValue> = BTreeMap::new();
    for Approver { id, login } in gates.iter().flat_map(|gate| &gate.approvers) {
        let session = who(*id, login, AccountType::User).with("teams", teams(case, login));
        approvals.insert(id.to_string(), object(vec![("author", login.as_str().into()), ("session", session)]));
    }
    let is_rejection =
        |review: &&EnvironmentReview| case.rule.gates.iter().any(|gate| case.is_rejection_of(gate, review));
    let rejections = case.evidence.reviews.iter().filter(is_rejection).map(|review| {
        let author = review.user.as_ref().map(|user| user.login.as_str());
        object(vec![("author", author.into()), ("session", session(case, review.user.as_ref(), None))])
    });
    object(vec![("approvals", approvals.into_values().collect()), ("rejections", rejections.collect())])
}

/// As GitHub lists it, whether it counts or not.
pub(super) fn review(
    EnvironmentReview { state, user, environment_ids, environment_names }: &EnvironmentReview,
) -> InputValue {
    let state = match state {
        ReviewState::Approved => "approved",
        ReviewState::Rejected => "rejected",
        ReviewState::Unknown => "unknown",
    };
    object(vec![
        ("state", state.into()),
        ("user", account(user.as_ref())),
        ("environment_ids", environment_ids.iter().copied().collect()),
        ("environments", environment_names.iter().map(EnvironmentName::as_str).collect()),
    ])
}
