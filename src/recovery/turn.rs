//! Where a sweep begins, and how long it lasts. Derived from the minute alone: nothing is remembered.

use std::time::Duration;

use jiff::Timestamp;

/// Time that must be left for a sweep to look into another repository: a look and a decision take some calls.
pub(super) const LOOK_TIME_MIN: Duration = Duration::from_secs(2);
/// Time that must be left for it to decide another request, in a repository that it looks into already.
pub(super) const DECISION_TIME_MIN: Duration = Duration::from_secs(1);
/// How long a sweep reads the log of failed deliveries.
const LOG_TIME_MAX: Duration = Duration::from_secs(3);
/// The same in every other minute, if there is more of it: then those far back come first.
const FAR_LOG_TIME_MAX: Duration = Duration::from_millis(5500);
/// 2^64 divided by the golden ratio.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// A part of a sweep, and the number of repositories that share it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    /// Since the sweep began.
    pub(super) ends: Duration,
    pub(super) repositories: usize,
}

/// What one repository may have of a sweep.
#[derive(Debug, Clone, Copy)]
pub(super) struct Share {
    /// Since the sweep began.
    pub(super) ends: Duration,
    /// Points that this process has spent then.
    pub(super) points: u32,
}

impl Part {
    /// An equal share for each repository. What one leaves, the others have.
    pub(super) fn share(self, elapsed: Duration, points_spent: u32, points_left: u32) -> Share {
        let count = u32::try_from(self.repositories).unwrap_or(u32::MAX).max(1);
        let time = self.ends.saturating_sub(elapsed).checked_div(count).unwrap_or_default();
        let points = points_left.checked_div(count).unwrap_or_default();
        Share { ends: elapsed.saturating_add(time), points: points_spent.saturating_add(points) }
    }
}

/// The minute in which a sweep begins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Minute(u64);

impl Minute {
    pub(super) fn of(now: Timestamp) -> Self {
        Self(u64::try_from(now.as_second().div_euclid(60)).unwrap_or_default())
    }

    /// Whether the sweep of this minute reads far back in the log. Every other one does.
    pub(super) fn reads_far(self) -> bool {
        self.0.checked_rem(2) == Some(1)
    }

    /// How long this minute's sweep reads near and, if there is more, far back in the log.
    pub(super) fn log_times(self) -> (Duration, Duration) {
        (LOG_TIME_MAX, if self.reads_far() { FAR_LOG_TIME_MAX } else { LOG_TIME_MAX })
    }

    /// The items that are due in this minute, if each is due once in so many.
    pub(super) fn due<T>(self, all: Vec<T>, every_minutes: usize) -> Vec<T> {
        let turn = usize::try_from(self.0).unwrap_or_default().checked_rem(every_minutes);
        all.into_iter().skip(turn.unwrap_or_default()).step_by(every_minutes.max(1)).collect()
    }

    /// The list, begun elsewhere once in so many minutes.
    ///
    /// Multiples of the golden ratio are spread evenly: however few items fit into a turn, each is reached within twice the turns that are needed at least.
    pub(super) fn in_turn<T>(self, mut all: Vec<T>, every_minutes: u64) -> Vec<T> {
        let turn = self.0.checked_div(every_minutes).unwrap_or_default();
        let length = u128::try_from(all.len()).unwrap_or_default();
        let first = u128::from(turn.wrapping_mul(GOLDEN)).saturating_mul(length) >> 64;
        all.rotate_left(usize::try_from(first).unwrap_or_default());
        all
    }

    /// The list as it is in every other minute, and begun elsewhere in the others: the first come first, and yet do not keep the others waiting for ever.
    pub(super) fn mostly_first<T>(self, all: Vec<T>) -> Vec<T> {
        if self.reads_far() { self.in_turn(all, 2) } else { all }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const NOW: u64 = 29_461_217;

    /// Turns from `begin` on until each of `length` items was among the first `fit`; `most` at most.
    fn turns(begin: u64, (length, fit): (usize, usize), most: usize) -> Option<usize> {
        let mut reached = BTreeSet::new();
        (begin..).take(most).position(|turn| {
            let list = Minute(turn).in_turn((0..length).collect(), 1);
            reached.extend(list.into_iter().take(fit));
            reached.len() == length
        })
    }

    #[test]
    fn each_item_is_reached_within_twice_the_turns_that_are_needed_at_least() {
        for length in [1_usize, 2, 3, 5, 12, 40, 41, 100, 600] {
            for fit in [1, 2, 3, 7, 13] {
                for begin in NOW..NOW + 5 {
                    let turns = turns(begin, (length, fit), 2 * length.div_ceil(fit));
                    assert!(turns.is_some(), "{length} items, {fit} fit, from {begin}");
                }
            }
        }
    }

    #[test]
    fn the_first_come_first_in_every_other_minute() {
        let first = |minute| Minute(NOW + 1 + minute).mostly_first((0..40).collect::<Vec<_>>()).into_iter().next();
        assert_eq!((first(0), first(2)), (Some(0), Some(0)));
        assert!(first(1) > Some(0) && first(3) > Some(0) && first(1) != first(3));
    }

    #[test]
    fn everything_is_due_once_in_a_quarter_of_an_hour() {
        let due: Vec<usize> = (NOW..NOW + 15).flat_map(|minute| Minute(minute).due((0..601).collect(), 15)).collect();
        assert_eq!((due.len(), BTreeSet::from_iter(due).len()), (601, 601));
    }

    #[test]
    fn an_equal_share_is_left_for_each() {
        let part = Part { ends: Duration::from_secs(6), repositories: 4 };
        let share = part.share(Duration::from_secs(2), 100, 400);
        assert_eq!((share.ends, share.points), (Duration::from_secs(3), 200));
        let last = Part { repositories: 1, ..part }.share(Duration::from_secs(5), 480, 20);
        assert_eq!((last.ends, last.points), (Duration::from_secs(6), 500));
    }
}
