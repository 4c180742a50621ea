//! One fact of each approving story is changed: then it is no longer approved, and the right check says why.

use environment_gate::gate::Verdict;
use environment_gate::world::{Canned, Player, Present, Story};
use serde_json::{Value, json};

use crate::support::{cases, fixtures, is_thorough};

/// What a change must lead to.
type Expected = (&'static str, &'static [&'static str]);

const NOT_NOW: &str = "deferred";
const NO: &str = "rejected";
/// The change that leaves a run without its gate.
const NO_GATE: &str = "the gate has another name";

struct Change {
    what: &'static str,
    /// The answer that it changes, or `webhook`.
    place: &'static str,
    off: fn(&mut Value),
    expected: Expected,
}

/// The changes after which no approving story may be approved. Those of a gate change its newest job.
fn changes() -> Vec<Change> {
    let change = |what, place, off, expected| Change { what, place, off, expected };
    vec![
        change(
            "the run is of another repository",
            "run",
            |run| run["repository"]["id"] = 1.into(),
            (NOT_NOW, &["run"]),
        ),
        change("the run has another id", "run", |run| run["id"] = 1.into(), (NOT_NOW, &["run"])),
        change(
            "the run is at another commit",
            "run",
            |run| run["head_sha"] = "c".repeat(40).into(),
            (NOT_NOW, &["run"]),
        ),
        change("the run has no attempt", "run", |run| run["run_attempt"] = Value::Null, (NOT_NOW, &["run"])),
        change("nobody started the run", "run", |run| run["actor"] = Value::Null, (NOT_NOW, &["run"])),
        change("the run is at another branch", "run", |run| run["head_branch"] = "x".into(), (NOT_NOW, &["ref"])),
        change("the run has no branch", "run", |run| run["head_branch"] = Value::Null, (NOT_NOW, &["ref"])),
        change("another event started the run", "run", |run| run["event"] = "push".into(), (NOT_NOW, &["event"])),
        change("the run is of another workflow", "run", |run| run["path"] = "ci.yml".into(), (NO, &["workflow"])),
        change("the commit is a fork's", "run", |run| run["head_repository"]["id"] = 1.into(), (NO, &["fork"])),
        change("the fork is gone", "run", |run| run["head_repository"] = Value::Null, (NO, &["fork"])),
        change(
            "the gate failed",
            "jobs",
            |jobs| gate(jobs)["conclusion"] = "failure".into(),
            (NO, &["gate-conclusion"]),
        ),
        change(
            "the gate was skipped",
            "jobs",
            |jobs| gate(jobs)["conclusion"] = "skipped".into(),
            (NO, &["gate-conclusion"]),
        ),
        change(
            "the gate ended nobody knows how",
            "jobs",
            |jobs| gate(jobs)["conclusion"] = "new".into(),
            (NO, &["gate-conclusion"]),
        ),
        change(
            "the gate has no conclusion",
            "jobs",
            |jobs| gate(jobs)["conclusion"] = Value::Null,
            (NOT_NOW, &["gate-conclusion"]),
        ),
        change(
            "the gate still runs",
            "jobs",
            |jobs| gate(jobs)["status"] = "in_progress".into(),
            (NOT_NOW, &["gate-conclusion"]),
        ),
        change(
            "the gate waits",
            "jobs",
            |jobs| gate(jobs)["status"] = "waiting".into(),
            (NOT_NOW, &["gate-conclusion"]),
        ),
        change(
            "the gate is in a new status",
            "jobs",
            |jobs| gate(jobs)["status"] = "new".into(),
            (NOT_NOW, &["gate-conclusion"]),
        ),
        change(
            "the gate is old",
            "jobs",
            |jobs| gate(jobs)["completed_at"] = "2025-12-01T00:00:00Z".into(),
            (NO, &["gate-age"]),
        ),
        change(NO_GATE, "jobs", no_gate, (NO, &["gate-job"])),
        change("the gate is of another run", "jobs", |jobs| gate(jobs)["run_id"] = 1.into(), (NO, &["gate-job"])),
        change(
            "the gate is at another commit",
            "jobs",
            |jobs| gate(jobs)["head_sha"] = "c".repeat(40).into(),
            (NO, &["gate-job"]),
        ),
        change(
            "the gate has no attempt",
            "jobs",
            |jobs| gate(jobs)["run_attempt"] = Value::Null,
            (NOT_NOW, &["gate-job"]),
        ),
        change("there are two gates", "jobs", two_gates, (NO, &["gate-job"])),
        change(
            "nobody reviews the gate",
            "environment.release-gate",
            |e| e["protection_rules"] = json!([]),
            (NO, &["gate-environment"]),
        ),
        change("no reviewer is named", "environment.release-gate", no_reviewer, (NO, &["gate-environment"])),
        change("there are no approvals", "approvals", |all| *all = json!([]), (NO, &["gate-approval"])),
        change(
            "the approvals are rejections",
            "approvals",
            |all| each(all, |one| one["state"] = "rejected".into()),
            (NO, &["gate-approval"]),
        ),
        change(
            "the approvals are in a new state",
            "approvals",
            |all| each(all, |one| one["state"] = "new".into()),
            (NO, &["gate-approval"]),
        ),
        change(
            "bots approved",
            "approvals",
            |all| each(all, |one| one["user"]["type"] = "Bot".into()),
            (NO, &["gate-approval"]),
        ),
        change(
            "new kinds of account approved",
            "approvals",
            |all| each(all, |one| one["user"]["type"] = "New".into()),
            (NO, &["gate-approval"]),
        ),
        change(
            "who approved is gone",
            "approvals",
            |all| each(all, |one| one["user"] = Value::Null),
            (NO, &["gate-approval"]),
        ),
        change(
            "other environments were approved",
            "approvals",
            |all| each(all, |one| one["environments"][0]["id"] = 1.into()),
            (NO, &["gate-approval"]),
        ),
        change(
            "the delivery is of another ref",
            "webhook",
            |webhook| webhook["deployment"]["ref"] = "x".into(),
            (NOT_NOW, &["ref"]),
        ),
        change(
            "the delivery is of another commit",
            "webhook",
            |webhook| webhook["deployment"]["sha"] = "c".repeat(40).into(),
            (NOT_NOW, &["run"]),
        ),
        change(
            "the delivery is of another event",
            "webhook",
            |webhook| webhook["event"] = "push".into(),
            (NOT_NOW, &["event"]),
        ),
    ]
}

/// The newest job of the gate's name.
fn gate(jobs: &mut Value) -> &mut Value {
    let gates = jobs["jobs"].as_array_mut().unwrap().iter_mut().filter(|job| job["name"] == "release-gate");
    gates.max_by_key(|job| job["run_attempt"].as_u64()).unwrap()
}

/// No job of any attempt has the gate's name.
fn no_gate(jobs: &mut Value) {
    each(&mut jobs["jobs"], |job| job["name"] = format!("{} ", job["name"].as_str().unwrap()).into());
}

fn two_gates(jobs: &mut Value) {
    let mut second = gate(jobs).clone();
    second["id"] = 99_999.into();
    let all = jobs["jobs"].as_array_mut().unwrap();
    all.push(second);
    jobs["total_count"] = all.len().into();
}

fn no_reviewer(environment: &mut Value) {
    each(&mut environment["protection_rules"], |rule| rule["reviewers"] = json!([]));
}

fn each(all: &mut Value, change: impl Fn(&mut Value)) {
    all.as_array_mut().unwrap().iter_mut().for_each(change);
}

/// Changes the fact everywhere in the story; false if the story does not have it.
fn apply(story: &mut Story, change: &Change) -> bool {
    if change.place == "webhook" {
        // A delivery of the older shape has it twice, and would contradict itself.
        let has_it_once = story.webhook.get("sha").is_none();
        if has_it_once {
            (change.off)(&mut story.webhook);
        }
        return has_it_once;
    }
    let mut changed = false;
    for (name, answers) in &mut story.answers {
        if name == change.place || (change.place == "jobs" && name.starts_with("jobs.")) {
            for body in
                answers.iter_mut().filter(|answer| answer.status == 200).filter_map(|answer| answer.body.as_mut())
            {
                (change.off)(body);
                changed = true;
            }
        }
    }
    changed
}

/// Whether the story's rule does not need the changed fact.
fn is_not_needed(story: &Story, change: &Change) -> bool {
    story.policy.contains("approvals = 0") && change.place == "approvals"
}

fn has_jobs_under_way(story: &Story) -> bool {
    let jobs = story.answers["jobs.1"][0].body.as_ref().unwrap()["jobs"].as_array().unwrap().iter();
    jobs.into_iter().any(|job| job["status"] == "queued")
}

#[tokio::test]
async fn one_fact_off_is_not_approved() {
    let player = Player::new(fixtures::limits()).unwrap();
    let mut problems = Vec::new();
    let mut played_in_all = 0_u64;
    let approved = fixtures::all().into_iter().filter(|fixture| fixture.outcome == "approved");
    for (number, fixture) in approved.enumerate() {
        for (place, change) in changes().into_iter().enumerate() {
            // Each story and each change has its turn.
            if !is_thorough() && (number + place) % 10 != 0 {
                continue;
            }
            let mut story = fixture.story.clone();
            if is_not_needed(&story, &change) || !apply(&mut story, &change) {
                continue;
            }
            // Where the gate's job is missing, it is asked what waits.
            let waits = json!([{ "environment": { "name": "release" } }]);
            let waits = Canned { status: 200, body: Some(waits), ..Canned::default() };
            story.answers.entry("pending_deployments".to_owned()).or_insert_with(|| vec![waits]);
            let played = player.play(&story, Present::Story).await.unwrap();
            played_in_all += 1;
            let outcome = &played.report.outcome;
            let failed: Vec<&str> =
                outcome.findings().iter().filter(|f| f.verdict != Verdict::Pass).map(|f| f.check.id()).collect();
            let (expected, because) = change.expected;
            // A missing gate may still appear while other jobs are under way.
            let expected = if change.what == NO_GATE && has_jobs_under_way(&story) { NOT_NOW } else { expected };
            // The run may notice a missing attempt as well.
            let right = outcome.name() == expected && because.iter().all(|check| failed.contains(check));
            if !right {
                problems.push(format!(
                    "{}, but {}: got {} because of {failed:?}, expected {expected} because of {because:?}",
                    fixture.name,
                    change.what,
                    outcome.name()
                ));
            }
            if played.calls.iter().any(|call| call.sent["state"] == "approved") {
                problems.push(format!("{}, but {}: an approval was posted", fixture.name, change.what));
            }
        }
    }
    assert!(played_in_all > cases(500), "only {played_in_all} changes were played");
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
