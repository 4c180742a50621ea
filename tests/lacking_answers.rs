//! One answer of GitHub that lacks something, or settings a few minutes old, must not end a good release.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use environment_gate::config::{Given, Variables};
use environment_gate::handler::Handler;
use environment_gate::lambda::{Invocation, invoke};
use environment_gate::model::ApiUrl;
use environment_gate::time::Clock;
use environment_gate::world::{Canned, CannedFault, FakeCall, FakeGithub, Player, Present, Story};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::support::fixtures;
use crate::support::function::Files;
use crate::support::github::app;

/// The good story, in which our environment is listed as pending to whoever asks.
fn good() -> Story {
    let mut story = fixtures::one("approve/one-human-approved-the-gate");
    let pending = json!([{ "environment": { "id": 502, "name": "release" } }]);
    let answer = Canned { status: 200, body: Some(pending), ..Canned::default() };
    story.answers.insert("pending_deployments".to_owned(), vec![answer]);
    story
}

fn body<'s>(story: &'s mut Story, answer: &str) -> &'s mut Value {
    story.answers.get_mut(answer).unwrap()[0].body.as_mut().unwrap()
}

async fn outcome(story: &Story) -> (&'static str, String) {
    let played = fixtures::player().play(story, Present::Story).await.unwrap();
    (played.report.outcome.name(), played.report.outcome.reason())
}

/// The good story, in which the first answer to one read is this one. The second is right, if anybody asks again.
async fn once(answer: &str, lacking: Value) -> (&'static str, String) {
    let mut story = good();
    story.answers.get_mut(answer).unwrap().insert(0, Canned { status: 200, body: Some(lacking), ..Canned::default() });
    outcome(&story).await
}

/// The good story with one thing gone from an answer for ever.
async fn without(answer: &str, remove: impl FnOnce(&mut Value)) -> (&'static str, String) {
    let mut story = good();
    remove(body(&mut story, answer));
    outcome(&story).await
}

fn is_not_final((outcome, reason): (&str, String)) {
    assert!(matches!(outcome, "approved" | "deferred"), "{outcome}: {reason}");
}

#[tokio::test]
async fn one_empty_review_history_rejects_nothing() {
    is_not_final(once("approvals", json!([])).await);
}

#[tokio::test]
async fn one_list_of_jobs_without_the_gate_and_without_a_waiting_job_rejects_nothing() {
    let mut story = good();
    let mut jobs = body(&mut story, "jobs.1").clone();
    jobs["jobs"].as_array_mut().unwrap().retain(|job| job["name"] == "build");
    jobs["total_count"] = 1.into();
    is_not_final(once("jobs.1", jobs).await);
}

#[tokio::test]
async fn one_empty_list_of_protection_rules_rejects_nothing() {
    let mut story = good();
    let mut environment = body(&mut story, "environment.release-gate").clone();
    environment["protection_rules"] = json!([]);
    is_not_final(once("environment.release-gate", environment).await);
}

#[tokio::test]
async fn a_review_without_its_environments_rejects_nothing() {
    let remove = |reviews: &mut Value| drop(reviews[0].as_object_mut().unwrap().remove("environments"));
    is_not_final(without("approvals", remove).await);
}

#[tokio::test]
async fn an_account_without_its_type_rejects_nothing() {
    let of_reviewer = |reviews: &mut Value| drop(reviews[0]["user"].as_object_mut().unwrap().remove("type"));
    is_not_final(without("approvals", of_reviewer).await);
    let of_actor = |run: &mut Value| drop(run["actor"].as_object_mut().unwrap().remove("type"));
    is_not_final(without("run", of_actor).await);
}

#[tokio::test]
async fn a_rule_without_its_reviewers_rejects_nothing() {
    let remove = |environment: &mut Value| {
        for rule in environment["protection_rules"].as_array_mut().unwrap() {
            rule.as_object_mut().unwrap().remove("reviewers");
        }
    };
    is_not_final(without("environment.release-gate", remove).await);
}

#[tokio::test]
async fn an_answer_that_contradicts_the_delivery_rejects_by_nothing_else_in_it() {
    let contradicts = |run: &mut Value| {
        run["head_sha"] = "b".repeat(40).into();
        run["path"] = ".github/workflows/ci.yml".into();
    };
    is_not_final(without("run", contradicts).await);
}

/// A process that lives on.
struct World {
    handler: Handler,
    story: Story,
    github: FakeGithub,
    minutes: Arc<AtomicI64>,
    files: Files,
}

impl World {
    async fn start(story: Story, policy: &str) -> Self {
        let player = fixtures::player();
        let files = Files::new(player, policy);
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
            policies_dir: None,
            private_key: key.private_pem().clone(),
            issuer: None,
        };
        let variables = Variables::given(ApiUrl::parse(&github.url()).unwrap(), given).unwrap();
        let handler = Handler::open(variables, fixtures::limits(), Clock::showing(now)).await.unwrap();
        Self { handler, story, github, minutes, files }
    }

    async fn outcome_after(&self, minutes: i64) -> &'static str {
        self.minutes.store(minutes, Ordering::Relaxed);
        let event = Player::event(fixtures::player(), &self.story, SignedDuration::ZERO, &self.github.url());
        match invoke(&self.handler, lambda_http::request::from_str(&event.to_string()).unwrap()).await.unwrap() {
            Invocation::Delivered(report) => report.outcome.name(),
            other => panic!("{other:?}"),
        }
    }
}

/// 204 is as final as a rejection: nothing brings the delivery back.
#[tokio::test]
async fn an_owner_that_the_policy_names_since_a_moment_ago_is_not_ignored() {
    let world = World::start(good(), "[[rule]]\nrepositories = [\"octo-other/*\"]\nrefs = [\"main\"]\n").await;
    std::fs::write(world.files.path("policy.toml"), "[[rule]]\nrepositories = [\"octo-org/*\"]\nrefs = [\"main\"]\n")
        .unwrap();
    assert_eq!(world.outcome_after(3).await, "approved");
}

/// A token that GitHub refuses for the review is minted anew, which may take seconds.
#[tokio::test]
async fn a_review_that_waited_for_a_new_token_rests_on_new_facts() {
    let mut story = good();
    let refused = Canned { status: 401, body: Some(json!({ "message": "Bad credentials" })), ..Canned::default() };
    let review = story.answers.get_mut("review").unwrap();
    let taken = review[0].clone();
    *review = vec![taken.clone(), refused, taken];
    let minted = story.answers.get_mut("access_tokens").unwrap();
    let (token, mut again) = (minted[0].clone(), minted[0].clone());
    again.body.as_mut().unwrap()["token"] = "ghs_another.token".into();
    let never = Canned { fault: Some(CannedFault::Silence), ..token.clone() };
    *minted = vec![token, never, again];
    let policy = story.policy.clone();
    let world = World::start(story, &policy).await;
    assert_eq!(world.outcome_after(0).await, "approved");
    assert_eq!(world.outcome_after(10).await, "approved");
    let calls = world.github.calls();
    let last = |name: &str| calls.iter().rfind(|call: &&FakeCall| call.name == name).unwrap().at;
    let age = last("review").saturating_sub(last("run"));
    assert!(age <= Duration::from_secs(2), "the review rests on facts that were read {age:?} before");
}

/// Another delivery of the same run, two seconds old, while GitHub's list of what waits lags.
#[tokio::test]
async fn a_young_deployment_that_is_not_listed_is_not_ignored_because_of_an_earlier_review() {
    let mut story = good();
    story.webhook["deployment"]["created_at"] = "2026-01-05T10:14:58Z".into();
    let nothing = Canned { status: 200, body: Some(json!([])), ..Canned::default() };
    story.answers.insert("pending_deployments".to_owned(), vec![nothing]);
    let policy = story.policy.clone();
    let world = World::start(story, &policy).await;
    assert_eq!(world.outcome_after(0).await, "approved");
    assert_eq!(world.outcome_after(0).await, "deferred");
}
