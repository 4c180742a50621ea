//! Which branches and tags a rule allows.

use std::fmt;

use crate::model::{InvalidName, RefName};

/// The short name of a branch or tag, or the beginning of one: `v*` matches `v1.2`, but not `v1/x`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefPattern {
    /// Exactly this name.
    Exact(String),
    /// Names that begin like this, with no slash in the rest.
    Prefix(String),
}

impl RefPattern {
    /// Reads a short name, with at most one star: at its end, and not alone.
    ///
    /// # Errors
    /// Anything else.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let (name, star) = text.strip_suffix('*').map_or((text, false), |name| (name, true));
        if name.starts_with("refs/") || name.contains('*') || name.trim() != name || RefName::parse(name).is_err() {
            let expected =
                "the short name of a branch or tag, such as `main`, or its beginning and one star, such as `v*`";
            return Err(InvalidName::new(text, expected));
        }
        Ok(if star { Self::Prefix(name.to_owned()) } else { Self::Exact(name.to_owned()) })
    }

    /// Whether the rule allows this ref.
    pub fn matches(&self, ref_name: &RefName) -> bool {
        match self {
            Self::Exact(name) => ref_name.as_str() == name,
            Self::Prefix(prefix) => {
                ref_name.as_str().strip_prefix(prefix.as_str()).is_some_and(|rest| !rest.contains('/'))
            }
        }
    }
}

impl fmt::Display for RefPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(name) => f.write_str(name),
            Self::Prefix(prefix) => write!(f, "{prefix}*"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

    use super::*;

    fn matches(pattern: &str, name: &str) -> bool {
        RefPattern::parse(pattern).unwrap().matches(&RefName::parse(name).unwrap())
    }

    #[test]
    fn a_name_matches_itself_alone() {
        assert!(matches("main", "main") && !matches("main", "refs/heads/main"));
        assert!(!matches("main", "main-evil") && !matches("main", "Main") && !matches("main", "mai"));
    }

    #[test]
    fn a_star_matches_the_rest_of_a_name() {
        assert!(matches("v*", "v1.2") && matches("v*", "v") && matches("release/*", "release/1.4"));
        assert!(!matches("v*", "1.2") && !matches("release/*", "releases/1") && !matches("release/*", "release"));
    }

    #[test]
    fn a_star_does_not_reach_across_a_slash() {
        assert!(!matches("v*", "v1/x") && !matches("release/*", "release/1.4/x"));
    }

    #[test]
    fn it_is_shown_as_it_was_spelled() {
        assert_eq!(["main", "v*"].map(|text| RefPattern::parse(text).unwrap().to_string()), ["main", "v*"]);
    }

    #[test]
    fn anything_but_a_short_name_with_one_star_at_its_end_is_refused() {
        for text in ["", "*", "v*x", "v**", "*v", "refs/heads/main", "refs/heads/*", " main", "main ", "a\u{7}b"] {
            let error = RefPattern::parse(text).expect_err(text).to_string();
            assert!(error.contains("expected the short name of a branch or tag"), "{error}");
        }
    }
}
