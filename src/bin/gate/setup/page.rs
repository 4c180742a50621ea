//! The page that hands the manifest to GitHub, and the one to which GitHub sends the browser back: on loopback, for one person, once.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, HeaderValue, REFERRER_POLICY};
use axum::http::{Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::get;
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::manifest::Manifest;
use super::random::random;

/// How long the last page may take to reach the browser.
const LAST_PAGE_TIME_MAX: Duration = Duration::from_secs(2);
/// Nothing is loaded from anywhere, and nobody may frame the page.
const CONTENT_SECURITY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";
const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:3rem auto;padding:0 1rem}button{font:inherit;padding:.5rem 1rem}pre{background:#eee;color:#111;padding:1rem;overflow:auto}";

/// The page, while it is served.
pub(super) struct SetupPage {
    url: String,
    codes: mpsc::Receiver<ReturnedCode>,
    stop: oneshot::Sender<()>,
    server: JoinHandle<()>,
}

struct PageState {
    /// The host that a browser on this machine puts in its requests to us.
    hosts: [String; 2],
    /// The `state`, known only to the page that we served: an answer without it is not an answer to our request.
    state: String,
    html: String,
    codes: mpsc::Sender<ReturnedCode>,
}

/// A code that came back with the right `state`, and the browser that waits for the result.
pub(super) struct ReturnedCode {
    pub(super) code: String,
    browser: oneshot::Sender<&'static str>,
}

impl ReturnedCode {
    /// Shows the result in the browser.
    pub(super) fn answer(self, text: &'static str) {
        // The browser may be gone.
        let _ = self.browser.send(text);
    }
}

/// Opens the page's port; nothing is served yet.
pub(super) async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("{address}: choose another address with `--listen`"))
}

/// Where GitHub sends the browser back to.
pub(super) fn redirect_url(address: SocketAddr) -> String {
    format!("http://{address}/created")
}

impl SetupPage {
    /// Serves the manifest with a button that hands it to GitHub at `new_app_url`.
    pub(super) fn serve(listener: TcpListener, new_app_url: &str, manifest: &Manifest) -> anyhow::Result<Self> {
        let address = listener.local_addr()?;
        // Other users of this machine do not know where the page is, and so cannot read the `state` from it.
        let (place, state) = (random()?, random()?);
        let (sender, codes) = mpsc::channel(1);
        let shared = Arc::new(PageState {
            hosts: [address.to_string(), format!("localhost:{}", address.port())],
            html: form(new_app_url, &state, manifest)?,
            state,
            codes: sender,
        });
        let router = Router::new()
            .route(&format!("/{place}"), get(show))
            .route("/created", get(created))
            .fallback(|| async { page(StatusCode::NOT_FOUND, "<p>There is nothing here.</p>") })
            .layer(middleware::from_fn_with_state(Arc::clone(&shared), protect))
            .with_state(shared);
        let (stop, stopped) = oneshot::channel::<()>();
        let server = axum::serve(listener, router).with_graceful_shutdown(async {
            let _ = stopped.await;
        });
        let server = tokio::spawn(async move {
            // It never fails.
            let _ = server.await;
        });
        Ok(Self { url: format!("http://{address}/{place}"), codes, stop, server })
    }

    /// Where the person goes.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Waits for GitHub's answer.
    pub(super) async fn code(&mut self) -> Option<ReturnedCode> {
        self.codes.recv().await
    }

    /// Lets the last page reach the browser, and stops.
    pub(super) async fn close(self) {
        let _ = self.stop.send(());
        let _ = tokio::time::timeout(LAST_PAGE_TIME_MAX, self.server).await;
    }
}

/// Refuses what does not come from a browser on this machine, and adds headers that keep other pages away from every answer.
async fn protect(State(state): State<Arc<PageState>>, request: Request, next: Next) -> Response {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let mut response = if !state.hosts.iter().any(|ours| ours == host) {
        // Anybody can point a domain name of theirs at this machine.
        page(StatusCode::FORBIDDEN, "<p>This page is for this machine alone.</p>")
    } else if request.method() != Method::GET {
        page(StatusCode::METHOD_NOT_ALLOWED, "<p>There is nothing to send here.</p>")
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("strict-origin"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn show(State(state): State<Arc<PageState>>) -> Response {
    page(StatusCode::OK, &state.html)
}

/// What GitHub sends back by way of the browser.
#[derive(Deserialize)]
struct Returned {
    state: Option<String>,
    code: Option<String>,
}

async fn created(State(state): State<Arc<PageState>>, query: Result<Query<Returned>, QueryRejection>) -> Response {
    let result = |status, text: &str| page(status, &format!("<p id=\"result\">{text}</p>"));
    let returned = query.map(|Query(returned)| returned).ok();
    let Some(returned) = returned.filter(|returned| returned.state.as_ref() == Some(&state.state)) else {
        let text = "This answer does not have the <code>state</code> that was sent, so it was ignored. Open the address shown in the terminal.";
        return result(StatusCode::BAD_REQUEST, text);
    };
    let Some(code) = returned.code else {
        return result(StatusCode::BAD_REQUEST, "GitHub sent no code: no App was created.");
    };
    let (browser, answer) = oneshot::channel();
    let used = "This answer has already been used. The terminal shows the result.";
    let text = match state.codes.try_send(ReturnedCode { code, browser }) {
        Ok(()) => answer.await.unwrap_or(used),
        Err(_) => used,
    };
    result(StatusCode::OK, text)
}

fn form(new_app_url: &str, state: &str, manifest: &Manifest) -> anyhow::Result<String> {
    let (action, json) = (escaped(new_app_url), escaped(&serde_json::to_string(manifest)?));
    let pretty = escaped(&serde_json::to_string_pretty(manifest)?);
    Ok(format!(
        "<h1>Create the GitHub App</h1>\n\
         <p>The button sends this manifest to <code>{action}</code>. GitHub asks you to confirm, creates the App, and sends you back here.</p>\n\
         <form method=\"post\" action=\"{action}?state={state}\"><input type=\"hidden\" name=\"manifest\" value=\"{json}\"><button id=\"create-app\">Create the App on GitHub</button></form>\n\
         <pre>{pretty}</pre>"
    ))
}

fn page(status: StatusCode, body: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Environment Gate</title><style>{STYLE}</style>{body}</html>"
    );
    (status, Html(html)).into_response()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
