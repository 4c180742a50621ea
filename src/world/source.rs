//! Where the fake GitHub's answers come from.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use serde_json::Value;

use super::answers::{Answers, Canned};

/// A call, as a GitHub that changes while it is asked sees it.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Its name, as in [`Answers`].
    pub name: String,
    /// Path and query, under the API's base.
    pub path: String,
    /// The JSON that was sent; null for none.
    pub sent: Value,
}

/// Answers calls as they come, and takes its time for it.
pub type Living = Arc<dyn Fn(Asked) -> Pin<Box<dyn Future<Output = Canned> + Send>> + Send + Sync>;

/// Where answers come from.
#[derive(Clone)]
pub enum AnswerSource {
    /// A story wrote them down.
    Written(Answers),
    /// Something that changes makes them up; the token that it gives out.
    Living(Living, String),
}

impl From<Answers> for AnswerSource {
    fn from(answers: Answers) -> Self {
        Self::Written(answers)
    }
}

impl fmt::Debug for AnswerSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Written(answers) => answers.fmt(f),
            Self::Living(..) => f.write_str("Living"),
        }
    }
}
