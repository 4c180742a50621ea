//! A workflow run and its attempts.

use jiff::Timestamp;

use super::{Account, RefName, RunId, Sha};

/// A workflow run in its current attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkflowRun {
    /// The run.
    pub id: RunId,
    /// The current attempt, from 1. Optional in GitHub's schema.
    pub attempt: Option<u32>,
    /// The id of the repository that it runs in.
    pub repository_id: u64,
    /// The id of the repository that its commit comes from; `None` when that repository was deleted.
    pub head_repository_id: Option<u64>,
    /// The workflow file as GitHub writes it, perhaps with the repository before it, or `@` and a ref after it.
    pub path: String,
    /// The event that started it.
    pub event: String,
    /// The short name of the branch or tag that it runs at, as GitHub writes it: a branch may be *named* `refs/heads/main`.
    pub head_branch: Option<RefName>,
    /// The commit that it runs at.
    pub head_sha: Sha,
    /// Whether it has ended.
    pub status: RunStatus,
    /// Who started the run.
    pub actor: Option<Account>,
    /// Who started the current attempt.
    pub triggering_actor: Option<Account>,
    /// When the run was created.
    pub created_at: Option<Timestamp>,
    /// When the current attempt began.
    pub started_at: Option<Timestamp>,
    /// GitHub's `display_title`: the commit's or pull request's title, or the workflow's `run-name`.
    pub title: Option<String>,
    /// The id of the repository's owner.
    pub owner_id: Option<u64>,
}

/// Whether a run has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunStatus {
    /// No job runs or waits any more.
    Completed,
    /// Every other status, including those that GitHub adds.
    Open,
}

impl RunStatus {
    /// Reads GitHub's spelling.
    pub fn parse(text: &str) -> Self {
        if text == "completed" { Self::Completed } else { Self::Open }
    }
}

/// An earlier attempt of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunAttempt {
    /// Its number, from 1.
    pub attempt: u32,
    /// Who started it.
    pub triggering_actor: Option<Account>,
    /// When it began.
    pub started_at: Option<Timestamp>,
}

/// A run in which something may wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingRun {
    /// The run.
    pub id: RunId,
    /// Its commit.
    pub sha: Sha,
    /// Its branch or tag.
    pub ref_name: RefName,
    /// What started it.
    pub event: String,
    /// When its current attempt began.
    pub started_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Its current attempt, from 1.
    pub attempt: Option<u32>,
    /// Has it ended?
    pub status: RunStatus,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_completed_run_has_ended() {
        assert_eq!(RunStatus::parse("completed"), RunStatus::Completed);
        for text in ["in_progress", "waiting", "brand_new", ""] {
            assert_eq!(RunStatus::parse(text), RunStatus::Open);
        }
    }
}
