//! The fake GitHub: an HTTP server on loopback that checks every request as GitHub would and answers what a story says.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, Version};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::answers::{Answers, Canned, CannedFault, FakeRequest};
use super::connections::Connections;
use super::objections::{is_elsewhere, is_the_apps, mint_objection, review_objection, stranger_objection};
use super::source::{AnswerSource, Asked};

/// Bytes of a request that are read.
const SENT_BYTES_MAX: usize = 1024 * 1024;
/// Seconds between `iat` and `exp` that GitHub accepts: ten minutes, and the minute that `iat` may lie back.
const JWT_SECONDS_MAX: i64 = 660;
/// The token of a person who may read contents, which the App may not.
pub const PERSONS_TOKEN: &str = "the-token-of-a-person";
/// The fake's `server` header. A test searches programs for it, to see whether the fake is linked into them.
pub const SERVER: &str = "environment-gate's fake GitHub";

/// One call that was made.
#[derive(Debug, Clone)]
pub struct FakeCall {
    /// Its name, as in [`Answers`]; the method and path when there is none.
    pub name: String,
    /// `GET` or `POST`.
    pub method: String,
    /// Path and query, under the API's base.
    pub path: String,
    /// The JSON that was sent; null for none.
    pub sent: Value,
    /// The status of the answer.
    pub status: u16,
    /// The JSON of the answer, if a story gave it; null for anything else.
    pub answered: Value,
    /// From the fake's start to the call.
    pub at: Duration,
    /// HTTP/1.1 or HTTP/2.
    pub version: Version,
}

/// A running fake. It stops when it is dropped.
#[derive(Debug)]
pub struct FakeGithub {
    address: SocketAddr,
    state: Arc<Fake>,
    server: tokio::task::JoinHandle<()>,
}

#[derive(Debug)]
struct Fake {
    source: AnswerSource,
    base: String,
    app_id: String,
    /// PKCS#1 in DER: the keys that verify the App's token now.
    public_keys: Mutex<Vec<Vec<u8>>>,
    began: Instant,
    seen: Mutex<Seen>,
    /// How many calls have arrived. An answer that waits for other calls is woken when this changes.
    arrivals: watch::Sender<usize>,
}

#[derive(Debug, Default)]
struct Seen {
    calls: Vec<FakeCall>,
    counts: BTreeMap<String, usize>,
    violations: Vec<String>,
}

/// The App that GitHub knows, and where its API is.
#[derive(Debug, Clone, Copy)]
pub struct KnownApp<'a> {
    /// The App's id.
    pub id: &'a str,
    /// Verifies the App's token (PKCS#1, DER).
    pub public_key: &'a [u8],
    /// The path with which the API's URL ends; empty for GitHub's own.
    pub base_path: &'a str,
}

impl FakeGithub {
    /// Serves `source` on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// No port is free.
    pub async fn start(source: impl Into<AnswerSource>, app: KnownApp<'_>) -> io::Result<Self> {
        Self::serve(TcpListener::bind(("127.0.0.1", 0)).await?, source, app)
    }

    /// Serves on a listener.
    ///
    /// # Errors
    /// The listener has no address.
    pub fn serve(listener: TcpListener, source: impl Into<AnswerSource>, app: KnownApp<'_>) -> io::Result<Self> {
        Self::serve_wrapped(listener, source, app, |stream| async { Ok(stream) })
    }

    /// Serves on a listener, with `wrap` around every connection: TLS, say.
    ///
    /// # Errors
    /// The listener has no address.
    pub fn serve_wrapped<S, W, F>(
        listener: TcpListener,
        source: impl Into<AnswerSource>,
        app: KnownApp<'_>,
        wrap: W,
    ) -> io::Result<Self>
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
        W: Fn(TcpStream) -> F + Send + 'static,
        F: Future<Output = io::Result<S>> + Send + 'static,
    {
        let address = listener.local_addr()?;
        let state = Arc::new(Fake {
            source: source.into(),
            base: app.base_path.to_owned(),
            app_id: app.id.to_owned(),
            public_keys: Mutex::new(vec![app.public_key.to_vec()]),
            began: Instant::now(),
            seen: Mutex::default(),
            arrivals: watch::Sender::new(0),
        });
        let router = Router::new().fallback(respond).with_state(Arc::clone(&state));
        let connections = Connections::accept(listener, address, wrap);
        let server = tokio::spawn(async move {
            // It never ends by itself.
            let _ = axum::serve(connections, router).await;
        });
        Ok(Self { address, state, server })
    }

    /// Changes the App's keys on GitHub: from now on only these (PKCS#1, DER) verify its token.
    pub fn set_keys(&self, public_keys: Vec<Vec<u8>>) {
        *self.state.public_keys.lock().unwrap_or_else(PoisonError::into_inner) = public_keys;
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The API's base URL, without TLS.
    pub fn url(&self) -> String {
        format!("http://{}{}", self.address, self.state.base)
    }

    /// The calls so far, in the order in which they came.
    pub fn calls(&self) -> Vec<FakeCall> {
        self.state.with(|seen| seen.calls.clone())
    }

    /// Calls that GitHub would have refused, and answers that no call asked for. Empty when all is well.
    pub fn violations(&self) -> Vec<String> {
        self.state.with(|seen| {
            let asked = |name: &String| seen.counts.get(name).copied().unwrap_or_default();
            let written = match &self.state.source {
                AnswerSource::Written(answers) => Some(answers),
                AnswerSource::Living(..) => None,
            };
            let unasked = written.into_iter().flatten().filter(|(name, canned)| asked(name) < canned.len());
            let unasked = unasked
                .map(|(name, canned)| format!("`{name}`: asked {} times, answers: {}", asked(name), canned.len()));
            seen.violations.iter().cloned().chain(unasked).collect()
        })
    }
}

impl Drop for FakeGithub {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// An answer before it is sent; `None` breaks the connection.
type Reply = Option<Written>;

/// Status, headers, body.
type Written = (u16, BTreeMap<String, String>, Bytes);

async fn respond(State(state): State<Arc<Fake>>, request: axum::extract::Request) -> Response {
    let at = state.began.elapsed();
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, SENT_BYTES_MAX).await.unwrap_or_default();
    let path = parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
    let request = FakeRequest { method: parts.method.to_string(), path };
    let sent = serde_json::from_slice(&body).unwrap_or_else(|_| form_of(&parts.headers, &body));
    let name = request.name(&state.base, &sent);
    let path = request.path.strip_prefix(&state.base).unwrap_or(&request.path).to_owned();
    let reply = match &name {
        Some(name) if is_the_apps(name) && !state.knows_the_app(&parts.headers) => {
            Some((401, BTreeMap::new(), Bytes::from_static(br#"{"message":"A JSON web token could not be decoded"}"#)))
        }
        Some(name) if name == "favicon" => Some((404, BTreeMap::new(), Bytes::new())),
        // It opens a connection, and anybody may call it.
        Some(name) if name == "rate_limit" => Some((200, BTreeMap::new(), Bytes::from_static(b"{}"))),
        None => Some(state.violation(format!("{} {}: not a call that the gate makes", request.method, request.path))),
        Some(name) if is_elsewhere(name) => match stranger_objection(&parts.headers) {
            Some(objection) => Some(state.violation(format!("{name}: {objection}"))),
            None => state.reply(Asked { name: name.clone(), path: path.clone(), sent: sent.clone() }).await,
        },
        Some(name) => match state.objection(name, &parts.headers, &sent) {
            Some(objection) => Some(state.violation(format!("{name}: {objection}"))),
            None => state.reply(Asked { name: name.clone(), path: path.clone(), sent: sent.clone() }).await,
        },
    };
    let written = matches!(state.source, AnswerSource::Written(_));
    let answered = reply.as_ref().filter(|_| written).and_then(|(.., body)| serde_json::from_slice(body).ok());
    let call = FakeCall {
        name: name.unwrap_or_else(|| format!("{} {}", request.method, request.path)),
        method: request.method,
        path,
        sent,
        status: reply.as_ref().map_or(0, |(status, ..)| *status),
        answered: answered.unwrap_or(Value::Null),
        at,
        version: parts.version,
    };
    state.with(|seen| seen.calls.push(call));
    reply.map_or_else(broken, response)
}

fn response((status, headers, body): Written) -> Response {
    let mut response = Response::builder().status(status).header("server", SERVER);
    for (name, value) in headers {
        response = response.header(name, value);
    }
    response.body(Body::from(body)).unwrap_or_default()
}

/// A response whose body never comes: the connection breaks instead.
fn broken() -> Response {
    let body =
        Body::from_stream(futures_util::stream::iter([Err::<Bytes, _>(io::Error::other("the story breaks it"))]));
    Response::builder().header(CONTENT_LENGTH, 1).body(body).unwrap_or_default()
}

impl Fake {
    fn with<T>(&self, act: impl FnOnce(&mut Seen) -> T) -> T {
        act(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Notes a request that a good client would not send, and answers it with an error.
    fn violation(&self, what: String) -> Written {
        let body = json!({ "message": what });
        self.with(|seen| seen.violations.push(what));
        (400, BTreeMap::new(), Bytes::from(body.to_string()))
    }

    /// What is wrong with a call, if anything, whatever its answer.
    fn objection(&self, name: &str, headers: &HeaderMap, sent: &Value) -> Option<String> {
        let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if matches!(name, "new_app" | "create_app") {
            // A browser's.
            return None;
        }
        if header(USER_AGENT.as_str()).is_empty() {
            return Some("no user-agent".to_owned());
        }
        if header(ACCEPT.as_str()) != "application/vnd.github+json" || header("x-github-api-version").is_empty() {
            return Some("no media type or API version of GitHub".to_owned());
        }
        let bearer = header(AUTHORIZATION.as_str()).strip_prefix("Bearer ").unwrap_or_default();
        match name {
            "access_tokens" => mint_objection(sent),
            _ if is_the_apps(name) => None,
            "conversion" => headers.contains_key(AUTHORIZATION).then(|| "a token where none is asked for".to_owned()),
            // A person's.
            _ if name.starts_with("contents.") => {
                (bearer != PERSONS_TOKEN).then(|| "not the person's token".to_owned())
            }
            _ if !self.tokens().contains(bearer) => Some("a token that was never issued".to_owned()),
            "review" | "status_report" => review_objection(name, sent, header(CONTENT_TYPE.as_str())),
            _ => None,
        }
    }

    /// The installation tokens that the story hands out.
    fn tokens(&self) -> BTreeSet<&str> {
        let answers = match &self.source {
            AnswerSource::Written(answers) => answers,
            AnswerSource::Living(_, token) => return BTreeSet::from([token.as_str()]),
        };
        let mints = answers.get("access_tokens").into_iter().flatten();
        mints.filter_map(|canned| canned.body.as_ref()?.get("token")?.as_str()).collect()
    }

    /// Whether one of the App's keys verifies the token of a request.
    fn knows_the_app(&self, headers: &HeaderMap) -> bool {
        let token = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let token = token.strip_prefix("Bearer ").unwrap_or_default();
        let mut validation = Validation::new(Algorithm::RS256);
        validation.set_issuer(&[&self.app_id]);
        // Stories are played in their own present.
        validation.validate_exp = false;
        let keys = self.public_keys.lock().unwrap_or_else(PoisonError::into_inner);
        let mut claims = keys
            .iter()
            .filter_map(|key| jsonwebtoken::decode::<Value>(token, &DecodingKey::from_rsa_der(key), &validation).ok());
        claims.next().is_some_and(|decoded| {
            let second = |name| decoded.claims.get(name).and_then(Value::as_i64).unwrap_or_default();
            (1..=JWT_SECONDS_MAX).contains(&second("exp").saturating_sub(second("iat")))
        })
    }

    async fn reply(&self, asked: Asked) -> Reply {
        let canned = match &self.source {
            AnswerSource::Written(answers) => match self.written(answers, &asked.name).await {
                Ok(canned) => canned,
                Err(violation) => return Some(violation),
            },
            AnswerSource::Living(answer, _) => answer(asked).await,
        };
        match canned.fault {
            Some(CannedFault::Silence) => std::future::pending().await,
            Some(CannedFault::Reset) => None,
            None => {
                let body = body_of(&canned);
                Some((canned.status, canned.headers, body))
            }
        }
    }

    /// The story's next answer to a call.
    async fn written(&self, answers: &Answers, name: &str) -> Result<Canned, Written> {
        let count = self.with(|seen| {
            let count = seen.counts.entry(name.to_owned()).or_default();
            *count = count.saturating_add(1);
            *count
        });
        self.arrivals.send_modify(|arrivals| *arrivals = arrivals.saturating_add(1));
        let canned = answers.get(name).and_then(|canned| canned.get(count.saturating_sub(1)).or(canned.last()));
        let Some(canned) = canned else {
            return Err(self.violation(format!("`{name}`: the story has no answer for it")));
        };
        self.all_have_come(&canned.after).await;
        Ok(canned.clone())
    }

    async fn all_have_come(&self, names: &BTreeSet<String>) {
        let mut arrivals = self.arrivals.subscribe();
        let missing = || self.with(|seen| names.iter().any(|name| !seen.counts.contains_key(name)));
        while missing() {
            // The sender lives as long as we do.
            let _ = arrivals.changed().await;
        }
    }
}

fn body_of(canned: &Canned) -> Bytes {
    match canned {
        Canned { body: Some(json), .. } => Bytes::from(json.to_string()),
        Canned { text: Some(text), .. } => Bytes::from(text.clone()),
        Canned { blanks: Some(bytes), .. } => Bytes::from(vec![b' '; *bytes]),
        _ => Bytes::new(),
    }
}

/// The fields of a form that a browser sends; null for anything else.
fn form_of(headers: &HeaderMap, body: &[u8]) -> Value {
    let is_form = headers.get(CONTENT_TYPE).is_some_and(|kind| kind == "application/x-www-form-urlencoded");
    let fields = url::form_urlencoded::parse(body).map(|(name, value)| (name.into_owned(), value.into_owned().into()));
    if is_form { Value::Object(fields.collect()) } else { Value::Null }
}
