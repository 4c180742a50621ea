//! How often a gate's job really ran, and in which attempt. GitHub lists a job that was not run again under its old attempt, its new one, or both;
//! the decision is the same. Not here: what became of it (`history`).

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::case::Case;
use crate::model::{Conclusion, Job};

/// One time that a gate's job ran.
pub(super) struct Execution<'a> {
    /// The job, as it is listed under the lowest attempt.
    pub(super) job: &'a Job,
    /// The same job however it is listed: that one first.
    pub(super) listed: Vec<&'a Job>,
    /// The attempts in which it may have run: one, unless GitHub's answers leave it open.
    pub(super) attempts: BTreeSet<u32>,
    /// Whether its job got past the wait for its environment, whoever let it.
    pub(super) passed_wait: bool,
}

impl Execution<'_> {
    /// The newest attempt in which it may have run.
    pub(super) fn attempt(&self) -> u32 {
        self.attempts.last().copied().unwrap_or_default()
    }

    /// Whether the job ran, or at least waited: one that was skipped did neither.
    pub(super) fn ran(&self) -> bool {
        let is_skipped = self.job.conclusion.as_ref().is_some_and(|conclusion| conclusion.as_str() == "skipped");
        self.passed_wait || !is_skipped
    }

    /// Whether it ended without having got past the wait: rejected or cancelled there.
    pub(super) fn ended_at_the_wait(&self) -> bool {
        self.ran() && !self.passed_wait && self.job.completed_at.is_some()
    }

    /// Whether somebody let it past the wait in that attempt, and certainly in that one.
    pub(super) fn certainly_passed_wait_in(&self, attempt: u32) -> bool {
        self.passed_wait && self.attempts.iter().eq([&attempt])
    }
}

/// The jobs of one gate, by the attempt under which they are listed; attempt 0 is one that GitHub did not name.
pub(super) type ByAttempt<'a> = BTreeMap<u32, Vec<&'a Job>>;

/// The executions, the newest last. Jobs in different attempts with the same times and conclusion are one.
pub(super) fn executions<'a>(case: &Case<'a>, by_attempt: &ByAttempt<'a>) -> Vec<Execution<'a>> {
    let mut executions: Vec<Execution<'a>> = Vec::new();
    for (listed, jobs) in by_attempt {
        for job in jobs {
            let ran_here = began(case, *listed).is_some_and(|began| job.completed_at.is_some() && !job.precedes(began));
            let copy_of =
                |known: &&mut Execution<'a>| !ran_here && is_copy(known.job, job) && known.job.attempt != job.attempt;
            match executions.iter_mut().find(copy_of) {
                Some(known) => {
                    known.passed_wait |= got_past_the_wait(job);
                    known.listed.push(job);
                }
                None => executions.push(Execution {
                    job,
                    listed: vec![job],
                    attempts: attempts_of(case, *listed, job, by_attempt),
                    passed_wait: got_past_the_wait(job),
                }),
            }
        }
    }
    executions.sort_by_key(|execution| (execution.attempt(), execution.job.started_at, execution.job.id));
    executions
}

/// Whether the second job is the first one, listed once more. Two executions of a gate cannot have the same times: each waits for the one before.
fn is_copy(first: &Job, second: &Job) -> bool {
    first.completed_at.is_some()
        && (first.started_at, first.completed_at, &first.conclusion)
            == (second.started_at, second.completed_at, &second.conclusion)
}

/// Only a job that a runner took, or that succeeded, was let through by somebody. One that was rejected or cancelled while it waited needs
/// no approval.
fn got_past_the_wait(job: &Job) -> bool {
    job.has_runner || job.conclusion == Some(Conclusion::Success)
}

/// Where a job that is listed under an attempt may have run. One that started before that attempt began was carried over from the attempt that was
/// under way when it started. Where that attempt has another job of the name, or GitHub does not say when attempts began, it may have been in more
/// than one: whoever started any of them counts as having started it.
fn attempts_of(case: &Case<'_>, listed: u32, job: &Job, by_attempt: &ByAttempt<'_>) -> BTreeSet<u32> {
    let Some(completed_at) = job.completed_at.filter(|_| listed > 1) else { return [listed].into() };
    match began(case, listed) {
        Some(began) if !job.precedes(began) => [listed].into(),
        Some(_) => match under_way_at(case, listed, job.started_at.unwrap_or(completed_at)) {
            Some(attempt) if by_attempt.contains_key(&attempt) => [attempt, listed].into(),
            Some(attempt) => [attempt].into(),
            None => (1..=listed).collect(),
        },
        None => (1..=listed).collect(),
    }
}

/// The last attempt before `listed` that had begun by then, if a job of it ended later: then it was under way.
fn under_way_at(case: &Case<'_>, listed: u32, at: Timestamp) -> Option<u32> {
    let begun = (1..listed).rev().find(|attempt| began(case, *attempt).is_some_and(|began| began <= at))?;
    let mut of_attempt = case.evidence.jobs.iter().filter(|job| job.attempt == Some(begun));
    of_attempt.any(|job| job.completed_at.is_some_and(|ended| ended >= at)).then_some(begun)
}

/// When an attempt began.
pub(super) fn began(case: &Case<'_>, attempt: u32) -> Option<Timestamp> {
    if case.evidence.run.attempt == Some(attempt) {
        return case.evidence.run.started_at;
    }
    case.evidence
        .earlier_attempts
        .iter()
        .find(|earlier| earlier.attempt == attempt)
        .and_then(|earlier| earlier.started_at)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

    use super::*;
    use crate::gate::tests::{ALICE, World, account, ago, job};
    use crate::gate::{Evidence, Policy, Scope, scope};
    use crate::model::RunAttempt;

    /// The attempts in which each execution of `release-gate` may have run, where attempt 1 began an hour ago and attempt 2 half an hour ago.
    fn attempts(jobs: Vec<Job>) -> Vec<Vec<u32>> {
        let mut world = World::new();
        world.facts.run.attempt = Some(2);
        world.facts.run.started_at = Some(ago(1800));
        world.facts.pending = Some(Vec::new());
        let began = Some(ago(3600));
        world.facts.earlier_attempts =
            vec![RunAttempt { attempt: 1, triggering_actor: Some(account(ALICE)), started_at: began }];
        let publish = Job { completed_at: Some(ago(2000)), ..job(9, "publish") };
        world.facts.jobs = jobs.into_iter().chain([publish]).collect();
        let policy = Policy::parse(&world.policy).unwrap();
        let Scope::Covered(covered) = scope(&policy, &world.request).unwrap() else { return Vec::new() };
        let evidence = Evidence::new(world.facts, &covered).unwrap();
        let case = Case {
            rule: &policy.rules[0],
            request: &world.request,
            evidence: &evidence,
            now: world.now,
            config: &policy.data,
        };
        let mut by_attempt = ByAttempt::new();
        for job in evidence.jobs.iter().filter(|job| job.name == "release-gate") {
            by_attempt.entry(job.attempt.unwrap()).or_default().push(job);
        }
        executions(&case, &by_attempt).iter().map(|one| one.attempts.iter().copied().collect()).collect()
    }

    /// A gate that ran for a minute, so many seconds before the present, as it is listed under an attempt.
    fn gate(id: u64, attempt: u32, ended: i64) -> Job {
        let (started_at, completed_at) = (Some(ago(ended.saturating_add(60))), Some(ago(ended)));
        Job { attempt: Some(attempt), started_at, completed_at, ..job(id, "release-gate") }
    }

    #[test]
    fn a_job_ran_in_the_attempt_that_lists_it() {
        assert_eq!(attempts(vec![gate(1, 1, 3000), gate(2, 2, 600)]), [[1], [2]]);
    }

    #[test]
    fn a_job_that_is_listed_in_both_attempts_ran_once() {
        assert_eq!(attempts(vec![gate(1, 1, 3000), gate(2, 2, 3000)]), [[1]]);
    }

    #[test]
    fn a_job_that_ended_after_its_attempt_began_is_never_a_copy() {
        assert_eq!(attempts(vec![gate(1, 1, 600), gate(2, 2, 600)]), [[1], [2]]);
    }

    #[test]
    fn a_job_that_ended_before_its_attempt_began_ran_in_the_one_before() {
        assert_eq!(attempts(vec![gate(2, 2, 3000)]), [[1]]);
    }

    #[test]
    fn a_job_that_started_when_no_attempt_was_under_way_may_have_run_in_any() {
        assert_eq!(attempts(vec![gate(2, 2, 1900)]), [[1, 2]]);
    }

    #[test]
    fn two_jobs_of_one_attempt_are_two_even_at_the_same_times() {
        assert_eq!(attempts(vec![gate(1, 1, 3000), gate(2, 1, 3000)]), [[1], [1]]);
    }

    #[test]
    fn a_job_before_every_attempt_may_have_run_in_any() {
        assert_eq!(attempts(vec![gate(2, 2, 7200)]), [[1, 2]]);
    }

    #[test]
    fn a_carried_over_job_beside_another_of_that_attempt_may_have_run_in_both() {
        let failed = Job { conclusion: Some(Conclusion::parse("failure")), ..gate(1, 1, 3000) };
        assert_eq!(attempts(vec![failed, gate(2, 2, 2900)]), [vec![1], vec![1, 2]]);
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
