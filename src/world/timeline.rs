//! A story is played at its own point in time: times and addresses in it are moved to where it is played.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// The origin that stories are written with.
pub(super) const WRITTEN_ORIGIN: &str = "https://api.github.com";
/// The same of the pages that people see.
pub(super) const WRITTEN_WEB: &str = "https://github.com";
/// The shortest RFC 3339 instant: `2026-01-05T10:15:00Z`.
const INSTANT_CHARS_MIN: usize = 20;

/// The time in which a story is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Present {
    /// The story's own: the clock shows it, and no time in the story is moved.
    Story,
    /// Now: the clock is the system's, and every instant in the story is moved by the difference.
    Now(Timestamp),
}

/// Moves every RFC 3339 instant that is a whole string of `value`.
pub fn move_times(value: &mut Value, by: SignedDuration) {
    each_string(value, &mut |text| {
        let digits = text.starts_with(|c: char| c.is_ascii_digit()) && text.len() >= INSTANT_CHARS_MIN;
        let moved = text.parse::<Timestamp>().ok().filter(|_| digits)?.checked_add(by).ok()?;
        Timestamp::from_second(moved.as_second()).ok().map(|moved| moved.to_string())
    });
}

/// Replaces `https://api.github.com` at the beginning of every string of `value` with `origin`.
pub fn move_origin(value: &mut Value, origin: &str) {
    move_origin_from(value, WRITTEN_ORIGIN, origin);
}

/// Replaces the origin `from` at the beginning of every string of `value` with `to`.
pub(super) fn move_origin_from(value: &mut Value, from: &str, to: &str) {
    each_string(value, &mut |text| {
        let rest = text.strip_prefix(from)?;
        (rest.is_empty() || rest.starts_with('/')).then(|| format!("{to}{rest}"))
    });
}

fn each_string(value: &mut Value, change: &mut impl FnMut(&str) -> Option<String>) {
    match value {
        Value::String(text) => {
            if let Some(changed) = change(text) {
                *text = changed;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| each_string(item, change)),
        Value::Object(entries) => entries.values_mut().for_each(|entry| each_string(entry, change)),
        _ => {}
    }
}
