//! Names and ids that follow a rule. A value of these types always follows it, so a path built from them cannot be
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

/// A string that is not a valid name of its kind.
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

    /// The number.
    pub fn get(self) -> u64 {
        self.0.get()
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
    /// Takes a short name as it is: a branch may be *named* `refs/heads/main`, and is not `main`.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let fits = (1..=REF_BYTES_MAX).contains(&text.len()) && !text.chars().any(char::is_control);
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidName::new(text, "the name of a branch or tag")) }
    }

    /// Reads the short or full ref of a delivery and removes `refs/heads/` or `refs/tags/`.
    pub fn parse_short_or_full(text: &str) -> Result<Self, InvalidName> {
        Self::parse(text.strip_prefix("refs/heads/").or_else(|| text.strip_prefix("refs/tags/")).unwrap_or(text))
    }

    /// The short name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::*;

    #[test]
    fn a_run_id_is_a_positive_decimal() {
        assert_eq!(RunId::parse("9001").map(|id| id.to_string()).as_deref(), Ok("9001"));
        assert_eq!(RunId::new(9001), RunId::parse("9001").ok());
    }

    #[test]
    fn what_is_not_a_positive_decimal_is_not_a_run_id() {
        for text in ["", "0", "01", "+1", "-1", "1 ", "1e3", "٣", "18446744073709551616"] {
            assert!(RunId::parse(text).is_err(), "{text}");
        }
        assert_eq!(RunId::new(0), None);
    }

    #[test]
    fn a_sha_is_kept_in_lower_case() {
        assert_eq!(Sha::parse(&"aB".repeat(20)).unwrap().as_str(), "ab".repeat(20));
        assert!(Sha::parse(&"f".repeat(64)).is_ok());
    }

    #[test]
    fn a_sha_has_40_or_64_hexadecimal_digits() {
        for text in [String::new(), "a".repeat(39), "a".repeat(41), "a".repeat(63), "g".repeat(40)] {
            assert!(Sha::parse(&text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_repository_is_owner_and_name() {
        let repository = RepositoryName::parse("octo_org-1/wid.gets").unwrap();
        assert_eq!((repository.owner(), repository.name()), ("octo_org-1", "wid.gets"));
        assert_eq!(repository.to_string(), "octo_org-1/wid.gets");
    }

    #[test]
    fn a_repository_is_the_same_in_any_case() {
        let repository = |text| RepositoryName::parse(text).unwrap();
        assert_eq!(repository("Octo/Widgets"), repository("octo/widgets"));
        assert_ne!(repository("octo/widgets"), repository("octo/gadgets"));
        assert_ne!(repository("octo/widgets"), repository("other/widgets"));
    }

    #[test]
    fn what_could_change_a_path_is_not_a_repository() {
        for text in ["widgets", "/", "a/", "/b", "a/b/c", "a/.", "a/..", "a.b/c", "a/b c", "a/b?c", "a/b%2f", "ä/b"] {
            assert!(RepositoryName::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn owner_and_name_have_at_most_100_characters() {
        assert!(RepositoryName::new(&"a".repeat(100), &"b".repeat(100)).is_ok());
        assert!(
            RepositoryName::new(&"a".repeat(101), "b").is_err() && RepositoryName::new("a", &"b".repeat(101)).is_err()
        );
    }

    #[test]
    fn an_error_says_what_was_got_and_expected() {
        let error = RepositoryName::parse("a`b").unwrap_err().to_string();
        assert_eq!(error, "got `a\\u{60}b`, expected a repository as `owner/name`");
    }

    #[test]
    fn an_environment_is_the_same_in_any_case_and_ordered_without_it() {
        let name = |text| EnvironmentName::parse(text).unwrap();
        assert_eq!(name("Über-Release"), name("ÜBER-release"));
        assert_ne!(name("release"), name("release-gate"));
        assert!(name("B") > name("a") && name("A") < name("b"));
        assert_eq!(name("A").partial_cmp(&name("a")), Some(Ordering::Equal));
    }

    #[test]
    fn an_environment_is_shown_as_it_was_spelled() {
        assert_eq!(EnvironmentName::parse("Release Gate/1 🚀").unwrap().as_str(), "Release Gate/1 🚀");
    }

    #[test]
    fn an_environment_has_1_to_255_characters_without_controls() {
        assert!(EnvironmentName::parse(&"ä".repeat(255)).is_ok() && EnvironmentName::parse("...").is_ok());
        for text in [String::new(), "ä".repeat(256), ".".to_owned(), "..".to_owned(), "a\nb".to_owned()] {
            assert!(EnvironmentName::parse(&text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_login_is_the_same_in_any_case() {
        let login = |text| Login::parse(text).unwrap();
        assert_eq!(login("Release-Bot[bot]"), login("release-bot[BOT]"));
        assert_ne!(login("alice"), login("bob"));
        assert_eq!(login("Alice").as_str(), "Alice");
    }

    #[test]
    fn a_login_is_printable_ascii_without_spaces() {
        assert!(Login::parse(&"a".repeat(128)).is_ok());
        for text in [String::new(), "a".repeat(129), "a b".to_owned(), "ä".to_owned(), "a\t".to_owned()] {
            assert!(Login::parse(&text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_ref_is_short() {
        let short = |text| RefName::parse_short_or_full(text).unwrap().as_str().to_owned();
        assert_eq!(["main", "refs/heads/a/b", "refs/tags/v1"].map(short), ["main", "a/b", "v1"]);
        assert_eq!(short("refs/pull/1/merge"), "refs/pull/1/merge");
    }

    #[test]
    fn a_short_name_is_taken_as_it_is() {
        assert_eq!(RefName::parse("refs/heads/main").unwrap().as_str(), "refs/heads/main");
    }

    #[test]
    fn a_ref_has_1_to_1024_bytes_without_controls() {
        assert!(RefName::parse(&"a".repeat(1024)).is_ok());
        for text in [String::new(), "refs/heads/".to_owned(), "a".repeat(1025), "a\u{7}".to_owned()] {
            assert!(RefName::parse_short_or_full(&text).is_err(), "{text}");
        }
    }
}
