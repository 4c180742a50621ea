//! What became of a gate's job over all attempts of the run, and the check `gate-job`. Not here: how it concluded.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::carried_over::{asked_at, carried_over, still_running};
use super::case::{Case, ask_reviewers, lag};
use super::conclusion::conclusion;
use super::execution::{ByAttempt, Execution, executions};
use crate::gate::check::{Check, Finding, NOTHING, Verdict};
use crate::gate::policy::Gate;
use crate::model::{Job, quoted};

/// What became of one gate over all attempts of the run.
pub(in crate::gate) struct History<'a> {
    pub(super) gate: &'a Gate,
    /// Each time that its job ran, the newest last.
    pub(super) executions: Vec<Execution<'a>>,
    /// `gate-job` and `gate-conclusion`: whether the gate has finished.
    pub(in crate::gate) findings: Vec<Finding>,
}

impl<'a> History<'a> {
    /// Whether the gate may still be passed.
    pub(in crate::gate) fn is_unfinished(&self) -> bool {
        self.findings.iter().any(|finding| finding.verdict == Verdict::Wait)
    }

    /// The newest job of the gate; `None` when it never ran.
    pub(super) fn newest(&self) -> Option<&'a Job> {
        self.executions.last().map(|execution| execution.job)
    }

    /// When the newest job of the gate ended.
    pub(super) fn completed_at(&self) -> Option<Timestamp> {
        self.newest().and_then(|job| job.completed_at)
    }

    /// The attempts in which the gate may have run.
    pub(super) fn attempts(&self) -> BTreeSet<u32> {
        self.executions.iter().filter(|one| one.ran()).flat_map(|one| &one.attempts).copied().collect()
    }

    /// How many executions got past the wait for the environment, whoever let them.
    pub(super) fn passed_wait(&self) -> usize {
        self.executions.iter().filter(|execution| execution.passed_wait).count()
    }

    /// How many executions ended without getting past it.
    pub(super) fn ended_at_the_wait(&self) -> usize {
        self.executions.iter().filter(|execution| execution.ended_at_the_wait()).count()
    }
}

pub(in crate::gate) fn history<'a>(case: &Case<'a>, gate: &'a Gate) -> History<'a> {
    let mut by_attempt = ByAttempt::new();
    for job in case.evidence.jobs.iter().filter(|job| job.name == gate.job) {
        by_attempt.entry(job.attempt.unwrap_or_default()).or_default().push(job);
    }
    let executions = executions(case, &by_attempt);
    let mut findings = vec![gate_job(case, gate, &by_attempt, executions.last())];
    if let Some(newest) = executions.last() {
        let jobs: Vec<&Job> = by_attempt.values().flatten().copied().collect();
        findings.push(conclusion(case, gate, newest.job, &jobs));
    }
    History { gate, executions, findings: findings.into_iter().map(|finding| finding.of_gate(&gate.job)).collect() }
}

fn gate_job(case: &Case<'_>, gate: &Gate, by_attempt: &ByAttempt<'_>, newest: Option<&Execution<'_>>) -> Finding {
    let run = &case.evidence.run;
    let Some(newest) = newest else { return missing_job(case, gate) };
    let expected = format!(
        "exactly one job with this name in each attempt that ran it, of run {} at SHA {}",
        run.id,
        quoted(run.head_sha.as_str())
    );
    if by_attempt.contains_key(&0) {
        return Finding::new(Check::GateJob, Verdict::Wait, "GitHub's answer lacks a job's `run_attempt`", expected);
    }
    if let Some(doubt) = carried_over(case, newest, &expected) {
        return doubt;
    }
    if let Some((attempt, jobs)) = by_attempt.iter().find(|(_, jobs)| jobs.len() > 1) {
        let got = format!("attempt {attempt} has {} jobs with this name", jobs.len());
        return Finding::new(Check::GateJob, Verdict::Fail, got, expected).fixed_by(one_job_fix(gate));
    }
    if let Some(other) = by_attempt.values().flatten().find(|job| job.run != run.id || job.head_sha != run.head_sha) {
        let got = if other.run == run.id {
            format!(
                "job {} is at SHA {}, the run at {}",
                other.id,
                quoted(other.head_sha.as_str()),
                quoted(run.head_sha.as_str())
            )
        } else {
            format!("job {} is of run {}, not of run {}", other.id, other.run, run.id)
        };
        // Nothing in the workflow needs a fix.
        return Finding::new(Check::GateJob, Verdict::Fail, got, expected)
            .fixed_by("Start a new run of the commit that you want to deploy and have its gate approved.");
    }
    let got = format!("job {} of attempt {}", newest.job.id, newest.attempt());
    Finding::new(Check::GateJob, Verdict::Pass, got, expected)
}

fn one_job_fix(gate: &Gate) -> String {
    let environment = quoted(&format!("environment: {}", gate.environment.as_str())).to_string();
    format!(
        "Give the workflow exactly one job with this name, with {environment}. Then start a new run and have its gate approved."
    )
}

/// The finding of a gate of which no attempt has a job.
fn missing_job(case: &Case<'_>, gate: &Gate) -> Finding {
    let under_way = case.evidence.jobs.iter().filter(|job| job.status.is_under_way()).count();
    let other = case.other_pending();
    let (verdict, got) = if under_way > 0 {
        (Verdict::Wait, format!("no job with this name yet, while {}", still_running(under_way, "")))
    } else if let Some(other) = other {
        // The gate's job may come after that one.
        let name = quoted(other.as_str());
        (Verdict::Wait, format!("no job with this name yet, while the run waits for environment {name}"))
    } else if case.evidence.jobs.is_empty() {
        (Verdict::Wait, "GitHub shows no job of the run at all, and yet one of them waits".to_owned())
    } else {
        match asked_at(case) {
            Some(asked_at) if case.is_settled(asked_at) => {
                (Verdict::Fail, "the run has no job with this name".to_owned())
            }
            Some(_) => (Verdict::Wait, format!("no job with this name yet; {}", lag())),
            None => {
                (Verdict::Wait, "no job with this name yet, and GitHub does not say when the attempt began".to_owned())
            }
        }
    };
    let finding =
        Finding::new(Check::GateJob, verdict, got, "exactly one job with this name").fixed_by(one_job_fix(gate));
    match other {
        _ if under_way > 0 => finding.meanwhile(NOTHING),
        Some(other) => finding.meanwhile(ask_reviewers(other)),
        None => finding,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::*;
    use crate::gate::tests::{World, ago, found, job, sha};
    use crate::model::{EnvironmentName, JobStatus, RunId};

    fn verdict(check: Check, change: impl FnOnce(&mut World)) -> Verdict {
        found(check, change).verdict
    }

    #[test]
    fn one_job_of_the_name_is_the_gate() {
        let finding = found(Check::GateJob, |_| {});
        assert_eq!((finding.verdict, finding.reason.as_str()), (Verdict::Pass, "job 7001 of attempt 1"));
        assert_eq!(finding.gate.as_deref(), Some("release-gate"));
    }

    #[test]
    fn a_job_of_a_similar_name_is_not_the_gate() {
        let finding = found(Check::GateJob, |world| world.gate_job().name = "Release-gate".to_owned());
        assert_eq!((finding.verdict, finding.reason.as_str()), (Verdict::Fail, "the run has no job with this name"));
        assert!(finding.fix.contains("with `environment: release-gate`"), "{}", finding.fix);
    }

    #[test]
    fn a_missing_gate_waits_while_another_job_is_under_way() {
        let finding = found(Check::GateJob, |world| {
            world.gate_job().name = "build".to_owned();
            world.gate_job().status = JobStatus::UnderWay;
        });
        let reason = "no job with this name yet, while 1 job is queued or in progress";
        assert_eq!((finding.verdict, finding.reason.as_str()), (Verdict::Wait, reason));
    }

    #[test]
    fn a_missing_gate_waits_while_another_environment_is_pending() {
        let finding = found(Check::GateJob, |world| {
            world.gate_job().name = "build".to_owned();
            let pending = ["release", "staging"].map(|name| EnvironmentName::parse(name).unwrap());
            world.facts.pending = Some(pending.to_vec());
        });
        let reason = "no job with this name yet, while the run waits for environment `staging`";
        assert_eq!((finding.verdict, finding.reason.as_str()), (Verdict::Wait, reason));
    }

    #[test]
    fn a_missing_gate_waits_if_no_job_is_shown_at_all() {
        let finding = found(Check::GateJob, |world| world.facts.jobs.clear());
        let reason = "GitHub shows no job of the run at all, and yet one of them waits";
        assert_eq!((finding.verdict, finding.reason.as_str()), (Verdict::Wait, reason));
    }

    #[test]
    fn several_jobs_under_way_are_counted() {
        assert_eq!(still_running(3, " of attempt 2"), "3 jobs of attempt 2 are queued or in progress");
    }

    /// Without a gate, and with the last news of the attempt so many seconds ago.
    fn without_a_gate(world: &mut World, deployment: i64, attempt: i64, job_ended: i64) {
        world.request.deployment_created_at = Some(ago(deployment));
        world.facts.run.started_at = Some(ago(attempt));
        world.gate_job().name = "build".to_owned();
        world.gate_job().completed_at = Some(ago(job_ended));
    }

    #[test]
    fn a_missing_gate_fails_once_the_last_news_is_60_seconds_old() {
        assert_eq!(verdict(Check::GateJob, |world| without_a_gate(world, 60, 61, 62)), Verdict::Fail);
    }

    #[test]
    fn a_missing_gate_waits_for_60_seconds_after_the_deployment() {
        assert_eq!(verdict(Check::GateJob, |world| without_a_gate(world, 59, 90, 90)), Verdict::Wait);
    }

    #[test]
    fn a_missing_gate_waits_for_60_seconds_after_the_attempt_began() {
        assert_eq!(verdict(Check::GateJob, |world| without_a_gate(world, 90, 59, 90)), Verdict::Wait);
    }

    #[test]
    fn a_missing_gate_waits_for_60_seconds_after_another_job_ended() {
        assert_eq!(verdict(Check::GateJob, |world| without_a_gate(world, 90, 90, 59)), Verdict::Wait);
    }

    #[test]
    fn a_missing_gate_waits_if_nothing_says_since_when() {
        let waits = verdict(Check::GateJob, |world| {
            world.request.deployment_created_at = None;
            world.facts.run.started_at = None;
            world.facts.jobs.remove(0);
        });
        assert_eq!(waits, Verdict::Wait);
    }

    #[test]
    fn two_jobs_of_the_name_in_one_attempt_fail() {
        let finding = found(Check::GateJob, |world| world.facts.jobs.push(job(7009, "release-gate")));
        assert_eq!((finding.verdict, finding.reason.as_str()), (Verdict::Fail, "attempt 1 has 2 jobs with this name"));
    }

    #[test]
    fn a_gate_of_another_sha_fails() {
        let finding = found(Check::GateJob, |world| world.gate_job().head_sha = sha('b'));
        assert_eq!(finding.verdict, Verdict::Fail);
        assert!(finding.fix.starts_with("Start a new run of the commit"), "{}", finding.fix);
    }

    #[test]
    fn a_gate_of_another_run_fails() {
        assert_eq!(verdict(Check::GateJob, |world| world.gate_job().run = RunId::new(1).unwrap()), Verdict::Fail);
    }

    #[test]
    fn a_gate_without_its_attempt_waits() {
        let finding = found(Check::GateJob, |world| world.gate_job().attempt = None);
        assert_eq!(
            (finding.verdict, finding.reason.as_str()),
            (Verdict::Wait, "GitHub's answer lacks a job's `run_attempt`")
        );
    }

    #[test]
    fn a_gate_of_the_present_attempt_counts_while_other_jobs_are_under_way() {
        let passes = verdict(Check::GateJob, |world| {
            world.facts.jobs.push(Job { status: JobStatus::UnderWay, ..job(7009, "build") });
        });
        assert_eq!(passes, Verdict::Pass);
    }
}
