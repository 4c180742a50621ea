//! An answer that was recorded or made up, read as its call reads it. For fuzzing, which has no GitHub.

use bytes::Bytes;
use http::StatusCode;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;

use super::GithubError;
use super::answer::Answer;
use super::app_client::deliveries_page;
use super::installation_token::{InstallationToken, RepositoryRef};
use super::run_reader::{jobs_page, model, reviews};
use super::waiting_runs::{pending_environments, runs_page};
use super::wire::{EnvironmentWire, InstallationWire, RunWire};

/// The headers that are read.
const HEADERS: [&str; 5] = ["retry-after", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "link"];
/// The repository that a recorded token should be for.
const REPOSITORY: u64 = 4242;

/// Reads the answer to `call` (`run`, `jobs`, `approvals`, `environment`, `pending_deployments`, `runs`, `deliveries`, `installation`,
/// `access_tokens`), with `header` as the value of every header that is read.
///
/// # Errors
/// What the call itself would say of such an answer.
pub fn read_answer(call: &str, status: u16, header: &str, body: Bytes) -> Result<(), GithubError> {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    let value = HeaderValue::from_str(header).ok();
    let headers: HeaderMap =
        value.iter().flat_map(|value| HEADERS.map(|name| (HeaderName::from_static(name), value.clone()))).collect();
    let answer = Answer { route: "a recorded answer", status, headers, body };
    if answer.is_rate_limit() {
        answer.wait_until(Timestamp::UNIX_EPOCH);
    }
    match call {
        "run" => model(&answer, RunWire::into_model).map(drop),
        "jobs" => jobs_page(&answer).map(drop),
        "approvals" => reviews(&answer).map(drop),
        "environment" => model(&answer, EnvironmentWire::into_model).map(drop),
        "pending_deployments" => pending_environments(&answer).map(drop),
        "runs" => runs_page(&answer).map(drop),
        "deliveries" => deliveries_page(&answer).map(drop),
        "installation" => answer.json::<InstallationWire>().map(drop),
        "access_tokens" => {
            InstallationToken::read(&answer, &RepositoryRef::Id(REPOSITORY), Timestamp::UNIX_EPOCH).map(drop)
        }
        _ => Err(answer.error()),
    }
}
