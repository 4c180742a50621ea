//! What GitHub would object to in a call.

use http::HeaderMap;
use http::header::AUTHORIZATION;
use serde_json::{Value, json};

/// Characters of a review's comment that GitHub accepts.
const COMMENT_CHARS_MAX: usize = 1024;

/// Whether it is a call of the App itself, with its own token.
pub(super) fn is_the_apps(name: &str) -> bool {
    name.starts_with("delivery.")
        || matches!(name, "access_tokens" | "app" | "deliveries" | "hook_config" | "installation" | "set_hook")
}

/// Whether the call goes to another host than the API: to the provider of tokens, or to where artifacts are kept.
pub(super) fn is_elsewhere(name: &str) -> bool {
    name == "jwks" || name.starts_with("blob.")
}

/// What is wrong with a call to another host than the API: nothing of ours may get there.
pub(super) fn stranger_objection(headers: &HeaderMap) -> Option<String> {
    let ours = [AUTHORIZATION.as_str(), "x-github-api-version"];
    ours.into_iter()
        .find(|name| headers.contains_key(*name))
        .map(|name| format!("`{name}` sent to another host than the API"))
}

/// What is wrong with a request for a token.
pub(super) fn mint_objection(sent: &Value) -> Option<String> {
    let named = ["repository_ids", "repositories"].iter().filter_map(|key| sent.get(key)?.as_array());
    let one = named.map(Vec::len).sum::<usize>() == 1;
    let narrow = sent.get("permissions") == Some(&json!({ "actions": "read", "deployments": "write" }));
    (!one || !narrow).then(|| format!("a token for more than one repository and two permissions: {sent}"))
}

pub(super) fn review_objection(name: &str, sent: &Value, content_type: &str) -> Option<String> {
    let text = |name| sent.get(name).and_then(Value::as_str);
    let comment = text("comment").unwrap_or_default();
    if content_type != "application/json" {
        return Some("a review that is not JSON by its content-type".to_owned());
    }
    if comment.is_empty() || comment.chars().count() > COMMENT_CHARS_MAX {
        return Some(format!("a comment of {} characters", comment.chars().count()));
    }
    // A status report has no state.
    let state_fits = match name {
        "review" => matches!(text("state"), Some("approved" | "rejected")),
        _ => sent.get("state").is_none(),
    };
    (text("environment_name").is_none() || !state_fits).then(|| format!("a review of nothing: {sent}"))
}
