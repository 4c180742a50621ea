//! A delivery as it arrives: bytes and headers that anybody may have sent.

use bytes::Bytes;
use http::HeaderMap;
use jiff::Timestamp;

use super::refusal::{BODY_BYTES_MAX, Refusal};

/// Bytes and headers that anybody may have sent. The only way to the payload is [`verify`](UnverifiedDelivery::verify).
///
/// ```
/// use environment_gate::webhook::{Refusal, Secrets, UnverifiedDelivery, VerifiedDelivery};
/// fn read(delivery: &UnverifiedDelivery, secrets: &Secrets) -> Result<usize, Refusal> {
///     Ok(delivery.verify(secrets)?.payload().len())
/// }
/// ```
/// ```compile_fail,E0599
/// use environment_gate::webhook::{Refusal, Secrets, UnverifiedDelivery, VerifiedDelivery};
/// fn read(delivery: &UnverifiedDelivery, secrets: &Secrets) -> Result<usize, Refusal> {
///     Ok(delivery.payload().len())
/// }
/// ```
#[derive(Debug)]
pub struct UnverifiedDelivery {
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    received_at: Option<Timestamp>,
}

impl UnverifiedDelivery {
    /// Takes a request's headers and body, and when API Gateway received it, where it says so.
    ///
    /// # Errors
    /// More bytes than are read.
    pub fn new(headers: HeaderMap, body: Bytes, received_at: Option<Timestamp>) -> Result<Self, Refusal> {
        if body.len() > BODY_BYTES_MAX {
            return Err(Refusal::TooLarge);
        }
        Ok(Self { headers, body, received_at })
    }

    /// When API Gateway received the request. Nobody signed it: fit for a deadline, not for a decision.
    pub fn received_at(&self) -> Option<Timestamp> {
        self.received_at
    }

    /// GitHub's id of the delivery, for logs. Nobody signed it: text that does not look like an id is not shown.
    pub fn id(&self) -> &str {
        const ID_BYTES_MAX: usize = 64;
        let id = self.headers.get("x-github-delivery").and_then(|value| value.to_str().ok()).unwrap_or("none");
        let is_id = id.len() <= ID_BYTES_MAX && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if is_id { id } else { "not an id" }
    }
}
