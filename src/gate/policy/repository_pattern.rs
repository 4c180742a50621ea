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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::*;

    fn matches(pattern: &str, repository: &str) -> bool {
        RepositoryPattern::parse(pattern).unwrap().matches(&RepositoryName::parse(repository).unwrap())
    }

    #[test]
    fn a_repository_matches_itself_in_any_case() {
        assert!(matches("octo-org/widgets", "Octo-Org/Widgets"));
        assert!(!matches("octo-org/widgets", "octo-org/widgets2") && !matches("octo-org/widgets", "other/widgets"));
    }

    #[test]
    fn a_star_matches_every_repository_of_the_owner() {
        assert!(matches("octo-org/*", "OCTO-ORG/anything") && !matches("octo-org/*", "octo-org2/widgets"));
    }

    #[test]
    fn both_forms_know_their_owner_and_are_shown_as_spelled() {
        for text in ["octo-org/widgets", "octo-org/*"] {
            let pattern = RepositoryPattern::parse(text).unwrap();
            assert_eq!((pattern.owner(), pattern.to_string().as_str()), ("octo-org", text));
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["*", "widgets", "/*", "*/*", "octo-org/wid*", "octo-org/../x", "octo org/*", "a/b/*"] {
            assert!(RepositoryPattern::parse(text).is_err(), "{text}");
        }
    }
}
