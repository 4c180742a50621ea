//! The App itself: its id, its key, and the token that it signs for itself.

use std::fmt;

use http::header::HeaderValue;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use super::private_key::{self, InvalidPrivateKey};

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

/// The claims of the App's token (RFC 7519).
#[derive(Serialize)]
struct Claims<'a> {
    iat: i64,
    exp: i64,
    iss: &'a str,
}

impl App {
    /// Takes the App's id (or client id) and its key in PEM, or the base64 of that.
    ///
    /// # Errors
    /// The text is not a key that signs.
    pub fn new(id: &str, pem: &SecretString) -> Result<Self, InvalidPrivateKey> {
        let app = Self { id: id.to_owned(), key: private_key::read(pem)? };
        // The library reads the numbers of the key when it signs: an inconsistent key must fail the start, not a delivery.
        app.token(Timestamp::UNIX_EPOCH).ok_or(private_key::UNUSABLE)?;
        Ok(app)
    }

    /// The App's id or client id, as in the settings.
    pub(super) fn id(&self) -> &str {
        &self.id
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
