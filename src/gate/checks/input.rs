//! What a policy in Rego may know of a run: the document `input`, version 1.
//!
//! `docs/rego-input.schema.json` describes it. A field, once there, never leaves or changes its meaning. Nothing in it is secret: it is what GitHub shows to
//! everybody who may read the repository, and the rule.

use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};

use super::case::Case;
use super::workflow_file::workflow_file;
use crate::gate::check::Finding;
use crate::gate::evidence::Evidence;
use crate::gate::passed_gate::PassedGate;
use crate::gate::policy::{Gate, Rule};
use crate::gate::rego::Input;
use crate::model::{
    Account, AccountType, Conclusion, EnvironmentName, EnvironmentReview, Job, JobStatus, Permission, RefName,
    ReviewState, RunAttempt, RunStatus, WorkflowRun,
};

/// The version of the document.
const VERSION: u32 = 1;
/// Events with which a person starts a run by hand.
const BY_HAND: [&str; 2] = ["workflow_dispatch", "repository_dispatch"];

/// What was found before the policy is asked.
pub(super) struct Known<'a> {
    /// What earlier policies flagged.
    pub(super) flags: &'a [String],
    pub(super) findings: &'a [Finding],
    /// The gates, once they and their approvals were judged.
    pub(super) gates: &'a [PassedGate],
}

/// The document for one rule and one run.
///
/// # Errors
/// It is too large.
pub(super) fn input(case: &Case<'_>, known: &Known<'_>) -> Result<Input, String> {
    // Whoever adds a fact to the evidence decides here whether policies see it.
    let Evidence { run, jobs, reviews, environments: _, earlier_attempts, pending, starter_permission, signatures: _ } =
        case.evidence;
    let session = session(case, run.triggering_actor.as_ref(), starter_permission.as_ref());
    let by_hand = is_by_hand(run);
    let workflow = workflow_file(case);
    let command = by_hand.then_some(workflow);
    let timestamp = nanoseconds(case.now);
    let repository = &case.request.repository;
    let pending = pending.as_ref().map(|names| names.iter().map(EnvironmentName::as_str).collect());
    // `json!` would copy the larger ones.
    let fields = [
        ("version", VERSION.into()),
        (
            "request",
            json!({ "timestamp_ns": timestamp, "environment": case.request.environment.as_str(), "command": command }),
        ),
        (
            "repository",
            json!({ "id": repository.id, "name": repository.name.to_string(), "owner": repository.name.owner(), "owner_id": run.owner_id }),
        ),
        ("run", run_json(run, workflow, known.flags, &session, command, earlier_attempts)),
        ("session", session),
        ("jobs", jobs.iter().map(job).collect()),
        ("gates", case.rule.gates.iter().map(|gate| self::gate(case, gate, known.gates)).collect()),
        (
            "reviews",
            json!({ "current": current(case, known.gates), "older": [], "all": reviews.iter().map(review).collect::<Json>() }),
        ),
        ("pending", pending.unwrap_or_default()),
        ("rule", rule(case.rule)),
        ("checks", known.findings.iter().map(check).collect()),
        ("signature", known.gates.first().map(signature).unwrap_or_default()),
        // What Spacelift's policies look at besides.
        ("commit", commit(run)),
        (
            "stack",
            json!({ "labels": case.rule.labels, "name": repository.name.to_string(), "repository": repository.name.name() }),
        ),
        ("spacelift", json!({ "request": { "timestamp_ns": timestamp } })),
    ];
    Input::new(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// Whether a person started the run by hand, or this attempt of it: a policy of type `task` is about these. A bot that re-runs what a person started makes it no
/// other run.
pub(super) fn is_by_hand(run: &WorkflowRun) -> bool {
    let mut starters = run.actor.iter().chain(&run.triggering_actor);
    starters.any(|starter| starter.account_type == AccountType::User) && BY_HAND.contains(&run.event.as_str())
}

/// Nanoseconds since 1970, as OPA's functions of time take them.
fn nanoseconds(instant: Timestamp) -> Json {
    i64::try_from(instant.as_nanosecond()).map_or(Json::Null, Json::from)
}

fn instant(instant: Option<Timestamp>) -> Json {
    instant.map_or(Json::Null, nanoseconds)
}

fn account(account: Option<&Account>) -> Json {
    account.map_or(Json::Null, |Account { id, login, account_type }| {
        json!({ "id": id, "login": login.as_str(), "machine": *account_type != AccountType::User })
    })
}

/// An account with its teams, in the form that Spacelift calls a session.
fn session(case: &Case<'_>, who: Option<&Account>, permission: Option<&Permission>) -> Json {
    let Some(who) = who else { return Json::Null };
    let mut session = json!({
        "id": who.id, "login": who.login.as_str(), "machine": who.account_type != AccountType::User,
        "teams": teams(case, who.login.as_str()),
    });
    // A machine has none. A person's is there only if it was read.
    let permission = match permission {
        Some(permission) => Some((permission.as_str().into(), permission.is_admin())),
        None if who.account_type != AccountType::User => Some((Json::Null, false)),
        None => None,
    };
    if let (Some((permission, is_admin)), Some(session)) = (permission, session.as_object_mut()) {
        session.insert("permission".to_owned(), permission);
        session.insert("admin".to_owned(), is_admin.into());
    }
    session
}

/// The teams of `data.config.teams` that list this login.
fn teams(case: &Case<'_>, login: &str) -> Json {
    let lists = |members: &Json| {
        let members = members.as_array().into_iter().flatten();
        members.filter_map(Json::as_str).any(|member| member.eq_ignore_ascii_case(login))
    };
    let teams = case.config.get("teams").and_then(Json::as_object).into_iter().flatten();
    teams.filter(|(_, members)| lists(members)).map(|(team, _)| team.as_str()).collect()
}

fn run_json(
    run: &WorkflowRun,
    workflow: &str,
    flags: &[String],
    session: &Json,
    command: Option<&str>,
    earlier: &[RunAttempt],
) -> Json {
    let WorkflowRun {
        id,
        attempt,
        repository_id,
        head_repository_id,
        path,
        event,
        head_branch,
        head_sha,
        status,
        actor,
        triggering_actor,
        created_at,
        started_at,
        title,
        owner_id: _,
    } = run;
    let branch = head_branch.as_ref().map(RefName::as_str);
    let sha = head_sha.as_str();
    json!({
        "id": id.get(), "attempt": attempt, "event": event, "ref": branch, "sha": sha, "title": title,
        "workflow": workflow, "path": path,
        "repository_id": repository_id, "head_repository_id": head_repository_id,
        "status": if *status == RunStatus::Completed { "completed" } else { "open" },
        "actor": account(actor.as_ref()), "triggering_actor": account(triggering_actor.as_ref()),
        "created_at": instant(*created_at), "started_at": instant(*started_at),
        "earlier_attempts": earlier.iter().map(earlier_attempt).collect::<Json>(),
        "flags": flags,
        // By Spacelift's names.
        "type": if command.is_some() { "TASK" } else { "TRACKED" }, "state": "UNCONFIRMED", "command": command,
        "branch": branch, "commit": commit(run),
        "creator_session": session, "triggered_by": triggering_actor.as_ref().map(|actor| actor.login.as_str()),
    })
}

/// The run's commit, by Spacelift's names.
fn commit(run: &WorkflowRun) -> Json {
    json!({ "hash": run.head_sha.as_str(), "branch": run.head_branch.as_ref().map(RefName::as_str) })
}

fn earlier_attempt(RunAttempt { attempt, triggering_actor, started_at }: &RunAttempt) -> Json {
    json!({ "attempt": attempt, "triggering_actor": account(triggering_actor.as_ref()), "started_at": instant(*started_at) })
}

fn job(job: &Job) -> Json {
    let Job { id, run, attempt, name, head_sha, status, conclusion, started_at, completed_at, has_runner } = job;
    json!({
        "id": id, "run_id": run.get(), "attempt": attempt, "name": name, "sha": head_sha.as_str(),
        "status": match status {
            JobStatus::Completed => "completed",
            JobStatus::Waiting => "waiting",
            JobStatus::UnderWay => "under_way",
            JobStatus::Unknown => "unknown",
        },
        "conclusion": conclusion.as_ref().map(Conclusion::as_str),
        "started_at": instant(*started_at), "completed_at": instant(*completed_at), "has_runner": has_runner,
    })
}

fn gate(case: &Case<'_>, gate: &Gate, judged: &[PassedGate]) -> Json {
    let environment = case.environment(gate);
    let judged = judged.iter().find(|judged| judged.job == gate.job);
    let approvers = judged.into_iter().flat_map(|gate| &gate.approvers);
    json!({
        "job": gate.job, "environment": gate.environment.as_str(),
        "environment_id": environment.map(|environment| environment.id),
        "required_reviewers": environment.map(|environment| environment.required_reviewers),
        "job_id": judged.and_then(|gate| gate.job_id), "attempt": judged.and_then(|gate| gate.attempt),
        "passed_at": instant(judged.and_then(|gate| gate.passed_at)), "signature": judged.map(signature),
        "approvers": approvers
            .map(|approver| json!({ "id": approver.id, "login": approver.login, "teams": teams(case, &approver.login) }))
            .collect::<Json>(),
    })
}

/// The claims of a gate's signature, if the rule demands one.
fn signature(gate: &PassedGate) -> Json {
    let Some(claims) = &gate.claims else { return Json::Null };
    claims.by_name().into_iter().map(|(name, value)| (name.to_owned(), value.cloned().unwrap_or_default())).collect()
}

/// The approvals that count, one for each person, and every rejection of a gate.
fn current(case: &Case<'_>, gates: &[PassedGate]) -> Json {
    let mut approvals: Map<String, Json> = Map::new();
    for approver in gates.iter().flat_map(|gate| &gate.approvers) {
        let session = json!({ "id": approver.id, "login": approver.login, "machine": false, "teams": teams(case, &approver.login) });
        approvals.insert(approver.id.to_string(), json!({ "author": approver.login, "session": session }));
    }
    let is_rejection =
        |review: &&EnvironmentReview| case.rule.gates.iter().any(|gate| case.is_rejection_of(gate, review));
    let rejections = case.evidence.reviews.iter().filter(is_rejection).map(|review| {
        let author = review.user.as_ref().map(|user| user.login.as_str());
        json!({ "author": author, "session": session(case, review.user.as_ref(), None) })
    });
    json!({ "approvals": approvals.into_iter().map(|(_, approval)| approval).collect::<Json>(), "rejections": rejections.collect::<Json>() })
}

/// As GitHub lists it, whether it counts or not.
fn review(EnvironmentReview { state, user, environment_ids, environment_names }: &EnvironmentReview) -> Json {
    json!({
        "state": match state {
            ReviewState::Approved => "approved",
            ReviewState::Rejected => "rejected",
            ReviewState::Unknown => "unknown",
        },
        "user": account(user.as_ref()), "environment_ids": environment_ids,
        "environments": environment_names.iter().map(EnvironmentName::as_str).collect::<Json>(),
    })
}

fn rule(rule: &Rule) -> Json {
    json!({ "labels": rule.labels, "approvals": rule.approvals, "self_approval": rule.self_approval, "max_age": rule.max_age.to_string() })
}

fn check(finding: &Finding) -> Json {
    json!({ "id": finding.check.id(), "gate": finding.gate, "policy": finding.policy, "verdict": finding.verdict.as_str() })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

    use std::collections::BTreeSet;

    use super::*;
    use crate::gate::Decision;
    use crate::gate::tests::{ALICE, World, account, approval, bot};
    use crate::model::RunAttempt;

    /// A document in which every list has an entry. It was written once; what is in it stays as it is.
    const GOLDEN: &str = include_str!("../../../tests/golden/rego-input.json");

    const SAMPLES: &str =
        "# METADATA\n# custom: { type: approval, attach: [\"*\"] }\npackage p\napprove { true }\nsample { true }\n";

    /// What a policy of type `approval` sees.
    fn input(change: impl FnOnce(&mut World)) -> Json {
        let mut world = World::new();
        change(&mut world);
        world.rego.push(("p".to_owned(), SAMPLES.to_owned()));
        let Decision::Approved(approval) = world.decision() else { panic!("{:#?}", world.decision()) };
        approval.rego().samples[0].input.as_json().clone()
    }

    /// A world with everything that a document may show.
    fn full(world: &mut World) {
        world.policy += "labels = [\"production\"]\n";
        world.policy.insert_str(0, "data = { teams = { sre = [\"Bob\"], dev = [\"alice\"] } }\n");
        world.facts.run.attempt = Some(2);
        let attempt =
            RunAttempt { attempt: 1, triggering_actor: Some(account(ALICE)), started_at: world.facts.run.created_at };
        world.facts.earlier_attempts = vec![attempt];
        world.facts.pending = Some(vec![world.request.environment.clone()]);
        world.facts.starter_permission = Some(Permission::new("admin"));
        world.facts.jobs.iter_mut().filter(|job| job.name == "publish").for_each(|job| job.attempt = Some(2));
    }

    #[test]
    fn a_field_once_there_never_leaves_or_changes() {
        let input = input(full);
        let golden: Json = serde_json::from_str(GOLDEN).unwrap();
        assert_eq!(input, golden, "{input:#}");
    }

    #[test]
    fn one_person_is_one_approval() {
        let input = input(|world| world.facts.reviews.push(approval(22)));
        assert_eq!(input["reviews"]["current"]["approvals"].as_array().unwrap().len(), 1);
        assert_eq!(input["reviews"]["all"].as_array().unwrap().len(), 2);
    }

    #[test]
    fn an_approval_that_does_not_count_is_not_a_current_one() {
        let input = input(|world| world.facts.reviews.push(approval(ALICE)));
        let logins: BTreeSet<&str> = input["reviews"]["current"]["approvals"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|one| one["author"].as_str())
            .collect();
        assert_eq!(logins, BTreeSet::from(["bob"]));
    }

    #[test]
    fn what_was_not_read_is_not_there() {
        assert!(input(|_| {})["session"].get("admin").is_none());
        assert_eq!(input(|world| world.facts.pending = None)["pending"], Json::Null);
    }

    #[test]
    fn a_machine_has_no_permission() {
        let machine = |world: &mut World| {
            world.policy += "starters = [\"a-bot[bot]\"]\n";
            world.facts.run.triggering_actor = Some(bot());
        };
        let session = input(machine)["session"].clone();
        assert_eq!((&session["permission"], &session["admin"]), (&Json::Null, &Json::Bool(false)));
    }

    #[test]
    fn the_workflow_is_the_runs_own_file() {
        let name = |world: &mut World| world.facts.run.path += "@main";
        assert_eq!(input(name)["run"]["workflow"], ".github/workflows/release.yml");
    }

    #[test]
    fn only_a_person_starts_a_run_by_hand() {
        assert!(by("workflow_dispatch", [AccountType::User; 2]) && by("repository_dispatch", [AccountType::User; 2]));
        assert!(!by("push", [AccountType::User; 2]) && !by("workflow_dispatch", [AccountType::Bot; 2]));
    }

    #[test]
    fn what_a_person_started_is_by_hand_whoever_re_runs_it() {
        assert!(by("workflow_dispatch", [AccountType::User, AccountType::Bot]));
        assert!(by("workflow_dispatch", [AccountType::Bot, AccountType::User]));
    }

    /// Whether a run is by hand, with this event, the type of its actor, and that of its present attempt's.
    fn by(event: &str, [actor, triggering_actor]: [AccountType; 2]) -> bool {
        let mut run = World::new().facts.run;
        run.event = event.to_owned();
        run.actor.iter_mut().for_each(|account| account.account_type = actor);
        run.triggering_actor.iter_mut().for_each(|account| account.account_type = triggering_actor);
        is_by_hand(&run)
    }
}
