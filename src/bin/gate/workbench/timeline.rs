//! What a run looked like when a policy was asked about it, laid out over time. Not here: the drawing, which is the page's.
//!
//! The input may have been edited by hand, so anything may be missing; what is missing is not drawn.

use jiff::Timestamp;
use serde_json::Value;

use super::record::instant;

/// From the first moment to the last, in the drawing.
pub(super) const WIDTH: i128 = 1000;
/// Jobs that are drawn.
const LANES_MAX: usize = 40;

/// A run over time. Positions are from 0 to [`WIDTH`].
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Timeline {
    /// The moments at both ends.
    pub(super) ends: Option<(Timestamp, Timestamp)>,
    pub(super) attempts: Vec<Mark>,
    pub(super) lanes: Vec<Lane>,
    /// Jobs beyond those that are drawn.
    pub(super) omitted: usize,
    /// What people said, in GitHub's order: it gives no time.
    pub(super) reviews: Vec<Review>,
    /// When the policy was asked.
    pub(super) asked: Option<Mark>,
}

/// A moment.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) position: i128,
    pub(super) words: String,
}

/// A job.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Lane {
    pub(super) name: String,
    pub(super) is_gate: bool,
    /// GitHub's word: the conclusion, or else the status.
    pub(super) state: String,
    pub(super) start: i128,
    pub(super) end: i128,
    pub(super) words: String,
    /// The numbers of the reviews that approved this gate.
    pub(super) approvals: Vec<usize>,
}

/// A review, numbered from 1.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Review {
    pub(super) state: String,
    pub(super) words: String,
}

/// Lays a run out.
pub(super) fn timeline(input: &Value) -> Timeline {
    let jobs = list(input, "jobs");
    let moments = moments(input, &jobs);
    let asked = instant(input.pointer("/request/timestamp_ns"));
    let (Some(first), Some(last)) = (moments.iter().min(), moments.iter().max()) else {
        return Timeline { reviews: reviews(input), ..Timeline::default() };
    };
    let scale = Scale { first: *first, last: *last };
    let began = instant(input.pointer("/run/started_at")).unwrap_or(*first);
    let mut jobs: Vec<&Value> = jobs;
    jobs.sort_by_key(|job| {
        (job.get("attempt").and_then(Value::as_u64), instant(job.get("started_at")).unwrap_or(*last))
    });
    Timeline {
        ends: Some((*first, *last)),
        attempts: attempts(input, &scale),
        lanes: jobs.iter().take(LANES_MAX).map(|job| lane(input, job, &scale, began)).collect(),
        omitted: jobs.len().saturating_sub(LANES_MAX),
        reviews: reviews(input),
        asked: asked.map(|at| Mark { position: scale.position(at), words: format!("asked at {}", clock(at)) }),
    }
}

/// The two moments between which everything lies.
struct Scale {
    first: Timestamp,
    last: Timestamp,
}

impl Scale {
    fn position(&self, at: Timestamp) -> i128 {
        let since = |at: Timestamp| at.as_nanosecond().saturating_sub(self.first.as_nanosecond());
        since(at).saturating_mul(WIDTH).checked_div(since(self.last)).unwrap_or_default().clamp(0, WIDTH)
    }
}

fn list<'v>(input: &'v Value, name: &str) -> Vec<&'v Value> {
    input.get(name).and_then(Value::as_array).into_iter().flatten().collect()
}

fn text<'v>(value: &'v Value, pointer: &str) -> Option<&'v str> {
    value.pointer(pointer).and_then(Value::as_str)
}

fn number(value: &Value, name: &str) -> Option<u64> {
    value.get(name).and_then(Value::as_u64)
}

fn clock(at: Timestamp) -> String {
    at.strftime("%H:%M:%S").to_string()
}

/// Everything that has a time.
fn moments(input: &Value, jobs: &[&Value]) -> Vec<Timestamp> {
    let run =
        ["/run/created_at", "/run/started_at", "/request/timestamp_ns"].map(|pointer| instant(input.pointer(pointer)));
    let earlier = earlier_attempts(input).map(|attempt| instant(attempt.get("started_at")));
    let jobs = jobs.iter().flat_map(|job| ["started_at", "completed_at"].map(|name| instant(job.get(name))));
    run.into_iter().chain(earlier).chain(jobs).flatten().collect()
}

fn earlier_attempts(input: &Value) -> impl Iterator<Item = &Value> {
    input.pointer("/run/earlier_attempts").and_then(Value::as_array).into_iter().flatten()
}

/// The attempts, the run's own last.
fn attempts(input: &Value, scale: &Scale) -> Vec<Mark> {
    let mark = |attempt: &Value| {
        let at = instant(attempt.get("started_at"))?;
        let number = number(attempt, "attempt").map_or("an attempt".to_owned(), |number| format!("attempt {number}"));
        let who = text(attempt, "/triggering_actor/login").unwrap_or("nobody that GitHub shows");
        Some(Mark { position: scale.position(at), words: format!("{number}, started by {who} at {}", clock(at)) })
    };
    earlier_attempts(input).chain(input.get("run")).filter_map(mark).collect()
}

fn lane(input: &Value, job: &Value, scale: &Scale, began: Timestamp) -> Lane {
    let name = text(job, "/name").unwrap_or("a job without a name");
    let state = text(job, "/conclusion").or(text(job, "/status")).unwrap_or("unknown");
    let (started, completed) = (instant(job.get("started_at")), instant(job.get("completed_at")));
    let gate = list(input, "gates").into_iter().find(|gate| text(gate, "/job") == Some(name));
    let when = match (started, completed) {
        (Some(started), Some(completed)) => format!("from {} to {}", clock(started), clock(completed)),
        (Some(started), None) => format!("since {}", clock(started)),
        (None, Some(completed)) => format!("until {}", clock(completed)),
        (None, None) => "not started".to_owned(),
    };
    let attempt = number(job, "attempt").map(|number| format!(", attempt {number}")).unwrap_or_default();
    let approvals = gate.map(|gate| approvals(input, gate)).unwrap_or_default();
    let kind = if gate.is_some() { "gate " } else { "" };
    Lane {
        name: name.to_owned(),
        is_gate: gate.is_some(),
        state: state.to_owned(),
        start: scale.position(started.unwrap_or(began)),
        end: completed.map_or(WIDTH, |at| scale.position(at)),
        words: format!("{kind}{name}{attempt}: {}, {when}", state.replace('_', " ")),
        approvals,
    }
}

/// The reviews that approved a gate, by their numbers.
fn approvals(input: &Value, gate: &Value) -> Vec<usize> {
    let environment = text(gate, "/environment").unwrap_or_default();
    let approves = |review: &Value| {
        let mut names = list(review, "environments").into_iter().filter_map(Value::as_str);
        text(review, "/state") == Some("approved") && names.any(|name| name.eq_ignore_ascii_case(environment))
    };
    let all = all_reviews(input).zip(1_usize..);
    all.filter(|(review, _)| approves(review)).map(|(_, number)| number).collect()
}

fn all_reviews(input: &Value) -> impl Iterator<Item = &Value> {
    input.pointer("/reviews/all").and_then(Value::as_array).into_iter().flatten()
}

fn reviews(input: &Value) -> Vec<Review> {
    let review = |review: &Value| {
        let state = text(review, "/state").unwrap_or("unknown");
        let who = text(review, "/user/login").unwrap_or("an account that is gone");
        let environments: Vec<&str> = list(review, "environments").into_iter().filter_map(Value::as_str).collect();
        Review { state: state.to_owned(), words: format!("{state} by {who}: {}", environments.join(", ")) }
    };
    all_reviews(input).map(review).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(second: i64) -> Value {
        1_767_607_200_000_000_000_i64.saturating_add(second.saturating_mul(1_000_000_000)).into()
    }

    /// Attempt 1 at second 0, attempt 2 at 500, asked at 1000.
    fn input() -> Value {
        json!({
            "request": { "timestamp_ns": at(1000) },
            "run": {
                "attempt": 2, "created_at": at(0), "started_at": at(500), "triggering_actor": { "login": "carol" },
                "earlier_attempts": [{ "attempt": 1, "started_at": at(0), "triggering_actor": { "login": "alice" } }],
            },
            "jobs": [
                { "name": "publish", "attempt": 2, "status": "waiting", "conclusion": null, "started_at": null, "completed_at": null },
                { "name": "release-gate", "attempt": 1, "status": "completed", "conclusion": "success", "started_at": at(100), "completed_at": at(200) },
            ],
            "gates": [{ "job": "release-gate", "environment": "release-gate" }],
            "reviews": { "all": [
                { "state": "rejected", "user": { "login": "dave" }, "environments": ["release-gate"] },
                { "state": "approved", "user": { "login": "bob" }, "environments": ["Release-Gate"] },
            ] },
        })
    }

    #[test]
    fn a_run_lies_between_its_first_and_its_last_moment() {
        let timeline = timeline(&input());
        assert_eq!(timeline.asked, Some(Mark { position: 1000, words: "asked at 10:16:40".to_owned() }));
        let attempts: Vec<_> = timeline.attempts.iter().map(|mark| (mark.position, mark.words.as_str())).collect();
        assert_eq!(
            attempts,
            [(0, "attempt 1, started by alice at 10:00:00"), (500, "attempt 2, started by carol at 10:08:20")]
        );
    }

    #[test]
    fn jobs_stand_in_the_order_in_which_they_began() {
        let lanes = timeline(&input()).lanes;
        let words: Vec<&str> = lanes.iter().map(|lane| lane.words.as_str()).collect();
        assert_eq!(
            words,
            [
                "gate release-gate, attempt 1: success, from 10:01:40 to 10:03:20",
                "publish, attempt 2: waiting, not started"
            ]
        );
        assert_eq!(lanes.iter().map(|lane| (lane.start, lane.end)).collect::<Vec<_>>(), [(100, 200), (500, 1000)]);
    }

    #[test]
    fn approvals_are_numbered_in_githubs_order() {
        let timeline = timeline(&input());
        assert_eq!(timeline.lanes.iter().map(|lane| lane.approvals.clone()).collect::<Vec<_>>(), [vec![2], vec![]]);
        let words: Vec<&str> = timeline.reviews.iter().map(|review| review.words.as_str()).collect();
        assert_eq!(words, ["rejected by dave: release-gate", "approved by bob: Release-Gate"]);
    }

    #[test]
    fn whatever_is_missing_is_not_drawn() {
        assert_eq!(timeline(&json!({})), Timeline::default());
        for pointer in ["/request", "/run", "/jobs", "/gates", "/reviews", "/run/earlier_attempts", "/jobs/1"] {
            for value in [Value::Null, json!({}), json!([]), json!("x"), json!([{}])] {
                let mut input = input();
                input.pointer_mut(pointer).into_iter().for_each(|part| *part = value.clone());
                let timeline = timeline(&input);
                assert!(timeline.lanes.iter().all(|lane| (0..=WIDTH).contains(&lane.start)), "{pointer} {value}");
            }
        }
    }

    #[test]
    fn of_many_jobs_the_first_are_drawn() {
        let mut input = input();
        let job = json!({ "name": "x", "started_at": at(300) });
        input.pointer_mut("/jobs").into_iter().for_each(|jobs| *jobs = vec![job.clone(); LANES_MAX + 3].into());
        let timeline = timeline(&input);
        assert_eq!((timeline.lanes.len(), timeline.omitted), (LANES_MAX, 3));
    }

    #[test]
    fn a_run_of_one_moment_has_a_place() {
        let timeline = timeline(&json!({ "request": { "timestamp_ns": at(0) } }));
        assert_eq!(timeline.asked.map(|mark| mark.position), Some(0));
    }
}
