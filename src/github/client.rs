//! One call: bounded in time and bytes, redirected at most once and never to another origin.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION, USER_AGENT};
use http::{Method, Request, Uri};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::GithubError;
use super::answer::Answer;
use super::budget::{Asker, Budget};
use super::tape::Tape;
use crate::model::ApiUrl;
use crate::transport::{Connections, ExchangeError, Pool};

/// Version of the REST API (<https://docs.github.com/rest/about-the-rest-api/api-versions>).
static API_VERSION: HeaderValue = HeaderValue::from_static("2022-11-28");
const API_VERSION_HEADER: HeaderName = HeaderName::from_static("x-github-api-version");
/// What GitHub recommends to accept (<https://docs.github.com/rest/using-the-rest-api/getting-started-with-the-rest-api#media-types>).
static MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/vnd.github+json");
static JSON: HeaderValue = HeaderValue::from_static("application/json");
/// GitHub refuses requests without a user agent.
static AGENT: HeaderValue = HeaderValue::from_static(concat!("environment-gate/", env!("CARGO_PKG_VERSION")));

/// How often a call that may be repeated is made, the first time included.
const TRIES_MAX: u32 = 3;

/// The longest wait that GitHub may ask for and that is waited out; a longer one defers at once.
const LIMIT_WAIT_MAX: Duration = Duration::from_secs(2);

/// Time for the handshake before the first delivery; settings are read meanwhile, and get as much.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(2);
/// Bytes of the answer that comes with it; GitHub's has some 2,000.
const CONNECT_BYTES_MAX: usize = 64 * 1024;

/// What one delivery may cost. The defaults are what ships; tests pass smaller ones.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Time for one delivery, all its calls and waits: GitHub gives up after 10 s.
    pub delivery: Duration,
    /// Time for one call, so that an unknown outcome can still be looked up.
    pub call: Duration,
    /// The longest first pause before a call is made again; the pause is by chance, up to this.
    pub pause: Duration,
    /// The same before each review after the first: long beside a look and a review, so that of many processes few do it, and short beside a delivery.
    pub review_pause: Duration,
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
            answer_bytes: 8 * 1024 * 1024,
        }
    }
}

/// GitHub's API, reached through one pool of connections, and what it still lets us ask.
#[derive(Debug)]
pub struct Client {
    connections: Connections,
    api: ApiUrl,
    limits: Limits,
    budget: Budget,
    tape: Option<Tape>,
    /// The first connection, while it is being opened.
    opening: Mutex<Option<JoinHandle<()>>>,
}

/// Who calls, when, and until when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Caller<'a> {
    pub(super) asker: Asker,
    /// `None` where whoever asks shows nothing.
    pub(super) authorization: Option<&'a HeaderValue>,
    /// When the delivery or the sweep began.
    pub(super) now: Timestamp,
    /// When it must be done.
    pub(super) deadline: Instant,
    /// Counts every call that is made, tries included.
    pub(super) calls: &'a AtomicU32,
}

/// One call, before it is authorized.
pub(super) struct Call {
    pub(super) route: &'static str,
    pub(super) method: Method,
    /// Under the API's base URL, beginning with a slash.
    pub(super) path: String,
    /// JSON, or nothing.
    pub(super) body: Bytes,
    /// Twice does what once does.
    pub(super) may_be_repeated: bool,
}

impl Call {
    pub(super) fn get(route: &'static str, path: String) -> Self {
        Self { route, method: Method::GET, path, body: Bytes::new(), may_be_repeated: true }
    }

    pub(super) fn post(route: &'static str, path: String, body: Vec<u8>) -> Self {
        Self { route, method: Method::POST, path, body: body.into(), may_be_repeated: false }
    }

    pub(super) fn patch(route: &'static str, path: String, body: Vec<u8>) -> Self {
        Self { method: Method::PATCH, ..Self::post(route, path, body) }
    }

    /// What it costs by GitHub's secondary limit.
    fn points(&self) -> u32 {
        if self.method == Method::GET { 1 } else { 5 }
    }
}

/// Is there no answer, or one that GitHub gives when it is in trouble?
fn brought_nothing(answer: &Result<Answer, GithubError>) -> bool {
    match answer {
        Ok(answer) => answer.status.is_server_error() || answer.is_cut_off(),
        Err(GithubError::NoAnswer { .. } | GithubError::TimedOut { .. } | GithubError::Unreadable { .. }) => true,
        Err(_) => false,
    }
}

impl Client {
    /// Takes connections, and where the API is.
    pub fn new(connections: Connections, api: ApiUrl, limits: Limits) -> Self {
        Self { connections, api, limits, budget: Budget::default(), tape: None, opening: Mutex::default() }
    }

    /// The same client, whose calls are kept on a tape.
    #[must_use]
    pub fn taped(self, tape: Tape) -> Self {
        Self { tape: Some(tape), ..self }
    }

    /// Where the API is.
    pub fn api(&self) -> &ApiUrl {
        &self.api
    }

    /// What a delivery may cost.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Begins to open a connection where that takes a TLS handshake, while settings are read: the library opens none without a call, and this one costs no
    /// points (<https://docs.github.com/rest/rate-limit/rate-limit>). The first call waits for it, or it would begin a handshake of its own;
    /// if nothing comes of it that call begins anew.
    pub fn begin_to_connect(&mut self) {
        let request = Request::get(self.api.join("/rate_limit")).header(USER_AGENT, &AGENT).body(Bytes::new());
        let Ok(request) = request else { return };
        if !self.api.is_encrypted() {
            return;
        }
        let (connections, pool) = (self.connections.clone(), self.connections.pool());
        *self.opening.get_mut() = Some(tokio::spawn(async move {
            let opened = tokio::time::timeout(CONNECT_TIME_MAX, pool.exchange(request, CONNECT_BYTES_MAX));
            if !matches!(opened.await, Ok(Ok(_))) {
                connections.give_up(&pool);
            }
        }));
    }

    /// Points that this process spent in the minute before `now`.
    pub(crate) fn points_spent(&self, now: Timestamp) -> u32 {
        self.budget.spent(now)
    }

    /// Does GitHub want to be left alone by an installation, or is so little left of its hourly calls that it should be kept for deliveries?
    pub(super) fn is_scarce(&self, installation: u64, now: Timestamp) -> bool {
        let asker = Asker::Installation(installation);
        self.budget.is_scarce(asker, now) || self.budget.alone_until(asker, now).is_some()
    }

    /// Makes the call, unless GitHub asked to be left alone. What may be repeated without harm is repeated when it brought nothing: a
    /// connection that died while the function slept costs a try, not a delivery.
    pub(super) async fn send(&self, call: &Call, caller: &Caller<'_>) -> Result<Answer, GithubError> {
        if let Some(until) = self.budget.alone_until(caller.asker, caller.now) {
            return Err(GithubError::LeftAlone { route: call.route, until });
        }
        self.opened(caller.deadline).await;
        let answer = self.send_often(call, caller).await;
        if let Ok(answer) = &answer {
            self.budget.note(caller.asker, answer);
            if answer.is_limit() {
                // It counts from the answer, which came within the delivery's time.
                let answered_by = SignedDuration::try_from(self.limits.delivery).unwrap_or_default();
                let until = answer.wait_until(caller.now.checked_add(answered_by).unwrap_or(caller.now));
                self.budget.leave_alone(caller.asker, until);
            }
        }
        answer
    }

    /// Waits for the first connection, if it is still being opened.
    async fn opened(&self, deadline: Instant) {
        let mut opening = self.opening.lock().await;
        if let Some(opening) = opening.take() {
            let _ = tokio::time::timeout_at(deadline, opening).await;
        }
    }

    async fn send_often(&self, call: &Call, caller: &Caller<'_>) -> Result<Answer, GithubError> {
        let mut pause = self.limits.pause;
        for _ in 1..TRIES_MAX {
            let answer = self.send_once(call, caller).await;
            let wait = match &answer {
                _ if !call.may_be_repeated => return answer,
                // A limit that outlasts the delivery is not slept out.
                Ok(limited) if limited.is_limit() => {
                    let wait = limited.wait_until(caller.now).duration_since(caller.now);
                    Duration::try_from(wait).ok().filter(|wait| *wait <= LIMIT_WAIT_MAX)
                }
                answer if brought_nothing(answer) => Some(pause.mul_f64(fastrand::f64())),
                _ => return answer,
            };
            let Some(wait) = wait else { return answer };
            if tokio::time::timeout_at(caller.deadline, tokio::time::sleep(wait)).await.is_err() {
                return answer;
            }
            pause = pause.saturating_mul(2);
        }
        self.send_once(call, caller).await
    }

    async fn send_once(&self, call: &Call, caller: &Caller<'_>) -> Result<Answer, GithubError> {
        let url = self.api.join(&call.path);
        let pool = self.connections.pool();
        let once = async {
            let answer = self.send_to(&url, call, (caller, &pool)).await?;
            match self.redirect(call, &answer) {
                Some(elsewhere) => self.send_to(&elsewhere, call, (caller, &pool)).await,
                None => Ok(answer),
            }
        };
        let call_ends = tokio::time::sleep(self.limits.call).deadline();
        let ends = call_ends.min(caller.deadline);
        let timed_out = || Err(GithubError::TimedOut { route: call.route });
        let answer = tokio::time::timeout_at(ends, once).await.unwrap_or_else(|_| timed_out());
        match &answer {
            // The delivery's time is over: that says nothing of the connection.
            Err(GithubError::TimedOut { .. }) if ends < call_ends => {}
            Err(GithubError::TimedOut { .. } | GithubError::NoAnswer { .. }) => self.connections.give_up(&pool),
            _ => {}
        }
        answer
    }

    /// Where a read is to go instead, if GitHub says so and the token may go there.
    fn redirect(&self, call: &Call, answer: &Answer) -> Option<String> {
        if call.method != Method::GET || !answer.status.is_redirection() {
            return None;
        }
        let location = answer.headers.get(LOCATION)?.to_str().ok()?;
        let url = if location.starts_with('/') && !location.starts_with("//") {
            format!("{}{location}", self.api.origin())
        } else {
            location.to_owned()
        };
        (self.api.covers(&url) && url.parse::<Uri>().is_ok()).then_some(url)
    }

    async fn send_to(
        &self,
        url: &str,
        call: &Call,
        (caller, pool): (&Caller<'_>, &Pool),
    ) -> Result<Answer, GithubError> {
        let Some(tape) = &self.tape else { return self.exchange(url, call, (caller, pool)).await };
        let path = url.strip_prefix(&self.api.to_string()).unwrap_or(url);
        let place = tape.begin(&call.method, path);
        let answer = self.exchange(url, call, (caller, pool)).await;
        tape.end(place, &answer);
        answer
    }

    async fn exchange(
        &self,
        url: &str,
        call: &Call,
        (caller, pool): (&Caller<'_>, &Pool),
    ) -> Result<Answer, GithubError> {
        caller.calls.fetch_add(1, Ordering::Relaxed);
        self.budget.spend(call.points(), caller.now);
        let mut request = Request::builder()
            .method(&call.method)
            .uri(url)
            .header(ACCEPT, &MEDIA_TYPE)
            .header(API_VERSION_HEADER, &API_VERSION)
            .header(USER_AGENT, &AGENT);
        if let Some(authorization) = caller.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        if !call.body.is_empty() {
            request = request.header(CONTENT_TYPE, &JSON);
        }
        let unreadable = |problem: String| GithubError::Unreadable { route: call.route, problem };
        let request = request.body(call.body.clone()).map_err(|_| unreadable("a URL that is none".to_owned()))?;
        match pool.exchange(request, self.limits.answer_bytes).await {
            Ok(answer) => {
                let (head, body) = answer.into_parts();
                Ok(Answer { route: call.route, status: head.status, headers: head.headers, body })
            }
            Err(ExchangeError::TooLong(bytes)) => Err(unreadable(format!("more than {bytes} bytes"))),
            Err(source) => Err(GithubError::NoAnswer { route: call.route, source }),
        }
    }
}
