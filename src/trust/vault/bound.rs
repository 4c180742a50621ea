//! `bound_claims` of a role: which values each claim may have.

use serde_json::Value;

use crate::trust::fields::Fields;
use crate::trust::pattern::{Part, Pattern};
use crate::trust::token::Token;
use crate::trust::unreadable::Unreadable;

/// The longest glob that is evaluated.
const LONGEST: usize = 1_000;

/// One claim, of which one value must fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BoundClaim {
    /// The claim's name or JSON pointer.
    path: String,
    values: Vec<Allowed>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Allowed {
    /// Equal to this, in type too.
    Exactly(Value),
    /// A text of this pattern.
    Pattern(Pattern),
}

/// The bound claims, and why they are not all understood.
pub(super) fn claims(role: Fields<'_>, glob: bool) -> Result<(Vec<BoundClaim>, Option<String>), Unreadable> {
    let mut claims = Vec::new();
    let mut unclear = None;
    for (path, value) in role.object("bound_claims")?.into_iter().flat_map(Fields::entries) {
        let values = match value {
            Value::Array(values) => values.iter().map(|value| allowed(path, value, glob)).collect(),
            Value::Object(_) | Value::Null => {
                Err(format!("`bound_claims` has for `{path}` neither text nor a list; write text"))
            }
            value => allowed(path, value, glob).map(|one| vec![one]),
        };
        match values {
            Ok(values) => claims.push(BoundClaim { path: path.clone(), values }),
            Err(why) => unclear = Some(why),
        }
    }
    Ok((claims, unclear))
}

/// Vault refuses a role of globs with a value that is not text.
fn allowed(path: &str, value: &Value, glob: bool) -> Result<Allowed, String> {
    match value {
        Value::String(text) if glob => Ok(Allowed::Pattern(stars(&claim_name(path).unwrap_or_default(), text)?)),
        value if glob => Err(format!("`bound_claims` has the glob {value} for `{path}`; a glob is text; write text")),
        value => Ok(Allowed::Exactly(value.clone())),
    }
}

/// A pattern in which `*` alone is a wildcard (<https://github.com/ryanuber/go-glob>).
fn stars(claim: &str, text: &str) -> Result<Pattern, String> {
    if text.len() > LONGEST {
        return Err(format!(
            "`bound_claims` has a glob of more than {LONGEST} bytes for `{claim}`, which are not evaluated; shorten it"
        ));
    }
    let part = |character| if character == '*' { Part::Many } else { Part::Char(character) };
    Ok(Pattern::of_parts(claim, text.chars().map(part).collect()))
}

/// A claim by name, or by JSON pointer if the name begins with `/` (`getClaim` in `claims.go`).
pub(super) fn lookup<'a>(token: &'a Token, path: &str) -> Option<&'a Value> {
    let Some(pointer) = path.strip_prefix('/') else {
        return token.claim(path);
    };
    let (first, rest) = pointer.split_once('/').map_or((pointer, None), |(first, rest)| (first, Some(rest)));
    let claim = token.claim(&unescaped(first))?;
    rest.map_or(Some(claim), |rest| claim.pointer(&format!("/{rest}")))
}

/// A path that means a claim of that very name, even if it begins with `/`.
pub(super) fn literal(name: &str) -> String {
    if name.starts_with('/') { format!("/{}", name.replace('~', "~0").replace('/', "~1")) } else { name.to_owned() }
}

/// A part of a JSON pointer (<https://www.rfc-editor.org/rfc/rfc6901>).
fn unescaped(part: &str) -> String {
    part.replace("~1", "/").replace("~0", "~")
}

/// The claim of the token that a path looks at: by a pointer, the first part of it.
pub(super) fn claim_name(path: &str) -> Option<String> {
    let Some(pointer) = path.strip_prefix('/') else {
        return Some(path.to_owned());
    };
    pointer.split('/').next().map(unescaped)
}

impl BoundClaim {
    /// The claim that is looked at.
    pub(super) fn name(&self) -> String {
        claim_name(&self.path).unwrap_or_default()
    }

    /// What the claim may be.
    pub(super) fn patterns(&self) -> Vec<Pattern> {
        let patterns = self.values.iter().filter_map(|value| match value {
            Allowed::Exactly(Value::String(text)) => Some(Pattern::literal(&self.name(), text)),
            Allowed::Exactly(_) => None,
            Allowed::Pattern(pattern) => Some(pattern.clone()),
        });
        patterns.collect()
    }

    /// Whether a token has a fitting value.
    pub(super) fn fits(&self, token: &Token) -> bool {
        let Some(claim) = lookup(token, &self.path).filter(|claim| !claim.is_null() && !claim.is_object()) else {
            return false;
        };
        let actual = claim.as_array().map_or_else(|| vec![claim], |list| list.iter().collect());
        self.values.iter().any(|value| {
            actual.iter().any(|claim| match value {
                Allowed::Exactly(value) => equal(value, claim),
                Allowed::Pattern(pattern) => claim.as_str().is_some_and(|text| pattern.matches(text)),
            })
        })
    }
}

/// Equal in type and value; lists and objects never are.
fn equal(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::String(one), Value::String(other)) => one == other,
        (Value::Bool(one), Value::Bool(other)) => one == other,
        (Value::Number(one), Value::Number(other)) => one == other,
        _ => false,
    }
}
