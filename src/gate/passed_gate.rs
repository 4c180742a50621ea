//! Who approved what.

use jiff::Timestamp;

use super::signature::Claims;

/// A gate, how it was passed, and by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassedGate {
    /// The job's name.
    pub job: String,
    /// The job's id, in the newest attempt in which the gate ran.
    pub job_id: Option<u64>,
    /// That attempt.
    pub attempt: Option<u32>,
    /// The gate's environment, as the policy spells it.
    pub environment: String,
    /// The environment's id, if it exists.
    pub environment_id: Option<u64>,
    /// When that job ended.
    pub passed_at: Option<Timestamp>,
    /// Whose approvals count, one entry for each approval.
    pub approvers: Vec<Approver>,
    /// The claims with which the job proved itself, in a signed rule.
    pub claims: Option<Claims>,
}

/// A person whose approval counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approver {
    /// The account's id.
    pub id: u64,
    /// The account's login when it was read.
    pub login: String,
}
