//! The audience of a token, and the issuer of GitHub's.

use serde_json::Value;

use super::token::Token;

/// The issuer of GitHub's tokens; an enterprise may have its own below it
/// (<https://docs.github.com/enterprise-cloud@latest/actions/reference/security/oidc>).
pub(super) const GITHUB: &str = "https://token.actions.githubusercontent.com";

/// The audiences of the claim `aud`, which is one text or a list (<https://www.rfc-editor.org/rfc/rfc7519#section-4.1.3>).
pub(super) fn audiences(token: &Token) -> impl Iterator<Item = &str> {
    let listed = token.claim("aud").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    token.text("aud").into_iter().chain(listed)
}

/// Whether one of the token's audiences is one of these.
pub(super) fn has_one_of(token: &Token, these: &[String]) -> bool {
    audiences(token).any(|audience| these.iter().any(|one| one == audience))
}

/// Whether an issuer is GitHub, or an enterprise's at GitHub.
pub(super) fn is_github(issuer: &str) -> bool {
    issuer == GITHUB || is_enterprise(issuer)
}

/// Whether an issuer is an enterprise's at GitHub.
pub(super) fn is_enterprise(issuer: &str) -> bool {
    let enterprise = issuer.strip_prefix(GITHUB).and_then(|rest| rest.strip_prefix('/'));
    enterprise.is_some_and(|name| !name.is_empty() && !name.contains('/'))
}
