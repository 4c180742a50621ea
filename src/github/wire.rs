//! GitHub's answers as they come: only the fields that we read, turned into the model. What GitHub may leave out is optional.

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::model::{
    Account, AccountType, Conclusion, Environment, EnvironmentName, EnvironmentReview, InvalidName, Job, JobStatus,
    Login, RefName, ReviewState, RunId, RunStatus, Sha, WorkflowRun,
};

/// <https://docs.github.com/rest/actions/workflow-runs#get-a-workflow-run>, also of an attempt.
#[derive(Deserialize)]
pub(super) struct RunWire {
    id: u64,
    run_attempt: Option<u32>,
    repository: RepositoryWire,
    head_repository: Option<RepositoryWire>,
    path: String,
    event: String,
    head_branch: Option<String>,
    head_sha: String,
    status: Option<String>,
    actor: Option<AccountWire>,
    triggering_actor: Option<AccountWire>,
    run_started_at: Option<Timestamp>,
}

#[derive(Deserialize)]
struct RepositoryWire {
    id: u64,
}

#[derive(Deserialize)]
pub(super) struct AccountWire {
    id: u64,
    login: String,
    #[serde(rename = "type", default)]
    account_type: String,
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
    completed_at: Option<Timestamp>,
    runner_id: Option<u64>,
    runner_name: Option<String>,
}

/// <https://docs.github.com/rest/actions/workflow-runs#get-the-review-history-for-a-workflow-run>
#[derive(Deserialize)]
pub(super) struct ReviewWire {
    state: String,
    user: Option<AccountWire>,
    #[serde(default)]
    environments: Vec<EnvironmentIdWire>,
}

#[derive(Deserialize)]
struct EnvironmentIdWire {
    id: u64,
}

/// <https://docs.github.com/rest/deployments/environments#get-an-environment>
#[derive(Deserialize)]
pub(super) struct EnvironmentWire {
    id: u64,
    name: String,
    protection_rules: Option<Vec<ProtectionRuleWire>>,
}

#[derive(Deserialize)]
struct ProtectionRuleWire {
    #[serde(rename = "type")]
    rule_type: String,
    reviewers: Option<Vec<IgnoredAny>>,
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

impl RunWire {
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
            actor: self.actor.map(AccountWire::into_model).transpose()?,
            triggering_actor: self.triggering_actor.map(AccountWire::into_model).transpose()?,
            started_at: self.run_started_at,
        })
    }
}

impl AccountWire {
    fn into_model(self) -> Result<Account, InvalidName> {
        Ok(Account {
            id: self.id,
            login: Login::parse(&self.login)?,
            account_type: AccountType::parse(&self.account_type),
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
            completed_at: self.completed_at,
            has_runner: named || self.runner_id.is_some_and(|id| id > 0),
            name: self.name,
        })
    }
}

impl ReviewWire {
    pub(super) fn into_model(self) -> Result<EnvironmentReview, InvalidName> {
        Ok(EnvironmentReview {
            state: ReviewState::parse(&self.state),
            user: self.user.map(AccountWire::into_model).transpose()?,
            environment_ids: self.environments.into_iter().map(|environment| environment.id).collect(),
        })
    }
}

impl EnvironmentWire {
    pub(super) fn into_model(self) -> Result<Environment, InvalidName> {
        let rules = self.protection_rules.unwrap_or_default();
        let required = rules.into_iter().filter(|rule| rule.rule_type == "required_reviewers");
        Ok(Environment {
            id: self.id,
            name: EnvironmentName::parse(&self.name)?,
            required_reviewers: required.map(|rule| rule.reviewers.map_or(0, |reviewers| reviewers.len())).sum(),
        })
    }
}

impl PendingDeploymentWire {
    /// The environment, if it has a name.
    pub(super) fn environment(&self) -> Option<EnvironmentName> {
        self.environment.name.as_ref().and_then(|name| EnvironmentName::parse(name).ok())
    }

    /// Is it for that environment? One without a name might be.
    pub(super) fn is_for(&self, environment: &EnvironmentName) -> bool {
        self.environment
            .name
            .as_ref()
            .is_none_or(|name| EnvironmentName::parse(name).is_ok_and(|name| name == *environment))
    }
}

fn run_id(id: u64) -> Result<RunId, InvalidName> {
    RunId::new(id).ok_or_else(|| InvalidName::new("0", "a run id: a positive decimal"))
}
