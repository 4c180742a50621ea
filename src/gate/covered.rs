//! The rules that cover a request, and what has to be read from GitHub to judge it by them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Map, Value as Json};

use super::policy::{Policy, Rule};
use crate::model::{Conclusion, EnvironmentName, Job, Request, WorkflowRun};

/// Executions of one gate whose artifacts are read, the newest first.
const SIGNED_EXECUTIONS_MAX: usize = 4;
/// A job that was carried over is listed once more in every attempt: the first of these signed.
const LISTED_MAX: usize = 2;

/// The rules that cover a request; at least one.
#[derive(Debug, Clone)]
pub struct Covered<'p> {
    /// With their number in the policy, from 1.
    pub(super) rules: Vec<(usize, &'p Rule)>,
    /// The table `[data]` of the policy.
    pub(super) config: &'p Map<String, Json>,
}

impl<'p> Covered<'p> {
    /// `None` if no rule covers the request.
    pub(super) fn new(policy: &'p Policy, request: &Request) -> Option<Self> {
        let covers = |(_, rule): &(usize, &Rule)| rule.covers(&request.repository.name, &request.environment);
        let rules: Vec<_> = (1..).zip(&policy.rules).filter(covers).collect();
        (!rules.is_empty()).then_some(Self { rules, config: &policy.data })
    }

    /// The environments of all gates of all rules: what has to be read to decide.
    pub fn gate_environments(&self) -> BTreeSet<&EnvironmentName> {
        self.rules.iter().flat_map(|(_, rule)| &rule.gates).map(|gate| &gate.environment).collect()
    }

    /// The earlier attempts in which a gate may have run: who started them, and when, has to be read to decide. A job that is listed under an attempt may
    /// have been carried over from any before it.
    pub fn earlier_attempts(&self, run: &WorkflowRun, jobs: &[Job]) -> BTreeSet<u32> {
        let is_gate = |job: &&Job| self.rules.iter().flat_map(|(_, rule)| &rule.gates).any(|gate| gate.job == job.name);
        let Some(last_earlier) = run.attempt.and_then(|current| current.checked_sub(1)) else { return BTreeSet::new() };
        let gates = jobs.iter().filter(is_gate).filter(|job| !ran_in_current_attempt(run, job));
        let listed = gates.filter_map(|job| job.attempt).max();
        listed.map(|listed| (1..=listed.min(last_earlier)).collect()).unwrap_or_default()
    }

    /// Whether the environments that the run's jobs wait for have to be read to decide: in a re-run a gate may be about to run again, and where every rule lacks a
    /// gate, it may come after a job that waits for another environment.
    pub fn needs_pending(&self, run: &WorkflowRun, jobs: &[Job]) -> bool {
        let lacks_a_gate = |rule: &Rule| rule.gates.iter().any(|gate| jobs.iter().all(|job| job.name != gate.job));
        let may_come = self.rules.iter().all(|(_, rule)| lacks_a_gate(rule));
        run.attempt > Some(1) || (may_come && !jobs.iter().any(|job| job.status.is_under_way()))
    }

    /// Whether a policy in Rego may look at what the starter may do in the repository, which has to be read then.
    pub fn needs_permission(&self) -> bool {
        self.rules.iter().flat_map(|(_, rule)| &rule.attached).any(|policy| policy.mentions_permission())
    }

    /// The jobs of the gates that must be signed: the artifacts of these are read to decide. What did not succeed needs none.
    pub fn signed_jobs(&self, jobs: &[Job]) -> Vec<u64> {
        let signed = self.rules.iter().filter(|(_, rule)| rule.signed);
        let names: BTreeSet<&str> = signed.flat_map(|(_, rule)| &rule.gates).map(|gate| gate.job.as_str()).collect();
        names.into_iter().flat_map(|name| signed_jobs_of(name, jobs)).collect()
    }

    /// Whether any rule demands signatures.
    pub fn needs_signatures(&self) -> bool {
        self.rules.iter().any(|(_, rule)| rule.signed)
    }

    /// Whether a rule takes the request's ref and event. A request that does not say which event started the run may be taken.
    pub fn may_take(&self, request: &Request) -> bool {
        self.rules.iter().any(|(_, rule)| {
            let takes_event = request.event.as_ref().is_none_or(|event| rule.events.contains(event));
            rule.refs.iter().any(|pattern| pattern.matches(&request.ref_name)) && takes_event
        })
    }
}

/// The jobs of one gate that may have signed: of each that ended at its own time, those that were listed first.
fn signed_jobs_of(name: &str, jobs: &[Job]) -> Vec<u64> {
    let mut by_end: BTreeMap<Option<Timestamp>, Vec<(Option<u32>, u64)>> = BTreeMap::new();
    for job in jobs.iter().filter(|job| job.name == name && job.conclusion == Some(Conclusion::Success)) {
        by_end.entry(job.completed_at).or_default().push((job.attempt, job.id));
    }
    let newest = by_end.into_values().rev().take(SIGNED_EXECUTIONS_MAX);
    newest
        .flat_map(|mut listed| {
            listed.sort_unstable();
            listed.into_iter().map(|(_, id)| id).take(LISTED_MAX)
        })
        .collect()
}

/// Whether GitHub lists the job under the run's current attempt and shows that it did not end before that began.
fn ran_in_current_attempt(run: &WorkflowRun, job: &Job) -> bool {
    let is_carried_over = match run.started_at {
        Some(began) => job.precedes(began),
        None => job.completed_at.is_some(),
    };
    job.attempt == run.attempt && !is_carried_over
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::*;
    use crate::gate::tests::{World, ago, job};
    use crate::model::JobStatus;

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
    fn what_a_run_waits_for_is_read_in_a_re_run_and_where_a_gate_is_missing_and_nothing_runs() {
        let World { policy, request, facts, .. } = World::new();
        let policy = Policy::parse(&policy).unwrap();
        let covered = Covered::new(&policy, &request).unwrap();
        let under_way = Job { status: JobStatus::UnderWay, ..job(1, "build") };
        assert!(!covered.needs_pending(&facts.run, &facts.jobs));
        assert!(covered.needs_pending(&WorkflowRun { attempt: Some(2), ..facts.run.clone() }, &facts.jobs));
        assert!(covered.needs_pending(&facts.run, &[job(1, "build")]));
        assert!(!covered.needs_pending(&facts.run, &[job(2, "test"), under_way]));
    }

    #[test]
    fn earlier_attempts_are_read_up_to_the_last_that_lists_a_gate() {
        let policy = Policy::parse(TWO_RULES).unwrap();
        let covered = Covered::new(&policy, &World::new().request).unwrap();
        let run = WorkflowRun { attempt: Some(4), ..World::new().facts.run };
        let of = |name: &str, attempt| Job { attempt, ..job(1, name) };
        let of_earlier = [of("one", Some(1)), of("two", Some(2)), of("publish", Some(3)), of("one", None)];
        assert_eq!(covered.earlier_attempts(&run, &of_earlier), [1, 2].into());
        assert_eq!(covered.earlier_attempts(&run, &[of("one", Some(4))]), [].into(), "it ran in the current one");
    }

    #[test]
    fn all_earlier_attempts_are_read_if_the_current_one_lists_a_gate_that_ended_before_it() {
        let policy = Policy::parse(TWO_RULES).unwrap();
        let covered = Covered::new(&policy, &World::new().request).unwrap();
        let run = WorkflowRun { attempt: Some(3), started_at: Some(ago(60)), ..World::new().facts.run };
        let carried_over = Job { attempt: Some(3), ..job(1, "one") };
        assert_eq!(covered.earlier_attempts(&run, &[carried_over]), [1, 2].into());
    }

    #[test]
    fn of_a_job_that_is_listed_in_every_attempt_the_first_signed() {
        let policy = Policy::parse(&TWO_RULES.replace("octo-org/*\"]", "octo-org/*\"]\nsigned = true")).unwrap();
        let covered = Covered::new(&policy, &World::new().request).unwrap();
        let listed: Vec<Job> = (1..=9).map(|id| Job { attempt: u32::try_from(id).ok(), ..job(id, "one") }).collect();
        assert_eq!(covered.signed_jobs(&listed), [1, 2]);
        let again = Job { completed_at: Some(ago(60)), ..job(10, "one") };
        assert_eq!(covered.signed_jobs(&[listed, vec![again]].concat()), [10, 1, 2]);
    }

    #[test]
    fn without_the_runs_attempt_none_is_earlier() {
        let policy = Policy::parse(TWO_RULES).unwrap();
        let covered = Covered::new(&policy, &World::new().request).unwrap();
        let run = WorkflowRun { attempt: None, ..World::new().facts.run };
        assert!(covered.earlier_attempts(&run, &[job(1, "one")]).is_empty());
    }
}
