//! Recovery: what is still waiting on GitHub is found on a schedule and decided as a delivery would be.

use environment_gate::gate::Decision;
use environment_gate::recovery::{FoundEnd, Sweep, SweepMode};
use environment_gate::world::{Canned, FakeCall};
use serde_json::{Value, json};

use crate::support::fixtures;
use crate::support::function::{self, Files};
use crate::support::github::Staged;
use crate::support::lambda::Invocation;
use crate::support::recovery::{canned, lost, sweep};

fn names(calls: &[FakeCall]) -> Vec<&str> {
    calls.iter().map(|call| call.name.as_str()).collect()
}

fn outcomes(swept: &Sweep) -> Vec<&str> {
    let settled = swept.found.iter().filter_map(|found| match &found.end {
        FoundEnd::Settled(report) => Some(report.outcome.name()),
        FoundEnd::WouldBe(..) => None,
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
        let (swept, calls) = sweep(&lost(name), SweepMode::Scheduled, 1).await;
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
    let (swept, calls) = sweep(&story, SweepMode::Scheduled, 1).await;
    assert_eq!(names(&calls), ["deliveries"]);
    assert!(swept.found.is_empty());
}

#[tokio::test]
async fn every_quarter_of_an_hour_the_policy_says_where_to_look() {
    let mut story = lost("approve/one-human-approved-the-gate");
    story.answers.insert("deliveries".to_owned(), canned(json!([])));
    // The story's present is 10:15.
    let (swept, _) = sweep(&story, SweepMode::Scheduled, 15).await;
    assert_eq!(outcomes(&swept), ["approved"], "{swept:?}");
    let (swept, calls) = sweep(&story, SweepMode::Scheduled, 16).await;
    assert_eq!((outcomes(&swept).len(), calls.len()), (0, 1));
}

#[tokio::test]
async fn a_look_reviews_nothing() {
    let (swept, calls) = sweep(&lost("approve/one-human-approved-the-gate"), SweepMode::DryRun, 1).await;
    assert!(matches!(&swept.found[0].end, FoundEnd::WouldBe(_, Ok(Decision::Approved(_)))), "{swept:?}");
    assert!(!names(&calls).contains(&"review"));
}

#[tokio::test]
async fn what_cannot_be_looked_into_is_a_line_and_not_the_end() {
    let mut story = lost("approve/one-human-approved-the-gate");
    let trouble = Canned { status: 502, body: Some(json!({ "message": "Bad Gateway" })), ..Canned::default() };
    story.answers.insert("deliveries".to_owned(), vec![trouble.clone()]);
    let (swept, _) = sweep(&story, SweepMode::Scheduled, 1).await;
    assert!(swept.problems[0].contains("502"), "{swept:?}");
    let mut story = lost("approve/one-human-approved-the-gate");
    story.answers.insert("jobs.1".to_owned(), vec![trouble]);
    let (swept, calls) = sweep(&story, SweepMode::Scheduled, 1).await;
    assert_eq!(outcomes(&swept), ["deferred"]);
    assert!(!names(&calls).contains(&"review"));
}

#[tokio::test]
async fn a_limit_of_github_leaves_all_runs_of_the_installation_to_a_later_sweep() {
    let mut story = lost("approve/one-human-approved-the-gate");
    let mut runs = story.answers["runs.1"][0].body.clone().unwrap();
    let mut other = runs["workflow_runs"][0].clone();
    other["id"] = 9002.into();
    runs["workflow_runs"].as_array_mut().unwrap().push(other);
    story.answers.insert("runs.1".to_owned(), canned(runs));
    story.answers.get_mut("pending_deployments").unwrap().truncate(1);
    let limit = Canned { status: 429, body: Some(json!({ "message": "slow down" })), ..Canned::default() };
    story.answers.insert("run".to_owned(), vec![limit]);
    let (swept, _) = sweep(&story, SweepMode::Scheduled, 1).await;
    // One was begun, and cannot be decided either.
    assert_eq!((outcomes(&swept), swept.left), (vec!["deferred"], 2), "{swept:?}");
}

#[tokio::test]
async fn a_pause_and_a_foreign_owner_are_left_alone() {
    let mut story = lost("approve/one-human-approved-the-gate");
    story.policy = "pause = true\n".to_owned();
    let (swept, calls) = sweep(&story, SweepMode::Scheduled, 1).await;
    assert!(swept.paused && calls.is_empty());
    story.policy = "[[rule]]\nrepositories = [\"else/*\"]\nrefs = [\"main\"]\n".to_owned();
    let (swept, calls) = sweep(&story, SweepMode::Scheduled, 1).await;
    assert!(swept.found.is_empty());
    assert_eq!(names(&calls), ["deliveries", "access_tokens"]);
}

#[tokio::test]
async fn the_schedule_of_the_built_function_sweeps() {
    let player = fixtures::player();
    let story = lost("approve/one-human-approved-the-gate");
    let Staged { github, .. } = Staged::new(&story).await;
    let files = Files::of_story(player, &story);
    let mut lambda = function::start(player, &files, &github.url(), &[]).await;
    let schedule = json!({ "source": "aws.events", "detail-type": "Scheduled Event", "detail": {} });
    assert_eq!(lambda.invoke(schedule).await, Invocation::Answer(Value::Null));
    assert!(github.calls().iter().any(|call| call.sent["state"] == "approved"), "{}", lambda.log());
    let log = lambda.log();
    assert!(log.contains("environment_gate::sweep") && log.contains("\"complete\":true"), "{log}");
}

#[tokio::test]
async fn a_request_that_could_not_be_decided_for_want_of_an_answer_leaves_the_sweep_incomplete() {
    for status in [502, 403] {
        let mut story = lost("approve/one-human-approved-the-gate");
        let trouble = Canned { status, body: Some(json!({ "message": "no" })), ..Canned::default() };
        story.answers.insert("jobs.1".to_owned(), vec![trouble]);
        let (swept, _) = sweep(&story, SweepMode::Scheduled, 1).await;
        assert_eq!((swept.left, swept.is_complete()), (1, false), "{swept:?}");
    }
}

#[tokio::test]
async fn an_environment_without_a_name_that_is_waited_for_is_a_problem_and_does_not_hold_up_the_others() {
    let mut story = lost("approve/one-human-approved-the-gate");
    let waits = story.answers.get_mut("pending_deployments").unwrap();
    waits[0].body.as_mut().unwrap()[0]["environment"]["name"] = Value::Null;
    let (swept, _) = sweep(&story, SweepMode::Scheduled, 1).await;
    assert_eq!((outcomes(&swept), swept.problems.len()), (vec!["approved"], 1), "{swept:?}");
    assert!(swept.problems[0].contains("run 9001"), "{swept:?}");
}
