//! A Lambda Runtime API of the tests' own: it starts the built `webhook` as Lambda does and hands it events.
//! (<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>)

use std::collections::HashMap;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, oneshot};

/// Lambda's own limit for this function, and some.
const PATIENCE: Duration = Duration::from_secs(20);

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
    log: Arc<Mutex<Vec<String>>>,
    next: u32,
    /// When the process was started.
    pub(crate) started: Instant,
    ready: Arc<OnceLock<Instant>>,
}

struct Api {
    events: tokio::sync::Mutex<mpsc::UnboundedReceiver<(String, Value)>>,
    waiting: Waiting,
    ready: Arc<OnceLock<Instant>>,
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
        let ready = Arc::<OnceLock<Instant>>::default();
        let events_api = tokio::sync::Mutex::new(receiver);
        let api = Arc::new(Api { events: events_api, waiting: Arc::clone(&waiting), ready: Arc::clone(&ready) });
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
        let started = Instant::now();
        let mut child = Command::new(program)
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", "environment-gate")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/environment-gate")
            .env("AWS_LAMBDA_LOG_STREAM_NAME", "2026/01/05/[$LATEST]0")
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let log = Arc::<Mutex<Vec<String>>>::default();
        let stdout = BufReader::new(child.stdout.take().unwrap()).lines();
        let stderr = BufReader::new(child.stderr.take().unwrap()).lines();
        let (to_log, to_log_too) = (Arc::clone(&log), Arc::clone(&log));
        tokio::spawn(keep(stdout, to_log));
        tokio::spawn(keep(stderr, to_log_too));
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
        let asked = async {
            while self.ready.get().is_none() {
                tokio::time::sleep(Duration::from_micros(100)).await;
            }
        };
        tokio::time::timeout(PATIENCE, asked).await.unwrap_or_else(|_| panic!("not ready; log: {}", self.log()));
        self.ready.get().unwrap().duration_since(self.started)
    }

    /// Waits for the function to end by itself.
    pub(crate) async fn end(&mut self) -> std::process::ExitStatus {
        tokio::time::timeout(PATIENCE, self.child.wait()).await.expect("the function ends").unwrap()
    }

    /// Everything that it wrote so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().join("\n")
    }
}

async fn keep<R: tokio::io::AsyncBufRead + Unpin>(mut lines: tokio::io::Lines<R>, log: Arc<Mutex<Vec<String>>>) {
    while let Ok(Some(line)) = lines.next_line().await {
        log.lock().unwrap().push(line);
    }
}

async fn respond(api: Arc<Api>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let path = request.uri().path().to_owned();
    let parts: Vec<&str> = path.trim_start_matches("/2018-06-01/runtime/").split('/').collect();
    let body = request.into_body().collect().await?.to_bytes();
    let json = || serde_json::from_slice::<Value>(&body).unwrap_or(Value::Null);
    Ok(match parts.as_slice() {
        ["invocation", "next"] => {
            api.ready.get_or_init(Instant::now);
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
