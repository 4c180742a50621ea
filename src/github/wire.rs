//! GitHub's answers as they come, one type for each of its nouns: only the fields that are read, turned into the model. What GitHub may leave out is
//! optional.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use jiff::Timestamp;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

use crate::model::{
    Account, AccountType, Conclusion, Environment, EnvironmentName, EnvironmentReview, InvalidName, Job, JobStatus,
    Login, RefName, ReviewState, RunAttempt, RunId, RunStatus, Sha, WaitingRun, WorkflowRun,
};

/// <https://docs.github.com/rest/actions/workflow-runs#get-a-workflow-run>, also of an attempt.
#[derive(Deserialize)]
pub(super) struct RunWire {
    pub(super) id: u64,
    run_attempt: Option<u32>,
    repository: OwnRepositoryWire,
    /// `null` if it was deleted; never missing.
    #[serde(deserialize_with = "null_or_value")]
    head_repository: Option<RepositoryWire>,
    path: String,
    event: String,
    head_branch: Option<String>,
    head_sha: String,
    status: Option<String>,
    actor: Option<AccountWire>,
    triggering_actor: Option<AccountWire>,
    run_started_at: Option<Timestamp>,
    created_at: Option<Timestamp>,
    updated_at: Option<Timestamp>,
    display_title: Option<String>,
}

/// <https://docs.github.com/rest/actions/workflow-runs#list-workflow-runs-for-a-repository>
#[derive(Deserialize)]
pub(super) struct RunsWire {
    pub(super) workflow_runs: Vec<ListedWire<RunWire>>,
}

/// An item of a list. One that cannot be read must not hold up the others.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum ListedWire<T> {
    /// It can be read.
    Read(T),
    /// It cannot, but it says which one it is.
    Named { id: u64 },
    /// Nothing in it can be read.
    Unreadable(IgnoredAny),
}

impl<T> ListedWire<T> {
    /// The item, if it can be read.
    pub(super) fn read(self) -> Option<T> {
        match self {
            Self::Read(entry) => Some(entry),
            Self::Named { .. } | Self::Unreadable(_) => None,
        }
    }
}

#[derive(Deserialize)]
struct RepositoryWire {
    id: u64,
}

#[derive(Deserialize)]
struct OwnRepositoryWire {
    id: u64,
    owner: Option<OwnerWire>,
}

#[derive(Deserialize)]
struct OwnerWire {
    id: Option<u64>,
}

#[derive(Deserialize)]
pub(super) struct AccountWire {
    id: u64,
    login: String,
    #[serde(rename = "type")]
    account_type: Option<String>,
}

/// <https://docs.github.com/rest/actions/workflow-jobs#list-jobs-for-a-workflow-run>
#[derive(Deserialize)]
pub(super) struct JobsWire {
    pub(super) total_count: usize,
    pub(super) jobs: Vec<JobWire>,
}

#[derive(Deserialize)]
pub(super) struct JobWire {
    id: u64,
    run_id: u64,
    run_attempt: Option<u32>,
    name: String,
    head_sha: String,
    status: String,
    conclusion: Option<String>,
    started_at: Option<Timestamp>,
    completed_at: Option<Timestamp>,
    runner_id: Option<u64>,
    runner_name: Option<String>,
}

/// <https://docs.github.com/rest/collaborators/collaborators#get-repository-permissions-for-a-user>
#[derive(Deserialize)]
pub(super) struct PermissionWire {
    pub(super) permission: String,
}

/// <https://docs.github.com/rest/actions/workflow-runs#get-the-review-history-for-a-workflow-run>
#[derive(Deserialize)]
pub(super) struct ReviewWire {
    state: String,
    user: Option<AccountWire>,
    environments: Vec<ReviewedEnvironmentWire>,
}

#[derive(Deserialize)]
struct ReviewedEnvironmentWire {
    id: u64,
    name: Option<String>,
}

/// How an environment is protected (<https://docs.github.com/rest/deployments/environments#get-an-environment>).
#[derive(Debug, Deserialize)]
pub struct EnvironmentWire {
    id: u64,
    node_id: Option<String>,
    /// Its name, as GitHub spells it.
    pub name: String,
    protection_rules: Option<Vec<ProtectionRuleWire>>,
    /// Which branches and tags may deploy; `None` for all.
    pub deployment_branch_policy: Option<BranchRestrictionWire>,
    /// Whether admins may bypass the rules. Not in GitHub's schema, but in its answers.
    pub can_admins_bypass: Option<bool>,
}

#[derive(Debug, Deserialize)]
struct ProtectionRuleWire {
    #[serde(rename = "type")]
    rule_type: String,
    reviewers: Option<Vec<IgnoredAny>>,
    prevent_self_review: Option<bool>,
}

/// Which branches and tags may deploy to an environment.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct BranchRestrictionWire {
    /// Those with a branch protection rule; else those of the environment's own list.
    pub protected_branches: bool,
}

/// <https://docs.github.com/rest/actions/workflow-runs#get-pending-deployments-for-a-workflow-run>
#[derive(Deserialize)]
pub(super) struct PendingDeploymentWire {
    environment: PendingEnvironmentWire,
}

#[derive(Deserialize)]
struct PendingEnvironmentWire {
    name: Option<String>,
}

/// A delivery of the App's webhook (<https://docs.github.com/rest/apps/webhooks#list-deliveries-for-an-app-webhook>).
#[derive(Debug, Deserialize)]
pub struct HookDeliveryWire {
    pub(super) id: u64,
    /// When GitHub sent it.
    pub delivered_at: Timestamp,
    /// The HTTP status of the response; 0 for none.
    pub status_code: u16,
    /// The event.
    pub event: String,
    action: Option<String>,
    pub(super) installation_id: Option<u64>,
    pub(super) repository_id: Option<u64>,
}

/// The App on one repository (<https://docs.github.com/rest/apps/apps#get-a-repository-installation-for-the-authenticated-app>).
#[derive(Debug, Deserialize)]
pub struct InstallationWire {
    /// Its id.
    pub id: u64,
    /// The permissions that it was granted.
    #[serde(default)]
    pub permissions: BTreeMap<String, String>,
    /// When it was suspended, if it is.
    pub suspended_at: Option<Timestamp>,
}

/// The App (<https://docs.github.com/rest/apps/apps#get-the-authenticated-app>).
#[derive(Debug, Deserialize)]
pub struct AppWire {
    /// Its id.
    pub id: u64,
    /// The name in its URLs.
    pub slug: String,
    /// Its page.
    pub html_url: String,
    /// What it may do, such as `actions: read`.
    #[serde(default)]
    pub permissions: BTreeMap<String, String>,
    /// The events that it subscribes to.
    #[serde(default)]
    pub events: Vec<String>,
}

impl HookDeliveryWire {
    /// Whether it is a request for a review that failed. A server that does not know `status` lists all deliveries.
    pub(super) fn is_failed_request(&self) -> bool {
        !(200..300).contains(&self.status_code)
            && self.event == "deployment_protection_rule"
            && self.action.as_deref() == Some("requested")
    }
}

impl RunWire {
    /// When the run was created and last changed; `None` unless it says both.
    pub(super) fn lifetime(&self) -> Option<RangeInclusive<Timestamp>> {
        Some(self.created_at?..=self.updated_at?)
    }

    /// Whether the run has ended, by its status. One without a status has not.
    pub(super) fn has_ended(&self) -> bool {
        self.status.as_deref().is_some_and(|status| RunStatus::parse(status) == RunStatus::Completed)
    }

    /// A run in which something may wait. The error says which run cannot be read, and why: it may be one that is not of a branch or tag.
    pub(super) fn into_waiting(self) -> Result<WaitingRun, String> {
        let id = self.id;
        let missing = |field: &'static str| move || format!("run {id}: `{field}`: missing");
        let invalid = |field: &'static str| move |error: InvalidName| format!("run {id}: `{field}`: {error}");
        let created_at = self.created_at.ok_or_else(missing("created_at"))?;
        let head_branch = self.head_branch.ok_or_else(missing("head_branch"))?;
        Ok(WaitingRun {
            id: run_id(id).map_err(invalid("id"))?,
            sha: Sha::parse(&self.head_sha).map_err(invalid("head_sha"))?,
            ref_name: RefName::parse(&head_branch).map_err(invalid("head_branch"))?,
            event: self.event,
            started_at: self.run_started_at.unwrap_or(created_at),
            updated_at: self.updated_at.ok_or_else(missing("updated_at"))?,
            attempt: self.run_attempt,
            status: self.status.map_or(RunStatus::Open, |status| RunStatus::parse(&status)),
        })
    }

    /// An earlier attempt of the run.
    pub(super) fn into_attempt(self, attempt: u32) -> Result<RunAttempt, InvalidName> {
        let triggering_actor = self.triggering_actor.map(AccountWire::of_known_type).transpose()?;
        Ok(RunAttempt { attempt, triggering_actor, started_at: self.run_started_at })
    }

    /// Whether it is that run and attempt, as far as it says so.
    pub(super) fn is(&self, run: RunId, attempt: u32) -> bool {
        RunId::new(self.id) == Some(run) && self.run_attempt.is_none_or(|listed| listed == attempt)
    }

    pub(super) fn into_model(self) -> Result<WorkflowRun, InvalidName> {
        Ok(WorkflowRun {
            id: run_id(self.id)?,
            attempt: self.run_attempt.filter(|attempt| *attempt > 0),
            repository_id: self.repository.id,
            head_repository_id: self.head_repository.map(|repository| repository.id),
            path: self.path,
            event: self.event,
            head_branch: self.head_branch.map(|name| RefName::parse(&name)).transpose()?,
            head_sha: Sha::parse(&self.head_sha)?,
            status: self.status.map_or(RunStatus::Open, |status| RunStatus::parse(&status)),
            actor: self.actor.map(AccountWire::of_known_type).transpose()?,
            triggering_actor: self.triggering_actor.map(AccountWire::of_known_type).transpose()?,
            created_at: self.created_at,
            started_at: self.run_started_at,
            title: self.display_title,
            owner_id: self.repository.owner.and_then(|owner| owner.id),
        })
    }
}

impl AccountWire {
    /// An account whose type matters. One that is missing is not an unknown one.
    fn of_known_type(self) -> Result<Account, InvalidName> {
        if self.account_type.is_none() {
            return Err(InvalidName::new("", "the `type` of an account"));
        }
        self.into_model()
    }

    fn into_model(self) -> Result<Account, InvalidName> {
        Ok(Account {
            id: self.id,
            login: Login::parse(&self.login)?,
            account_type: AccountType::parse(&self.account_type.unwrap_or_default()),
        })
    }
}

impl JobWire {
    pub(super) fn into_model(self) -> Result<Job, InvalidName> {
        let named = self.runner_name.is_some_and(|name| !name.is_empty());
        Ok(Job {
            id: self.id,
            run: run_id(self.run_id)?,
            attempt: self.run_attempt.filter(|attempt| *attempt > 0),
            head_sha: Sha::parse(&self.head_sha)?,
            status: JobStatus::parse(&self.status),
            conclusion: self.conclusion.map(|conclusion| Conclusion::parse(&conclusion)),
            started_at: self.started_at,
            completed_at: self.completed_at,
            has_runner: named || self.runner_id.is_some_and(|id| id > 0),
            name: self.name,
        })
    }
}

impl ReviewedEnvironmentWire {
    fn name(&self) -> Option<EnvironmentName> {
        self.name.as_deref().and_then(|name| EnvironmentName::parse(name).ok())
    }
}

impl ReviewWire {
    pub(super) fn into_model(self) -> Result<EnvironmentReview, InvalidName> {
        Ok(EnvironmentReview {
            state: ReviewState::parse(&self.state),
            user: self.user.map(AccountWire::of_known_type).transpose()?,
            environment_ids: self.environments.iter().map(|environment| environment.id).collect(),
            environment_names: self.environments.iter().filter_map(ReviewedEnvironmentWire::name).collect(),
        })
    }
}

impl EnvironmentWire {
    pub(super) fn into_model(self) -> Result<Environment, InvalidName> {
        let (id, required_reviewers) = (self.id, self.required_reviewers());
        Ok(Environment { id, name: EnvironmentName::parse(&self.name)?, required_reviewers, node_id: self.node_id })
    }

    /// Whether GitHub shows the environment's protection rules and their reviewers at all: a list that is not there is not an empty one.
    pub(super) fn shows_rules(&self) -> bool {
        self.protection_rules.is_some() && self.reviewer_rules().all(|rule| rule.reviewers.is_some())
    }

    /// How many users and teams are required reviewers; 0 when nobody is asked.
    pub fn required_reviewers(&self) -> usize {
        self.reviewer_rules().map(|rule| rule.reviewers.as_ref().map_or(0, Vec::len)).sum()
    }

    /// Whether nobody may approve a run of their own.
    pub fn prevents_self_review(&self) -> bool {
        self.reviewer_rules().any(|rule| rule.prevent_self_review == Some(true))
    }

    fn reviewer_rules(&self) -> impl Iterator<Item = &ProtectionRuleWire> {
        self.protection_rules.iter().flatten().filter(|rule| rule.rule_type == "required_reviewers")
    }
}

impl PendingDeploymentWire {
    /// The environment, if it has a name.
    pub(super) fn environment(&self) -> Option<EnvironmentName> {
        self.environment.name.as_ref().and_then(|name| EnvironmentName::parse(name).ok())
    }

    /// Whether it is for that environment. One without a name might be.
    pub(super) fn is_for(&self, environment: &EnvironmentName) -> bool {
        self.environment
            .name
            .as_ref()
            .is_none_or(|name| EnvironmentName::parse(name).is_ok_and(|name| name == *environment))
    }
}

/// A field that may be `null`, but not missing.
fn null_or_value<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    Option::deserialize(deserializer)
}

fn run_id(id: u64) -> Result<RunId, InvalidName> {
    RunId::new(id).ok_or_else(|| InvalidName::new("0", "a run id: a positive decimal"))
}
