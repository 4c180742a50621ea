//! Every answer that a decision rests on, when it is missing, empty, refused or old: what comes of it, by the age of the deployment. The table is in
//! docs/doubt.md; `BLESS=1` writes it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use environment_gate::world::{AnswerSource, Canned, Living, Played, Present, Story};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::settings::World;
use crate::support::doubts::{Doubt, Kind, doubts};
use crate::support::{documents, fixtures};

/// The ages of the deployment, in seconds.
const AGES: [(&str, i64); 3] = [("2 s", 2), ("2 min", 120), ("2 h", 7200)];
/// What is missing has not had time to appear before.
const YOUNG_SECONDS: i64 = 60;

/// The doubt's world when the deployment has this age.
fn story_of(doubt: &Doubt, age: i64) -> Story {
    let mut story = fixtures::one(doubt.story);
    let created_at: Timestamp = story.webhook["deployment"]["created_at"].as_str().unwrap().parse().unwrap();
    story.present = created_at.checked_add(SignedDuration::from_secs(age)).unwrap();
    let expires_at = story.present.checked_add(SignedDuration::from_hours(1)).unwrap();
    body(&mut story, "access_tokens")["expires_at"] = expires_at.to_string().into();
    (doubt.change)(&mut story);
    story
}

fn body<'s>(story: &'s mut Story, route: &str) -> &'s mut Value {
    story.answers.get_mut(route).unwrap()[0].body.as_mut().unwrap()
}

async fn play(story: &Story) -> Played {
    fixtures::player().play(story, Present::Story).await.unwrap()
}

fn reviews<'p>(played: &'p Played, state: &str) -> impl Iterator<Item = &'p Value> {
    played.calls.iter().map(|call| &call.sent).filter(move |sent| sent["state"] == state)
}

/// What is wrong with an outcome, if it breaks the rule that absence is no fact.
fn objections(doubt: &Doubt, age: i64, played: &Played) -> Vec<String> {
    let outcome = played.report.outcome.name();
    let asked = |route: &str| played.calls.iter().filter(|call| call.name == route).count();
    // GitHub's own word that nothing waits, or two answers that agree.
    let agrees = outcome == "ignored" && (doubt.route == "review" || asked("pending_deployments") > 0);
    let mut objections = Vec::new();
    if outcome == "approved" && doubt.kind == Kind::Stays {
        objections.push("approved, though the answer stays as it is");
    }
    if matches!(outcome, "rejected" | "ignored") {
        if doubt.fact_after.is_none_or(|after| age < after) {
            objections.push("an end for something that is not a fact yet");
        }
        if asked(doubt.route) < 2 && !agrees {
            objections.push("an end for something that was not looked at again");
        }
    }
    if outcome != "rejected" && reviews(played, "rejected").count() > 0 {
        objections.push("a rejection was posted");
    }
    let (route, answer) = (doubt.route, &doubt.answer);
    objections.into_iter().map(|why| format!("{route}, {answer}, {age} s: got {outcome}, {why}")).collect()
}

#[tokio::test]
async fn what_comes_of_every_doubt_is_in_the_page_and_absence_is_never_a_fact() {
    let ages: Vec<String> = AGES.iter().map(|(age, _)| format!(" deployment {age} old |")).collect();
    let mut table = format!("| call | answer |{}\n|---|---|---|---|---|\n", ages.concat());
    let mut problems = Vec::new();
    for doubt in doubts() {
        let mut row = format!("| {} | {} |", doubt.call, doubt.answer);
        for (_, age) in AGES {
            let played = play(&story_of(&doubt, age)).await;
            problems.extend(objections(&doubt, age, &played));
            row.extend([" ", played.report.outcome.name(), " |"]);
        }
        table += &(row + "\n");
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    documents::shows("docs/doubt.md", "doubt", &table);
}

#[test]
fn no_fact_is_one_before_it_had_time_to_appear() {
    // A repository that was deleted is null at once.
    let at_once = |doubt: &Doubt| doubt.answer.contains("head_repository");
    for doubt in doubts().iter().filter(|doubt| !at_once(doubt)) {
        assert!(doubt.fact_after.is_none_or(|after| after >= YOUNG_SECONDS), "{}, {}", doubt.route, doubt.answer);
    }
}

#[tokio::test]
async fn no_doubt_lets_in_a_run_that_nobody_approved() {
    for doubt in doubts().into_iter().filter(|doubt| doubt.route != "approvals") {
        let mut story = story_of(&doubt, 120);
        let approvals = story.answers.get_mut("approvals").and_then(|answers| answers.last_mut()).unwrap();
        approvals.body = Some(json!([]));
        let played = play(&story).await;
        let approved = reviews(&played, "approved").count();
        assert_eq!(approved, 0, "{}, {}: {:?}", doubt.route, doubt.answer, played.report.outcome);
    }
}

#[tokio::test]
async fn under_whichever_attempt_a_gate_is_listed_that_did_not_run_again_the_review_is_the_same() {
    let mut posted: Vec<Value> = Vec::new();
    for place in ["old-attempt", "new-attempt", "both-attempts"] {
        let name =
            format!("approve/the-gate-is-listed-under-{}{place}", if place.starts_with("both") { "" } else { "the-" });
        let played = play(&fixtures::one(&name)).await;
        posted.extend(reviews(&played, "approved").cloned());
    }
    assert_eq!(posted.len(), 3);
    assert!(posted.iter().all(|review| *review == posted[0]), "{posted:?}");
}

/// The story's answers; the first one to `approvals` takes longer than a look may be old.
fn slow_at_first(story: &Story) -> AnswerSource {
    let token = story.answers["access_tokens"][0].body.as_ref().unwrap()["token"].as_str().unwrap().to_owned();
    let (answers, is_first) = (story.answers.clone(), AtomicBool::new(true));
    let living: Living = Arc::new(move |asked| {
        let canned: Canned = answers[&asked.name][0].clone();
        let is_slow = asked.name == "approvals" && is_first.swap(false, Ordering::Relaxed);
        Box::pin(async move {
            if is_slow {
                tokio::time::sleep(Duration::from_millis(2_050)).await;
            }
            canned
        })
    });
    AnswerSource::Living(living, token)
}

#[tokio::test]
async fn evidence_that_is_older_than_two_seconds_is_read_again_before_the_first_review() {
    let story = fixtures::one("approve/one-human-approved-the-gate");
    let world = World::with(&story.policy, slow_at_first(&story)).await;
    assert_eq!(world.outcome_after(0).await, "approved");
    let calls = world.calls();
    let (last, reads) = calls.split_last().unwrap();
    assert_eq!(last, "review", "{calls:?}");
    for read in ["run", "jobs.1", "approvals", "environment.release-gate"] {
        assert_eq!(reads.iter().filter(|name| *name == read).count(), 2, "{read}: {calls:?}");
    }
}

#[tokio::test]
async fn a_list_that_is_empty_once_does_not_end_a_delivery() {
    let mut story = fixtures::one("ignore/the-run-has-ended");
    let lists = [json!([]), json!([{ "environment": { "name": "release" } }])];
    let lists = lists.map(|list| Canned { status: 200, body: Some(list), ..Canned::default() });
    story.answers.insert("pending_deployments".to_owned(), lists.into());
    let played = fixtures::player().play(&story, Present::Story).await.unwrap();
    let outcome = played.report.outcome;
    let reason = "GitHub's answers changed while they were looked at";
    assert_eq!((outcome.name(), outcome.reason().as_str()), ("deferred", reason));
}
