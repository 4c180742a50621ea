//! Which branches and tags.

use std::fmt;

use crate::model::RefName;

/// A branch's or tag's short name, or the beginning of one: `v*` matches `v1.2`, not `v1/x`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefPattern {
    /// This name, to the letter.
    Exact(String),
    /// Names that begin so and have no slash in what follows.
    Prefix(String),
}

impl RefPattern {
    /// Reads a short name with at most one star, at its end and not alone. `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let (name, star) = text.strip_suffix('*').map_or((text, false), |name| (name, true));
        let full = name.starts_with("refs/");
        if full || name.contains('*') || name.trim() != name || RefName::parse(name).is_err() {
            return None;
        }
        Some(if star { Self::Prefix(name.to_owned()) } else { Self::Exact(name.to_owned()) })
    }

    /// Is the ref one of these?
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
