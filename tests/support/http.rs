//! HTTP to the servers of the tests, with the function's own client.

use std::sync::Arc;

use bytes::Bytes;
use environment_gate::transport::{Connections, ExchangeError, Pool};
use http::{Method, Request, StatusCode};

/// Bytes of an answer.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

pub(crate) struct Http(Arc<Pool>);

impl Http {
    pub(crate) fn new() -> Self {
        Self(Connections::new(None).unwrap().pool())
    }

    /// The status and the text of an answer.
    pub(crate) async fn call(
        &self,
        (method, url): (Method, &str),
        headers: &[(&str, &str)],
        body: String,
    ) -> Result<(StatusCode, String), ExchangeError> {
        let mut request = Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = self.0.exchange(request.body(Bytes::from(body)).unwrap(), ANSWER_BYTES_MAX).await?;
        Ok((answer.status(), String::from_utf8_lossy(answer.body()).into_owned()))
    }
}
