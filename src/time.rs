//! The clock, and the one deadline of an invocation. The only file that reads a clock.
#![expect(clippy::disallowed_methods, reason = "time enters here, and is an argument everywhere else")]

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// Tells the current time. Passed in, so that a story can be played at its own time.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self(Arc::new(Timestamp::now))
    }

    /// A clock that shows what `now` returns.
    pub fn showing(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The present.
    pub fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// When some work began, and until when it must be done. Every request and retry of one invocation shares one.
#[derive(Debug, Clone, Copy)]
pub struct Deadline {
    /// When the work began, by the clock that was passed in.
    pub now: Timestamp,
    began: Instant,
    /// When it must be done.
    pub ends: Instant,
}

impl Deadline {
    /// Work that begins now and may take `time_max`.
    pub fn begin(clock: &Clock, time_max: Duration) -> Self {
        let began = Instant::now();
        Self { now: clock.now(), began, ends: began.checked_add(time_max).unwrap_or(began) }
    }

    /// The same work, which must be done after `time_max` if that is earlier.
    #[must_use]
    pub fn at_most(self, time_max: Duration) -> Self {
        let ends = self.began.checked_add(time_max).unwrap_or(self.began);
        Self { ends: self.ends.min(ends), ..self }
    }

    /// The present, by the clock that was passed in when the work began.
    pub fn present(self) -> Timestamp {
        let elapsed = SignedDuration::try_from(self.elapsed()).unwrap_or_default();
        self.now.checked_add(elapsed).unwrap_or(self.now)
    }

    /// How long the work has taken so far.
    pub fn elapsed(self) -> Duration {
        self.began.elapsed()
    }

    /// How much time is left.
    pub fn time_left(self) -> Duration {
        self.ends.saturating_duration_since(Instant::now())
    }
}
