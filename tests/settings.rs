//! Settings of a running process: read again when they are old, kept when they cannot be.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use environment_gate::config::{Given, Variables};
use environment_gate::handler::Handler;
use environment_gate::lambda::{Invocation as Invoked, invoke};
use environment_gate::model::ApiUrl;
use environment_gate::time::Clock;
use environment_gate::world::{FakeGithub, Player, Story};
use jiff::{SignedDuration, Timestamp};

use crate::support::fixtures;
use crate::support::function::Files;
use crate::support::github::app;

struct World {
    handler: Handler,
    player: &'static Player,
    story: Story,
    github: FakeGithub,
    minutes: Arc<AtomicI64>,
    files: Files,
}

impl World {
    async fn start() -> Self {
        let player = fixtures::player();
        let story = fixtures::one("approve/one-human-approved-the-gate");
        let files = Files::new(player, &story.policy);
        let (app_id, webhook_secret, key) = player.app();
        let github = FakeGithub::start(story.answers.clone(), app(player)).await.unwrap();
        let minutes = Arc::new(AtomicI64::new(0));
        let (present, passed) = (story.present, Arc::clone(&minutes));
        let now = move || -> Timestamp {
            present.checked_add(SignedDuration::from_mins(passed.load(Ordering::Relaxed))).unwrap()
        };
        let given = Given {
            app_id: app_id.into(),
            webhook_secret,
            policy_file: PathBuf::from(files.path("policy.toml")),
            private_key: key.private_pem().clone(),
        };
        let variables = Variables::given(ApiUrl::parse(&github.url()).unwrap(), given).unwrap();
        let handler = Handler::open(variables, fixtures::limits(), Clock::showing(now)).await.unwrap();
        Self { handler, player, story, github, minutes, files }
    }

    async fn outcome_after(&self, minutes: i64) -> &'static str {
        self.minutes.store(minutes, Ordering::Relaxed);
        let event = self.player.event(&self.story, SignedDuration::ZERO, &self.github.url());
        let request = lambda_http::request::from_str(&event.to_string()).unwrap();
        match invoke(&self.handler, request).await.unwrap() {
            Invoked::Delivered(report) => report.outcome.name(),
            other => panic!("{other:?}"),
        }
    }

    fn write_policy(&self, policy: &str) {
        std::fs::write(self.files.path("policy.toml"), policy).unwrap();
    }
}

#[tokio::test]
async fn a_new_policy_holds_when_the_old_one_is_five_minutes_old() {
    let world = World::start().await;
    assert_eq!(world.outcome_after(0).await, "approved");
    world.write_policy("pause = true\n");
    assert_eq!(world.outcome_after(5).await, "approved");
    assert_eq!(world.outcome_after(6).await, "deferred");
}

#[tokio::test]
async fn what_cannot_be_read_again_stays_in_use() {
    let world = World::start().await;
    assert_eq!(world.outcome_after(0).await, "approved");
    world.write_policy("this is no policy");
    assert_eq!(world.outcome_after(6).await, "approved");
    std::fs::remove_file(world.files.path("policy.toml")).unwrap();
    assert_eq!(world.outcome_after(12).await, "approved");
    world.write_policy("pause = true\n");
    assert_eq!(world.outcome_after(18).await, "deferred");
}
