//! What must be known of a repository and its gated environment to ask who else gets in.

use serde::Deserialize;

/// The repository, the environment, and how GitHub writes `sub` for it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// `OWNER/NAME`.
    pub repository: String,
    /// The repository's id, which no other repository ever has.
    pub repository_id: u64,
    /// The id of its owner.
    pub owner_id: u64,
    /// The gated environment.
    pub environment: String,
    /// How `sub` is written.
    pub subject: Subject,
}

/// How GitHub writes the claim `sub`
/// (<https://docs.github.com/actions/reference/security/oidc>, `GET /repos/{owner}/{repo}/actions/oidc/customization/sub`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "SubjectWire")]
pub enum Subject {
    /// `repo:OWNER/NAME:environment:ENVIRONMENT`.
    Default,
    /// `repo:OWNER@OWNER_ID/NAME@ID:environment:ENVIRONMENT`.
    Immutable,
    /// The values of these claims, `KEY:VALUE` joined by `:` (`context` and `repo` as GitHub expands them).
    Keys(Vec<String>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum SubjectWire {
    Name(SubjectName),
    Keys(Vec<String>),
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum SubjectName {
    Default,
    Immutable,
}

impl From<SubjectWire> for Subject {
    fn from(wire: SubjectWire) -> Self {
        match wire {
            SubjectWire::Name(SubjectName::Default) => Self::Default,
            SubjectWire::Name(SubjectName::Immutable) => Self::Immutable,
            SubjectWire::Keys(keys) => Self::Keys(keys),
        }
    }
}
