//! Which branches and tags a rule allows.

use std::fmt;

use crate::model::{InvalidName, RefName};

/// The short name of a branch or tag, or the beginning of one: `v*` matches `v1.2`, but not `v1/x`. Only a signed rule can tell a branch from a tag
/// (`refs/tags/v*`): GitHub's API does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefPattern {
    /// `None` for both.
    kind: Option<RefKind>,
    name: NamePattern,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RefKind {
    Branch,
    Tag,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum NamePattern {
    /// Exactly this name.
    Exact(String),
    /// Names that begin like this, with no slash in the rest.
    Prefix(String),
}

impl RefKind {
    const ALL: [Self; 2] = [Self::Branch, Self::Tag];

    fn prefix(self) -> &'static str {
        match self {
            Self::Branch => "refs/heads/",
            Self::Tag => "refs/tags/",
        }
    }
}

impl RefPattern {
    /// Reads a short name, with at most one star: at its end, and not alone.
    ///
    /// # Errors
    /// Anything else.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        Self::parse_short(text, text)
    }

    /// The same, and the full name of a branch or tag, for a signed rule.
    ///
    /// # Errors
    /// Anything else.
    pub fn parse_typed(text: &str) -> Result<Self, InvalidName> {
        let typed = RefKind::ALL.into_iter().find_map(|kind| Some((kind, text.strip_prefix(kind.prefix())?)));
        match typed {
            Some((kind, short)) => Ok(Self { kind: Some(kind), ..Self::parse_short(short, text)? }),
            None => Self::parse(text),
        }
    }

    /// Reads a short name; `text` is all that was given.
    fn parse_short(short: &str, text: &str) -> Result<Self, InvalidName> {
        let (name, star) = short.strip_suffix('*').map_or((short, false), |name| (name, true));
        if name.starts_with("refs/") || name.contains('*') || name.trim() != name || RefName::parse(name).is_err() {
            let expected =
                "the short name of a branch or tag, such as `main`, or its beginning and one star, such as `v*`";
            return Err(InvalidName::new(text, expected));
        }
        let name = if star { NamePattern::Prefix(name.to_owned()) } else { NamePattern::Exact(name.to_owned()) };
        Ok(Self { kind: None, name })
    }

    /// Whether the rule allows a branch or tag of this short name.
    pub fn matches(&self, ref_name: &RefName) -> bool {
        self.name.matches(ref_name.as_str())
    }

    /// The one short name that it matches, if it is not the beginning of several.
    pub fn exact(&self) -> Option<&str> {
        match &self.name {
            NamePattern::Exact(name) => Some(name),
            NamePattern::Prefix(_) => None,
        }
    }

    /// With what every name that it matches begins.
    pub fn beginning(&self) -> &str {
        match &self.name {
            NamePattern::Exact(name) | NamePattern::Prefix(name) => name,
        }
    }

    /// Whether everything that `other` matches is matched by this one, too.
    pub(super) fn includes(&self, other: &Self) -> bool {
        let same_kind = self.kind.is_none() || self.kind == other.kind;
        same_kind
            && match (&self.name, &other.name) {
                (NamePattern::Exact(name), NamePattern::Exact(other)) => name == other,
                (NamePattern::Exact(_), NamePattern::Prefix(_)) => false,
                (prefix @ NamePattern::Prefix(_), NamePattern::Exact(other) | NamePattern::Prefix(other)) => {
                    prefix.matches(other)
                }
            }
    }

    /// Whether the rule allows this full name, such as `refs/tags/v1.2`.
    pub fn matches_full(&self, full: &str) -> bool {
        let is_of = |kind: RefKind| full.strip_prefix(kind.prefix()).is_some_and(|short| self.name.matches(short));
        RefKind::ALL.into_iter().filter(|kind| self.kind.is_none_or(|own| own == *kind)).any(is_of)
    }
}

impl NamePattern {
    fn matches(&self, short: &str) -> bool {
        match self {
            Self::Exact(name) => short == name,
            Self::Prefix(prefix) => short.strip_prefix(prefix.as_str()).is_some_and(|rest| !rest.contains('/')),
        }
    }
}

impl fmt::Display for RefPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.map_or("", RefKind::prefix))?;
        match &self.name {
            NamePattern::Exact(name) => f.write_str(name),
            NamePattern::Prefix(prefix) => write!(f, "{prefix}*"),
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
    fn a_full_name_is_of_one_kind() {
        let full = |pattern: &str, name: &str| RefPattern::parse_typed(pattern).unwrap().matches_full(name);
        assert!(full("refs/tags/v*", "refs/tags/v1") && !full("refs/tags/v*", "refs/heads/v1"));
        assert!(full("main", "refs/heads/main") && full("main", "refs/tags/main") && !full("main", "main"));
        assert!(
            !full("refs/heads/main", "refs/pull/1/merge") && !full("refs/heads/main", "refs/heads/refs/heads/main")
        );
    }

    #[test]
    fn a_full_name_is_for_signed_rules() {
        assert!(RefPattern::parse("refs/tags/v*").is_err());
        assert_eq!(RefPattern::parse_typed("refs/tags/v*").unwrap().to_string(), "refs/tags/v*");
        for bad in ["refs/tags/", "refs/heads/*", "refs/pull/1", "refs/tags/refs/tags/v1"] {
            assert!(RefPattern::parse_typed(bad).is_err(), "{bad}");
        }
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
