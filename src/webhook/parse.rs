//! What a verified delivery asks for.
//!
//! The payload is what GitHub really sends (<https://docs.github.com/webhooks/webhook-events-and-payloads#deployment_protection_rule>): the run's id
//! is in the callback URL alone, `sha` and `ref` are in `deployment`; a fact that is given in two places must agree.

use http::HeaderMap;
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{Refusal, VerifiedDelivery};
use crate::model::{ApiUrl, EnvironmentName, RefName, Repository, RepositoryName, Request, RunId, Sha, quoted};

const EVENT: &str = "deployment_protection_rule";
const ACTION: &str = "requested";

/// What a verified delivery is.
#[derive(Debug)]
pub enum Parsed {
    /// Something to decide.
    Request(Box<Request>),
    /// Valid, but not a request.
    NotForUs(NotForUs),
}

/// A valid delivery that asks for nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotForUs {
    /// GitHub's greeting to a new webhook.
    Ping,
    /// An event that the App does not need.
    Event(String),
    /// Another action of the event.
    Action(String),
}

#[derive(Deserialize)]
struct ActionPayload {
    action: String,
}

#[derive(Deserialize)]
struct RequestedPayload {
    environment: String,
    event: Option<String>,
    deployment_callback_url: String,
    sha: Option<String>,
    #[serde(rename = "ref")]
    ref_name: Option<String>,
    workflow_run: Option<PayloadRun>,
    deployment: Option<PayloadDeployment>,
    repository: PayloadRepository,
    installation: PayloadInstallation,
}

#[derive(Deserialize)]
struct PayloadRun {
    id: u64,
    head_sha: Option<String>,
    head_branch: Option<String>,
}

#[derive(Deserialize)]
struct PayloadDeployment {
    environment: Option<String>,
    sha: Option<String>,
    #[serde(rename = "ref")]
    ref_name: Option<String>,
    created_at: Option<Timestamp>,
}

#[derive(Deserialize)]
struct PayloadRepository {
    id: u64,
    name: String,
    full_name: String,
    owner: PayloadOwner,
}

#[derive(Deserialize)]
struct PayloadOwner {
    login: String,
}

#[derive(Deserialize)]
struct PayloadInstallation {
    id: u64,
}

/// Reads the request from a delivery. Its callback must be the one that we would build for `api`.
///
/// # Errors
/// Anything that is missing, malformed, given twice or contradictory.
pub fn parse(delivery: &VerifiedDelivery<'_>, api: &ApiUrl) -> Result<Parsed, Refusal> {
    require_json(delivery.headers())?;
    let event = event_of(delivery.headers())?;
    let payload = std::str::from_utf8(delivery.payload()).map_err(|_| {
        Refusal::Shape(format!("got bytes that are not UTF-8, expected the JSON of a `{EVENT}` delivery"))
    })?;
    let not_for_us = match event {
        EVENT => return requested(payload, api),
        "ping" => NotForUs::Ping,
        other => NotForUs::Event(quoted(other).to_string()),
    };
    read::<IgnoredAny>(payload)?;
    Ok(Parsed::NotForUs(not_for_us))
}

fn requested(payload: &str, api: &ApiUrl) -> Result<Parsed, Refusal> {
    let ActionPayload { action } = read(payload)?;
    // A delivery of another action may look different.
    if action != ACTION {
        return Ok(Parsed::NotForUs(NotForUs::Action(quoted(&action).to_string())));
    }
    Ok(Parsed::Request(Box::new(request(&read(payload)?, api)?)))
}

fn require_json(headers: &HeaderMap) -> Result<(), Refusal> {
    let text = headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or("none");
    let media_type = text.split(';').next().unwrap_or_default().trim();
    if media_type.eq_ignore_ascii_case("application/json") {
        Ok(())
    } else {
        Err(Refusal::ContentType(quoted(media_type).to_string()))
    }
}

fn event_of(headers: &HeaderMap) -> Result<&str, Refusal> {
    let mut events = headers.get_all("x-github-event").iter();
    match (events.next().and_then(|value| value.to_str().ok()), events.next()) {
        // API Gateway joins two headers of one name with a comma.
        (Some(event), None) if !event.is_empty() && event.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') => {
            Ok(event)
        }
        _ => {
            Err(Refusal::Shape("got no `x-github-event` header, or several, expected the name of one event".to_owned()))
        }
    }
}

/// Reads a JSON object. An error names the field that is wrong, and shows nothing of its value. If a field that we read is given twice, serde itself reports it.
fn read<'de, T: Deserialize<'de>>(payload: &'de str) -> Result<T, Refusal> {
    // A derived deserializer would accept an array of the struct's values as the struct.
    if !payload.trim_start().starts_with('{') {
        return Err(Refusal::Shape(format!("got something other than a JSON object, expected a `{EVENT}` delivery")));
    }
    let mut deserializer = serde_json::Deserializer::from_str(payload);
    let read = serde_path_to_error::deserialize::<_, T>(&mut deserializer);
    let value = read.map_err(|error| problem(&error.path().to_string(), error.inner()))?;
    deserializer.end().map_err(|error| problem(".", &error))?;
    Ok(value)
}

fn problem(path: &str, error: &serde_json::Error) -> Refusal {
    let text = error.to_string();
    let problem = match error.classify() {
        serde_json::error::Category::Data if text.starts_with("missing field") => "a missing field",
        serde_json::error::Category::Data if text.starts_with("duplicate field") => "a field that is given twice",
        serde_json::error::Category::Data => "a value of the wrong type",
        serde_json::error::Category::Eof => "JSON that is cut off",
        _ => "text that is not JSON, or is nested too deeply",
    };
    Refusal::Shape(format!(
        "got {problem} at {}, line {} column {}, expected the JSON of a `{EVENT}` delivery",
        quoted(path),
        error.line(),
        error.column()
    ))
}

fn request(delivery: &RequestedPayload, api: &ApiUrl) -> Result<Request, Refusal> {
    let repository = repository(&delivery.repository)?;
    let deployment = delivery.deployment.as_ref();
    let workflow_run = delivery.workflow_run.as_ref();
    Ok(Request {
        installation_id: Some(delivery.installation.id)
            .filter(|id| *id > 0)
            .ok_or_else(|| Refusal::Shape("got `installation.id` 0, expected an installation".to_owned()))?,
        run: run(delivery, api, &repository)?,
        environment: one(
            "environment",
            [Some(&delivery.environment), deployment.and_then(|d| d.environment.as_ref())],
            EnvironmentName::parse,
        )?,
        sha: one(
            "sha",
            [
                delivery.sha.as_ref(),
                deployment.and_then(|d| d.sha.as_ref()),
                workflow_run.and_then(|r| r.head_sha.as_ref()),
            ],
            Sha::parse,
        )?,
        ref_name: one(
            "ref",
            [
                delivery.ref_name.as_ref(),
                deployment.and_then(|d| d.ref_name.as_ref()),
                workflow_run.and_then(|r| r.head_branch.as_ref()),
            ],
            RefName::parse_short_or_full,
        )?,
        event: delivery.event.clone(),
        deployment_created_at: deployment.and_then(|d| d.created_at),
        repository,
    })
}

fn repository(wire: &PayloadRepository) -> Result<Repository, Refusal> {
    let shape = |error: crate::model::InvalidName| Refusal::Shape(format!("`repository`: {error}"));
    let name = RepositoryName::new(&wire.owner.login, &wire.name).map_err(shape)?;
    let full_name = RepositoryName::parse(&wire.full_name).map_err(shape)?;
    if full_name != name {
        return Err(Refusal::Shape(format!(
            "got `repository.full_name` {}, expected {}, its owner and name",
            quoted(&wire.full_name),
            quoted(&name.to_string())
        )));
    }
    // The callback is compared character by character, so the spelling of `full_name` is kept.
    Ok(Repository { id: wire.id, name: full_name })
}

fn run(delivery: &RequestedPayload, api: &ApiUrl, repository: &Repository) -> Result<RunId, Refusal> {
    let received = &delivery.deployment_callback_url;
    let run = api.run_of_callback(received, &repository.name).ok_or_else(|| {
        Refusal::Shape(format!(
            "got `deployment_callback_url` {}, expected {}: check that `GITHUB_API_URL` is the API of the GitHub that sent this",
            quoted(received),
            quoted(&format!("{api}/repos/{}/actions/runs/<run id>/deployment_protection_rule", repository.name))
        ))
    })?;
    match &delivery.workflow_run {
        Some(other) if RunId::new(other.id) != Some(run) => Err(Refusal::Shape(format!(
            "got `workflow_run.id` {}, expected {run}, the run of `deployment_callback_url`",
            other.id
        ))),
        _ => Ok(run),
    }
}

/// The value of a fact that may be given in several places; all of them must agree.
fn one<T: PartialEq, const N: usize>(
    field: &str,
    places: [Option<&String>; N],
    read: impl Fn(&str) -> Result<T, crate::model::InvalidName>,
) -> Result<T, Refusal> {
    let mut value: Option<T> = None;
    for text in places.into_iter().flatten() {
        let read = read(text).map_err(|error| Refusal::Shape(format!("`{field}`: {error}")))?;
        if value.as_ref().is_some_and(|value| *value != read) {
            return Err(Refusal::Shape(format!("got two values for `{field}`, expected them to agree")));
        }
        value.get_or_insert(read);
    }
    value.ok_or_else(|| Refusal::Shape(format!("got no `{field}`, expected one at the top or in `deployment`")))
}
