//! What Lambda hands us: an HTTP API request, a schedule, or something that we do not answer.

use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, Method};
use jiff::Timestamp;
use serde::Deserialize;

use super::{BODY_BYTES_MAX, Refusal};
use crate::model::quoted;

const WEBHOOK_PATH: &str = "/github/webhook";
const HEALTH_PATH: &str = "/health";

/// An event that the function is invoked with.
#[derive(Debug)]
pub enum Event {
    /// A request to the HTTP API (payload format 2.0).
    Http(Route),
    /// EventBridge's schedule.
    Scheduled,
}

/// What an HTTP request is for.
#[derive(Debug)]
pub enum Route {
    /// `GET /health`.
    Health,
    /// `POST /github/webhook`.
    Webhook(UnverifiedDelivery),
    /// Nothing that we have, or nothing that can be read.
    Refused(Refusal),
}

/// An event that is neither. It is an error of the invocation: an answer without a status would be taken for success.
#[derive(Debug, thiserror::Error)]
pub enum InvalidEvent {
    /// No HTTP request, by the words of the event's own type.
    #[error("got an event that is neither an HTTP API request (payload format 2.0) nor a schedule of EventBridge")]
    Unknown(#[source] serde_json::Error),
    /// An HTTP request of another format.
    #[error("got an HTTP request in payload format {}, expected 2.0: set `PayloadFormatVersion` of the integration", quoted(.0))]
    Format(String),
}

/// Bytes and headers that anybody may have sent. There is no way to the payload but through
/// [`verify`](UnverifiedDelivery::verify).
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

#[derive(Deserialize)]
struct Schedule {
    source: String,
    #[serde(rename = "detail-type")]
    detail_type: String,
}

impl Event {
    /// Tells the kinds of event apart, by the event's JSON.
    ///
    /// # Errors
    /// Anything that is neither an HTTP API request nor a schedule.
    pub fn parse(event: &str) -> Result<Self, InvalidEvent> {
        // Most events are deliveries, and long: what else an event may be is looked for in one that is no request.
        let request: ApiGatewayV2httpRequest = match serde_json::from_str(event) {
            Ok(request) => request,
            Err(_) if is_schedule(event) => return Ok(Self::Scheduled),
            Err(error) => return Err(InvalidEvent::Unknown(error)),
        };
        match request.version.as_deref() {
            None | Some("2.0") => Ok(Self::Http(Route::of(request))),
            Some(other) => Err(InvalidEvent::Format(other.to_owned())),
        }
    }
}

fn is_schedule(event: &str) -> bool {
    serde_json::from_str::<Schedule>(event)
        .is_ok_and(|schedule| schedule.source == "aws.events" && schedule.detail_type == "Scheduled Event")
}

impl Route {
    fn of(request: ApiGatewayV2httpRequest) -> Self {
        let http = &request.request_context.http;
        let path = http.path.as_deref().or(request.raw_path.as_deref()).unwrap_or_default();
        match (path, &http.method) {
            (WEBHOOK_PATH, &Method::POST) => UnverifiedDelivery::of(request).map_or_else(Self::Refused, Self::Webhook),
            (HEALTH_PATH, &Method::GET) => Self::Health,
            (WEBHOOK_PATH, method) => Self::Refused(other_method(method, "POST")),
            (HEALTH_PATH, method) => Self::Refused(other_method(method, "GET")),
            _ => Self::Refused(Refusal::Path),
        }
    }
}

fn other_method(got: &Method, expected: &'static str) -> Refusal {
    Refusal::Method { got: quoted(got.as_str()).to_string(), expected }
}

impl UnverifiedDelivery {
    fn of(request: ApiGatewayV2httpRequest) -> Result<Self, Refusal> {
        // Four characters of base64 for three bytes; a body that decodes to more is not even decoded.
        const ENCODED_BYTES_MAX: usize = BODY_BYTES_MAX.div_ceil(3).saturating_mul(4);
        let text = request.body.unwrap_or_default();
        let body = if request.is_base64_encoded {
            if text.len() > ENCODED_BYTES_MAX {
                return Err(Refusal::TooLarge);
            }
            Bytes::from(STANDARD.decode(text).map_err(|_| Refusal::Base64)?)
        } else {
            Bytes::from(text)
        };
        if body.len() > BODY_BYTES_MAX {
            return Err(Refusal::TooLarge);
        }
        let received_at = Timestamp::from_millisecond(request.request_context.time_epoch).ok();
        Ok(Self { headers: request.headers, body, received_at })
    }

    /// When API Gateway took the request, where it says so. Not signed by anybody: fit for a deadline, not for a decision.
    pub fn received_at(&self) -> Option<Timestamp> {
        self.received_at
    }

    /// GitHub's id of the delivery, for logs. Headers are not signed: what is no id is not shown.
    pub fn delivery_id(&self) -> &str {
        const ID_BYTES_MAX: usize = 64;
        let id = self.headers.get("x-github-delivery").and_then(|value| value.to_str().ok()).unwrap_or("none");
        let fits = id.len() <= ID_BYTES_MAX && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if fits { id } else { "not an id" }
    }
}
