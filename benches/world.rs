//! A GitHub and an AWS on loopback, with a time for each call and, if they are charged, for each handshake.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use environment_gate::world::{APP_ID, FakeGithub, KnownApp, Player, Story};
use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};

use crate::aws::{self, Stored};
use crate::policies::POLICIES;
use crate::support::authority::authority;
use crate::support::fixtures;
use crate::support::function::Files;
use crate::support::lambda::Lambda;
use crate::support::runs::{Stage, with_run};

/// What a TLS handshake costs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Handshakes {
    /// There is no TLS.
    None,
    /// Its computation alone.
    Free,
    /// Two calls: the connection's round trip, and TLS's.
    TwoCalls,
}

pub(crate) struct Setup {
    pub(crate) call: Duration,
    pub(crate) handshakes: Handshakes,
    /// Are settings read from AWS?
    pub(crate) aws: bool,
    pub(crate) told: Told,
}

/// How much GitHub tells: beside the exchanges themselves, a decision costs the JSON that it is read from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    /// A delivery of 12 kB and answers of 15: a release from a branch or a tag that is no pull request's.
    Usual,
    /// A pull request in the delivery, as in GitHub's own example, makes 30 kB of it.
    PullRequest,
    /// None of the links of which GitHub's answers mostly consist.
    WithoutLinks,
}

/// What is measured: a build of the function, with policies in Rego or without.
pub(crate) struct Program {
    pub(crate) path: PathBuf,
    pub(crate) with_policies: bool,
}

pub(crate) struct World {
    stage: Stage,
    story: Story,
    moved_by: jiff::SignedDuration,
    player: Player,
    url: String,
    variables: Vec<(&'static str, String)>,
    /// Where policies in Rego are.
    policies: (&'static str, String),
    run: std::cell::Cell<u64>,
    /// Held so that they go on until this is dropped.
    _held: (Files, FakeGithub, Option<tokio::task::JoinHandle<()>>),
}

impl World {
    pub(crate) async fn new(setup: Setup) -> Self {
        let player = Player::new(fixtures::limits()).unwrap();
        let mut story = fixtures::one("approve/one-human-approved-the-gate");
        if setup.told != Told::PullRequest {
            story.webhook["pull_requests"] = Value::Array(Vec::new());
        }
        if setup.told == Told::WithoutLinks {
            let bodies = story.answers.values_mut().flatten().filter_map(|canned| canned.body.as_mut());
            bodies.chain([&mut story.webhook]).for_each(without_links);
        }
        let (pem, config) = authority();
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        let handshake = if setup.handshakes == Handshakes::TwoCalls { setup.call * 2 } else { Duration::ZERO };
        let tls = move |stream: TcpStream| {
            let acceptor = acceptor.clone();
            async move {
                tokio::time::sleep(handshake).await;
                acceptor.accept(stream).await
            }
        };
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let url = match setup.handshakes {
            Handshakes::None => format!("http://127.0.0.1:{port}"),
            _ => format!("https://localhost:{port}"),
        };
        let now = Timestamp::now();
        let moved_by = now.duration_since(story.present);
        story.answers = Player::answers(&story, now, &url);
        let stage = Stage::new(setup.call);
        let (_, _, key) = player.app();
        let app = KnownApp { id: APP_ID, public_key: key.public_der(), base_path: "" };
        let github = match setup.handshakes {
            Handshakes::None => FakeGithub::serve(listener, stage.source(&story), app),
            _ => FakeGithub::serve_wrapped(listener, stage.source(&story), app, tls.clone()),
        };
        let files = Files::of_story(&player, &story);
        std::fs::write(files.path("anchors.pem"), pem).unwrap();
        let mut variables = vec![("GITHUB_API_URL", url.clone())];
        let mut aws = None;
        let policies = if setup.aws {
            ("POLICIES_PATH", "/gate/policies/".to_owned())
        } else {
            ("POLICIES_DIR", files_of_policies(&files))
        };
        if setup.handshakes != Handshakes::None {
            variables.push(("SSL_CERT_FILE", files.path("anchors.pem")));
        }
        if setup.aws {
            let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
            variables.extend(from_aws(listener.local_addr().unwrap().port()));
            aws = Some(aws::serve(listener, stored(&player, &story, setup.call), tls));
        } else {
            variables.extend(from_files(&player, &files));
        }
        let run = std::cell::Cell::new(1_000_000);
        let github = github.unwrap();
        Self { stage, story, moved_by, player, url, variables, policies, run, _held: (files, github, aws) }
    }

    /// Starts a program as the function.
    pub(crate) async fn start(&self, program: &Program, more: &[(&str, &str)]) -> Lambda {
        let policies = program.with_policies.then_some(&self.policies);
        let own = self.variables.iter().chain(policies).map(|(name, value)| (*name, value.as_str()));
        let metrics = [("METRICS_NAMESPACE", "EnvironmentGate/bench")];
        let variables: Vec<(&str, &str)> = own.chain(metrics).chain(more.iter().copied()).collect();
        Lambda::start_program(&program.path, &variables).await
    }

    /// From the start of a process to the answer of its first delivery.
    pub(crate) async fn cold(&self, program: &Program) -> Duration {
        let event = self.next_event();
        let mut lambda = self.start(program, &[]).await;
        self.deliver(&mut lambda, event).await;
        lambda.started.elapsed()
    }

    /// Decisions of a warm process, and the calls that one takes.
    pub(crate) async fn warm(&self, program: &Program, decisions: usize) -> (Vec<Duration>, u64) {
        let mut lambda = self.start(program, &[]).await;
        let event = self.next_event();
        self.deliver(&mut lambda, event).await;
        let mut times = Vec::new();
        for _ in 0..decisions {
            let event = self.next_event();
            let began = Instant::now();
            self.deliver(&mut lambda, event).await;
            times.push(began.elapsed());
        }
        (times, u64::try_from(self.stage.calls()).unwrap())
    }

    /// CPU time of a warm decision, and the most memory that the process held, in kB.
    pub(crate) async fn cpu(&self, program: &Program, decisions: u64) -> (Duration, u64) {
        let mut lambda = self.start(program, &[]).await;
        let mut before = Duration::ZERO;
        for number in 0..2 * decisions {
            if number == decisions {
                before = cpu_of(&lambda);
            }
            let event = self.next_event();
            self.deliver(&mut lambda, event).await;
        }
        let spent = cpu_of(&lambda).saturating_sub(before) / u32::try_from(decisions).unwrap();
        let status = std::fs::read_to_string(format!("/proc/{}/status", lambda.child.id().unwrap())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        (spent, peak.trim().trim_end_matches(" kB").parse().unwrap())
    }

    /// The story's delivery for a run that nobody has seen.
    fn next_event(&self) -> Value {
        self.run.set(self.run.get() + 1);
        self.stage.play(&self.story, self.run.get());
        let mut story = self.story.clone();
        story.webhook = with_run(&story.webhook, self.run.get());
        self.player.event(&story, self.moved_by, &self.url)
    }

    async fn deliver(&self, lambda: &mut Lambda, event: Value) {
        let answer = lambda.invoke(event).await;
        assert_eq!(answer.status(), 204, "{answer:?} {}", lambda.log());
    }
}

/// The time that all threads of a process spent on a processor.
fn cpu_of(lambda: &Lambda) -> Duration {
    let tasks = std::fs::read_dir(format!("/proc/{}/task", lambda.child.id().unwrap())).unwrap();
    let spent = tasks.map(|task| {
        let text = std::fs::read_to_string(task.unwrap().path().join("schedstat")).unwrap();
        text.split(' ').next().unwrap().parse::<u64>().unwrap()
    });
    Duration::from_nanos(spent.sum())
}

/// Takes the links out that nobody reads.
fn without_links(value: &mut Value) {
    match value {
        Value::Object(entries) => {
            entries.retain(|key, _| key == "deployment_callback_url" || !key.ends_with("url"));
            entries.values_mut().for_each(without_links);
        }
        Value::Array(items) => items.iter_mut().for_each(without_links),
        _ => {}
    }
}

fn from_aws(port: u16) -> Vec<(&'static str, String)> {
    [
        ("AWS_ENDPOINT_URL", format!("https://localhost:{port}").as_str()),
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
        ("APP_ID_PARAMETER", "/gate/app-id"),
        ("WEBHOOK_SECRET_PARAMETER", "/gate/webhook-secret"),
        ("POLICY_PARAMETER", "/gate/policy"),
        ("PRIVATE_KEY_SECRET", "private-key"),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .into()
}

/// The one webhook secret that there is while none is rotated.
fn webhook_secret(player: &Player) -> String {
    let (_, secrets, _) = player.app();
    secrets.expose_secret().lines().next().unwrap().to_owned()
}

fn stored(player: &Player, story: &Story, latency: Duration) -> Stored {
    let (app_id, _, key) = player.app();
    let webhook_secret = webhook_secret(player);
    let parameters = [
        ("/gate/app-id", app_id),
        ("/gate/webhook-secret", webhook_secret.as_str()),
        ("/gate/policy", story.policy.as_str()),
    ];
    let parameters = parameters.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let policies = POLICIES.map(|(name, text)| (format!("/gate/policies/{name}"), text.to_owned())).into();
    Stored { parameters, policies, secret: key.private_pem().expose_secret().to_owned(), latency }
}

/// The folder of the policies in Rego.
fn files_of_policies(files: &Files) -> String {
    let folder = files.path("policies");
    std::fs::create_dir_all(&folder).unwrap();
    for (name, text) in POLICIES {
        std::fs::write(format!("{folder}/{name}.rego"), text).unwrap();
    }
    folder
}

fn from_files(player: &Player, files: &Files) -> Vec<(&'static str, String)> {
    let (app_id, ..) = player.app();
    vec![
        ("APP_ID", app_id.to_owned()),
        ("WEBHOOK_SECRET", webhook_secret(player)),
        ("POLICY_FILE", files.path("policy.toml")),
        ("PRIVATE_KEY_FILE", files.path("key.pem")),
    ]
}
