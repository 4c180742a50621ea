//! The settings, and the App on GitHub.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::inspector::{PagedList, RECENT};
use super::{HookFacts, Item, Line, WebhookUrl};
use crate::config::Reading;
use crate::gate::Policy;
use crate::github::{AppWire, HookDeliveryWire, InstallationWire};
use crate::model::{listed, quoted, quoted_list};

/// What the App may do. GitHub adds `metadata: read` to every App.
const PERMISSIONS: [(&str, &str); 3] = [("actions", "read"), ("deployments", "write"), ("metadata", "read")];
const EVENT: &str = "deployment_protection_rule";
/// The answers to a deferred delivery, and to one that the API throttled: the sweeps decide both.
const DECIDED_BY_SWEEPS: [u16; 2] = [503, 429];

/// Each setting: can it be read, and is it what it should be?
pub(super) fn settings(reading: &Reading) -> Vec<Line> {
    let mut lines = match &reading.app {
        Ok(_) => vec![Line::ok(Item::AppId, "an id"), Line::ok(Item::PrivateKey, "a key that signs")],
        Err(error) if error.is_about_the_app_id() => {
            vec![
                Line::failed(Item::AppId, error),
                Line::not_checked(Item::PrivateKey, "it cannot be tried without the App's id"),
            ]
        }
        Err(error) => vec![Line::ok(Item::AppId, "an id"), Line::failed(Item::PrivateKey, error)],
    };
    lines.push(match &reading.secrets {
        Ok(secrets) => Line::ok(Item::WebhookSecret, count(secrets.count(), "secret")),
        Err(error) => Line::failed(Item::WebhookSecret, error),
    });
    lines.push(match &reading.policy {
        Ok(policy) => Line::ok(Item::Policy, described(policy)),
        Err(error) => Line::failed(Item::Policy, error),
    });
    lines
}

/// A valid policy, and what `gate check` warns of.
fn described(policy: &Policy) -> String {
    let rules = match policy.rego.len() {
        0 => count(policy.rules.len(), "rule"),
        1 => format!("{}, 1 policy in Rego", count(policy.rules.len(), "rule")),
        rego => format!("{}, {rego} policies in Rego", count(policy.rules.len(), "rule")),
    };
    let rules = if policy.pause { "valid, and it says `pause = true`: everything waits".to_owned() } else { rules };
    let warnings = policy.warnings();
    let warnings = warnings.iter().map(|warning| format!("; warning: {warning}"));
    warnings.fold(rules, |text, warning| text + &warning)
}

/// Who the App is, what it may do, and which events it gets.
pub(super) fn rights(facts: &AppWire) -> Vec<Line> {
    let wanted: BTreeMap<String, String> =
        PERMISSIONS.iter().map(|(name, level)| ((*name).to_owned(), (*level).to_owned())).collect();
    // For an App with no other permission, GitHub may leave out the one that every App has.
    let mut got = facts.permissions.clone();
    got.entry("metadata".to_owned()).or_insert_with(|| "read".to_owned());
    let events: BTreeSet<&str> = facts.events.iter().map(String::as_str).collect();
    let names = if facts.events.is_empty() { "no event".to_owned() } else { quoted_list(&facts.events) };
    vec![
        Line::ok(Item::App, format!("{}, id {}", quoted(&facts.slug), facts.id)),
        if got == wanted {
            Line::ok(Item::Permissions, permissions(&facts.permissions))
        } else {
            Line::failed(Item::Permissions, permissions(&facts.permissions))
        },
        if events == BTreeSet::from([EVENT]) {
            Line::ok(Item::Events, names)
        } else {
            Line::failed(Item::Events, names)
        },
    ]
}

/// The App's webhook.
pub(super) fn hook(hook: &HookFacts, wanted: Option<&WebhookUrl>) -> Vec<Line> {
    let Some(url) = hook.url.as_deref().filter(|url| !url.is_empty()) else {
        let rest = [Item::HookContentType, Item::HookSecret, Item::HookTls];
        let rest = rest.map(|item| Line::not_checked(item, "there is no webhook"));
        return [vec![Line::failed(Item::HookUrl, "no webhook")], rest.into()].concat();
    };
    let content_type = hook.content_type.as_deref().unwrap_or("form");
    let insecure =
        hook.insecure_ssl.as_ref().map(|value| value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned));
    vec![
        hook_url(url, wanted),
        match content_type {
            "json" => Line::ok(Item::HookContentType, "`json`"),
            other => Line::failed(Item::HookContentType, quoted(other)),
        },
        match hook.secret.as_deref() {
            None | Some("") => Line::failed(Item::HookSecret, "no secret"),
            Some(_) => Line::ok(Item::HookSecret, "a secret"),
        },
        match insecure.as_deref() {
            None | Some("0") => Line::ok(Item::HookTls, "certificates are verified"),
            Some(_) => Line::failed(Item::HookTls, "certificates are not verified"),
        },
    ]
}

fn hook_url(url: &str, wanted: Option<&WebhookUrl>) -> Line {
    const ITEM: Item = Item::HookUrl;
    let shown = quoted(url);
    match (WebhookUrl::parse(url), wanted) {
        _ if url == WebhookUrl::PLACEHOLDER => Line::failed(
            ITEM,
            format!("{shown}, the placeholder that `gate setup` gives an App until there is a function"),
        ),
        (None, _) => Line::failed(ITEM, shown),
        (Some(got), Some(wanted)) if got == *wanted => Line::ok(ITEM, shown),
        (Some(_), Some(wanted)) => Line::failed(ITEM, format!("{shown}, not {}", quoted(&wanted.to_string()))),
        (Some(_), None) => {
            Line::ok(ITEM, format!("{shown}; whether that is the stack's shows with `--stack` or `--webhook-url`"))
        }
    }
}

/// What became of the deliveries of the last day.
pub(super) fn deliveries(log: &PagedList<HookDeliveryWire>, now: Timestamp) -> Line {
    const ITEM: Item = Item::Deliveries;
    // GitHub's ping to a new webhook may have been sent before the function existed.
    let is_ours =
        |delivery: &&HookDeliveryWire| delivery.event == EVENT && now.duration_since(delivery.delivered_at) <= RECENT;
    let (done, others): (Vec<_>, Vec<_>) =
        log.entries.iter().filter(is_ours).partition(|delivery| (200..300).contains(&delivery.status_code));
    let (deferred, failed): (Vec<_>, Vec<_>) =
        others.into_iter().partition(|delivery| DECIDED_BY_SWEEPS.contains(&delivery.status_code));
    let read = log.entries.len();
    if !failed.is_empty() {
        Line::failed(ITEM, by_status(&failed))
    } else if done.is_empty() && !deferred.is_empty() {
        Line::failed(ITEM, format!("none was decided when it came: {}", by_status(&deferred)))
    } else if !log.is_complete {
        Line::not_in_time(ITEM, format!("none of the newest {read} failed; those before them were not read"))
    } else if read == 0 {
        let text = "GitHub lists none; if a job has waited, the webhook may not be active: tick *Active* under *Webhook* in the App's settings";
        Line::ok(ITEM, text)
    } else {
        Line::ok(ITEM, format!("none failed; {} decided by the sweeps", deferred.len()))
    }
}

/// How many deliveries got which answer, and when the last one did.
fn by_status(deliveries: &[&HookDeliveryWire]) -> String {
    let mut counts: BTreeMap<u16, (usize, Timestamp)> = BTreeMap::new();
    for delivery in deliveries {
        let (count, newest) = counts.entry(delivery.status_code).or_insert((0, delivery.delivered_at));
        *count = count.saturating_add(1);
        *newest = delivery.delivered_at.max(*newest);
    }
    listed(counts.iter().map(|(status, (count, newest))| match status {
        0 => format!("{count} got no answer, the last at {newest}"),
        status => format!("{count} got {status}, the last at {newest}"),
    }))
}

/// The App on one repository.
pub(super) fn installation(found: Option<&InstallationWire>) -> Line {
    let Some(found) = found else {
        return Line::failed(Item::Installation, "the App is not installed, or there is no such repository");
    };
    if let Some(at) = found.suspended_at {
        return Line::failed(Item::Installation, format!("suspended at {at}"));
    }
    let granted = |name: &str| found.permissions.get(name).map(String::as_str);
    let is_enough = found.permissions.is_empty()
        || (granted("actions").is_some_and(|level| level != "none") && granted("deployments") == Some("write"));
    if is_enough {
        Line::ok(Item::Installation, format!("id {}", found.id))
    } else {
        Line::failed(Item::Installation, permissions(&found.permissions))
    }
}

fn permissions(permissions: &BTreeMap<String, String>) -> String {
    let all: Vec<String> =
        permissions.iter().map(|(name, level)| quoted(&format!("{name}: {level}")).to_string()).collect();
    if all.is_empty() { "no permission".to_owned() } else { all.join(", ") }
}

fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}
