//! The rules that cover a request, and what has to be read from GitHub to judge it by them.

use std::collections::BTreeSet;

use super::policy::{Policy, Rule};
use crate::model::{EnvironmentName, Job, Request, WorkflowRun};

/// The rules that cover a request; at least one.
#[derive(Debug, Clone)]
pub struct Covered<'p> {
    /// With their number in the policy, from 1.
    pub(super) rules: Vec<(usize, &'p Rule)>,
}

impl<'p> Covered<'p> {
    /// `None` if no rule covers the request.
    pub(super) fn new(policy: &'p Policy, request: &Request) -> Option<Self> {
        let covers = |(_, rule): &(usize, &Rule)| rule.covers(&request.repository.name, &request.environment);
        let rules: Vec<_> = (1..).zip(&policy.rules).filter(covers).collect();
        (!rules.is_empty()).then_some(Self { rules })
    }

    /// The environments of all gates of all rules: what has to be read to decide.
    pub fn gate_environments(&self) -> BTreeSet<&EnvironmentName> {
        self.rules.iter().flat_map(|(_, rule)| &rule.gates).map(|gate| &gate.environment).collect()
    }

    /// The earlier attempts in which a gate ran: who started them has to be read to decide.
    pub fn earlier_attempts(&self, run: &WorkflowRun, jobs: &[Job]) -> BTreeSet<u32> {
        let is_gate = |job: &&Job| self.rules.iter().flat_map(|(_, rule)| &rule.gates).any(|gate| gate.job == job.name);
        let earlier = |attempt: &u32| run.attempt.is_some_and(|present| *attempt < present);
        jobs.iter().filter(is_gate).filter_map(|job| job.attempt).filter(earlier).collect()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::*;
    use crate::gate::tests::{World, job};

    const TWO_RULES: &str = "[[rule]]\nrepositories = [\"octo-org/other\"]\nrefs = [\"main\"]\n\
        [[rule]]\nrepositories = [\"octo-org/*\"]\nrefs = [\"main\"]\n\
        [[rule.gate]]\njob = \"one\"\nenvironment = \"first\"\n[[rule.gate]]\njob = \"two\"\nenvironment = \"second\"\n";

    #[test]
    fn rules_are_numbered_as_in_the_policy() {
        let policy = Policy::parse(TWO_RULES).unwrap();
        let covered = Covered::new(&policy, &World::new().request).unwrap();
        assert_eq!(covered.rules.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [2]);
    }

    #[test]
    fn a_request_without_a_rule_is_not_covered() {
        let policy = Policy::parse(&TWO_RULES.replace("octo-org/*", "octo-org/another")).unwrap();
        assert!(Covered::new(&policy, &World::new().request).is_none());
    }

    #[test]
    fn every_gates_environment_is_read() {
        let policy = Policy::parse(TWO_RULES).unwrap();
        let covered = Covered::new(&policy, &World::new().request).unwrap();
        let names: Vec<&str> = covered.gate_environments().into_iter().map(EnvironmentName::as_str).collect();
        assert_eq!(names, ["first", "second"]);
    }

    #[test]
    fn only_earlier_attempts_that_ran_a_gate_are_read() {
        let policy = Policy::parse(TWO_RULES).unwrap();
        let covered = Covered::new(&policy, &World::new().request).unwrap();
        let run = WorkflowRun { attempt: Some(4), ..World::new().facts.run };
        let of = |name: &str, attempt| Job { attempt, ..job(1, name) };
        let jobs =
            [of("one", Some(1)), of("publish", Some(2)), of("two", Some(3)), of("one", Some(4)), of("one", None)];
        assert_eq!(covered.earlier_attempts(&run, &jobs), [1, 3].into());
    }

    #[test]
    fn without_the_runs_attempt_none_is_earlier() {
        let policy = Policy::parse(TWO_RULES).unwrap();
        let covered = Covered::new(&policy, &World::new().request).unwrap();
        let run = WorkflowRun { attempt: None, ..World::new().facts.run };
        assert!(covered.earlier_attempts(&run, &[job(1, "one")]).is_empty());
    }
}
