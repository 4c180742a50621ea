//! The App's token (RFC 7519): what it claims, until when it holds, and the header that carries it. Not here: who signs it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::HeaderValue;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;

/// Seconds that `iat` lies in the past, "to protect against clock drift"
/// (<https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app>).
const ISSUED_SECONDS_BACK: i64 = 60;
/// Seconds until the token expires; GitHub accepts at most 600 from now.
const LIFETIME_SECONDS: i64 = 540;
/// A token is not used in its last seconds: a call takes time, and GitHub's clock may differ.
const RESERVE_SECONDS: i64 = 60;

/// The claims of the App's token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Claims {
    iat: i64,
    exp: i64,
    iss: String,
}

impl Claims {
    /// What the App says of itself at `now`.
    pub(super) fn new(app_id: &str, now: Timestamp) -> Self {
        let now = now.as_second();
        let (iat, exp) = (now.saturating_sub(ISSUED_SECONDS_BACK), now.saturating_add(LIFETIME_SECONDS));
        Self { iat, exp, iss: app_id.to_owned() }
    }

    /// Whether a token with these claims can be used at `now`: not when it is about to expire, and not when the clock went back before it was issued.
    pub(super) fn hold_for(&self, app_id: &str, now: Timestamp) -> bool {
        let now = now.as_second();
        self.iss == app_id && self.iat <= now && now.saturating_add(RESERVE_SECONDS) <= self.exp
    }

    /// The token, signed with a key in this process. `None` when the key cannot sign.
    pub(super) fn signed(&self, key: &EncodingKey) -> Option<SecretString> {
        jsonwebtoken::encode(&header(), self, key).ok().map(SecretString::from)
    }

    /// The part of the token that is signed (RFC 7515, section 5.1). `None` when it cannot be written.
    pub(super) fn signing_input(&self) -> Option<String> {
        Some(format!("{}.{}", part(&header())?, part(self)?))
    }
}

/// The token of what was signed and its signature.
pub(super) fn joined(signing_input: &str, signature: &[u8]) -> SecretString {
    format!("{signing_input}.{}", URL_SAFE_NO_PAD.encode(signature)).into()
}

/// `Bearer …`, marked so that HTTP libraries neither print nor compress it. `None` for a token that no header can hold.
pub(super) fn bearer(token: &SecretString) -> Option<HeaderValue> {
    let text = SecretString::from(format!("Bearer {}", token.expose_secret()));
    let mut value = HeaderValue::from_str(text.expose_secret()).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// RS256, as GitHub asks for it.
fn header() -> Header {
    Header::new(Algorithm::RS256)
}

fn part(json: &impl Serialize) -> Option<String> {
    serde_json::to_vec(json).ok().map(|json| URL_SAFE_NO_PAD.encode(json))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::*;
    use crate::world::Key;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_767_600_000_i64.saturating_add(second)).unwrap()
    }

    #[test]
    fn a_token_is_used_until_a_minute_before_it_expires() {
        let claims = Claims::new("1", at(0));
        assert!(claims.hold_for("1", at(0)) && claims.hold_for("1", at(480)));
        assert!(!claims.hold_for("1", at(481)));
    }

    #[test]
    fn a_token_of_the_future_is_not_used() {
        assert!(!Claims::new("1", at(0)).hold_for("1", at(-61)));
    }

    #[test]
    fn a_token_of_another_app_is_not_used() {
        assert!(!Claims::new("1", at(0)).hold_for("2", at(0)));
    }

    #[test]
    fn what_another_signs_is_what_the_library_signs() {
        let key = Key::generate().unwrap();
        let key = EncodingKey::from_rsa_pem(key.private_pem().expose_secret().as_bytes()).unwrap();
        let claims = Claims::new("Iv1.abc", at(0));
        let whole = claims.signed(&key).unwrap();
        let (signing_input, signature) = whole.expose_secret().rsplit_once('.').unwrap();
        assert_eq!(claims.signing_input().unwrap(), signing_input);
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        assert_eq!(joined(signing_input, &signature).expose_secret(), whole.expose_secret());
    }
}
