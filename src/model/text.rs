//! Strings of others, made fit to be shown. Not here: any sentence of ours.

use std::fmt;

/// Bytes of a name that are shown before it is cut, escapes counted as they are written.
const SHOWN_BYTES_MAX: usize = 100;
/// Names of a list that are shown before it is cut.
const LISTED_MAX: usize = 3;

/// A string that came from outside, shown as a Markdown code span.
///
/// In a code span GitHub makes no mention, no link and no HTML of it. What could end the span or hide text
/// (back-ticks, controls, line breaks, bidirectional marks, look-alike punctuation) is shown as `\u{…}`.
#[derive(Debug, Clone, Copy)]
pub struct Quoted<'a>(&'a str);

/// Shows `text` as a [`Quoted`] code span, cut after about 100 bytes.
pub fn quoted(text: &str) -> Quoted<'_> {
    Quoted(text)
}

/// The first three of some texts, and how many more there are.
pub fn listed(texts: impl IntoIterator<Item = String>) -> String {
    let texts: Vec<String> = texts.into_iter().collect();
    let shown = texts.get(..LISTED_MAX).unwrap_or(&texts).join(", ");
    match texts.len().saturating_sub(LISTED_MAX) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// An error and what caused it, in one line. Never their `Debug`, which may show what nobody should read.
pub fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // As nearly all are.
        if self.0.len() <= SHOWN_BYTES_MAX && self.0.bytes().all(|b| matches!(b, b' '..=b'~') && b != b'`') {
            return write!(f, "`{}`", self.0);
        }
        let mut shown = String::with_capacity(SHOWN_BYTES_MAX.min(self.0.len()));
        for c in self.0.chars() {
            if shown.len() >= SHOWN_BYTES_MAX {
                shown.push('…');
                break;
            }
            match c {
                '`' => shown.push_str("\\u{60}"),
                ' '..='~' => shown.push(c),
                _ if c.is_alphanumeric() => shown.push(c),
                _ => shown.extend(c.escape_unicode()),
            }
        }
        write!(f, "`{shown}`")
    }
}
