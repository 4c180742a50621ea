//! Removes from GitHub's answers what a replay does not need: tokens, e-mail addresses, avatars, and what people wrote.

use serde_json::{Value, json};

/// What replaces something that was removed.
const REMOVED: &str = "removed";
/// Fields that decide, and may look like an e-mail address: `release.yml@v1.2`, `widgets@1.2.3`.
const DECIDING: [&str; 2] = ["path", "head_branch"];
/// The prefixes of secrets: GitHub's tokens, signed tokens, PEM, AWS's keys
/// (<https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats>).
const SECRETS_BEGIN: [&str; 11] =
    ["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "eyJ", "-----BEGIN", "AKIA", "ASIA", "Bearer "];
/// The minimum number of bytes after a secret's prefix.
const SECRET_BYTES_MIN: usize = 12;

/// Cleans a JSON value. Fields that the gate reads stay as they are; fields that GitHub's schema requires stay, with another value.
pub(super) fn scrub(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for key in ["temp_clone_token", "client_secret", "webhook_secret", "pem", "secret", "password", "steps"] {
                fields.remove(key);
            }
            // Of a person, only what every account has.
            if fields.contains_key("login") {
                for key in ["name", "email", "notification_email", "starred_at", "user_view_type"] {
                    fields.remove(key);
                }
            }
            for (key, field) in fields.iter_mut().filter(|(key, _)| !DECIDING.contains(&key.as_str())) {
                match replacement(key, field) {
                    Some(instead) => *field = instead,
                    None => scrub(field),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(scrub),
        Value::String(text) => *text = scrub_text(text),
        _ => {}
    }
}

/// The replacement for a field that the gate does not read and that may contain anything.
fn replacement(key: &str, field: &Value) -> Option<Value> {
    Some(match (key, field) {
        (_, Value::Null) => return None,
        ("token", _) => "a-token-of-the-story".into(),
        ("avatar_url", _) => "https://example.invalid/removed".into(),
        ("gravatar_id" | "comment", _) => "".into(),
        ("display_title", _) => REMOVED.into(),
        ("head_commit" | "description" | "email" | "body" | "runner_group_name", _) => Value::Null,
        ("pull_requests" | "labels" | "referenced_workflows", _) => json!([]),
        // Only whether there is one matters.
        ("runner_name", Value::String(name)) if !name.is_empty() => "a-runner".into(),
        _ => return None,
    })
}

/// Removes secrets and e-mail addresses from a text.
pub(super) fn scrub_text(text: &str) -> String {
    let mut scrubbed = String::new();
    let is_word =
        |c: char| !c.is_whitespace() && !matches!(c, '"' | '\'' | '<' | '>' | '(' | ')' | ',' | ';' | '`' | '=');
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        let (word, more) = rest.split_at(end);
        scrubbed.push_str(if is_secret(word) || is_address(word) { REMOVED } else { word });
        let gap = more.find(is_word).unwrap_or(more.len());
        let (blanks, next) = more.split_at(gap);
        scrubbed.push_str(blanks);
        rest = next;
    }
    scrubbed
}

fn is_secret(word: &str) -> bool {
    word.contains("-----BEGIN")
        || SECRETS_BEGIN.iter().any(|begin| {
            word.match_indices(begin).any(|(at, _)| {
                let before = word.get(..at).unwrap_or_default();
                let is_beginning = !before.ends_with(|c: char| c.is_alphanumeric());
                is_beginning && word.len() >= at.saturating_add(begin.len()).saturating_add(SECRET_BYTES_MIN)
            })
        })
}

/// Whether it contains something like `somebody@example.com`; a version is not an address.
fn is_address(word: &str) -> bool {
    word.split_once('@').is_some_and(|(before, behind)| {
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
        let domain = behind.split(|c: char| !is_part(c)).next().unwrap_or_default().trim_matches('.');
        let end = domain.rsplit_once('.').map(|(_, end)| end).unwrap_or_default();
        before.ends_with(|c: char| c.is_ascii_alphanumeric())
            && end.len() >= 2
            && end.bytes().all(|b| b.is_ascii_alphabetic())
    })
}
