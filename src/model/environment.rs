//! An environment, and the reviews of it.

use super::{Account, EnvironmentName};

/// An environment of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// A deleted environment that is created again gets a new one.
    pub id: u64,
    /// The name.
    pub name: EnvironmentName,
    /// How many users and teams are required reviewers; 0 when nobody has to approve.
    pub required_reviewers: usize,
    /// Its id in GitHub's GraphQL API, where it is given.
    pub node_id: Option<String>,
}

/// One entry of a run's review history (`GET …/runs/{id}/approvals`). GitHub gives it neither a time nor an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvironmentReview {
    /// Approved or rejected.
    pub state: ReviewState,
    /// The reviewer; `None` when the account was deleted.
    pub user: Option<Account>,
    /// The ids of the environments that were reviewed.
    pub environment_ids: Vec<u64>,
    /// Their names, where GitHub gives them. One that was deleted and created again keeps its name.
    pub environment_names: Vec<EnvironmentName>,
}

/// GitHub's `state` of a review.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReviewState {
    /// The jobs may enter.
    Approved,
    /// The jobs may not enter.
    Rejected,
    /// A status report, or a state that GitHub has added since: neither.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_that_is_not_known_is_neither() {
        assert_eq!(ReviewState::parse("approved"), ReviewState::Approved);
        assert_eq!(ReviewState::parse("rejected"), ReviewState::Rejected);
        for text in ["Approved", "pending", ""] {
            assert_eq!(ReviewState::parse(text), ReviewState::Unknown);
        }
    }
}
