//! Vault: one role of the JWT auth method.

mod bound;

use serde_json::Value;

use super::audience::{audiences, has_one_of};
use super::document::{Compared, TrustDocument};
use super::entry::Entry;
use super::fields::Fields;
use super::pattern::Pattern;
use super::token::Token;
use super::unreadable::Unreadable;
use bound::BoundClaim;

/// Fields that decide who logs in.
const DECIDING: [&str; 10] = [
    "bound_audiences",
    "bound_claims",
    "bound_claims_type",
    "bound_subject",
    "claim_mappings",
    "groups_claim",
    "role_type",
    "user_claim",
    "user_claim_json_pointer",
    "name",
];
/// Fields of what comes out, of the browser's login, and of time: they narrow who logs in, or not even that. All that begin with `token_` are of that kind too.
const IGNORED: [&str; 13] = [
    "allowed_redirect_uris",
    "bound_cidrs",
    "clock_skew_leeway",
    "expiration_leeway",
    "max_age",
    "max_ttl",
    "not_before_leeway",
    "num_uses",
    "oidc_scopes",
    "period",
    "policies",
    "ttl",
    "verbose_oidc_logging",
];
const NUMBER: &str =
    "`claim_mappings` names a claim that is a number, which not every version of Vault takes; remove it";
/// What to do with a role that cannot be read.
const FIX: &str = "give what `vault read -format=json auth/jwt/role/NAME` prints";

/// A role of Vault's JWT auth method, as `vault read -format=json` prints it (within `data`) or as it is written.
///
/// The semantics are those of `path_login.go` and `claims.go` in <https://github.com/hashicorp/vault-plugin-auth-jwt>
/// (documented in <https://developer.hashicorp.com/vault/api-docs/auth/jwt#create-update-role>): a token with an audience needs one of `bound_audiences`;
/// every bound claim must have one of its values, and a number is never equal to GitHub's text; `user_claim` must be there. Who issues the tokens stands in the
/// method's configuration, not in the role, and is taken to be GitHub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VaultTrust {
    /// The role is for GitHub's kind of login: `jwt`, not `oidc`.
    jwt: bool,
    /// The role has a `role_type`.
    typed: bool,
    audiences: Vec<String>,
    subject: Option<String>,
    claims: Vec<BoundClaim>,
    /// Claims that must be text.
    texts: Vec<String>,
    /// Claims that must be text if they are there.
    mapped: Vec<String>,
    unclear: Option<String>,
}

impl VaultTrust {
    /// Reads a role. At fault is what is not an object, a field of another type, a `role_type` or `bound_claims_type` that does not exist, and a role
    /// without `user_claim`, which Vault refuses.
    pub fn parse(document: &Value) -> Result<Self, Unreadable> {
        let outer = Fields::of(document, "a role of the JWT auth method", FIX)?;
        let role = outer.object("data")?.unwrap_or(outer);
        let typed = role.text("role_type")?;
        let jwt = match typed {
            None | Some("jwt") => true,
            Some("oidc") => false,
            Some(_) => return Err(wrong_choice(role, "role_type", "`jwt` or `oidc`")),
        };
        let glob = match role.text("bound_claims_type")? {
            None | Some("string") => false,
            Some("glob") => true,
            Some(_) => return Err(wrong_choice(role, "bound_claims_type", "`string` or `glob`")),
        };
        let (claims, unreadable) = bound::claims(role, glob)?;
        let user =
            role.text("user_claim")?.filter(|name| !name.is_empty()).ok_or_else(|| role.missing("user_claim"))?;
        let pointer = role.flag("user_claim_json_pointer")?;
        let groups = role.text("groups_claim")?.filter(|name| !name.is_empty());
        let hidden = DECIDING.iter().find(|field| outer.value("data").is_some() && outer.value(field).is_some());
        let hidden = hidden.map(|field| format!("the role has `{field}` beside `data`; remove what is beside it"));
        let unclear = unknown(role).or(unreadable).or(hidden).or_else(|| {
            groups.map(|name| format!("`groups_claim` asks for `{name}`; GitHub's tokens have no groups; remove it"))
        });
        Ok(Self {
            jwt,
            typed: typed.is_some(),
            audiences: bound_audiences(role)?,
            subject: role.text("bound_subject")?.filter(|subject| !subject.is_empty()).map(str::to_owned),
            claims,
            texts: vec![if pointer { user.to_owned() } else { bound::literal(user) }],
            mapped: role
                .object("claim_mappings")?
                .map(|map| map.entries().map(|(name, _)| name.clone()).collect())
                .unwrap_or_default(),
            unclear,
        })
    }

    /// `bound_audiences`: without them, it depends on Vault's version whether a token that has an audience is refused.
    fn audience_fits(&self, token: &Token) -> Entry {
        if !self.audiences.is_empty() || audiences(token).all(str::is_empty) {
            return Entry::from(self.audiences.is_empty() || has_one_of(token, &self.audiences));
        }
        Entry::CannotTell("the role has no `bound_audiences`: Vault before 1.17 lets every audience in, later versions none; set `bound_audiences`".to_owned())
    }
}

/// `bound_audiences`: a list, or one text of names between commas.
fn bound_audiences(role: Fields<'_>) -> Result<Vec<String>, Unreadable> {
    let Some(Value::String(text)) = role.value("bound_audiences") else {
        return Ok(role.texts("bound_audiences")?.unwrap_or_default());
    };
    Ok(text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect())
}

/// The first field that is not one of a role.
fn unknown(role: Fields<'_>) -> Option<String> {
    let known: Vec<&str> = DECIDING.into_iter().chain(IGNORED).collect();
    let strange = |name: &&String| !known.contains(&name.as_str()) && !name.starts_with("token_");
    let name = role.entries().filter(|(_, value)| !value.is_null()).map(|(name, _)| name).find(strange)?;
    Some(format!("the role has the unknown field `{name}`; remove it if it means nothing"))
}

fn wrong_choice(role: Fields<'_>, name: &str, expected: &str) -> Unreadable {
    let got = role.value(name).map(Value::to_string).unwrap_or_default();
    Unreadable::new(format!("{got} in `{name}`"), expected, FIX)
}

impl TrustDocument for VaultTrust {
    fn admits(&self, token: &Token) -> Entry {
        if let Some(why) = &self.unclear {
            return Entry::CannotTell(why.clone());
        }
        let subject = self.subject.as_ref().is_none_or(|subject| token.text("sub") == Some(subject));
        let texts = self.texts.iter().all(|name| bound::lookup(token, name).is_some_and(Value::is_string));
        let mapped =
            |test: fn(&Value) -> bool| self.mapped.iter().filter_map(|name| bound::lookup(token, name)).all(test);
        if !self.jwt || !subject || !texts || !mapped(|value| value.is_string() || value.is_number()) {
            return Entry::StaysOut;
        }
        Entry::from(self.claims.iter().all(|claim| claim.fits(token)))
            .and(self.audience_fits(token))
            .and(if mapped(Value::is_string) { Entry::GetsIn } else { Entry::CannotTell(NUMBER.to_owned()) })
    }

    fn compared(&self) -> Vec<Compared> {
        let paths = self.texts.iter().chain(&self.mapped);
        let named = paths.filter_map(|path| bound::claim_name(path)).chain(self.claims.iter().map(BoundClaim::name));
        let fixed = ["aud", "sub"].map(str::to_owned);
        named.chain(fixed).map(|claim| Compared { claim, samples: Vec::new() }).collect()
    }

    /// Of the audiences one is enough: a workflow chooses it.
    fn patterns(&self) -> Vec<Pattern> {
        let audience = self.audiences.first().map(|audience| Pattern::literal("aud", audience));
        let subject = self.subject.iter().map(|subject| Pattern::literal("sub", subject));
        audience.into_iter().chain(subject).chain(self.claims.iter().flat_map(BoundClaim::patterns)).collect()
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = vec!["the role does not say who issues the tokens: check that `bound_issuer` or `oidc_discovery_url` of the auth method is `https://token.actions.githubusercontent.com`".to_owned()];
        if !self.typed {
            notes.push("the role has no `role_type`: Vault takes a role that is written without it as `oidc`; set it to `jwt`, as which it is examined".to_owned());
        }
        if self.audiences.is_empty() {
            notes.push("the role has no `bound_audiences`: Vault refuses every token that has an audience, as GitHub's have; before 1.17 it let them in".to_owned());
        }
        notes
    }
}

#[cfg(test)]
mod tests;
