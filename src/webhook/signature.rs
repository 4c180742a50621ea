//! Step 1: is the delivery GitHub's? HMAC-SHA256 over the body as it came, compared in constant time
//! (<https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries>).

use std::fmt;

use aws_lc_rs::hmac;
use bytes::Bytes;
use http::HeaderMap;
use secrecy::{ExposeSecret, SecretString};

use super::{Refusal, UnverifiedDelivery};

const SIGNATURE: &str = "x-hub-signature-256";
const SIGNATURE_SHA1: &str = "x-hub-signature";

/// Secrets that may sign a delivery: two while one is rotated; any of them verifies.
pub struct Secrets(Vec<SecretString>);

/// A text without a secret in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("got no secret, expected one a line: the text of the App's setting \"Webhook secret\"")]
pub struct InvalidSecrets;

/// A delivery that one of the secrets signed. Its headers are still anybody's.
#[derive(Debug)]
pub struct VerifiedDelivery<'d> {
    delivery: &'d UnverifiedDelivery,
}

impl Secrets {
    /// Reads one secret a line. Blanks around a line are no part of it, and empty lines are nothing.
    pub fn parse(text: &SecretString) -> Result<Self, InvalidSecrets> {
        let lines = text.expose_secret().lines().map(str::trim).filter(|line| !line.is_empty());
        let secrets: Vec<SecretString> = lines.map(SecretString::from).collect();
        if secrets.is_empty() { Err(InvalidSecrets) } else { Ok(Self(secrets)) }
    }

    /// How many they are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The signature of a body with the first of them, as GitHub sends it.
    pub fn sign(&self, body: &[u8]) -> String {
        self.0.first().map(|secret| sign(secret, body)).unwrap_or_default()
    }

    /// Did one of them sign this? Every secret is tried, so that the time does not tell which.
    fn verify(&self, body: &[u8], signature: &[u8; 32]) -> bool {
        self.0.iter().fold(false, |verified, secret| verified | hmac::verify(&key(secret), body, signature).is_ok())
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({})", self.0.len())
    }
}

impl UnverifiedDelivery {
    /// Verifies the signature. Not a byte of the body is parsed before.
    pub fn verify(&self, secrets: &Secrets) -> Result<VerifiedDelivery<'_>, Refusal> {
        let signature = signature_of(&self.headers)?;
        if secrets.verify(&self.body, &signature) {
            Ok(VerifiedDelivery { delivery: self })
        } else {
            Err(Refusal::Signature { got: "a signature of another secret or another body" })
        }
    }
}

impl VerifiedDelivery<'_> {
    /// The signed bytes.
    pub fn payload(&self) -> &Bytes {
        &self.delivery.body
    }

    /// The headers, which nobody signed.
    pub(super) fn headers(&self) -> &HeaderMap {
        &self.delivery.headers
    }
}

/// The `x-hub-signature-256` of a body: `sha256=` and 64 hexadecimal digits, as GitHub sends it.
pub fn sign(secret: &SecretString, body: &[u8]) -> String {
    format!("sha256={}", hex::encode(hmac::sign(&key(secret), body)))
}

fn key(secret: &SecretString) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes())
}

/// The one signature: `sha256=` and 64 hexadecimal digits. Two, or two in one header, are none.
fn signature_of(headers: &HeaderMap) -> Result<[u8; 32], Refusal> {
    let refused = |got| Err(Refusal::Signature { got });
    let mut signatures = headers.get_all(SIGNATURE).iter();
    let signature = match (signatures.next(), signatures.next()) {
        (Some(signature), None) => signature,
        (Some(_), Some(_)) => return refused("two signatures"),
        (None, _) if headers.contains_key(SIGNATURE_SHA1) => return refused("a SHA-1 signature only"),
        (None, _) => return refused("no signature"),
    };
    let digits = signature.as_bytes().strip_prefix(b"sha256=").unwrap_or_default();
    let mut bytes = [0; 32];
    match hex::decode_to_slice(digits, &mut bytes) {
        Ok(()) => Ok(bytes),
        Err(_) => refused("a malformed signature"),
    }
}
