//! An environment, and what people answered for it.

use super::{Account, EnvironmentName};

/// An environment of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// New when an environment is deleted and made again.
    pub id: u64,
    /// Its name.
    pub name: EnvironmentName,
    /// How many users and teams are required reviewers of it; 0 when nobody is asked.
    pub required_reviewers: usize,
}

/// One entry of a run's review history (`GET …/runs/{id}/approvals`). It has no time and no attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvironmentReview {
    /// What was answered.
    pub state: ReviewState,
    /// Who answered; `None` when the account is gone.
    pub user: Option<Account>,
    /// The ids of the environments that the answer is for.
    pub environment_ids: Vec<u64>,
}

/// GitHub's `state` of a review.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReviewState {
    /// Let through.
    Approved,
    /// Turned away.
    Rejected,
    /// A status report, or a state that GitHub has added since: no answer.
    Unknown,
}

impl ReviewState {
    /// Reads GitHub's spelling.
    pub fn parse(text: &str) -> Self {
        match text {
            "approved" => Self::Approved,
            "rejected" => Self::Rejected,
            _ => Self::Unknown,
        }
    }
}
