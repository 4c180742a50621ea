//! Who did something on GitHub.

use super::Login;

/// A GitHub account. The id is the identity; the login is what people read, and may change hands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Never reused.
    pub id: u64,
    /// As GitHub spells it today.
    pub login: Login,
    /// What kind of account it is.
    pub account_type: AccountType,
}

/// GitHub's `type` of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountType {
    /// A person, or a machine user that signs in like one.
    User,
    /// An App.
    Bot,
    /// Anything else, such as an organization, and whatever GitHub adds: never a person.
    Unknown,
}

impl AccountType {
    /// Reads GitHub's spelling.
    pub fn parse(text: &str) -> Self {
        match text {
            "User" => Self::User,
            "Bot" => Self::Bot,
            _ => Self::Unknown,
        }
    }
}

/// What a person may do in a repository: `admin`, `write`, `read` or `none`
/// (<https://docs.github.com/rest/collaborators/collaborators#get-repository-permissions-for-a-user>).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permission(String);

impl Permission {
    /// Takes GitHub's word.
    pub fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// GitHub's word.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the person administers the repository.
    pub fn is_admin(&self) -> bool {
        self.0 == "admin"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_user_is_a_person() {
        assert_eq!(AccountType::parse("User"), AccountType::User);
        assert_eq!(AccountType::parse("Bot"), AccountType::Bot);
        for text in ["user", "Organization", "Mannequin", ""] {
            assert_eq!(AccountType::parse(text), AccountType::Unknown);
        }
    }
}
