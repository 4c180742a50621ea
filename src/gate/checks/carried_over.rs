//! Whether a gate that only an earlier attempt ran counts for the current one. Not here: how it concluded, and how old it is.

use jiff::Timestamp;

use super::case::{Case, ask_reviewers, lag};
use super::execution::Execution;
use crate::gate::check::{Check, Finding, NOTHING, Verdict};
use crate::model::{Conclusion, Job, quoted};

/// Why a gate of an earlier attempt cannot count now, if it cannot: the current attempt may still bring its own.
pub(super) fn carried_over(case: &Case<'_>, newest: &Execution<'_>, expected: &str) -> Option<Finding> {
    let wait = |doubt: String| Finding::new(Check::GateJob, Verdict::Wait, doubt, expected);
    let current = case.evidence.run.attempt.filter(|current| newest.attempt() < *current)?;
    let newest_attempt = newest.attempt();
    let of_current = || case.evidence.jobs.iter().filter(|job| is_of_current_attempt(case, job));
    let under_way = of_current().filter(|job| job.status.is_under_way()).count();
    if under_way > 0 {
        let running = still_running(under_way, &format!(" of attempt {current}"));
        return Some(wait(format!("only attempt {newest_attempt} ran this job, while {running}")).meanwhile(NOTHING));
    }
    if of_current().count() == 0 {
        return Some(wait(format!(
            "only attempt {newest_attempt} ran this job, and GitHub shows no job of attempt {current} yet"
        )));
    }
    if let Some(other) = case.other_pending() {
        let name = quoted(other.as_str());
        let doubt =
            format!("only attempt {newest_attempt} ran this job, while attempt {current} waits for environment {name}");
        return Some(wait(doubt).meanwhile(ask_reviewers(other)));
    }
    let ours = &case.request.environment;
    if case.evidence.pending.as_ref().is_some_and(|pending| !pending.contains(ours)) {
        // A list without our environment is an old one. It may lack the gate's, too.
        let name = quoted(ours.as_str());
        return Some(wait(format!(
            "only attempt {newest_attempt} ran this job, and GitHub does not list attempt {current} as waiting for environment {name}"
        )));
    }
    // A gate that was not passed is run again; its new job may not be shown yet.
    let passed = newest.job.conclusion == Some(Conclusion::Success);
    let fresh = asked_at(case).is_some_and(|asked_at| !case.is_settled(asked_at));
    (!passed && fresh).then(|| {
        let how = newest.job.conclusion.as_ref().map(|conclusion| format!(" with {}", quoted(conclusion.as_str())));
        let how = how.unwrap_or_default();
        wait(format!(
            "attempt {current} does not show this job yet, and in attempt {newest_attempt} it concluded{how}; {}",
            lag()
        ))
    })
}

/// Whether the job may be one that the current attempt runs: it is not listed under an earlier one, nor did it end before the current one began.
fn is_of_current_attempt(case: &Case<'_>, job: &Job) -> bool {
    let run = &case.evidence.run;
    let is_older = run.started_at.is_some_and(|began| job.precedes(began));
    (job.attempt.is_none() || job.attempt == run.attempt) && !is_older
}

pub(super) fn still_running(jobs: usize, of_attempt: &str) -> String {
    match jobs {
        1 => format!("1 job{of_attempt} is queued or in progress"),
        jobs => format!("{jobs} jobs{of_attempt} are queued or in progress"),
    }
}

/// Since when GitHub should show what the current attempt brings: when the deployment was created, the attempt began, or the last of its
/// jobs ended, whichever was last. A delivery that is sent again has an old deployment, and a sweep has none.
pub(super) fn asked_at(case: &Case<'_>) -> Option<Timestamp> {
    let run = &case.evidence.run;
    let of_present = case.evidence.jobs.iter().filter(|job| job.attempt == run.attempt);
    let last_ended = of_present.filter_map(|job| job.completed_at).max();
    case.request.deployment_created_at.max(run.started_at).max(last_ended)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::*;
    use crate::gate::tests::{World, ago, found, job};
    use crate::model::{EnvironmentName, JobStatus};

    fn verdict(check: Check, change: impl FnOnce(&mut World)) -> Verdict {
        found(check, change).verdict
    }

    /// The second attempt ran only `publish`, whose status is given; the gate is the first attempt's.
    fn second_attempt(world: &mut World, publish: JobStatus) {
        world.rerun();
        let publish_job = world.facts.jobs.last_mut().unwrap();
        publish_job.attempt = Some(2);
        publish_job.status = publish;
    }

    #[test]
    fn a_gate_of_an_earlier_attempt_counts_once_nothing_can_run_it_again() {
        assert_eq!(verdict(Check::GateJob, |world| second_attempt(world, JobStatus::Waiting)), Verdict::Pass);
    }

    #[test]
    fn a_gate_of_an_earlier_attempt_waits_while_a_job_of_the_present_one_is_under_way() {
        let finding = found(Check::GateJob, |world| second_attempt(world, JobStatus::UnderWay));
        let reason = "only attempt 1 ran this job, while 1 job of attempt 2 is queued or in progress";
        assert_eq!((finding.verdict, finding.reason.as_str()), (Verdict::Wait, reason));
    }

    #[test]
    fn a_job_under_way_in_an_earlier_attempt_does_not_hold_back() {
        let passes = verdict(Check::GateJob, |world| {
            second_attempt(world, JobStatus::Waiting);
            world.facts.jobs.push(Job { status: JobStatus::UnderWay, ..job(7009, "lint") });
        });
        assert_eq!(passes, Verdict::Pass);
    }

    #[test]
    fn a_job_of_an_unknown_attempt_may_be_of_the_present_one() {
        let waits = verdict(Check::GateJob, |world| {
            second_attempt(world, JobStatus::Waiting);
            world.facts.jobs.push(Job { status: JobStatus::UnderWay, attempt: None, ..job(7009, "lint") });
        });
        assert_eq!(waits, Verdict::Wait);
    }

    #[test]
    fn a_gate_of_an_earlier_attempt_waits_until_a_job_of_the_present_one_is_shown() {
        let finding = found(Check::GateJob, |world| {
            second_attempt(world, JobStatus::Waiting);
            world.facts.jobs.pop();
        });
        let reason = "only attempt 1 ran this job, and GitHub shows no job of attempt 2 yet";
        assert_eq!((finding.verdict, finding.reason.as_str()), (Verdict::Wait, reason));
    }

    #[test]
    fn a_failed_gate_of_an_earlier_attempt_waits_for_60_seconds() {
        let with = |seconds| {
            move |world: &mut World| {
                second_attempt(world, JobStatus::Waiting);
                world.facts.run.started_at = Some(ago(seconds));
                world.gate_job().conclusion = Some(Conclusion::parse("failure"));
            }
        };
        assert_eq!(verdict(Check::GateJob, with(59)), Verdict::Wait);
        assert_eq!(verdict(Check::GateJob, with(60)), Verdict::Pass);
    }

    #[test]
    fn a_passed_gate_of_an_earlier_attempt_does_not_wait_for_60_seconds() {
        let passes = verdict(Check::GateJob, |world| {
            second_attempt(world, JobStatus::Waiting);
            world.facts.run.started_at = Some(world.now);
        });
        assert_eq!(passes, Verdict::Pass);
    }

    #[test]
    fn a_gate_of_an_earlier_attempt_waits_while_another_environment_is_pending() {
        let finding = found(Check::GateJob, |world| {
            second_attempt(world, JobStatus::Waiting);
            world
                .facts
                .pending
                .iter_mut()
                .for_each(|pending| pending.push(EnvironmentName::parse("release-gate").unwrap()));
        });
        let reason = "only attempt 1 ran this job, while attempt 2 waits for environment `release-gate`";
        assert_eq!((finding.verdict, finding.reason.as_str()), (Verdict::Wait, reason));
    }

    #[test]
    fn a_gate_that_is_listed_once_more_under_the_current_attempt_is_the_earlier_one() {
        let finding = found(Check::GateJob, |world| {
            second_attempt(world, JobStatus::UnderWay);
            let listed_once_more = Job { id: 7101, attempt: Some(2), ..world.gate_job().clone() };
            world.facts.jobs.push(listed_once_more);
        });
        let reason = "only attempt 1 ran this job, while 1 job of attempt 2 is queued or in progress";
        assert_eq!((finding.verdict, finding.reason.as_str()), (Verdict::Wait, reason));
    }

    #[test]
    fn a_gate_of_an_earlier_attempt_waits_while_our_environment_is_not_listed_as_pending() {
        let finding = found(Check::GateJob, |world| {
            second_attempt(world, JobStatus::Waiting);
            world.facts.pending = Some(Vec::new());
        });
        let reason =
            "only attempt 1 ran this job, and GitHub does not list attempt 2 as waiting for environment `release`";
        assert_eq!((finding.verdict, finding.reason.as_str()), (Verdict::Wait, reason));
    }
}
