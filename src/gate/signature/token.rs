//! From a token's text to its claims, if the issuer signed it (RFC 7515, RFC 7519).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use serde_json::Value as Json;

use super::claims::Claims;
use super::keys::IssuerKeys;
use crate::model::quoted;

/// Bytes of a token. GitHub's have about 2,000.
pub const TOKEN_BYTES_MAX: usize = 16 * 1024;

/// Why a text is no token of the issuer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It is signed with a key that the issuer does not show: perhaps one that is very new.
    #[error("it is signed with key {}, which the issuer does not show", quoted(.0))]
    UnknownKey(String),
    /// Anything else; nothing will mend it.
    #[error("{0}")]
    Invalid(String),
}

/// A token's header. Others than these are no concern of the signature, but for `crit`, which asks for rules that we do not know.
#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<Json>,
}

/// Reads the claims of a token that the issuer signed with RS256. No claim is compared yet.
///
/// # Errors
/// What is not a token, not RS256, or not signed by one of the keys; a claim that is given twice.
pub fn verify(token: &str, keys: &IssuerKeys) -> Result<Claims, TokenError> {
    let invalid = |problem: &str| TokenError::Invalid(problem.to_owned());
    if token.len() > TOKEN_BYTES_MAX {
        return Err(TokenError::Invalid(format!("it has more than {TOKEN_BYTES_MAX} bytes")));
    }
    let token = token.trim_ascii();
    let header = token.split('.').next().and_then(|header| URL_SAFE_NO_PAD.decode(header).ok());
    let header: Option<Header> = header.and_then(|header| serde_json::from_slice(&header).ok());
    let header = header.ok_or_else(|| invalid("it is not a JSON Web Token"))?;
    if header.alg != "RS256" {
        return Err(TokenError::Invalid(format!("its algorithm is {}, expected `RS256`", quoted(&header.alg))));
    }
    if header.crit.is_some() {
        return Err(invalid("its header has `crit`, and no extension is known"));
    }
    let id = header.kid.ok_or_else(|| invalid("it does not name its key"))?;
    let key = keys.find(&id).ok_or_else(|| TokenError::UnknownKey(id.clone()))?;
    let key = DecodingKey::from_jwk(key).map_err(|_| invalid("its key is not one for RS256"))?;
    // Claims are compared one by one, with their values in the error; a token is still proof of its job when it has expired.
    let mut validation = Validation::new(Algorithm::RS256);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    jsonwebtoken::decode::<Claims>(token, &key, &validation).map(|decoded| decoded.claims).map_err(|error| match error
        .kind()
    {
        jsonwebtoken::errors::ErrorKind::InvalidSignature => invalid("its signature is wrong"),
        _ => invalid("its claims cannot be read, or one is given twice"),
    })
}
