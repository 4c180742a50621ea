//! What really happened in a run, listed as GitHub might list it. A job that was not run again is listed under its old attempt, its new one, or both: the
//! decision must be the same. What was really let in by people who may is never rejected, and what was not is never approved.

use std::collections::BTreeMap;

use environment_gate::gate::{self, Decision, Evidence, Facts, Policy, Scope};
use environment_gate::model::{
    Account, AccountType, Conclusion, Environment, EnvironmentName, EnvironmentReview, Job, JobStatus, Login, RefName,
    Repository, RepositoryName, Request, ReviewState, RunAttempt, RunId, RunStatus, Sha, WorkflowRun,
};
use fastrand::Rng;
use jiff::Timestamp;

use crate::support::cases;

const NOW: i64 = 1_767_608_100;
const GATE: u64 = 501;
const HOUR: i64 = 3600;

/// What became of the gate's job in one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ran {
    /// Not run again: the job of an earlier attempt stands.
    Carried,
    /// What it needs failed.
    Skipped,
    /// Cancelled before anybody approved it.
    CancelledAtTheWait,
    /// A person said no.
    Rejected(u64),
    /// A person let it in, and it succeeded.
    Passed(u64),
    /// A person let it in, and it failed.
    Failed(u64),
    /// Nobody let it in: an admin's bypass, or a job without its environment.
    Bypassed,
}

/// One attempt.
#[derive(Debug, Clone)]
struct Attempt {
    began: i64,
    /// Who started it.
    by: u64,
    ran: Ran,
    /// Who approved another job in the gate's environment.
    decoy: Option<u64>,
}

/// The attempts of a run, the first of them first.
#[derive(Debug, Clone)]
struct Truth {
    attempts: Vec<Attempt>,
}

/// Under which attempts GitHub lists a job that was not run again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Listing {
    Old,
    New,
    Both,
}

/// How long after its attempt began a gate ended, and how long it ran.
const WAIT: i64 = 600;
const TOOK: i64 = 60;
const MAX_AGE: i64 = 72 * HOUR;
/// How many runs are tried.
const RUNS: u64 = 20_000;
const LISTINGS: [Listing; 3] = [Listing::Old, Listing::New, Listing::Both];

fn truth(rng: &mut Rng, decoys: bool) -> Truth {
    let count = rng.usize(1..=4);
    let spans = [HOUR, 20 * HOUR, 50 * HOUR];
    let mut began = NOW - HOUR;
    let mut begins = vec![began];
    for _ in 1..count {
        began -= spans[rng.usize(..3)];
        begins.insert(0, began);
    }
    let mut attempts: Vec<Attempt> = Vec::new();
    for (at, began) in begins.into_iter().enumerate() {
        let person = [11, 22, 22, 22, 33, 33][rng.usize(..6)];
        let may_carry = attempts.iter().any(|before| before.ran != Ran::Carried);
        let ran = match rng.u8(..14) {
            0..=3 if may_carry => Ran::Carried,
            0 | 4 | 5 => Ran::Skipped,
            6 => Ran::CancelledAtTheWait,
            7 => Ran::Rejected(person),
            8 => Ran::Failed(person),
            9 if rng.bool() => Ran::Bypassed,
            _ => Ran::Passed(person),
        };
        let by = if at == 0 { 11 } else { [11, 11, 22, 33, 44][rng.usize(..5)] };
        let decoy = (decoys && rng.u8(..5) == 0).then_some(22);
        attempts.push(Attempt { began, by, ran, decoy });
    }
    Truth { attempts }
}

fn time(at: i64) -> Timestamp {
    Timestamp::from_second(at).unwrap()
}
fn account(id: u64) -> Account {
    Account { id, login: Login::parse(&format!("user-{id}")).unwrap(), account_type: AccountType::User }
}
fn sha() -> Sha {
    Sha::parse(&"a".repeat(40)).unwrap()
}
fn review(by: u64, state: ReviewState) -> EnvironmentReview {
    EnvironmentReview {
        state,
        user: Some(account(by)),
        environment_ids: vec![GATE],
        environment_names: vec![EnvironmentName::parse("release-gate").unwrap()],
    }
}
fn job(id: u64, name: &str, attempt: u32) -> Job {
    Job {
        id,
        run: RunId::new(9001).unwrap(),
        attempt: Some(attempt),
        name: name.to_owned(),
        head_sha: sha(),
        status: JobStatus::Waiting,
        conclusion: None,
        started_at: None,
        completed_at: None,
        has_runner: false,
    }
}

/// The gate's job as it ended in an attempt.
fn ended(attempt: u32, truth: &Attempt) -> Job {
    let (conclusion, has_runner, at) = match truth.ran {
        Ran::Carried => unreachable!(),
        Ran::Skipped => ("skipped", false, None),
        Ran::CancelledAtTheWait => ("cancelled", false, None),
        Ran::Rejected(_) => ("failure", false, None),
        Ran::Passed(_) | Ran::Bypassed => ("success", true, Some(truth.began + WAIT - TOOK)),
        Ran::Failed(_) => ("failure", true, Some(truth.began + WAIT - TOOK)),
    };
    Job {
        status: JobStatus::Completed,
        conclusion: Some(Conclusion::parse(conclusion)),
        started_at: at.map(time),
        completed_at: Some(time(truth.began + WAIT)),
        has_runner,
        ..job(u64::from(attempt) * 100, "release-gate", attempt)
    }
}

fn facts(truth: &Truth, listing: Listing) -> Facts {
    let current = u32::try_from(truth.attempts.len()).unwrap();
    let mut jobs: Vec<Job> = Vec::new();
    let mut reviews = Vec::new();
    let mut newest: Option<Job> = None;
    for (number, attempt) in (1..).zip(&truth.attempts) {
        if attempt.ran == Ran::Carried {
            let copy = Job { attempt: Some(number), id: u64::from(number) * 100 + 1, ..newest.clone().unwrap() };
            if listing == Listing::New {
                let known = newest.clone().unwrap();
                jobs.retain(|job| {
                    !(job.name == "release-gate"
                        && job.started_at == known.started_at
                        && job.completed_at == known.completed_at)
                });
            }
            if listing != Listing::Old {
                jobs.push(copy);
            }
        } else {
            let ran = ended(number, attempt);
            newest = Some(ran.clone());
            jobs.push(ran);
        }
        match attempt.ran {
            Ran::Passed(by) | Ran::Failed(by) => reviews.push(review(by, ReviewState::Approved)),
            Ran::Rejected(by) => reviews.push(review(by, ReviewState::Rejected)),
            _ => {}
        }
        reviews.extend(attempt.decoy.map(|by| review(by, ReviewState::Approved)));
        let publish = job(u64::from(number) * 100 + 2, "publish", number);
        jobs.push(if number == current {
            publish
        } else {
            let at = Some(time(attempt.began + WAIT + TOOK));
            Job {
                status: JobStatus::Completed,
                conclusion: Some(Conclusion::parse("failure")),
                started_at: at,
                completed_at: at,
                has_runner: true,
                ..publish
            }
        });
    }
    let name = EnvironmentName::parse("release-gate").unwrap();
    let last = truth.attempts.last().unwrap();
    let first = truth.attempts.first().unwrap();
    Facts {
        run: WorkflowRun {
            id: RunId::new(9001).unwrap(),
            attempt: Some(current),
            repository_id: 4242,
            head_repository_id: Some(4242),
            path: ".github/workflows/release.yml".to_owned(),
            event: "workflow_dispatch".to_owned(),
            head_branch: Some(RefName::parse("main").unwrap()),
            head_sha: sha(),
            status: RunStatus::Open,
            actor: Some(account(first.by)),
            triggering_actor: Some(account(last.by)),
            created_at: Some(time(first.began)),
            started_at: Some(time(last.began)),
            title: None,
            owner_id: None,
        },
        jobs,
        reviews,
        environments: BTreeMap::from([(
            name.clone(),
            Some(Environment { id: GATE, name, required_reviewers: 1, node_id: None }),
        )]),
        earlier_attempts: (1..)
            .zip(&truth.attempts)
            .map(|(attempt, of)| RunAttempt {
                attempt,
                triggering_actor: Some(account(of.by)),
                started_at: Some(time(of.began)),
            })
            .filter(|attempt| attempt.attempt < current)
            .collect(),
        pending: Some(vec![EnvironmentName::parse("release").unwrap()]),
        starter_permission: None,
        signatures: None,
    }
}

fn decide(truth: &Truth, listing: Listing) -> (&'static str, String) {
    let policy = Policy::parse("[[rule]]\nrepositories = [\"octo-org/widgets\"]\nrefs = [\"main\"]\n").unwrap();
    let request = Request {
        installation_id: 555,
        repository: Repository { id: 4242, name: RepositoryName::parse("octo-org/widgets").unwrap() },
        run: RunId::new(9001).unwrap(),
        environment: EnvironmentName::parse("release").unwrap(),
        sha: sha(),
        ref_name: RefName::parse("main").unwrap(),
        event: None,
        deployment_created_at: Some(time(NOW - 1000)),
    };
    let Ok(Scope::Covered(covered)) = gate::scope(&policy, &request) else { panic!() };
    let evidence = Evidence::new(facts(truth, listing), &covered).unwrap();
    let decision = gate::decide(&covered, &request, &evidence, time(NOW));
    let name = match &decision {
        Decision::Approved(_) => "approved",
        Decision::Rejected(_) => "rejected",
        Decision::Deferred(_) => "deferred",
        Decision::RunEnded => "ended",
    };
    let why: Vec<String> =
        decision.findings().iter().filter(|f| f.verdict != gate::Verdict::Pass).map(ToString::to_string).collect();
    (name, why.join("; "))
}

/// Why a run may not enter by its true history (DESIGN, section 5, points 3 and 5); `None` if it may.
fn refusal(truth: &Truth) -> Option<&'static str> {
    let first = truth.attempts.first()?;
    let ran = || truth.attempts.iter().filter(|attempt| !matches!(attempt.ran, Ran::Carried | Ran::Skipped));
    let Some(newest) = truth.attempts.iter().rfind(|attempt| attempt.ran != Ran::Carried) else {
        return Some("no gate");
    };
    if !matches!(newest.ran, Ran::Passed(_) | Ran::Bypassed) {
        return Some("the newest gate was not passed");
    }
    let started = |by: u64| by == first.by || ran().any(|attempt| attempt.by == by);
    if ran().any(|attempt| attempt.ran == Ran::Bypassed) {
        return Some("somebody bypassed it");
    }
    if ran().any(|attempt| matches!(attempt.ran, Ran::Passed(by) | Ran::Failed(by) if started(by))) {
        return Some("who started it approved it");
    }
    is_too_old(truth).then_some("the approval may be too old")
}

/// Whether the gate ended too long ago, or did not get past the wait in every earlier attempt of a run that began too long ago.
fn is_too_old(truth: &Truth) -> bool {
    let is_old = |at: i64| NOW - at > MAX_AGE;
    let newest = truth.attempts.iter().rfind(|attempt| attempt.ran != Ran::Carried).unwrap();
    let (_, earlier) = truth.attempts.split_last().unwrap();
    let let_in = |attempt: &Attempt| matches!(attempt.ran, Ran::Passed(_) | Ran::Failed(_) | Ran::Bypassed);
    is_old(newest.began + WAIT) || (!earlier.iter().all(let_in) && is_old(truth.attempts[0].began))
}

/// The first run of many of which something is true.
fn find(decoys: bool, mut wrong: impl FnMut(&Truth) -> Option<String>) -> Option<String> {
    (0..cases(RUNS)).find_map(|seed| {
        let truth = truth(&mut Rng::with_seed(seed), decoys);
        wrong(&truth).map(|what| format!("seed {seed}: {what}\n{truth:#?}"))
    })
}

#[test]
fn the_way_of_listing_changes_nothing() {
    let found = find(true, |truth| {
        let came = LISTINGS.map(|listing| decide(truth, listing).0);
        (came[0] != came[1] || came[0] != came[2]).then(|| format!("{LISTINGS:?}: {came:?}"))
    });
    assert_eq!(found, None, "{}", found.as_deref().unwrap_or_default());
}

#[test]
fn what_people_let_in_is_never_rejected() {
    let found = find(false, |truth| {
        if refusal(truth).is_some() {
            return None;
        }
        let came = LISTINGS.map(|listing| decide(truth, listing));
        came.into_iter().find(|(outcome, _)| *outcome != "approved").map(|rejected| format!("{rejected:?}"))
    });
    assert_eq!(found, None, "{}", found.as_deref().unwrap_or_default());
}

#[test]
fn what_nobody_let_in_is_never_approved() {
    let found = find(false, |truth| {
        let refusal = refusal(truth).filter(|refusal| *refusal != "the approval may be too old")?;
        let approved = LISTINGS.into_iter().find(|listing| decide(truth, *listing).0 == "approved")?;
        Some(format!("{refusal}, and yet it is approved where it is listed as {approved:?}"))
    });
    assert_eq!(found, None, "{}", found.as_deref().unwrap_or_default());
}

#[test]
fn an_approval_that_may_be_too_old_lets_nobody_in() {
    let found = find(true, |truth| {
        let approved = LISTINGS.into_iter().find(|listing| decide(truth, *listing).0 == "approved")?;
        is_too_old(truth).then(|| format!("approved where it is listed as {approved:?}"))
    });
    assert_eq!(found, None, "{}", found.as_deref().unwrap_or_default());
}

/// A run's last job can fail in the second in which its gate ended, and a machine can run it again in the same second.
#[test]
fn an_attempt_may_begin_in_the_second_in_which_the_gate_ended() {
    let attempt = |began, by, ran| Attempt { began, by, ran, decoy: None };
    let began = NOW - HOUR;
    let truth = Truth { attempts: vec![attempt(began, 11, Ran::Passed(22)), attempt(began + WAIT, 44, Ran::Carried)] };
    for listing in LISTINGS {
        assert_eq!(decide(&truth, listing).0, "approved", "{listing:?}");
    }
    let by_who_ran_it_again = Truth {
        attempts: vec![
            attempt(began - HOUR, 11, Ran::Skipped),
            attempt(began, 22, Ran::Passed(22)),
            attempt(began + WAIT, 11, Ran::Carried),
        ],
    };
    for listing in LISTINGS {
        assert_eq!(decide(&by_who_ran_it_again, listing).0, "rejected", "{listing:?}");
    }
}
