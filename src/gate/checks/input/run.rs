//! What policies see of the run and its jobs.

use jiff::Timestamp;

use super::people::account;
use crate::gate::rego::{InputValue, object};
use crate::model::{AccountType, Conclusion, Job, JobStatus, RefName, RunAttempt, RunStatus, WorkflowRun};

/// Events with which a person starts a run by hand.
const BY_HAND: [&str; 2] = ["workflow_dispatch", "repository_dispatch"];

/// Whether a person started the run by hand, or this attempt of it: a policy of type `task` is about these. A bot that re-runs what a person started makes it no
/// other run.
pub(in crate::gate::checks) fn is_by_hand(run: &WorkflowRun) -> bool {
    let mut starters = run.actor.iter().chain(&run.triggering_actor);
    starters.any(|starter| starter.account_type == AccountType::User) && BY_HAND.contains(&run.event.as_str())
}

/// Nanoseconds since 1970, as OPA's functions of time take them.
pub(super) fn instant(instant: Option<Timestamp>) -> InputValue {
    instant.and_then(|instant| i64::try_from(instant.as_nanosecond()).ok()).into()
}

/// The run, without the flags of policies.
pub(super) fn run_value(
    run: &WorkflowRun,
    workflow: &str,
    session: InputValue,
    command: Option<&str>,
    earlier: &[RunAttempt],
) -> InputValue {
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
    let branch = InputValue::from(head_branch.as_ref().map(RefName::as_str));
    object(vec![
        ("id", id.get().into()),
        ("attempt", (*attempt).into()),
        ("event", event.as_str().into()),
        ("ref", branch.clone()),
        ("sha", head_sha.as_str().into()),
        ("title", title.as_deref().into()),
        ("workflow", workflow.into()),
        ("path", path.as_str().into()),
        ("repository_id", (*repository_id).into()),
        ("head_repository_id", (*head_repository_id).into()),
        ("status", if *status == RunStatus::Completed { "completed" } else { "open" }.into()),
        ("actor", account(actor.as_ref())),
        ("triggering_actor", account(triggering_actor.as_ref())),
        ("created_at", instant(*created_at)),
        ("started_at", instant(*started_at)),
        ("earlier_attempts", earlier.iter().map(earlier_attempt).collect()),
        // By Spacelift's names.
        ("type", if command.is_some() { "TASK" } else { "TRACKED" }.into()),
        ("state", "UNCONFIRMED".into()),
        ("command", command.into()),
        ("branch", branch),
        ("commit", commit(run)),
        ("creator_session", session),
        ("triggered_by", triggering_actor.as_ref().map(|actor| actor.login.as_str()).into()),
    ])
}

/// The run's commit, by Spacelift's names.
pub(super) fn commit(run: &WorkflowRun) -> InputValue {
    let branch = run.head_branch.as_ref().map(RefName::as_str);
    object(vec![("hash", run.head_sha.as_str().into()), ("branch", branch.into())])
}

fn earlier_attempt(RunAttempt { attempt, triggering_actor, started_at }: &RunAttempt) -> InputValue {
    object(vec![
        ("attempt", (*attempt).into()),
        ("triggering_actor", account(triggering_actor.as_ref())),
        ("started_at", instant(*started_at)),
    ])
}

pub(super) fn job(job: &Job) -> InputValue {
    let Job { id, run, attempt, name, head_sha, status, conclusion, started_at, completed_at, has_runner } = job;
    let status = match status {
        JobStatus::Completed => "completed",
        JobStatus::Waiting => "waiting",
        JobStatus::UnderWay => "under_way",
        JobStatus::Unknown => "unknown",
    };
    object(vec![
        ("id", (*id).into()),
        ("run_id", run.get().into()),
        ("attempt", (*attempt).into()),
        ("name", name.as_str().into()),
        ("sha", head_sha.as_str().into()),
        ("status", status.into()),
        ("conclusion", conclusion.as_ref().map(Conclusion::as_str).into()),
        ("started_at", instant(*started_at)),
        ("completed_at", instant(*completed_at)),
        ("has_runner", (*has_runner).into()),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::tests::World;

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
