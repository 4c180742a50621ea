//! What a policy says, as checked types. Not here: how it is written in TOML (`read.rs`).

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value as Json};
use sha2::{Digest as _, Sha256};

use super::max_age::MaxAge;
use super::ref_pattern::RefPattern;
use super::repository_pattern::RepositoryPattern;
use crate::gate::rego::RegoPolicy;
use crate::model::{EnvironmentName, Login, RepositoryName};

/// Hexadecimal digits of a policy's hash in the log.
const HASH_DIGITS: usize = 12;

/// Everything that may be let in. Whatever no rule covers is never let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Defer everything: the switch to throw when in doubt.
    pub pause: bool,
    /// In the order of the file; empty only in a policy that pauses.
    pub rules: Vec<Rule>,
    /// The table `[data]`, which policies in Rego see as `data.config`.
    pub data: Map<String, Json>,
    /// The policies in Rego, whether attached to a rule or not.
    pub rego: Vec<Arc<RegoPolicy>>,
    /// The TOML that it was read from.
    pub(super) text: String,
    /// The first digits of its hash.
    pub(super) hash: String,
    /// Why there is no policy to go by, in one that stands in for it.
    pub(super) unreadable: Option<String>,
}

/// Why everything waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PauseReason {
    /// `pause = true`.
    Switch,
    /// The policy was changed to something that cannot be read, or deleted.
    Unreadable(String),
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
    /// Whether each gate's job must prove itself with a signature.
    pub signed: bool,
    /// In a signed rule, the only workflow files that may hold a gate's job, each `OWNER/NAME/PATH@REF`; empty: any.
    pub gate_workflows: Vec<String>,
    /// In a signed rule, the only kind of runner on which a gate's job may run.
    pub runner: Option<Runner>,
    /// How long a passed gate holds.
    pub max_age: MaxAge,
    /// What policies in Rego attach themselves to.
    pub labels: Vec<String>,
    /// The policies in Rego that must agree too, by name.
    pub policies: Vec<PolicyName>,
    /// All policies in Rego that must agree: those, and those that attach themselves by label.
    pub attached: Vec<Arc<RegoPolicy>>,
    /// The gates; not empty. No two share a job or an environment, and none has the protected environment.
    pub gates: Vec<Gate>,
}

/// Where a job runs: the claim `runner_environment`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Runner {
    /// A runner of GitHub's.
    GithubHosted,
    /// One of the owner's own.
    SelfHosted,
}

impl Runner {
    /// GitHub's spelling.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::GithubHosted => "github-hosted",
            Self::SelfHosted => "self-hosted",
        }
    }
}

/// A policy in Rego that a rule names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyName {
    /// The name.
    pub name: String,
    /// The line where it stands, from 1.
    pub line: usize,
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
    /// Stands in for a policy that cannot be read: everything waits until it is fixed.
    pub fn unreadable(why: &str) -> Self {
        let (data, rego, text, hash) = (Map::new(), Vec::new(), String::new(), hash("", &[]));
        Self { pause: true, rules: Vec::new(), data, rego, text, hash, unreadable: Some(why.to_owned()) }
    }

    /// Why everything waits; `None` if the policy decides.
    pub fn pause_reason(&self) -> Option<PauseReason> {
        self.pause.then(|| self.unreadable.clone().map_or(PauseReason::Switch, PauseReason::Unreadable))
    }

    /// The TOML that it was read from.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The first digits of a hash of the policy and its policies in Rego, for the log: which version of them decided.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// Whether any rule names this owner.
    pub fn knows_owner(&self, owner: &str) -> bool {
        self.rules.iter().flat_map(|rule| &rule.repositories).any(|pattern| pattern.owner().eq_ignore_ascii_case(owner))
    }
}

/// The first digits of a hash of a policy in TOML and of its policies in Rego.
pub(super) fn hash(text: &str, rego: &[Arc<RegoPolicy>]) -> String {
    let rego = rego.iter().flat_map(|policy| [policy.name().to_owned(), policy.hash()]);
    let hash = rego.fold(Sha256::new_with_prefix(text), |hash, part| hash.chain_update([0]).chain_update(part));
    hex::encode(hash.finalize()).chars().take(HASH_DIGITS).collect()
}

impl Rule {
    /// Whether the rule is about this repository and environment.
    pub fn covers(&self, repository: &RepositoryName, environment: &EnvironmentName) -> bool {
        self.environment == *environment && self.repositories.iter().any(|pattern| pattern.matches(repository))
    }
}

impl fmt::Display for PauseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Switch => f.write_str("the policy says `pause = true`"),
            Self::Unreadable(why) => {
                write!(f, "the policy cannot be read, so everything waits until it is fixed: {why}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

    use super::*;

    const POLICY: &str =
        "[[rule]]\nrepositories = [\"octo-org/widgets\", \"other/*\"]\nenvironment = \"prod\"\nrefs = [\"main\"]\n";

    #[test]
    fn a_policy_knows_the_owners_that_its_rules_name() {
        let policy = Policy::parse(POLICY).unwrap();
        assert!(policy.knows_owner("Octo-Org") && policy.knows_owner("other") && !policy.knows_owner("octo"));
    }

    #[test]
    fn a_rule_covers_a_repository_and_an_environment_together() {
        let policy = Policy::parse(POLICY).unwrap();
        let covers = |repository: &str, environment: &str| {
            let repository = RepositoryName::parse(repository).unwrap();
            policy.rules[0].covers(&repository, &EnvironmentName::parse(environment).unwrap())
        };
        assert!(covers("octo-org/widgets", "PROD") && covers("other/gadgets", "prod"));
        assert!(!covers("octo-org/gadgets", "prod") && !covers("octo-org/widgets", "release"));
    }

    #[test]
    fn a_policy_keeps_its_text() {
        assert_eq!(Policy::parse(POLICY).unwrap().text(), POLICY);
    }
}
