//! What the App does with its own token: it finds its installations and the deliveries of its webhook that failed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use http::StatusCode;
use http::header::{HeaderValue, LINK};
use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::answer::Answer;
use super::call::Call;
use super::client::Caller;
use super::error::{Remedy, SigningError};
use super::rate_limit::RateLimitOwner;
use super::wire::{HookDeliveryWire, InstallationWire, ListedWire};
use super::{App, GithubClient, GithubError};
use crate::model::{RepositoryName, RunId, quoted};
use crate::time::Deadline;

const DELIVERIES: &str = "GET /app/hook/deliveries";
const DELIVERY: &str = "GET /app/hook/deliveries/{delivery_id}";
const INSTALLATION: &str = "GET /repos/{owner}/{repo}/installation";

/// How long GitHub keeps deliveries.
const KEPT: SignedDuration = SignedDuration::from_hours(72);
/// Deliveries on a page; GitHub's maximum.
const PER_PAGE: usize = 100;
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

/// A delivery of ours that failed. GitHub's list does not say which run it was about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailedDelivery {
    /// Its id.
    pub id: u64,
    /// When GitHub sent it.
    pub delivered_at: Timestamp,
    /// The App's installation.
    pub installation_id: u64,
    /// The run's repository.
    pub repository_id: u64,
}

/// A page of deliveries that failed.
#[derive(Debug, Default)]
pub struct FailedDeliveries {
    /// The newest first.
    pub deliveries: Vec<FailedDelivery>,
    /// How many cannot be read, or do not say which repository they were about.
    pub unreadable: usize,
    /// The cursor to the next page; `None` at the end of the three days.
    pub next: Option<String>,
}

/// <https://docs.github.com/rest/apps/webhooks#get-a-delivery-for-an-app-webhook>
#[derive(Deserialize)]
struct DeliveryDetailWire {
    request: DeliveryRequestWire,
}

#[derive(Deserialize)]
struct DeliveryRequestWire {
    payload: DeliveryPayloadWire,
}

#[derive(Deserialize)]
struct DeliveryPayloadWire {
    deployment_callback_url: String,
}

impl FailedDelivery {
    fn of(delivery: &HookDeliveryWire) -> Option<Self> {
        Some(Self {
            id: delivery.id,
            delivered_at: delivery.delivered_at,
            installation_id: delivery.installation_id?,
            repository_id: delivery.repository_id?,
        })
    }
}

impl<'a> AppClient<'a> {
    /// Calls as `app`, until `deadline`. Nothing is called yet.
    pub fn new(client: &'a GithubClient, app: &'a App, deadline: Deadline) -> Self {
        Self { client, app, deadline, calls: Arc::default() }
    }

    /// The App's id, as in the settings.
    pub(crate) fn id(&self) -> &'a str {
        self.app.id()
    }

    /// How many calls to GitHub were made so far, with installation tokens and repeated ones included.
    pub fn calls(&self) -> u32 {
        self.calls.load(Ordering::Relaxed)
    }

    /// The same client until another deadline. Both count their calls together.
    #[must_use]
    pub fn until(&self, deadline: Deadline) -> Self {
        Self { deadline, ..self.clone() }
    }

    /// A page of the deliveries of ours that failed in the last three days, the newest first, and the cursor to the next page.
    ///
    /// # Errors
    /// A page that cannot be read.
    pub async fn failed_deliveries(&self, cursor: Option<&str>) -> Result<FailedDeliveries, GithubError> {
        let page = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        let path = format!("/app/hook/deliveries?status=failure&per_page={PER_PAGE}{page}");
        let (listed, next) = deliveries_page(&self.send(&Call::get(DELIVERIES, path)).await?)?;
        let mut page = FailedDeliveries { next, ..FailedDeliveries::default() };
        for listed in listed {
            let ListedWire::Read(delivery) = listed else {
                page.unreadable = page.unreadable.saturating_add(1);
                continue;
            };
            if self.deadline.now.duration_since(delivery.delivered_at) > KEPT {
                // Older ones follow.
                page.next = None;
            } else if delivery.is_failed_request() {
                match FailedDelivery::of(&delivery) {
                    Some(delivery) => page.deliveries.push(delivery),
                    None => page.unreadable = page.unreadable.saturating_add(1),
                }
            }
        }
        Ok(page)
    }

    /// The run that a delivery was about, from the body that GitHub sent.
    ///
    /// # Errors
    /// No answer, or one that does not name a run.
    pub async fn run_of_delivery(&self, id: u64) -> Result<RunId, GithubError> {
        let answer = self.send(&Call::get(DELIVERY, format!("/app/hook/deliveries/{id}"))).await?;
        let DeliveryDetailWire { request: DeliveryRequestWire { payload } } = answer.json()?;
        let callback = payload.deployment_callback_url;
        // The repository may have another name by now, so only the run's id is read.
        let run = callback.strip_suffix("/deployment_protection_rule").and_then(|run| run.rsplit_once('/'));
        run.and_then(|(_, id)| RunId::parse(id).ok()).ok_or_else(|| {
            let problem = format!(
                "`request.payload.deployment_callback_url`: got {}, expected the URL of a run's deployment protection rule",
                quoted(&callback)
            );
            answer.unreadable(problem)
        })
    }

    /// Whether GitHub asked the App itself for a pause, so that it gets no tokens.
    pub fn is_paused(&self) -> bool {
        self.client.rate_limits.paused_until(RateLimitOwner::App, self.deadline.now).is_some()
    }

    /// How many calls an installation has left in this hour before they should be kept for deliveries; `None` where GitHub has not said so.
    pub fn spare_calls(&self, installation_id: u64) -> Option<u64> {
        self.client.rate_limits.spare_calls(RateLimitOwner::Installation(installation_id), self.deadline.now)
    }

    /// Waits for a short random time before something is looked at again.
    pub async fn pause(&self) {
        let pause = tokio::time::sleep(self.client.limits().pause.mul_f64(fastrand::f64()));
        // The next call finds out that the time is over.
        let _ = tokio::time::timeout_at(self.deadline.ends, pause).await;
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
        let (listed, next) = deliveries_page(&self.send(&Call::get(DELIVERIES, path)).await?)?;
        Ok((listed.into_iter().filter_map(ListedWire::read).collect(), next))
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
        let authorization = self.authorization().await.map_err(|source| GithubError::NotSigned { route, source })?;
        let caller = Caller {
            owner: RateLimitOwner::App,
            authorization: Some(&authorization),
            deadline: self.deadline,
            calls: &self.calls,
        };
        let answer = self.client.send(call, &caller).await?;
        if answer.status == StatusCode::UNAUTHORIZED {
            // Whoever waits for the same key needs no longer than the deadline, either.
            let _ = tokio::time::timeout_at(self.deadline.ends, self.app.forget(&authorization)).await;
            return Err(GithubError::AppRefused { route, message: answer.message() });
        }
        Ok(answer)
    }

    /// The App's own token. A key elsewhere has until the deadline to sign it.
    async fn authorization(&self) -> Result<HeaderValue, SigningError> {
        let signed = self.app.authorization(self.deadline.present());
        let late = || SigningError::new("the App's private key", "no signature in time", Remedy::Wait);
        tokio::time::timeout_at(self.deadline.ends, signed).await.unwrap_or_else(|_| Err(late()))
    }
}

type DeliveriesPage = (Vec<ListedWire<HookDeliveryWire>>, Option<String>);

/// A page of deliveries, and the cursor to the next one.
pub(super) fn deliveries_page(answer: &Answer) -> Result<DeliveriesPage, GithubError> {
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
