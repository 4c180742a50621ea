//! Where the fake GitHub's answers come from.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use serde_json::Value;

use super::answers::{Answers, Canned};

/// A call, as a GitHub that changes between calls sees it.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Its name, as in [`Answers`].
    pub name: String,
    /// Path and query, under the API's base.
    pub path: String,
    /// The JSON that was sent; null for none.
    pub sent: Value,
}

/// Answers calls as they come.
pub type Living = Arc<dyn Fn(Asked) -> Pin<Box<dyn Future<Output = Canned> + Send>> + Send + Sync>;

/// Where answers come from.
#[derive(Clone)]
pub enum AnswerSource {
    /// From a story.
    Written(Answers),
    /// From something that changes between calls; and the installation token that it hands out.
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
