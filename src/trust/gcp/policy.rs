//! Who of a pool may act as a service account: the bindings of its IAM policy.

use std::collections::BTreeSet;

use serde_json::Value;

use super::cel::{Comparison, Expression, Root};
use crate::trust::entry::Entry;
use crate::trust::fields::Fields;
use crate::trust::unreadable::Unreadable;

/// Roles with which one acts as the account, or makes oneself able to.
const ACTING: [&str; 9] = [
    "roles/iam.workloadIdentityUser",
    "roles/iam.serviceAccountTokenCreator",
    "roles/iam.serviceAccountOpenIdTokenCreator",
    "roles/iam.serviceAccountAdmin",
    "roles/iam.serviceAccountKeyAdmin",
    "roles/iam.serviceAccountUser",
    "roles/iam.securityAdmin",
    "roles/editor",
    "roles/owner",
];
/// Roles with which one only looks.
const LOOKING: [&str; 4] =
    ["roles/iam.serviceAccountViewer", "roles/iam.securityReviewer", "roles/browser", "roles/viewer"];
/// Members that no token of GitHub's becomes.
const OTHERS: [&str; 7] =
    ["user:", "group:", "domain:", "serviceAccount:", "allUsers", "allAuthenticatedUsers", "projectOwner:"];
/// What to do with a policy that cannot be read.
const FIX: &str = "give what `gcloud iam service-accounts get-iam-policy … --format=json` prints";
/// How members of a pool begin, before the pool.
const SINGLE: &str = "principal://iam.googleapis.com/";
const SET: &str = "principalSet://iam.googleapis.com/";

/// The bindings that concern the pool.
#[derive(Debug, Clone)]
pub(super) struct Policy {
    /// What a mapped token must be, and what becomes of it then.
    pub(super) ways: Vec<Way>,
    /// Whether somebody gets in without the pool.
    pub(super) others: Entry,
    /// The pools whose members are named.
    pub(super) pools: BTreeSet<String>,
}

/// One member of one binding.
#[derive(Debug, Clone)]
pub(super) struct Way {
    /// What must hold.
    pub(super) test: Expression,
    /// What is so if it holds.
    pub(super) then: Entry,
}

impl Policy {
    /// Reads a policy for a pool; without a pool's name, all pools are taken for the provider's.
    pub(super) fn parse(value: &Value, pool: Option<&str>) -> Result<Self, Unreadable> {
        let fields = Fields::of(value, "an IAM policy", FIX)?;
        let mut policy = Self { ways: Vec::new(), others: Entry::StaysOut, pools: BTreeSet::new() };
        if let Some(field) =
            fields.first_unknown(&["auditConfigs", "bindings", "etag", "kind", "resourceId", "version"])
        {
            policy.others =
                Entry::CannotTell(format!("the policy has the unknown field `{field}`; remove it if it means nothing"));
        }
        for binding in fields.list("bindings")?.into_iter().flatten() {
            let binding = Fields::of(binding, "a binding in every place of `bindings`", FIX)?;
            let role = binding.text("role")?.ok_or_else(|| binding.missing("role"))?;
            let then = granted(role, binding)?;
            for member in binding.texts("members")?.unwrap_or_default() {
                policy.add(&member, &then, pool);
            }
        }
        Ok(policy)
    }

    fn add(&mut self, member: &str, then: &Entry, pool: Option<&str>) {
        let is_other =
            |prefix: &&str| if prefix.ends_with(':') { member.starts_with(*prefix) } else { member == *prefix };
        if member.starts_with("deleted:") || *then == Entry::StaysOut {
            return;
        }
        if OTHERS.iter().any(is_other) {
            self.others = self.others.clone().or(then.clone());
            return;
        }
        let named = member.strip_prefix(SINGLE).or_else(|| member.strip_prefix(SET)).and_then(split_pool);
        self.pools.extend(named.map(|(pool, _)| pool.to_owned()));
        match test(member, pool) {
            Ok(Some(test)) => self.ways.push(Way { test, then: then.clone() }),
            Ok(None) => {}
            Err(why) => self.others = self.others.clone().or(Entry::CannotTell(why)),
        }
    }
}

/// What a binding grants.
fn granted(role: &str, binding: Fields<'_>) -> Result<Entry, Unreadable> {
    if LOOKING.contains(&role) {
        return Ok(Entry::StaysOut);
    }
    if let Some(field) = binding.first_unknown(&["condition", "members", "role"]) {
        return Ok(Entry::CannotTell(format!(
            "a binding has the unknown field `{field}`; remove it if it means nothing"
        )));
    }
    let condition = binding.object("condition")?.map(|condition| condition.text("expression")).transpose()?.flatten();
    match condition {
        Some(text) if text.trim() != "true" => {
            return Ok(Entry::CannotTell(format!(
                "the binding of `{role}` has a condition, `{text}`, which is not evaluated; bind without a condition"
            )));
        }
        _ => {}
    }
    if ACTING.contains(&role) {
        return Ok(Entry::GetsIn);
    }
    Ok(Entry::CannotTell(format!(
        "it is not known what the role `{role}` allows; bind `roles/iam.workloadIdentityUser`"
    )))
}

/// What a token must be mapped to, to be this member; nothing for a member that nobody is.
fn test(member: &str, pool: Option<&str>) -> Result<Option<Expression>, String> {
    let strange =
        || format!("the policy has the member `{member}`, which is not evaluated; remove it or check it by itself");
    let (rest, is_set) = match (member.strip_prefix(SINGLE), member.strip_prefix(SET)) {
        (Some(rest), _) => (rest, false),
        (None, Some(rest)) => (rest, true),
        (None, None) => return Err(strange()),
    };
    let (own, who) = split_pool(rest).ok_or_else(strange)?;
    if pool.is_some_and(|pool| pool != own) {
        return Err(format!(
            "the policy has the member `{member}` of another pool, whose provider is not given; remove it or check it by itself"
        ));
    }
    let is = |root, name: &str, value: &str| {
        let field = Expression::Member(Box::new(Expression::Root(root)), name.to_owned());
        Expression::Compare(Comparison::Equal, Box::new(field), Box::new(Expression::Text(value.to_owned())))
    };
    let encoded = |value: &str| value.contains('%') && !value.contains("%3A");
    match (is_set, who.split_once('/')) {
        (true, None) if who == "*" => Ok(Some(Expression::Truth(true))),
        (_, Some((_, value))) if encoded(value) => Err(strange()),
        (false, Some(("subject", subject))) => Ok(Some(is(Root::Google, "subject", subject))),
        (true, Some(("group", group))) => {
            let groups = Expression::Member(Box::new(Expression::Root(Root::Google)), "groups".to_owned());
            Ok(Some(Expression::Compare(
                Comparison::In,
                Box::new(Expression::Text(group.to_owned())),
                Box::new(groups),
            )))
        }
        (true, Some((attribute, value))) => {
            attribute.strip_prefix("attribute.").map(|name| Some(is(Root::Attribute, name, value))).ok_or_else(strange)
        }
        _ => Err(strange()),
    }
}

/// `projects/…/workloadIdentityPools/POOL`, and what stands behind it.
fn split_pool(text: &str) -> Option<(&str, &str)> {
    let marker = "/workloadIdentityPools/";
    let start = text.find(marker)?.checked_add(marker.len())?;
    let length = text.get(start..)?.find('/')?;
    let end = start.checked_add(length)?;
    Some((text.get(..end)?, text.get(end.checked_add(1)?..)?))
}
