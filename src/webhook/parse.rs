//! Step 2: what does a verified delivery ask for?
//!
//! The event is what GitHub really sends (<https://docs.github.com/webhooks/webhook-events-and-payloads#deployment_protection_rule>): the run's id
//! stands in the callback URL alone, `sha` and `ref` in `deployment`; where a fact stands twice it must agree.

use http::HeaderMap;
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::json::Unique;
use super::{Refusal, VerifiedDelivery};
use crate::model::{ApiUrl, EnvironmentName, RefName, Repository, RepositoryName, Request, RunId, Sha, quoted};

const EVENT: &str = "deployment_protection_rule";
const ACTION: &str = "requested";

/// What a verified delivery is.
#[derive(Debug)]
pub enum Parsed {
    /// Something to decide.
    Request(Box<Request>),
    /// Valid, and not for us.
    Ignored(Ignored),
}

/// Why a valid delivery is not for us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ignored {
    /// GitHub's greeting to a new webhook.
    Ping,
    /// An event that the App need not subscribe to.
    Event(String),
    /// Another action of our event.
    Action(String),
}

#[derive(Deserialize)]
struct ActionWire {
    action: String,
}

#[derive(Deserialize)]
struct DeliveryWire {
    action: String,
    environment: String,
    event: Option<String>,
    deployment_callback_url: String,
    sha: Option<String>,
    #[serde(rename = "ref")]
    ref_name: Option<String>,
    workflow_run: Option<WorkflowRunWire>,
    deployment: Option<DeploymentWire>,
    repository: RepositoryWire,
    installation: InstallationWire,
}

#[derive(Deserialize)]
struct WorkflowRunWire {
    id: u64,
    head_sha: Option<String>,
    head_branch: Option<String>,
}

#[derive(Deserialize)]
struct DeploymentWire {
    environment: Option<String>,
    sha: Option<String>,
    #[serde(rename = "ref")]
    ref_name: Option<String>,
    created_at: Option<Timestamp>,
}

#[derive(Deserialize)]
struct RepositoryWire {
    id: u64,
    name: String,
    full_name: String,
    owner: OwnerWire,
}

#[derive(Deserialize)]
struct OwnerWire {
    login: String,
}

#[derive(Deserialize)]
struct InstallationWire {
    id: u64,
}

/// Reads the request out of a delivery; `api` is where its callback must lead.
///
/// # Errors
/// Anything that is missing, malformed, given twice or in disagreement with itself.
pub fn parse(delivery: &VerifiedDelivery<'_>, api: &ApiUrl) -> Result<Parsed, Refusal> {
    require_json(delivery.headers())?;
    let event = event_of(delivery.headers())?;
    // Once for all: what reads a text need not look at each string in it again.
    let payload = std::str::from_utf8(delivery.payload()).map_err(|_| {
        Refusal::Shape(format!("got bytes that are not UTF-8, expected the JSON of a `{EVENT}` delivery"))
    })?;
    let ignored = match event {
        EVENT => return requested(payload, api),
        "ping" => Ignored::Ping,
        other => Ignored::Event(quoted(other).to_string()),
    };
    read::<IgnoredAny>(payload)?;
    Ok(Parsed::Ignored(ignored))
}

fn requested(payload: &str, api: &ApiUrl) -> Result<Parsed, Refusal> {
    match from_json::<DeliveryWire>(payload) {
        Ok(delivery) if delivery.action == ACTION => Ok(Parsed::Request(Box::new(request(&delivery, api)?))),
        // A delivery of another action may look otherwise.
        _ => {
            let ActionWire { action } = read(payload)?;
            if action == ACTION {
                return Err(problem::<DeliveryWire>(payload));
            }
            Ok(Parsed::Ignored(Ignored::Action(quoted(&action).to_string())))
        }
    }
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
        // Two headers come as one, with a comma.
        (Some(event), None) if !event.is_empty() && event.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') => {
            Ok(event)
        }
        _ => Err(Refusal::Shape("got no `x-github-event` header, or two, expected one event's name".to_owned())),
    }
}

/// Reads JSON, or tells what is wrong with it.
fn read<'de, T: Deserialize<'de>>(payload: &'de str) -> Result<T, Refusal> {
    from_json(payload).map_err(|_| problem::<T>(payload))
}

fn from_json<'de, T: Deserialize<'de>>(payload: &'de str) -> serde_json::Result<T> {
    let mut deserializer = serde_json::Deserializer::from_str(payload);
    let value = T::deserialize(Unique(&mut deserializer))?;
    deserializer.end()?;
    Ok(value)
}

/// Which field of a payload is wrong, and how; nothing of what stands there. To keep track of fields costs more than to read them, so that is
/// done for what is refused alone.
fn problem<'de, T: Deserialize<'de>>(payload: &'de str) -> Refusal {
    let mut deserializer = serde_json::Deserializer::from_str(payload);
    let Err(error) = serde_path_to_error::deserialize::<_, T>(Unique(&mut deserializer)) else {
        return Refusal::Shape("got more than one JSON value, expected one".to_owned());
    };
    let at = quoted(&error.path().to_string()).to_string();
    let inner = error.inner();
    let problem = match inner.classify() {
        serde_json::error::Category::Data if inner.to_string().starts_with("missing field") => "a missing field",
        serde_json::error::Category::Data => "a wrong type or a key given twice",
        serde_json::error::Category::Eof => "an end too early",
        _ => "no JSON, or JSON nested too deep",
    };
    Refusal::Shape(format!(
        "got {problem} at {at}, line {} column {}, expected the JSON of a `{EVENT}` delivery",
        inner.line(),
        inner.column()
    ))
}

fn request(delivery: &DeliveryWire, api: &ApiUrl) -> Result<Request, Refusal> {
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
            RefName::parse,
        )?,
        event: delivery.event.clone(),
        deployment_created_at: deployment.and_then(|d| d.created_at),
        repository,
    })
}

fn repository(wire: &RepositoryWire) -> Result<Repository, Refusal> {
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
    // The callback is compared to the letter, so the spelling of `full_name` is the one to keep.
    Ok(Repository { id: wire.id, name: full_name })
}

fn run(delivery: &DeliveryWire, api: &ApiUrl, repository: &Repository) -> Result<RunId, Refusal> {
    let received = &delivery.deployment_callback_url;
    let run = api.run_of_callback(received, &repository.name).ok_or_else(|| {
        Refusal::Shape(format!(
            "got `deployment_callback_url` {}, expected {}: is `GITHUB_API_URL` the API of the GitHub that sent this?",
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

/// The one value of a fact that may stand in several places; all that are there must agree.
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
