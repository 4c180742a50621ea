//! Every way in which a call to GitHub can go wrong: if it happens once, the delivery still ends correctly; if it persists, it ends without a review.

use std::sync::LazyLock;

use bytes::Bytes;
use environment_gate::github::{Limits, read_answer};
use environment_gate::world::{Canned, CannedFault, Played, Player, Present};
use futures_util::FutureExt as _;
use futures_util::future::join_all;
use jiff::SignedDuration;
use serde_json::json;

use crate::process::plan;
use crate::support::fixtures;
use crate::support::mortal::Death;
use crate::support::process::Process;

/// What ships, but with hardly a pause, and with small answers.
fn limits() -> Limits {
    Limits { answer_bytes: 1024 * 1024, ..fixtures::limits() }
}

fn player() -> &'static Player {
    static PLAYER: LazyLock<Player> = LazyLock::new(|| Player::new(limits()).unwrap());
    &PLAYER
}

/// No answer, for as long as anybody waits for one. What takes time stands apart, so that all of it is waited for at once.
fn hang() -> Canned {
    Canned { status: 200, fault: Some(CannedFault::Silence), ..Canned::default() }
}

/// Every other fault.
fn faults() -> Vec<(&'static str, Canned)> {
    let message =
        |status: u16, text: &str| Canned { status, body: Some(json!({ "message": text })), ..Canned::default() };
    let limited = |status: u16| {
        let mut limited = message(status, "You have exceeded a secondary rate limit.");
        limited.headers.insert("retry-after".to_owned(), "0".to_owned());
        limited
    };
    let broken = |fault| Canned { status: 200, fault: Some(fault), ..Canned::default() };
    let text = |text: &str| Canned { status: 200, text: Some(text.to_owned()), ..Canned::default() };
    vec![
        ("500", message(500, "Server Error")),
        ("502", message(502, "Bad Gateway")),
        ("429", limited(429)),
        ("403 that is a limit", limited(403)),
        ("a reset", broken(CannedFault::Reset)),
        ("a truncated body", text("{\"id\": 9001, \"jobs\": [{")),
        ("a page", text("<html>")),
        ("a huge body", Canned { status: 200, blanks: Some(2 * 1024 * 1024), ..Canned::default() }),
    ]
}

const APPROVED: &str = "approve/one-human-approved-the-gate";
const READS: [&str; 5] = ["access_tokens", "run", "jobs.1", "approvals", "environment.release-gate"];
/// The calls of a delivery.
const DECIDING: [&str; 6] = ["access_tokens", "run", "jobs.1", "approvals", "environment.release-gate", "review"];
/// The calls with which a sweep finds what waits.
const LOOKING: [&str; 3] = ["deliveries", "runs.1", "pending_deployments"];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Lasts {
    Once,
    ForEver,
}

/// Plays a story with a fault in front of an answer, or in its place.
async fn play(name: &str, route: &str, fault: &Canned, lasts: Lasts) -> Played {
    let mut story = fixtures::one(name);
    let answers = story.answers.get_mut(route).unwrap();
    let mut fault = fault.clone();
    if fault.status == 200 {
        // A success in the way of this route.
        fault.status = answers[0].status;
    }
    if lasts == Lasts::ForEver {
        answers.clear();
    }
    answers.insert(0, fault);
    player().play(&story, Present::Story).await.unwrap()
}

fn approvals(played: &Played) -> usize {
    played.calls.iter().filter(|call| call.sent["state"] == "approved").count()
}

async fn once_costs_a_try(route: &str, what: &str, fault: &Canned) {
    let played = play(APPROVED, route, fault, Lasts::Once).await;
    let outcome = &played.report.outcome;
    assert_eq!(outcome.name(), "approved", "{route}, {what}: {}", outcome.reason());
    assert_eq!(approvals(&played), 1, "{route}, {what}");
}

async fn for_ever_defers(route: &str, what: &str, fault: &Canned) {
    let played = play(APPROVED, route, fault, Lasts::ForEver).await;
    let outcome = &played.report.outcome;
    assert_eq!(outcome.name(), "deferred", "{route}, {what}: {}", outcome.reason());
    assert_eq!(approvals(&played), 0, "{route}, {what}");
    let tries = played.calls.iter().filter(|call| call.name == route).count();
    assert!(tries <= 3, "{route}, {what}: {tries} tries");
}

async fn a_review_is_followed_up(what: &str, fault: &Canned) {
    // Nothing waits any more, so it was taken.
    let played = play("approve/the-review-fails-but-was-taken", "review", fault, Lasts::ForEver).await;
    let is_limit = fault.headers.contains_key("retry-after");
    let expected = if is_limit { "deferred" } else { "approved" };
    assert_eq!(played.report.outcome.name(), expected, "{what}: {}", played.report.outcome.reason());
    assert!(played.calls.iter().all(|call| call.sent["state"] != "rejected"));
}

async fn a_look_changes_nothing(what: &str, fault: &Canned) {
    let played = play("approve/another-apps-rule-still-waits", "pending_deployments", fault, Lasts::ForEver).await;
    assert_eq!(played.report.outcome.name(), "approved", "{what}: {}", played.report.outcome.reason());
    assert_eq!(approvals(&played), 1, "{what}");
}

/// While the fault lasts nothing is decided by delivery or sweep, and when it is over the next sweep decides.
async fn comes_home(route: &str, what: &str, fault: &Canned) {
    let mut fault = fault.clone();
    if fault.status == 200 && route == "access_tokens" {
        fault.status = 201;
    }
    let process = Process::start(fixtures::one(APPROVED), plan(), (limits(), Death::Reset)).await;
    process.github.break_route(route, fault);
    let delivered = process.deliver().await;
    assert_eq!(delivered.report.outcome.name(), "deferred", "{route}, {what}: {}", delivered.report.outcome.reason());
    process.later(SignedDuration::from_secs(60));
    process.sweep().await;
    assert_eq!(process.github.pending(), 2, "{route}, {what}: nothing is decided while the fault lasts");
    process.github.mend();
    process.later(SignedDuration::from_secs(60));
    let (swept, _) = process.sweep().await;
    assert_eq!((process.github.pending(), swept.problems.as_slice()), (0, &[][..]), "{route}, {what}: {swept:?}");
}

async fn is_left_to_the_next_sweep(route: &str, what: &str, fault: &Canned) {
    let process = Process::start(fixtures::one(APPROVED), plan(), (limits(), Death::Reset)).await;
    process.github.failed(503, process.now());
    process.github.break_route(route, fault.clone());
    process.later(SignedDuration::from_secs(60));
    let (swept, _) = process.sweep().await;
    assert!(!swept.problems.is_empty(), "{route}, {what}: {swept:?}");
    process.github.mend();
    process.later(SignedDuration::from_secs(60));
    process.sweep().await;
    assert_eq!(process.github.pending(), 0, "{route}, {what}");
}

#[tokio::test]
async fn a_fault_of_a_read_once_costs_a_try_and_not_the_delivery() {
    for route in READS {
        for (what, fault) in faults() {
            once_costs_a_try(route, what, &fault).await;
        }
    }
}

#[tokio::test]
async fn a_fault_of_a_read_for_ever_is_a_reason_to_wait() {
    for route in READS {
        for (what, fault) in faults() {
            for_ever_defers(route, what, &fault).await;
        }
    }
}

#[tokio::test]
async fn a_fault_of_the_review_is_followed_up_and_never_turns_into_the_reverse() {
    for (what, fault) in faults() {
        a_review_is_followed_up(what, &fault).await;
    }
}

#[tokio::test]
async fn a_fault_of_the_look_after_a_review_changes_nothing() {
    for (what, fault) in faults() {
        a_look_changes_nothing(what, &fault).await;
    }
}

#[tokio::test]
async fn when_a_fault_is_over_the_next_sweep_brings_the_delivery_home() {
    for route in DECIDING {
        for (what, fault) in faults() {
            comes_home(route, what, &fault).await;
        }
    }
}

#[tokio::test]
async fn a_sweep_that_cannot_look_leaves_it_to_the_next_one() {
    for route in LOOKING {
        for (what, fault) in faults() {
            is_left_to_the_next_sweep(route, what, &fault).await;
        }
    }
}

#[tokio::test]
async fn a_call_that_hangs_is_a_fault_like_any_other() {
    let (what, hang) = ("a hang", &hang());
    // Boxed: together they are more than a thread's stack takes.
    let mut all =
        vec![a_review_is_followed_up(what, hang).boxed_local(), a_look_changes_nothing(what, hang).boxed_local()];
    for route in READS {
        all.push(once_costs_a_try(route, what, hang).boxed_local());
        all.push(for_ever_defers(route, what, hang).boxed_local());
    }
    all.extend(DECIDING.map(|route| comes_home(route, what, hang).boxed_local()));
    all.extend(LOOKING.map(|route| is_left_to_the_next_sweep(route, what, hang).boxed_local()));
    join_all(all).await;
}

#[tokio::test]
async fn a_limit_that_outlasts_the_delivery_is_not_slept_out() {
    let mut long = Canned { status: 429, body: Some(json!({ "message": "slow down" })), ..Canned::default() };
    long.headers.insert("retry-after".to_owned(), "60".to_owned());
    let played = play(APPROVED, "run", &long, Lasts::ForEver).await;
    assert_eq!(played.report.outcome.name(), "deferred");
    assert_eq!(played.calls.iter().filter(|call| call.name == "run").count(), 1);
}

/// Stories are told in text; this is read as the calls read theirs.
#[test]
fn bytes_that_are_not_text_are_not_an_answer_even_in_a_field_that_is_not_read() {
    let jobs = Bytes::from_static(b"{\"total_count\":0,\"jobs\":[],\"something else\":\"\xff\"}");
    let error = read_answer("jobs", 200, "", jobs).unwrap_err();
    assert!(error.to_string().contains("bytes that are not UTF-8"), "{error}");
}
