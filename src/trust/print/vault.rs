//! Vault: a role of the JWT auth method.

use serde_json::json;

use super::{Printed, Refused, checked, shell, subject};
use crate::trust::facts::Facts;

/// A role that demands `sub`, `repository_id` and `environment` exactly, in the way GitHub's documentation writes roles
/// (<https://docs.github.com/actions/how-tos/secure-your-work/security-harden-deployments/oidc-in-hashicorp-vault>).
pub fn vault(facts: &Facts, audience: &str) -> Result<Printed, Refused> {
    checked(facts)?;
    if audience.is_empty()
        || audience.contains(',')
        || audience.chars().any(char::is_control)
        || audience.trim() != audience
    {
        return Err(Refused::new(
            format!("the audience {audience:?}"),
            "Vault reads audiences between commas",
            "choose a URL without a comma",
        ));
    }
    let document = json!({
        "role_type": "jwt",
        "user_claim": "repository",
        "bound_audiences": [audience],
        "bound_claims_type": "string",
        "bound_claims": {
            "sub": subject(facts)?,
            "repository_id": facts.repository_id.to_string(),
            "environment": facts.environment,
        },
        "token_policies": ["POLICY"],
        "token_ttl": "10m",
    });
    let json = serde_json::to_string_pretty(&document).unwrap_or_default();
    let text = format!("printf '%s' {} |\n  vault write auth/jwt/role/ROLE -", shell::word(&json));
    let note = "the auth method must take tokens of GitHub alone: `vault write auth/jwt/config oidc_discovery_url=https://token.actions.githubusercontent.com bound_issuer=https://token.actions.githubusercontent.com`";
    Ok(Printed { text, document: Some(document), notes: vec![note.to_owned()] })
}
