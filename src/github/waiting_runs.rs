//! What waits in a repository: runs that have not ended, and the environments that their jobs wait for.

use http::StatusCode;

use super::answer::Answer;
use super::call::Call;
use super::run_reader::{PENDING, RUN};
use super::wire::{PendingDeploymentWire, RunWire, RunsWire};
use super::{GithubError, RepositoryClient};
use crate::model::{EnvironmentName, Repository, RunId, WaitingRun};

const RUNS: &str = "GET /repos/{owner}/{repo}/actions/runs";

/// Runs on a page; GitHub's maximum.
const PER_PAGE: usize = 100;
/// Pages of one status that are read in a sweep; GitHub lists no more than 1,000 runs of a status.
const PAGES_MAX: usize = 10;
/// The statuses of a run in which a job may wait: the run waits, or others of its jobs run.
const STATUSES: [&str; 2] = ["waiting", "in_progress"];

/// Reads what waits in one repository.
#[derive(Debug)]
pub struct WaitingRuns<'a> {
    client: &'a RepositoryClient<'a>,
    repository: &'a Repository,
}

impl<'a> WaitingRuns<'a> {
    /// Reads through `client` what waits in `repository`.
    pub fn new(client: &'a RepositoryClient<'a>, repository: &'a Repository) -> Self {
        Self { client, repository }
    }

    /// The runs in which something may wait: waiting runs before those in progress, the oldest first in each group. One that cannot be read is left out: it must not hold up the others.
    pub async fn runs(&self) -> Result<Vec<WaitingRun>, GithubError> {
        let mut runs = Vec::new();
        for status in STATUSES {
            let mut of_status = Vec::new();
            // GitHub lists the newest first, but the oldest have waited longest, so all pages are read.
            for page in 1..=PAGES_MAX {
                let listed = self.page(status, page).await?;
                let was_full = listed.len() >= PER_PAGE;
                of_status.extend(listed.into_iter().flatten());
                if !was_full {
                    break;
                }
            }
            of_status.sort_by_key(|run| (run.started_at, run.id));
            // The list moves while it is read.
            of_status.dedup_by_key(|run| run.id);
            runs.extend(of_status);
        }
        Ok(runs)
    }

    async fn page(&self, status: &str, page: usize) -> Result<Vec<Option<WaitingRun>>, GithubError> {
        let query = format!("status={status}&per_page={PER_PAGE}&page={page}&exclude_pull_requests=true");
        let path = format!("/repos/{}/actions/runs?{query}", self.repository.name);
        runs_page(&self.client.send(&Call::get(RUNS, path)).await?)
    }

    /// One run, whether it waits or not; `None` when GitHub knows no run with that id, or shows no branch or tag for it. Whether the answer is about that run is checked by the decision.
    pub async fn run(&self, id: RunId) -> Result<Option<WaitingRun>, GithubError> {
        let path = format!("/repos/{}/actions/runs/{id}?exclude_pull_requests=true", self.repository.name);
        let answer = self.client.send(&Call::get(RUN, path)).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        Ok(answer.json::<RunWire>()?.into_waiting())
    }

    /// The environments that jobs of the run wait for.
    pub async fn environments(&self, run: RunId) -> Result<Vec<EnvironmentName>, GithubError> {
        let path = format!("/repos/{}/actions/runs/{run}/pending_deployments", self.repository.name);
        pending_environments(&self.client.send(&Call::get(PENDING, path)).await?)
    }
}

/// A page of runs; `None` for one that cannot be read.
pub(super) fn runs_page(answer: &Answer) -> Result<Vec<Option<WaitingRun>>, GithubError> {
    let RunsWire { workflow_runs } = answer.json()?;
    Ok(workflow_runs.into_iter().map(RunWire::into_waiting).collect())
}

/// The environments that are waited for, those that have a name.
pub(super) fn pending_environments(answer: &Answer) -> Result<Vec<EnvironmentName>, GithubError> {
    let pending: Vec<PendingDeploymentWire> = answer.json()?;
    Ok(pending.iter().filter_map(PendingDeploymentWire::environment).collect())
}
