//! Takes out of GitHub's answers what nobody needs to see who plays them again: tokens, e-mail addresses, faces, and what people wrote.

use serde_json::{Value, json};

/// What stands in the place of something that was taken out.
const REMOVED: &str = "removed";
/// How secrets begin: GitHub's tokens, signed tokens, PEM, AWS's keys
/// (<https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats>).
const SECRETS_BEGIN: [&str; 11] =
    ["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "eyJ", "-----BEGIN", "AKIA", "ASIA", "Bearer "];
/// Bytes that a secret has at least, behind its beginning.
const SECRET_BYTES_MIN: usize = 12;

/// Cleans a JSON value. What the gate reads stays as it is; what GitHub's schema wants stays there, without what it said.
pub(super) fn scrub(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for key in ["temp_clone_token", "client_secret", "webhook_secret", "pem", "secret", "password", "steps"] {
                fields.remove(key);
            }
            // Of a person only what every account has.
            if fields.contains_key("login") {
                for key in ["name", "email", "notification_email", "starred_at", "user_view_type"] {
                    fields.remove(key);
                }
            }
            for (key, field) in fields.iter_mut() {
                match replacement(key, field) {
                    Some(instead) => *field = instead,
                    None => scrub(field),
                }
            }
            // A workflow's path may look like an address: `release.yml@v1.2`.
            for (_, field) in fields.iter_mut().filter(|(key, _)| *key != "path") {
                if let Value::String(text) = field {
                    *text = scrub_text(text);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(scrub),
        Value::String(text) => *text = scrub_text(text),
        _ => {}
    }
}

/// What stands instead of a field that the gate does not read and that may say anything.
fn replacement(key: &str, field: &Value) -> Option<Value> {
    Some(match (key, field) {
        (_, Value::Null) => return None,
        ("token", _) => "a-token-of-the-story".into(),
        ("avatar_url", _) => "https://example.invalid/removed".into(),
        ("gravatar_id" | "comment", _) => "".into(),
        ("display_title", _) => REMOVED.into(),
        ("head_commit" | "description" | "email" | "body" | "runner_group_name", _) => Value::Null,
        ("pull_requests" | "labels" | "referenced_workflows", _) => json!([]),
        // That there is one is read.
        ("runner_name", Value::String(name)) if !name.is_empty() => "a-runner".into(),
        _ => return None,
    })
}

/// Takes secrets and e-mail addresses out of a text.
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
    SECRETS_BEGIN.iter().any(|begin| {
        word.find(begin).is_some_and(|at| word.len() >= at.saturating_add(begin.len()).saturating_add(SECRET_BYTES_MIN))
    }) || word.contains("-----BEGIN")
}

/// `somebody@example.com`, maybe within more.
fn is_address(word: &str) -> bool {
    word.split_once('@').is_some_and(|(before, behind)| {
        let domain =
            behind.split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '.').next().unwrap_or_default();
        before.ends_with(|c: char| c.is_ascii_alphanumeric()) && domain.trim_matches('.').contains('.')
    })
}
