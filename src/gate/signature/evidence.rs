//! What was found of signatures.

use std::collections::BTreeMap;

use super::keys::IssuerKeys;

/// What the artifacts of a run's gates hold, and the keys that they are verified with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signatures {
    /// The issuer's keys, read again if a token names one that was not known; `None` if they could not be read.
    pub keys: Option<IssuerKeys>,
    /// The audience of our tokens.
    pub audience: String,
    /// For the id of each gate's job that needs a signature, what artifacts of its name hold; empty if there is none.
    pub of_jobs: BTreeMap<u64, Vec<Candidate>>,
}

/// What one artifact of the right name holds. Any job of the run can plant some.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Candidate {
    /// A text, which may be a token.
    Text(String),
    /// Nothing that could be a token: why.
    Unusable(String),
    /// It was not there when it was asked for: why.
    Unreachable(String),
}

impl Signatures {
    /// The audience for which the gate's job asks for its token.
    pub fn audience(app_id: &str) -> String {
        format!("environment-gate-{app_id}")
    }
}

/// The name of the artifact with the signature of a job.
pub fn artifact_name(job_id: u64) -> String {
    format!("environment-gate.{job_id}.jwt")
}
