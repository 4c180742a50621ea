//! What a field of a line is.

use std::fmt;

use jiff::Timestamp;

/// A value. A field that a line does not have is `None` of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Text(String),
    Number(f64),
    Time(Timestamp),
}

impl Value {
    /// Whether both are equal. AWS does not say what a number and a text are to each other.
    pub(super) fn equals(&self, other: &Self) -> Result<bool, String> {
        match (self, other) {
            (Self::Text(_), Self::Text(_)) | (Self::Number(_), Self::Number(_)) => Ok(self == other),
            _ => Err(format!("got {self:?} beside {other:?}, expected two texts or two numbers")),
        }
    }

    pub(super) fn text(&self) -> Result<&str, String> {
        match self {
            Self::Text(text) => Ok(text),
            other => Err(format!("got {other:?}, expected a text")),
        }
    }

    pub(super) fn number(&self) -> Result<f64, String> {
        match self {
            Self::Number(number) => Ok(*number),
            other => Err(format!("got {other:?}, expected a number")),
        }
    }

    pub(super) fn time(&self) -> Result<Timestamp, String> {
        match self {
            Self::Time(time) => Ok(*time),
            other => Err(format!("got {other:?}, expected a timestamp")),
        }
    }
}

/// As the console shows it: every result is a text.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Number(number) => write!(f, "{number}"),
            Self::Time(time) => write!(f, "{}", time.strftime("%Y-%m-%d %H:%M:%S.%3f")),
        }
    }
}
