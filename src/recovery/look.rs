//! What waits in one repository is found and decided, the oldest first.
//!
//! Every failed delivery is matched to its run: by the list of runs, or else by the body that GitHub sent with it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};

use super::turn::{DECISION_TIME_MIN, LOOK_TIME_MIN, Part, Share};
use super::under_way::{SweepTarget, SweepUnderWay};
use super::{Found, FoundEnd, SweepMode, request_of};
use crate::gate::{self, Scope};
use crate::github::{
    AppClient, FailedDelivery, GithubError, RepositoryClient, RepositoryRef, RunList, RunState, WaitingRuns,
};
use crate::model::{EnvironmentName, Repository, RepositoryName, Request, RunId, WaitingRun, quoted};
use crate::outcome::{DeferredReason, Outcome, Report};
use crate::review_loop::Origin;
use crate::time::Deadline;

/// How far back runs are listed: the three days for which GitHub keeps deliveries, and one for a run to get to its first.
const LISTED: SignedDuration = SignedDuration::from_hours(96);
/// Until a delivery is this old, GitHub may not show yet what waits: only a decision counts.
const YOUNG: SignedDuration = SignedDuration::from_secs(60);
/// Until a delivery is this old, a run that GitHub does not show may still be there: in an outage runs are answered with 404.
const GONE_AFTER: SignedDuration = SignedDuration::from_hours(1);
/// Deliveries of one repository whose details are read in one sweep.
const DETAILS_OF_ONE_MAX: usize = 8;
/// Runs whose pending deployments are read at once.
const READS_AT_ONCE: usize = 8;

/// One repository, and what is needed to look into it.
struct Place<'p> {
    app: &'p AppClient<'p>,
    client: &'p RepositoryClient<'p>,
    runs: WaitingRuns<'p>,
    repository: &'p Repository,
    installation_id: u64,
    /// A decision that was begun may take until then.
    deadline: Deadline,
    share: Share,
    part: Part,
}

/// A failed delivery, and the run that it was about.
#[derive(Debug, Clone, Copy)]
struct Matched {
    delivered_at: Timestamp,
    run: RunId,
}

/// What became of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RunEnd {
    /// What waits was decided, or could not be.
    Decided,
    /// It is left to another sweep.
    Left,
}

impl SweepUnderWay<'_> {
    /// Finds and decides what waits in one repository, within its share.
    pub(super) async fn look_into(&mut self, target: SweepTarget, part: Part) -> Result<(), GithubError> {
        let (installation_id, repository, deliveries) = match target {
            SweepTarget::Failed(failed) => {
                (failed.installation_id, RepositoryRef::Id(failed.repository_id), failed.deliveries)
            }
            SweepTarget::Named(name) if self.seen.contains(&name) => return Ok(()),
            SweepTarget::Named(name) => {
                let Some(installation_id) = self.installation(&name).await? else { return Ok(()) };
                (installation_id, RepositoryRef::Name(name), Vec::new())
            }
        };
        let share = self.share(installation_id, part);
        let deadline = self.deadline.at_most(share.ends.saturating_add(LOOK_TIME_MIN));
        let app = &self.app.until(deadline);
        let client = &RepositoryClient::new(app, installation_id, repository);
        if client.is_scarce() {
            self.leave(1);
            return Ok(());
        }
        let Some(repository) = &self.repository(client, app, &deliveries).await? else { return Ok(()) };
        if !self.settings.policy.knows_owner(repository.name.owner()) {
            return Ok(());
        }
        self.seen.push(repository.name.clone());
        self.installations.insert(repository.name.owner().to_lowercase(), installation_id);
        let runs = WaitingRuns::new(client, repository);
        let place = Place { app, client, runs, repository, installation_id, deadline, share, part };
        self.look_into_place(place, deliveries).await
    }

    async fn look_into_place(
        &mut self,
        mut place: Place<'_>,
        deliveries: Vec<FailedDelivery>,
    ) -> Result<(), GithubError> {
        let since = self.deadline.now.checked_sub(LISTED).unwrap_or(Timestamp::MIN);
        let mut listed = place.runs.list(since, || self.has_share(&place)).await?;
        // By now GitHub has said what is left of the installation's calls.
        let points = self.share(place.installation_id, place.part).points;
        place.share.points = place.share.points.min(points);
        let place = &place;
        for problem in std::mem::take(&mut listed.problems) {
            self.result.problems.push(format!("{}: {problem}", what(place.repository)));
        }
        if !listed.is_complete && deliveries.is_empty() {
            // The runs that were not listed.
            self.leave(1);
        }
        let matched = self.runs_of(place, deliveries, &listed).await;
        let gone = self.find_unlisted(place, &matched, &mut listed).await;
        let mut open: Vec<WaitingRun> = listed.open.into_values().collect();
        open.sort_by_key(|run| (run.started_at, run.id));
        let ends = self.decide_each(place, self.minute.mostly_first(open)).await;
        let is_unmatched = |matched: &&Matched| {
            !ends.contains_key(&matched.run)
                && (self.is_newer(matched.delivered_at, YOUNG)
                    || (gone.contains(&matched.run) && self.is_newer(matched.delivered_at, GONE_AFTER)))
        };
        let unmatched = matched.iter().filter(is_unmatched).count();
        self.leave(unmatched);
        Ok(())
    }

    /// The App's installation on a repository; `None` where it is not installed. What GitHub does not show is looked at again.
    async fn installation(&mut self, name: &RepositoryName) -> Result<Option<u64>, GithubError> {
        if let Some(id) = self.installations.get(&name.owner().to_lowercase()) {
            return Ok(Some(*id));
        }
        let mut installation = self.app.installation(name).await?;
        if installation.is_none() {
            self.app.pause().await;
            installation = self.app.installation(name).await?;
        }
        Ok(installation.map(|installation| installation.id))
    }

    /// The repository; `None` where the App is not installed any more: there nothing waits for it.
    async fn repository(
        &mut self,
        client: &RepositoryClient<'_>,
        app: &AppClient<'_>,
        deliveries: &[FailedDelivery],
    ) -> Result<Option<Repository>, GithubError> {
        let mut repository = client.repository().await;
        if matches!(&repository, Err(error) if is_uninstalled(error)) {
            app.pause().await;
            repository = client.repository().await;
        }
        match repository {
            Err(error) if is_uninstalled(&error) => {
                let young = deliveries.iter().filter(|delivery| self.is_newer(delivery.delivered_at, YOUNG)).count();
                self.leave(young);
                Ok(None)
            }
            repository => repository.map(Some),
        }
    }

    /// The runs of failed deliveries, by their details: of those that the list does not explain, and of a fair share of the others. The list does not say which
    /// delivery belongs to which run, and a run of the same time may hide one that is not listed.
    async fn runs_of(&mut self, place: &Place<'_>, deliveries: Vec<FailedDelivery>, listed: &RunList) -> Vec<Matched> {
        let is_explained = |delivery: &FailedDelivery| {
            listed.is_complete
                && listed.shows_a_run_of(delivery.delivered_at)
                && !self.is_newer(delivery.delivered_at, YOUNG)
        };
        let (explained, unexplained): (Vec<_>, Vec<_>) = deliveries.into_iter().partition(is_explained);
        let must_be_read = unexplained.len().min(DETAILS_OF_ONE_MAX).min(self.details_left);
        self.leave(unexplained.len().saturating_sub(must_be_read));
        self.details_left = self.details_left.saturating_sub(must_be_read);
        let others = self.details_left.div_ceil(place.part.repositories.max(1));
        let others = explained.len().min(others).min(DETAILS_OF_ONE_MAX.saturating_sub(must_be_read));
        self.details_left = self.details_left.saturating_sub(others);
        let unexplained = self.minute.in_turn(unexplained, 1).into_iter().take(must_be_read);
        let explained = self.minute.in_turn(explained, 1).into_iter().take(others);
        let asked: Vec<FailedDelivery> = unexplained.chain(explained).collect();
        let runs = join_all(asked.iter().map(|delivery| place.app.run_of_delivery(delivery.id))).await;
        let mut matched = Vec::new();
        for (index, (delivery, run)) in asked.iter().zip(runs).enumerate() {
            match run {
                Ok(run) => matched.push(Matched { delivered_at: delivery.delivered_at, run }),
                Err(error) if index < must_be_read => {
                    self.note_problem(&format!("{}, delivery {}", what(place.repository), delivery.id), &error);
                }
                // The list explains it.
                Err(_) => {}
            }
        }
        matched
    }

    /// Adds the runs of deliveries that are not in the list; those that GitHub does not show at all.
    async fn find_unlisted(&mut self, place: &Place<'_>, matched: &[Matched], listed: &mut RunList) -> BTreeSet<RunId> {
        let is_unlisted = |run: &RunId| !listed.open.contains_key(run) && !listed.has_ended(*run);
        let unlisted: BTreeSet<RunId> = matched.iter().map(|matched| matched.run).filter(is_unlisted).collect();
        let states = join_all(unlisted.iter().map(|run| place.runs.state(*run))).await;
        let mut gone = BTreeSet::new();
        for (run, state) in unlisted.into_iter().zip(states) {
            match state {
                Ok(RunState::Open(found)) => drop(listed.open.insert(run, found)),
                Ok(RunState::Ended) => {}
                Ok(RunState::Gone) => drop(gone.insert(run)),
                Err(error) => self.note_problem(&format!("{}, run {run}", what(place.repository)), &error),
            }
        }
        gone
    }

    /// Decides what waits for an environment that a rule protects, run by run; what became of the runs in which something may. Any other environment may wait for anybody: a person, a timer,
    /// another App. One decision is always made: a small share must not keep a repository waiting for ever.
    async fn decide_each(&mut self, place: &Place<'_>, runs: Vec<WaitingRun>) -> BTreeMap<RunId, RunEnd> {
        let mut ends = BTreeMap::new();
        for (index, some) in runs.chunks(READS_AT_ONCE).enumerate() {
            if !self.may_decide(place) || (index > 0 && !self.has_share(place)) {
                ends.extend(some.iter().map(|run| (run.id, RunEnd::Left)));
                continue;
            }
            let waiting = join_all(some.iter().map(|run| place.runs.environments(run.id))).await;
            for (run, environments) in some.iter().zip(waiting) {
                let requests = self.requests(place, run, environments);
                if requests.is_empty() {
                    continue;
                }
                let is_first = !ends.values().any(|end| *end == RunEnd::Decided);
                if !self.may_decide(place) || !(is_first || self.has_share(place)) {
                    ends.insert(run.id, RunEnd::Left);
                    continue;
                }
                ends.insert(run.id, RunEnd::Decided);
                for request in requests {
                    self.decide(place, request, run.updated_at).await;
                }
            }
        }
        let left = ends.values().filter(|end| **end == RunEnd::Left).count();
        self.leave(left);
        ends
    }

    /// What a run asks of us.
    fn requests(
        &mut self,
        place: &Place<'_>,
        run: &WaitingRun,
        environments: Result<Vec<Option<EnvironmentName>>, GithubError>,
    ) -> Vec<Request> {
        let run_name = || format!("{}, run {}", what(place.repository), run.id);
        let environments = environments.unwrap_or_else(|error| {
            self.note_problem(&run_name(), &error);
            Vec::new()
        });
        if environments.iter().any(Option::is_none) {
            self.result.problems.push(format!("{}: it waits for an environment without a valid name", run_name()));
        }
        let requests = environments
            .into_iter()
            .flatten()
            .map(|environment| request_of(place.installation_id, place.repository, run, environment));
        let is_ours = |request: &Request| matches!(gate::scope(&self.settings.policy, request), Ok(Scope::Covered(_)));
        requests.filter(is_ours).collect()
    }

    /// Decides one request.
    async fn decide(&mut self, place: &Place<'_>, request: Request, since: Timestamp) {
        let (end, is_decided) = match self.mode {
            SweepMode::Scheduled | SweepMode::ByHand => {
                let began = self.deadline.elapsed();
                let settled = self.handler.settle(&request, Origin::Sweep, place.deadline).await;
                self.count(settled.calls);
                let is_undecided =
                    matches!(settled.outcome, Outcome::Failed(_) | Outcome::Deferred(DeferredReason::Github(_)));
                let took = self.deadline.elapsed().saturating_sub(began);
                let report = Report::new("a sweep", request, settled, took);
                (FoundEnd::Settled(Box::new(report)), !is_undecided)
            }
            SweepMode::DryRun => {
                let decision = self.handler.decide_only(&request, self.settings, place.client, place.deadline).await;
                let is_decided = decision.is_ok();
                (FoundEnd::WouldBe(Box::new(request), decision), is_decided)
            }
        };
        self.leave(usize::from(!is_decided));
        self.result.found.push(Found { since, end });
    }

    /// The share of a repository of this installation: of the time, of the process's points, and of what is left of the installation's calls.
    fn share(&self, installation_id: u64, part: Part) -> Share {
        let spare = self.app.spare_calls(installation_id).and_then(|calls| u32::try_from(calls).ok());
        let points = self.points_left().min(spare.unwrap_or(u32::MAX));
        part.share(self.deadline.elapsed(), self.points_spent(), points)
    }

    /// Whether there is anything left of a repository's share.
    fn has_share(&self, place: &Place<'_>) -> bool {
        self.deadline.elapsed() < place.share.ends && self.points_spent() < place.share.points && self.may_decide(place)
    }

    /// Whether the sweep may decide one more request, whatever the repository's share.
    fn may_decide(&self, place: &Place<'_>) -> bool {
        let time_left: Duration = place.deadline.time_left();
        time_left >= DECISION_TIME_MIN && self.has_points() && !place.client.is_scarce()
    }

    /// Whether it was less than `age` ago.
    fn is_newer(&self, at: Timestamp, age: SignedDuration) -> bool {
        self.deadline.now.duration_since(at) < age
    }
}

/// The repository, in a problem's line.
fn what(repository: &Repository) -> String {
    format!("repository {}", quoted(&repository.name.to_string()))
}

/// Whether the App is not installed on the repository, or the repository is not there any more.
fn is_uninstalled(error: &GithubError) -> bool {
    match error {
        GithubError::MintRefused { status, message, .. } => {
            // GitHub says 422 for missing permissions, too.
            status.as_u16() == 404 || (status.as_u16() == 422 && message.contains("not accessible"))
        }
        _ => false,
    }
}
