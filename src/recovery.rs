//! Recovery: what is still waiting on GitHub is found and decided by the very same code, whatever became of its webhook.
//!
//! GitHub never retries a webhook. So a schedule reads GitHub's own lists: the App's failed deliveries say in which repositories to look,
//! and every quarter of an hour the policy does. Nothing is remembered: two sweeps at once do the same, and what does not fit
//! into one waits for the next. Not here: how a request is decided.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::config::Settings;
use crate::gate::policy::{PauseReason, RepositoryPattern};
use crate::gate::{self, Decision, Scope};
use crate::github::{AppClient, GithubError, RepositoryClient, RepositoryRef, RunReader, WaitingRuns};
use crate::handler::Handler;
use crate::model::{EnvironmentName, Repository, RepositoryName, Request, WaitingRun, with_causes};
use crate::outcome::Report;
use crate::review_loop::{Origin, look};
use crate::time::Deadline;

/// Points of GitHub's secondary rate limit that this process may have spent in the last minute for a sweep to start more work: two thirds of the 900
/// that GitHub gives in a minute, so that enough is left for deliveries. A read is one, a write five.
const POINTS_MAX: u32 = 600;
/// How many runs of a repository certainly fit into one sweep. If more wait, each minute's sweep starts that many further on.
const RUNS_AT_ONCE: usize = 10;
/// Time that must be left for a sweep to start more work: a request takes some calls.
const TIME_LEFT_MIN: Duration = Duration::from_secs(2);
/// How often each repository that the policy names is looked at, failed deliveries or not: some of them every minute.
const POLICY_EVERY_MINUTES: usize = 15;

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
    /// Repositories and requests that are left to the next sweep.
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

/// A repository to look into.
enum SweepTarget {
    /// One in which a delivery failed.
    FailedDelivery { installation_id: u64, repository_id: u64 },
    /// One that the policy names.
    Policy(RepositoryName),
}

impl Sweep {
    /// Whether everything was looked into.
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
    /// the result, never the end of the sweep; a rate limit of GitHub ends it.
    pub async fn sweep(&self, mode: SweepMode) -> Sweep {
        let deadline = self.deadline();
        self.refresh_settings(deadline).await;
        let settings = &self.settings.current();
        if let Some(reason) = settings.policy.pause_reason() {
            let problem = (reason != PauseReason::Switch).then(|| reason.to_string());
            return Sweep { paused: true, problems: problem.into_iter().collect(), ..Sweep::default() };
        }
        let app = AppClient::new(&self.github, &settings.app, deadline);
        let (seen, result) = (BTreeSet::new(), Sweep::default());
        let mut sweep = SweepUnderWay { handler: self, mode, settings, app, deadline, seen, result, is_limited: false };
        for target in sweep.targets().await {
            if !sweep.may_start_more() {
                sweep.leave_for_later();
            } else if let Err(error) = sweep.look_into(target).await {
                sweep.note_problem(&error);
            }
        }
        let own_calls = sweep.app.calls();
        sweep.count(own_calls);
        sweep.result
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
            Ok(scope) => Ok(look(&scope, &RunReader::new(repository, request), deadline).await?.decision),
            // A request that is out of scope is never asked about.
            Err(_) => Ok(Decision::RunEnded),
        }
    }
}

struct SweepUnderWay<'a> {
    handler: &'a Handler,
    mode: SweepMode,
    settings: &'a Settings,
    app: AppClient<'a>,
    deadline: Deadline,
    /// Repositories that were looked into.
    seen: BTreeSet<u64>,
    result: Sweep,
    /// GitHub asked for a pause.
    is_limited: bool,
}

impl SweepUnderWay<'_> {
    /// Where to look: repositories with a failed delivery, starting at a different one each minute, then those of the policy that are due.
    async fn targets(&mut self) -> Vec<SweepTarget> {
        let failed = self.app.repositories_with_failed_deliveries().await.unwrap_or_else(|error| {
            self.note_problem(&error);
            BTreeMap::new()
        });
        let failed = failed
            .into_iter()
            .map(|(repository_id, installation_id)| SweepTarget::FailedDelivery { installation_id, repository_id });
        let mut targets = in_turn(failed.collect(), 1, self.deadline.now);
        let turn = minute(self.deadline.now).checked_rem(POLICY_EVERY_MINUTES).unwrap_or_default();
        let named = (0..POLICY_EVERY_MINUTES).cycle().zip(named_repositories(self.settings));
        let due = named.filter(|(index, _)| *index == turn || self.mode != SweepMode::Scheduled);
        targets.extend(due.map(|(_, name)| SweepTarget::Policy(name.clone())));
        targets
    }

    /// Decides what waits in one repository.
    async fn look_into(&mut self, target: SweepTarget) -> Result<(), GithubError> {
        let (installation_id, repository) = match target {
            SweepTarget::FailedDelivery { installation_id, repository_id } => {
                (installation_id, RepositoryRef::Id(repository_id))
            }
            SweepTarget::Policy(name) => {
                let Some(installation) = self.app.installation(&name).await? else { return Ok(()) };
                (installation.id, RepositoryRef::Name(name))
            }
        };
        let client = RepositoryClient::new(&self.app, installation_id, repository);
        match self.look_into_repository(&client, installation_id).await {
            // Where the App is not installed any more, nothing waits for it.
            Err(GithubError::MintRefused { status, .. }) if status.as_u16() == 404 => Ok(()),
            looked => looked,
        }
    }

    /// Looks at the runs of a repository, those that wait longest first, and decides what waits for an environment that a rule
    /// protects. Any other environment may wait for anybody: a person, a timer, another App.
    async fn look_into_repository(
        &mut self,
        client: &RepositoryClient<'_>,
        installation_id: u64,
    ) -> Result<(), GithubError> {
        let repository = client.repository().await?;
        let policy = &self.settings.policy;
        if !self.seen.insert(repository.id) || !policy.knows_owner(repository.name.owner()) {
            return Ok(());
        }
        let waiting = WaitingRuns::new(client, &repository);
        for run in in_turn(waiting.runs().await?, RUNS_AT_ONCE, self.deadline.now) {
            if client.is_scarce() || !self.may_start_more() {
                self.leave_for_later();
                continue;
            }
            let environments = waiting.environments(run.id).await.unwrap_or_else(|error| {
                self.note_problem(&error);
                Vec::new()
            });
            for environment in environments {
                let request = request_of(installation_id, &repository, &run, environment);
                if matches!(gate::scope(policy, &request), Ok(Scope::Covered(_))) {
                    self.end(request, run.updated_at, client).await;
                }
            }
        }
        Ok(())
    }

    /// Decides one request.
    async fn end(&mut self, request: Request, since: Timestamp, client: &RepositoryClient<'_>) {
        let end = match self.mode {
            SweepMode::Scheduled | SweepMode::ByHand => {
                let began = self.deadline.elapsed();
                let (outcome, calls) = self.handler.settle(&request, Origin::Sweep, self.deadline).await;
                self.count(calls);
                self.is_limited |= outcome.is_rate_limited();
                let took = self.deadline.elapsed().saturating_sub(began);
                let delivery_id = "a sweep".to_owned();
                FoundEnd::Settled(Box::new(Report { delivery_id, request: Some(request), outcome, calls, took }))
            }
            SweepMode::DryRun => {
                let decision = self.handler.decide_only(&request, self.settings, client, self.deadline).await;
                self.is_limited |= matches!(decision, Err(GithubError::Limited { .. }));
                FoundEnd::WouldBe(Box::new(request), decision)
            }
        };
        self.result.found.push(Found { since, end });
    }

    fn count(&mut self, calls: u32) {
        self.result.calls = self.result.calls.saturating_add(calls);
    }

    fn note_problem(&mut self, error: &GithubError) {
        self.is_limited |= matches!(error, GithubError::Limited { .. });
        self.result.problems.push(with_causes(error));
    }

    fn leave_for_later(&mut self) {
        self.result.left = self.result.left.saturating_add(1);
    }

    /// Whether the sweep may start more work: not rate limited, points left, time left.
    fn may_start_more(&self) -> bool {
        let points = self.handler.github.points_spent(self.deadline.now);
        !self.is_limited && points < POINTS_MAX && self.deadline.time_left() >= TIME_LEFT_MIN
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

/// The repositories that the policy names one by one.
fn named_repositories(settings: &Settings) -> Vec<&RepositoryName> {
    let patterns = settings.policy.rules.iter().flat_map(|rule| &rule.repositories);
    let mut names: Vec<&RepositoryName> = Vec::new();
    for pattern in patterns {
        if let RepositoryPattern::One(name) = pattern
            && !names.contains(&name)
        {
            names.push(name);
        }
    }
    names
}

/// Every minute starts at a different place, so that it is not always the same ones that do not fit.
fn in_turn<T>(mut all: Vec<T>, at_once: usize, now: Timestamp) -> Vec<T> {
    let turn = minute(now).checked_rem(all.len().div_ceil(at_once)).unwrap_or_default();
    let first = turn.saturating_mul(at_once).min(all.len());
    all.rotate_left(first);
    all
}

fn minute(now: Timestamp) -> usize {
    usize::try_from(now.as_second().div_euclid(60)).unwrap_or_default()
}
