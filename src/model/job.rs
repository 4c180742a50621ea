//! One job of a workflow run, as the Jobs API shows it: without its environment.

use jiff::Timestamp;

use super::{RunId, Sha};

/// A job in one attempt of a run. Its name is free text and not unique.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Unique across all attempts.
    pub id: u64,
    /// The run that it belongs to, as GitHub reports it.
    pub run: RunId,
    /// The attempt under which GitHub lists it. A job that was not re-run is listed under its old attempt, its new one, or both. Optional in GitHub's schema.
    pub attempt: Option<u32>,
    /// Its name in the workflow.
    pub name: String,
    /// The commit it ran at.
    pub head_sha: Sha,
    /// Its status.
    pub status: JobStatus,
    /// How it ended; `None` before that.
    pub conclusion: Option<Conclusion>,
    /// When it began to run; `None` while it waits.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
    /// Whether a runner took it: then it got past every wait for its environment.
    pub has_runner: bool,
}

impl Job {
    /// Whether it ended, and began before then.
    pub fn precedes(&self, instant: Timestamp) -> bool {
        self.completed_at.is_some_and(|ended| self.started_at.unwrap_or(ended) < instant)
    }
}

/// GitHub's `status` of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobStatus {
    /// It has ended.
    Completed,
    /// It waits for the protection rules of its environment.
    Waiting,
    /// It runs or will run: queued, pending, requested, in progress.
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

    /// Whether other jobs may still start after this one. With an unknown status they may.
    pub fn is_under_way(self) -> bool {
        matches!(self, Self::UnderWay | Self::Unknown)
    }
}

/// GitHub's `conclusion` of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Conclusion {
    /// The only one that passes a gate.
    Success,
    /// `failure`, `cancelled`, `skipped`, …, and whatever GitHub adds.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_that_runs_or_will_run_is_under_way() {
        for text in ["queued", "pending", "requested", "in_progress", "brand_new"] {
            assert!(JobStatus::parse(text).is_under_way(), "{text}");
        }
    }

    #[test]
    fn a_job_that_ended_or_waits_is_not_under_way() {
        assert_eq!(JobStatus::parse("completed"), JobStatus::Completed);
        assert_eq!(JobStatus::parse("waiting"), JobStatus::Waiting);
        assert!(!JobStatus::Completed.is_under_way() && !JobStatus::Waiting.is_under_way());
    }

    #[test]
    fn a_status_that_is_not_known_is_kept_apart() {
        assert_eq!(JobStatus::parse("brand_new"), JobStatus::Unknown);
    }

    #[test]
    fn only_success_is_success() {
        assert_eq!(Conclusion::parse("success"), Conclusion::Success);
        for text in ["Success", "failure", "neutral", "brand_new"] {
            assert_eq!(Conclusion::parse(text), Conclusion::Other(text.to_owned()));
        }
    }

    #[test]
    fn a_conclusion_is_spelled_as_on_github() {
        assert_eq!(
            ["success", "skipped"].map(|text| Conclusion::parse(text).as_str().to_owned()),
            ["success", "skipped"]
        );
    }
}
