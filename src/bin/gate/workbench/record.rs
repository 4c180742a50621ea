//! A recorded evaluation: what a policy saw, and what came of it. Not here: where it comes from.

use std::sync::Arc;

use environment_gate::gate::Verdict;
use environment_gate::gate::rego::{Input, PolicyType};
use jiff::Timestamp;
use serde_json::{Map, Value};

/// The table `[data]` of a policy in TOML, which a policy in Rego sees as `data.config`.
pub(super) type Config = Arc<Map<String, Value>>;

/// Everything that was read.
#[derive(Debug, Default)]
pub(super) struct Recorded {
    /// The newest first.
    pub(super) records: Vec<Record>,
    pub(super) unreadable: Vec<Unreadable>,
}

/// One evaluation; of a story without policies, one that could have been.
#[derive(Debug)]
pub(super) struct Record {
    /// The story, or the file and the line.
    pub(super) source: String,
    /// What it shows, where somebody wrote that down.
    pub(super) claim: Option<String>,
    /// The policy's name; `None` where no policy was asked.
    pub(super) policy: Option<String>,
    /// The type of the policies that see this input.
    pub(super) policy_type: PolicyType,
    /// The policy's text.
    pub(super) text: Option<String>,
    /// What came of it.
    pub(super) outcome: Option<EvaluationOutcome>,
    pub(super) input: Input,
    pub(super) config: Config,
}

/// What came of an evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EvaluationOutcome {
    Verdict(Verdict),
    /// It could not be evaluated, so the run waits and an alarm fires.
    Error,
}

/// What cannot be evaluated, and why, in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unreadable {
    pub(super) source: String,
    pub(super) reason: String,
}

impl EvaluationOutcome {
    /// One word for people and the page.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Verdict(verdict) => verdict.as_str(),
            Self::Error => "error",
        }
    }
}

impl Record {
    /// The moment that the policy saw as the present.
    pub(super) fn at(&self) -> Option<Timestamp> {
        instant(self.input.as_json().pointer("/request/timestamp_ns"))
    }
}

impl Recorded {
    /// Sorts what was read.
    pub(super) fn new(mut records: Vec<Record>, unreadable: Vec<Unreadable>) -> Self {
        records.sort_by_key(|record| std::cmp::Reverse(record.at()));
        Self { records, unreadable }
    }
}

impl Unreadable {
    pub(super) fn new(source: impl Into<String>, reason: &str) -> Self {
        let lines: Vec<&str> = reason.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        Self { source: source.into(), reason: lines.join(" ") }
    }
}

/// Nanoseconds since 1970, as they stand in the input.
pub(super) fn instant(value: Option<&Value>) -> Option<Timestamp> {
    Timestamp::from_nanosecond(value?.as_i64()?.into()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_one_line() {
        assert_eq!(Unreadable::new("x", "TOML parse error\n  |\n1 | x\n").reason, "TOML parse error | 1 | x");
    }

    #[test]
    fn what_is_no_instant_has_no_time() {
        let at = instant(Some(&Value::from(1_767_608_100_000_000_000_i64)));
        assert_eq!(at.map(|at| at.to_string()).as_deref(), Some("2026-01-05T10:15:00Z"));
        for value in [Value::Null, "2026".into(), 1.5.into()] {
            assert_eq!(instant(Some(&value)).map(|at| at.to_string()), None, "{value}");
        }
    }
}
