//! What became of a delivery, and how the sender is told: the HTTP status is the contract, one line says why.
//!
//! Not here: the log line (`telemetry.rs`), and the review's comment (`gate`).

use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

use crate::causes::with_causes;
use crate::gate::{Approval, Comment, Decision, Deferral, Finding, OutOfScope, Rejection};
use crate::github::{GithubError, Meaning};
use crate::model::{Request, quoted};
use crate::webhook::{Ignored, Refusal};

/// What became of a delivery.
#[derive(Debug)]
pub enum Outcome {
    /// The waiting jobs were let in.
    Approved(Approval),
    /// They were turned away.
    Rejected(Rejection),
    /// Valid, and nothing to do.
    Ignored(NothingToDo),
    /// Not to be trusted, or not to be read.
    Refused(Refusal),
    /// Not now.
    Deferred(NotNow),
    /// Only an operator can help.
    Failed(GithubError),
}

/// Why there is nothing to do.
#[derive(Debug)]
pub enum NothingToDo {
    /// The delivery is not for us.
    NotForUs(Ignored),
    /// No rule of the policy names the repository's owner.
    ForeignOwner(String),
    /// GitHub has nothing that waits for our review any more.
    NothingWaits,
    /// GitHub knows no such run any more.
    RunGone(GithubError),
}

/// Why nothing could be decided now.
#[derive(Debug)]
pub enum NotNow {
    /// A fact is still missing.
    Waiting(Deferral),
    /// GitHub did not give what was asked for.
    Github(GithubError),
    /// `pause = true` in the policy.
    Paused,
    /// GitHub says that the run has ended, and that it still waits.
    EndedButPending,
    /// The deployment is newer than the last review, and GitHub shows nothing that waits.
    NotShown,
    /// A review was posted and nobody knows whether it was taken.
    ReviewUnknown(String),
}

/// A delivery and what became of it.
#[derive(Debug)]
pub struct Report {
    /// GitHub's id of the delivery; nobody signed it.
    pub delivery_id: String,
    /// What was asked; `None` before it was verified and parsed.
    pub request: Option<Request>,
    /// What became of it.
    pub outcome: Outcome,
    /// Calls to GitHub.
    pub calls: u32,
    /// From the invocation to the answer.
    pub took: Duration,
}

impl Report {
    /// A request that was refused before it was looked into.
    pub fn refused(refusal: Refusal) -> Self {
        let outcome = Outcome::Refused(refusal);
        Self { delivery_id: "none".to_owned(), request: None, outcome, calls: 0, took: Duration::ZERO }
    }
}

impl From<Decision> for Outcome {
    fn from(decision: Decision) -> Self {
        match decision {
            Decision::Approved(approval) => Self::Approved(approval),
            Decision::Rejected(rejection) => Self::Rejected(rejection),
            Decision::Deferred(deferral) => Self::Deferred(NotNow::Waiting(deferral)),
            Decision::RunEnded => Self::Ignored(NothingToDo::NothingWaits),
        }
    }
}

impl From<GithubError> for Outcome {
    fn from(error: GithubError) -> Self {
        match error.meaning() {
            Meaning::Defer => Self::Deferred(NotNow::Github(error)),
            Meaning::Fail => Self::Failed(error),
            Meaning::Gone => Self::Ignored(NothingToDo::RunGone(error)),
        }
    }
}

impl Outcome {
    /// What becomes of a request that the policy has nothing to say of.
    pub fn out_of_scope(why: OutOfScope, request: &Request) -> Self {
        match why {
            OutOfScope::Foreign => {
                let owner = quoted(request.repository.name.owner()).to_string();
                Self::Ignored(NothingToDo::ForeignOwner(owner))
            }
            OutOfScope::Paused => Self::Deferred(NotNow::Paused),
        }
    }

    /// What is told of it at GitHub, where anything is.
    pub fn comment(&self, request: &Request) -> Option<Comment> {
        match self {
            Self::Approved(approval) => Some(Comment::of_approval(approval, request)),
            Self::Rejected(rejection) => Some(Comment::of_rejection(rejection, request)),
            Self::Deferred(NotNow::Waiting(deferral)) => Some(Comment::of_deferral(deferral, request)),
            _ => None,
        }
    }

    /// One word for people and logs; relied on from outside.
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

    /// The HTTP status of the answer. GitHub lists what is not 2xx as a failed delivery.
    pub fn status(&self) -> u16 {
        match self {
            Self::Approved(_) | Self::Rejected(_) | Self::Ignored(_) => 204,
            Self::Refused(refusal) => refusal.status(),
            Self::Deferred(_) => 503,
            Self::Failed(_) => 424,
        }
    }

    /// Is it GitHub's limit that stood in the way just now?
    pub fn is_limited(&self) -> bool {
        matches!(self, Self::Deferred(NotNow::Github(GithubError::Limited { .. })))
    }

    /// What each check found, where checks were made.
    pub fn findings(&self) -> &[Finding] {
        match self {
            Self::Approved(approval) => approval.findings(),
            Self::Rejected(rejection) => rejection.findings(),
            Self::Deferred(NotNow::Waiting(deferral)) => deferral.findings(),
            _ => &[],
        }
    }

    /// The policy's rule that decided, counted from 1.
    pub fn rule(&self) -> Option<usize> {
        match self {
            Self::Approved(approval) => approval.rule(),
            Self::Rejected(rejection) => rejection.rule(),
            Self::Deferred(NotNow::Waiting(deferral)) => deferral.rule(),
            _ => None,
        }
    }

    /// Why, in one line.
    pub fn reason(&self) -> String {
        match self {
            Self::Approved(_) => "every check passes".to_owned(),
            Self::Rejected(_) | Self::Deferred(NotNow::Waiting(_)) => reasons(self.findings()),
            Self::Ignored(why) => why.to_string(),
            Self::Refused(refusal) => refusal.to_string(),
            Self::Deferred(why) => why.to_string(),
            Self::Failed(error) => with_causes(error),
        }
    }
}

impl fmt::Display for NothingToDo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotForUs(Ignored::Ping) => f.write_str("a ping: the webhook reaches us"),
            Self::NotForUs(Ignored::Event(event)) => write!(f, "event {event}, not `deployment_protection_rule`"),
            Self::NotForUs(Ignored::Action(action)) => write!(f, "action {action}, not `requested`"),
            Self::ForeignOwner(owner) => write!(f, "no rule of the policy names the owner {owner}"),
            Self::NothingWaits => f.write_str("nothing waits for this review any more"),
            Self::RunGone(error) => f.write_str(&with_causes(error)),
        }
    }
}

impl fmt::Display for NotNow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Waiting(deferral) => f.write_str(&reasons(deferral.findings())),
            Self::Github(error) => f.write_str(&with_causes(error)),
            Self::Paused => f.write_str("the policy says `pause = true`"),
            Self::EndedButPending => f.write_str("GitHub says that the run has ended and that it still waits"),
            Self::NotShown => f.write_str("GitHub shows nothing that waits, but the deployment was created after the last review, so it may only not be shown yet"),
            Self::ReviewUnknown(why) => write!(f, "a review was posted and its outcome is unknown: {why}"),
        }
    }
}

/// The findings that do not hold, in one line.
fn reasons(findings: &[Finding]) -> String {
    let not_held = findings.iter().filter(|finding| finding.verdict != crate::gate::Verdict::Pass);
    not_held.map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// The HTTP API's answer (payload format 2.0): every one has a status that we chose.
pub fn http_answer(status: u16, line: &str) -> Value {
    let (headers, body) = if status == 204 {
        (json!({}), String::new())
    } else {
        (json!({ "content-type": "text/plain; charset=utf-8" }), format!("{line}\n"))
    };
    // The API needs no `cookies`; the types of AWS's events, which local hosts read an answer with, do.
    json!({ "statusCode": status, "headers": headers, "body": body, "isBase64Encoded": false, "cookies": [] })
}
