//! Whether a delivery is GitHub's: HMAC-SHA256 of the body as it came, compared in constant time
//! (<https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries>).

use std::fmt;

use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::HeaderMap;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use super::{Refusal, UnverifiedDelivery};

const SIGNATURE: &str = "x-hub-signature-256";
const SIGNATURE_SHA1: &str = "x-hub-signature";

/// Secrets that may sign a delivery: two while one is rotated; any of them verifies.
pub struct Secrets(Vec<SecretString>);

/// Text without a secret in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("got no secret, expected one per line: the text of the App's setting \"Webhook secret\"")]
pub struct InvalidSecrets;

/// A delivery that was signed with one of the secrets. Its headers are still unverified.
#[derive(Debug)]
pub struct VerifiedDelivery<'d> {
    delivery: &'d UnverifiedDelivery,
}

impl Secrets {
    /// Reads one secret per line. Whitespace around it is removed; empty lines are skipped.
    pub fn parse(text: &SecretString) -> Result<Self, InvalidSecrets> {
        let lines = text.expose_secret().lines().map(str::trim).filter(|line| !line.is_empty());
        let secrets: Vec<SecretString> = lines.map(SecretString::from).collect();
        if secrets.is_empty() { Err(InvalidSecrets) } else { Ok(Self(secrets)) }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The signature of a body with the first secret, as GitHub sends it.
    pub fn sign(&self, body: &[u8]) -> String {
        self.0.first().map(|secret| sign(secret, body)).unwrap_or_default()
    }

    /// Whether one of them signed this. Every secret is tried, so that the time does not reveal which.
    fn verify(&self, body: &[u8], signature: &[u8; 32]) -> bool {
        self.0.iter().fold(false, |verified, secret| verified | is_signed(secret, body, signature))
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({})", self.0.len())
    }
}

impl UnverifiedDelivery {
    /// Verifies the signature. Not a byte of the body is parsed before that.
    pub fn verify(&self, secrets: &Secrets) -> Result<VerifiedDelivery<'_>, Refusal> {
        let signature = signature_of(&self.headers)?;
        if secrets.verify(&self.body, &signature) {
            Ok(VerifiedDelivery { delivery: self })
        } else {
            Err(Refusal::Signature { got: "a signature made with another secret or of another body" })
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
    let digits = mac(secret, body).map(|mac| hex::encode(mac.finalize().into_bytes()));
    format!("sha256={}", digits.unwrap_or_default())
}

fn is_signed(secret: &SecretString, body: &[u8], signature: &[u8; 32]) -> bool {
    // `verify_slice` compares in constant time.
    mac(secret, body).is_some_and(|mac| mac.verify_slice(signature).is_ok())
}

/// HMAC takes a key of any length; if that ever changed, nothing would verify.
fn mac(secret: &SecretString, body: &[u8]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()).ok()?;
    mac.update(body);
    Some(mac)
}

/// The one signature: `sha256=` and 64 hexadecimal digits. Two of them are as bad as none.
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
