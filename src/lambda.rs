//! AWS's edge: an HTTP request or the schedule in, an HTTP response out.
//!
//! `lambda_http` reads HTTP API requests (payload format 2.0) and passes everything else through as text. Anything that is neither such a request nor a schedule fails the invocation and never gets a response: a response without a status would become 200, and GitHub would consider the delivery done.

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Response, StatusCode, header};
use jiff::Timestamp;
use lambda_http::request::RequestContext;
use lambda_http::{Body, Request, RequestExt as _};
use serde::Deserialize;

use crate::handler::Handler;
use crate::model::quoted;
use crate::notification::Notifier;
use crate::outcome::Report;
use crate::probe::Probe;
use crate::recovery::{Sweep, SweepMode};
use crate::telemetry;
use crate::webhook::{Refusal, UnverifiedDelivery};

const WEBHOOK_PATH: &str = "/github/webhook";
const HEALTH_PATH: &str = "/health";

/// An event that is neither an HTTP API request nor a schedule, or that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("got an event that is neither an HTTP API request (payload format 2.0) nor an EventBridge schedule{hint}")]
pub struct UnknownEvent {
    hint: &'static str,
}

/// What an event led to.
#[derive(Debug)]
pub enum Invocation {
    /// The schedule: a sweep was made.
    Swept(Box<Sweep>),
    /// The other schedule: the built-in runs were decided.
    Probed(Probe),
    /// `GET /health`.
    Healthy,
    /// A delivery, or an HTTP request that is not one.
    Delivered(Box<Report>),
}

/// An event that passed through: the fields that distinguish a schedule from anything else
/// (<https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-run-lambda-schedule.html>).
#[derive(Default, Deserialize)]
struct PassedThrough {
    version: Option<String>,
    source: Option<String>,
    #[serde(rename = "detail-type")]
    detail_type: Option<String>,
}

/// What a schedule asks for.
enum Scheduled {
    Sweep,
    /// The template's own words, as the input of its schedule.
    Probe,
}

/// Answers one event after the other, until Lambda ends the process. `notifier` sends what was decided.
///
/// # Errors
/// The Lambda runtime ended.
pub async fn run(handler: Handler, notifier: Option<Notifier>) -> Result<(), lambda_http::Error> {
    let shared = Arc::new((handler, notifier));
    lambda_http::run(lambda_http::service_fn(move |request| {
        let shared = Arc::clone(&shared);
        async move {
            let (handler, notifier) = &*shared;
            // As text: the runtime logs an error's `Debug`.
            let invocation = invoke(handler, request).await.map_err(|error| error.to_string())?;
            let now = handler.clock.now();
            record(&invocation, now);
            if let Some(notifier) = notifier {
                notify(notifier, &invocation, now).await;
            }
            Ok::<_, lambda_http::Error>(respond(&invocation))
        }
    }))
    .await
}

/// Does what one event asks for.
///
/// # Errors
/// The event is of no kind that we know.
pub async fn invoke(handler: &Handler, request: Request) -> Result<Invocation, UnknownEvent> {
    let Some(RequestContext::ApiGatewayV2(context)) = request.request_context_ref() else {
        return Ok(match scheduled(request.body())? {
            Scheduled::Sweep => Invocation::Swept(Box::new(handler.sweep(SweepMode::Scheduled).await)),
            Scheduled::Probe => Invocation::Probed(Probe::of(&handler.settings.current().policy, handler.clock.now())),
        });
    };
    let refused = |refusal| Ok(Invocation::Delivered(Box::new(Report::refused(refusal))));
    let wrong_method = |expected| Refusal::Method { got: quoted(request.method().as_str()).to_string(), expected };
    // The path as it was sent: the request's own URI is normalized, and would let `/github/x/../webhook` in.
    let path = context.http.path.as_deref().unwrap_or(request.raw_http_path());
    let stage = context.stage.as_deref().unwrap_or_default();
    let without_stage = path.strip_prefix('/').and_then(|path| path.strip_prefix(stage)).filter(|_| !stage.is_empty());
    let path = without_stage.filter(|path| path.starts_with('/')).unwrap_or(path);
    match (path, request.method()) {
        (WEBHOOK_PATH, &Method::POST) => {}
        (HEALTH_PATH, &Method::GET) => return Ok(Invocation::Healthy),
        (WEBHOOK_PATH, _) => return refused(wrong_method("POST")),
        (HEALTH_PATH, _) => return refused(wrong_method("GET")),
        _ => return refused(Refusal::Path),
    }
    let received_at = Timestamp::from_millisecond(context.time_epoch).ok();
    let (parts, body) = request.into_parts();
    match UnverifiedDelivery::new(parts.headers, bytes(body), received_at) {
        Ok(delivery) => Ok(Invocation::Delivered(Box::new(handler.deliver(&delivery).await))),
        Err(refusal) => refused(refusal),
    }
}

fn scheduled(body: &Body) -> Result<Scheduled, UnknownEvent> {
    let event: Option<PassedThrough> = serde_json::from_slice(body).ok();
    let event = event.unwrap_or_default();
    match (event.source.as_deref(), event.detail_type.as_deref()) {
        (Some("aws.events"), Some("Scheduled Event")) => Ok(Scheduled::Sweep),
        (Some("environment-gate"), Some("Probe")) => Ok(Scheduled::Probe),
        _ if event.version.as_deref() == Some("1.0") => {
            Err(UnknownEvent { hint: ": set `PayloadFormatVersion` of the integration to 2.0" })
        }
        _ => Err(UnknownEvent { hint: "" }),
    }
}

fn bytes(body: Body) -> Bytes {
    match body {
        Body::Text(text) => text.into(),
        Body::Binary(bytes) => bytes.into(),
        _ => Bytes::new(),
    }
}

fn record(invocation: &Invocation, now: Timestamp) {
    match invocation {
        Invocation::Swept(sweep) => telemetry::record_sweep(sweep, now),
        Invocation::Probed(probe) => telemetry::record_probe(probe),
        Invocation::Healthy => {}
        Invocation::Delivered(report) => telemetry::record(report),
    }
}

/// Sends the events of what was decided, before the response. Lambda freezes the process when it has the response: an event under way would be lost, or would arrive with the next
/// invocation and a signature that is too old. There is nothing to send it beside either: until the last read after a review, the decision may still turn out not to have been applied.
async fn notify(notifier: &Notifier, invocation: &Invocation, now: Timestamp) {
    match invocation {
        Invocation::Swept(sweep) => notifier.notify_sweep(sweep, now).await,
        Invocation::Probed(_) | Invocation::Healthy => {}
        Invocation::Delivered(report) => notifier.notify(report, now).await,
    }
}

/// The response: its status is the contract, one line says why.
fn respond(invocation: &Invocation) -> Response<String> {
    let (status, text) = match invocation {
        // Nobody reads the response to a schedule.
        Invocation::Swept(_) | Invocation::Probed(_) => (StatusCode::NO_CONTENT, String::new()),
        Invocation::Healthy => (StatusCode::OK, "ok\n".to_owned()),
        Invocation::Delivered(report) => {
            let outcome = &report.outcome;
            let status = StatusCode::from_u16(outcome.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let line = || format!("{}: {}\n", outcome.name(), outcome.reason());
            (status, if status == StatusCode::NO_CONTENT { String::new() } else { line() })
        }
    };
    let mut response = Response::new(text);
    *response.status_mut() = status;
    if status != StatusCode::NO_CONTENT {
        let plain = header::HeaderValue::from_static("text/plain; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, plain);
    }
    response
}
