//! The one writer. Nothing else in the program can post a review, and it takes a decision to do so.

use http::StatusCode;
use serde::Serialize;

use super::call::Call;
use super::{GithubError, RepositoryClient};
use crate::gate::{Approval, Comment, Deferral, Rejection};
use crate::model::{ApiUrl, Request};

const REVIEW: &str = "POST /repos/{owner}/{repo}/actions/runs/{run_id}/deployment_protection_rule";

/// A review. Only a decision can be posted.
#[derive(Debug, Clone, Copy)]
pub enum Review<'d> {
    /// Approve the waiting jobs.
    Approve(&'d Approval),
    /// Reject them, for good in this attempt.
    Reject(&'d Rejection),
}

/// The result of posting a review.
#[derive(Debug)]
pub enum ReviewResult {
    /// GitHub applied it (204).
    Applied,
    /// There is nothing, or nothing more, to review (422 with GitHub's words for it).
    NothingPending,
    /// GitHub does not show the run or the environment (404), as it does in an outage too: pending deployments show which.
    NotFound,
    /// It may have been applied or not: pending deployments show which.
    Unknown(String),
}

/// <https://docs.github.com/rest/actions/workflow-runs#review-custom-deployment-protection-rules-for-a-workflow-run>
#[derive(Serialize)]
struct ReviewBody<'a> {
    environment_name: &'a str,
    state: &'static str,
    comment: &'a str,
}

/// The same without a state: a status report. GitHub accepts at most ten for each deployment.
#[derive(Serialize)]
struct ReportBody<'a> {
    environment_name: &'a str,
    comment: &'a str,
}

/// Posts reviews of one request. Each takes a decision.
///
/// ```
/// use environment_gate::gate::Approval;
/// use environment_gate::github::{Reviewer, Review};
/// async fn post(reviewer: &Reviewer<'_>, approval: &Approval) {
///     let _ = reviewer.review(Review::Approve(approval)).await;
/// }
/// ```
/// ```compile_fail,E0308
/// use environment_gate::gate::Approval;
/// use environment_gate::github::{Reviewer, Review};
/// async fn post(reviewer: &Reviewer<'_>, approval: &Approval) {
///     let _ = reviewer.review("approved").await;
/// }
/// ```
#[derive(Debug)]
pub struct Reviewer<'a> {
    repository: &'a RepositoryClient<'a>,
    request: &'a Request,
}

impl<'a> Reviewer<'a> {
    /// Reviews `request` through `repository`.
    pub fn new(repository: &'a RepositoryClient<'a>, request: &'a Request) -> Self {
        Self { repository, request }
    }

    /// Posts a review to the URL that is rebuilt from the request's parts. It decides every job of the run that waits for the environment at
    /// that moment.
    ///
    /// # Errors
    /// A rate limit (nothing was applied), and what only an operator can fix.
    pub async fn review(&self, review: Review<'_>) -> Result<ReviewResult, GithubError> {
        let (state, comment) = match review {
            Review::Approve(approval) => ("approved", Comment::of_approval(approval, self.request)),
            Review::Reject(rejection) => ("rejected", Comment::of_rejection(rejection, self.request)),
        };
        let environment_name = self.request.environment.as_str();
        let call = self.call(&ReviewBody { environment_name, state, comment: comment.as_str() })?;
        let answer = match self.repository.send(&call).await {
            Ok(answer) => answer,
            Err(
                error @ (GithubError::NoAnswer { route: REVIEW, .. }
                | GithubError::TimedOut { route: REVIEW }
                | GithubError::Unreadable { route: REVIEW, .. }),
            ) => return Ok(ReviewResult::Unknown(error.to_string())),
            Err(error) => return Err(error),
        };
        match answer.status {
            StatusCode::NO_CONTENT => Ok(ReviewResult::Applied),
            // Not what GitHub answers to this call: something in between may have answered.
            status if status.is_success() => {
                Ok(ReviewResult::Unknown(format!("`{REVIEW}`: got {status}, expected 204")))
            }
            StatusCode::NOT_FOUND => Ok(ReviewResult::NotFound),
            StatusCode::UNPROCESSABLE_ENTITY if answer.says("no pending deployment requests") => {
                Ok(ReviewResult::NothingPending)
            }
            StatusCode::UNPROCESSABLE_ENTITY if answer.says("already been reviewed") => {
                Ok(ReviewResult::NothingPending)
            }
            StatusCode::UNPROCESSABLE_ENTITY if answer.says("problem approving one of the gates") => {
                Ok(ReviewResult::Unknown(answer.error().to_string()))
            }
            status if status.is_server_error() => Ok(ReviewResult::Unknown(answer.error().to_string())),
            _ => Err(answer.error()),
        }
    }

    /// Posts a status report that says what the request waits for. It decides nothing, so it does not matter whether GitHub takes it.
    pub async fn report(&self, deferral: &Deferral) {
        let comment = Comment::of_deferral(deferral, self.request);
        let environment_name = self.request.environment.as_str();
        if let Ok(call) = self.call(&ReportBody { environment_name, comment: comment.as_str() }) {
            let _ = self.repository.send(&call).await;
        }
    }

    fn call(&self, body: &impl Serialize) -> Result<Call, GithubError> {
        let not_sent = |error: serde_json::Error| GithubError::NotSent { route: REVIEW, source: error.into() };
        let path = ApiUrl::run_path(self.request) + "/deployment_protection_rule";
        Ok(Call::post(REVIEW, path, serde_json::to_vec(body).map_err(not_sent)?))
    }
}
