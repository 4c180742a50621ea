//! The check `gate-conclusion`: did the gate's job succeed?

use super::case::{Case, SETTLE, ask_reviewers};
use crate::gate::check::{Check, Finding, NOTHING, Verdict};
use crate::gate::policy::Gate;
use crate::model::{Conclusion, Job, JobStatus, quoted};

/// How the newest of the gate's `jobs` concluded, once all of them have.
pub(super) fn conclusion(case: &Case<'_>, gate: &Gate, newest: &Job, jobs: &[&Job]) -> Finding {
    let unfinished = jobs
        .iter()
        .find(|job| job.status != JobStatus::Completed || job.conclusion.is_none() || job.completed_at.is_none());
    let finding = |verdict, got: String| Finding::new(Check::GateConclusion, verdict, got, "`success`");
    let finding = match (unfinished, &newest.conclusion) {
        (None, Some(Conclusion::Success)) => finding(Verdict::Pass, "`success`".to_owned()),
        (None, Some(Conclusion::Other(name))) => finding(Verdict::Fail, quoted(name).to_string())
            .because(format!("the gate's job concluded with {}, not with `success`", quoted(name))),
        (job, _) => {
            let job = job.unwrap_or(&newest);
            let finding = finding(Verdict::Wait, unfinished_text(job).to_owned());
            match job.status {
                JobStatus::Waiting => finding.meanwhile(ask_reviewers(&gate.environment)),
                JobStatus::UnderWay => finding.meanwhile(NOTHING),
                JobStatus::Completed | JobStatus::Unknown => finding,
            }
        }
    };
    if case.rejections(gate) > 0 { finding.fixed_by(SETTLE) } else { finding }
}

fn unfinished_text(job: &Job) -> &'static str {
    match job.status {
        JobStatus::Completed => "the gate's job has completed, but GitHub does not show its conclusion or end time yet",
        JobStatus::Waiting => "the gate's job is waiting for its reviewers",
        JobStatus::UnderWay => "the gate's job is queued or in progress",
        JobStatus::Unknown => "the gate's job is in an unknown status",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::tests::{approval, found, job};
    use crate::model::{EnvironmentReview, ReviewState};

    fn conclude(job: &mut Job, conclusion: &str) {
        job.conclusion = Some(Conclusion::parse(conclusion));
    }

    #[test]
    fn only_success_passes_a_gate() {
        for conclusion in ["failure", "skipped", "neutral", "cancelled", "Success", "brand_new"] {
            let finding = found(Check::GateConclusion, |world| conclude(world.gate_job(), conclusion));
            assert_eq!(finding.verdict, Verdict::Fail);
            assert_eq!(finding.reason, format!("the gate's job concluded with `{conclusion}`, not with `success`"));
        }
    }

    #[test]
    fn a_gate_that_a_reviewer_rejected_is_settled_with_them() {
        let finding = found(Check::GateConclusion, |world| {
            conclude(world.gate_job(), "failure");
            world.facts.reviews = vec![EnvironmentReview { state: ReviewState::Rejected, ..approval(22) }];
        });
        assert_eq!(finding.fix, SETTLE);
    }

    #[test]
    fn a_gate_that_nobody_rejected_has_the_checks_own_fix() {
        let finding = found(Check::GateConclusion, |world| conclude(world.gate_job(), "failure"));
        assert_eq!(finding.fix, Check::GateConclusion.fix());
    }

    #[test]
    fn a_gate_that_has_not_finished_waits() {
        for (status, reason) in [
            (JobStatus::Waiting, "the gate's job is waiting for its reviewers"),
            (JobStatus::UnderWay, "the gate's job is queued or in progress"),
            (JobStatus::Unknown, "the gate's job is in an unknown status"),
        ] {
            let finding = found(Check::GateConclusion, |world| world.gate_job().status = status);
            assert_eq!((finding.verdict, finding.reason.as_str()), (Verdict::Wait, reason));
        }
    }

    #[test]
    fn a_completed_gate_without_conclusion_or_time_waits() {
        let reason = "the gate's job has completed, but GitHub does not show its conclusion or end time yet";
        for finding in [
            found(Check::GateConclusion, |world| world.gate_job().conclusion = None),
            found(Check::GateConclusion, |world| world.gate_job().completed_at = None),
        ] {
            assert_eq!((finding.verdict, finding.reason.as_str()), (Verdict::Wait, reason));
        }
    }

    #[test]
    fn the_newest_attempts_conclusion_counts() {
        let finding = found(Check::GateConclusion, |world| {
            world.rerun();
            let mut second = Job { attempt: Some(2), ..job(7101, "release-gate") };
            conclude(&mut second, "failure");
            world.facts.jobs.push(second);
        });
        assert_eq!(finding.verdict, Verdict::Fail);
    }
}
