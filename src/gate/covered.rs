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
