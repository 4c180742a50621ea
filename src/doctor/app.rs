//! The settings, and the App at GitHub.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::{HookFacts, Item, Line};
use crate::config::Reading;
use crate::github::{AppWire, HookDeliveryWire, InstallationWire};
use crate::model::{ApiUrl, listed, quoted};

/// What the App may do. GitHub adds `metadata: read` to every App.
const PERMISSIONS: [(&str, &str); 3] = [("actions", "read"), ("deployments", "write"), ("metadata", "read")];
const EVENT: &str = "deployment_protection_rule";
const PATH: &str = "/github/webhook";
/// Deliveries that failed longer ago are no news.
const RECENT: SignedDuration = SignedDuration::from_hours(24);
/// What a deferred delivery is answered with, and one that the API's throttle turned away: both are looked at again.
const LOOKED_AT_AGAIN: [u16; 2] = [503, 429];

/// Each setting: can it be had and read?
pub(super) fn settings(reading: &Reading) -> Vec<Line> {
    let mut lines = match &reading.app {
        Ok(_) => vec![Line::right(Item::AppId, "an id"), Line::right(Item::PrivateKey, "a key that signs")],
        Err(error) if error.is_about_the_app_id() => {
            vec![Line::wrong(Item::AppId, error), Line::not_seen(Item::PrivateKey, "needs the App's id")]
        }
        Err(error) => vec![Line::right(Item::AppId, "an id"), Line::wrong(Item::PrivateKey, error)],
    };
    lines.push(match &reading.secrets {
        Ok(secrets) => Line::right(Item::WebhookSecret, format!("secrets: {}", secrets.count())),
        Err(error) => Line::wrong(Item::WebhookSecret, error),
    });
    lines.push(match &reading.policy {
        Ok(policy) if policy.pause => Line::right(Item::Policy, "`pause = true`: everything waits"),
        Ok(policy) => Line::right(Item::Policy, format!("rules: {}", policy.rules.len())),
        Err(error) => Line::wrong(Item::Policy, error),
    });
    lines
}

/// Who the App is, what it may do, what it is told of.
pub(super) fn rights(facts: &AppWire) -> Vec<Line> {
    let wanted: BTreeMap<String, String> =
        PERMISSIONS.iter().map(|(name, level)| ((*name).to_owned(), (*level).to_owned())).collect();
    // An App without any other permission may come without the one that every App has.
    let mut got = facts.permissions.clone();
    got.entry("metadata".to_owned()).or_insert_with(|| "read".to_owned());
    let events: BTreeSet<&str> = facts.events.iter().map(String::as_str).collect();
    vec![
        Line::right(Item::App, format!("{}, id {}", quoted(&facts.slug), facts.id)),
        Line::holds(Item::Permissions, got == wanted, permissions(&facts.permissions)),
        Line::holds(
            Item::Events,
            events == BTreeSet::from([EVENT]),
            names(facts.events.iter().map(String::as_str), "no event"),
        ),
    ]
}

/// The App's webhook.
pub(super) fn hook(hook: &HookFacts, wanted: Option<&str>) -> Vec<Line> {
    let Some(url) = hook.url.as_deref().filter(|url| !url.is_empty()) else {
        let rest = [Item::HookContentType, Item::HookSecret, Item::HookTls];
        let unseen = rest.map(|item| Line::not_seen(item, "needs a webhook"));
        return [vec![Line::wrong(Item::HookUrl, "no webhook")], unseen.into()].concat();
    };
    let fits = match wanted {
        Some(wanted) => url == wanted,
        // Our path, over `https`, or `http` on loopback: what an API's URL may be, too.
        None => url.strip_suffix(PATH).is_some_and(|base| ApiUrl::parse(base).is_ok()),
    };
    let expected = wanted.map(|wanted| format!(", expected {}", quoted(wanted))).unwrap_or_default();
    let shown = quoted(url).to_string();
    let content_type = hook.content_type.as_deref().unwrap_or("form");
    let insecure =
        hook.insecure_ssl.as_ref().map(|value| value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned));
    let is_verified = insecure.as_deref().is_none_or(|value| value == "0");
    let has_secret = hook.secret.as_deref().is_some_and(|secret| !secret.is_empty());
    vec![
        Line::holds(Item::HookUrl, fits, if fits { shown } else { shown + &expected }),
        Line::holds(Item::HookContentType, content_type == "json", quoted(content_type)),
        Line::holds(Item::HookSecret, has_secret, if has_secret { "a secret" } else { "no secret" }),
        Line::holds(Item::HookTls, is_verified, if is_verified { "verified" } else { "not verified" }),
    ]
}

/// What became of the deliveries of the last day.
pub(super) fn deliveries(deliveries: &[HookDeliveryWire], now: Timestamp) -> Line {
    // GitHub's greeting to a new webhook may have met a function that was not there yet.
    let is_ours =
        |delivery: &&HookDeliveryWire| delivery.event == EVENT && now.duration_since(delivery.delivered_at) <= RECENT;
    let recent = || deliveries.iter().filter(is_ours);
    let failed = |delivery: &&HookDeliveryWire| !(200..300).contains(&delivery.status_code);
    let deferred = recent().filter(|delivery| LOOKED_AT_AGAIN.contains(&delivery.status_code)).count();
    let mut counts: BTreeMap<u16, (usize, Timestamp)> = BTreeMap::new();
    for delivery in recent().filter(failed).filter(|delivery| !LOOKED_AT_AGAIN.contains(&delivery.status_code)) {
        let (count, newest) = counts.entry(delivery.status_code).or_insert((0, delivery.delivered_at));
        *count = count.saturating_add(1);
        *newest = delivery.delivered_at.max(*newest);
    }
    if counts.is_empty() {
        return Line::right(Item::Deliveries, format!("none that failed; looked at again: {deferred}"));
    }
    let told = counts.iter().map(|(status, (count, newest))| match status {
        0 => format!("{count} without an answer, the last at {newest}"),
        status => format!("{count} answered {status}, the last at {newest}"),
    });
    Line::wrong(Item::Deliveries, listed(told))
}

/// The App on one repository.
pub(super) fn installation(found: Option<&InstallationWire>) -> Line {
    let Some(found) = found else { return Line::wrong(Item::Installation, "no installation, or no such repository") };
    if let Some(at) = found.suspended_at {
        return Line::wrong(Item::Installation, format!("suspended at {at}"));
    }
    let granted = |name: &str| found.permissions.get(name).map(String::as_str);
    let is_enough = found.permissions.is_empty()
        || (granted("actions").is_some_and(|level| level != "none") && granted("deployments") == Some("write"));
    let got = if is_enough { format!("id {}", found.id) } else { permissions(&found.permissions) };
    Line::holds(Item::Installation, is_enough, got)
}

fn permissions(permissions: &BTreeMap<String, String>) -> String {
    let all: Vec<String> =
        permissions.iter().map(|(name, level)| quoted(&format!("{name}: {level}")).to_string()).collect();
    if all.is_empty() { "no permission".to_owned() } else { all.join(", ") }
}

fn names<'n>(names: impl Iterator<Item = &'n str>, nothing: &str) -> String {
    let all = names.map(|name| quoted(name).to_string()).collect::<Vec<_>>();
    if all.is_empty() { nothing.to_owned() } else { all.join(", ") }
}
