//! What this process reviewed a moment ago, so that a burst of deliveries for one run costs GitHub few calls.
//!
//! The memory belongs to one process and decides nothing: GitHub's lists lag, so a deployment that is newer than the memory is never judged by it.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use crate::model::{EnvironmentName, Request, RunId};

/// How long after a review of a run and environment another delivery for them first asks whether anything is still waiting.
const REVIEW_AGE_MAX: SignedDuration = SignedDuration::from_secs(5);
/// How many runs and environments are remembered; when there are more, all are forgotten.
const REMEMBERED_MAX: usize = 256;

/// What this process reviewed and reported a moment ago.
#[derive(Debug, Default)]
pub(crate) struct RecentReviews(Mutex<BTreeMap<ReviewedKey, Remembered>>);

/// One environment of one run.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct ReviewedKey {
    repository_id: u64,
    run: RunId,
    environment: EnvironmentName,
}

#[derive(Debug, Default)]
struct Remembered {
    reviewed_at: Option<Timestamp>,
    is_reported: bool,
}

impl RecentReviews {
    /// When a review of the run and environment was last posted, if that was in the last 5 s.
    pub(super) fn reviewed_at(&self, request: &Request, now: Timestamp) -> Option<Timestamp> {
        self.with(request, |memory| memory.reviewed_at).filter(|at| now.duration_since(*at).abs() <= REVIEW_AGE_MAX)
    }

    /// Remembers that a review was posted, whatever GitHub answered.
    pub(super) fn remember_review(&self, request: &Request, at: Timestamp) {
        self.with(request, |memory| memory.reviewed_at = Some(at));
    }

    /// Whether this process has left a status report for the run and environment.
    pub(crate) fn is_reported(&self, request: &Request) -> bool {
        self.with(request, |memory| memory.is_reported)
    }

    /// Remembers a status report.
    pub(crate) fn remember_report(&self, request: &Request) {
        self.with(request, |memory| memory.is_reported = true);
    }

    fn with<T>(&self, request: &Request, act: impl FnOnce(&mut Remembered) -> T) -> T {
        let (repository_id, environment) = (request.repository.id, request.environment.clone());
        let key = ReviewedKey { repository_id, run: request.run, environment };
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= REMEMBERED_MAX && !all.contains_key(&key) {
            all.clear();
        }
        act(all.entry(key).or_default())
    }
}
