//! What Lambda hands us: an HTTP API request, a schedule, or something that we do not answer.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};

use super::json::Text;
use super::{BODY_BYTES_MAX, Refusal};
use crate::model::quoted;

const WEBHOOK_PATH: &str = "/github/webhook";
const HEALTH_PATH: &str = "/health";

/// An event that the function is invoked with. It is an error of the invocation if it is neither: an answer without a status would be taken for
/// success.
#[derive(Debug)]
pub enum Event {
    /// A request to the HTTP API, in payload format 2.0
    /// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>).
    Http(Route),
    /// EventBridge's schedule (<https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-run-lambda-schedule.html>).
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

/// The fields of both that are read, all at once: an event is long, and most are deliveries.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EventWire {
    version: Option<String>,
    source: Option<String>,
    #[serde(rename = "detail-type")]
    detail_type: Option<String>,
    request_context: Option<ContextWire>,
    #[serde(default, deserialize_with = "headers")]
    headers: HeaderMap,
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ContextWire {
    http: Option<HttpWire>,
    time_epoch: Option<i64>,
}

#[derive(Deserialize)]
struct HttpWire {
    method: String,
    path: String,
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let neither = "got neither an HTTP API request (payload format 2.0) nor a schedule of EventBridge";
        // JSON's own words of a wrong type quote the value, and this reaches the log.
        let mut wire = EventWire::deserialize(deserializer).map_err(|_| D::Error::custom(neither))?;
        let is_schedule =
            wire.source.as_deref() == Some("aws.events") && wire.detail_type.as_deref() == Some("Scheduled Event");
        let Some(ContextWire { http, time_epoch }) = wire.request_context.take() else {
            return if is_schedule { Ok(Self::Scheduled) } else { Err(D::Error::custom(neither)) };
        };
        if let Some(other) = wire.version.as_deref().filter(|version| *version != "2.0") {
            let expected = "expected 2.0: set `PayloadFormatVersion` of the integration";
            let problem = format!("got an HTTP request in payload format {}, {expected}", quoted(other));
            return Err(D::Error::custom(problem));
        }
        let http = http.ok_or_else(|| D::Error::custom(neither))?;
        let method = Method::from_bytes(http.method.as_bytes()).map_err(D::Error::custom)?;
        Ok(Self::Http(Route::of((&method, &http.path), time_epoch, wire)))
    }
}

/// HTTP's headers. Two of one name, in whatever case, stay two; what HTTP knows no such header of is none that we read.
fn headers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<HeaderMap, D::Error> {
    struct Headers;

    impl<'de> Visitor<'de> for Headers {
        type Value = HeaderMap;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("names and values of headers")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<HeaderMap, A::Error> {
            let mut headers = HeaderMap::new();
            while let Some((Text(name), Text(value))) = entries.next_entry()? {
                let header = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(value.as_bytes()));
                if let (Ok(name), Ok(value)) = header {
                    headers.try_append(name, value).map_err(A::Error::custom)?;
                }
            }
            Ok(headers)
        }
    }

    deserializer.deserialize_map(Headers)
}

impl Route {
    fn of((method, path): (&Method, &str), time_epoch: Option<i64>, wire: EventWire) -> Self {
        match (path, method) {
            (WEBHOOK_PATH, &Method::POST) => {
                UnverifiedDelivery::of(wire, time_epoch).map_or_else(Self::Refused, Self::Webhook)
            }
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
    fn of(wire: EventWire, time_epoch: Option<i64>) -> Result<Self, Refusal> {
        // Four characters of base64 for three bytes; a body that decodes to more is not even decoded.
        const ENCODED_BYTES_MAX: usize = BODY_BYTES_MAX.div_ceil(3).saturating_mul(4);
        let text = wire.body.unwrap_or_default();
        let body = if wire.is_base64_encoded {
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
        let received_at = time_epoch.and_then(|time| Timestamp::from_millisecond(time).ok());
        Ok(Self { headers: wire.headers, body, received_at })
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
