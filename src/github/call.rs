//! One call of GitHub's API. Not here: who makes it.

use bytes::Bytes;
use http::Method;

/// One call, before it is authorized.
pub(super) struct Call {
    pub(super) route: &'static str,
    pub(super) method: Method,
    /// Under the API's base URL, beginning with a slash.
    pub(super) path: String,
    /// JSON, or nothing.
    pub(super) body: Bytes,
    /// Idempotent: made twice, it has the same effect as made once.
    pub(super) is_idempotent: bool,
}

impl Call {
    pub(super) fn get(route: &'static str, path: String) -> Self {
        Self { route, method: Method::GET, path, body: Bytes::new(), is_idempotent: true }
    }

    pub(super) fn post(route: &'static str, path: String, body: Vec<u8>) -> Self {
        Self { route, method: Method::POST, path, body: body.into(), is_idempotent: false }
    }

    pub(super) fn patch(route: &'static str, path: String, body: Vec<u8>) -> Self {
        Self { route, method: Method::PATCH, path, body: body.into(), is_idempotent: true }
    }

    /// What it costs by GitHub's secondary rate limit.
    pub(super) fn points(&self) -> u32 {
        if self.method == Method::GET { 1 } else { 5 }
    }
}
