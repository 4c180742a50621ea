//! What is read of one run. A `RunReader` cannot write: whatever only looks holds this and no `Reviewer`.

use std::time::Duration;

use futures_util::future::try_join_all;
use http::StatusCode;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;

use super::answer::Answer;
use super::call::Call;
use super::repository_client::ENVIRONMENT;
use super::wire::{JobWire, JobsWire, PendingDeploymentWire, PermissionWire, ReviewWire, RunWire};
use super::{GithubError, RepositoryClient};
use crate::model::{
    ApiUrl, Environment, EnvironmentName, EnvironmentReview, InvalidName, Job, JobStatus, Login, Permission, Request,
    RunAttempt, WorkflowRun,
};

pub(super) const RUN: &str = "GET /repos/{owner}/{repo}/actions/runs/{run_id}";
const ATTEMPT: &str = "GET /repos/{owner}/{repo}/actions/runs/{run_id}/attempts/{attempt_number}";
const JOBS: &str = "GET /repos/{owner}/{repo}/actions/runs/{run_id}/jobs";
const APPROVALS: &str = "GET /repos/{owner}/{repo}/actions/runs/{run_id}/approvals";
const PERMISSION: &str = "GET /repos/{owner}/{repo}/collaborators/{username}/permission";
pub(super) const PENDING: &str = "GET /repos/{owner}/{repo}/actions/runs/{run_id}/pending_deployments";

/// Jobs on a page; GitHub's maximum.
const JOBS_PER_PAGE: usize = 100;
/// Pages of jobs that are read for one decision: 3,000 jobs over all attempts.
const JOBS_PAGES_MAX: usize = 30;
/// How many times the list of jobs is read if it changes meanwhile.
const JOBS_READS_MAX: usize = 3;
/// Pages and attempts that are read at once; GitHub allows all our processes together 100 requests at a time.
const READS_AT_ONCE: usize = 8;

/// Earlier attempts that are read for one decision; GitHub allows no more re-runs of a run.
const ATTEMPTS_MAX: usize = 50;

/// A page of jobs.
#[derive(Debug)]
pub(super) struct JobsPage {
    jobs: Vec<Job>,
    /// How many jobs there are on all pages.
    total: usize,
}

impl JobsPage {
    /// Whether there are further pages.
    pub(super) fn has_more(&self) -> bool {
        self.total > self.jobs.len()
    }

    /// Whether any of them runs or will run.
    pub(super) fn has_under_way(&self) -> bool {
        self.jobs.iter().any(|job| job.status.is_under_way())
    }

    /// How many jobs wait, if those on further pages are as these.
    pub(super) fn waiting(&self) -> usize {
        let waiting = self.jobs.iter().filter(|job| job.status == JobStatus::Waiting).count();
        waiting.saturating_mul(self.total).checked_div(self.jobs.len()).unwrap_or_default()
    }
}

/// How a list of jobs turned out.
enum JobList {
    Complete(Vec<Job>),
    /// It changed while it was read, as it does when jobs of a matrix begin.
    Changed {
        before: usize,
        after: usize,
    },
}

/// Reads what GitHub says of one request's run. It cannot review.
///
/// ```
/// use environment_gate::github::RunReader;
/// async fn look(reader: &RunReader<'_>) {
///     let _ = reader.is_pending().await;
/// }
/// ```
/// ```compile_fail,E0599
/// use environment_gate::github::RunReader;
/// async fn look(reader: &RunReader<'_>) {
///     let _ = reader.review().await;
/// }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct RunReader<'a> {
    repository: &'a RepositoryClient<'a>,
    request: &'a Request,
}

impl<'a> RunReader<'a> {
    /// Reads through `repository` what `request` is about.
    pub fn new(repository: &'a RepositoryClient<'a>, request: &'a Request) -> Self {
        Self { repository, request }
    }

    pub(super) fn repository(&self) -> &'a RepositoryClient<'a> {
        self.repository
    }

    /// What it reads about.
    pub fn request(&self) -> &'a Request {
        self.request
    }

    /// The run in its current attempt.
    pub async fn run(&self) -> Result<WorkflowRun, GithubError> {
        let call = Call::get(RUN, self.run_path("?exclude_pull_requests=true"));
        let answer = self.repository.send_again_if_missing(&call).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Err(GithubError::RunGone { route: RUN });
        }
        model(&answer, RunWire::into_model)
    }

    /// Earlier attempts of the run.
    pub(super) async fn attempts(&self, numbers: &[u32]) -> Result<Vec<RunAttempt>, GithubError> {
        if numbers.len() > ATTEMPTS_MAX {
            let problem = format!("{} earlier attempts, more than the {ATTEMPTS_MAX} that are read", numbers.len());
            return Err(GithubError::Unreadable { route: ATTEMPT, problem });
        }
        let mut attempts = Vec::new();
        for some in numbers.chunks(READS_AT_ONCE) {
            attempts.extend(try_join_all(some.iter().map(|number| self.attempt(*number))).await?);
        }
        Ok(attempts)
    }

    async fn attempt(&self, number: u32) -> Result<RunAttempt, GithubError> {
        let path = self.run_path(&format!("/attempts/{number}?exclude_pull_requests=true"));
        let answer = self.repository.read(&Call::get(ATTEMPT, path)).await?;
        let run: RunWire = answer.json()?;
        if !run.is(self.request.run, number) {
            return Err(answer.unreadable(format!("another run or attempt than {number}")));
        }
        run.into_attempt(number).map_err(|error| answer.unreadable(error.to_string()))
    }

    /// The first page of all jobs of all attempts.
    pub(super) async fn first_jobs(&self) -> Result<JobsPage, GithubError> {
        self.read_jobs_page(1).await
    }

    /// All jobs of all attempts, of which `first` is the first page. A list that changed while it was read is read again, and is an error if it still changes:
    /// nothing may be missing.
    pub(super) async fn all_jobs(&self, first: JobsPage) -> Result<Vec<Job>, GithubError> {
        let mut listed = self.list_jobs(first).await?;
        for _ in 1..JOBS_READS_MAX {
            if matches!(listed, JobList::Complete(_)) {
                break;
            }
            listed = self.list_jobs(self.first_jobs().await?).await?;
        }
        match listed {
            JobList::Complete(jobs) => Ok(jobs),
            JobList::Changed { before, after } => {
                let problem = format!("the list had {before} jobs at first and {after} when all of it was read");
                Err(GithubError::Unreadable { route: JOBS, problem })
            }
        }
    }

    async fn list_jobs(&self, first: JobsPage) -> Result<JobList, GithubError> {
        let JobsPage { mut jobs, total } = first;
        let pages = total.div_ceil(JOBS_PER_PAGE);
        if pages > JOBS_PAGES_MAX {
            let most = JOBS_PAGES_MAX.saturating_mul(JOBS_PER_PAGE);
            let problem = format!("{total} jobs, more than the {most} that are read for a decision");
            return Err(GithubError::Unreadable { route: JOBS, problem });
        }
        let rest: Vec<usize> = (2..=pages).collect();
        for some in rest.chunks(READS_AT_ONCE) {
            for page in try_join_all(some.iter().map(|page| self.read_jobs_page(*page))).await? {
                jobs.extend(page.jobs);
                if page.total != total {
                    return Ok(JobList::Changed { before: total, after: page.total });
                }
            }
        }
        let listed = jobs.len();
        jobs.sort_by_key(|job| job.id);
        jobs.dedup_by_key(|job| job.id);
        if jobs.len() != total || listed != total {
            return Ok(JobList::Changed { before: total, after: jobs.len() });
        }
        Ok(JobList::Complete(jobs))
    }

    async fn read_jobs_page(&self, page: usize) -> Result<JobsPage, GithubError> {
        let path = self.run_path(&format!("/jobs?filter=all&per_page={JOBS_PER_PAGE}&page={page}"));
        jobs_page(&self.repository.read(&Call::get(JOBS, path)).await?)
    }

    /// The run's review history, of all attempts.
    pub(super) async fn approvals(&self) -> Result<Vec<EnvironmentReview>, GithubError> {
        reviews(&self.repository.read(&Call::get(APPROVALS, self.run_path("/approvals"))).await?)
    }

    /// An environment of the repository; `None` when there is none of that name, by two looks.
    pub(super) async fn environment(&self, name: &EnvironmentName) -> Result<Option<Environment>, GithubError> {
        let repository = &self.request.repository.name;
        let mut wire = self.repository.environment(repository, name).await?;
        if wire.is_none() {
            self.repository.pause(self.repository.limits().pause).await;
            wire = self.repository.environment(repository, name).await?;
        }
        let unreadable = |problem: String| GithubError::Unreadable { route: ENVIRONMENT, problem };
        let Some(wire) = wire else { return Ok(None) };
        if !wire.shows_rules() {
            return Err(unreadable("`protection_rules`, or the `reviewers` of one: missing".to_owned()));
        }
        wire.into_model().map(Some).map_err(|error| unreadable(error.to_string()))
    }

    /// What a person may do in the repository.
    pub(super) async fn permission(&self, login: &Login) -> Result<Permission, GithubError> {
        let repository = &self.request.repository.name;
        let login = utf8_percent_encode(login.as_str(), NON_ALPHANUMERIC);
        let path = format!("/repos/{repository}/collaborators/{login}/permission");
        let answer = self.repository.read(&Call::get(PERMISSION, path)).await?;
        let PermissionWire { permission } = answer.json()?;
        Ok(Permission::new(&permission))
    }

    /// The environments that the run's jobs wait for.
    pub(super) async fn pending(&self) -> Result<Vec<EnvironmentName>, GithubError> {
        let answer = self.read_pending().await?;
        let pending: Vec<PendingDeploymentWire> = answer.json()?;
        let names: Option<Vec<EnvironmentName>> = pending.iter().map(PendingDeploymentWire::environment).collect();
        names.ok_or_else(|| answer.unreadable("`environment.name`: missing, or not a name".to_owned()))
    }

    /// Whether anything of the run still waits for the request's environment.
    pub async fn is_pending(&self) -> Result<bool, GithubError> {
        let pending: Vec<PendingDeploymentWire> = self.read_pending().await?.json()?;
        Ok(pending.iter().any(|deployment| deployment.is_for(&self.request.environment)))
    }

    async fn read_pending(&self) -> Result<Answer, GithubError> {
        self.repository.read(&Call::get(PENDING, self.run_path("/pending_deployments"))).await
    }

    /// The longest that half of a crowd's turns are spread over.
    pub fn half_turn_max(&self) -> Duration {
        self.repository.limits().half_turn
    }

    /// Waits for a short random time.
    pub async fn pause(&self) {
        self.repository.pause(self.repository.limits().pause).await;
    }

    /// The same after a random pause, so that not all who wait look, and review, at once.
    pub async fn is_pending_after_a_pause(&self) -> Result<bool, GithubError> {
        self.repository.pause(self.repository.limits().review_pause).await;
        self.is_pending().await
    }

    pub(super) fn run_path(&self, rest: &str) -> String {
        ApiUrl::run_path(self.request) + rest
    }
}

/// A page of jobs, as GitHub gives it.
pub(super) fn jobs_page(answer: &Answer) -> Result<JobsPage, GithubError> {
    let JobsWire { total_count, jobs } = answer.json()?;
    let jobs: Result<Vec<Job>, InvalidName> = jobs.into_iter().map(JobWire::into_model).collect();
    Ok(JobsPage { jobs: jobs.map_err(|error| answer.unreadable(error.to_string()))?, total: total_count })
}

/// The review history.
pub(super) fn reviews(answer: &Answer) -> Result<Vec<EnvironmentReview>, GithubError> {
    let reviews: Vec<ReviewWire> = answer.json()?;
    let reviews: Result<_, InvalidName> = reviews.into_iter().map(ReviewWire::into_model).collect();
    reviews.map_err(|error| answer.unreadable(error.to_string()))
}

/// One thing, as the model knows it.
pub(super) fn model<W: DeserializeOwned, M>(
    answer: &Answer,
    into_model: impl Fn(W) -> Result<M, InvalidName>,
) -> Result<M, GithubError> {
    into_model(answer.json()?).map_err(|error| answer.unreadable(error.to_string()))
}
