//! The keys of the provider that signs.

use jsonwebtoken::jwk::{Jwk, JwkSet};

/// Bytes of a set of keys. GitHub's has a few thousand.
const KEYS_BYTES_MAX: usize = 100 * 1024;

/// A text that is no set of keys.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("got {0}, expected a JSON Web Key Set with at least one key")]
pub struct InvalidKeys(String);

/// The keys of one issuer, as they were read (RFC 7517, 5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuerKeys {
    /// The issuer's URL, as in the claim `iss`.
    pub issuer: String,
    keys: JwkSet,
}

impl IssuerKeys {
    /// Reads a JSON Web Key Set.
    ///
    /// # Errors
    /// Text that is not one, that is too long, or that has no key.
    pub fn parse(issuer: &str, text: &[u8]) -> Result<Self, InvalidKeys> {
        if text.len() > KEYS_BYTES_MAX {
            return Err(InvalidKeys(format!("{} bytes, more than {KEYS_BYTES_MAX}", text.len())));
        }
        let keys: JwkSet = serde_json::from_slice(text).map_err(|_| InvalidKeys("something else".to_owned()))?;
        if keys.keys.is_empty() {
            return Err(InvalidKeys("a set without keys".to_owned()));
        }
        Ok(Self { issuer: issuer.to_owned(), keys })
    }

    /// The key of this id.
    pub fn find(&self, id: &str) -> Option<&Jwk> {
        self.keys.find(id)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::*;

    const KEYS: &str = r#"{"keys":[{"kty":"RSA","kid":"one","use":"sig","alg":"RS256","n":"AQAB","e":"AQAB"}]}"#;

    #[test]
    fn a_key_is_found_by_its_id() {
        let keys = IssuerKeys::parse("https://issuer.example", KEYS.as_bytes()).unwrap();
        assert!(keys.find("one").is_some() && keys.find("two").is_none());
    }

    #[test]
    fn a_set_without_keys_is_no_set() {
        for bad in ["{\"keys\":[]}", "{}", "[]", "", "<html>"] {
            assert!(IssuerKeys::parse("https://issuer.example", bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_set_that_is_too_long_is_refused() {
        let long = KEYS.to_owned() + &" ".repeat(KEYS_BYTES_MAX);
        assert!(IssuerKeys::parse("https://issuer.example", long.as_bytes()).is_err());
    }
}
