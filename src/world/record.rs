//! Writes a simulation as a story: a bug report that is a folder, and can become a test.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use http::StatusCode;
use http::header::{HeaderMap, LOCATION, RETRY_AFTER};
use serde_json::{Value, json};

use super::RecordedPolicy;
use super::answers::{FakeRequest, file_of};
use super::oidc::BLOBS;
use super::scrub::{scrub, scrub_text};
use super::timeline::{WRITTEN_ORIGIN, WRITTEN_WEB, move_origin_from};
use crate::gate::Verdict;
use crate::github::{Exchange, ExchangeEnd};
use crate::model::{ApiUrl, Request, quoted};
use crate::outcome::{DeferredReason, Outcome};
use crate::simulation::Simulated;

/// An answer that is too long to read is recorded as this many blanks.
const TOO_LONG_BYTES: usize = 8 * 1024 * 1024 + 1;

/// A story that could not be written down.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", path.display())]
pub struct RecordError {
    path: PathBuf,
    problem: String,
}

/// Writes what was simulated into `folder`, which must not exist yet: `story.toml`, `policy.toml`, `webhook.json`, and GitHub's answers without tokens,
/// e-mail addresses and avatars. The webhook and the answer to the review are made up, because neither was sent. Only this user may read what is written.
///
/// # Errors
/// The folder exists, or cannot be written. Nothing is left half-written.
pub fn record(folder: &Path, simulated: &Simulated, policy: &RecordedPolicy, api: &ApiUrl) -> Result<(), RecordError> {
    let error = |problem: String| RecordError { path: folder.to_owned(), problem };
    if folder.exists() {
        return Err(error("exists already: expected a folder that is not there yet".to_owned()));
    }
    let files = files_of(simulated, policy, api);
    let part = folder.with_file_name(format!(
        "{}.{:08x}.part",
        folder.file_name().unwrap_or_default().to_string_lossy(),
        fastrand::u32(..)
    ));
    let written = write(&part, &files).and_then(|()| fs::rename(&part, folder));
    written.map_err(|problem| {
        // Part of a story is not a story.
        let _ = fs::remove_dir_all(&part);
        error(problem.to_string())
    })
}

/// For this user's eyes only: what is recorded names people, repositories and a rule.
fn write(folder: &Path, files: &BTreeMap<String, String>) -> io::Result<()> {
    let mut new_folder = DirBuilder::new();
    new_folder.recursive(true).mode(0o700).create(folder.join("github"))?;
    if files.keys().any(|name| name.starts_with("policies/")) {
        new_folder.create(folder.join("policies"))?;
    }
    let mut new_file = OpenOptions::new();
    new_file.write(true).create_new(true).mode(0o600);
    files.iter().try_for_each(|(name, text)| new_file.open(folder.join(name))?.write_all(text.as_bytes()))
}

fn files_of(simulated: &Simulated, policy: &RecordedPolicy, api: &ApiUrl) -> BTreeMap<String, String> {
    let mut calls = Vec::new();
    let mut files = BTreeMap::new();
    for (call, canned) in answers_of(simulated, api) {
        let place = file_of(&call);
        // A later answer that equals the first one needs no file of its own.
        let first = files.get(&file_of(call.split('~').next().unwrap_or_default()));
        let text = format!("{canned:#}\n");
        if first != Some(&text) {
            files.insert(place, text);
        }
        calls.push(call);
    }
    files.insert("webhook.json".to_owned(), format!("{:#}\n", webhook_of(simulated)));
    files.insert("policy.toml".to_owned(), scrub_lines(&policy.toml));
    files.extend(policy.rego.iter().map(|(name, text)| (format!("policies/{name}.rego"), text.clone())));
    files.insert("story.toml".to_owned(), story_of(simulated, &calls));
    files
}

/// Comments of a policy may say anything.
fn scrub_lines(text: &str) -> String {
    text.lines().map(|line| scrub_text(line) + "\n").collect()
}

/// GitHub's answers by the names of their calls, and the answers to what a delivery would have posted.
fn answers_of(simulated: &Simulated, api: &ApiUrl) -> Vec<(String, Value)> {
    let mut answers: Vec<(String, Value)> = Vec::new();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let named = simulated
        .exchanges
        .iter()
        .filter_map(|exchange| Some((name_of(exchange)?, canned_of(exchange, simulated, api))));
    for (name, canned) in named.chain(posted(simulated)) {
        let count = counts.entry(name.clone()).or_default();
        *count = count.saturating_add(1);
        answers.push((if *count == 1 { name } else { format!("{name}~{count}") }, canned));
    }
    answers
}

fn name_of(exchange: &Exchange) -> Option<String> {
    let request = FakeRequest { method: exchange.method.to_string(), path: exchange.path.clone() };
    request.name("", &Value::Null)
}

/// GitHub's answers to what a delivery posts, and to what it reads afterwards.
fn posted(simulated: &Simulated) -> Vec<(String, Value)> {
    let done = |name: &str| (name.to_owned(), json!({ "status": 204 }));
    let pending = |body: Value| ("pending_deployments".to_owned(), json!({ "status": 200, "body": body }));
    match &simulated.outcome {
        Outcome::Approved(_) | Outcome::Rejected(_) => {
            let first = simulated.looks_first.then(|| pending(pending_for(&simulated.request)));
            let then = simulated.more_may_wait.then(|| pending(json!([])));
            first.into_iter().chain([done("review")]).chain(then).collect()
        }
        Outcome::Deferred(DeferredReason::Waiting(_)) => vec![done("status_report")],
        _ => Vec::new(),
    }
}

fn canned_of(exchange: &Exchange, simulated: &Simulated, api: &ApiUrl) -> Value {
    let (status, headers, body) = match &exchange.end {
        ExchangeEnd::Answer(status, headers, body) => (*status, headers, body),
        ExchangeEnd::TooLong => return json!({ "status": 200, "blanks": TOO_LONG_BYTES }),
        ExchangeEnd::Broken => return json!({ "status": 0, "fault": "reset" }),
        ExchangeEnd::Silence => return json!({ "status": 0, "fault": "silence" }),
    };
    let mut canned = serde_json::Map::from_iter([("status".to_owned(), status.as_u16().into())]);
    let mut kept = headers_of(status, headers, api);
    if let Some(id) = name_of(exchange).as_deref().and_then(|name| name.strip_prefix("artifact.")) {
        kept.insert("location", format!("{BLOBS}/blobs/{id}"));
    }
    if !kept.is_empty() {
        canned.insert("headers".to_owned(), json!(kept));
    }
    match serde_json::from_slice::<Value>(body) {
        Ok(mut json) => {
            scrub(&mut json);
            move_origin_from(&mut json, &api.to_string(), WRITTEN_ORIGIN);
            // An enterprise's host is nobody else's business.
            move_origin_from(&mut json, &api.web(), WRITTEN_WEB);
            if simulated.had_ended {
                match name_of(exchange).as_deref() {
                    Some("run") => as_if_it_waited(&mut json),
                    Some("pending_deployments") => json = pending_for(&simulated.request),
                    _ => {}
                }
            }
            canned.insert("body".to_owned(), json);
        }
        Err(_) if body.is_empty() => {}
        Err(_) if is_signature(exchange) => {
            // It opens nothing: docs/signed-runs.md says why.
            canned.insert("text".to_owned(), String::from_utf8_lossy(body).into());
        }
        Err(_) => {
            canned.insert("text".to_owned(), format!("removed: {} bytes that are not JSON", body.len()).into());
        }
    }
    canned.into()
}

/// Whether it is the file of an artifact: a token that proves a gate's job.
fn is_signature(exchange: &Exchange) -> bool {
    name_of(exchange).is_some_and(|name| name.starts_with("blob."))
}

/// The headers that matter: when to come back, and where a redirect leads.
fn headers_of(status: StatusCode, headers: &HeaderMap, api: &ApiUrl) -> BTreeMap<&'static str, String> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(ToOwned::to_owned);
    let mut kept = BTreeMap::new();
    if matches!(status, StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS) {
        kept.extend(text(RETRY_AFTER.as_str()).map(|value| ("retry-after", value)));
        kept.extend(text("x-ratelimit-remaining").map(|value| ("x-ratelimit-remaining", value)));
    }
    if let Some(location) = text(LOCATION.as_str()).filter(|_| status.is_redirection()) {
        // The URL of another origin may contain a signature.
        let here = location.strip_prefix(&api.origin()).filter(|path| path.starts_with('/'));
        let relative = Some(location.as_str()).filter(|path| path.starts_with('/') && !path.starts_with("//"));
        kept.insert("location", here.or(relative).unwrap_or("https://example.invalid/removed").to_owned());
    }
    kept
}

fn as_if_it_waited(run: &mut Value) {
    if let Some(fields) = run.as_object_mut().filter(|fields| fields.contains_key("status")) {
        fields.insert("status".to_owned(), "waiting".into());
        fields.insert("conclusion".to_owned(), Value::Null);
    }
}

/// What a run would wait for that had not ended: what was asked, and nothing else.
fn pending_for(request: &Request) -> Value {
    json!([{ "environment": { "name": request.environment.as_str() } }])
}

/// The ref as a delivery gives it. One that is named like a full ref is written in full, because a delivery's loses `refs/heads/`.
fn ref_of(request: &Request) -> String {
    let name = request.ref_name.as_str();
    if name.starts_with("refs/") { format!("refs/heads/{name}") } else { name.to_owned() }
}

/// The delivery that would have asked.
fn webhook_of(simulated: &Simulated) -> Value {
    let request = &simulated.request;
    let repository = &request.repository.name;
    let run = ApiUrl::run_path(request);
    json!({
        "action": "requested",
        "environment": request.environment.as_str(),
        "event": request.event,
        "deployment_callback_url": format!("{WRITTEN_ORIGIN}{run}/deployment_protection_rule"),
        "deployment": {
            "environment": request.environment.as_str(),
            "sha": request.sha.as_str(),
            "ref": ref_of(request),
        },
        "repository": {
            "id": request.repository.id,
            "name": repository.name(),
            "full_name": repository.to_string(),
            "owner": { "login": repository.owner() },
        },
        "installation": { "id": request.installation_id },
    })
}

fn story_of(simulated: &Simulated, calls: &[String]) -> String {
    let (request, outcome) = (&simulated.request, &simulated.outcome);
    let ended = if simulated.had_ended { ", as if it still waited" } else { "" };
    let claim = format!(
        "Recorded: run {} of {} for {}{ended}: {}",
        request.run,
        request.repository.name,
        quoted(request.environment.as_str()),
        outcome.name()
    );
    let because: Vec<&str> = outcome
        .findings()
        .iter()
        .filter(|finding| finding.verdict != Verdict::Pass)
        .map(|finding| finding.check.id())
        .collect();
    let strings =
        |items: &[&str]| items.iter().map(|item| Value::from(*item).to_string()).collect::<Vec<_>>().join(", ");
    let calls: Vec<&str> = calls.iter().map(String::as_str).collect();
    let mut toml = String::new();
    // Writing to a `String` cannot fail. A JSON string is a TOML string.
    let _ = writeln!(toml, "claim = {}\npresent = {}", Value::from(claim), Value::from(simulated.at.to_string()));
    let _ = writeln!(toml, "calls = [{}]\n\n[expect]\nstatus = {}", strings(&calls), outcome.status());
    if !because.is_empty() {
        let _ = writeln!(toml, "because = [{}]", strings(&because));
    }
    toml
}
