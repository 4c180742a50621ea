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
