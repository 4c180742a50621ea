//! The policy: what may enter which environment, as checked types.
//!
//! Not here: how it is spelled in TOML and what is refused there (`read.rs`).

mod max_age;
mod read;
mod ref_pattern;
mod repository_pattern;

use crate::model::{EnvironmentName, Login, RepositoryName};

pub use max_age::MaxAge;
pub use read::PolicyError;
pub use ref_pattern::RefPattern;
pub use repository_pattern::RepositoryPattern;

/// Everything that may be let in. What no rule covers is never let in.
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
    /// Distinct humans that must have approved, over all gates; at most as many as there are gates.
    pub approvals: usize,
    /// Logins that count; empty: whomever GitHub let approve.
    pub approvers: Vec<Login>,
    /// Accounts other than people that may start a run.
    pub starters: Vec<Login>,
    /// Does the approval of a person who started the run count?
    pub self_approval: bool,
    /// How long a passed gate holds.
    pub max_age: MaxAge,
    /// The gates; not empty, no two with one job or one environment, none the protected one.
    pub gates: Vec<Gate>,
}

/// One `[[rule.gate]]`: a job that waits for a human in an environment of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gate {
    /// The job's name, to the letter.
    pub job: String,
    /// The environment whose reviewers it waits for.
    pub environment: EnvironmentName,
}

impl Policy {
    /// Reads a policy from TOML; see the README's "Policy" for every key.
    ///
    /// # Errors
    /// What is not TOML, unknown keys, and what breaks a rule above, with the line, the key, what was got and what was expected.
    pub fn parse(toml: &str) -> Result<Self, PolicyError> {
        read::read(toml)
    }

    /// The TOML that it was read from.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Does any rule name this owner?
    pub fn knows_owner(&self, owner: &str) -> bool {
        self.rules.iter().flat_map(|rule| &rule.repositories).any(|pattern| pattern.owner().eq_ignore_ascii_case(owner))
    }
}

impl Rule {
    /// Is this the rule for that repository and environment?
    pub fn covers(&self, repository: &RepositoryName, environment: &EnvironmentName) -> bool {
        self.environment == *environment && self.repositories.iter().any(|pattern| pattern.matches(repository))
    }
}
