//! What this process did a moment ago, so that a burst of deliveries for one run costs GitHub few calls.
//!
//! Memory of one process and no state. GitHub's lists lag, so what is newer than the memory must not rest on it. Not here: any decision.

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
    asked_at: Option<Timestamp>,
    reported: bool,
}

impl Recent {
    /// GitHub was asked to take a review, and answered, or did not.
    pub(crate) fn reviewed(&self, request: &Request, asked_at: Timestamp) {
        self.with(request, |seen| seen.asked_at = Some(asked_at));
    }

    /// When GitHub was asked, if that was in the last 5 s.
    pub(crate) fn reviewed_at(&self, request: &Request, now: Timestamp) -> Option<Timestamp> {
        self.with(request, |seen| seen.asked_at).filter(|at| now.duration_since(*at).abs() <= REVIEW_AGE_MAX)
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
