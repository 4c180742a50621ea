//! One call without a credential of its own: bounded in time and bytes, repeated where that does no harm, redirected at most once and never to
//! another origin.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, LOCATION, USER_AGENT};
use http::{Method, Request, StatusCode};
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use super::GithubError;
use super::answer::Answer;
use super::app_token::bearer;
use super::call::Call;
use super::installation_token::InstallationTokens;
use super::issuer::Issuer;
use super::rate_limit::{RateLimitOwner, RateLimits};
use super::recording::Recording;
use crate::http::{Bounds, HttpClient};
use crate::model::ApiUrl;
use crate::time::Deadline;

/// Version of the REST API (<https://docs.github.com/rest/about-the-rest-api/api-versions>).
const API_VERSION: (&str, &str) = ("x-github-api-version", "2022-11-28");
/// What GitHub recommends to accept (<https://docs.github.com/rest/using-the-rest-api/getting-started-with-the-rest-api#media-types>).
const MEDIA_TYPE: &str = "application/vnd.github+json";
/// GitHub rejects requests without a user agent.
pub(super) const AGENT: &str = concat!("environment-gate/", env!("CARGO_PKG_VERSION"));

/// How many times a call that may be repeated is made, the first included.
const ATTEMPTS_MAX: u32 = 3;
/// The longest pause asked for by GitHub that is waited out; a longer one defers at once.
const LIMIT_WAIT_MAX: Duration = Duration::from_secs(2);
/// The handshake before the first delivery. Settings are read meanwhile and get as much time; GitHub's answer has some 2,000 bytes.
const CONNECT_BOUNDS: Bounds = Bounds { time: Duration::from_secs(2), body_bytes: 64 * 1024 };

/// What one delivery may cost. The defaults are what ships; tests pass smaller ones.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Time for one delivery, all its calls and waits: GitHub gives up after 10 s.
    pub delivery: Duration,
    /// Time for one call, so that an unknown outcome can still be looked up.
    pub call: Duration,
    /// The longest first pause before a call is repeated; the pause is random, up to this.
    pub pause: Duration,
    /// The same before each review after the first: long compared with a look and a review, so that only a few of many processes post one, and short compared with a delivery.
    pub review_pause: Duration,
    /// Half of the longest time over which the first reviews of a run are spread where many jobs wait: both halves and a review fit into a delivery.
    pub half_turn: Duration,
    /// Bytes of one answer. A hundred jobs with their steps are about 400 kB.
    pub answer_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            delivery: Duration::from_secs(8),
            call: Duration::from_secs(3),
            pause: Duration::from_millis(400),
            review_pause: Duration::from_secs(2),
            half_turn: Duration::from_secs(3),
            answer_bytes: 8 * 1024 * 1024,
        }
    }
}

/// GitHub's API, and what this process remembers of it: rate limits, and installation tokens that still hold.
#[derive(Debug)]
pub struct GithubClient {
    pub(super) http: HttpClient,
    api: ApiUrl,
    limits: Limits,
    pub(super) issuer: Option<Arc<Issuer>>,
    pub(super) rate_limits: RateLimits,
    pub(super) tokens: InstallationTokens,
    pub(super) recording: Option<Recording>,
    /// The first connection, while it is being opened.
    connecting: Mutex<Option<JoinHandle<()>>>,
}

/// Who makes a call, and until when.
pub(super) struct Caller<'a> {
    pub(super) owner: RateLimitOwner,
    /// `None` for a call that needs no credential.
    pub(super) authorization: Option<&'a HeaderValue>,
    pub(super) deadline: Deadline,
    /// Counts every call that is made, repeated ones included.
    pub(super) calls: &'a AtomicU32,
}

/// Whether the call got no answer, or one that GitHub gives during an incident.
fn is_transient(answer: &Result<Answer, GithubError>) -> bool {
    match answer {
        Ok(answer) => answer.status.is_server_error() || answer.is_cut_off(),
        Err(GithubError::NoAnswer { .. } | GithubError::TimedOut { .. } | GithubError::Unreadable { .. }) => true,
        Err(_) => false,
    }
}

impl GithubClient {
    /// A client for the API at `api`. Nothing is called yet.
    pub fn new(http: HttpClient, api: ApiUrl, limits: Limits) -> Self {
        Self {
            http,
            api,
            limits,
            issuer: None,
            rate_limits: RateLimits::default(),
            tokens: InstallationTokens::default(),
            recording: None,
            connecting: Mutex::default(),
        }
    }

    /// The same client, which believes this provider's signatures.
    #[must_use]
    pub fn believing(self, issuer: Option<Arc<Issuer>>) -> Self {
        Self { issuer, ..self }
    }

    /// The same client, whose calls are recorded.
    #[must_use]
    pub fn recorded(self, recording: Recording) -> Self {
        Self { recording: Some(recording), ..self }
    }

    /// Where the API is.
    pub fn api(&self) -> &ApiUrl {
        &self.api
    }

    /// What a delivery may cost.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Reads with a person's token; `None` for a 404.
    ///
    /// # Errors
    /// No answer, or one that is neither a success nor a 404.
    pub async fn find_as_person<T: DeserializeOwned>(
        &self,
        token: &SecretString,
        route: &'static str,
        path: String,
        deadline: Deadline,
    ) -> Result<Option<T>, GithubError> {
        let authorization = bearer(token).ok_or(GithubError::UnusableToken { route })?;
        let calls = AtomicU32::new(0);
        let caller =
            Caller { owner: RateLimitOwner::Person, authorization: Some(&authorization), deadline, calls: &calls };
        let answer = self.send(&Call::get(route, path), &caller).await?;
        if answer.status == StatusCode::NOT_FOUND { Ok(None) } else { answer.json().map(Some) }
    }

    /// Posts without a body and without a credential; `None` for a 404.
    ///
    /// # Errors
    /// No answer, or one that is neither a success nor a 404.
    pub async fn post_anonymously<T: DeserializeOwned>(
        &self,
        route: &'static str,
        path: String,
        deadline: Deadline,
    ) -> Result<Option<T>, GithubError> {
        let calls = AtomicU32::new(0);
        let caller = Caller { owner: RateLimitOwner::Person, authorization: None, deadline, calls: &calls };
        let answer = self.send(&Call::post(route, path, Vec::new()), &caller).await?;
        if answer.status == StatusCode::NOT_FOUND { Ok(None) } else { answer.json().map(Some) }
    }

    /// Begins to open a connection where that takes a TLS handshake, while settings are read. The library opens none without a request, and this one costs no
    /// points (<https://docs.github.com/rest/rate-limit/rate-limit>). The first call waits for it instead of beginning a handshake of its own;
    /// if it fails, that call opens its own.
    pub fn begin_to_connect(&mut self) {
        if !self.api.is_encrypted() {
            return;
        }
        let request = Request::get(self.api.join("/rate_limit")).header(USER_AGENT, AGENT).body(Bytes::new());
        let Ok(request) = request else { return };
        let http = self.http.clone();
        *self.connecting.get_mut() = Some(tokio::spawn(async move {
            // Whatever comes of it, the first call finds out.
            let _ = http.send(request, CONNECT_BOUNDS).await;
        }));
    }

    /// Calls that GitHub allows an installation in what is left of the hour; `None` where it has not said so.
    pub(crate) fn calls_left(&self, installation_id: u64, now: Timestamp) -> Option<u64> {
        self.rate_limits.calls_left(RateLimitOwner::Installation(installation_id), now)
    }

    /// Points of the secondary rate limit that this process spent in the minute before `now`.
    pub(crate) fn points_spent(&self, now: Timestamp) -> u32 {
        self.rate_limits.points_spent(now)
    }

    /// Makes the call, unless GitHub asked for a pause. An idempotent call that got no usable answer is repeated: a connection that died while the function
    /// slept costs an attempt, not a delivery.
    pub(super) async fn send(&self, call: &Call, caller: &Caller<'_>) -> Result<Answer, GithubError> {
        if let Some(until) = self.rate_limits.paused_until(caller.owner, caller.deadline.now) {
            return Err(GithubError::Paused { route: call.route, until });
        }
        self.connected(caller.deadline).await;
        let answer = self.send_with_retries(call, caller).await;
        if let Ok(answer) = &answer {
            self.rate_limits.note(caller.owner, answer);
            if answer.is_rate_limit() {
                // It counts from the answer, which came within the delivery's time.
                let answered_by = SignedDuration::try_from(self.limits.delivery).unwrap_or_default();
                let now = caller.deadline.now;
                let until = answer.wait_until(now.checked_add(answered_by).unwrap_or(now));
                self.rate_limits.pause(caller.owner, until);
            }
        }
        answer
    }

    /// Waits for the first connection, if it is still being opened.
    async fn connected(&self, deadline: Deadline) {
        if let Some(connecting) = self.connecting.lock().await.take() {
            let _ = tokio::time::timeout_at(deadline.ends, connecting).await;
        }
    }

    async fn send_with_retries(&self, call: &Call, caller: &Caller<'_>) -> Result<Answer, GithubError> {
        let mut pause = self.limits.pause;
        for _ in 1..ATTEMPTS_MAX {
            let answer = self.send_once(call, caller).await;
            let wait = match &answer {
                _ if !call.is_idempotent => return answer,
                // A limit that outlasts the delivery is not waited out.
                Ok(limited) if limited.is_rate_limit() => {
                    let wait = limited.wait_until(caller.deadline.now).duration_since(caller.deadline.now);
                    Duration::try_from(wait).ok().filter(|wait| *wait <= LIMIT_WAIT_MAX)
                }
                answer if is_transient(answer) => Some(pause.mul_f64(fastrand::f64())),
                _ => return answer,
            };
            let Some(wait) = wait else { return answer };
            if tokio::time::timeout_at(caller.deadline.ends, tokio::time::sleep(wait)).await.is_err() {
                return answer;
            }
            pause = pause.saturating_mul(2);
        }
        self.send_once(call, caller).await
    }

    async fn send_once(&self, call: &Call, caller: &Caller<'_>) -> Result<Answer, GithubError> {
        let url = self.api.join(&call.path);
        let once = async {
            let answer = self.exchange_recorded(&url, call, caller).await?;
            match self.redirect(call, &url, &answer) {
                Some(elsewhere) => self.exchange_recorded(&elsewhere, call, caller).await,
                None => Ok(answer),
            }
        };
        let in_time = tokio::time::timeout_at(caller.deadline.ends, once);
        in_time.await.unwrap_or(Err(GithubError::TimedOut { route: call.route }))
    }

    /// Where a read is to go instead, if GitHub says so and the token may go there.
    fn redirect(&self, call: &Call, url: &str, answer: &Answer) -> Option<String> {
        if call.method != Method::GET || !answer.status.is_redirection() {
            return None;
        }
        self.api.redirect(url, answer.headers.get(LOCATION)?.to_str().ok()?)
    }

    async fn exchange_recorded(&self, url: &str, call: &Call, caller: &Caller<'_>) -> Result<Answer, GithubError> {
        let Some(recording) = &self.recording else { return self.exchange(url, call, caller).await };
        let path = url.strip_prefix(&self.api.to_string()).unwrap_or(url);
        let place = recording.begin(&call.method, path);
        let answer = self.exchange(url, call, caller).await;
        recording.end(place, &answer);
        answer
    }

    async fn exchange(&self, url: &str, call: &Call, caller: &Caller<'_>) -> Result<Answer, GithubError> {
        let route = call.route;
        caller.calls.fetch_add(1, Ordering::Relaxed);
        self.rate_limits.spend(call.points(), caller.deadline.now);
        let mut request = Request::builder()
            .method(&call.method)
            .uri(url)
            .header(ACCEPT, MEDIA_TYPE)
            .header(API_VERSION.0, API_VERSION.1)
            .header(USER_AGENT, AGENT);
        if let Some(authorization) = caller.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        if !call.body.is_empty() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let request =
            request.body(call.body.clone()).map_err(|error| GithubError::NotSent { route, source: error.into() })?;
        let bounds = Bounds { time: self.limits.call, body_bytes: self.limits.answer_bytes };
        match self.http.send(request, bounds).await {
            Ok(response) => {
                let (head, body) = response.into_parts();
                Ok(Answer { route, status: head.status, headers: head.headers, body })
            }
            Err(error) => Err(GithubError::of_http(route, error)),
        }
    }
}
