//! What became of a gate's job over all attempts of the run, and the check `gate-job`. Not here: how it concluded.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::case::{Case, lag};
use super::conclusion::conclusion;
use crate::gate::check::{Check, Finding, Verdict};
use crate::gate::policy::Gate;
use crate::model::{Conclusion, Job, quoted};

/// What became of one gate over all attempts of the run.
pub(in crate::gate) struct History<'a> {
    pub(super) gate: &'a Gate,
    /// The job of the newest attempt in which the gate ran; `None` when it never did.
    pub(super) newest: Option<&'a Job>,
    /// Attempts in which the gate ran.
    pub(super) attempts: Vec<u32>,
    /// In how many attempts its job got past the wait for its environment, whoever let it.
    pub(super) passed_wait: usize,
    /// `gate-job` and `gate-conclusion`: whether the gate has finished.
    pub(in crate::gate) findings: Vec<Finding>,
}

impl History<'_> {
    /// Whether the gate may still be passed.
    pub(in crate::gate) fn is_unfinished(&self) -> bool {
        self.findings.iter().any(|finding| finding.verdict == Verdict::Wait)
    }

    /// When the newest job of the gate ended.
    pub(super) fn completed_at(&self) -> Option<Timestamp> {
        self.newest.and_then(|job| job.completed_at)
    }
}

/// The jobs of one gate, by attempt; attempt 0 is one that GitHub did not name.
type ByAttempt<'a> = BTreeMap<u32, Vec<&'a Job>>;

pub(in crate::gate) fn history<'a>(case: &Case<'a>, gate: &'a Gate) -> History<'a> {
    let mut by_attempt = ByAttempt::new();
    for job in case.evidence.jobs.iter().filter(|job| job.name == gate.job) {
        by_attempt.entry(job.attempt.unwrap_or_default()).or_default().push(job);
    }
    let newest = by_attempt.last_key_value().and_then(|(_, jobs)| jobs.first().copied());
    let mut findings = vec![gate_job(case, gate, &by_attempt)];
    if let Some(newest) = newest {
        let jobs: Vec<&Job> = by_attempt.values().flatten().copied().collect();
        findings.push(conclusion(case, gate, newest, &jobs));
    }
    History {
        gate,
        newest,
        passed_wait: by_attempt.values().filter(|jobs| jobs.iter().any(|job| got_past_the_wait(job))).count(),
        attempts: by_attempt.into_keys().collect(),
        findings: findings.into_iter().map(|finding| finding.of_gate(&gate.job)).collect(),
    }
}

/// Only a job that a runner took, or that succeeded, was let through by somebody. One that was rejected or cancelled while it waited needs
/// no approval.
fn got_past_the_wait(job: &Job) -> bool {
    job.has_runner || job.conclusion == Some(Conclusion::Success)
}

fn gate_job(case: &Case<'_>, gate: &Gate, by_attempt: &ByAttempt<'_>) -> Finding {
    let run = &case.evidence.run;
    let Some((newest, jobs)) = by_attempt.last_key_value() else { return missing_job(case, gate) };
    let expected = format!(
        "exactly one job with this name in each attempt that ran it, of run {} at SHA {}",
        run.id,
        quoted(run.head_sha.as_str())
    );
    let doubt = if by_attempt.contains_key(&0) {
        Some("GitHub's answer lacks a job's `run_attempt`".to_owned())
    } else {
        carried_over(case, *newest, jobs)
    };
    if let Some(doubt) = doubt {
        return Finding::new(Check::GateJob, Verdict::Wait, doubt, expected);
    }
    if let Some((attempt, jobs)) = by_attempt.iter().find(|(_, jobs)| jobs.len() > 1) {
        let got = format!("attempt {attempt} has {} jobs with this name", jobs.len());
        return Finding::new(Check::GateJob, Verdict::Fail, got, expected).fixed_by(one_job_fix(gate));
    }
    if let Some(other) = by_attempt.values().flatten().find(|job| job.run != run.id || job.head_sha != run.head_sha) {
        let got = format!("job {} is of run {} at SHA {}", other.id, other.run, quoted(other.head_sha.as_str()));
        let reason = format!("{got}, but this is run {} at SHA {}", run.id, quoted(run.head_sha.as_str()));
        // Nothing in the workflow needs a fix.
        return Finding::new(Check::GateJob, Verdict::Fail, got, expected)
            .because(reason)
            .fixed_by("Start a new run of the commit that you want to deploy and have its gate approved.");
    }
    let id = jobs.first().map(|job| job.id).unwrap_or_default();
    Finding::new(Check::GateJob, Verdict::Pass, format!("job {id} of attempt {newest}"), expected)
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
    let (verdict, got) = if under_way > 0 {
        (Verdict::Wait, format!("no job with this name yet, while {}", still_running(under_way, "")))
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
    Finding::new(Check::GateJob, verdict, got, "exactly one job with this name").fixed_by(one_job_fix(gate))
}

fn still_running(jobs: usize, of_attempt: &str) -> String {
    match jobs {
        1 => format!("1 job{of_attempt} is queued or in progress"),
        jobs => format!("{jobs} jobs{of_attempt} are queued or in progress"),
    }
}

/// Since when GitHub should show what the current attempt brings: when the deployment was created, the attempt began, or the last of its
/// jobs ended, whichever was last. A delivery that is sent again has an old deployment, and a sweep has none.
fn asked_at(case: &Case<'_>) -> Option<Timestamp> {
    let run = &case.evidence.run;
    let of_present = case.evidence.jobs.iter().filter(|job| job.attempt == run.attempt);
    let last_ended = of_present.filter_map(|job| job.completed_at).max();
    case.request.deployment_created_at.max(run.started_at).max(last_ended)
}

/// Why a gate of an earlier attempt cannot count now, if it cannot: the current attempt may still bring its own.
fn carried_over(case: &Case<'_>, newest: u32, jobs: &[&Job]) -> Option<String> {
    let present = case.evidence.run.attempt.filter(|present| newest < *present)?;
    let of_present = || case.evidence.jobs.iter().filter(|job| job.attempt.is_none_or(|attempt| attempt == present));
    let under_way = of_present().filter(|job| job.status.is_under_way()).count();
    if under_way > 0 {
        let running = still_running(under_way, &format!(" of attempt {present}"));
        return Some(format!("only attempt {newest} has this job, while {running}"));
    }
    if of_present().count() == 0 {
        return Some(format!("only attempt {newest} has this job, and GitHub shows no job of attempt {present} yet"));
    }
    // A gate that was not passed is run again; its new job may not be shown yet.
    let passed = jobs.iter().all(|job| job.conclusion == Some(Conclusion::Success));
    let fresh = asked_at(case).is_some_and(|asked_at| !case.is_settled(asked_at));
    (!passed && fresh).then(|| format!("only attempt {newest} has this job so far; {}", lag()))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::*;
    use crate::gate::tests::{ALICE, World, account, ago, found, job, sha};
    use crate::model::{JobStatus, RunAttempt, RunId};

    fn verdict(check: Check, change: impl FnOnce(&mut World)) -> Verdict {
        found(check, change).verdict
    }

    /// The second attempt ran only `publish`, whose status is given; the gate is the first attempt's.
    fn second_attempt(world: &mut World, publish: JobStatus) {
        world.facts.run.attempt = Some(2);
        world.facts.earlier_attempts = vec![RunAttempt { attempt: 1, triggering_actor: Some(account(ALICE)) }];
        let publish_job = world.facts.jobs.last_mut().unwrap();
        publish_job.attempt = Some(2);
        publish_job.status = publish;
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

    #[test]
    fn a_gate_of_an_earlier_attempt_counts_once_nothing_can_run_it_again() {
        assert_eq!(verdict(Check::GateJob, |world| second_attempt(world, JobStatus::Waiting)), Verdict::Pass);
    }

    #[test]
    fn a_gate_of_an_earlier_attempt_waits_while_a_job_of_the_present_one_is_under_way() {
        let finding = found(Check::GateJob, |world| second_attempt(world, JobStatus::UnderWay));
        let reason = "only attempt 1 has this job, while 1 job of attempt 2 is queued or in progress";
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
        let reason = "only attempt 1 has this job, and GitHub shows no job of attempt 2 yet";
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
    fn a_job_got_past_the_wait_if_a_runner_took_it_or_it_succeeded() {
        let past = |has_runner, conclusion| {
            got_past_the_wait(&Job { has_runner, conclusion: Some(Conclusion::parse(conclusion)), ..job(1, "x") })
        };
        assert!(past(true, "failure") && past(false, "success"));
        assert!(!past(false, "failure"));
    }
}
