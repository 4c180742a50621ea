//! What this process did a moment ago, so that a burst of deliveries for one run costs GitHub few calls.
//!
//! Memory of one process and no state: without it everything is decided just the same, with more calls. Not here: any decision.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use crate::model::{EnvironmentName, Request, RunId};

/// So long after a review of a run and environment another delivery for them first asks whether anything still waits.
const REVIEW_AGE_MAX: SignedDuration = SignedDuration::from_secs(5);
/// Runs and environments that are remembered; then all are forgotten.
const SEEN_MAX: usize = 256;

/// The repository's id, the run, and the environment.
type Key = (u64, RunId, EnvironmentName);

/// What this process remembers.
#[derive(Debug, Default)]
pub(crate) struct Recent(Mutex<BTreeMap<Key, Seen>>);

#[derive(Debug, Default)]
struct Seen {
    reviewed_at: Option<Timestamp>,
    reported: bool,
}

impl Recent {
    /// A review was posted, or found to be needless.
    pub(crate) fn reviewed(&self, request: &Request, now: Timestamp) {
        self.with(request, |seen| seen.reviewed_at = Some(now));
    }

    /// When one was posted, if that was in the last 5 s.
    pub(crate) fn reviewed_at(&self, request: &Request, now: Timestamp) -> Option<Timestamp> {
        self.with(request, |seen| seen.reviewed_at).filter(|at| now.duration_since(*at).abs() <= REVIEW_AGE_MAX)
    }

    /// Is this the first status report that this process makes of the run and environment?
    pub(crate) fn may_report(&self, request: &Request) -> bool {
        self.with(request, |seen| !std::mem::replace(&mut seen.reported, true))
    }

    fn with<T>(&self, request: &Request, act: impl FnOnce(&mut Seen) -> T) -> T {
        let key = (request.repository.id, request.run, request.environment.clone());
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= SEEN_MAX && !all.contains_key(&key) {
            all.clear();
        }
        act(all.entry(key).or_default())
    }
}
