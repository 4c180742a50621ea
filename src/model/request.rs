//! What GitHub asks: may the jobs of this run enter this environment?

use jiff::Timestamp;

use super::{EnvironmentName, RefName, RepositoryName, RunId, Sha};

/// A request to let a run's waiting jobs enter an environment. It names no job and no attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The App's installation that GitHub asks.
    pub installation_id: u64,
    /// The repository of the run.
    pub repository: Repository,
    /// The run.
    pub run: RunId,
    /// The environment that its jobs wait for, as GitHub spells it.
    pub environment: EnvironmentName,
    /// The commit to be deployed.
    pub sha: Sha,
    /// The branch or tag to be deployed.
    pub ref_name: RefName,
    /// The event that started the run, if the delivery names it.
    pub event: Option<String>,
    /// When the deployment was created, if the delivery says so.
    pub deployment_created_at: Option<Timestamp>,
}

/// A repository by id and name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// The identity.
    pub id: u64,
    /// What URLs are built from.
    pub name: RepositoryName,
}
