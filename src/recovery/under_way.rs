//! A sweep under way: from one repository to the next, each with a fair share of time and points.
//!
//! Not here: what is done in one of them (`look`).

use std::collections::BTreeMap;
use std::time::Duration;

use super::log::{FailedRepository, FailureLog};
use super::turn::{LOOK_TIME_MIN, Minute, Part};
use super::{Sweep, SweepMode};
use crate::config::Settings;
use crate::gate::policy::RepositoryPattern;
use crate::github::{AppClient, GithubError};
use crate::handler::Handler;
use crate::model::{RepositoryName, quoted, with_causes};
use crate::time::Deadline;

/// Points of GitHub's secondary rate limit that this process may have spent in the last minute for a sweep to start more work: two thirds of the 900
/// that GitHub gives in a minute, so that enough is left for deliveries. A read is one, a write five.
const POINTS_MAX: u32 = 600;
/// How often each repository that the policy names is looked at, failed deliveries or not: some of them every minute.
const POLICY_EVERY_MINUTES: u8 = 15;
/// Deliveries whose details are read in one sweep: 1,500 in an hour, so that the App's calls last.
const DETAILS_MAX: usize = 25;

/// A repository to look into.
#[derive(Debug)]
pub(super) enum SweepTarget {
    /// One in which deliveries failed.
    Failed(FailedRepository),
    /// One that the policy names.
    Named(RepositoryName),
}

/// A sweep under way.
pub(super) struct SweepUnderWay<'a> {
    pub(super) handler: &'a Handler,
    pub(super) settings: &'a Settings,
    pub(super) mode: SweepMode,
    pub(super) app: AppClient<'a>,
    pub(super) deadline: Deadline,
    pub(super) minute: Minute,
    /// Repositories that were looked into.
    pub(super) seen: Vec<RepositoryName>,
    /// Installations, by owner in lower case: GitHub has one for each account.
    pub(super) installations: BTreeMap<String, u64>,
    /// Deliveries whose details may still be read.
    pub(super) details_left: usize,
    pub(super) result: Sweep,
}

impl<'a> SweepUnderWay<'a> {
    pub(super) fn new(handler: &'a Handler, settings: &'a Settings, mode: SweepMode, deadline: Deadline) -> Self {
        let app = AppClient::new(&handler.github, &settings.app, deadline);
        let minute = Minute::of(deadline.now);
        let (seen, installations, result) = (Vec::new(), BTreeMap::new(), Sweep::default());
        Self { handler, settings, mode, app, deadline, minute, seen, installations, details_left: DETAILS_MAX, result }
    }

    /// Reads the log, and looks into the repositories in which deliveries failed and those of the policy that are due. Both lists are begun elsewhere each time.
    pub(super) async fn finish(mut self) -> Sweep {
        let failed = self.failed().await;
        let named = self.named();
        let ends = self.handler.github.limits().delivery.saturating_sub(LOOK_TIME_MIN);
        let left = ends.saturating_sub(self.deadline.elapsed());
        // A third is kept for the policy's repositories, where there are any.
        let kept = if named.is_empty() { Duration::ZERO } else { left.checked_div(3).unwrap_or_default() };
        self.look_into_each(failed, ends.saturating_sub(kept)).await;
        self.look_into_each(named, ends).await;
        let own_calls = self.app.calls();
        self.count(own_calls);
        self.result
    }

    /// The repositories in which deliveries failed. In every other minute those far back in the log come first.
    async fn failed(&mut self) -> Vec<SweepTarget> {
        let log = FailureLog::read(&self.app, self.deadline, self.minute.log_times(), || self.has_points()).await;
        if let Some(error) = &log.error {
            self.note_problem("the failed deliveries", error);
            if matches!(error, GithubError::AppRefused { .. }) {
                // For the next sweep.
                self.handler.read_settings_again(self.deadline).await;
            }
        }
        if log.unreadable > 0 {
            let problem = format!("{} failed deliveries cannot be read or name no repository", log.unreadable);
            self.result.problems.push(problem);
        }
        if !log.is_complete {
            // Those that were not read.
            self.leave(1);
        }
        let near = self.minute.in_turn(log.near.into_values().collect(), 1);
        let far = self.minute.in_turn(log.far.into_values().collect(), 2);
        far.into_iter().chain(near).map(SweepTarget::Failed).collect()
    }

    /// The repositories that the policy names one by one and that are due.
    fn named(&self) -> Vec<SweepTarget> {
        let patterns = self.settings.policy.rules.iter().flat_map(|rule| &rule.repositories);
        let mut names: Vec<&RepositoryName> = Vec::new();
        for pattern in patterns {
            if let RepositoryPattern::One(name) = pattern
                && !names.contains(&name)
            {
                names.push(name);
            }
        }
        let names = match self.mode {
            SweepMode::Scheduled => {
                let due = self.minute.due(names, POLICY_EVERY_MINUTES.into());
                self.minute.in_turn(due, POLICY_EVERY_MINUTES.into())
            }
            SweepMode::ByHand | SweepMode::DryRun => self.minute.in_turn(names, 1),
        };
        names.into_iter().cloned().map(SweepTarget::Named).collect()
    }

    /// Looks into one repository after the other, until `ends` since the sweep began.
    async fn look_into_each(&mut self, targets: Vec<SweepTarget>, ends: Duration) {
        let mut repositories = targets.len();
        for target in targets {
            if self.has_points() && self.deadline.elapsed() < ends {
                let what = target.to_string();
                if let Err(error) = self.look_into(target, Part { ends, repositories }).await {
                    self.note_problem(&what, &error);
                }
            } else {
                self.leave(1);
            }
            repositories = repositories.saturating_sub(1);
        }
    }

    /// Points that the sweep may still spend.
    pub(super) fn points_left(&self) -> u32 {
        POINTS_MAX.saturating_sub(self.points_spent())
    }

    pub(super) fn points_spent(&self) -> u32 {
        self.handler.github.points_spent(self.deadline.now)
    }

    /// Whether GitHub's limits let the sweep start more work.
    pub(super) fn has_points(&self) -> bool {
        self.points_left() > 0 && !self.app.is_paused()
    }

    pub(super) fn count(&mut self, calls: u32) {
        self.result.calls = self.result.calls.saturating_add(calls);
    }

    pub(super) fn note_problem(&mut self, what: &str, error: &GithubError) {
        self.result.problems.push(format!("{what}: {}", with_causes(error)));
    }

    pub(super) fn leave(&mut self, count: usize) {
        self.result.left = self.result.left.saturating_add(count);
    }
}

impl std::fmt::Display for SweepTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Failed(failed) => write!(f, "repository {}", failed.repository_id),
            Self::Named(name) => write!(f, "repository {}", quoted(&name.to_string())),
        }
    }
}
