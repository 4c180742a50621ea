//! What GitHub says a run really did: complete, or it does not exist.

use std::collections::{BTreeMap, BTreeSet};

use super::covered::Covered;
use crate::model::{
    Environment, EnvironmentName, EnvironmentReview, Job, JobStatus, RunAttempt, RunStatus, WorkflowRun, quoted,
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
}

/// The facts that [`Evidence`] is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The run in its present attempt.
    pub run: WorkflowRun,
    /// All its jobs, of all attempts.
    pub jobs: Vec<Job>,
    /// The run's review history.
    pub reviews: Vec<EnvironmentReview>,
    /// Each gate environment that was read; `None` where GitHub says that it does not exist.
    pub environments: BTreeMap<EnvironmentName, Option<Environment>>,
    /// The earlier attempts that were read.
    pub earlier_attempts: Vec<RunAttempt>,
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
        let Facts { run, jobs, reviews, environments, earlier_attempts } = facts;
        Ok(Self { run, jobs, reviews, environments, earlier_attempts })
    }

    /// The same evidence of a run that has not ended: for asking what would be decided if it still waited.
    #[must_use]
    pub fn as_if_it_waited(mut self) -> Self {
        self.run.status = RunStatus::Open;
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

    /// Whether every job has ended, in no later attempt than the run's. A run that is shown as ended while its jobs are not is a stale
    /// answer.
    pub(super) fn has_ended(&self) -> bool {
        self.jobs.iter().all(|job| job.status == JobStatus::Completed && job.attempt <= self.run.attempt)
    }
}
