//! Names and ids that follow a rule. Nothing else can be held as one, so a path built from them cannot be
//! tricked.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::num::NonZeroU64;

use super::quoted;

/// Characters of an environment's name ("may not exceed 255 characters",
/// <https://docs.github.com/actions/deployment/targeting-different-environments>).
const ENVIRONMENT_CHARS_MAX: usize = 255;
/// Characters of an owner's login: 39, and room for the suffixes of enterprise-managed users.
const OWNER_CHARS_MAX: usize = 100;
/// Characters of a repository's name.
const REPOSITORY_CHARS_MAX: usize = 100;
/// Bytes of a ref's short name; git's own limit is that of a path component.
const REF_BYTES_MAX: usize = 1024;
/// Characters of a login, `[bot]` included.
const LOGIN_CHARS_MAX: usize = 128;

/// A string that breaks the rule of the name that it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("got {}, expected {expected}", quoted(.got))]
pub struct InvalidName {
    got: String,
    expected: Cow<'static, str>,
}

impl InvalidName {
    pub(crate) fn new(got: &str, expected: impl Into<Cow<'static, str>>) -> Self {
        Self { got: got.to_owned(), expected: expected.into() }
    }
}

/// The id of a workflow run: a positive decimal without leading zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(NonZeroU64);

impl RunId {
    /// Returns `None` for zero.
    pub fn new(id: u64) -> Option<Self> {
        NonZeroU64::new(id).map(Self)
    }

    /// Reads the decimal form that stands in a URL.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let error = || InvalidName::new(text, "a run id: a positive decimal without leading zeros");
        let digits = !text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit());
        if !digits {
            return Err(error());
        }
        text.parse().ok().map(Self).ok_or_else(error)
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A commit's object name: 40 (SHA-1) or 64 (SHA-256) hexadecimal digits, kept in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Sha(String);

impl Sha {
    /// Reads 40 or 64 hexadecimal digits.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        if matches!(text.len(), 40 | 64) && text.bytes().all(|b| b.is_ascii_hexdigit()) {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(InvalidName::new(text, "a SHA of 40 or 64 hexadecimal digits"))
        }
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// `owner/name`. Case makes no difference, as on GitHub.
#[derive(Debug, Clone)]
pub struct RepositoryName {
    owner: String,
    name: String,
}

impl RepositoryName {
    /// Takes the owner and the name, neither of which has a slash.
    pub fn new(owner: &str, name: &str) -> Result<Self, InvalidName> {
        let owner_fits = (1..=OWNER_CHARS_MAX).contains(&owner.len())
            && owner.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        if !owner_fits {
            return Err(InvalidName::new(owner, "an owner's login: letters, digits, `-` and `_`"));
        }
        let name_fits = (1..=REPOSITORY_CHARS_MAX).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
            && !matches!(name, "." | "..");
        if !name_fits {
            return Err(InvalidName::new(name, "a repository's name: letters, digits, `-`, `_` and `.`"));
        }
        Ok(Self { owner: owner.to_owned(), name: name.to_owned() })
    }

    /// Reads `owner/name`.
    pub fn parse(full_name: &str) -> Result<Self, InvalidName> {
        let (owner, name) =
            full_name.split_once('/').ok_or_else(|| InvalidName::new(full_name, "a repository as `owner/name`"))?;
        Self::new(owner, name)
    }

    /// The owner's login.
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// The name without its owner.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl PartialEq for RepositoryName {
    fn eq(&self, other: &Self) -> bool {
        self.owner.eq_ignore_ascii_case(&other.owner) && self.name.eq_ignore_ascii_case(&other.name)
    }
}

impl Eq for RepositoryName {}

impl fmt::Display for RepositoryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.owner, self.name)
    }
}

/// The name of an environment: 1 to 255 characters other than controls. Case makes no difference, as on
/// GitHub.
#[derive(Debug, Clone)]
pub struct EnvironmentName {
    name: String,
    folded: String,
}

impl EnvironmentName {
    /// Reads a name of 1 to 255 characters.
    pub fn parse(name: &str) -> Result<Self, InvalidName> {
        let chars = name.chars().count();
        // `.` and `..` would change the path of a URL that they stand in.
        let fits = (1..=ENVIRONMENT_CHARS_MAX).contains(&chars)
            && !name.chars().any(char::is_control)
            && !matches!(name, "." | "..");
        if fits {
            Ok(Self { folded: name.to_lowercase(), name: name.to_owned() })
        } else {
            Err(InvalidName::new(name, "an environment's name: 1 to 255 characters, no controls, not `.` or `..`"))
        }
    }

    /// The name, spelled as it was read.
    pub fn as_str(&self) -> &str {
        &self.name
    }
}

impl PartialEq for EnvironmentName {
    fn eq(&self, other: &Self) -> bool {
        self.folded == other.folded
    }
}

impl Eq for EnvironmentName {}

impl PartialOrd for EnvironmentName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for EnvironmentName {
    fn cmp(&self, other: &Self) -> Ordering {
        self.folded.cmp(&other.folded)
    }
}

/// An account's login, or an App's `name[bot]`. Case makes no difference.
#[derive(Debug, Clone)]
pub struct Login(String);

impl Login {
    /// Reads a login: printable ASCII without spaces.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let fits = (1..=LOGIN_CHARS_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidName::new(text, "a login")) }
    }

    /// The login, spelled as it was read.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PartialEq for Login {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for Login {}

/// The short name of a branch or tag. GitHub shows both alike in the webhook and the run, so nobody can say
/// which of the two it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefName(String);

impl RefName {
    /// Reads a short or full ref and removes `refs/heads/` or `refs/tags/`.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let short = text.strip_prefix("refs/heads/").or_else(|| text.strip_prefix("refs/tags/")).unwrap_or(text);
        let fits = (1..=REF_BYTES_MAX).contains(&short.len()) && !short.chars().any(char::is_control);
        if fits { Ok(Self(short.to_owned())) } else { Err(InvalidName::new(text, "the name of a branch or tag")) }
    }

    /// The short name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
