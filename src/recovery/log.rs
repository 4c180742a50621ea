//! The log of the App's failed deliveries, as far back as a sweep reads it.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::github::{AppClient, FailedDelivery, GithubError};
use crate::time::Deadline;

/// Pages of the log that one sweep reads: 10,000 failed deliveries, if there is time for them.
const PAGES_MAX: usize = 100;
/// A page that was begun may take so long beyond the time for reading.
const PAGE_TIME_MAX: Duration = Duration::from_millis(500);

/// A repository in which deliveries failed.
#[derive(Debug)]
pub(super) struct FailedRepository {
    pub(super) repository_id: u64,
    /// Of its newest failed delivery.
    pub(super) installation_id: u64,
    /// The newest first.
    pub(super) deliveries: Vec<FailedDelivery>,
}

/// What was read of the log. It is read in order, because GitHub's cursors lead only from one page to the next.
#[derive(Debug, Default)]
pub(super) struct FailureLog {
    /// Repositories whose newest failed delivery is near the log's beginning: every sweep gets there.
    pub(super) near: BTreeMap<u64, FailedRepository>,
    /// The others.
    pub(super) far: BTreeMap<u64, FailedRepository>,
    /// Why it was not read any further, if something went wrong.
    pub(super) error: Option<GithubError>,
    /// How many deliveries could not be read.
    pub(super) unreadable: usize,
    /// Whether it was read to the end of the three days.
    pub(super) is_complete: bool,
}

impl FailureLog {
    /// Reads the log, the newest deliveries first, while `may_read_on` and for as long as `(near, far)` say since the sweep began.
    pub(super) async fn read(
        app: &AppClient<'_>,
        deadline: Deadline,
        (near, far): (Duration, Duration),
        may_read_on: impl Fn() -> bool,
    ) -> Self {
        let app = app.until(deadline.at_most(far.saturating_add(PAGE_TIME_MAX)));
        let (mut log, mut cursor) = (Self::default(), None);
        for _ in 0..PAGES_MAX {
            let is_near = deadline.elapsed() < near;
            let page = match app.failed_deliveries(cursor.as_deref()).await {
                Ok(page) => page,
                Err(error) => {
                    log.error = Some(error);
                    break;
                }
            };
            log.unreadable = log.unreadable.saturating_add(page.unreadable);
            for delivery in page.deliveries {
                log.add(delivery, is_near);
            }
            log.is_complete = page.next.is_none();
            cursor = page.next;
            if cursor.is_none() || deadline.elapsed() >= far || !may_read_on() {
                break;
            }
        }
        log
    }

    fn add(&mut self, delivery: FailedDelivery, is_near: bool) {
        let FailedDelivery { repository_id, installation_id, .. } = delivery;
        let repositories =
            if is_near || self.near.contains_key(&repository_id) { &mut self.near } else { &mut self.far };
        let new = || FailedRepository { repository_id, installation_id, deliveries: Vec::new() };
        repositories.entry(repository_id).or_insert_with(new).deliveries.push(delivery);
    }
}
