//! Lost deliveries, and a sweep over them.

use environment_gate::config::{Given, Variables};
use environment_gate::handler::Handler;
use environment_gate::model::ApiUrl;
use environment_gate::recovery::{Sweep, SweepMode};
use environment_gate::time::Clock;
use environment_gate::world::{Canned, FakeCall, FakeGithub, KnownApp, Story};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::fixtures;
use super::function::Files;
use super::github::app;

pub(crate) fn canned(body: Value) -> Vec<Canned> {
    vec![Canned { status: 200, body: Some(body), ..Canned::default() }]
}

fn failed_delivery(repository: u64) -> Value {
    json!({
        "id": 1, "guid": "0b989ba4-242f-11e5-81e1-c7b6966d2516", "delivered_at": "2026-01-05T10:06:00Z", "redelivery": false,
        "duration": 0.3, "status": "Service Unavailable", "status_code": 503, "event": "deployment_protection_rule",
        "action": "requested", "installation_id": 555, "repository_id": repository, "throttled_at": null
    })
}

/// The same in full: what GitHub sent, and what it got.
fn delivery_in_full(repository: u64, payload: &Value) -> Value {
    let mut delivery = failed_delivery(repository);
    delivery["url"] = "https://example.com/github/webhook".into();
    delivery["request"] = json!({ "headers": { "X-GitHub-Event": "deployment_protection_rule" }, "payload": payload });
    delivery["response"] = json!({ "headers": { "Content-Type": "text/plain" }, "payload": "deferred" });
    delivery
}

/// The App's installation, as GitHub publishes it.
fn installed() -> Vec<Canned> {
    let run = &fixtures::one("approve/one-human-approved-the-gate").answers["run"][0];
    canned(json!({
        "id": 555, "account": run.body.as_ref().unwrap()["actor"], "repository_selection": "selected", "app_id": 123_456,
        "access_tokens_url": "https://api.github.com/app/installations/555/access_tokens",
        "repositories_url": "https://api.github.com/installation/repositories",
        "html_url": "https://github.com/organizations/octo-org/settings/installations/555", "app_slug": "environment-gate",
        "target_id": 77, "target_type": "Organization", "permissions": { "actions": "read", "deployments": "write" },
        "events": ["deployment_protection_rule"], "created_at": "2025-06-02T12:00:00Z", "updated_at": "2025-06-02T12:00:00Z",
        "single_file_name": null, "suspended_by": null, "suspended_at": null
    }))
}

/// A story whose webhook was lost: GitHub lists it as failed, and its run as waiting.
pub(crate) fn lost(name: &str) -> Story {
    let mut story = fixtures::one(name);
    let run = story.answers["run"][0].body.clone().unwrap_or_default();
    let mut token = fixtures::one("approve/one-human-approved-the-gate").answers["access_tokens"][0].clone();
    token.body.as_mut().unwrap()["repositories"][0]["full_name"] = "octo-org/widgets".into();
    story.answers.insert("access_tokens".to_owned(), vec![token]);
    story.answers.insert("deliveries".to_owned(), canned(json!([failed_delivery(4242), failed_delivery(4242)])));
    story.answers.insert("installation".to_owned(), installed());
    story.answers.insert("delivery.1".to_owned(), canned(delivery_in_full(4242, &story.webhook)));
    story.answers.insert("runs.1".to_owned(), canned(json!({ "total_count": 1, "workflow_runs": [run] })));
    let pending = |id: u64, name: &str| json!({ "environment": { "id": id, "name": name }, "wait_timer": 0, "wait_timer_started_at": null, "current_user_can_approve": false, "reviewers": [] });
    let mut waits = canned(json!([pending(501, "release-gate"), pending(502, "release")]));
    waits.extend(canned(json!([])));
    story.answers.insert("pending_deployments".to_owned(), waits);
    story
}

/// Sweeps once, `minutes` after the story's present; gives the calls too.
pub(crate) async fn sweep(story: &Story, how: SweepMode, minutes: i64) -> (Sweep, Vec<FakeCall>) {
    let player = fixtures::player();
    let files = Files::of_story(player, story);
    let (app_id, webhook_secret, key) = player.app();
    let known = KnownApp { base_path: story.api.base_path(), ..app(player) };
    let github = FakeGithub::start(story.answers.clone(), known).await.unwrap();
    let now: Timestamp = story.present.checked_add(SignedDuration::from_mins(minutes)).unwrap();
    let given = Given {
        app_id: app_id.into(),
        webhook_secret,
        policy_file: files.path("policy.toml").into(),
        policies_dir: files.policies(),
        private_key: key.private_pem().clone(),
        issuer: None,
    };
    let variables = Variables::given(ApiUrl::parse(&github.url()).unwrap(), given).unwrap();
    let gate = Handler::open(variables, fixtures::limits(), Clock::showing(move || now)).await.unwrap();
    let swept = gate.sweep(how).await;
    (swept, github.calls())
}
