//! How much GitHub still lets this process ask, by GitHub's own words and by our count
//! (<https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api>).
//!
//! Memory of one process. Not here: what is done about it (`client.rs` leaves GitHub alone, a sweep ends early).

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::answer::Answer;

/// GitHub counts points by the minute: a read is one, a write five.
const MINUTE: SignedDuration = SignedDuration::from_secs(60);
/// Askers that are remembered; then all are forgotten, and GitHub says it again.
const ASKERS_MAX: usize = 256;
/// A tenth of what GitHub gives in an hour is left to deliveries.
const SCARCE_PARTS: u64 = 10;

/// Whose limit it is: GitHub counts the calls of each installation for itself, and those of the App.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Asker {
    /// The App with its own token.
    App,
    /// One of its installations.
    Installation(u64),
    /// A person, with a token of their own.
    Person,
}

/// What is left.
#[derive(Debug, Default)]
pub(super) struct Budget(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Points of the last minute, by the second.
    spent: BTreeMap<i64, u32>,
    askers: HashMap<Asker, Left>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Left {
    /// GitHub wants to be left alone until then.
    alone_until: Option<Timestamp>,
    /// Until then little is left.
    scarce_until: Option<Timestamp>,
}

impl Budget {
    /// Counts a call that is made now.
    pub(super) fn spend(&self, points: u32, now: Timestamp) {
        self.with(|state| {
            let spent = state.spent.entry(now.as_second()).or_default();
            *spent = spent.saturating_add(points);
            let old = now.as_second().saturating_sub(MINUTE.as_secs());
            state.spent.retain(|second, _| *second > old);
        });
    }

    /// Points that this process spent in the minute before `now`.
    pub(super) fn spent(&self, now: Timestamp) -> u32 {
        let old = now.as_second().saturating_sub(MINUTE.as_secs());
        self.with(|state| {
            state.spent.range(old.saturating_add(1)..).fold(0, |sum: u32, (_, spent)| sum.saturating_add(*spent))
        })
    }

    /// Takes note of what an answer says of the hour's limit.
    pub(super) fn note(&self, asker: Asker, answer: &Answer) {
        if let (Some(limit), Some(remaining)) =
            (answer.number("x-ratelimit-limit"), answer.number("x-ratelimit-remaining"))
        {
            let scarce = remaining.saturating_mul(SCARCE_PARTS) < limit;
            self.change(asker, |left| left.scarce_until = answer.reset().filter(|_| scarce));
        }
    }

    /// Takes note that GitHub wants to be left alone.
    pub(super) fn leave_alone(&self, asker: Asker, until: Timestamp) {
        self.change(asker, |left| left.alone_until = left.alone_until.max(Some(until)));
    }

    /// Until when GitHub wants to be left alone, if it still does.
    pub(super) fn alone_until(&self, asker: Asker, now: Timestamp) -> Option<Timestamp> {
        self.left(asker).alone_until.filter(|until| *until > now)
    }

    /// Is so little left of the hour's calls that it should be kept for deliveries?
    pub(super) fn is_scarce(&self, asker: Asker, now: Timestamp) -> bool {
        self.left(asker).scarce_until.is_some_and(|until| until > now)
    }

    fn left(&self, asker: Asker) -> Left {
        self.with(|state| state.askers.get(&asker).copied().unwrap_or_default())
    }

    fn change(&self, asker: Asker, change: impl FnOnce(&mut Left)) {
        self.with(|state| {
            if state.askers.len() >= ASKERS_MAX && !state.askers.contains_key(&asker) {
                state.askers.clear();
            }
            change(state.askers.entry(asker).or_default());
        });
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
