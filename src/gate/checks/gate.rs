//! The checks of a gate that has finished: its age, its environment, its re-runs. Not here: who approved it.

use jiff::{SignedDuration, Timestamp};

use super::case::{Case, lag};
use super::execution::Execution;
use super::history::History;
use crate::gate::check::{Check, Finding, Verdict};
use crate::model::{listed, quoted};

pub(in crate::gate) fn of_finished(case: &Case<'_>, history: &History<'_>) -> Vec<Finding> {
    let age = history.completed_at().map(|completed_at| age(case, history, completed_at));
    let findings = age.into_iter().chain([environment(case, history), reruns(case, history)]);
    findings.map(|finding| finding.of_gate(&history.gate.job)).collect()
}

fn age(case: &Case<'_>, history: &History<'_>, completed_at: Timestamp) -> Finding {
    let max_age = &case.rule.max_age;
    let age = case.now.duration_since(completed_at);
    let (got, expected) =
        (format!("ended {} ago, at {completed_at}", ago(age)), format!("ended at most {max_age} ago"));
    if age > max_age.duration() {
        let reason = format!("the gate's job {got}; the rule allows at most {max_age}");
        return Finding::new(Check::GateAge, Verdict::Fail, got, expected).because(reason);
    }
    let Some(attempt) = earlier_attempt_without(case, history) else {
        return Finding::new(Check::GateAge, Verdict::Pass, got, expected);
    };
    // The approval may belong to that attempt: an approval has no time, so the run's counts.
    let expected =
        format!("{expected}; and as nobody let it pass in attempt {attempt}, a run that began at most {max_age} ago");
    let Some(began) = run_began(case) else {
        let doubt = "GitHub's answer lacks the run's `created_at`";
        return Finding::new(Check::GateAge, Verdict::Wait, doubt, expected);
    };
    let age = case.now.duration_since(began);
    let got = format!("{got}, in a run that began {} ago", ago(age));
    if age <= max_age.duration() {
        return Finding::new(Check::GateAge, Verdict::Pass, got, expected);
    }
    let reason = format!(
        "the approval may be up to {} old: GitHub does not date approvals, and nobody let the gate's job pass in attempt {attempt}, so it may have been given to another job of that attempt; the rule allows at most {max_age}",
        ago(age)
    );
    Finding::new(Check::GateAge, Verdict::Fail, got, expected).because(reason)
}

/// The first attempt before the current one in which nobody, for certain, let the gate's job past the wait.
fn earlier_attempt_without(case: &Case<'_>, history: &History<'_>) -> Option<u32> {
    let let_in = |attempt: &u32| history.executions.iter().any(|one| one.certainly_passed_wait_in(*attempt));
    (1..case.evidence.run.attempt?).find(|attempt| !let_in(attempt))
}

/// When the run began, by the earliest of what GitHub says of it.
fn run_began(case: &Case<'_>) -> Option<Timestamp> {
    let attempts = case.evidence.earlier_attempts.iter().filter_map(|earlier| earlier.started_at);
    let jobs = case.evidence.jobs.iter().filter_map(|job| job.started_at.or(job.completed_at));
    attempts.chain(jobs).chain(case.evidence.run.created_at).min()
}

/// Hours, minutes and seconds, without those that are zero: `72h 5s` is more than `72h`.
fn ago(age: SignedDuration) -> String {
    let (minutes, seconds) = (age.as_mins().rem_euclid(60), age.as_secs().rem_euclid(60));
    let parts = [(age.as_hours(), "h"), (minutes, "m"), (seconds, "s")];
    let parts: Vec<String> = parts.iter().filter(|(n, _)| *n != 0).map(|(n, unit)| format!("{n}{unit}")).collect();
    if parts.is_empty() { "0s".to_owned() } else { parts.join(" ") }
}

fn environment(case: &Case<'_>, history: &History<'_>) -> Finding {
    let gate = history.gate;
    let name = quoted(gate.environment.as_str());
    let expected = format!("environment {name} with required reviewers");
    match case.environment(gate).map(|environment| environment.required_reviewers) {
        None if case.reviews_by_name(gate).next().is_some() => {
            let got = format!("GitHub does not show environment {name}, although a review of this run names it");
            Finding::new(Check::GateEnvironment, Verdict::Wait, got, expected)
                .meanwhile("If the environment was deleted or renamed, ask a repository admin to create it again, then start a new run. Otherwise nothing for now; if this lasts for ten minutes, start a new run.")
        }
        None if history.completed_at().is_some_and(|ended| !case.is_settled(ended)) => {
            let got = format!("GitHub shows no environment {name} yet; {}", lag());
            Finding::new(Check::GateEnvironment, Verdict::Wait, got, expected)
        }
        None => {
            Finding::new(Check::GateEnvironment, Verdict::Fail, format!("environment {name} does not exist"), expected)
        }
        Some(0) if history.completed_at().is_some_and(|ended| !case.is_settled(ended)) => {
            let got = format!("GitHub shows no required reviewers of environment {name} yet; {}", lag());
            Finding::new(Check::GateEnvironment, Verdict::Wait, got, expected)
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
    let ran: Vec<u32> = history.executions.iter().filter(|one| one.ran()).map(Execution::attempt).collect();
    let attempts = listed(ran.iter().map(ToString::to_string));
    let got = match ran.len() {
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
    if ran.len() <= 1 {
        return Finding::new(Check::GateReruns, Verdict::Pass, got, expected);
    }
    let reason = format!(
        "the gate {got}; with {required} required approvers it may run only once, because GitHub does not say to which attempt an approval belongs"
    );
    Finding::new(Check::GateReruns, Verdict::Fail, got, expected).because(reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::tests::{World, ago as before, found};

    #[test]
    fn a_gate_that_was_passed_within_max_age_holds() {
        let finding = found(Check::GateAge, |world| world.gate_job().completed_at = Some(before(72 * 3600)));
        let reason = "ended 72h ago, at 2026-01-02T10:15:00Z";
        assert_eq!((finding.verdict, finding.reason.as_str()), (Verdict::Pass, reason));
    }

    #[test]
    fn a_gate_that_was_passed_a_second_too_long_ago_fails() {
        let finding = found(Check::GateAge, |world| world.gate_job().completed_at = Some(before(72 * 3600 + 1)));
        let reason = "the gate's job ended 72h 1s ago, at 2026-01-02T10:14:59Z; the rule allows at most 72h";
        assert_eq!((finding.verdict, finding.reason.as_str()), (Verdict::Fail, reason));
    }

    #[test]
    fn an_age_is_hours_minutes_and_seconds() {
        let text = |seconds| ago(SignedDuration::from_secs(seconds));
        assert_eq!([0, 59, 60, 3600, 90_061].map(text), ["0s", "59s", "1m", "1h", "25h 1m 1s"]);
    }

    #[test]
    fn an_environment_that_does_not_exist_fails() {
        let finding = found(Check::GateEnvironment, |world| {
            *world.gate_environment() = None;
            world.facts.reviews.clear();
        });
        let reason = "environment `release-gate` does not exist";
        assert_eq!((finding.verdict, finding.reason.as_str()), (Verdict::Fail, reason));
        assert!(finding.fix.contains("create the environment"), "{}", finding.fix);
    }

    #[test]
    fn an_environment_that_a_review_names_may_not_be_missing() {
        let finding = found(Check::GateEnvironment, |world| *world.gate_environment() = None);
        let reason = "GitHub does not show environment `release-gate`, although a review of this run names it";
        assert_eq!((finding.verdict, finding.reason.as_str()), (Verdict::Wait, reason));
    }

    #[test]
    fn an_environment_may_be_missing_for_60_seconds_after_its_gate_ended() {
        let missing = |seconds| {
            found(Check::GateEnvironment, |world| {
                *world.gate_environment() = None;
                world.facts.reviews.clear();
                world.gate_job().completed_at = Some(before(seconds));
            })
        };
        assert_eq!((missing(59).verdict, missing(60).verdict), (Verdict::Wait, Verdict::Fail));
    }

    /// A re-run of a run that began so many hours ago; only the second attempt lists the gate, which ran ten minutes ago.
    fn second_attempt_alone(world: &mut World, hours: i64) {
        world.rerun_with_gate();
        world.facts.jobs.remove(0);
        world.facts.run.created_at = Some(before(SignedDuration::from_hours(hours).as_secs()));
    }

    #[test]
    fn a_gate_that_an_earlier_attempt_did_not_run_counts_in_a_young_run() {
        assert_eq!(found(Check::GateAge, |world| second_attempt_alone(world, 72)).verdict, Verdict::Pass);
    }

    #[test]
    fn a_gate_that_an_earlier_attempt_did_not_run_does_not_count_in_an_old_run() {
        let finding = found(Check::GateAge, |world| second_attempt_alone(world, 73));
        let reason = "the approval may be up to 73h old: GitHub does not date approvals, and nobody let the gate's job pass in attempt 1, so it may have been given to another job of that attempt; the rule allows at most 72h";
        assert_eq!((finding.verdict, finding.reason.as_str()), (Verdict::Fail, reason));
    }

    fn with_reviewers(count: usize) -> Finding {
        found(Check::GateEnvironment, |world| {
            world.gate_environment().iter_mut().for_each(|environment| environment.required_reviewers = count);
        })
    }

    #[test]
    fn an_environment_without_required_reviewers_fails() {
        let finding = with_reviewers(0);
        let reason = "environment `release-gate` has no required reviewers";
        assert_eq!((finding.verdict, finding.reason.as_str()), (Verdict::Fail, reason));
        assert!(finding.fix.contains("add required reviewers"), "{}", finding.fix);
    }

    #[test]
    fn required_reviewers_may_be_missing_for_60_seconds_after_the_gate_ended() {
        let missing = |seconds| {
            found(Check::GateEnvironment, |world| {
                world.gate_environment().iter_mut().for_each(|environment| environment.required_reviewers = 0);
                world.gate_job().completed_at = Some(before(seconds));
            })
        };
        assert_eq!((missing(59).verdict, missing(60).verdict), (Verdict::Wait, Verdict::Fail));
    }

    #[test]
    fn required_reviewers_are_counted() {
        assert_eq!(with_reviewers(1).reason, "environment `release-gate` has 1 required reviewer (people and teams)");
        assert_eq!(with_reviewers(2).reason, "environment `release-gate` has 2 required reviewers (people and teams)");
    }

    /// The gate ran in both of two attempts.
    fn run_again(world: &mut World) {
        world.rerun_with_gate();
    }

    #[test]
    fn a_gate_that_one_person_approves_may_run_again() {
        let finding = found(Check::GateReruns, run_again);
        assert_eq!((finding.verdict, finding.reason.as_str()), (Verdict::Pass, "ran in attempts 1, 2"));
    }

    #[test]
    fn a_gate_where_two_people_are_required_may_not_run_again() {
        let finding = found(Check::GateReruns, |world| {
            world.add_security_gate();
            run_again(world);
        });
        assert_eq!(finding.verdict, Verdict::Fail);
        assert!(finding.reason.starts_with("the gate ran in attempts 1, 2; with 2 required approvers"), "{finding}");
    }

    #[test]
    fn a_gate_where_two_people_are_required_may_run_once() {
        let finding = found(Check::GateReruns, World::add_security_gate);
        assert_eq!((finding.verdict, finding.reason.as_str()), (Verdict::Pass, "ran in attempt 1"));
        assert_eq!(finding.expected, "1 attempt, because 2 approvers are required");
    }

    #[test]
    fn a_gate_that_never_ran_was_not_run_again() {
        let finding = found(Check::GateReruns, |world| world.gate_job().name = "build".to_owned());
        assert_eq!((finding.verdict, finding.reason.as_str()), (Verdict::Pass, "ran in no attempt"));
    }
}
