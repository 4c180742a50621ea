//! What the page shows, as JSON.

use environment_gate::gate::rego::RegoError;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::difference::{Change, Line, difference};
use super::evaluate::Evaluated;
use super::record::{EvaluationOutcome, Record, Unreadable};
use super::timeline::{Lane, Mark, Review, Timeline, WIDTH};

/// A record for the list: without its input and its text.
pub(super) fn record(id: usize, record: &Record) -> Value {
    let input = record.input.as_json();
    let part = |pointer: &str| input.pointer(pointer);
    json!({
        "id": id,
        "source": record.source,
        "claim": record.claim,
        "policy": record.policy,
        "type": record.policy_type.as_str(),
        "at": record.at().map(moment),
        "outcome": record.outcome.map(EvaluationOutcome::as_str),
        "repository": part("/repository/name"),
        "run": part("/run/id"),
        "attempt": part("/run/attempt"),
        "ref": part("/run/ref"),
        "environment": part("/request/environment"),
        "starter": part("/session/login"),
    })
}

/// With the day of the week, which policies are often about.
fn moment(at: Timestamp) -> String {
    at.strftime("%a %Y-%m-%d %H:%M:%S UTC").to_string()
}

pub(super) fn unreadable(Unreadable { source, reason }: &Unreadable) -> Value {
    json!({ "source": source, "reason": reason })
}

/// What is wrong with a policy's text, and where.
pub(super) fn problem(RegoError { policy: _, place, problem }: &RegoError) -> Value {
    json!({ "line": place.map(|place| place.line), "column": place.map(|place| place.column), "text": problem })
}

/// What is wrong with an input that was edited, and where.
pub(super) fn input_problem(error: &serde_json::Error) -> Value {
    json!({ "line": error.line(), "column": error.column(), "text": error.to_string() })
}

pub(super) fn evaluated(Evaluated { outcome, reason, warning, values, problem: _ }: &Evaluated) -> Value {
    json!({
        "outcome": outcome.as_str(),
        "reason": reason,
        "warning": warning,
        // As text: JavaScript's numbers do not hold every integer.
        "values": format!("{:#}", Value::Object(values.clone())),
    })
}

/// The lines in which two texts differ, in groups.
pub(super) fn differences(older: &str, newer: &str) -> Value {
    let line = |Line { change, older, newer, text }: &Line<'_>| {
        let change = match change {
            Change::Same => "same",
            Change::Removed => "removed",
            Change::Added => "added",
        };
        let ends = text.ends_with('\n');
        json!({ "change": change, "older": older, "newer": newer, "text": text.trim_end_matches(['\n', '\r']), "ends": ends })
    };
    difference(older, newer).iter().map(|group| group.iter().map(line).collect::<Value>()).collect()
}

pub(super) fn timeline(timeline: &Timeline) -> Value {
    let Timeline { ends, attempts, lanes, omitted, reviews, asked } = timeline;
    let mark = |Mark { position, words }: &Mark| json!({ "position": position, "words": words });
    let review = |Review { state, words }: &Review| json!({ "state": state, "words": words });
    let lane = |lane: &Lane| {
        let Lane { name, is_gate, state, start, end, words, approvals } = lane;
        json!({ "name": name, "is_gate": is_gate, "state": state, "start": start, "end": end, "words": words, "approvals": approvals })
    };
    json!({
        "width": WIDTH,
        "ends": ends.map(|(first, last)| [moment(first), moment(last)]),
        "attempts": attempts.iter().map(mark).collect::<Value>(),
        "lanes": lanes.iter().map(lane).collect::<Value>(),
        "omitted": omitted,
        "reviews": reviews.iter().map(review).collect::<Value>(),
        "asked": asked.as_ref().map(mark),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_has_its_day_of_the_week() {
        let at = Timestamp::from_second(1_767_608_100).map(moment);
        assert_eq!(at.ok().as_deref(), Some("Mon 2026-01-05 10:15:00 UTC"));
    }

    #[test]
    fn a_line_says_whether_it_ends() {
        let lines = differences("a\n", "a");
        assert_eq!(
            lines.pointer("/0/0"),
            Some(&json!({ "change": "removed", "older": 1, "newer": null, "text": "a", "ends": true }))
        );
        assert_eq!(lines.pointer("/0/1/ends"), Some(&false.into()));
    }
}
