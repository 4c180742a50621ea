//! What a command gives back: the text to print, and the answer for the exit code.

/// What a command prints, and what it answers.
pub(crate) struct Output {
    /// With colours, which are removed where no terminal shows them.
    pub(crate) text: String,
    pub(crate) answer: Answer,
}

/// What the exit code says of a command that did its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Yes,
    No,
}

impl Output {
    pub(crate) fn yes(text: String) -> Self {
        Self { text, answer: Answer::Yes }
    }
}

/// A value that is not of its kind, where only the command itself can see that.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct WrongUse(pub(crate) String);
