//! What the App itself is told: the deliveries of its webhook that failed, and where it is installed.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

use http::StatusCode;
use http::header::LINK;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use tokio::time::Instant;

use super::answer::Answer;
use super::budget::Asker;
use super::client::{Call, Caller};
use super::{App, Client, GithubError};
use crate::model::RepositoryName;

pub(super) const DELIVERIES: &str = "GET /app/hook/deliveries";
pub(super) const INSTALLATION: &str = "GET /repos/{owner}/{repo}/installation";

/// GitHub keeps deliveries for so long.
const KEPT: SignedDuration = SignedDuration::from_hours(72);
/// Deliveries on a page; GitHub's maximum.
const PER_PAGE: usize = 100;
/// Pages that are read in one sweep, the newest deliveries first.
const PAGES_MAX: usize = 5;
/// Characters of GitHub's cursor to the next page.
const CURSOR_CHARS_MAX: usize = 200;

/// Reads as the App, without an installation.
#[derive(Debug)]
pub struct Lost<'a> {
    client: &'a Client,
    app: &'a App,
    now: Timestamp,
    deadline: Instant,
    calls: AtomicU32,
}

/// <https://docs.github.com/rest/apps/webhooks#list-deliveries-for-an-app-webhook>
#[derive(Deserialize)]
pub(super) struct DeliveryWire {
    delivered_at: Timestamp,
    status_code: u16,
    event: String,
    action: Option<String>,
    installation_id: Option<u64>,
    repository_id: Option<u64>,
}

#[derive(Deserialize)]
struct InstallationWire {
    id: u64,
}

impl<'a> Lost<'a> {
    /// Reads as `app`, until `deadline`.
    pub fn new((client, app): (&'a Client, &'a App), now: Timestamp, deadline: Instant) -> Self {
        Self { client, app, now, deadline, calls: AtomicU32::new(0) }
    }

    /// The repositories of which a delivery of ours failed in the last three days, by id, each with the installation of its newest one.
    pub async fn repositories(&self) -> Result<BTreeMap<u64, u64>, GithubError> {
        let mut found = BTreeMap::new();
        let mut cursor = None;
        for _ in 0..PAGES_MAX {
            let page = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
            let path = format!("/app/hook/deliveries?status=failure&per_page={PER_PAGE}{page}");
            let answer = self.send(DELIVERIES, path).await?;
            let (deliveries, next) = deliveries_of(&answer)?;
            let is_kept = |delivery: &DeliveryWire| self.now.duration_since(delivery.delivered_at) <= KEPT;
            let all_kept = deliveries.iter().all(is_kept);
            for delivery in deliveries.into_iter().filter(is_kept).filter(is_ours) {
                if let (Some(repository), Some(installation)) = (delivery.repository_id, delivery.installation_id) {
                    found.entry(repository).or_insert(installation);
                }
            }
            cursor = next.filter(|_| all_kept);
            if cursor.is_none() {
                break;
            }
        }
        Ok(found)
    }

    /// The App's installation on a repository; `None` where it is not installed.
    pub async fn installation(&self, repository: &RepositoryName) -> Result<Option<u64>, GithubError> {
        let answer = self.send(INSTALLATION, format!("/repos/{repository}/installation")).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        installation_of(&answer).map(Some)
    }

    /// How many calls to GitHub were made so far, tries included.
    pub fn calls(&self) -> u32 {
        self.calls.load(Ordering::Relaxed)
    }

    pub(super) async fn send(&self, route: &'static str, path: String) -> Result<Answer, GithubError> {
        self.call(&Call::get(route, path)).await
    }

    /// Makes a call with the App's own token.
    pub(super) async fn call(&self, call: &Call) -> Result<Answer, GithubError> {
        let route = call.route;
        let refused = |message| GithubError::AppRefused { route, message };
        let unsigned = || refused("nothing, the key cannot sign".to_owned());
        let authorization = self.app.authorization(self.now).ok_or_else(unsigned)?;
        let (now, deadline, calls) = (self.now, self.deadline, &self.calls);
        let caller = Caller { asker: Asker::App, authorization: Some(&authorization), now, deadline, calls };
        let answer = self.client.send(call, &caller).await?;
        if answer.status == StatusCode::UNAUTHORIZED {
            return Err(refused(answer.message()));
        }
        Ok(answer)
    }
}

/// A page of deliveries, and the cursor to the next one.
pub(super) fn deliveries_of(answer: &Answer) -> Result<(Vec<DeliveryWire>, Option<String>), GithubError> {
    Ok((answer.json()?, next_cursor(answer)))
}

/// The id of an installation.
pub(super) fn installation_of(answer: &Answer) -> Result<u64, GithubError> {
    let InstallationWire { id } = answer.json()?;
    Ok(id)
}

/// Is it one of ours that failed? A server that does not know `status` lists all.
fn is_ours(delivery: &DeliveryWire) -> bool {
    !(200..300).contains(&delivery.status_code)
        && delivery.event == "deployment_protection_rule"
        && delivery.action.as_deref() == Some("requested")
}

/// The cursor of the link whose `rel` is `next` (RFC 8288). Only its cursor is taken: where the next page is, we know.
fn next_cursor(answer: &Answer) -> Option<String> {
    let links = answer.headers.get(LINK)?.to_str().ok()?;
    let next = links.split(',').find(|link| link.contains("rel=\"next\""))?;
    let (_, cursor) = next.split_once("cursor=")?;
    let cursor: String =
        cursor.chars().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '%')).collect();
    (1..=CURSOR_CHARS_MAX).contains(&cursor.len()).then_some(cursor)
}
