//! Notifications: one `EventBridge` event for each decision, which users route to chat, mail or tickets.
//!
//! An event says what was done, and changes nothing of it: it is sent after the review was posted and the log's line was written, within a bound, and what goes wrong is a line
//! in the log.
//!
//! - `event`: what an event says.
//!
//! Not here: which bus (`config`), what receives the events, and the log of decisions (`telemetry`), which is complete where events may be lost.

mod event;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use aws_smithy_types::DateTime;
use jiff::{SignedDuration, Timestamp};
use tracing::{info, warn};

pub use self::event::{DETAIL_BYTES_MAX, detail};
use crate::config::{EventBus, aws_problem};
use crate::model::ApiUrl;
use crate::outcome::Report;
use crate::recovery::{FoundEnd, Sweep};

/// The events' `source`. The template's role allows no other.
const SOURCE: &str = "environment-gate";
/// Their `detail-type`.
const DETAIL_TYPE: &str = "Decision";
/// Events of one call (<https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html>).
const EVENTS_PER_CALL_MAX: usize = 10;
/// A bus that takes no events is reported once in so long by a process, however many it loses.
const REPORT_EVERY: SignedDuration = SignedDuration::from_mins(1);

/// How long events may take.
#[derive(Debug, Clone, Copy)]
pub struct SendLimits {
    /// The event of a delivery, if the delivery has so much time left.
    pub delivery: Duration,
    /// All events of a sweep.
    pub sweep: Duration,
}

impl Default for SendLimits {
    fn default() -> Self {
        Self {
            // Two attempts. GitHub waits for the answer, but no job does: the review was posted.
            delivery: Duration::from_millis(500),
            // A sweep ends within 8 s, and Lambda ends the function after 10.
            sweep: Duration::from_secs(1),
        }
    }
}

/// Sends events to one bus.
#[derive(Debug)]
pub struct Notifier {
    client: Client,
    bus: String,
    /// Scheme and host of GitHub's pages.
    web: String,
    limits: SendLimits,
    trouble: Mutex<Trouble>,
}

/// Events that were lost, for a line in the log now and then.
#[derive(Debug, Default)]
struct Trouble {
    /// Since the last line.
    lost: usize,
    reported_at: Option<Timestamp>,
}

impl Notifier {
    /// Sends to `bus` what is decided about the GitHub of `api`. Opens no connection yet.
    pub fn new(bus: EventBus, api: &ApiUrl, limits: SendLimits) -> Self {
        let client = Client::new(&bus.aws);
        Self { client, bus: bus.name, web: api.web(), limits, trouble: Mutex::default() }
    }

    /// Sends the event of a delivery, if it led to a decision.
    pub async fn notify(&self, report: &Report, now: Timestamp) {
        let details = detail(report, &self.web).into_iter().collect();
        self.send(details, self.limits.delivery.min(report.time_left), now).await;
    }

    /// Sends an event for each decision of a sweep.
    pub async fn notify_sweep(&self, sweep: &Sweep, now: Timestamp) {
        let settled = sweep.found.iter().filter_map(|found| match &found.end {
            FoundEnd::Settled(report) => detail(report, &self.web),
            FoundEnd::WouldBe(..) => None,
        });
        self.send(settled.collect(), self.limits.sweep, now).await;
    }

    /// Sends events within `time_max`. What is not sent by then is lost.
    async fn send(&self, details: Vec<String>, time_max: Duration, now: Timestamp) {
        if details.is_empty() {
            return;
        }
        let mut sent = 0_usize;
        let sending = Box::pin(self.put_all(&details, now, &mut sent));
        let problem = match tokio::time::timeout(time_max, sending).await {
            Ok(Ok(())) => return self.report_end_of_trouble(),
            Ok(Err(problem)) => problem,
            Err(_) => format!("no answer from AWS within {} ms", time_max.as_millis()),
        };
        self.report_trouble(details.len().saturating_sub(sent), &problem, now);
    }

    /// Sends all events, in calls of ten, and counts those that the bus took. The first call that fails is the last.
    async fn put_all(&self, details: &[String], now: Timestamp, sent: &mut usize) -> Result<(), String> {
        for details in details.chunks(EVENTS_PER_CALL_MAX) {
            let entries = details.iter().map(|detail| self.entry(detail, now)).collect();
            let put = self.client.put_events().set_entries(Some(entries)).send().await;
            let put = put.map_err(|error| aws_problem(&error))?;
            let mut refused = put.entries().iter().filter(|entry| entry.error_code().is_some());
            let first = refused.next();
            let count = refused.count().saturating_add(usize::from(first.is_some()));
            *sent = sent.saturating_add(details.len().saturating_sub(count));
            if let Some(entry) = first {
                let (code, message) = (entry.error_code().unwrap_or_default(), entry.error_message());
                return Err(format!("AWS says {code}: {}", message.unwrap_or_default()));
            }
        }
        Ok(())
    }

    fn entry(&self, detail: &str, now: Timestamp) -> PutEventsRequestEntry {
        PutEventsRequestEntry::builder()
            .event_bus_name(&self.bus)
            .source(SOURCE)
            .detail_type(DETAIL_TYPE)
            .time(DateTime::from_secs(now.as_second()))
            .detail(detail)
            .build()
    }

    fn report_trouble(&self, lost: usize, problem: &str, now: Timestamp) {
        if let Some(events_lost) = self.with_trouble(|trouble| trouble.add(lost, now)) {
            let reason = format!("`EVENT_BUS_NAME` (event bus `{}`): {problem}", self.bus);
            warn!(target: "environment_gate::events", reason, events_lost, "events not sent");
        }
    }

    fn report_end_of_trouble(&self) {
        let events_lost = self.with_trouble(|trouble| std::mem::take(&mut trouble.lost));
        if events_lost > 0 {
            info!(target: "environment_gate::events", events_lost, "events are sent again");
        }
    }

    fn with_trouble<T>(&self, act: impl FnOnce(&mut Trouble) -> T) -> T {
        act(&mut self.trouble.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Trouble {
    /// Counts lost events. How many to report, if it is time for another line.
    fn add(&mut self, lost: usize, now: Timestamp) -> Option<usize> {
        self.lost = self.lost.saturating_add(lost);
        if self.reported_at.is_some_and(|reported_at| now.duration_since(reported_at) < REPORT_EVERY) {
            return None;
        }
        self.reported_at = Some(now);
        Some(std::mem::take(&mut self.lost))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_767_608_100_i64.saturating_add(second)).unwrap()
    }

    #[test]
    fn lost_events_are_reported_at_once_and_then_once_a_minute_with_their_number() {
        let mut trouble = Trouble::default();
        assert_eq!(trouble.add(1, at(0)), Some(1));
        assert_eq!((trouble.add(2, at(10)), trouble.add(3, at(59))), (None, None));
        assert_eq!(trouble.add(4, at(60)), Some(9));
    }
}
