//! One process of the function, in this one: deliveries and sweeps one after the other, at times that a test says.

use std::sync::{Arc, Mutex};

use environment_gate::config::{Given, Variables};
use environment_gate::github::Limits;
use environment_gate::handler::Handler;
use environment_gate::lambda::{Invocation as Invoked, invoke};
use environment_gate::model::ApiUrl;
use environment_gate::outcome::Report;
use environment_gate::recovery::{Sweep, SweepMode};
use environment_gate::time::Clock;
use environment_gate::world::{FakeGithub, Player, Story};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::busy::{Busy, Plan};
use super::fixtures;
use super::function::Files;
use super::github::{app, listen};
use super::mortal::{Connections, Death};

/// The process, its GitHub, and the present.
pub(crate) struct Process {
    handler: Handler,
    pub(crate) github: Busy,
    pub(crate) fake: FakeGithub,
    pub(crate) connections: Connections,
    now: Arc<Mutex<Timestamp>>,
    story: Story,
    player: &'static Player,
    _files: Files,
}

/// A delivery that was answered.
pub(crate) struct Answered {
    pub(crate) report: Report,
    /// The names of the calls that it took, in their order.
    pub(crate) calls: Vec<String>,
}

impl Process {
    /// Starts it in the present of a story.
    pub(crate) async fn start(story: Story, plan: Plan, (limits, death): (Limits, Death)) -> Self {
        let player = fixtures::player();
        let (app_id, webhook_secret, key) = player.app();
        let (listener, url) = listen().await;
        let github = Busy::new(&story, story.present, &url, plan);
        let connections = Connections::new(death);
        let open = connections.clone();
        let wrap = move |stream| {
            let mortal = open.open(stream);
            async move { Ok(mortal) }
        };
        let fake = FakeGithub::serve_wrapped(listener, github.source(), app(player), wrap).unwrap();
        let files = Files::of_story(player, &story);
        let given = Given {
            app_id: app_id.into(),
            webhook_secret,
            policy_file: files.path("policy.toml").into(),
            policies_dir: files.policies(),
            private_key: key.private_pem().clone(),
            issuer: None,
        };
        let now = Arc::new(Mutex::new(story.present));
        let present = Arc::clone(&now);
        let clock = Clock::showing(move || *present.lock().unwrap());
        let variables = Variables::given(ApiUrl::parse(&url).unwrap(), given).unwrap();
        let handler = Handler::open(variables, limits, clock).await.unwrap();
        Self { handler, github, fake, connections, now, story, player, _files: files }
    }

    /// Time passes.
    pub(crate) fn later(&self, by: SignedDuration) {
        let mut now = self.now.lock().unwrap();
        *now = now.checked_add(by).unwrap();
    }

    pub(crate) fn now(&self) -> Timestamp {
        *self.now.lock().unwrap()
    }

    /// The story's delivery comes.
    pub(crate) async fn deliver(&self) -> Answered {
        self.deliver_with(|_| {}).await
    }

    /// It comes with another body.
    pub(crate) async fn deliver_with(&self, change: impl FnOnce(&mut Value)) -> Answered {
        let mut story = self.story.clone();
        change(&mut story.webhook);
        let event = self.player.event(&story, SignedDuration::ZERO, &self.fake.url());
        let before = self.fake.calls().len();
        let request = lambda_http::request::from_str(&event.to_string()).unwrap();
        let Invoked::Delivered(report) = invoke(&self.handler, request).await.unwrap() else { panic!("no delivery") };
        if report.outcome.status() >= 300 {
            self.github.failed(report.outcome.status(), self.now());
        }
        Answered { report: *report, calls: self.calls_since(before) }
    }

    /// A sweep comes; its calls too.
    pub(crate) async fn sweep(&self) -> (Sweep, Vec<String>) {
        let before = self.fake.calls().len();
        let swept = self.handler.sweep(SweepMode::Scheduled).await;
        (swept, self.calls_since(before))
    }

    fn calls_since(&self, before: usize) -> Vec<String> {
        self.fake.calls().split_off(before).into_iter().map(|call| call.name).collect()
    }
}
