//! The checks of a gate that has finished: its age, its environment, its re-runs. Not here: who approved it.

use jiff::{SignedDuration, Timestamp};

use super::case::Case;
use super::history::History;
use crate::gate::check::{Check, Finding, Verdict};
use crate::gate::policy::Gate;
use crate::model::{listed, quoted};

pub(in crate::gate) fn of_finished(case: &Case<'_>, history: &History<'_>) -> Vec<Finding> {
    let age = history.completed_at().map(|completed_at| age(case, completed_at));
    let findings = age.into_iter().chain([environment(case, history.gate), reruns(case, history)]);
    findings.map(|finding| finding.of_gate(&history.gate.job)).collect()
}

fn age(case: &Case<'_>, completed_at: Timestamp) -> Finding {
    let max_age = &case.rule.max_age;
    let age = case.now.duration_since(completed_at);
    let (got, expected) =
        (format!("ended {} ago, at {completed_at}", ago(age)), format!("ended at most {max_age} ago"));
    if age <= max_age.duration() {
        return Finding::new(Check::GateAge, Verdict::Pass, got, expected);
    }
    let reason = format!("the gate's job {got}; the rule allows at most {max_age}");
    Finding::new(Check::GateAge, Verdict::Fail, got, expected).because(reason)
}

/// Hours, minutes and seconds, without those that are zero: `72h 5s` is more than `72h`.
fn ago(age: SignedDuration) -> String {
    let (minutes, seconds) = (age.as_mins().rem_euclid(60), age.as_secs().rem_euclid(60));
    let parts = [(age.as_hours(), "h"), (minutes, "m"), (seconds, "s")];
    let parts: Vec<String> = parts.iter().filter(|(n, _)| *n != 0).map(|(n, unit)| format!("{n}{unit}")).collect();
    if parts.is_empty() { "0s".to_owned() } else { parts.join(" ") }
}

fn environment(case: &Case<'_>, gate: &Gate) -> Finding {
    let name = quoted(gate.environment.as_str());
    let expected = format!("environment {name} with required reviewers");
    match case.environment(gate).map(|environment| environment.required_reviewers) {
        None => {
            Finding::new(Check::GateEnvironment, Verdict::Fail, format!("environment {name} does not exist"), expected)
        }
        Some(0) => {
            let got = format!("environment {name} has no required reviewers");
            Finding::new(Check::GateEnvironment, Verdict::Fail, got, expected).fixed_by(
                "Ask a repository admin to add required reviewers to it. Then start a new run and have its gate approved.",
            )
        }
        Some(count) => {
            let reviewers = if count == 1 { "required reviewer" } else { "required reviewers" };
            let got = format!("environment {name} has {count} {reviewers} (people and teams)");
            Finding::new(Check::GateEnvironment, Verdict::Pass, got, expected)
        }
    }
}

fn reruns(case: &Case<'_>, history: &History<'_>) -> Finding {
    let attempts = listed(history.attempts.iter().map(ToString::to_string));
    let got = match history.attempts.len() {
        0 => "ran in no attempt".to_owned(),
        1 => format!("ran in attempt {attempts}"),
        _ => format!("ran in attempts {attempts}"),
    };
    let required = case.rule.approvals;
    if required <= 1 {
        let expected = "any number of attempts, each with an approval of its own";
        return Finding::new(Check::GateReruns, Verdict::Pass, got, expected);
    }
    let expected = format!("1 attempt, because {required} approvers are required");
    if history.attempts.len() <= 1 {
        return Finding::new(Check::GateReruns, Verdict::Pass, got, expected);
    }
    let reason = format!(
        "the gate {got}; with {required} required approvers it may run only once, because GitHub does not say to which attempt an approval belongs"
    );
    Finding::new(Check::GateReruns, Verdict::Fail, got, expected).because(reason)
}
