//! How many calls GitHub still allows this process, by GitHub's own headers and by our count
//! (<https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api>).
//!
//! Memory of one process. Not here: what is done about it (`client.rs` stops calling, a sweep ends early).

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::answer::Answer;

/// GitHub counts points by the minute: a read is one, a write five.
const MINUTE: SignedDuration = SignedDuration::from_secs(60);
/// How many owners are remembered; when there are more, all are forgotten, and GitHub tells us again.
const OWNERS_MAX: usize = 256;
/// The last tenth of an hour's calls is kept for deliveries.
const SCARCE_PARTS: u64 = 10;

/// Whose limit it is: GitHub counts the calls of each installation separately, and those of the App.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum RateLimitOwner {
    /// The App with its own token.
    App,
    /// One of its installations.
    Installation(u64),
    /// A person, with a token of their own.
    Person,
}

/// What is left.
#[derive(Debug, Default)]
pub(super) struct RateLimits(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// Points of the last minute, by the second.
    spent: BTreeMap<i64, u32>,
    owners: HashMap<RateLimitOwner, OwnerLimits>,
}

#[derive(Debug, Clone, Copy, Default)]
struct OwnerLimits {
    /// GitHub asked for a pause until then.
    paused_until: Option<Timestamp>,
    /// Few of the hour's calls are left until then.
    scarce_until: Option<Timestamp>,
    /// How many more calls can be made.
    left: Option<CallsLeft>,
}

/// The calls of an hour that are left, until GitHub gives new ones.
#[derive(Debug, Clone, Copy)]
struct CallsLeft {
    all: u64,
    /// Those before they become scarce.
    spare: u64,
    until: Timestamp,
}

impl RateLimits {
    /// Counts a call that is made now.
    pub(super) fn spend(&self, points: u32, now: Timestamp) {
        self.with(|known| {
            let spent = known.spent.entry(now.as_second()).or_default();
            *spent = spent.saturating_add(points);
            let old = now.as_second().saturating_sub(MINUTE.as_secs());
            known.spent.retain(|second, _| *second > old);
        });
    }

    /// Points that this process spent in the minute before `now`.
    pub(super) fn points_spent(&self, now: Timestamp) -> u32 {
        let old = now.as_second().saturating_sub(MINUTE.as_secs());
        self.with(|known| {
            known.spent.range(old.saturating_add(1)..).fold(0, |sum: u32, (_, spent)| sum.saturating_add(*spent))
        })
    }

    /// Notes what an answer says of the hour's limit.
    pub(super) fn note(&self, owner: RateLimitOwner, answer: &Answer) {
        if let (Some(limit), Some(remaining)) =
            (answer.number("x-ratelimit-limit"), answer.number("x-ratelimit-remaining"))
        {
            let scarce = remaining.saturating_mul(SCARCE_PARTS) < limit;
            let spare = remaining.saturating_sub(limit.div_ceil(SCARCE_PARTS));
            let reset = answer.reset();
            self.change(owner, |limits| {
                limits.scarce_until = reset.filter(|_| scarce);
                limits.left = reset.map(|until| CallsLeft { all: remaining, spare, until });
            });
        }
    }

    /// Notes that GitHub asked for a pause.
    pub(super) fn pause(&self, owner: RateLimitOwner, until: Timestamp) {
        self.change(owner, |limits| limits.paused_until = limits.paused_until.max(Some(until)));
    }

    /// Until when GitHub asked for a pause, if that is not over.
    pub(super) fn paused_until(&self, owner: RateLimitOwner, now: Timestamp) -> Option<Timestamp> {
        self.limits_of(owner).paused_until.filter(|until| *until > now)
    }

    /// Whether GitHub asked for a pause, or so little is left of the hour's calls that it should be kept for deliveries.
    pub(super) fn is_scarce(&self, owner: RateLimitOwner, now: Timestamp) -> bool {
        let limits = self.limits_of(owner);
        limits.scarce_until.max(limits.paused_until).is_some_and(|until| until > now)
    }

    /// How many calls are left in this hour before they become scarce; `None` where GitHub has not said so.
    pub(super) fn spare_calls(&self, owner: RateLimitOwner, now: Timestamp) -> Option<u64> {
        self.left(owner, now).map(|left| left.spare)
    }

    /// How many calls are left in this hour; `None` where GitHub has not said so.
    pub(super) fn calls_left(&self, owner: RateLimitOwner, now: Timestamp) -> Option<u64> {
        self.left(owner, now).map(|left| left.all)
    }

    fn left(&self, owner: RateLimitOwner, now: Timestamp) -> Option<CallsLeft> {
        self.limits_of(owner).left.filter(|left| left.until > now)
    }

    fn limits_of(&self, owner: RateLimitOwner) -> OwnerLimits {
        self.with(|known| known.owners.get(&owner).copied().unwrap_or_default())
    }

    fn change(&self, owner: RateLimitOwner, change: impl FnOnce(&mut OwnerLimits)) {
        self.with(|known| {
            if known.owners.len() >= OWNERS_MAX && !known.owners.contains_key(&owner) {
                known.owners.clear();
            }
            change(known.owners.entry(owner).or_default());
        });
    }

    fn with<T>(&self, act: impl FnOnce(&mut Known) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
