//! Which rules of the policy a request is judged by, before anything is read from GitHub.

use std::collections::BTreeSet;

use super::check::{Check, Finding, Verdict};
use super::covered::Covered;
use super::decide::Rejection;
use super::policy::Policy;
use crate::model::{EnvironmentName, Request, quoted, quoted_list};

/// What the policy says about a request for one of its owners.
#[derive(Debug)]
pub enum Scope<'p> {
    /// No rule covers this repository and environment.
    Uncovered(Rejection),
    /// These rules may let the run in.
    Covered(Covered<'p>),
}

/// Why the policy says nothing about a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutOfScope {
    /// No rule names the repository's owner: it is not ours to decide.
    Foreign,
    /// The policy pauses everything.
    Paused,
}

/// Finds the rules that cover the request.
///
/// # Errors
/// A policy that pauses, and an owner that it does not name.
pub fn scope<'p>(policy: &'p Policy, request: &Request) -> Result<Scope<'p>, OutOfScope> {
    // First of all: a policy cut down to `pause = true` still holds everything back.
    if policy.pause {
        return Err(OutOfScope::Paused);
    }
    if !policy.knows_owner(request.repository.name.owner()) {
        return Err(OutOfScope::Foreign);
    }
    Ok(Covered::new(policy, request)
        .map_or_else(|| Scope::Uncovered(Rejection::of_uncovered(uncovered(policy, request))), Scope::Covered))
}

fn uncovered(policy: &Policy, request: &Request) -> Finding {
    let name = &request.repository.name;
    let (repository, environment) = (quoted(&name.to_string()).to_string(), quoted(request.environment.as_str()));
    let rules_of_repository =
        policy.rules.iter().filter(|rule| rule.repositories.iter().any(|pattern| pattern.matches(name)));
    let environments: BTreeSet<&EnvironmentName> = rules_of_repository.map(|rule| &rule.environment).collect();
    let (expected, reason) = if environments.is_empty() {
        ("a repository that a rule names".to_owned(), format!("no rule of the policy names {repository}"))
    } else {
        let environments = quoted_list(environments.into_iter().map(EnvironmentName::as_str));
        (
            format!("an environment that a rule protects in this repository: {environments}"),
            format!("no rule covers environment {environment} of {repository}; its rules cover {environments}"),
        )
    };
    let finding =
        Finding::new(Check::Rule, Verdict::Fail, format!("{repository}, environment {environment}"), expected);
    let is_gate = policy.rules.iter().flat_map(|rule| &rule.gates).any(|gate| gate.environment == request.environment);
    if is_gate {
        finding
            .because(format!("{environment} is a gate's environment; its required reviewers protect it, not this App"))
            .fixed_by("Ask a repository admin to remove the App from this environment, then start a new run.")
    } else {
        finding.because(reason)
    }
}
