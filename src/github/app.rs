//! The App itself: its id, its key, and the token that it signs for itself.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

/// Seconds that `iat` lies back, "to protect against clock drift"
/// (<https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app>).
const ISSUED_SECONDS_BACK: i64 = 60;
/// Seconds that the token is good for; GitHub takes at most 600 from now.
const LIFETIME_SECONDS: i64 = 540;
/// The token that showed that the key signs is used so long: a cold start signs once.
const FIRST_TOKEN_AGE_MAX: SignedDuration = SignedDuration::from_mins(5);

/// A GitHub App: who we are.
pub struct App {
    id: String,
    key: EncodingKey,
    first: FirstToken,
}

struct FirstToken {
    token: SecretString,
    made_at: Timestamp,
}

/// A text that is no RSA private key. What was got is a secret, so it is not said.
#[derive(Debug, thiserror::Error)]
#[error("got a text that is no RSA private key, expected the PEM file that GitHub made for the App (PKCS#1 or PKCS#8)")]
pub struct InvalidPrivateKey(#[source] jsonwebtoken::errors::Error);

#[derive(Serialize)]
struct Claims<'a> {
    iat: i64,
    exp: i64,
    iss: &'a str,
}

impl App {
    /// Takes the App's id (or client id) and its key in PEM, with real or escaped (`\n`) line ends, and signs a first token.
    ///
    /// # Errors
    /// The text is no key that can sign.
    pub fn new(id: &str, pem: &SecretString, now: Timestamp) -> Result<Self, InvalidPrivateKey> {
        let pem = SecretString::from(pem.expose_secret().replace("\\n", "\n"));
        let key = EncodingKey::from_rsa_pem(pem.expose_secret().trim().as_bytes()).map_err(InvalidPrivateKey)?;
        // Reading a PEM does not look into it; signing does.
        let token = sign(id, &key, now).map_err(InvalidPrivateKey)?.into();
        Ok(Self { id: id.to_owned(), key, first: FirstToken { token, made_at: now } })
    }

    /// The `Authorization` of the App itself, for minting installation tokens.
    pub(super) fn authorization(&self, now: Timestamp) -> Option<HeaderValue> {
        let age = now.duration_since(self.first.made_at);
        if (SignedDuration::ZERO..=FIRST_TOKEN_AGE_MAX).contains(&age) {
            return bearer(&self.first.token);
        }
        bearer(&sign(&self.id, &self.key, now).ok()?.into())
    }
}

fn sign(id: &str, key: &EncodingKey, now: Timestamp) -> Result<String, jsonwebtoken::errors::Error> {
    let now = now.as_second();
    let claims =
        Claims { iat: now.saturating_sub(ISSUED_SECONDS_BACK), exp: now.saturating_add(LIFETIME_SECONDS), iss: id };
    jsonwebtoken::encode(&Header::new(Algorithm::RS256), &claims, key)
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
