//! Recovery: what still waits at GitHub is found on a schedule and decided as a delivery would be.

use environment_gate::config::{Given, Variables};
use environment_gate::gate::Decision;
use environment_gate::handler::{Clock, Gate};
use environment_gate::model::ApiUrl;
use environment_gate::recovery::{End, Sweep, Swept};
use environment_gate::world::{Call, Canned, FakeGithub, Player, Story};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::support::fixtures;
use crate::support::function::{self, Files};
use crate::support::lambda::Invocation;

fn canned(body: Value) -> Vec<Canned> {
    vec![Canned { status: 200, body: Some(body), ..Canned::default() }]
}

fn failed_delivery(repository: u64) -> Value {
    json!({
        "id": 1, "guid": "0b989ba4-242f-11e5-81e1-c7b6966d2516", "delivered_at": "2026-01-05T10:06:00Z", "redelivery": false,
        "duration": 0.3, "status": "Service Unavailable", "status_code": 503, "event": "deployment_protection_rule",
        "action": "requested", "installation_id": 555, "repository_id": repository, "throttled_at": null
    })
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
    story.answers.insert("runs.waiting".to_owned(), canned(json!({ "total_count": 1, "workflow_runs": [run] })));
    story.answers.insert("runs.in_progress".to_owned(), canned(json!({ "total_count": 0, "workflow_runs": [] })));
    let pending = |id: u64, name: &str| json!({ "environment": { "id": id, "name": name }, "wait_timer": 0, "wait_timer_started_at": null, "current_user_can_approve": false, "reviewers": [] });
    let mut waits = canned(json!([pending(501, "release-gate"), pending(502, "release")]));
    waits.extend(canned(json!([])));
    story.answers.insert("pending_deployments".to_owned(), waits);
    story
}

/// Sweeps once, `minutes` after the story's present; gives the calls too.
pub(crate) async fn sweep(story: &Story, how: Sweep, minutes: i64) -> (Swept, Vec<Call>) {
    let player = Player::new(fixtures::limits()).unwrap();
    let files = Files::new(&player, &story.policy);
    let (app_id, webhook_secret, key) = player.app();
    let github = FakeGithub::start(story.answers.clone(), app_id, key.public_der()).await.unwrap();
    let now: Timestamp = story.present.checked_add(SignedDuration::from_mins(minutes)).unwrap();
    let given = Given {
        app_id: app_id.into(),
        webhook_secret,
        policy_file: files.path("policy.toml").into(),
        private_key: key.private_pem().clone(),
    };
    let variables = Variables::given(ApiUrl::parse(&github.url()).unwrap(), given).unwrap();
    let gate = Gate::open(variables, fixtures::limits(), Clock::telling(move || now)).await.unwrap();
    let swept = gate.sweep(how).await;
    (swept, github.calls())
}

fn names(calls: &[Call]) -> Vec<&str> {
    calls.iter().map(|call| call.name.as_str()).collect()
}

fn outcomes(swept: &Swept) -> Vec<&str> {
    let settled = swept.found.iter().filter_map(|found| match &found.end {
        End::Settled(report) => Some(report.outcome.name()),
        End::WouldBe(..) => None,
    });
    settled.collect()
}

#[tokio::test]
async fn a_lost_delivery_is_decided_by_the_next_sweep() {
    for (name, outcome) in [
        ("approve/one-human-approved-the-gate", "approved"),
        ("reject/the-starter-approved", "rejected"),
        ("defer/the-gate-still-waits", "deferred"),
    ] {
        let (swept, calls) = sweep(&lost(name), Sweep::Scheduled, 1).await;
        assert_eq!(outcomes(&swept), [outcome], "{name}: {swept:?}");
        assert_eq!(swept.problems, Vec::<String>::new());
        let reviews = calls.iter().filter(|call| call.name == "review").count();
        assert_eq!(reviews, usize::from(outcome != "deferred"), "{name}");
    }
}

#[tokio::test]
async fn one_call_is_enough_when_no_delivery_failed() {
    let mut story = lost("approve/one-human-approved-the-gate");
    story.answers.insert("deliveries".to_owned(), canned(json!([])));
    let (swept, calls) = sweep(&story, Sweep::Scheduled, 1).await;
    assert_eq!(names(&calls), ["deliveries"]);
    assert!(swept.found.is_empty());
}

#[tokio::test]
async fn every_quarter_of_an_hour_the_policy_says_where_to_look() {
    let mut story = lost("approve/one-human-approved-the-gate");
    story.answers.insert("deliveries".to_owned(), canned(json!([])));
    // The story's present is 10:15.
    let (swept, _) = sweep(&story, Sweep::Scheduled, 15).await;
    assert_eq!(outcomes(&swept), ["approved"], "{swept:?}");
    let (swept, calls) = sweep(&story, Sweep::Scheduled, 16).await;
    assert_eq!((outcomes(&swept).len(), calls.len()), (0, 1));
}

#[tokio::test]
async fn a_look_reviews_nothing() {
    let (swept, calls) = sweep(&lost("approve/one-human-approved-the-gate"), Sweep::Look, 1).await;
    assert!(matches!(&swept.found[0].end, End::WouldBe(_, Ok(Decision::Approved(_)))), "{swept:?}");
    assert!(!names(&calls).contains(&"review"));
}

#[tokio::test]
async fn what_cannot_be_looked_into_is_a_line_and_not_the_end() {
    let mut story = lost("approve/one-human-approved-the-gate");
    let trouble = Canned { status: 502, body: Some(json!({ "message": "Bad Gateway" })), ..Canned::default() };
    story.answers.insert("deliveries".to_owned(), vec![trouble.clone()]);
    let (swept, _) = sweep(&story, Sweep::Scheduled, 1).await;
    assert!(swept.problems[0].contains("502"), "{swept:?}");
    let mut story = lost("approve/one-human-approved-the-gate");
    story.answers.insert("jobs.1".to_owned(), vec![trouble]);
    let (swept, calls) = sweep(&story, Sweep::Scheduled, 1).await;
    assert_eq!(outcomes(&swept), ["deferred"]);
    assert!(!names(&calls).contains(&"review"));
}

#[tokio::test]
async fn a_limit_of_github_ends_the_sweep() {
    let mut story = lost("approve/one-human-approved-the-gate");
    let mut runs = story.answers["runs.waiting"][0].body.clone().unwrap();
    let mut other = runs["workflow_runs"][0].clone();
    other["id"] = 9002.into();
    runs["workflow_runs"].as_array_mut().unwrap().push(other);
    story.answers.insert("runs.waiting".to_owned(), canned(runs));
    let limit = Canned { status: 429, body: Some(json!({ "message": "slow down" })), ..Canned::default() };
    story.answers.insert("run".to_owned(), vec![limit]);
    let (swept, _) = sweep(&story, Sweep::Scheduled, 1).await;
    assert_eq!((outcomes(&swept), swept.left), (vec!["deferred"], 1), "{swept:?}");
}

#[tokio::test]
async fn a_pause_and_a_foreign_owner_are_left_alone() {
    let mut story = lost("approve/one-human-approved-the-gate");
    story.policy = "pause = true\n".to_owned();
    let (swept, calls) = sweep(&story, Sweep::Scheduled, 1).await;
    assert!(swept.paused && calls.is_empty());
    story.policy = "[[rule]]\nrepositories = [\"else/*\"]\nrefs = [\"main\"]\n".to_owned();
    let (swept, calls) = sweep(&story, Sweep::Scheduled, 1).await;
    assert!(swept.found.is_empty());
    assert_eq!(names(&calls), ["deliveries", "access_tokens"]);
}

#[tokio::test]
async fn the_schedule_of_the_built_function_sweeps() {
    let player = Player::new(fixtures::limits()).unwrap();
    let story = lost("approve/one-human-approved-the-gate");
    let (app_id, _, key) = player.app();
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answers = Player::answers(&story, Timestamp::now(), &url);
    let github =
        FakeGithub::serve(listener, answers, (app_id, key.public_der(), ""), |stream| async { Ok(stream) }).unwrap();
    let files = Files::new(&player, &story.policy);
    let mut lambda = function::start(&player, &files, &url, &[]).await;
    let schedule = json!({ "source": "aws.events", "detail-type": "Scheduled Event", "detail": {} });
    assert_eq!(lambda.invoke(schedule).await, Invocation::Answer(Value::Null));
    assert!(github.calls().iter().any(|call| call.sent["state"] == "approved"), "{}", lambda.log());
    let log = lambda.log();
    assert!(log.contains("environment_gate::sweep") && log.contains("\"complete\":true"), "{log}");
}

#[tokio::test]
async fn the_oldest_runs_come_first_and_what_does_not_fit_is_not_always_the_same() {
    let mut story = lost("approve/one-human-approved-the-gate");
    let mut runs = story.answers["runs.waiting"][0].body.clone().unwrap();
    let one = runs["workflow_runs"][0].clone();
    // GitHub lists the newest first.
    let listed = (0..12).rev().map(|number| {
        let mut run = one.clone();
        run["id"] = (9001 + number).into();
        run["run_started_at"] = format!("2026-01-05T09:{number:02}:00Z").into();
        run
    });
    runs["workflow_runs"] = listed.collect();
    story.answers.insert("runs.waiting".to_owned(), canned(runs));
    let limit = Canned { status: 429, body: Some(json!({ "message": "slow down" })), ..Canned::default() };
    story.answers.insert("run".to_owned(), vec![limit]);
    // The story's minute is an odd one.
    for (minutes, first) in [(1, "9001"), (2, "9011")] {
        let (swept, _) = sweep(&story, Sweep::Scheduled, minutes).await;
        let End::Settled(report) = &swept.found[0].end else { panic!("{swept:?}") };
        let run = report.request.as_ref().unwrap().run.to_string();
        assert_eq!((run.as_str(), swept.found.len(), swept.left), (first, 1, 11), "{minutes}");
    }
}
