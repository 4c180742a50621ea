//! Which repositories a rule is about.

use std::fmt;

use crate::model::{InvalidName, RepositoryName};

/// `owner/name`, or every repository of an owner: `owner/*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RepositoryPattern {
    /// One repository.
    One(RepositoryName),
    /// All repositories of this owner.
    AllOf(String),
}

impl RepositoryPattern {
    /// Reads `owner/name` or `owner/*`.
    ///
    /// # Errors
    /// Anything else.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        match text.strip_suffix("/*") {
            // With a placeholder for the name: the owner must fit the same rule in both forms.
            Some(owner) => RepositoryName::new(owner, "any").map(|any| Self::AllOf(any.owner().to_owned())),
            None => RepositoryName::parse(text).map(Self::One),
        }
    }

    /// The owner.
    pub fn owner(&self) -> &str {
        match self {
            Self::One(name) => name.owner(),
            Self::AllOf(owner) => owner,
        }
    }

    /// Whether the rule is about this repository.
    pub fn matches(&self, repository: &RepositoryName) -> bool {
        match self {
            Self::One(name) => name == repository,
            Self::AllOf(owner) => owner.eq_ignore_ascii_case(repository.owner()),
        }
    }
}

impl fmt::Display for RepositoryPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(name) => name.fmt(f),
            Self::AllOf(owner) => write!(f, "{owner}/*"),
        }
    }
}
