//! What GitHub says a run really did: complete, or it does not exist.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::covered::Covered;
use super::signature::Signatures;
use crate::model::{
    AccountType, Environment, EnvironmentName, EnvironmentReview, Job, JobStatus, Permission, RunAttempt, RunStatus,
    WorkflowRun, quoted,
};

/// Everything that a decision rests on, read from GitHub for one request.
///
/// It can be made of complete facts only: a gate environment or an earlier attempt that was not read leaves no evidence at all. That an
/// environment does not exist is a fact (`None` in the map).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    pub(super) run: WorkflowRun,
    pub(super) jobs: Vec<Job>,
    pub(super) reviews: Vec<EnvironmentReview>,
    pub(super) environments: BTreeMap<EnvironmentName, Option<Environment>>,
    pub(super) earlier_attempts: Vec<RunAttempt>,
    pub(super) pending: Option<Vec<EnvironmentName>>,
    pub(super) starter_permission: Option<Permission>,
    pub(super) signatures: Option<Signatures>,
}

/// The facts that [`Evidence`] is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The run in its current attempt.
    pub run: WorkflowRun,
    /// All its jobs, of all attempts.
    pub jobs: Vec<Job>,
    /// The run's review history.
    pub reviews: Vec<EnvironmentReview>,
    /// Each gate environment that was read; `None` where GitHub says that it does not exist.
    pub environments: BTreeMap<EnvironmentName, Option<Environment>>,
    /// The earlier attempts that were read.
    pub earlier_attempts: Vec<RunAttempt>,
    /// The environments that the run's jobs wait for; `None` if that was not read.
    pub pending: Option<Vec<EnvironmentName>>,
    /// What the person who started the current attempt may do in the repository; `None` if that was not read.
    pub starter_permission: Option<Permission>,
    /// What was found of the gates' signatures; `None` if no rule demands them.
    pub signatures: Option<Signatures>,
}

/// A fact that a decision needs and that was not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("incomplete evidence: {0} was not read")]
pub struct Incomplete(String);

impl Evidence {
    /// Takes the facts.
    ///
    /// # Errors
    /// A fact is missing that a rule of `covered` needs.
    pub fn new(facts: Facts, covered: &Covered<'_>) -> Result<Self, Incomplete> {
        let environment = covered.gate_environments().into_iter().find(|name| !facts.environments.contains_key(name));
        if let Some(name) = environment {
            return Err(Incomplete(format!("the environment {}", quoted(name.as_str()))));
        }
        let read: BTreeSet<u32> = facts.earlier_attempts.iter().map(|attempt| attempt.attempt).collect();
        let wanted = covered.earlier_attempts(&facts.run, &facts.jobs);
        if let Some(attempt) = wanted.difference(&read).next() {
            return Err(Incomplete(format!("attempt {attempt} of the run")));
        }
        if covered.needs_pending(&facts.run, &facts.jobs) && facts.pending.is_none() {
            return Err(Incomplete("what the run waits for".to_owned()));
        }
        if covered.needs_permission() && needs_permission(&facts.run) && facts.starter_permission.is_none() {
            return Err(Incomplete("what the starter may do in the repository".to_owned()));
        }
        let read = facts.signatures.as_ref();
        let is_read = |job: &u64| read.is_some_and(|read| read.of_jobs.contains_key(job));
        if let Some(job) = covered.signed_jobs(&facts.jobs).iter().find(|job| !is_read(job)) {
            return Err(Incomplete(format!("the signature of job {job}")));
        }
        let Facts { run, jobs, reviews, environments, earlier_attempts, pending, starter_permission, signatures } =
            facts;
        Ok(Self { run, jobs, reviews, environments, earlier_attempts, pending, starter_permission, signatures })
    }

    /// A run, and nothing else: enough for the checks of the run, and for no approval.
    pub(super) fn of_run_alone(run: WorkflowRun) -> Self {
        let (environments, earlier_attempts) = (BTreeMap::new(), Vec::new());
        Self {
            run,
            jobs: Vec::new(),
            reviews: Vec::new(),
            environments,
            earlier_attempts,
            pending: None,
            starter_permission: None,
            signatures: None,
        }
    }

    /// The same evidence, as if the run had not ended: only for asking what would be decided if it were still waiting.
    #[must_use]
    pub fn as_if_it_waited(mut self) -> Self {
        self.run.status = RunStatus::Open;
        self.pending = None;
        self
    }

    /// The ids of the jobs that wait for an environment, whichever it is.
    pub fn waiting_jobs(&self) -> BTreeSet<u64> {
        self.jobs.iter().filter(|job| job.status == JobStatus::Waiting).map(|job| job.id).collect()
    }

    /// Whether other jobs may begin to wait soon: those that are under way, or in an unknown status.
    pub fn more_may_wait(&self) -> bool {
        self.jobs.iter().any(|job| job.status.is_under_way())
    }

    /// The last moment at which something is known to have happened in the run.
    pub fn last_change(&self) -> Option<Timestamp> {
        let of_jobs = self.jobs.iter().flat_map(|job| [job.started_at, job.completed_at]);
        of_jobs.chain([self.run.created_at, self.run.started_at]).flatten().max()
    }

    /// Whether every job has ended, in no later attempt than the run's. A run that is shown as ended while its jobs are not is a stale
    /// answer.
    pub(super) fn has_ended(&self) -> bool {
        self.jobs.iter().all(|job| job.status == JobStatus::Completed && job.attempt <= self.run.attempt)
    }
}

/// Whether GitHub can say what the starter of the current attempt may do: it does not say that of bots.
pub fn needs_permission(run: &WorkflowRun) -> bool {
    run.triggering_actor.as_ref().is_some_and(|starter| starter.account_type == AccountType::User)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::*;
    use crate::gate::Policy;
    use crate::gate::tests::{World, job};

    fn evidence(world: World) -> Result<Evidence, Incomplete> {
        let policy = Policy::parse(&world.policy).unwrap();
        Evidence::new(world.facts, &Covered::new(&policy, &world.request).unwrap())
    }

    fn evidence_of(jobs: Vec<Job>) -> Evidence {
        let mut world = World::new();
        world.facts.jobs = jobs;
        evidence(world).unwrap()
    }

    #[test]
    fn a_gate_environment_that_was_not_read_leaves_no_evidence() {
        let mut world = World::new();
        world.facts.environments.clear();
        let error = evidence(world).unwrap_err().to_string();
        assert_eq!(error, "incomplete evidence: the environment `release-gate` was not read");
    }

    #[test]
    fn an_earlier_attempt_that_was_not_read_leaves_no_evidence() {
        let mut world = World::new();
        world.rerun();
        world.facts.earlier_attempts.clear();
        assert_eq!(evidence(world).unwrap_err().to_string(), "incomplete evidence: attempt 1 of the run was not read");
    }

    #[test]
    fn an_earlier_attempt_that_was_read_is_enough() {
        let mut world = World::new();
        world.rerun();
        assert!(evidence(world).is_ok());
    }

    #[test]
    fn what_a_re_run_waits_for_must_have_been_read() {
        let mut world = World::new();
        world.rerun();
        world.facts.pending = None;
        let error = evidence(world).unwrap_err().to_string();
        assert_eq!(error, "incomplete evidence: what the run waits for was not read");
    }

    #[test]
    fn what_a_run_without_a_gate_waits_for_must_have_been_read() {
        let mut world = World::new();
        world.gate_job().name = "build".to_owned();
        world.facts.pending = None;
        let error = evidence(world).unwrap_err().to_string();
        assert_eq!(error, "incomplete evidence: what the run waits for was not read");
    }

    #[test]
    fn only_jobs_that_wait_are_waiting() {
        assert_eq!(evidence(World::new()).unwrap().waiting_jobs(), [7002].into());
    }

    #[test]
    fn more_may_wait_while_a_job_is_under_way_or_unknown() {
        let with = |status| evidence_of(vec![Job { status, ..job(1, "x") }]).more_may_wait();
        assert!(with(JobStatus::UnderWay) && with(JobStatus::Unknown));
        assert!(!with(JobStatus::Completed) && !with(JobStatus::Waiting));
    }

    #[test]
    fn a_run_has_ended_when_all_its_jobs_have() {
        assert!(evidence_of(vec![job(1, "x"), job(2, "y")]).has_ended());
        assert!(!evidence_of(vec![job(1, "x"), Job { status: JobStatus::Waiting, ..job(2, "y") }]).has_ended());
        assert!(!evidence_of(vec![Job { attempt: Some(2), ..job(1, "x") }]).has_ended(), "of a later attempt");
    }

    #[test]
    fn a_run_that_ended_can_be_asked_about_as_if_it_waited() {
        let mut world = World::new();
        world.facts.run.status = RunStatus::Completed;
        assert_eq!(evidence(world).unwrap().as_if_it_waited().run.status, RunStatus::Open);
    }
}
