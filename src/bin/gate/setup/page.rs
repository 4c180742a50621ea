//! The page that hands the manifest to GitHub, and the one that GitHub sends the browser back to: on loopback, for one person, once.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use environment_gate::github::Manifest;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::HOST;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

use super::Done;

/// How long the last page may take to reach the browser.
const LAST_PAGE_TIME: Duration = Duration::from_millis(500);
/// Bytes of a `state`, and of a secret.
const RANDOM_BYTES: usize = 32;

/// The page, served.
pub(crate) struct Page {
    address: SocketAddr,
    state: Arc<State>,
    codes: mpsc::Receiver<Code>,
    server: tokio::task::JoinHandle<()>,
}

struct State {
    address: SocketAddr,
    /// Where the page is: who else is on this machine does not know, and cannot read the `state` from it.
    place: String,
    /// The `state` that only the page that we made knows: an answer without it is to another question.
    asked_with: String,
    html: Mutex<String>,
    codes: mpsc::Sender<Code>,
}

/// A code that came with the right `state`, and the browser that waits for what becomes of it.
pub(crate) struct Code {
    pub(crate) code: String,
    told: oneshot::Sender<&'static str>,
}

impl Code {
    /// Tells the browser what became of it.
    pub(crate) fn tell(self, text: &'static str) {
        // A browser that is gone need not be told.
        let _ = self.told.send(text);
    }
}

impl Page {
    /// Listens; nothing is shown yet.
    pub(crate) async fn open(listen: SocketAddr) -> Done<Self> {
        let occupied = |error| format!("{listen}: {error}: give another address with `--listen`");
        let listener = TcpListener::bind(listen).await.map_err(occupied)?;
        let address = listener.local_addr()?;
        let (sender, codes) = mpsc::channel(1);
        let state =
            Arc::new(State { address, place: random()?, asked_with: random()?, html: Mutex::default(), codes: sender });
        let shared = Arc::clone(&state);
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let state = Arc::clone(&shared);
                tokio::spawn(async move {
                    let answer = service_fn(move |request| answer(Arc::clone(&state), request));
                    // A browser that breaks off is not our affair.
                    let _ =
                        auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), answer).await;
                });
            }
        });
        Ok(Self { address, state, codes, server })
    }

    /// Where the person goes.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/{}", self.address, self.state.place)
    }

    /// Where GitHub sends the browser back to.
    pub(crate) fn come_back_to(&self) -> String {
        format!("http://{}/created", self.address)
    }

    /// Shows the manifest with a button that hands it to GitHub.
    pub(crate) fn show(&mut self, action: &str, manifest: &Manifest) {
        let json = serde_json::to_string(manifest).unwrap_or_default();
        let pretty = serde_json::to_string_pretty(manifest).unwrap_or_default();
        let (action, state) = (escaped(action), &self.state.asked_with);
        let body = format!(
            "<h1>Make the GitHub App</h1>\n<p>The button hands this to <code>{action}</code>. GitHub asks you once more, makes the App, and sends you back here.</p>\n\
             <form method=\"post\" action=\"{action}?state={state}\"><input type=\"hidden\" name=\"manifest\" value=\"{}\"><button id=\"make\">Go to GitHub and make the App</button></form>\n<pre>{}</pre>",
            escaped(&json),
            escaped(&pretty)
        );
        *self.state.html.lock().unwrap_or_else(PoisonError::into_inner) = body;
    }

    /// Waits for GitHub's answer.
    pub(crate) async fn code(&mut self) -> Option<Code> {
        self.codes.recv().await
    }

    /// Lets the last page reach the browser, and stops.
    pub(crate) async fn close(self) {
        tokio::time::sleep(LAST_PAGE_TIME).await;
        self.server.abort();
    }
}

async fn answer(state: Arc<State>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, hyper::http::Error> {
    // A name that somebody lets lead to this machine is not how we are called.
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let port = state.address.port();
    if host != state.address.to_string() && host != format!("localhost:{port}") {
        return page(403, "<p>This page is for this machine alone.</p>");
    }
    if request.method() != Method::GET {
        return page(405, "<p>There is nothing to send here.</p>");
    }
    match request.uri().path() {
        path if path.strip_prefix('/') == Some(state.place.as_str()) => {
            let html = state.html.lock().unwrap_or_else(PoisonError::into_inner).clone();
            page(200, &html)
        }
        "/created" => created(&state, request.uri().query().unwrap_or_default()).await,
        _ => page(404, "<p>There is nothing here.</p>"),
    }
}

/// GitHub's answer, by way of the browser.
async fn created(state: &State, query: &str) -> Result<Response<Full<Bytes>>, hyper::http::Error> {
    let parameter = |name: &str| {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.filter(|(key, _)| *key == name).map(|(_, value)| value.to_owned()).next()
    };
    if parameter("state").as_deref() != Some(state.asked_with.as_str()) {
        let text = "This answer has another <code>state</code> than was asked with: it is not to this question, and was not used. Open the address that the terminal shows.";
        return page(400, &format!("<p id=\"told\">{text}</p>"));
    }
    let Some(code) = parameter("code") else {
        return page(400, "<p id=\"told\">GitHub sent no code: the App was not made.</p>");
    };
    let (told, waits) = oneshot::channel();
    let used = "This answer was used already. The terminal says what became of it.";
    let text = match state.codes.try_send(Code { code, told }) {
        Ok(()) => waits.await.unwrap_or(used),
        Err(_) => used,
    };
    page(200, &format!("<p id=\"told\">{text}</p>"))
}

fn page(status: u16, body: &str) -> Result<Response<Full<Bytes>>, hyper::http::Error> {
    const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:3rem auto;padding:0 1rem}button{font:inherit;padding:.5rem 1rem}pre{background:#eee;color:#111;padding:1rem;overflow:auto}";
    let html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Environment Gate</title><style>{STYLE}</style>{body}</html>"
    );
    Response::builder()
        .status(status)
        .header("content-type", "text/html; charset=utf-8")
        .header(
            "content-security-policy",
            "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
        )
        .header("referrer-policy", "strict-origin")
        .header("cache-control", "no-store")
        .body(Full::new(Bytes::from(html)))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Something that nobody can guess, in hexadecimal digits.
pub(crate) fn random() -> Done<String> {
    let mut bytes = [0; RANDOM_BYTES];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| "no randomness on this machine")?;
    Ok(hex::encode(bytes))
}
