//! A trust policy as AWS evaluates it: somebody gets in if a statement allows it and none denies it
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>).

use std::collections::BTreeSet;

use super::CLAIMS;
use super::condition::Condition;
use super::principal::{CALLS, Principal, Principals, WEB_IDENTITY};
use crate::trust::{Compared, Entry, Pattern, Token, TrustDocument};

/// The trust policy of an IAM role, read by [`super::read()`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustPolicy {
    pub(super) statements: Vec<Statement>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Statement {
    pub(super) effect: Effect,
    pub(super) principals: Principals,
    pub(super) actions: Actions,
    pub(super) conditions: Vec<Condition>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    Allow,
    Deny,
}

/// Calls, with wildcards and whatever case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Actions {
    These(Vec<String>),
    AllBut(Vec<String>),
}

impl Actions {
    fn include(&self, call: &str) -> bool {
        let any = |all: &[String]| all.iter().any(|action| Pattern::glob("", action).ignoring_case().matches(call));
        match self {
            Self::These(actions) => any(actions),
            Self::AllBut(actions) => !any(actions),
        }
    }
}

impl Statement {
    /// Whether the statement is about this call by whoever has this token of GitHub's, or by somebody without one.
    fn concerns(&self, token: Option<&Token>, call: &str) -> Entry {
        let mut concerns = Entry::from(self.actions.include(call)).and(self.principals.admit(token, call));
        for condition in &self.conditions {
            concerns = concerns.and(condition.holds(token));
        }
        let account = |principal: &Principal| matches!(principal, Principal::Aws(_));
        if self.effect == Effect::Deny && concerns == Entry::StaysOut && self.principals.each().iter().any(account) {
            let about = self
                .conditions
                .iter()
                .fold(Entry::from(self.actions.include(call)), |so_far, condition| so_far.and(condition.holds(token)));
            return about.and(Entry::CannotTell("a `Deny` is about an account of AWS".to_owned()));
        }
        concerns
    }
}

impl TrustPolicy {
    fn allows(&self, token: Option<&Token>, call: &str) -> Entry {
        let any = |effect: Effect| {
            let these = self.statements.iter().filter(move |statement| statement.effect == effect);
            these.fold(Entry::StaysOut, |so_far, statement| so_far.or(statement.concerns(token, call)))
        };
        any(Effect::Allow).and(any(Effect::Deny).not())
    }

    fn conditions(&self) -> impl Iterator<Item = &Condition> {
        self.statements.iter().flat_map(|statement| &statement.conditions)
    }

    fn principals(&self) -> impl Iterator<Item = &Principal> {
        self.statements.iter().flat_map(|statement| statement.principals.each())
    }
}

impl TrustDocument for TrustPolicy {
    fn admits(&self, token: &Token) -> Entry {
        self.allows(Some(token), WEB_IDENTITY)
    }

    fn compared(&self) -> Vec<Compared> {
        let issuers = self.principals().filter_map(Principal::issuer);
        let keys = self.conditions().filter_map(Condition::issuer);
        let samples = issuers.chain(keys).collect::<BTreeSet<_>>().into_iter().collect();
        let issuer = Compared { claim: "iss".to_owned(), samples };
        std::iter::once(issuer).chain(self.conditions().filter_map(Condition::compared)).collect()
    }

    fn patterns(&self) -> Vec<Pattern> {
        self.conditions().flat_map(Condition::patterns).collect()
    }

    fn other_ways(&self) -> Entry {
        let without_token = CALLS.iter().fold(Entry::StaysOut, |so_far, call| so_far.or(self.allows(None, call)));
        match self.conditions().find_map(Condition::undocumented) {
            Some(claim) => without_token
                .or(Entry::CannotTell(format!("AWS does not document a condition key for the claim `{claim}`"))),
            None => without_token,
        }
    }

    fn offers(&self, claim: &str) -> bool {
        CLAIMS.contains(&claim)
    }

    fn notes(&self) -> Vec<String> {
        let absent = self.conditions().filter_map(Condition::never_there);
        let absent =
            absent.map(|key| format!("GitHub has no claim for the condition key `{key}`: it is always absent."));
        let enterprises = self.principals().filter_map(|principal| match principal {
            Principal::GitHub { enterprise: Some(name) } => Some(format!(
                "It takes tokens of the enterprise `{name}`'s own issuer, which a repository has only if its enterprise turned that on."
            )),
            _ => None,
        });
        let others = self.principals().filter_map(|principal| match principal {
            Principal::Aws(name) | Principal::Service(name) | Principal::Federated(name) => {
                Some(format!("It names the principal `{name}`, who needs no token of GitHub's."))
            }
            Principal::Everybody | Principal::GitHub { .. } => None,
        });
        absent.chain(enterprises).chain(others).collect::<BTreeSet<_>>().into_iter().collect()
    }
}
