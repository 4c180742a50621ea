//! Recovery: whatever became of its webhook, what still waits at GitHub is found and decided by the very same code.
//!
//! GitHub never sends a webhook again. So on a schedule its own lists are read: the App's failed deliveries say in which repositories to look,
//! and every quarter of an hour the policy does. Nothing is remembered: two sweeps at once do the same, and what does not fit
//! into one waits for the next. Not here: how a request is decided.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::causes::with_causes;
use crate::config::Settings;
use crate::gate::policy::RepositoryPattern;
use crate::gate::{self, Decision, Scope};
use crate::github::{GithubError, Installation, Lost, Of, Waiting, WaitingRun};
use crate::handler::{Gate, Moment};
use crate::model::{EnvironmentName, Repository, RepositoryName, Request};
use crate::report::Report;

/// Points of GitHub's that this process may have spent in the last minute for a sweep to begin something new: two thirds of the 900 that
/// GitHub gives in a minute, so that deliveries find enough. A read is one, a write five.
const POINTS_MAX: u32 = 600;
/// Runs of a repository that surely fit into a sweep. Where more wait, each minute begins at the next so many.
const RUNS_AT_ONCE: usize = 10;
/// Time that must be left for a sweep to begin something new: a request takes some calls.
const TIME_LEFT_MIN: Duration = Duration::from_secs(2);
/// How often each repository that the policy names is looked at, failed deliveries or not: some of them every minute.
const POLICY_EVERY_MINUTES: usize = 15;

/// What a sweep does with what it finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sweep {
    /// Decides and reviews; of the repositories that the policy names, those whose minute it is.
    Scheduled,
    /// Decides and reviews, in all of them.
    ByHand,
    /// Decides, in all of them, and says what it would review.
    Look,
}

/// What a sweep found.
#[derive(Debug, Default)]
pub struct Swept {
    /// What waited.
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
    /// When its run last changed: it waits since then.
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

/// A repository to look into: by the failed delivery of an installation, or by its name in the policy.
enum Place {
    Delivery(u64, u64),
    Policy(RepositoryName),
}

impl Swept {
    /// Was everything looked into?
    pub fn is_complete(&self) -> bool {
        self.problems.is_empty() && self.left == 0
    }

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
    /// GitHub asked to be left alone.
    limited: bool,
}

impl Gate {
    /// Looks once for what waits, within the time of one delivery and two thirds of GitHub's points for a minute. An error of one place or request is a line in the
    /// result, never the end of the sweep; a limit of GitHub is.
    pub async fn sweep(&self, how: Sweep) -> Swept {
        let at = self.moment();
        self.refresh_settings(at).await;
        let settings = &self.settings.current();
        let swept = Swept { paused: settings.policy.pause, ..Swept::default() };
        if swept.paused {
            return swept;
        }
        let mut round = Round { gate: self, how, settings, at, seen: BTreeSet::new(), swept, limited: false };
        let places = round.places().await;
        for place in places {
            if round.may_go_on()
                && let Err(error) = round.sweep(place).await
            {
                round.problem(&error);
            }
        }
        round.swept
    }
}

impl Round<'_> {
    /// Where to look: wherever a delivery failed, each repository first at its minute, and then at the policy's.
    async fn places(&mut self) -> Vec<Place> {
        let lost = Lost::new((&self.gate.client, &self.settings.app), self.at.now, self.at.deadline);
        let found = lost.repositories().await.unwrap_or_else(|error| {
            self.problem(&error);
            BTreeMap::new()
        });
        self.count(lost.calls());
        let failed = found.into_iter().map(|(repository, installation)| Place::Delivery(installation, repository));
        let mut places = in_turn(failed.collect(), 1, self.at.now);
        let turn = minute(self.at.now).checked_rem(POLICY_EVERY_MINUTES).unwrap_or_default();
        let named = (0..POLICY_EVERY_MINUTES).cycle().zip(named(self.settings));
        let now = named.filter(|(index, _)| *index == turn || self.how != Sweep::Scheduled);
        places.extend(now.map(|(_, name)| Place::Policy(name.clone())));
        places
    }

    /// Decides what waits in one repository.
    async fn sweep(&mut self, place: Place) -> Result<(), GithubError> {
        let (id, of) = match place {
            Place::Delivery(installation, repository) => (installation, Of::Id(repository)),
            Place::Policy(name) => {
                let lost = Lost::new((&self.gate.client, &self.settings.app), self.at.now, self.at.deadline);
                let installation = lost.installation(&name).await;
                self.count(lost.calls());
                let Some(installation) = installation? else { return Ok(()) };
                (installation, Of::Name(name))
            }
        };
        let app = (&self.gate.client, &*self.settings.app, &self.gate.tokens);
        let installation = Installation::new(app, (id, of), self.at.now, self.at.deadline);
        let swept = self.sweep_repository(&installation, id).await;
        self.count(installation.calls());
        match swept {
            // Nothing of a repository that the App is not on any more can wait for it.
            Err(GithubError::MintRefused { status, .. }) if status.as_u16() == 404 => Ok(()),
            swept => swept,
        }
    }

    /// Looks at the runs of a repository, those that wait longest first, and decides what waits for an environment that a rule
    /// protects. Any other environment may wait for anybody: a person, a timer, another App.
    async fn sweep_repository(&mut self, installation: &Installation<'_>, id: u64) -> Result<(), GithubError> {
        let repository = installation.repository().await?;
        let policy = &self.settings.policy;
        if !self.seen.insert(repository.id) || !policy.knows_owner(repository.name.owner()) {
            return Ok(());
        }
        let waiting = Waiting::new(installation, &repository);
        for run in in_turn(waiting.runs().await?, RUNS_AT_ONCE, self.at.now) {
            if !self.may_go_on_with(installation) {
                continue;
            }
            let environments = waiting.environments(run.id).await.unwrap_or_else(|error| {
                self.problem(&error);
                Vec::new()
            });
            for environment in environments {
                let request = request_of(id, &repository, &run, environment);
                if matches!(gate::scope(policy, &request), Ok(Scope::Covered(_))) {
                    self.end(request, run.updated_at).await;
                }
            }
        }
        Ok(())
    }

    /// Decides one request.
    async fn end(&mut self, request: Request, since: Timestamp) {
        let end = match self.how {
            Sweep::Scheduled | Sweep::ByHand => {
                let report = self.gate.settle_found(request, self.at).await;
                self.count(report.calls);
                self.limited |= report.outcome.is_limited();
                End::Settled(Box::new(report))
            }
            Sweep::Look => {
                let (decision, calls) = self.gate.look_at(&request, self.settings, self.at).await;
                self.count(calls);
                self.limited |= matches!(decision, Err(GithubError::Limited { .. }));
                End::WouldBe(Box::new(request), decision)
            }
        };
        self.swept.found.push(Found { since, end });
    }

    fn count(&mut self, calls: u32) {
        self.swept.calls = self.swept.calls.saturating_add(calls);
    }

    fn problem(&mut self, error: &GithubError) {
        self.limited |= matches!(error, GithubError::Limited { .. });
        self.swept.problems.push(with_causes(error));
    }

    /// Is there leave, are there points and is there time for something new? What comes now else waits for the next sweep.
    fn may_go_on(&mut self) -> bool {
        let points = self.gate.client.points_spent(self.at.now);
        let may = !self.limited && points < POINTS_MAX && self.gate.time_left(self.at) >= TIME_LEFT_MIN;
        if !may {
            self.swept.left = self.swept.left.saturating_add(1);
        }
        may
    }

    /// The same, and are there enough of the installation's calls left for its deliveries?
    fn may_go_on_with(&mut self, installation: &Installation<'_>) -> bool {
        if installation.is_scarce() {
            self.swept.left = self.swept.left.saturating_add(1);
            return false;
        }
        self.may_go_on()
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

/// So many of them at a time come first at their minute, so that what does not fit is never the same.
fn in_turn<T>(mut all: Vec<T>, at_once: usize, now: Timestamp) -> Vec<T> {
    let turn = minute(now).checked_rem(all.len().div_ceil(at_once)).unwrap_or_default();
    let first = turn.saturating_mul(at_once).min(all.len());
    all.rotate_left(first);
    all
}

fn minute(now: Timestamp) -> usize {
    usize::try_from(now.as_second().div_euclid(60)).unwrap_or_default()
}
