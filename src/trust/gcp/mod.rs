//! Google Cloud: workload identity federation, a pool's provider with the bindings of a service account.

mod cel;
mod policy;
mod provider;

use std::collections::BTreeSet;

use serde_json::Value;

use super::audience::{is_enterprise, is_github};
use super::document::{Compared, TrustDocument};
use super::entry::Entry;
use super::pattern::Pattern;
use super::token::Token;
use super::unreadable::Unreadable;
use cel::{Asked, Evaluation, Expression, Mode, Stop, Value as CelValue};
use policy::{Policy, Way};
use provider::{FIX, Provider};

/// A mapped subject may not be longer
/// (<https://cloud.google.com/iam/docs/reference/rest/v1/projects.locations.workloadIdentityPools.providers>, `google.subject`).
const LONGEST_SUBJECT: usize = 127;

/// A provider of a workload identity pool (`gcloud iam workload-identity-pools providers describe --format=json`), and the policies of service accounts
/// that its identities may act as (`gcloud iam service-accounts get-iam-policy --format=json`).
///
/// The provider's condition decides who becomes an identity of the pool, its mapping which one; the policy's members decide which identities act
/// (<https://cloud.google.com/iam/docs/workload-identity-federation#mapping>, <https://cloud.google.com/iam/docs/principal-identifiers>).
/// Without a policy, the condition alone decides. Of CEL a part is evaluated; a claim that is missing is an error, and whoever depends on it stays out.
#[derive(Debug, Clone)]
pub struct GcpTrust {
    provider: Provider,
    policies: Vec<Policy>,
    /// Why it is not known whom the policies are about.
    unclear: Option<String>,
}

impl GcpTrust {
    /// Reads the values of one or several files: one is a provider or `{"provider": …, "policy": …}`, the others are policies.
    /// At fault is no provider, several of them, and what is neither.
    pub fn parse(documents: &[Value]) -> Result<Self, Unreadable> {
        let mut providers = Vec::new();
        let mut policies = Vec::new();
        for document in documents {
            if let Some(both) = document.as_object().filter(|both| both.contains_key("provider")) {
                if let Some(strange) = both.keys().find(|key| !["provider", "policy"].contains(&key.as_str())) {
                    return Err(Unreadable::new(
                        format!("`{strange}` beside `provider`"),
                        "`provider` and `policy`",
                        FIX,
                    ));
                }
                providers.extend(both.get("provider"));
                policies.extend(both.get("policy").filter(|policy| !policy.is_null()));
            } else if document.get("bindings").is_some() {
                policies.push(document);
            } else {
                providers.push(document);
            }
        }
        let [provider] = providers.as_slice() else {
            return Err(Unreadable::new(format!("{} providers", providers.len()), "one", FIX));
        };
        let provider = Provider::parse(provider)?;
        let policies: Vec<Policy> =
            policies.into_iter().map(|policy| Policy::parse(policy, provider.pool())).collect::<Result<_, _>>()?;
        let pools: BTreeSet<&String> = policies.iter().flat_map(|policy| &policy.pools).collect();
        let unclear = (provider.pool().is_none() && pools.len() > 1).then(|| {
            "the policies name several pools, and the provider has no `name`, so that it is not known which of them is its own; add `name`".to_owned()
        });
        Ok(Self { provider, policies, unclear })
    }

    /// Whether a token gets in, in one way to evaluate.
    fn evaluated(&self, token: &Token, mode: Mode) -> Entry {
        let evaluation = Evaluation { token, attributes: &self.provider.attributes, mode };
        let condition = match &self.provider.condition {
            None => Entry::GetsIn,
            Some(Err(why)) => Entry::CannotTell(why.clone()),
            Some(Ok(condition)) => holds(&evaluation, condition),
        };
        let acts = if self.policies.is_empty() {
            Entry::GetsIn
        } else {
            self.ways()
                .fold(Entry::StaysOut, |entry, way| entry.or(holds(&evaluation, &way.test).and(way.then.clone())))
        };
        self.provider.takes(token).and(subject_fits(&evaluation)).and(condition).and(acts).and(self.mapped(&evaluation))
    }

    fn ways(&self) -> impl Iterator<Item = &Way> {
        self.policies.iter().flat_map(|policy| &policy.ways)
    }

    /// It is not documented what becomes of a token without a claim that is mapped to an attribute.
    fn mapped(&self, evaluation: &Evaluation<'_>) -> Entry {
        self.provider.attributes.keys().fold(Entry::GetsIn, |entry, name| {
            entry.and(match evaluation.attribute(name) {
                Ok(CelValue::Text(_) | CelValue::List(_)) => Entry::GetsIn,
                Ok(_) => Entry::CannotTell(format!("`{name}` is mapped from something else than text; map it from a claim")),
                Err(Stop::Failed) => Entry::CannotTell(format!(
                    "`{name}` is mapped from a claim that a token can lack, and then it is not known whether Google takes it; demand that claim in the condition"
                )),
                Err(Stop::Unknown(why)) => Entry::CannotTell(why),
            })
        })
    }

    fn expressions(&self) -> impl Iterator<Item = &Expression> {
        let condition = self.provider.condition.iter().filter_map(|condition| condition.as_ref().ok());
        let mapped = self.provider.attributes.values().filter_map(|mapping| mapping.as_ref().ok());
        condition.chain(mapped).chain(self.ways().map(|way| &way.test))
    }

    fn asked(&self) -> impl Iterator<Item = Asked> {
        self.expressions().map(|expression| cel::compared(expression, &self.provider.attributes))
    }
}

fn holds(evaluation: &Evaluation<'_>, expression: &Expression) -> Entry {
    match evaluation.value(expression) {
        Ok(CelValue::Truth(truth)) => Entry::from(truth),
        Ok(_) | Err(Stop::Failed) => Entry::StaysOut,
        Err(Stop::Unknown(why)) => Entry::CannotTell(why),
    }
}

/// Whether the token has a subject for Google.
fn subject_fits(evaluation: &Evaluation<'_>) -> Entry {
    match evaluation.attribute("google.subject") {
        Ok(CelValue::Text(subject)) if subject.len() > LONGEST_SUBJECT && evaluation.mode == Mode::Widest => {
            Entry::CannotTell(format!(
                "`google.subject` is longer than {LONGEST_SUBJECT} bytes for some tokens, and not every length is tried; map it from `assertion.sub`"
            ))
        }
        Ok(CelValue::Text(subject)) => Entry::from(!subject.is_empty() && subject.len() <= LONGEST_SUBJECT),
        Ok(_) | Err(Stop::Failed) => Entry::StaysOut,
        Err(Stop::Unknown(why)) => Entry::CannotTell(why),
    }
}

impl TrustDocument for GcpTrust {
    /// A token that stays out only by a comparison which the search cannot follow says nothing of others like it: it cannot be told.
    fn admits(&self, token: &Token) -> Entry {
        match self.evaluated(token, Mode::Exact) {
            Entry::StaysOut => match self.evaluated(token, Mode::Widest) {
                Entry::StaysOut => Entry::StaysOut,
                Entry::GetsIn => {
                    Entry::CannotTell("the condition holds or not in a way that is not followed".to_owned())
                }
                cannot_tell @ Entry::CannotTell(_) => cannot_tell,
            },
            entry => entry,
        }
    }

    fn compared(&self) -> Vec<Compared> {
        let fixed = ["iss", "aud"].map(str::to_owned);
        let claims = self.asked().flat_map(|asked| asked.claims).chain(fixed);
        claims.map(|claim| Compared { claim, samples: Vec::new() }).collect()
    }

    /// Of the audiences one is enough: a workflow chooses it.
    fn patterns(&self) -> Vec<Pattern> {
        let issuer = Some(&self.provider.issuer).filter(|issuer| is_enterprise(issuer));
        let issuer = issuer.map(|issuer| Pattern::literal("iss", issuer));
        let audience = self.provider.audiences().into_iter().next().map(|audience| Pattern::literal("aud", &audience));
        self.asked().flat_map(|asked| asked.patterns).chain(issuer).chain(audience).collect()
    }

    fn other_ways(&self) -> Entry {
        let others = self.policies.iter().fold(Entry::StaysOut, |entry, policy| entry.or(policy.others.clone()));
        let issuer = &self.provider.issuer;
        let elsewhere = (self.provider.is_open() && !is_github(issuer)).then(|| {
            format!("the provider trusts the issuer `{issuer}`, whose tokens are not tried; check it by itself")
        });
        let unclear = self.unclear.clone().or(elsewhere);
        others.or(unclear.map_or(Entry::StaysOut, Entry::CannotTell))
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.policies.is_empty() {
            notes.push("no policy of a service account was given: whoever the provider's condition lets in is taken to be let in; give the policy too".to_owned());
        }
        notes.push("other providers of the same pool lead to the same identities: check each of them".to_owned());
        notes
    }
}

#[cfg(test)]
mod tests;
