//! Settings of a running process: read again when they are old, kept when they cannot be, and a pause when the policy is not one.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use environment_gate::config::{Given, Variables};
use environment_gate::handler::Handler;
use environment_gate::lambda::{Invocation as Invoked, invoke};
use environment_gate::model::ApiUrl;
use environment_gate::outcome::Report;
use environment_gate::recovery::SweepMode;
use environment_gate::time::Clock;
use environment_gate::world::{AnswerSource, Canned, FakeGithub, Player, Story};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::support::fixtures;
use crate::support::function::{self, Files};
use crate::support::github::{Staged, app};

const APPROVED: &str = "approve/one-human-approved-the-gate";
/// A policy that rejects the run for its ref, and one that has no rule for its repository.
const REJECTING: [&str; 2] = [
    "[[rule]]\nrepositories = [\"octo-org/widgets\"]\nrefs = [\"v*\"]\n",
    "[[rule]]\nrepositories = [\"octo-org/other\"]\nrefs = [\"main\"]\n",
];

/// A running process whose policy is a file, and a clock that a test sets.
pub(crate) struct World {
    handler: Handler,
    player: &'static Player,
    story: Story,
    github: FakeGithub,
    minutes: Arc<AtomicI64>,
    files: Files,
}

impl World {
    async fn start() -> Self {
        let story = fixtures::one(APPROVED);
        Self::with(&story.policy, story.answers).await
    }

    /// The approving story under another policy, with other answers.
    pub(crate) async fn with(policy: &str, answers: impl Into<AnswerSource>) -> Self {
        let player = fixtures::player();
        let story = fixtures::one(APPROVED);
        let files = Files::new(player, policy);
        let (app_id, webhook_secret, key) = player.app();
        let github = FakeGithub::start(answers, app(player)).await.unwrap();
        let minutes = Arc::new(AtomicI64::new(0));
        let (present, passed) = (story.present, Arc::clone(&minutes));
        let now = move || -> Timestamp {
            present.checked_add(SignedDuration::from_mins(passed.load(Ordering::Relaxed))).unwrap()
        };
        let given = Given {
            app_id: app_id.into(),
            webhook_secret,
            policy_file: PathBuf::from(files.path("policy.toml")),
            policies_dir: None,
            private_key: key.private_pem().clone(),
            issuer: None,
        };
        let variables = Variables::given(ApiUrl::parse(&github.url()).unwrap(), given).unwrap();
        let handler = Handler::open(variables, fixtures::limits(), Clock::showing(now)).await.unwrap();
        Self { handler, player, story, github, minutes, files }
    }

    pub(crate) async fn outcome_after(&self, minutes: i64) -> &'static str {
        self.report_after(minutes).await.outcome.name()
    }

    async fn report_after(&self, minutes: i64) -> Report {
        self.minutes.store(minutes, Ordering::Relaxed);
        let event = self.player.event(&self.story, SignedDuration::ZERO, &self.github.url());
        let request = lambda_http::request::from_str(&event.to_string()).unwrap();
        match invoke(&self.handler, request).await.unwrap() {
            Invoked::Delivered(report) => *report,
            other => panic!("{other:?}"),
        }
    }

    /// The names of the calls to GitHub so far.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.github.calls().into_iter().map(|call| call.name).collect()
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
async fn a_rejection_waits_for_the_policy_of_now_and_a_fixed_one_approves() {
    let story = fixtures::one(APPROVED);
    for rejecting in REJECTING {
        let world = World::with(rejecting, story.answers.clone()).await;
        world.write_policy(&story.policy);
        assert_eq!(world.outcome_after(1).await, "approved", "{rejecting}");
        let sent: Vec<_> = world.github.calls().into_iter().filter(|call| call.name == "review").collect();
        assert_eq!(sent.len(), 1, "{rejecting}");
        assert_eq!(sent[0].sent["state"], "approved", "{rejecting}");
    }
}

#[tokio::test]
async fn a_rejection_by_the_policy_of_now_stands() {
    for rejecting in REJECTING {
        let world = World::with(rejecting, fixtures::one(APPROVED).answers).await;
        assert_eq!(world.outcome_after(1).await, "rejected", "{rejecting}");
    }
}

#[tokio::test]
async fn a_policy_that_does_not_parse_pauses_until_it_is_fixed() {
    let world = World::start().await;
    assert_eq!(world.outcome_after(0).await, "approved");
    world.write_policy("pause = True\n");
    let report = world.report_after(6).await;
    let reason = report.outcome.reason();
    assert_eq!((report.outcome.name(), report.outcome.status(), report.calls), ("deferred", 503, 0), "{reason}");
    assert!(
        reason.starts_with("the policy cannot be read, so everything waits until it is fixed: `POLICY_FILE`"),
        "{reason}"
    );
    assert!(reason.contains("policy line 1"), "{reason}");
    world.write_policy(&world.story.policy);
    assert_eq!(world.outcome_after(7).await, "approved");
}

#[tokio::test]
async fn what_a_policy_rejected_waits_once_it_is_broken() {
    let world = World::start().await;
    world.write_policy("[[rule]]\nrepositories = [\"octo-org/other\"]\nrefs = [\"main\"]\n");
    assert_eq!(world.outcome_after(6).await, "rejected");
    world.write_policy("[[rule]]\nrepositories = [\"octo-org/other\"]\nrefs = [main]\n");
    assert_eq!(world.outcome_after(12).await, "deferred");
}

#[tokio::test]
async fn a_policy_that_is_gone_pauses() {
    let world = World::start().await;
    std::fs::remove_file(world.files.path("policy.toml")).unwrap();
    assert_eq!(world.outcome_after(6).await, "deferred");
}

#[tokio::test]
async fn a_policy_that_cannot_be_reached_stays_in_use() {
    let world = World::start().await;
    std::fs::remove_file(world.files.path("policy.toml")).unwrap();
    std::fs::create_dir(world.files.path("policy.toml")).unwrap();
    assert_eq!(world.outcome_after(6).await, "approved");
}

#[tokio::test]
async fn a_sweep_says_that_the_policy_cannot_be_read() {
    let world = World::start().await;
    world.write_policy("pause = True\n");
    world.minutes.store(6, Ordering::Relaxed);
    let swept = world.handler.sweep(SweepMode::Scheduled).await;
    assert!(swept.paused && !swept.is_complete(), "{swept:?}");
    assert!(swept.problems[0].starts_with("the policy cannot be read"), "{swept:?}");
}

#[tokio::test]
async fn a_sweep_whose_app_is_refused_reads_the_settings_again() {
    let mut story = fixtures::one(APPROVED);
    let refused = json!({ "message": "A JSON web token could not be decoded" });
    let refused = Canned { status: 401, body: Some(refused), ..Canned::default() };
    story.answers.insert("deliveries".to_owned(), vec![refused]);
    let world = World::with(&story.policy, story.answers).await;
    world.write_policy("pause = true\n");
    world.minutes.store(2, Ordering::Relaxed);
    let swept = world.handler.sweep(SweepMode::Scheduled).await;
    assert!(!swept.is_complete(), "{swept:?}");
    assert_eq!(
        world.outcome_after(3).await,
        "deferred",
        "the new policy is in use before the old one is five minutes old"
    );
}

#[tokio::test]
async fn a_broken_policy_writes_the_line_that_the_alarm_counts() {
    let player = fixtures::player();
    let story = fixtures::one("approve/one-human-approved-the-gate");
    let Staged { github, event } = Staged::new(&story).await;
    let files = Files::of_story(player, &story);
    // The lowest level that the template takes.
    let mut lambda = function::start(player, &files, &github.url(), &[("RUST_LOG", "error")]).await;
    lambda.ready().await;
    std::fs::write(files.path("policy.toml"), "pause = True\n").unwrap();
    let mut forged = event.clone();
    forged["headers"]["x-hub-signature-256"] = format!("sha256={}", "0".repeat(64)).into();
    assert_eq!(lambda.invoke(forged).await.status(), 401, "a wrong signature makes it read again");
    assert_eq!(lambda.invoke(event).await.status(), 503);
    let log = lambda.log();
    let line = log.lines().find(|line| line.contains("\"target\":\"environment_gate::config\"")).unwrap_or(&log);
    assert!(line.contains("POLICY_FILE") && line.contains("everything waits until it is fixed"), "{line}");
}
