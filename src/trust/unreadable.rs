//! Why a document could not be read.

/// A document that is not what its provider writes: what was found, what belongs there, what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("got {got}; expected {expected}; {fix}")]
pub struct Unreadable {
    /// What was found, such as "a number in `subject`".
    pub got: String,
    /// What belongs there.
    pub expected: String,
    /// What to do next.
    pub fix: String,
}

impl Unreadable {
    /// An error of these three parts.
    pub(super) fn new(got: impl Into<String>, expected: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { got: got.into(), expected: expected.into(), fix: fix.into() }
    }
}
