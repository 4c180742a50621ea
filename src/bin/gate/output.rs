//! What a command gives back: the text to print, and the answer for the exit code.

/// What a command prints, and what it answers.
pub(crate) struct CommandOutput {
    /// With colours, which are removed where no terminal shows them.
    pub(crate) text: String,
    pub(crate) answer: CommandAnswer,
}

/// What the exit code says of a command that did its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CommandAnswer {
    Yes,
    No,
    /// Nothing is wrong as far as it got.
    NotInTime,
}

impl CommandOutput {
    pub(crate) fn yes(text: String) -> Self {
        Self { text, answer: CommandAnswer::Yes }
    }
}

/// An invalid value that only the command itself can detect.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct WrongUse(pub(crate) String);
