//! The claims of a token.

use serde_json::{Map, Value};

/// The claims of a token of GitHub's OIDC provider
/// (<https://docs.github.com/actions/reference/security/oidc>).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Token(Map<String, Value>);

impl Token {
    /// A token with these claims.
    #[must_use]
    pub fn new(claims: Map<String, Value>) -> Self {
        Self(claims)
    }

    /// A claim, if the token has it.
    #[must_use]
    pub fn claim(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// A claim that is text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.claim(name).and_then(Value::as_str)
    }

    /// All claims.
    #[must_use]
    pub fn claims(&self) -> &Map<String, Value> {
        &self.0
    }
}
