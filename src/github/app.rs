//! The App itself: its id, its key, and the token that it signs for itself.

use std::fmt;

use http::header::HeaderValue;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

/// Seconds that `iat` lies in the past, "to protect against clock drift"
/// (<https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app>).
const ISSUED_SECONDS_BACK: i64 = 60;
/// Seconds until the token expires; GitHub accepts at most 600 from now.
const LIFETIME_SECONDS: i64 = 540;

/// A GitHub App: who we are.
pub struct App {
    id: String,
    key: EncodingKey,
}

/// A text that is not an RSA private key. The text is a secret, so the message does not show it.
#[derive(Debug, thiserror::Error)]
#[error(
    "got text that is not a usable RSA private key, expected the PEM file that GitHub generated for the App (PKCS#1 or PKCS#8)"
)]
pub struct InvalidPrivateKey;

/// The claims of the App's token (RFC 7519).
#[derive(Serialize)]
struct Claims<'a> {
    iat: i64,
    exp: i64,
    iss: &'a str,
}

impl App {
    /// Takes the App's id (or client id) and its key in PEM, with real or escaped (`\n`) line ends.
    ///
    /// # Errors
    /// The text is not a key that signs.
    pub fn new(id: &str, pem: &SecretString) -> Result<Self, InvalidPrivateKey> {
        let pem = SecretString::from(pem.expose_secret().replace("\\n", "\n"));
        let key = EncodingKey::from_rsa_pem(pem.expose_secret().as_bytes()).map_err(|_| InvalidPrivateKey)?;
        let app = Self { id: id.to_owned(), key };
        // The library reads the numbers of the key when it signs: an inconsistent key must fail the start, not a delivery.
        app.token(Timestamp::UNIX_EPOCH).ok_or(InvalidPrivateKey)?;
        Ok(app)
    }

    /// The `Authorization` header of the App itself. `None` when the key cannot sign.
    pub(super) fn authorization(&self, now: Timestamp) -> Option<HeaderValue> {
        bearer(&self.token(now)?)
    }

    /// A token of the App, signed with RS256, as GitHub asks for it.
    fn token(&self, now: Timestamp) -> Option<SecretString> {
        let now = now.as_second();
        let (iat, exp) = (now.saturating_sub(ISSUED_SECONDS_BACK), now.saturating_add(LIFETIME_SECONDS));
        let claims = Claims { iat, exp, iss: &self.id };
        jsonwebtoken::encode(&Header::new(Algorithm::RS256), &claims, &self.key).ok().map(SecretString::from)
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").field("id", &self.id).finish_non_exhaustive()
    }
}

/// `Bearer …`, marked so that HTTP libraries neither print nor compress it. `None` for a token that no header can hold.
pub(super) fn bearer(token: &SecretString) -> Option<HeaderValue> {
    let text = SecretString::from(format!("Bearer {}", token.expose_secret()));
    let mut value = HeaderValue::from_str(text.expose_secret()).ok()?;
    value.set_sensitive(true);
    Some(value)
}
