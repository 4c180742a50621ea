//! Which rules of the policy a request is judged by, before anything is read from GitHub.

use std::collections::BTreeSet;

use super::check::{Check, Finding, Verdict};
use super::covered::Covered;
use super::decide::Rejection;
use super::policy::{PauseReason, Policy};
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OutOfScope {
    /// No rule names the repository's owner: it is not ours to decide.
    Foreign,
    /// The policy pauses everything.
    Paused(PauseReason),
}

/// Finds the rules that cover the request.
///
/// # Errors
/// A policy that pauses, and an owner that it does not name.
pub fn scope<'p>(policy: &'p Policy, request: &Request) -> Result<Scope<'p>, OutOfScope> {
    // First of all: a policy cut down to `pause = true` still holds everything back.
    if let Some(reason) = policy.pause_reason() {
        return Err(OutOfScope::Paused(reason));
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
            .fixed_by("Ask a repository admin to remove the App from this environment's protection rules, then start a new run.")
    } else {
        finding.because(reason)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

    use super::*;
    use crate::gate::tests::World;
    use crate::model::RepositoryName;

    /// What is found of a request for this repository and environment.
    fn uncovered(repository: &str, environment: &str) -> Finding {
        let mut world = World::new();
        world.request.repository.name = RepositoryName::parse(repository).unwrap();
        world.request.environment = EnvironmentName::parse(environment).unwrap();
        let policy = Policy::parse(&world.policy).unwrap();
        match scope(&policy, &world.request) {
            Ok(Scope::Uncovered(rejection)) if rejection.rule().is_none() => {
                rejection.findings().first().unwrap().clone()
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_pause_comes_before_everything_else() {
        let policy = Policy::parse("pause = true\n").unwrap();
        assert_eq!(scope(&policy, &World::new().request).unwrap_err(), OutOfScope::Paused(PauseReason::Switch));
    }

    #[test]
    fn without_a_policy_that_can_be_read_everything_waits_and_says_why() {
        let policy = Policy::unreadable("policy line 1, `pause`: invalid type");
        let why = scope(&policy, &World::new().request).unwrap_err();
        let OutOfScope::Paused(reason) = why else { panic!("{why:?}") };
        assert_eq!(
            reason.to_string(),
            "the policy cannot be read, so everything waits until it is fixed: policy line 1, `pause`: invalid type"
        );
    }

    #[test]
    fn a_foreign_owner_is_not_ours_to_decide() {
        let mut world = World::new();
        world.request.repository.name = RepositoryName::parse("somebody/widgets").unwrap();
        assert_eq!(scope(&Policy::parse(&world.policy).unwrap(), &world.request).unwrap_err(), OutOfScope::Foreign);
    }

    #[test]
    fn a_covered_request_is_judged() {
        let world = World::new();
        assert!(matches!(scope(&Policy::parse(&world.policy).unwrap(), &world.request), Ok(Scope::Covered(_))));
    }

    #[test]
    fn a_repository_without_a_rule_is_rejected() {
        let finding = uncovered("octo-org/other", "release");
        assert_eq!((finding.check, finding.verdict), (Check::Rule, Verdict::Fail));
        assert_eq!(finding.reason, "no rule of the policy names `octo-org/other`");
        assert_eq!(finding.got, "`octo-org/other`, environment `release`");
    }

    #[test]
    fn an_environment_without_a_rule_is_rejected_with_those_that_have_one() {
        let finding = uncovered("octo-org/widgets", "staging");
        let reason = "no rule covers environment `staging` of `octo-org/widgets`; its rules cover `release`";
        assert_eq!((finding.reason.as_str(), finding.fix.as_str()), (reason, Check::Rule.fix()));
    }

    #[test]
    fn the_app_does_not_belong_on_a_gates_environment() {
        let finding = uncovered("octo-org/widgets", "Release-Gate");
        assert!(finding.reason.starts_with("`Release-Gate` is a gate's environment"), "{finding}");
        assert!(finding.fix.contains("remove the App from this environment"), "{}", finding.fix);
    }
}
