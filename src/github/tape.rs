//! What GitHub was asked and what it answered, kept for whoever wants to play it again. Tokens are in it: it is cleaned before it is written
//! down.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::header::HeaderMap;
use http::{Method, StatusCode};

use super::GithubError;
use super::answer::Answer;

/// Keeps every call that a client makes, in the order in which they began.
#[derive(Debug, Clone, Default)]
pub struct Tape(Arc<Mutex<Vec<Exchange>>>);

/// One call, and how it ended.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// GET or POST.
    pub method: Method,
    /// Under the API's base URL, with its query.
    pub path: String,
    /// How it ended.
    pub end: Ending,
}

/// How a call ended.
#[derive(Debug, Clone)]
pub enum Ending {
    /// With an answer.
    Answer(StatusCode, HeaderMap, Bytes),
    /// With an answer that is longer than is read.
    TooLong,
    /// The connection broke.
    Broken,
    /// No answer came in time.
    Silence,
}

impl Tape {
    /// Everything so far.
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.with(|exchanges| exchanges.clone())
    }

    /// Notes that a call begins, and gives its place.
    pub(super) fn begin(&self, method: &Method, path: &str) -> usize {
        let exchange = Exchange { method: method.clone(), path: path.to_owned(), end: Ending::Silence };
        self.with(|exchanges| {
            exchanges.push(exchange);
            exchanges.len().saturating_sub(1)
        })
    }

    /// Notes how the call at that place ended; one that is given up never comes here.
    pub(super) fn end(&self, place: usize, answer: &Result<Answer, GithubError>) {
        let end = match answer {
            Ok(answer) => Ending::Answer(answer.status, answer.headers.clone(), answer.body.clone()),
            Err(GithubError::Unreadable { .. }) => Ending::TooLong,
            Err(_) => Ending::Broken,
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
