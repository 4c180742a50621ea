//! What the App does with its own token: it finds its installations and the deliveries of its webhook that failed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use http::StatusCode;
use http::header::LINK;
use jiff::SignedDuration;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::answer::Answer;
use super::call::Call;
use super::client::Caller;
use super::rate_limit::RateLimitOwner;
use super::wire::{HookDeliveryWire, InstallationWire};
use super::{App, GithubClient, GithubError};
use crate::model::RepositoryName;
use crate::time::Deadline;

const DELIVERIES: &str = "GET /app/hook/deliveries";
const INSTALLATION: &str = "GET /repos/{owner}/{repo}/installation";

/// How long GitHub keeps deliveries.
const KEPT: SignedDuration = SignedDuration::from_hours(72);
/// Deliveries on a page; GitHub's maximum.
const PER_PAGE: usize = 100;
/// Pages that are read in one sweep, the newest deliveries first.
const PAGES_MAX: usize = 5;
/// Characters of GitHub's cursor to the next page.
const CURSOR_CHARS_MAX: usize = 200;

/// A client for the App, until a deadline. Clones share one count of calls.
#[derive(Debug, Clone)]
pub struct AppClient<'a> {
    pub(super) client: &'a GithubClient,
    app: &'a App,
    pub(super) deadline: Deadline,
    pub(super) calls: Arc<AtomicU32>,
}

impl<'a> AppClient<'a> {
    /// Calls as `app`, until `deadline`. Nothing is called yet.
    pub fn new(client: &'a GithubClient, app: &'a App, deadline: Deadline) -> Self {
        Self { client, app, deadline, calls: Arc::default() }
    }

    /// How many calls to GitHub were made so far, with installation tokens and repeated ones included.
    pub fn calls(&self) -> u32 {
        self.calls.load(Ordering::Relaxed)
    }

    /// The repositories in which a delivery of ours failed in the last three days, by id, each with the installation of its newest failed delivery.
    ///
    /// # Errors
    /// Any page that cannot be read.
    pub async fn repositories_with_failed_deliveries(&self) -> Result<BTreeMap<u64, u64>, GithubError> {
        let mut found = BTreeMap::new();
        let mut cursor = None;
        for _ in 0..PAGES_MAX {
            let page = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
            let path = format!("/app/hook/deliveries?status=failure&per_page={PER_PAGE}{page}");
            let answer = self.send(&Call::get(DELIVERIES, path)).await?;
            let (deliveries, next) = deliveries_page(&answer)?;
            let is_kept = |delivery: &HookDeliveryWire| self.deadline.now.duration_since(delivery.delivered_at) <= KEPT;
            let all_kept = deliveries.iter().all(is_kept);
            for delivery in deliveries.into_iter().filter(is_kept).filter(HookDeliveryWire::is_failed_request) {
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

    /// A page of the App's deliveries, failed or not, the newest first, and the cursor to the next page.
    ///
    /// # Errors
    /// No answer, or one that is not a success.
    pub async fn deliveries(
        &self,
        cursor: Option<&str>,
    ) -> Result<(Vec<HookDeliveryWire>, Option<String>), GithubError> {
        let page = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        let path = format!("/app/hook/deliveries?per_page={PER_PAGE}{page}");
        deliveries_page(&self.send(&Call::get(DELIVERIES, path)).await?)
    }

    /// The App's installation on a repository; `None` where it is not installed.
    ///
    /// # Errors
    /// No answer, or one that is neither a success nor a 404.
    pub async fn installation(&self, repository: &RepositoryName) -> Result<Option<InstallationWire>, GithubError> {
        self.find(INSTALLATION, format!("/repos/{repository}/installation")).await
    }

    /// Reads something as the App.
    ///
    /// # Errors
    /// No answer, or one that is not a success.
    pub async fn get<T: DeserializeOwned>(&self, route: &'static str, path: String) -> Result<T, GithubError> {
        self.send(&Call::get(route, path)).await?.json()
    }

    /// Reads something as the App; `None` for a 404.
    ///
    /// # Errors
    /// No answer, or one that is neither a success nor a 404.
    pub async fn find<T: DeserializeOwned>(&self, route: &'static str, path: String) -> Result<Option<T>, GithubError> {
        let answer = self.send(&Call::get(route, path)).await?;
        if answer.status == StatusCode::NOT_FOUND { Ok(None) } else { answer.json().map(Some) }
    }

    /// Changes a setting of the App itself.
    ///
    /// # Errors
    /// No answer, or one that is not a success.
    pub async fn patch(&self, route: &'static str, path: String, body: &impl Serialize) -> Result<(), GithubError> {
        let body = serde_json::to_vec(body).map_err(|error| GithubError::NotSent { route, source: error.into() })?;
        let answer = self.send(&Call::patch(route, path, body)).await?;
        if answer.status.is_success() { Ok(()) } else { Err(answer.error()) }
    }

    /// Makes a call with the App's own token.
    pub(super) async fn send(&self, call: &Call) -> Result<Answer, GithubError> {
        let route = call.route;
        let authorization = self.app.authorization(self.deadline.now).ok_or(GithubError::CannotSign { route })?;
        let caller = Caller {
            owner: RateLimitOwner::App,
            authorization: Some(&authorization),
            deadline: self.deadline,
            calls: &self.calls,
        };
        let answer = self.client.send(call, &caller).await?;
        if answer.status == StatusCode::UNAUTHORIZED {
            return Err(GithubError::AppRefused { route, message: answer.message() });
        }
        Ok(answer)
    }
}

/// A page of deliveries, and the cursor to the next one.
pub(super) fn deliveries_page(answer: &Answer) -> Result<(Vec<HookDeliveryWire>, Option<String>), GithubError> {
    Ok((answer.json()?, next_cursor(answer)))
}

/// The cursor of the link whose `rel` is `next` (RFC 8288). Only its cursor is used: we build the URL ourselves.
fn next_cursor(answer: &Answer) -> Option<String> {
    let links = answer.headers.get(LINK)?.to_str().ok()?;
    let next = links.split(',').find(|link| link.contains("rel=\"next\""))?;
    let (_, cursor) = next.split_once("cursor=")?;
    let cursor: String =
        cursor.chars().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '%')).collect();
    (1..=CURSOR_CHARS_MAX).contains(&cursor.len()).then_some(cursor)
}
