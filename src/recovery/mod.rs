//! Recovery: what is still waiting on GitHub is found and decided by the very same code, whatever became of its webhook.
//!
//! GitHub never retries a webhook. So a schedule reads GitHub's own lists: the App's failed deliveries say in which repositories to look,
//! and every quarter of an hour the policy does. Nothing is remembered: two sweeps at once do the same, and what does not fit
//! into one is begun with in another.
//!
//! - `log`: the failed deliveries.
//! - `turn`: where a sweep begins, and what each repository may have of it.
//! - `under_way`: from one repository to the next.
//! - `look`: what waits in one repository.
//!
//! Not here: how a request is decided.

mod log;
mod look;
mod turn;
mod under_way;

use jiff::{SignedDuration, Timestamp};

use self::under_way::SweepUnderWay;
use crate::config::Settings;
use crate::gate::policy::PauseReason;
use crate::gate::{self, Decision};
use crate::github::{GithubError, RepositoryClient, RunReader};
use crate::handler::Handler;
use crate::model::{EnvironmentName, Repository, Request, WaitingRun};
use crate::outcome::Report;
use crate::review_loop::look as look_at;
use crate::time::Deadline;

/// What a sweep does with what it finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SweepMode {
    /// Decides and reviews; of the repositories that the policy names, looks only into those that are due this minute.
    Scheduled,
    /// Decides and reviews, in all of them.
    ByHand,
    /// Decides, in all of them, and reviews nothing.
    DryRun,
}

/// What a sweep found.
#[derive(Debug, Default)]
pub struct Sweep {
    /// What waited.
    pub found: Vec<Found>,
    /// What could not be looked into; it will be looked at again.
    pub problems: Vec<String>,
    /// Repositories, runs, requests and failed deliveries that are left to the next sweep. What was not even counted, such as the rest of a list, counts as one.
    pub left: usize,
    /// Calls to GitHub.
    pub calls: u32,
    /// The policy says `pause = true`, or cannot be read (then `problems` says why): nothing was looked at.
    pub paused: bool,
}

/// One request that waited.
#[derive(Debug)]
pub struct Found {
    /// When its run last changed: it has been waiting since then.
    pub since: Timestamp,
    /// What became of it.
    pub end: FoundEnd,
}

/// What became of a request that a sweep found.
#[derive(Debug)]
pub enum FoundEnd {
    /// It was settled.
    Settled(Box<Report>),
    /// It was decided, and nothing was posted.
    WouldBe(Box<Request>, Result<Decision, GithubError>),
}

impl Sweep {
    /// Whether everything was looked into: every failed delivery belongs to a run that was decided, has ended, or waits for nothing of ours.
    pub fn is_complete(&self) -> bool {
        self.problems.is_empty() && self.left == 0
    }

    /// How long the oldest request that is still undecided has waited at `now`.
    pub fn oldest_wait(&self, now: Timestamp) -> SignedDuration {
        let undecided = self.found.iter().filter(|found| match &found.end {
            FoundEnd::Settled(report) => !matches!(report.outcome.name(), "approved" | "rejected" | "ignored"),
            FoundEnd::WouldBe(..) => true,
        });
        undecided.map(|found| now.duration_since(found.since)).max().unwrap_or(SignedDuration::ZERO)
    }
}

impl Handler {
    /// Looks once for what waits, within the time of one delivery and two thirds of GitHub's points for a minute. An error in one place or request is a line in
    /// the result, never the end of the sweep; a rate limit of one installation leaves the others alone.
    pub async fn sweep(&self, mode: SweepMode) -> Sweep {
        let deadline = self.deadline();
        self.refresh_settings(deadline).await;
        let settings = &self.settings.current();
        if let Some(reason) = settings.policy.pause_reason() {
            let problem = (reason != PauseReason::Switch).then(|| reason.to_string());
            return Sweep { paused: true, problems: problem.into_iter().collect(), ..Sweep::default() };
        }
        SweepUnderWay::new(self, settings, mode, deadline).finish().await
    }

    /// What would be decided about a request. There is nothing here to review it with.
    async fn decide_only(
        &self,
        request: &Request,
        settings: &Settings,
        repository: &RepositoryClient<'_>,
        deadline: Deadline,
    ) -> Result<Decision, GithubError> {
        match gate::scope(&settings.policy, request) {
            Ok(scope) => Ok(look_at(&scope, &RunReader::new(repository, request), deadline).await?.decision),
            // A request that is out of scope is never asked about.
            Err(_) => Ok(Decision::RunEnded),
        }
    }
}

/// What a webhook would have asked, from GitHub's answers alone.
pub(crate) fn request_of(
    installation_id: u64,
    repository: &Repository,
    run: &WaitingRun,
    environment: EnvironmentName,
) -> Request {
    Request {
        installation_id,
        repository: repository.clone(),
        run: run.id,
        environment,
        sha: run.sha.clone(),
        ref_name: run.ref_name.clone(),
        event: Some(run.event.clone()),
        deployment_created_at: None,
    }
}
