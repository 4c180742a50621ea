//! One answer from GitHub: what its status means, and its JSON, with errors that name the wrong field.

use bytes::Bytes;
use http::StatusCode;
use http::header::HeaderMap;
use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;

use super::GithubError;
use crate::model::{quoted, quoted_sentence};

/// A rate limit that gives no duration is taken to last a minute.
const LIMIT_TIME: SignedDuration = SignedDuration::from_secs(60);
/// No rate limit of GitHub lasts longer than an hour; a longer one is not believed.
const LIMIT_TIME_MAX: SignedDuration = SignedDuration::from_hours(1);

/// A complete answer.
pub(super) struct Answer {
    pub(super) route: &'static str,
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Answer {
    /// Reads the JSON of a success; anything else is an error.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, GithubError> {
        if !self.status.is_success() {
            return Err(self.error());
        }
        let text = std::str::from_utf8(&self.body)
            .map_err(|_| self.unreadable("not JSON: bytes that are not UTF-8".to_owned()))?;
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
            self.unreadable(format!("{}: {}", quoted(&error.path().to_string()), problem(error.inner())))
        })?;
        deserializer
            .end()
            .map_err(|error| self.unreadable(format!("more than one JSON value: {}", problem(&error))))?;
        Ok(value)
    }

    pub(super) fn unreadable(&self, problem: String) -> GithubError {
        GithubError::Unreadable { route: self.route, problem }
    }

    /// What an answer that is not a success means, whatever the call.
    pub(super) fn error(&self) -> GithubError {
        let (route, status) = (self.route, self.status);
        if self.is_rate_limit() {
            return GithubError::Limited { route, status, retry: self.retry() };
        }
        if status.is_redirection() {
            return GithubError::Redirected { route, status };
        }
        if status.is_server_error() {
            return GithubError::Unavailable { route, status };
        }
        GithubError::Unexpected { route, status, message: self.message() }
    }

    /// GitHub's `message`, shown safely and cut.
    pub(super) fn message(&self) -> String {
        #[derive(serde::Deserialize)]
        struct Message {
            message: String,
        }
        serde_json::from_slice::<Message>(&self.body)
            .map_or_else(|_| "nothing".to_owned(), |body| quoted_sentence(&body.message).to_string())
    }

    /// 429, or a 403 that says it is a limit
    /// (<https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api>).
    pub(super) fn is_rate_limit(&self) -> bool {
        let header = |name: &str| self.headers.get(name).and_then(|value| value.to_str().ok());
        match self.status {
            StatusCode::TOO_MANY_REQUESTS => true,
            StatusCode::FORBIDDEN => {
                header("retry-after").is_some()
                    || header("x-ratelimit-remaining") == Some("0")
                    || self.says("rate limit")
            }
            _ => false,
        }
    }

    /// Whether it is a success whose body is cut off or not JSON. The last byte is enough to decide to try once more; reading finds the rest.
    pub(super) fn is_cut_off(&self) -> bool {
        let end = self.body.trim_ascii_end().last();
        self.status.is_success() && self.status != StatusCode::NO_CONTENT && !matches!(end, Some(b'}' | b']'))
    }

    /// Until when a rate limit asks us to wait: `retry-after`, then `x-ratelimit-reset` where nothing remains, else a minute.
    pub(super) fn wait_until(&self, now: Timestamp) -> Timestamp {
        let after = |wait: SignedDuration| now.checked_add(wait).unwrap_or(now);
        let seconds = self.number("retry-after").map(|seconds| i64::try_from(seconds).unwrap_or(i64::MAX));
        let retry_after = seconds.map(|seconds| after(SignedDuration::from_secs(seconds).min(LIMIT_TIME_MAX)));
        retry_after.or_else(|| self.reset_of_nothing()).unwrap_or_else(|| after(LIMIT_TIME)).min(after(LIMIT_TIME_MAX))
    }

    /// The reset time of the hourly limit, if nothing of it is left. Any other limit is a secondary one, about which that header says nothing.
    fn reset_of_nothing(&self) -> Option<Timestamp> {
        self.reset().filter(|_| self.number("x-ratelimit-remaining") == Some(0))
    }

    /// When the hourly limit resets.
    pub(super) fn reset(&self) -> Option<Timestamp> {
        Timestamp::from_second(i64::try_from(self.number("x-ratelimit-reset")?).ok()?).ok()
    }

    /// A header that is a number.
    pub(super) fn number(&self, name: &str) -> Option<u64> {
        self.headers.get(name)?.to_str().ok()?.trim().parse().ok()
    }

    /// Whether the body has these words (lower case). Only its beginning is searched: GitHub's errors are short.
    pub(super) fn says(&self, words: &str) -> bool {
        const ERROR_BYTES_MAX: usize = 4096;
        let beginning = self.body.get(..ERROR_BYTES_MAX).unwrap_or(&self.body);
        String::from_utf8_lossy(beginning).to_lowercase().contains(words)
    }

    fn retry(&self) -> Option<String> {
        self.number("retry-after")
            .map(|seconds| format!("for {seconds} s"))
            .or_else(|| self.reset_of_nothing().map(|reset| format!("until {reset}")))
    }
}

/// What is wrong with a JSON text, without any of the text in it.
fn problem(error: &serde_json::Error) -> String {
    let kind = match error.classify() {
        serde_json::error::Category::Io | serde_json::error::Category::Eof => "the text ends too early",
        serde_json::error::Category::Syntax => "not JSON",
        serde_json::error::Category::Data => "not of the documented type, or missing",
    };
    format!("{kind} (line {}, column {})", error.line(), error.column())
}
