//! The calls that a client made and GitHub's answers, for `gate simulate --record`. They contain tokens: they are scrubbed before they are written.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::header::HeaderMap;
use http::{Method, StatusCode};

use super::GithubError;
use super::answer::Answer;

/// Every call that a client makes, in the order in which they began.
#[derive(Debug, Clone, Default)]
pub struct Recording(Arc<Mutex<Vec<Exchange>>>);

/// One call, and how it ended.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// GET or POST.
    pub method: Method,
    /// Under the API's base URL, with its query.
    pub path: String,
    /// How it ended.
    pub end: ExchangeEnd,
}

/// How a call ended.
#[derive(Debug, Clone)]
pub enum ExchangeEnd {
    /// With an answer.
    Answer(StatusCode, HeaderMap, Bytes),
    /// With an answer that is too long to read.
    TooLong,
    /// The connection broke.
    Broken,
    /// No answer came in time.
    Silence,
}

impl Recording {
    /// Everything so far.
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.with(|exchanges| exchanges.clone())
    }

    /// Notes that a call begins, and returns its place.
    pub(super) fn begin(&self, method: &Method, path: &str) -> usize {
        let exchange = Exchange { method: method.clone(), path: path.to_owned(), end: ExchangeEnd::Silence };
        self.with(|exchanges| {
            exchanges.push(exchange);
            exchanges.len().saturating_sub(1)
        })
    }

    /// Notes how the call at that place ended; a call that was given up never gets here.
    pub(super) fn end(&self, place: usize, answer: &Result<Answer, GithubError>) {
        let end = match answer {
            Ok(answer) => ExchangeEnd::Answer(answer.status, answer.headers.clone(), answer.body.clone()),
            Err(GithubError::Unreadable { .. }) => ExchangeEnd::TooLong,
            Err(_) => ExchangeEnd::Broken,
        };
        self.with(|exchanges| {
            if let Some(exchange) = exchanges.get_mut(place) {
                exchange.end = end;
            }
        });
    }

    fn with<T>(&self, act: impl FnOnce(&mut Vec<Exchange>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
