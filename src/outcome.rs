//! What became of a delivery: the HTTP status is the contract, one line says why.
//!
//! Not here: the log line (`telemetry`), the HTTP response (`lambda`), and the review's comment (`gate`).

use std::fmt;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::gate::policy::PauseReason;
use crate::gate::{Approval, Comment, Decision, Deferral, Finding, OutOfScope, PassedGate, RegoReport, Rejection};
use crate::github::{GithubError, Remedy};
use crate::model::{Request, quoted, with_causes};
use crate::webhook::{NotForUs, Refusal};

/// A run that GitHub does not show counts as gone once its deployment is this old: in outages whole runs answer 404 for minutes.
const GONE_AGE_MIN: SignedDuration = SignedDuration::from_hours(1);

/// What became of a delivery.
#[derive(Debug)]
pub enum Outcome {
    /// The waiting jobs were approved.
    Approved(Approval),
    /// They were rejected, for good in this attempt.
    Rejected(Rejection),
    /// Valid, but there is nothing to do.
    Ignored(IgnoredReason),
    /// The delivery cannot be trusted or read.
    Refused(Refusal),
    /// Nothing could be decided yet.
    Deferred(DeferredReason),
    /// Only an operator can help.
    Failed(GithubError),
}

/// Why there is nothing to do.
#[derive(Debug)]
pub enum IgnoredReason {
    /// The delivery asks for nothing.
    NotForUs(NotForUs),
    /// No rule of the policy names the repository's owner.
    ForeignOwner(String),
    /// Nothing waits for our review any more.
    NothingPending,
    /// The run does not exist any more.
    RunGone(GithubError),
}

/// Why nothing could be decided now.
#[derive(Debug)]
pub enum DeferredReason {
    /// A fact is still missing.
    Waiting(Deferral),
    /// GitHub did not answer with what is needed.
    Github(GithubError),
    /// The policy says `pause = true`, or cannot be read.
    Paused(PauseReason),
    /// GitHub shows the run as ended and its deployment as pending.
    EndedButPending,
    /// GitHub does not list the deployment as pending, and it is too young for that to say anything.
    NotListedYet,
    /// What GitHub answered changed while it was looked at.
    Changed,
    /// A review was posted, but it is unknown whether it was applied.
    ReviewUnknown(String),
}

/// A delivery and what became of it.
#[derive(Debug)]
pub struct Report {
    /// GitHub's id of the delivery, which nobody signed; `a sweep` for a request that a sweep found.
    pub delivery_id: String,
    /// What was asked; `None` for a delivery that was not verified and parsed.
    pub request: Option<Request>,
    /// What became of it.
    pub outcome: Outcome,
    /// The first digits of the hash of the policy that decided; `None` where none was asked.
    pub policy: Option<String>,
    /// Calls to GitHub.
    pub calls: u32,
    /// Calls that GitHub allows the installation in what is left of the hour; `None` where it has not said so.
    pub calls_left: Option<u64>,
    /// From the invocation to the answer.
    pub took: Duration,
    /// What was left then of the time for it; zero where there was nothing to do.
    pub time_left: Duration,
}

/// What a request came to, and what that took.
#[derive(Debug)]
pub struct Settled {
    /// What became of it.
    pub outcome: Outcome,
    /// The first digits of the policy's hash.
    pub policy: String,
    /// Calls to GitHub.
    pub calls: u32,
    /// Calls that GitHub allows the installation in what is left of the hour; `None` where it has not said so.
    pub calls_left: Option<u64>,
    /// What was left then of the time for it.
    pub time_left: Duration,
}

impl Report {
    /// A request that was settled.
    pub fn new(delivery_id: &str, request: Request, settled: Settled, took: Duration) -> Self {
        let Settled { outcome, policy, calls, calls_left, time_left } = settled;
        let (delivery_id, request, policy) = (delivery_id.to_owned(), Some(request), Some(policy));
        Self { delivery_id, request, outcome, policy, calls, calls_left, took, time_left }
    }

    /// A delivery that asks for nothing, or was refused.
    pub fn unasked(delivery_id: &str, outcome: Outcome, took: Duration) -> Self {
        let delivery_id = delivery_id.to_owned();
        let time_left = Duration::ZERO;
        Self { delivery_id, request: None, outcome, policy: None, calls: 0, calls_left: None, took, time_left }
    }

    /// An HTTP request that was refused before it was a delivery.
    pub fn refused(refusal: Refusal) -> Self {
        Self::unasked("none", Outcome::Refused(refusal), Duration::ZERO)
    }
}

impl From<Decision> for Outcome {
    fn from(decision: Decision) -> Self {
        match decision {
            Decision::Approved(approval) => Self::Approved(approval),
            Decision::Rejected(rejection) => Self::Rejected(rejection),
            Decision::Deferred(deferral) => Self::Deferred(DeferredReason::Waiting(deferral)),
            Decision::RunEnded => Self::Ignored(IgnoredReason::NothingPending),
        }
    }
}

impl From<GithubError> for Outcome {
    fn from(error: GithubError) -> Self {
        match error.remedy() {
            Remedy::Wait => Self::Deferred(DeferredReason::Github(error)),
            Remedy::Operator => Self::Failed(error),
        }
    }
}

impl Outcome {
    /// What becomes of a request when a call went wrong. A run that GitHub does not show may be hidden by an outage, until its deployment is an hour old.
    pub fn of_error(error: GithubError, request: &Request, now: Timestamp) -> Self {
        let is_old = |created_at| now.duration_since(created_at) >= GONE_AGE_MIN;
        match error {
            GithubError::RunGone { .. } if request.deployment_created_at.is_some_and(is_old) => {
                Self::Ignored(IgnoredReason::RunGone(error))
            }
            error => Self::from(error),
        }
    }

    /// What becomes of a request that the policy says nothing about.
    pub fn out_of_scope(why: OutOfScope, request: &Request) -> Self {
        match why {
            OutOfScope::Foreign => {
                let owner = quoted(request.repository.name.owner()).to_string();
                Self::Ignored(IgnoredReason::ForeignOwner(owner))
            }
            OutOfScope::Paused(reason) => Self::Deferred(DeferredReason::Paused(reason)),
        }
    }

    /// The comment for GitHub, where there is one.
    pub fn comment(&self, request: &Request) -> Option<Comment> {
        match self {
            Self::Approved(approval) => Some(Comment::of_approval(approval, request)),
            Self::Rejected(rejection) => Some(Comment::of_rejection(rejection, request)),
            Self::Deferred(DeferredReason::Waiting(deferral)) => Some(Comment::of_deferral(deferral, request)),
            _ => None,
        }
    }

    /// One word for people and logs. Log queries and alarms rely on it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Approved(_) => "approved",
            Self::Rejected(_) => "rejected",
            Self::Ignored(_) => "ignored",
            Self::Refused(_) => "refused",
            Self::Deferred(_) => "deferred",
            Self::Failed(_) => "failed",
        }
    }

    /// The HTTP status of the response. GitHub lists what is not 2xx as a failed delivery.
    pub fn status(&self) -> u16 {
        match self {
            Self::Approved(_) | Self::Rejected(_) | Self::Ignored(_) => 204,
            Self::Refused(refusal) => refusal.status(),
            Self::Deferred(_) => 503,
            Self::Failed(_) => 424,
        }
    }

    /// Whether GitHub's rate limit stood in the way.
    pub fn is_rate_limited(&self) -> bool {
        matches!(self, Self::Deferred(DeferredReason::Github(GithubError::Limited { .. })))
    }

    /// What each check found, where checks were made.
    pub fn findings(&self) -> &[Finding] {
        match self {
            Self::Approved(approval) => approval.findings(),
            Self::Rejected(rejection) => rejection.findings(),
            Self::Deferred(DeferredReason::Waiting(deferral)) => deferral.findings(),
            _ => &[],
        }
    }

    /// The gates, and who approved them, where they were judged.
    pub fn gates(&self) -> &[PassedGate] {
        match self {
            Self::Approved(approval) => approval.gates(),
            Self::Rejected(rejection) => rejection.gates(),
            _ => &[],
        }
    }

    /// What the policies in Rego said besides their findings, where they were asked.
    pub fn rego(&self) -> Option<&RegoReport> {
        match self {
            Self::Approved(approval) => Some(approval.rego()),
            Self::Rejected(rejection) => Some(rejection.rego()),
            Self::Deferred(DeferredReason::Waiting(deferral)) => Some(deferral.rego()),
            _ => None,
        }
    }

    /// The policy's rule that decided, counted from 1.
    pub fn rule(&self) -> Option<usize> {
        match self {
            Self::Approved(approval) => approval.rule(),
            Self::Rejected(rejection) => rejection.rule(),
            Self::Deferred(DeferredReason::Waiting(deferral)) => deferral.rule(),
            _ => None,
        }
    }

    /// Why, in one line.
    pub fn reason(&self) -> String {
        match self {
            Self::Approved(_) => "every check passed".to_owned(),
            Self::Rejected(_) | Self::Deferred(DeferredReason::Waiting(_)) => reasons(self.findings()),
            Self::Ignored(why) => why.to_string(),
            Self::Refused(refusal) => refusal.to_string(),
            Self::Deferred(why) => why.to_string(),
            Self::Failed(error) => with_causes(error),
        }
    }
}

impl fmt::Display for IgnoredReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotForUs(NotForUs::Ping) => f.write_str("a ping: the webhook works"),
            Self::NotForUs(NotForUs::Event(event)) => write!(f, "event {event}, not `deployment_protection_rule`"),
            Self::NotForUs(NotForUs::Action(action)) => write!(f, "action {action}, not `requested`"),
            Self::ForeignOwner(owner) => write!(f, "no rule of the policy names the owner {owner}"),
            Self::NothingPending => f.write_str("nothing waits for a review any more"),
            Self::RunGone(error) => f.write_str(&with_causes(error)),
        }
    }
}

impl fmt::Display for DeferredReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Waiting(deferral) => f.write_str(&reasons(deferral.findings())),
            Self::Github(error) => f.write_str(&with_causes(error)),
            Self::Paused(reason) => reason.fmt(f),
            Self::EndedButPending => f.write_str("GitHub shows the run as ended and its deployment as pending"),
            Self::NotListedYet => f.write_str(
                "GitHub does not list the deployment as pending, and it is too new for that to mean anything",
            ),
            Self::Changed => f.write_str("GitHub's answers changed while they were looked at"),
            Self::ReviewUnknown(why) => {
                write!(f, "a review was posted, but it is unknown whether GitHub applied it: {why}")
            }
        }
    }
}

/// The findings that did not pass, in one line.
fn reasons(findings: &[Finding]) -> String {
    let not_held = findings.iter().filter(|finding| finding.verdict != crate::gate::Verdict::Pass);
    not_held.map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
