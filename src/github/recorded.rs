//! An answer of GitHub's that somebody recorded, or made up, read as the call that it belongs to reads it. For fuzzing, which has no GitHub.

use bytes::Bytes;
use http::StatusCode;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;

use super::GithubError;
use super::answer::Answer;
use super::installation::{Of, Token};
use super::lost::{deliveries_of, installation_of};
use super::reader::{jobs_of, model, reviews_of};
use super::waiting::{environments_of, runs_of};
use super::wire::{EnvironmentWire, RunWire};

/// The headers that are read.
const HEADERS: [&str; 5] = ["retry-after", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "link"];
/// The repository that a recorded token should be for.
const REPOSITORY: u64 = 4242;

/// Reads the answer to `call` (`run`, `jobs`, `approvals`, `environment`, `pending_deployments`, `runs`, `deliveries`, `installation`,
/// `access_tokens`), which had `header` in every header that is read.
///
/// # Errors
/// What the call itself would say of such an answer.
pub fn read_answer(call: &str, status: u16, header: &str, body: Bytes) -> Result<(), GithubError> {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    let value = HeaderValue::from_str(header).ok();
    let headers: HeaderMap =
        value.iter().flat_map(|value| HEADERS.map(|name| (HeaderName::from_static(name), value.clone()))).collect();
    let answer = Answer { route: "a recorded answer", status, headers, body };
    if answer.is_limit() {
        answer.wait_until(Timestamp::UNIX_EPOCH);
    }
    match call {
        "run" => model(&answer, RunWire::into_model).map(drop),
        "jobs" => jobs_of(&answer).map(drop),
        "approvals" => reviews_of(&answer).map(drop),
        "environment" => model(&answer, EnvironmentWire::into_model).map(drop),
        "pending_deployments" => environments_of(&answer).map(drop),
        "runs" => runs_of(&answer).map(drop),
        "deliveries" => deliveries_of(&answer).map(drop),
        "installation" => installation_of(&answer).map(drop),
        "access_tokens" => Token::read(&answer, &Of::Id(REPOSITORY)).map(drop),
        _ => Err(answer.error()),
    }
}
