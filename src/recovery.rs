//! Recovery: whatever became of its webhook, what still waits at GitHub is found and decided by the very same code.
//!
//! GitHub never sends a webhook again. So on a schedule its own lists are read: the App's failed deliveries say in which repositories to look,
//! and every quarter of an hour the policy does. Nothing is remembered: two sweeps at once do the same, and what does not fit
//! into one waits for the next. Not here: how a request is decided.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use crate::config::Settings;
use crate::gate::policy::RepositoryPattern;
use crate::gate::{self, Decision, Scope};
use crate::github::{GithubError, Installation, Lost, Of, Waiting, WaitingRun};
use crate::handler::{Gate, Moment};
use crate::model::{EnvironmentName, Repository, RepositoryName, Request};
use crate::report::{Report, with_causes};

/// Calls to GitHub that one sweep makes before it leaves the rest to the next; GitHub allows 900 points a minute, a read is one.
const CALLS_MAX: u32 = 200;
/// How often the repositories that the policy names are looked at, failed deliveries or not.
const POLICY_EVERY_MINUTES: i64 = 15;

/// What a sweep does with what it finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sweep {
    /// Decides and reviews.
    Apply,
    /// Decides, and says what it would review.
    Look,
}

/// What a sweep found.
#[derive(Debug, Default)]
pub struct Swept {
    /// What waited, the oldest first in each repository.
    pub found: Vec<Found>,
    /// What could not be looked into; it will be looked at again.
    pub problems: Vec<String>,
    /// Repositories and requests that are left to the next sweep.
    pub left: usize,
    /// Calls to GitHub.
    pub calls: u32,
    /// The policy pauses: nothing was looked at.
    pub paused: bool,
}

/// One request that waited.
#[derive(Debug)]
pub struct Found {
    /// Since when its run is in its present attempt.
    pub since: Timestamp,
    /// What became of it.
    pub end: End,
}

/// What became of a request that a sweep found.
#[derive(Debug)]
pub enum End {
    /// It was settled.
    Settled(Box<Report>),
    /// It was looked at: this is what would be decided.
    WouldBe(Box<Request>, Result<Decision, GithubError>),
}

/// A repository to look into, and through which installation.
type Place = (u64, Of);

impl Swept {
    /// How long the oldest request that is still undecided has waited at `now`.
    pub fn oldest_wait(&self, now: Timestamp) -> SignedDuration {
        let undecided = self.found.iter().filter(|found| match &found.end {
            End::Settled(report) => !matches!(report.outcome.name(), "approved" | "rejected" | "ignored"),
            End::WouldBe(..) => true,
        });
        undecided.map(|found| now.duration_since(found.since)).max().unwrap_or(SignedDuration::ZERO)
    }
}

/// A sweep under way.
struct Round<'a> {
    gate: &'a Gate,
    how: Sweep,
    settings: &'a Settings,
    at: Moment,
    seen: BTreeSet<u64>,
    swept: Swept,
}

impl Gate {
    /// Looks once for what waits, within the time of one delivery and 200 calls. An error of one place or request is a line in the
    /// result, never the end of the sweep.
    pub async fn sweep(&self, how: Sweep) -> Swept {
        let at = self.moment();
        self.refresh_settings(at.now).await;
        let settings = &self.settings.current();
        let swept = Swept { paused: settings.policy.pause, ..Swept::default() };
        if swept.paused {
            return swept;
        }
        let mut round = Round { gate: self, how, settings, at, seen: BTreeSet::new(), swept };
        for (installation_id, of) in in_turn(round.places().await, at.now) {
            if round.is_spent() {
                continue;
            }
            let app = (&self.client, &*settings.app, &self.tokens);
            let installation = Installation::new(app, (installation_id, of), at.now, at.deadline);
            let requests = round.requests(&installation, installation_id).await;
            round.count(installation.calls());
            match requests {
                Ok(requests) => round.end_all(requests).await,
                Err(error) => round.swept.problems.push(with_causes(&error)),
            }
        }
        round.swept
    }
}

impl Round<'_> {
    /// Where to look: wherever a delivery failed, in the order of their ids, and now and then wherever the policy says.
    async fn places(&mut self) -> Vec<Place> {
        let lost = Lost::new((&self.gate.client, &self.settings.app), self.at.now, self.at.deadline);
        self.count(1);
        let mut places: Vec<Place> = match lost.repositories().await {
            Ok(found) => {
                found.into_iter().map(|(repository, installation)| (installation, Of::Id(repository))).collect()
            }
            Err(error) => {
                self.swept.problems.push(with_causes(&error));
                Vec::new()
            }
        };
        if minutes(self.at.now).rem_euclid(POLICY_EVERY_MINUTES) == 0 {
            for name in named(self.settings) {
                self.count(1);
                match lost.installation(name).await {
                    Ok(Some(installation)) => places.push((installation, Of::Name(name.clone()))),
                    Ok(None) => {}
                    Err(error) => self.swept.problems.push(with_causes(&error)),
                }
            }
        }
        places
    }

    /// What waits in one repository for an environment that a rule protects. Any other environment may wait for anybody: a person, a
    /// timer, another App.
    async fn requests(
        &mut self,
        installation: &Installation<'_>,
        installation_id: u64,
    ) -> Result<Vec<(Timestamp, Request)>, GithubError> {
        let repository = installation.repository().await?;
        let policy = &self.settings.policy;
        if !self.seen.insert(repository.id) || !policy.knows_owner(repository.name.owner()) {
            return Ok(Vec::new());
        }
        let waiting = Waiting::new(installation, &repository);
        let mut requests = Vec::new();
        for run in waiting.runs().await? {
            if self.swept.calls.saturating_add(installation.calls()) >= CALLS_MAX {
                self.swept.left = self.swept.left.saturating_add(1);
                continue;
            }
            for environment in waiting.environments(run.id).await? {
                let request = request_of(installation_id, &repository, &run, environment);
                if matches!(gate::scope(policy, &request), Ok(Scope::Covered(_))) {
                    requests.push((run.started_at, request));
                }
            }
        }
        Ok(requests)
    }

    /// Decides each of them, while calls are left.
    async fn end_all(&mut self, requests: Vec<(Timestamp, Request)>) {
        for (since, request) in requests {
            if self.is_spent() {
                continue;
            }
            let end = match self.how {
                Sweep::Apply => {
                    let report = self.gate.settle_found(request, self.at).await;
                    self.count(report.calls);
                    End::Settled(Box::new(report))
                }
                Sweep::Look => {
                    let (decision, calls) = self.gate.look_at(&request, self.settings, self.at).await;
                    self.count(calls);
                    End::WouldBe(Box::new(request), decision)
                }
            };
            self.swept.found.push(Found { since, end });
        }
    }

    fn count(&mut self, calls: u32) {
        self.swept.calls = self.swept.calls.saturating_add(calls);
    }

    /// No calls are left: what comes now waits for the next sweep.
    fn is_spent(&mut self) -> bool {
        let spent = self.swept.calls >= CALLS_MAX;
        if spent {
            self.swept.left = self.swept.left.saturating_add(1);
        }
        spent
    }
}

/// What a webhook would have asked, from GitHub's answers alone.
fn request_of(
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
fn named(settings: &Settings) -> Vec<&RepositoryName> {
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

/// Every place comes first at its minute, so that what does not fit is never the same.
fn in_turn(mut places: Vec<Place>, now: Timestamp) -> Vec<Place> {
    let turn = usize::try_from(minutes(now)).unwrap_or_default().checked_rem(places.len()).unwrap_or_default();
    places.rotate_left(turn);
    places
}

fn minutes(now: Timestamp) -> i64 {
    now.as_second().div_euclid(60)
}
