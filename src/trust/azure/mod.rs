//! Azure: federated identity credentials of an application or a managed identity. Every credential is a way in.

mod expression;

use serde_json::{Map, Value};

use super::audience::{has_one_of, is_enterprise, is_github};
use super::document::{Compared, TrustDocument};
use super::entry::Entry;
use super::fields::Fields;
use super::pattern::Pattern;
use super::token::Token;
use super::unreadable::Unreadable;
use expression::Expression;

/// Fields of a credential, of which those that decide nothing are ignored.
const KNOWN: [&str; 16] = [
    "@odata.context",
    "@odata.etag",
    "@odata.id",
    "@odata.type",
    "audiences",
    "claimsMatchingExpression",
    "description",
    "id",
    "issuer",
    "name",
    "properties",
    "resourceGroup",
    "subject",
    "systemData",
    "tags",
    "type",
];
/// Fields that decide who gets in.
const DECIDING: [&str; 4] = ["audiences", "claimsMatchingExpression", "issuer", "subject"];
/// What to do with a credential that cannot be read.
const FIX: &str = "give what `az ad app federated-credential list` prints";

/// Federated identity credentials, as `az ad app federated-credential show` (one) and `list` (`[…]`) and Graph (`{"value": […]}`) write them;
/// what stands within `properties` (Azure Resource Manager, for managed identities) counts as well.
///
/// `issuer`, `subject` and `audiences` are compared exactly, letters in their case: a star is a star
/// (<https://learn.microsoft.com/graph/api/resources/federatedidentitycredential>). Instead of `subject` there may be a `claimsMatchingExpression`
/// (<https://learn.microsoft.com/entra/workload-id/workload-identities-flexible-federated-identity-credentials>).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AzureTrust {
    credentials: Vec<Credential>,
    /// There are more that were not given.
    more: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Credential {
    name: String,
    issuer: String,
    audiences: Vec<String>,
    who: Who,
    /// What is not understood of it.
    unclear: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Who {
    Subject(String),
    Flexible(Expression),
    NotUnderstood(String),
}

impl AzureTrust {
    /// Reads one credential, a list of them, or Graph's answer with a list in `value`. At fault is what is not such an object, or has no issuer,
    /// or neither a subject nor an expression.
    pub fn parse(document: &Value) -> Result<Self, Unreadable> {
        let more = document.get("@odata.nextLink").is_some_and(|link| !link.is_null());
        let listed = document.as_array().or_else(|| document.get("value").and_then(Value::as_array));
        let beside =
            |map: &Map<String, Value>| map.keys().find(|name| *name != "value" && !name.starts_with('@')).cloned();
        if let Some(name) = document.as_object().filter(|_| listed.is_some()).and_then(beside) {
            return Err(Unreadable::new(
                format!("`{name}` beside a list of credentials in `value`"),
                "a list or one credential",
                FIX,
            ));
        }
        let credentials = match listed {
            Some(list) => list.iter().map(Credential::parse).collect::<Result<_, _>>()?,
            None => vec![Credential::parse(document)?],
        };
        Ok(Self { credentials, more })
    }
}

impl Credential {
    fn parse(value: &Value) -> Result<Self, Unreadable> {
        let outer = Fields::of(value, "a federated identity credential", FIX)?;
        let inner = outer.object("properties")?.unwrap_or(outer);
        let name = outer.text("name")?.unwrap_or("without a name").to_owned();
        let issuer = inner.text("issuer")?.ok_or_else(|| inner.missing("issuer"))?.to_owned();
        let audiences = inner.texts("audiences")?.unwrap_or_default();
        let unknown = outer.first_unknown(&KNOWN).or_else(|| inner.first_unknown(&KNOWN));
        let unclear = unknown.map(|field| {
            format!("the credential `{name}` has the unknown field `{field}`; remove it if it means nothing")
        });
        let hidden = DECIDING.iter().find(|field| outer.value("properties").is_some() && outer.value(field).is_some());
        let unclear = unclear.or_else(|| {
            hidden.map(|field| {
                format!(
                    "the credential `{name}` has `{field}` both within `properties` and beside it; remove one of them"
                )
            })
        });
        let who = Who::parse(inner, &name)?;
        Ok(Self { name, issuer, audiences, who, unclear })
    }

    fn is_github(&self) -> bool {
        is_github(&self.issuer)
    }

    fn admits(&self, token: &Token) -> Entry {
        if let Some(why) = &self.unclear {
            return Entry::CannotTell(why.clone());
        }
        let issued = Entry::from(token.text("iss") == Some(&self.issuer));
        let audience = if self.audiences.is_empty() {
            Entry::CannotTell(format!(
                "the credential `{}` has no audience, which Azure demands; add `audiences`",
                self.name
            ))
        } else {
            Entry::from(has_one_of(token, &self.audiences))
        };
        let who = match &self.who {
            Who::Subject(subject) => Entry::from(token.text("sub") == Some(subject)),
            Who::Flexible(expression) => expression.admits(token),
            Who::NotUnderstood(why) => Entry::CannotTell(format!("the credential `{}`: {why}", self.name)),
        };
        issued.and(audience).and(who)
    }
}

impl Who {
    fn parse(fields: Fields<'_>, name: &str) -> Result<Self, Unreadable> {
        let subject = fields.text("subject")?;
        let Some(expression) = fields.object("claimsMatchingExpression")? else {
            return subject.map(|subject| Self::Subject(subject.to_owned())).ok_or_else(|| {
                Unreadable::new(
                    format!("the credential `{name}` with neither `subject` nor `claimsMatchingExpression`"),
                    "one of them",
                    FIX,
                )
            });
        };
        if subject.is_some() {
            return Ok(Self::NotUnderstood(
                "it has both `subject` and `claimsMatchingExpression`; Azure takes one; remove the other".to_owned(),
            ));
        }
        let text = expression.text("value")?.ok_or_else(|| expression.missing("value"))?;
        let version = expression.value("languageVersion").and_then(Value::as_u64);
        if version != Some(1) {
            return Ok(Self::NotUnderstood(
                "`languageVersion` of its expression is not 1, the only one there is; set it to 1".to_owned(),
            ));
        }
        if let Some(field) = expression.first_unknown(&["@odata.type", "languageVersion", "value"]) {
            return Ok(Self::NotUnderstood(format!(
                "its expression has the unknown field `{field}`; remove it if it means nothing"
            )));
        }
        Ok(Expression::parse(text).map_or_else(Self::NotUnderstood, Self::Flexible))
    }
}

impl TrustDocument for AzureTrust {
    fn admits(&self, token: &Token) -> Entry {
        self.credentials.iter().fold(Entry::StaysOut, |entry, credential| entry.or(credential.admits(token)))
    }

    fn compared(&self) -> Vec<Compared> {
        ["iss", "aud", "sub"].map(|claim| Compared { claim: claim.to_owned(), samples: Vec::new() }).into()
    }

    /// Of the audiences one is enough: a workflow chooses it.
    fn patterns(&self) -> Vec<Pattern> {
        let of = |credential: &Credential| {
            let issuer = Some(&credential.issuer).filter(|issuer| is_enterprise(issuer));
            let mut patterns: Vec<Pattern> = issuer.map(|issuer| Pattern::literal("iss", issuer)).into_iter().collect();
            patterns.extend(credential.audiences.first().map(|audience| Pattern::literal("aud", audience)));
            match &credential.who {
                Who::Subject(subject) => patterns.push(Pattern::literal("sub", subject)),
                Who::Flexible(expression) => patterns.extend_from_slice(expression.patterns()),
                Who::NotUnderstood(_) => {}
            }
            patterns
        };
        self.credentials.iter().filter(|credential| credential.is_github()).flat_map(of).collect()
    }

    /// A credential of another issuer is a way around the gate, if that issuer has such a subject.
    fn other_ways(&self) -> Entry {
        let other = self.credentials.iter().find(|credential| !credential.is_github());
        match other {
            _ if self.more => {
                Entry::CannotTell("there are more credentials (`@odata.nextLink`); give them all".to_owned())
            }
            Some(other) => Entry::CannotTell(format!(
                "the credential `{}` trusts the issuer `{}`, whose tokens are not tried; remove it or check it by itself",
                other.name, other.issuer
            )),
            None => Entry::StaysOut,
        }
    }

    fn offers(&self, claim: &str) -> bool {
        expression::offers(claim)
    }

    fn notes(&self) -> Vec<String> {
        let lacks_an_id = |credential: &&Credential| match &credential.who {
            Who::Flexible(expression) => {
                !expression.looks_at("sub")
                    || !(expression.looks_at("repository_id") || expression.looks_at("repository_owner_id"))
            }
            _ => false,
        };
        let note = |credential: &Credential| {
            format!(
                "the expression of the credential `{}` does not compare `sub` and also `repository_id` or `repository_owner_id`: Azure demands that of new ones; add `and claims['repository_id'] eq '…'`",
                credential.name
            )
        };
        self.credentials.iter().filter(|credential| credential.is_github()).filter(lacks_an_id).map(note).collect()
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod verdict_tests;
