//! Step 5: the review. Nothing else in the program can post one, and it takes a decision to do so.

use http::StatusCode;
use serde::Serialize;

use super::client::Call;
use super::{GithubError, Installation};
use crate::gate::{Approval, Comment, Deferral, Rejection};
use crate::model::{ApiUrl, Request};

const REVIEW: &str = "POST /repos/{owner}/{repo}/actions/runs/{run_id}/deployment_protection_rule";

/// What a review says; only a decision can be posted.
#[derive(Debug, Clone, Copy)]
pub enum Verdict<'d> {
    /// Let the waiting jobs in.
    Approve(&'d Approval),
    /// Turn them away, for good in this attempt.
    Reject(&'d Rejection),
}

/// What became of a review that GitHub was asked to take.
#[derive(Debug)]
pub enum Reviewed {
    /// GitHub took it (204).
    Applied,
    /// There is nothing, or nothing more, to decide (422 with GitHub's words for it, 404).
    NothingWaits,
    /// It may have been taken or not: pending deployments tell.
    Unknown(String),
}

/// <https://docs.github.com/rest/actions/workflow-runs#review-custom-deployment-protection-rules-for-a-workflow-run>
#[derive(Serialize)]
struct ReviewBody<'a> {
    environment_name: &'a str,
    state: &'static str,
    comment: &'a str,
}

/// The same without a verdict: a status report, of which GitHub takes ten for a deployment.
#[derive(Serialize)]
struct ReportBody<'a> {
    environment_name: &'a str,
    comment: &'a str,
}

/// Posts reviews of one request, of which each takes a decision.
///
/// ```
/// use environment_gate::gate::Approval;
/// use environment_gate::github::{Reviewer, Verdict};
/// async fn post(reviewer: &Reviewer<'_>, approval: &Approval) {
///     let _ = reviewer.review(Verdict::Approve(approval)).await;
/// }
/// ```
/// ```compile_fail,E0308
/// use environment_gate::gate::Approval;
/// use environment_gate::github::{Reviewer, Verdict};
/// async fn post(reviewer: &Reviewer<'_>, approval: &Approval) {
///     let _ = reviewer.review("approved").await;
/// }
/// ```
#[derive(Debug)]
pub struct Reviewer<'a> {
    installation: &'a Installation<'a>,
    request: &'a Request,
}

impl<'a> Reviewer<'a> {
    /// Reviews `request` through `installation`.
    pub fn new(installation: &'a Installation<'a>, request: &'a Request) -> Self {
        Self { installation, request }
    }

    /// Posts a review to the URL that is rebuilt from the request's validated parts. It decides every job of the run that waits
    /// for the environment at that moment.
    ///
    /// # Errors
    /// GitHub's limit (nothing was applied), and what only an operator can mend.
    pub async fn review(&self, verdict: Verdict<'_>) -> Result<Reviewed, GithubError> {
        let (state, comment) = match verdict {
            Verdict::Approve(approval) => ("approved", Comment::of_approval(approval, self.request)),
            Verdict::Reject(rejection) => ("rejected", Comment::of_rejection(rejection, self.request)),
        };
        let environment_name = self.request.environment.as_str();
        let call = self.call(&ReviewBody { environment_name, state, comment: comment.as_str() })?;
        let answer = match self.installation.send(&call).await {
            Ok(answer) => answer,
            Err(
                error @ (GithubError::NoAnswer { route: REVIEW, .. }
                | GithubError::TimedOut { route: REVIEW }
                | GithubError::Unreadable { route: REVIEW, .. }),
            ) => return Ok(Reviewed::Unknown(error.to_string())),
            Err(error) => return Err(error),
        };
        match answer.status {
            StatusCode::NO_CONTENT => Ok(Reviewed::Applied),
            // No answer of GitHub's to this call: somebody in between may have given it.
            status if status.is_success() => Ok(Reviewed::Unknown(format!("`{REVIEW}`: got {status}, expected 204"))),
            StatusCode::NOT_FOUND => Ok(Reviewed::NothingWaits),
            StatusCode::UNPROCESSABLE_ENTITY if answer.says("no pending deployment requests") => {
                Ok(Reviewed::NothingWaits)
            }
            StatusCode::UNPROCESSABLE_ENTITY if answer.says("already been reviewed") => Ok(Reviewed::NothingWaits),
            StatusCode::UNPROCESSABLE_ENTITY if answer.says("problem approving one of the gates") => {
                Ok(Reviewed::Unknown(answer.error().to_string()))
            }
            status if status.is_server_error() => Ok(Reviewed::Unknown(answer.error().to_string())),
            _ => Err(answer.error()),
        }
    }

    /// Leaves a status report that says what the request waits for. It decides nothing, so whatever comes of it changes nothing.
    pub async fn report(&self, deferral: &Deferral) {
        let comment = Comment::of_deferral(deferral, self.request);
        let environment_name = self.request.environment.as_str();
        if let Ok(call) = self.call(&ReportBody { environment_name, comment: comment.as_str() }) {
            let _ = self.installation.send(&call).await;
        }
    }

    fn call(&self, body: &impl Serialize) -> Result<Call, GithubError> {
        let unwritable = |_| GithubError::Unreadable { route: REVIEW, problem: "a comment that is no JSON".to_owned() };
        let path = ApiUrl::run_path(self.request) + "/deployment_protection_rule";
        Ok(Call::post(REVIEW, path, serde_json::to_vec(body).map_err(unwritable)?))
    }
}
