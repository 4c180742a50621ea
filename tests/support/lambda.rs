//! A Lambda Runtime API of the tests' own: it starts the built `webhook` as Lambda does and hands it events.
//! (<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>)

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, oneshot, watch};

use super::PATIENCE;

/// What came of an invocation.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Invocation {
    /// The function's answer.
    Answer(Value),
    /// The function said that it failed.
    Error(Value),
}

impl Invocation {
    /// The HTTP status of an answer; 0 for an answer without one.
    pub(crate) fn status(&self) -> u64 {
        match self {
            Self::Answer(answer) => answer["statusCode"].as_u64().unwrap_or(0),
            Self::Error(_) => 502,
        }
    }
}

type Waiting = Arc<Mutex<HashMap<String, oneshot::Sender<Invocation>>>>;

/// The function, running.
pub(crate) struct Lambda {
    events: mpsc::UnboundedSender<(String, Value)>,
    waiting: Waiting,
    pub(crate) child: Child,
    log: File,
    next: u32,
    /// When the process was started.
    pub(crate) started: Instant,
    ready: watch::Receiver<Option<Instant>>,
}

struct Api {
    events: tokio::sync::Mutex<mpsc::UnboundedReceiver<(String, Value)>>,
    waiting: Waiting,
    ready: watch::Sender<Option<Instant>>,
}

impl Lambda {
    /// Starts `webhook` with these variables and no others.
    pub(crate) async fn start(variables: &[(&str, &str)]) -> Self {
        Self::start_program(Path::new(env!("CARGO_BIN_EXE_webhook")), variables).await
    }

    /// Starts a program that is to be a Lambda function.
    pub(crate) async fn start_program(program: &Path, variables: &[(&str, &str)]) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (events, receiver) = mpsc::unbounded_channel();
        let waiting = Waiting::default();
        let (asked, ready) = watch::channel(None);
        let events_api = tokio::sync::Mutex::new(receiver);
        let api = Arc::new(Api { events: events_api, waiting: Arc::clone(&waiting), ready: asked });
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).unwrap();
                let api = Arc::clone(&api);
                let serve = hyper::service::service_fn(move |request| respond(Arc::clone(&api), request));
                tokio::spawn(async move {
                    let _ =
                        auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), serve).await;
                });
            }
        });
        let log = unnamed_file();
        let started = Instant::now();
        let child = Command::new(program)
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", "environment-gate")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/environment-gate")
            .env("AWS_LAMBDA_LOG_STREAM_NAME", "2026/01/05/[$LATEST]0")
            .envs(variables.iter().copied())
            .stdout(log.try_clone().unwrap())
            .stderr(log.try_clone().unwrap())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        Self { events, waiting, child, log, next: 0, started, ready }
    }

    /// Invokes the function once.
    pub(crate) async fn invoke(&mut self, event: Value) -> Invocation {
        self.next += 1;
        let id = format!("00000000-0000-0000-0000-{:012}", self.next);
        let (sender, receiver) = oneshot::channel();
        self.waiting.lock().unwrap().insert(id.clone(), sender);
        self.events.send((id, event)).unwrap();
        tokio::select! {
            answer = tokio::time::timeout(PATIENCE, receiver) => {
                answer.unwrap_or_else(|_| panic!("no answer within {PATIENCE:?}; log: {}", self.log())).unwrap()
            }
            status = self.child.wait() => panic!("the function ended with {status:?}; log: {}", self.log()),
        }
    }

    /// Waits until the function asks for its first event, and says how long that took.
    pub(crate) async fn ready(&self) -> Duration {
        let mut ready = self.ready.clone();
        let asked = tokio::time::timeout(PATIENCE, ready.wait_for(Option::is_some)).await;
        let asked = asked.unwrap_or_else(|_| panic!("not ready; log: {}", self.log())).unwrap();
        asked.unwrap().duration_since(self.started)
    }

    /// Waits for the function to end by itself.
    pub(crate) async fn end(&mut self) -> std::process::ExitStatus {
        tokio::time::timeout(PATIENCE, self.child.wait()).await.expect("the function ends").unwrap()
    }

    /// Everything that it wrote so far: before it answered, or before it ended.
    pub(crate) fn log(&self) -> String {
        let mut written = vec![0; usize::try_from(self.log.metadata().unwrap().len()).unwrap()];
        self.log.read_exact_at(&mut written, 0).unwrap();
        String::from_utf8_lossy(&written).into_owned()
    }
}

/// A file without a name. Unlike a pipe it needs no reader that keeps up: what a process wrote before it answered is there when the answer is.
fn unnamed_file() -> File {
    let path = std::env::temp_dir().join(format!("environment-gate-{:016x}.log", fastrand::u64(..)));
    let file = File::options().create_new(true).append(true).read(true).open(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    file
}

async fn respond(api: Arc<Api>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let path = request.uri().path().to_owned();
    let parts: Vec<&str> = path.trim_start_matches("/2018-06-01/runtime/").split('/').collect();
    let body = request.into_body().collect().await?.to_bytes();
    let json = || serde_json::from_slice::<Value>(&body).unwrap_or(Value::Null);
    Ok(match parts.as_slice() {
        ["invocation", "next"] => {
            api.ready.send_if_modified(|ready| {
                let is_first = ready.is_none();
                ready.get_or_insert_with(Instant::now);
                is_first
            });
            // A host without events leaves the call open.
            let Some((id, event)) = api.events.lock().await.recv().await else {
                return std::future::pending().await;
            };
            Response::builder()
                .header("lambda-runtime-aws-request-id", id)
                .header("lambda-runtime-deadline-ms", "4102444800000")
                .header("lambda-runtime-invoked-function-arn", "arn:aws:lambda:eu-central-1:123456789012:function:gate")
                .body(Full::new(Bytes::from(event.to_string())))
                .unwrap()
        }
        ["invocation", id, kind @ ("response" | "error")] => {
            let answer = if *kind == "response" { Invocation::Answer(json()) } else { Invocation::Error(json()) };
            if let Some(waiting) = api.waiting.lock().unwrap().remove(*id) {
                let _ = waiting.send(answer);
            }
            Response::builder().status(202).body(Full::default()).unwrap()
        }
        _ => Response::builder().status(404).body(Full::default()).unwrap(),
    })
}
