//! What a process remembers between deliveries, and what it does when GitHub asks it to pause or a connection has died.

use std::time::Duration;

use environment_gate::github::Limits;
use environment_gate::world::Canned;
use jiff::{SignedDuration, ToSpan as _};
use serde_json::json;

use crate::support::busy::{Plan, Reviews};
use crate::support::fixtures;
use crate::support::mortal::Death;
use crate::support::process::Process;

const APPROVED: &str = "approve/one-human-approved-the-gate";
const WAITING: &str = "defer/the-gate-still-waits";

/// Two jobs wait, and a call takes no time.
pub(crate) fn plan() -> Plan {
    let reviews = Reviews::FirstTakesAll;
    Plan { jobs: 2, late: Vec::new(), reviews, limits: false, latency: Duration::ZERO, seed: 1 }
}

async fn start(story: &str, plan: Plan) -> Process {
    Process::start(fixtures::one(story), plan, (fixtures::limits(), Death::Reset)).await
}

fn seconds(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}

#[tokio::test]
async fn a_delivery_right_after_a_review_costs_one_call() {
    let process = start(APPROVED, plan()).await;
    assert_eq!(process.deliver().await.report.outcome.name(), "approved");
    process.later(seconds(5));
    let second = process.deliver().await;
    assert_eq!(
        (second.report.outcome.name(), second.calls.as_slice()),
        ("ignored", &["pending_deployments".to_owned()][..])
    );
    process.later(seconds(1));
    let third = process.deliver().await;
    assert!(third.calls.contains(&"run".to_owned()), "{:?}", third.calls);
}

#[tokio::test]
async fn a_delivery_of_another_environment_is_not_taken_for_the_reviewed_one() {
    let process = start(APPROVED, plan()).await;
    process.deliver().await;
    let other = process
        .deliver_with(|webhook| {
            webhook["environment"] = "staging".into();
            webhook["deployment"]["environment"] = "staging".into();
        })
        .await;
    assert_eq!(other.report.outcome.name(), "ignored", "no job waits for it: {}", other.report.outcome.reason());
    assert_eq!(other.calls, ["review"], "and no rule is for it: that is rejected without a look");
}

#[tokio::test]
async fn a_young_deployment_that_is_not_shown_after_a_review_is_a_reason_to_wait() {
    let process = start(APPROVED, plan()).await;
    process.deliver().await;
    let reviewed_at = process.now();
    process.later(seconds(2));
    // Not even a review that was applied since proves that it was decided, before it had the time to be listed.
    for (created_at, outcome) in [(1.second(), "deferred"), ((-57).seconds(), "deferred"), ((-58).seconds(), "ignored")]
    {
        let created_at = reviewed_at.checked_add(created_at).unwrap().to_string();
        let second = process.deliver_with(|webhook| webhook["deployment"]["created_at"] = created_at.into()).await;
        assert_eq!(second.report.outcome.name(), outcome, "{}", second.report.outcome.reason());
    }
}

#[tokio::test]
async fn jobs_that_began_to_wait_after_the_review_are_let_in_by_their_own_delivery() {
    let process = start(APPROVED, plan()).await;
    assert_eq!(process.deliver().await.report.outcome.name(), "approved");
    process.github.more_wait(2);
    assert_eq!(process.github.pending(), 2);
    assert_eq!(process.deliver().await.report.outcome.name(), "approved");
    assert_eq!((process.github.pending(), process.github.figures().reviews), (0, 2));
}

#[tokio::test]
async fn a_process_leaves_one_status_report_of_a_run_and_environment() {
    let process = start(WAITING, plan()).await;
    for calls in [1, 0, 0] {
        let answered = process.deliver().await;
        assert_eq!(answered.report.outcome.name(), "deferred");
        let reports = answered.calls.iter().filter(|name| *name == "status_report").count();
        assert_eq!(reports, calls);
        process.later(seconds(20));
    }
}

#[tokio::test]
async fn a_sweep_leaves_no_status_report() {
    let process = start(WAITING, plan()).await;
    process.github.failed(503, process.now());
    let (swept, calls) = process.sweep().await;
    assert_eq!(swept.found.len(), 1, "{swept:?}");
    assert!(calls.contains(&"run".to_owned()) && !calls.contains(&"status_report".to_owned()), "{calls:?}");
}

#[tokio::test]
async fn a_status_report_that_is_refused_changes_nothing() {
    let process = start(WAITING, plan()).await;
    let refused = Canned { status: 422, body: Some(json!({ "message": "too many" })), ..Canned::default() };
    process.github.break_route("status_report", refused);
    let answered = process.deliver().await;
    assert_eq!(answered.report.outcome.name(), "deferred");
    assert!(answered.report.outcome.reason().contains("gate-conclusion"));
}

fn limited(headers: &[(&str, String)]) -> Canned {
    let mut limited = Canned { status: 403, body: Some(json!({ "message": "rate limit" })), ..Canned::default() };
    limited.headers.extend(headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    limited
}

/// After a limit the next delivery makes no call until `quiet` seconds are over.
async fn is_left_alone(headers: &[(&str, String)], quiet: i64) {
    let process = start(APPROVED, plan()).await;
    process.github.break_route("run", limited(headers));
    assert_eq!(process.deliver().await.report.outcome.name(), "deferred");
    process.github.mend();
    process.later(seconds(quiet));
    let second = process.deliver().await;
    assert_eq!((second.report.outcome.name(), second.calls.len()), ("deferred", 0), "{headers:?}");
    // A delivery may take 8 s: from the end of one the time is counted.
    process.later(seconds(9));
    assert_eq!(process.deliver().await.report.outcome.name(), "approved", "{headers:?}");
}

#[tokio::test]
async fn github_is_left_alone_for_as_long_as_it_asks() {
    let reset = fixtures::one(APPROVED).present.as_second() + 300;
    is_left_alone(&[("retry-after", "120".to_owned()), ("x-ratelimit-reset", "1".to_owned())], 120).await;
    is_left_alone(&[("x-ratelimit-remaining", "0".to_owned()), ("x-ratelimit-reset", reset.to_string())], 299).await;
    is_left_alone(&[("x-ratelimit-remaining", "4000".to_owned())], 60).await;
}

#[tokio::test]
async fn another_installation_is_not_kept_waiting_by_the_limit_of_one() {
    let process = start(APPROVED, plan()).await;
    process.github.break_route("run", limited(&[("retry-after", "120".to_owned())]));
    process.deliver().await;
    process.github.mend();
    let other = process.deliver_with(|webhook| webhook["installation"]["id"] = 556.into()).await;
    assert_eq!(other.report.outcome.name(), "approved", "{}", other.report.outcome.reason());
}

#[tokio::test]
async fn a_sweep_leaves_the_last_tenth_of_an_hours_calls_to_deliveries() {
    let process = start(APPROVED, plan()).await;
    process.github.failed(503, process.now());
    let reset = process.now().as_second() + 600;
    process.github.say_with_every_answer(&[
        ("x-ratelimit-limit", 5000),
        ("x-ratelimit-remaining", 499),
        ("x-ratelimit-reset", reset),
    ]);
    let (swept, _) = process.sweep().await;
    assert_eq!((swept.found.len(), swept.left, swept.is_complete()), (0, 1, false), "{swept:?}");
    assert_eq!(process.deliver().await.report.outcome.name(), "approved");
}

#[tokio::test]
async fn a_sweep_begins_nothing_when_most_of_a_minutes_points_are_spent() {
    let process = start(APPROVED, plan()).await;
    process.github.failed(503, process.now());
    // The first costs some 15 points, those right after it a single one.
    for _ in 0..600 {
        process.deliver().await;
    }
    process.github.wait_again();
    let (swept, calls) = process.sweep().await;
    assert_eq!((swept.found.len(), calls.as_slice()), (0, &["deliveries".to_owned()][..]), "{swept:?}");
    process.later(seconds(60));
    assert_eq!(process.sweep().await.0.found.len(), 1);
}

/// A delivery has time for one call that hangs, and not for two.
fn limits() -> Limits {
    let call = Duration::from_secs(5);
    Limits { call, delivery: (call * 2).checked_sub(Duration::from_millis(1)).unwrap(), ..fixtures::limits() }
}

#[tokio::test]
async fn connections_that_died_while_the_function_slept_cost_a_try_and_not_the_delivery() {
    for death in [Death::Reset, Death::Silence] {
        for sleep in [seconds(1), seconds(60)] {
            let process = Process::start(fixtures::one(APPROVED), plan(), (limits(), death)).await;
            assert_eq!(process.deliver().await.report.outcome.name(), "approved");
            process.github.wait_again();
            process.later(sleep);
            process.connections.die();
            let second = process.deliver().await;
            assert_eq!(second.report.outcome.name(), "approved", "{death:?}: {}", second.report.outcome.reason());
            assert_eq!(process.github.figures().reviews, 2, "{death:?}");
        }
    }
}
