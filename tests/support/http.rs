//! HTTP to the servers of the tests, with the function's own client.

use std::time::Duration;

use bytes::Bytes;
use environment_gate::http::{Bounds, HttpClient, HttpError};
use http::{Method, Request, StatusCode};

/// Far beyond what any of them takes.
const BOUNDS: Bounds = Bounds { time: Duration::from_mins(10), body_bytes: 64 * 1024 * 1024 };

pub(crate) struct Http(HttpClient);

impl Http {
    pub(crate) fn new() -> Self {
        Self(HttpClient::new(None).unwrap())
    }

    /// The status and the text of an answer.
    pub(crate) async fn call(
        &self,
        (method, url): (Method, &str),
        headers: &[(&str, &str)],
        body: String,
    ) -> Result<(StatusCode, String), HttpError> {
        let mut request = Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = self.0.send(request.body(Bytes::from(body)).unwrap(), BOUNDS).await?;
        Ok((answer.status(), String::from_utf8_lossy(answer.body()).into_owned()))
    }
}
