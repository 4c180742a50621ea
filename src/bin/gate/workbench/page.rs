//! The page's server: on loopback, for one person. It has the defences of `gate setup`'s page: an address that nobody can guess, the host checked, no CORS, and
//! nothing loaded from elsewhere. What the page sends must come from the page itself.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, HeaderName, HeaderValue, ORIGIN, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::answers::Workbench;
use super::assets::{ASSETS, Asset};
use crate::setup::random;

/// Bytes of a request: an input of four megabytes, as text in JSON, and a policy.
const REQUEST_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Scripts and styles are the page's own files, and scripts cannot make HTML of text.
const CONTENT_SECURITY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";
const JSON: &str = "application/json";

/// The page, before it is served.
pub(super) struct Page {
    listener: TcpListener,
    router: Router,
    url: String,
}

struct PageState {
    /// The host that a browser on this machine puts in its requests to us.
    hosts: [String; 2],
    workbench: Workbench,
}

impl PageState {
    /// Why a request is not answered.
    fn refusal(&self, request: &Request) -> Option<&'static str> {
        let text =
            |name: HeaderName| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let is_ours = |host: &str| self.hosts.iter().any(|ours| ours == host);
        if !is_ours(text(HOST)) {
            // Anybody can point a domain name of theirs at this machine.
            return Some("This page is for this machine alone.");
        }
        let is_from_page = text(ORIGIN).strip_prefix("http://").is_some_and(is_ours) && text(CONTENT_TYPE) == JSON;
        (request.method() != Method::GET && !is_from_page).then_some("Only the page itself can send this.")
    }
}

type Shared = State<Arc<PageState>>;

/// Opens the page's port; nothing is served yet.
pub(super) async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("{address}: choose another address with `--listen`"))
}

impl Page {
    pub(super) fn new(listener: TcpListener, workbench: Workbench) -> anyhow::Result<Self> {
        let address = listener.local_addr()?;
        // Other users of this machine do not know where the page is.
        let place = format!("/{}/", random()?);
        let hosts = [address.to_string(), format!("localhost:{}", address.port())];
        let state = Arc::new(PageState { hosts, workbench });
        let mut router = Router::new();
        for Asset { name, content_type, text } in ASSETS {
            router =
                router.route(&format!("{place}{name}"), get(async move || answer(StatusCode::OK, content_type, text)));
        }
        let router = router
            .route(&format!("{place}state"), get(state_of))
            .route(&format!("{place}records/{{id}}"), get(record))
            .route(&format!("{place}evaluate"), post(evaluate))
            .route(&format!("{place}evaluate-all"), post(evaluate_all))
            .route(&format!("{place}save"), post(save))
            .fallback(async || refuse(StatusCode::NOT_FOUND, "There is nothing here."))
            .layer(DefaultBodyLimit::max(REQUEST_BYTES_MAX))
            .layer(middleware::from_fn_with_state(Arc::clone(&state), protect))
            .with_state(state);
        Ok(Self { listener, router, url: format!("http://{address}{place}") })
    }

    /// Where the person goes.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Serves for ever.
    pub(super) async fn serve(self) -> std::io::Result<()> {
        axum::serve(self.listener, self.router).await
    }
}

/// Refuses what does not come from a browser on this machine, or is sent by another page, and adds headers that keep other pages away from every answer.
async fn protect(State(state): Shared, request: Request, next: Next) -> Response {
    let mut response = match state.refusal(&request) {
        Some(problem) => refuse(StatusCode::FORBIDDEN, problem),
        None => next.run(request).await,
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, CONTENT_SECURITY),
        (REFERRER_POLICY, "same-origin"),
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

async fn state_of(State(state): Shared) -> Response {
    match state.workbench.state() {
        Ok(json) => answer_json(StatusCode::OK, &json),
        Err(error) => refuse(StatusCode::INTERNAL_SERVER_ERROR, &format!("The policy's file cannot be read: {error}")),
    }
}

async fn record(State(state): Shared, Path(id): Path<usize>) -> Response {
    match state.workbench.record(id) {
        Some(json) => answer_json(StatusCode::OK, &json),
        None => no_record(),
    }
}

/// Evaluating takes time, during which the page is still served.
async fn evaluate(State(state): Shared, body: Bytes) -> Response {
    let asked = match serde_json::from_slice(&body) {
        Ok(asked) => asked,
        Err(error) => return unreadable(&error),
    };
    match tokio::task::spawn_blocking(move || state.workbench.evaluate(asked)).await {
        Ok(Some(json)) => answer_json(StatusCode::OK, &json),
        Ok(None) => no_record(),
        Err(_) => stopped(),
    }
}

/// Once nobody waits for the answer any more, because the text was edited, the rest is not evaluated.
async fn evaluate_all(State(state): Shared, body: Bytes) -> Response {
    let asked = match serde_json::from_slice(&body) {
        Ok(asked) => asked,
        Err(error) => return unreadable(&error),
    };
    let waiting = Waiting::default();
    let is_over = Arc::clone(&waiting.is_over);
    let evaluated =
        tokio::task::spawn_blocking(move || state.workbench.evaluate_all(asked, || !is_over.load(Ordering::Relaxed)));
    match evaluated.await {
        Ok(json) => answer_json(StatusCode::OK, &json),
        Err(_) => stopped(),
    }
}

/// Says when it is dropped.
#[derive(Default)]
struct Waiting {
    is_over: Arc<AtomicBool>,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

/// On the one thread that serves, so that two pages do not save at the same time.
async fn save(State(state): Shared, body: Bytes) -> Response {
    let asked = match serde_json::from_slice(&body) {
        Ok(asked) => asked,
        Err(error) => return unreadable(&error),
    };
    match state.workbench.save(&asked) {
        None => refuse(StatusCode::NOT_FOUND, "There is no file to save to: start with `--edit FILE`."),
        Some(Ok(Ok(json))) => answer_json(StatusCode::OK, &json),
        Some(Ok(Err(json))) => answer_json(StatusCode::CONFLICT, &json),
        Some(Err(error)) => refuse(StatusCode::INTERNAL_SERVER_ERROR, &format!("Not saved: {error}")),
    }
}

fn unreadable(error: &serde_json::Error) -> Response {
    refuse(StatusCode::BAD_REQUEST, &format!("This cannot be read: {error}"))
}

fn no_record() -> Response {
    refuse(StatusCode::NOT_FOUND, "There is no such recorded evaluation.")
}

fn stopped() -> Response {
    refuse(StatusCode::INTERNAL_SERVER_ERROR, "The evaluation stopped without a result.")
}

fn refuse(status: StatusCode, problem: &str) -> Response {
    answer_json(status, &json!({ "problem": problem }))
}

fn answer_json(status: StatusCode, json: &Value) -> Response {
    answer(status, JSON, &json.to_string())
}

fn answer(status: StatusCode, content_type: &'static str, text: &str) -> Response {
    (status, [(CONTENT_TYPE, content_type)], text.to_owned()).into_response()
}
