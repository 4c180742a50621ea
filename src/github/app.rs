//! The App itself: its id, its key, and the token that it signs for itself.

use std::fmt;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::HeaderValue;
use jiff::Timestamp;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

/// Seconds that `iat` lies back, "to protect against clock drift"
/// (<https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app>).
const ISSUED_SECONDS_BACK: i64 = 60;
/// Seconds that the token is good for; GitHub takes at most 600 from now.
const LIFETIME_SECONDS: i64 = 540;

/// A GitHub App: who we are.
pub struct App {
    id: String,
    key: RsaKeyPair,
}

/// A text that is no RSA private key. What was got is a secret, so it is not said.
#[derive(Debug, thiserror::Error)]
#[error("got a text that is no RSA private key, expected the PEM file that GitHub made for the App (PKCS#1 or PKCS#8)")]
pub struct InvalidPrivateKey;

impl App {
    /// Takes the App's id (or client id) and its key in PEM, with real or escaped (`\n`) line ends.
    ///
    /// # Errors
    /// The text is no key: its numbers do not belong together, or are too small.
    pub fn new(id: &str, pem: &SecretString) -> Result<Self, InvalidPrivateKey> {
        let pem = SecretString::from(pem.expose_secret().replace("\\n", "\n"));
        let der = PrivateKeyDer::from_pem_slice(pem.expose_secret().as_bytes()).map_err(|_| InvalidPrivateKey)?;
        let key = match &der {
            PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
            PrivateKeyDer::Pkcs8(der) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
            _ => return Err(InvalidPrivateKey),
        };
        Ok(Self { id: id.to_owned(), key: key.map_err(|_| InvalidPrivateKey)? })
    }

    /// The `Authorization` of the App itself, for minting installation tokens: a JWT (RFC 7519), signed with RS256.
    pub(super) fn authorization(&self, now: Timestamp) -> Option<HeaderValue> {
        let now = now.as_second();
        let (issued, expires) = (now.saturating_sub(ISSUED_SECONDS_BACK), now.saturating_add(LIFETIME_SECONDS));
        let part = |json: serde_json::Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let header = part(json!({ "alg": "RS256", "typ": "JWT" }));
        let signed = format!("{header}.{}", part(json!({ "iat": issued, "exp": expires, "iss": self.id })));
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).ok()?;
        bearer(&format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)).into())
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
