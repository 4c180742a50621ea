//! One job of a workflow run, as the Jobs API shows it: without its environment.

use jiff::Timestamp;

use super::{RunId, Sha};

/// A job in one attempt of a run. Its name is free text and not unique.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Unique over all attempts.
    pub id: u64,
    /// The run that it says it is of.
    pub run: RunId,
    /// The attempt in which it ran; a job that was not run again keeps its own. Optional in GitHub's schema.
    pub attempt: Option<u32>,
    /// What the workflow calls it.
    pub name: String,
    /// The commit it ran at.
    pub head_sha: Sha,
    /// How far it is.
    pub status: JobStatus,
    /// How it ended; `None` until it has.
    pub conclusion: Option<Conclusion>,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
    /// A runner took it: it got past every wait for its environment.
    pub has_runner: bool,
}

/// GitHub's `status` of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobStatus {
    /// It has ended.
    Completed,
    /// It waits for the protection rules of its environment.
    Waiting,
    /// It will run, or runs: queued, pending, requested, in progress.
    UnderWay,
    /// A status that GitHub has added since: it may still run.
    Unknown,
}

impl JobStatus {
    /// Reads GitHub's spelling.
    pub fn parse(text: &str) -> Self {
        match text {
            "completed" => Self::Completed,
            "waiting" => Self::Waiting,
            "queued" | "pending" | "requested" | "in_progress" => Self::UnderWay,
            _ => Self::Unknown,
        }
    }

    /// May this job still let others come after it? A status that we do not know may.
    pub fn is_under_way(self) -> bool {
        matches!(self, Self::UnderWay | Self::Unknown)
    }
}

/// GitHub's `conclusion` of a job: success, or something else with its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Conclusion {
    /// The only one that lets anybody in.
    Success,
    /// `failure`, `cancelled`, `skipped`, …, and what GitHub may add.
    Other(String),
}

impl Conclusion {
    /// Reads GitHub's spelling.
    pub fn parse(text: &str) -> Self {
        if text == "success" { Self::Success } else { Self::Other(text.to_owned()) }
    }

    /// GitHub's spelling.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Success => "success",
            Self::Other(name) => name,
        }
    }
}
