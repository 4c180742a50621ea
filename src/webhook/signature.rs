//! Whether a delivery is GitHub's: HMAC-SHA256 of the body as it came, compared in constant time
//! (<https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries>).

use std::fmt;
use std::ops::RangeInclusive;

use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::HeaderMap;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use super::{Refusal, UnverifiedDelivery};

const SIGNATURE: &str = "x-hub-signature-256";
const SIGNATURE_SHA1: &str = "x-hub-signature";

/// Characters of a webhook secret. A shorter one can be guessed; GitHub makes 40, `openssl rand -hex 32` 64.
const SECRET_CHARS: RangeInclusive<usize> = 16..=256;
/// How many secrets may sign. A rotation needs two; each costs a hash of the body for every request, signed or not.
const SECRETS_MAX: usize = 4;

/// Secrets that may sign a delivery: two while one is rotated; any of them verifies.
pub struct Secrets(Vec<SecretString>);

/// Text that is not webhook secrets. Nothing of it is shown: a part of it may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "got {got}, expected webhook secrets, one per line, each of {} to {} printable ASCII characters without blanks, quotes, braces or a leading `#`: store the App's webhook secret alone, without comments or JSON around it",
    SECRET_CHARS.start(),
    SECRET_CHARS.end()
)]
pub struct InvalidSecrets {
    got: String,
}

/// A delivery that was signed with one of the secrets. Its headers are still unverified.
#[derive(Debug)]
pub struct VerifiedDelivery<'d> {
    delivery: &'d UnverifiedDelivery,
}

impl Secrets {
    /// Reads one secret per line. Empty lines are skipped, because an empty key would let anybody sign.
    ///
    /// # Errors
    /// No secret, too many, or a line that is something else: a comment or JSON's punctuation would be a key that anybody can guess.
    pub fn parse(text: &SecretString) -> Result<Self, InvalidSecrets> {
        let mut secrets = Vec::new();
        for (number, line) in (1_usize..).zip(text.expose_secret().lines()).filter(|(_, line)| !is_blank(line)) {
            if let Some(problem) = problem_of(line) {
                let chars = line.chars().count();
                return Err(InvalidSecrets { got: format!("{problem} in line {number} (length {chars})") });
            }
            secrets.push(SecretString::from(line));
        }
        match secrets.len() {
            0 => Err(InvalidSecrets { got: "no secret".to_owned() }),
            1..=SECRETS_MAX => Ok(Self(secrets)),
            count => {
                Err(InvalidSecrets { got: format!("{count} secrets, more than the {SECRETS_MAX} that may be stored") })
            }
        }
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

fn is_blank(line: &str) -> bool {
    line.chars().all(char::is_whitespace)
}

/// Why a line is not a secret, without showing any of it.
fn problem_of(line: &str) -> Option<&'static str> {
    if line.starts_with('#') {
        Some("a comment (`#`)")
    } else if line.contains(['{', '}']) {
        Some("a brace")
    } else if line.contains(['"', '\'']) {
        Some("a quote")
    } else if line.contains(char::is_whitespace) {
        Some("a blank")
    } else if !line.chars().all(|c| c.is_ascii_graphic()) {
        Some("a character that is not printable ASCII")
    } else if line.len() < *SECRET_CHARS.start() {
        Some("a secret that is too short")
    } else if line.len() > *SECRET_CHARS.end() {
        Some("a secret that is too long")
    } else {
        None
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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::*;

    const SECRET: &str = "0123456789abcdef";

    fn count(text: &str) -> usize {
        Secrets::parse(&text.into()).unwrap().count()
    }

    /// What is said of text that is refused.
    fn refused(text: &str) -> String {
        Secrets::parse(&text.into()).unwrap_err().to_string()
    }

    #[test]
    fn a_secret_is_a_line_of_16_to_256_printable_characters() {
        for secret in [SECRET.to_owned(), "!$%&()*+,-./:;<=>?@[]^_`|~#".to_owned(), "x".repeat(256)] {
            assert_eq!(count(&secret), 1, "{secret}");
        }
    }

    #[test]
    fn two_secrets_stand_in_two_lines_however_these_end() {
        let other = "fedcba9876543210";
        for text in [format!("{SECRET}\n{other}"), format!("{SECRET}\r\n{other}\r\n")] {
            assert_eq!(count(&text), 2, "{text:?}");
        }
    }

    #[test]
    fn an_empty_line_is_not_a_secret() {
        assert_eq!(count(&format!("\n{SECRET}\n \t\n\n")), 1);
        assert!(refused(" \n\n").starts_with("got no secret, expected webhook secrets"));
    }

    #[test]
    fn a_line_that_is_something_else_is_named_with_its_place_and_length() {
        let long = "x".repeat(257);
        for (line, problem) in [
            ("# the old one, until Monday", "a comment (`#`) in line 2 (length 27)"),
            ("#0123456789abcdef", "a comment (`#`) in line 2 (length 17)"),
            ("}", "a brace in line 2 (length 1)"),
            ("\"0123456789abcdef\"", "a quote in line 2 (length 18)"),
            ("'0123456789abcdef'", "a quote in line 2 (length 18)"),
            ("0123456789abcdef ", "a blank in line 2 (length 17)"),
            ("0123456789\u{a0}abcdef", "a blank in line 2 (length 17)"),
            ("\u{feff}0123456789abcdef", "a character that is not printable ASCII in line 2 (length 17)"),
            ("0123456789abcd\u{e9}f", "a character that is not printable ASCII in line 2 (length 16)"),
            ("0123456789abcde", "a secret that is too short in line 2 (length 15)"),
            (&long, "a secret that is too long in line 2 (length 257)"),
        ] {
            let said = refused(&format!("{SECRET}\n{line}\n"));
            assert!(said.starts_with(&format!("got {problem}, expected")), "{line:?}: {said}");
        }
    }

    #[test]
    fn pretty_printed_json_is_not_a_list_of_secrets() {
        assert!(refused(&format!("{{\n  \"secret\": \"{SECRET}\"\n}}\n")).starts_with("got a brace in line 1"));
    }

    #[test]
    fn nothing_of_what_is_refused_is_shown() {
        for text in [format!("# {SECRET}"), format!("{{\"{SECRET}\"}}"), format!("{SECRET}\nshort"), SECRET.repeat(20)]
        {
            let said = refused(&text);
            assert!(!said.contains("0123") && !said.contains("short\n"), "{said}");
        }
    }

    #[test]
    fn more_secrets_than_a_rotation_can_need_are_refused() {
        let lines = |count: usize| vec![SECRET; count].join("\n");
        assert_eq!(count(&lines(4)), 4);
        assert!(refused(&lines(5)).starts_with("got 5 secrets, more than the 4 that may be stored"));
    }
}
