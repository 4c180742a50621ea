//! Strings that came from outside, made safe to show. Not here: any sentence of ours.

use std::fmt;

/// Bytes of a name before it is cut, escapes counted as they are written.
const NAME_BYTES_MAX: usize = 100;
/// The same for a sentence.
const SENTENCE_BYTES_MAX: usize = 300;
/// Entries of a list before it is cut.
const LISTED_MAX: usize = 3;

/// A string that came from outside, shown as a Markdown code span.
///
/// In a code span GitHub turns nothing into a mention, a link or HTML. What could end the span or hide text
/// (backticks, controls, line breaks, bidirectional marks, look-alike punctuation) is shown as `\u{…}`.
#[derive(Debug, Clone, Copy)]
pub struct Quoted<'a> {
    text: &'a str,
    bytes_max: usize,
}

/// Shows a name as a [`Quoted`] code span, cut after about 100 bytes.
pub fn quoted(text: &str) -> Quoted<'_> {
    Quoted { text, bytes_max: NAME_BYTES_MAX }
}

/// Shows a sentence as a [`Quoted`] code span, cut after about 300 bytes: GitHub's error messages say what to do at the end.
pub fn quoted_sentence(text: &str) -> Quoted<'_> {
    Quoted { text, bytes_max: SENTENCE_BYTES_MAX }
}

/// The first three texts, and how many more there are.
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

/// The first three names, [`quoted`], and how many more there are.
pub fn quoted_list<T: ToString>(names: impl IntoIterator<Item = T>) -> String {
    listed(names.into_iter().map(|name| quoted(&name.to_string()).to_string()))
}

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = String::new();
        for c in self.text.chars() {
            if shown.len() >= self.bytes_max {
                shown.push('…');
                break;
            }
            match c {
                '`' => shown.push_str("\\u{60}"),
                ' '..='~' => shown.push(c),
                _ if c.is_alphanumeric() && !is_invisible(c) => shown.push(c),
                _ => shown.extend(c.escape_unicode()),
            }
        }
        write!(f, "`{shown}`")
    }
}

/// Letters and digits by Unicode's categories that show nothing, or that change how others are shown: fillers, and marks that combine with what
/// stands before them (<https://www.unicode.org/reports/tr44/#Default_Ignorable_Code_Point>).
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' // Hangul fillers
            | '\u{300}'..='\u{36f}' // combining marks
            | '\u{17b4}' | '\u{17b5}' // Khmer inherent vowels
            | '\u{180b}'..='\u{180f}' // Mongolian variation selectors
            | '\u{16fe4}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_has_more_room_than_a_name() {
        let text = "x".repeat(400);
        assert_eq!(quoted(&text).to_string().len(), 100 + "`…`".len());
        assert_eq!(quoted_sentence(&text).to_string().len(), 300 + "`…`".len());
    }

    fn shown(text: &str) -> String {
        quoted(text).to_string()
    }

    #[test]
    fn a_plain_name_is_a_code_span() {
        assert_eq!(shown("octo-org/widgets [bot] <x>"), "`octo-org/widgets [bot] <x>`");
    }

    #[test]
    fn letters_of_every_script_are_shown() {
        assert_eq!(shown("größe-発行"), "`größe-発行`");
    }

    #[test]
    fn a_backtick_does_not_end_the_span() {
        assert_eq!(shown("a`@b"), "`a\\u{60}@b`");
    }

    #[test]
    fn what_hides_or_breaks_text_is_escaped() {
        for (text, escaped) in [
            ("a\nb", "`a\\u{a}b`"),
            ("a\u{202e}b", "`a\\u{202e}b`"),
            ("a\u{200b}b", "`a\\u{200b}b`"),
            ("a\u{7f}b", "`a\\u{7f}b`"),
            ("a\u{2018}b", "`a\\u{2018}b`"),
            ("a\u{3164}b", "`a\\u{3164}b`"),
            ("a\u{115f}b", "`a\\u{115f}b`"),
            ("a\u{ffa0}b", "`a\\u{ffa0}b`"),
            ("a\u{2800}b", "`a\\u{2800}b`"),
            ("a\u{345}b", "`a\\u{345}b`"),
        ] {
            assert_eq!(shown(text), escaped);
        }
    }

    #[test]
    fn a_name_is_cut_after_100_bytes() {
        assert_eq!(shown(&"x".repeat(100)), format!("`{}`", "x".repeat(100)));
        assert_eq!(shown(&"x".repeat(101)), format!("`{}…`", "x".repeat(100)));
    }

    #[test]
    fn escapes_are_counted_as_they_are_written() {
        assert_eq!(shown(&"\u{10ffff}".repeat(200)), format!("`{}…`", "\\u{10ffff}".repeat(10)));
    }

    #[test]
    fn a_list_is_cut_after_three() {
        let list = |count: usize| listed(["a", "b", "c", "d", "e"].into_iter().take(count).map(str::to_owned));
        assert_eq!([0, 1, 3, 4, 5].map(list), ["", "a", "a, b, c", "a, b, c and 1 more", "a, b, c and 2 more"]);
    }

    #[test]
    fn a_list_of_names_is_one_of_code_spans() {
        assert_eq!(quoted_list(["a`b", "c"]), "`a\\u{60}b`, `c`");
    }
}
