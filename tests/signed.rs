//! Signed runs, over the life of a process: keys that are kept, and read again; and what a signature can do at all.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use environment_gate::config::{Given, Variables};
use environment_gate::handler::Handler;
use environment_gate::lambda::{Invocation, invoke};
use environment_gate::model::{ApiUrl, RunUrl};
use environment_gate::outcome::Report;
use environment_gate::simulation::{Simulation, SimulationRequest};
use environment_gate::time::Clock;
use environment_gate::world::{
    Canned, FakeGithub, KnownApp, Present, Story, issuer, record, recorded_policy, sign_tokens,
};
use jiff::SignedDuration;
use serde_json::json;
use tokio::net::TcpListener;

use crate::support::fixtures;
use crate::support::function::Files;

/// A GitHub whose answers do not run out, and what a program must know of it.
struct World {
    story: Story,
    github: FakeGithub,
    seconds: Arc<AtomicI64>,
    files: Files,
}

/// A process that lives on.
struct Process {
    world: World,
    handler: Handler,
}

impl World {
    async fn new(change: impl FnOnce(&mut Story)) -> Self {
        let mut story = fixtures::one("approve/a-signed-run");
        change(&mut story);
        let player = fixtures::player();
        let files = Files::new(player, &story.policy);
        let (app_id, _, key) = player.app();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        sign_tokens(&mut story.answers, listener.local_addr().unwrap().port()).unwrap();
        let known = KnownApp { id: app_id, public_key: key.public_der(), base_path: "" };
        let github = FakeGithub::serve(listener, story.answers.clone(), known).unwrap();
        Self { story, github, seconds: Arc::new(AtomicI64::new(0)), files }
    }

    fn variables(&self) -> Variables {
        let (app_id, webhook_secret, key) = fixtures::player().app();
        let given = Given {
            app_id: app_id.into(),
            webhook_secret,
            policy_file: PathBuf::from(self.files.path("policy.toml")),
            policies_dir: None,
            private_key: key.private_pem().clone(),
            issuer: issuer(&self.github.url()).unwrap().map(Arc::new),
        };
        Variables::given(ApiUrl::parse(&self.github.url()).unwrap(), given).unwrap()
    }

    fn clock(&self) -> Clock {
        let (present, passed) = (self.story.present, Arc::clone(&self.seconds));
        Clock::showing(move || present.checked_add(SignedDuration::from_secs(passed.load(Ordering::Relaxed))).unwrap())
    }

    fn times_read(&self, name: &str) -> usize {
        self.github.calls().iter().filter(|call| call.name == name).count()
    }
}

impl Process {
    async fn start(change: impl FnOnce(&mut Story)) -> Self {
        let world = World::new(change).await;
        let handler = Handler::open(world.variables(), fixtures::limits(), world.clock()).await.unwrap();
        Self { world, handler }
    }

    async fn deliver_after(&self, seconds: i64) -> Report {
        self.world.seconds.store(seconds, Ordering::Relaxed);
        let event = fixtures::player().event(&self.world.story, SignedDuration::ZERO, &self.world.github.url());
        match invoke(&self.handler, lambda_http::request::from_str(&event.to_string()).unwrap()).await.unwrap() {
            Invocation::Delivered(report) => *report,
            other => panic!("{other:?}"),
        }
    }
}

/// Shows these keys, one set after the other.
fn keys(story: &mut Story, sets: &[&str]) {
    let shown = |id: &&str| Canned { status: 200, keys: Some(vec![(*id).to_owned()]), ..Canned::default() };
    story.answers.insert("jwks".to_owned(), sets.iter().map(shown).collect());
}

#[tokio::test]
async fn keys_are_kept() {
    let process = Process::start(|_| {}).await;
    assert_eq!(process.deliver_after(0).await.outcome.name(), "approved");
    process.deliver_after(600).await;
    assert_eq!(process.world.times_read("jwks"), 1);
}

#[tokio::test]
async fn keys_are_read_again_after_an_hour() {
    let process = Process::start(|story| {
        keys(story, &["issuer-key", "issuer-key"]);
        let minted = story.answers.get_mut("access_tokens").unwrap();
        let mut later = minted[0].clone();
        later.body.as_mut().unwrap()["expires_at"] = "2026-01-05T12:10:00Z".into();
        minted.push(later);
    })
    .await;
    for seconds in [0, 3000, 3660] {
        assert_eq!(process.deliver_after(seconds).await.outcome.name(), "approved");
    }
    assert_eq!(process.world.times_read("jwks"), 2);
}

#[tokio::test]
async fn a_rule_that_demands_no_signature_is_decided_without_the_keys() {
    let process = Process::start(|story| {
        let unsigned = fixtures::one("approve/one-human-approved-the-gate").policy;
        story.policy = format!("{}\n{unsigned}", story.policy);
        story.answers.insert("jwks".to_owned(), vec![Canned { status: 503, ..Canned::default() }]);
    })
    .await;
    assert_eq!(process.deliver_after(0).await.outcome.name(), "approved");
}

#[tokio::test]
async fn a_key_that_is_not_known_has_the_keys_read_again() {
    let process = Process::start(|story| keys(story, &["older-key", "issuer-key"])).await;
    // They were read for this delivery, so they are as new as they can be.
    assert_eq!(process.deliver_after(0).await.outcome.name(), "rejected");
    assert_eq!(process.deliver_after(61).await.outcome.name(), "approved");
    assert_eq!(process.world.times_read("jwks"), 2);
}

#[tokio::test]
async fn keys_are_read_again_once_a_minute_at_most() {
    let process = Process::start(|story| keys(story, &["older-key"])).await;
    for seconds in [0, 20, 40, 59] {
        process.deliver_after(seconds).await;
    }
    assert_eq!(process.world.times_read("jwks"), 1);
}

#[tokio::test]
async fn a_set_without_keys_replaces_none() {
    let process = Process::start(|story| {
        keys(story, &["issuer-key"]);
        let empty = Canned { status: 200, keys: Some(Vec::new()), ..Canned::default() };
        story.answers.get_mut("jwks").unwrap().push(empty);
        let token = story.answers["blob.501"][0].clone();
        let mut unknown = token.clone();
        unknown.token.as_mut().unwrap().kid = Some("newer-key".to_owned());
        story.answers.insert("blob.501".to_owned(), vec![token.clone(), unknown, token]);
    })
    .await;
    assert_eq!(process.deliver_after(0).await.outcome.name(), "approved");
    let report = process.deliver_after(61).await;
    assert_eq!(report.outcome.name(), "deferred", "{}", report.outcome.reason());
    assert_eq!(process.deliver_after(122).await.outcome.name(), "approved", "by the keys that were kept");
}

#[tokio::test]
async fn everything_that_can_be_is_read_at_once() {
    let process = Process::start(|story| {
        // Each of these is answered only when all have been asked for.
        let together = ["run", "jobs.1", "approvals", "environment.release-gate", "artifacts", "jwks"];
        for name in together {
            let after = together.iter().filter(|other| **other != name).map(|other| (*other).to_owned()).collect();
            story.answers.get_mut(name).unwrap()[0].after = after;
        }
    })
    .await;
    assert_eq!(process.deliver_after(0).await.outcome.name(), "approved");
}

#[tokio::test]
async fn without_a_signed_rule_no_artifact_is_read() {
    let process =
        Process::start(|story| story.policy = fixtures::one("approve/one-human-approved-the-gate").policy).await;
    assert_eq!(process.deliver_after(0).await.outcome.name(), "approved");
    assert_eq!((process.world.times_read("artifacts"), process.world.times_read("jwks")), (0, 0));
}

#[tokio::test]
async fn a_signed_rule_is_an_error_where_tokens_do_not_name_their_job() {
    let player = fixtures::player();
    let story = fixtures::one("approve/a-signed-run");
    let files = Files::new(player, &story.policy);
    let (app_id, webhook_secret, key) = player.app();
    let given = Given {
        app_id: app_id.into(),
        webhook_secret,
        policy_file: PathBuf::from(files.path("policy.toml")),
        policies_dir: None,
        private_key: key.private_pem().clone(),
        issuer: None,
    };
    let variables = Variables::given(ApiUrl::parse("https://ghe.example.com/api/v3").unwrap(), given).unwrap();
    let error = Handler::open(variables, fixtures::limits(), Clock::system()).await.unwrap_err().to_string();
    assert!(error.contains("got a rule with `signed = true`, expected none"), "{error}");
}

#[tokio::test]
async fn a_run_with_many_artifacts_is_asked_for_the_one_by_its_name() {
    let process = Process::start(|story| {
        let artifacts = story.answers.get_mut("artifacts").unwrap();
        let found = artifacts[0].clone();
        let mut page = found.clone();
        let body = page.body.as_mut().unwrap();
        body["total_count"] = 250.into();
        body["artifacts"].as_array_mut().unwrap().pop();
        *artifacts = vec![page, found];
    })
    .await;
    assert_eq!(process.deliver_after(0).await.outcome.name(), "approved");
    let asked: Vec<String> = process
        .world
        .github
        .calls()
        .into_iter()
        .filter(|call| call.name == "artifacts")
        .map(|call| call.path)
        .collect();
    assert!(asked[1].ends_with("&name=environment-gate.7001.jwt"), "{asked:?}");
}

/// A recorded story keeps the token, which opens nothing, and is decided by it again.
#[tokio::test]
async fn what_is_simulated_of_a_signed_run_can_be_recorded_and_played() {
    let world = World::new(|story| {
        let installed = Canned { status: 200, body: Some(json!({ "id": 555 })), ..Canned::default() };
        story.answers.insert("installation".to_owned(), vec![installed]);
    })
    .await;
    let api = ApiUrl::parse(&world.github.url()).unwrap();
    let simulation = Simulation::open(world.variables(), fixtures::limits(), world.clock()).await.unwrap();
    let run = RunUrl::parse(&format!("{}/octo-org/widgets/actions/runs/9001", world.github.url()), &api).unwrap();
    let simulated = simulation.of(&SimulationRequest { run, environment: None, at: None }).await.unwrap();
    assert_eq!(simulated.outcome.name(), "approved", "{}", simulated.outcome.reason());
    let folder = PathBuf::from(world.files.path("recorded/signed"));
    std::fs::create_dir_all(folder.parent().unwrap()).unwrap();
    let policy = recorded_policy(simulation.policy(), &simulated.request.repository.name, simulated.outcome.rule());
    record(&folder, &simulated, &policy, &api).unwrap();
    let story = Story::read(&folder).unwrap();
    let played = fixtures::player().play(&story, Present::Story).await.unwrap();
    assert_eq!((played.report.outcome.name(), played.violations), ("approved", Vec::new()));
}
