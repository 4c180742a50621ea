//! The checks of the gates' jobs and environments. Not here: who approved them.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::checks::Case;
use super::policy::Gate;
use super::{Check, Finding, Verdict};
use crate::model::{Conclusion, EnvironmentReview, Job, JobStatus, ReviewState, quoted};

/// GitHub's own data lags by seconds (20 s were reported). What is missing counts as missing after this.
pub(super) const LAG_MAX: SignedDuration = SignedDuration::from_secs(60);

/// What to do when a person said no.
pub(super) const SETTLE: &str = "somebody settles it with who rejected it; if it is wanted all the same, somebody starts a new run, and its gate is approved";

/// What became of one gate over all attempts of the run.
pub(super) struct History<'a> {
    pub(super) gate: &'a Gate,
    /// The job of the newest attempt in which the gate ran; `None` when it never did.
    pub(super) newest: Option<&'a Job>,
    /// Attempts in which the gate ran.
    pub(super) attempts: Vec<u32>,
    /// Attempts in which its job got past the wait for its environment, whoever or whatever let it.
    pub(super) passed_wait: usize,
    /// The checks that told whether the gate has finished.
    pub(super) findings: Vec<Finding>,
}

impl History<'_> {
    pub(super) fn is_unfinished(&self) -> bool {
        self.findings.iter().any(|finding| finding.verdict == Verdict::Wait)
    }
}

/// The jobs of one gate, by attempt.
type ByAttempt<'a> = BTreeMap<u32, Vec<&'a Job>>;

pub(super) fn history<'a>(case: &Case<'a>, gate: &'a Gate) -> History<'a> {
    let jobs: Vec<&Job> = case.evidence.jobs.iter().filter(|job| job.name == gate.job).collect();
    let mut by_attempt = ByAttempt::new();
    for job in &jobs {
        by_attempt.entry(job.attempt.unwrap_or_default()).or_default().push(job);
    }
    let newest = by_attempt.last_key_value().and_then(|(_, jobs)| jobs.first().copied());
    let mut findings = vec![gate_job(case, &by_attempt)];
    findings.extend(newest.map(|job| conclusion(job, &by_attempt).mended_if(is_rejected(case, gate), SETTLE)));
    History {
        gate,
        newest,
        passed_wait: by_attempt.values().filter(|jobs| jobs.iter().any(|job| got_past_the_wait(job))).count(),
        attempts: by_attempt.into_keys().collect(),
        findings: findings.into_iter().map(|finding| finding.of_gate(&gate.job)).collect(),
    }
}

/// Only a job that a runner took, or that succeeded, was let through by somebody: one that was turned away or
/// cancelled while it waited needs no approval.
fn got_past_the_wait(job: &Job) -> bool {
    job.has_runner || job.conclusion == Some(Conclusion::Success)
}

fn gate_job(case: &Case<'_>, by_attempt: &ByAttempt<'_>) -> Finding {
    let present = case.evidence.run.attempt.unwrap_or_default();
    let (verdict, got) = match by_attempt.last_key_value() {
        None => missing_job(case),
        Some((newest, jobs)) => {
            let carried_over = (*newest < present).then(|| carried_over(case, jobs, present)).flatten();
            let unnumbered = by_attempt.contains_key(&0).then(|| "a job without its `run_attempt`".to_owned());
            match unnumbered.or(carried_over) {
                Some(doubt) => (Verdict::Wait, doubt),
                None => same_job(case, by_attempt)
                    .map_or_else(|| (Verdict::Pass, one_job(jobs, *newest)), |trouble| (Verdict::Fail, trouble)),
            }
        }
    };
    let run = &case.evidence.run;
    let of_the_run =
        format!(" in each attempt that ran it, of run {} at SHA {}", run.id, quoted(run.head_sha.as_str()));
    let is_missing = by_attempt.is_empty();
    let expected = format!("exactly one job of that name{}", if is_missing { "" } else { &of_the_run });
    // One job of the name, and yet not the run's: there is nothing to mend in the workflow.
    let is_another = by_attempt.values().all(|jobs| jobs.len() == 1) && !is_missing;
    Finding::new(Check::GateJob, verdict, got, expected).mended_if(
        is_another,
        "somebody starts a new run of the commit that is to be deployed, and its gate is approved",
    )
}

/// Did a person say no?
pub(super) fn is_rejected(case: &Case<'_>, gate: &Gate) -> bool {
    let Some(environment) = case.evidence.environment(&gate.environment) else { return false };
    let of_gate = |review: &&EnvironmentReview| review.environment_ids.contains(&environment.id);
    case.evidence.reviews.iter().filter(of_gate).any(|review| review.state == ReviewState::Rejected)
}

fn one_job(jobs: &[&Job], attempt: u32) -> String {
    let id = jobs.first().map_or_else(String::new, |job| format!("job {}, ", job.id));
    format!("{id}the newest, in attempt {attempt}")
}

fn missing_job(case: &Case<'_>) -> (Verdict, String) {
    let under_way = case.evidence.jobs.iter().filter(|job| job.status.is_under_way()).count();
    if under_way > 0 {
        return (Verdict::Wait, format!("no job yet, while {under_way} of the run are under way"));
    }
    match asked_at(case) {
        Some(asked_at) if is_settled(case.now, asked_at) => {
            (Verdict::Fail, "no job of that name in the run".to_owned())
        }
        Some(_) => (Verdict::Wait, format!("no job yet, {} after the last news of this attempt", within_lag())),
        None => (Verdict::Wait, "no job yet, and nothing that says since when".to_owned()),
    }
}

/// Since when GitHub should show what the present attempt brings: when the deployment was created, the attempt began, or the last of its jobs
/// ended, whichever was last. A delivery that is sent again has an old deployment, and a sweep has none.
fn asked_at(case: &Case<'_>) -> Option<Timestamp> {
    let run = &case.evidence.run;
    let of_present = case.evidence.jobs.iter().filter(|job| job.attempt == run.attempt);
    let last_ended = of_present.filter_map(|job| job.completed_at).max();
    case.request.deployment_created_at.max(run.started_at).max(last_ended)
}

/// Why a gate of an earlier attempt cannot count now, if it cannot: the present attempt may still bring its own.
fn carried_over(case: &Case<'_>, jobs: &[&Job], present: u32) -> Option<String> {
    let newest = jobs.first().and_then(|job| job.attempt).unwrap_or_default();
    let of_present = || case.evidence.jobs.iter().filter(|job| job.attempt.is_none_or(|attempt| attempt == present));
    let under_way = of_present().filter(|job| job.status.is_under_way()).count();
    if under_way > 0 {
        return Some(format!("a job of attempt {newest} only, while {under_way} of attempt {present} are under way"));
    }
    if of_present().count() == 0 {
        return Some(format!("a job of attempt {newest} only, and none yet of attempt {present}"));
    }
    // A gate that was not passed is run again; its new job may not be shown yet.
    let passed = jobs.iter().all(|job| job.conclusion == Some(Conclusion::Success));
    let fresh = asked_at(case).is_some_and(|asked_at| !is_settled(case.now, asked_at));
    (!passed && fresh)
        .then(|| format!("a job of attempt {newest} only, {} after the last news of attempt {present}", within_lag()))
}

/// Why the jobs of the gate's name cannot be told to be the gate, if they cannot.
fn same_job(case: &Case<'_>, by_attempt: &ByAttempt<'_>) -> Option<String> {
    let run = &case.evidence.run;
    by_attempt.iter().find_map(|(attempt, jobs)| {
        let count = jobs.len();
        if count > 1 {
            return Some(format!("{count} jobs of that name in attempt {attempt}"));
        }
        let other = jobs.iter().find(|job| job.run != run.id || job.head_sha != run.head_sha)?;
        Some(format!("job {} of run {} at SHA {}", other.id, other.run, quoted(other.head_sha.as_str())))
    })
}

fn conclusion(newest: &Job, by_attempt: &ByAttempt<'_>) -> Finding {
    let unfinished = by_attempt
        .values()
        .flatten()
        .find(|job| job.status != JobStatus::Completed || job.conclusion.is_none() || job.completed_at.is_none());
    let (verdict, got) = match (unfinished, &newest.conclusion) {
        (Some(job), _) => (Verdict::Wait, unfinished_text(job)),
        (None, Some(Conclusion::Success)) => (Verdict::Pass, "`success`".to_owned()),
        (None, Some(Conclusion::Other(name))) => (Verdict::Fail, quoted(name).to_string()),
        (None, None) => (Verdict::Wait, "no conclusion".to_owned()),
    };
    Finding::new(Check::GateConclusion, verdict, got, "`success`".to_owned())
}

fn unfinished_text(job: &Job) -> String {
    match job.status {
        JobStatus::Completed => "a completed job without its conclusion or time".to_owned(),
        JobStatus::Waiting => "a job that waits for its reviewers".to_owned(),
        JobStatus::UnderWay => "a job that is under way".to_owned(),
        JobStatus::Unknown => "a job in a status that is not known".to_owned(),
    }
}

/// The checks of a gate that has finished.
pub(super) fn of_finished(case: &Case<'_>, history: &History<'_>) -> Vec<Finding> {
    let age = history.newest.and_then(|job| job.completed_at).map(|completed_at| age(case, completed_at));
    let findings = age.into_iter().chain([environment(case, history.gate), reruns(case, history)]);
    findings.map(|finding| finding.of_gate(&history.gate.job)).collect()
}

fn age(case: &Case<'_>, completed_at: Timestamp) -> Finding {
    let max_age = &case.rule.max_age;
    let held = case.now.duration_since(completed_at) <= max_age.duration();
    let verdict = if held { Verdict::Pass } else { Verdict::Fail };
    Finding::new(
        Check::GateAge,
        verdict,
        format!("a job that ended {} ago, at {completed_at}", ago(case.now.duration_since(completed_at))),
        format!("a job that ended at most {max_age} ago"),
    )
}

/// Hours, minutes and seconds, those that are not zero: `72h 5s` is more than `72h`.
fn ago(age: SignedDuration) -> String {
    let (minutes, seconds) = (age.as_mins().rem_euclid(60), age.as_secs().rem_euclid(60));
    let parts = [(age.as_hours(), "h"), (minutes, "m"), (seconds, "s")];
    let parts: Vec<String> = parts.iter().filter(|(n, _)| *n != 0).map(|(n, unit)| format!("{n}{unit}")).collect();
    if parts.is_empty() { "0s".to_owned() } else { parts.join(" ") }
}

fn environment(case: &Case<'_>, gate: &Gate) -> Finding {
    let name = quoted(gate.environment.as_str());
    let found = case.evidence.environment(&gate.environment);
    let (verdict, got) = match found {
        None => (Verdict::Fail, format!("no environment {name}")),
        Some(environment) if environment.required_reviewers == 0 => {
            (Verdict::Fail, format!("environment {name}, which has no required reviewers now"))
        }
        Some(environment) => (
            Verdict::Pass,
            format!("environment {name}, users and teams that may approve it: {}", environment.required_reviewers),
        ),
    };
    Finding::new(Check::GateEnvironment, verdict, got, format!("environment {name} with required reviewers"))
        .mended_if(found.is_some(), "an admin of the repository sets required reviewers on it, then somebody starts a new run, and its gate is approved")
}

fn reruns(case: &Case<'_>, history: &History<'_>) -> Finding {
    let several = history.attempts.len() > 1;
    let more_than_one_human = case.rule.approvals > 1;
    let verdict = if several && more_than_one_human { Verdict::Fail } else { Verdict::Pass };
    let expected = if more_than_one_human {
        format!(
            "1 attempt: {} people are wanted, and GitHub does not say of which attempt an approval is",
            case.rule.approvals
        )
    } else {
        "any number of attempts, each with an approval of its own".to_owned()
    };
    let attempts = history.attempts.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let got = if attempts.is_empty() { "no attempt".to_owned() } else { format!("attempt {attempts}") };
    Finding::new(Check::GateReruns, verdict, got, expected)
}

/// Is something that GitHub should have shown since `since` really missing?
pub(super) fn is_settled(now: Timestamp, since: Timestamp) -> bool {
    now.duration_since(since) >= LAG_MAX
}

fn within_lag() -> String {
    format!("less than {} s", LAG_MAX.as_secs())
}
