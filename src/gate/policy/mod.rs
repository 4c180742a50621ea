//! The policy: which runs may enter which environment, as checked types.
//!
//! Not here: how it is written in TOML and what is rejected there (`read.rs`).

mod max_age;
mod read;
mod ref_pattern;
mod repository_pattern;

use crate::model::{EnvironmentName, Login, RepositoryName};

pub use self::max_age::MaxAge;
pub use self::read::PolicyError;
pub use self::ref_pattern::RefPattern;
pub use self::repository_pattern::RepositoryPattern;

/// Everything that may be let in. What no rule covers never is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Defer everything: the switch to throw when in doubt.
    pub pause: bool,
    /// In the order of the file; empty only in a policy that pauses.
    pub rules: Vec<Rule>,
    /// The TOML that it was read from.
    text: String,
}

/// One `[[rule]]`: these repositories, this environment, and what a run needs to enter it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Which repositories; not empty.
    pub repositories: Vec<RepositoryPattern>,
    /// The protected environment.
    pub environment: EnvironmentName,
    /// The workflow file, from the repository's root.
    pub workflow: String,
    /// Branches and tags; not empty.
    pub refs: Vec<RefPattern>,
    /// Events that may start the run; not empty.
    pub events: Vec<String>,
    /// How many different people must have approved, over all gates; at most as many as there are gates.
    pub approvals: usize,
    /// Whose approvals count; empty: those of everybody whom GitHub lets approve.
    pub approvers: Vec<Login>,
    /// Accounts that may start a run without being a person.
    pub starters: Vec<Login>,
    /// Whether the approval of a person who started the run counts.
    pub self_approval: bool,
    /// How long a passed gate holds.
    pub max_age: MaxAge,
    /// The gates; not empty. No two share a job or an environment, and none has the protected environment.
    pub gates: Vec<Gate>,
}

/// One `[[rule.gate]]`: a job that waits for a human in an environment of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gate {
    /// The job's exact name.
    pub job: String,
    /// The environment whose reviewers it waits for.
    pub environment: EnvironmentName,
}

impl Policy {
    /// Reads a policy from TOML; `docs/policy.md` explains every key.
    ///
    /// # Errors
    /// Anything but TOML, unknown keys, and whatever would prove nothing: with its line, its key, what was got and what was expected.
    pub fn parse(toml: &str) -> Result<Self, PolicyError> {
        read::read(toml)
    }

    /// The TOML that it was read from.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether any rule names this owner.
    pub fn knows_owner(&self, owner: &str) -> bool {
        self.rules.iter().flat_map(|rule| &rule.repositories).any(|pattern| pattern.owner().eq_ignore_ascii_case(owner))
    }
}

impl Rule {
    /// Whether the rule is about this repository and environment.
    pub fn covers(&self, repository: &RepositoryName, environment: &EnvironmentName) -> bool {
        self.environment == *environment && self.repositories.iter().any(|pattern| pattern.matches(repository))
    }
}
