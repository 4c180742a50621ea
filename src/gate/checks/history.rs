//! What became of a gate's job over all attempts of the run: is it there, and has it concluded? Not here: what a gate that has finished
//! must fulfil.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::case::{Case, SETTLE, lag};
use crate::gate::check::{Check, Finding, Verdict};
use crate::gate::policy::Gate;
use crate::model::{Conclusion, Job, JobStatus, quoted};

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
        let finding = conclusion(newest, &by_attempt);
        findings.push(if case.is_rejected(gate) { finding.fixed_by(SETTLE) } else { finding });
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
        "exactly one job of this name in each attempt that ran it, of run {} at SHA {}",
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
        let got = format!("attempt {attempt} has {} jobs of this name", jobs.len());
        return Finding::new(Check::GateJob, Verdict::Fail, got, expected).fixed_by(one_job_fix(gate));
    }
    if let Some(other) = by_attempt.values().flatten().find(|job| job.run != run.id || job.head_sha != run.head_sha) {
        let got = format!("job {} is of run {} at SHA {}", other.id, other.run, quoted(other.head_sha.as_str()));
        let reason = format!("{got}, not of run {} at SHA {}", run.id, quoted(run.head_sha.as_str()));
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
        "Give the workflow exactly one job of this name, with {environment}. Then start a new run and have its gate approved."
    )
}

/// The finding of a gate of which no attempt has a job.
fn missing_job(case: &Case<'_>, gate: &Gate) -> Finding {
    let under_way = case.evidence.jobs.iter().filter(|job| job.status.is_under_way()).count();
    let (verdict, got) = if under_way > 0 {
        (Verdict::Wait, format!("no job of this name yet, while {}", still_running(under_way, "")))
    } else {
        match asked_at(case) {
            Some(asked_at) if case.is_settled(asked_at) => {
                (Verdict::Fail, "the run has no job of this name".to_owned())
            }
            Some(_) => (Verdict::Wait, format!("no job of this name yet; {}", lag())),
            None => {
                (Verdict::Wait, "no job of this name yet, and GitHub does not say when the attempt began".to_owned())
            }
        }
    };
    Finding::new(Check::GateJob, verdict, got, "exactly one job of this name").fixed_by(one_job_fix(gate))
}

fn still_running(jobs: usize, of_attempt: &str) -> String {
    match jobs {
        1 => format!("1 job{of_attempt} is queued or in progress"),
        jobs => format!("{jobs} jobs{of_attempt} are queued or in progress"),
    }
}

/// Since when GitHub should show what the present attempt brings: when the deployment was created, the attempt began, or the last of its
/// jobs ended, whichever was last. A delivery that is sent again has an old deployment, and a sweep has none.
fn asked_at(case: &Case<'_>) -> Option<Timestamp> {
    let run = &case.evidence.run;
    let of_present = case.evidence.jobs.iter().filter(|job| job.attempt == run.attempt);
    let last_ended = of_present.filter_map(|job| job.completed_at).max();
    case.request.deployment_created_at.max(run.started_at).max(last_ended)
}

/// Why a gate of an earlier attempt cannot count now, if it cannot: the present attempt may still bring its own.
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

fn conclusion(newest: &Job, by_attempt: &ByAttempt<'_>) -> Finding {
    let unfinished = by_attempt
        .values()
        .flatten()
        .find(|job| job.status != JobStatus::Completed || job.conclusion.is_none() || job.completed_at.is_none());
    let finding = |verdict, got: String| Finding::new(Check::GateConclusion, verdict, got, "`success`");
    match (unfinished, &newest.conclusion) {
        (None, Some(Conclusion::Success)) => finding(Verdict::Pass, "`success`".to_owned()),
        (None, Some(Conclusion::Other(name))) => finding(Verdict::Fail, quoted(name).to_string())
            .because(format!("the gate's job concluded with {}, not with `success`", quoted(name))),
        (job, _) => finding(Verdict::Wait, unfinished_text(job.unwrap_or(&newest)).to_owned()),
    }
}

fn unfinished_text(job: &Job) -> &'static str {
    match job.status {
        JobStatus::Completed => "the gate's job is completed, but GitHub does not show its conclusion or time yet",
        JobStatus::Waiting => "the gate's job is waiting for its reviewers",
        JobStatus::UnderWay => "the gate's job is queued or in progress",
        JobStatus::Unknown => "the gate's job is in an unknown status",
    }
}
