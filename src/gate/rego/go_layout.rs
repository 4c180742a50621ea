//! Go's layouts of times, in which OPA's `time.format` and `time.parse_ns` are told a format: <https://pkg.go.dev/time#Layout>. They become those of `strftime`.

use anyhow::Context as _;
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::Offset;
use jiff::{Timestamp, Zoned};

/// Layouts that OPA knows by a name.
const NAMED: [(&str, &str); 10] = [
    ("ANSIC", "Mon Jan _2 15:04:05 2006"),
    ("UnixDate", "Mon Jan _2 15:04:05 MST 2006"),
    ("RubyDate", "Mon Jan 02 15:04:05 -0700 2006"),
    ("RFC822", "02 Jan 06 15:04 MST"),
    ("RFC822Z", "02 Jan 06 15:04 -0700"),
    ("RFC850", "Monday, 02-Jan-06 15:04:05 MST"),
    ("RFC1123", "Mon, 02 Jan 2006 15:04:05 MST"),
    ("RFC1123Z", "Mon, 02 Jan 2006 15:04:05 -0700"),
    ("RFC3339", "2006-01-02T15:04:05Z07:00"),
    ("RFC3339Nano", RFC_3339_NANO),
];
/// How OPA formats a time without a layout.
pub(super) const RFC_3339_NANO: &str = "2006-01-02T15:04:05.999999999Z07:00";

/// Go's elements and those of `strftime`. Where one begins with another, the longer one comes first.
const ELEMENTS: [(&str, &str); 27] = [
    ("January", "%B"),
    ("Jan", "%b"),
    ("Monday", "%A"),
    ("Mon", "%a"),
    ("MST", "%Z"),
    ("002", "%j"),
    ("01", "%m"),
    ("02", "%d"),
    ("03", "%I"),
    ("04", "%M"),
    ("05", "%S"),
    ("06", "%y"),
    ("15", "%H"),
    ("1", "%-m"),
    ("2006", "%Y"),
    ("2", "%-d"),
    ("__2", "%_j"),
    ("_2006", "_%Y"),
    ("_2", "%e"),
    ("3", "%-I"),
    ("4", "%-M"),
    ("5", "%-S"),
    ("PM", "%p"),
    ("pm", "%P"),
    ("-07:00:00", "%::z"),
    ("-07:00", "%:z"),
    ("-0700", "%z"),
];
/// Elements that are a `Z` in UTC, with what they are elsewhere.
const Z_ELEMENTS: [(&str, &str); 2] = [("Z07:00", "%:z"), ("Z0700", "%z")];
/// Elements of Go that have no counterpart. A layout with one is refused rather than misread.
const UNKNOWN: [&str; 7] = ["-070000", "-07", "Z070000", "Z07:00:00", "Z07", ",0", ",9"];

/// A time as text.
///
/// # Errors
/// A layout that is not known here, or a year that it cannot show.
pub(super) fn format(time: &Zoned, layout: &str) -> anyhow::Result<String> {
    let zone = if time.offset() == Offset::UTC { Zone::Zulu } else { Zone::Numeric };
    let format = strftime(layout, zone, |digits, trimmed| fraction(time, digits, trimmed))?;
    Ok(BrokenDownTime::from(time).to_string(&format)?)
}

/// The time of a text; in UTC if the layout has no zone.
///
/// # Errors
/// A layout that is not known here, or has only a zone's abbreviation, which does not say which zone it is; a text that does not have it.
pub(super) fn parse(layout: &str, text: &str) -> anyhow::Result<Timestamp> {
    let any_fraction = |_, _| "%.f".to_owned();
    let zulu = strftime(layout, Zone::Zulu, any_fraction)?;
    anyhow::ensure!(!zulu.contains("%Z"), "a time zone's abbreviation cannot be read: use a layout with `-0700`");
    let numeric = strftime(layout, Zone::Numeric, any_fraction)?;
    let read = BrokenDownTime::parse(&zulu, text).or_else(|_| BrokenDownTime::parse(&numeric, text));
    let mut time = read.with_context(|| format!("got `{text}`, expected the layout `{layout}`"))?;
    if time.offset().is_none() {
        time.set_offset(Some(Offset::UTC));
    }
    Ok(time.to_timestamp()?)
}

/// How an offset is written that may be a `Z`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Zone {
    Zulu,
    Numeric,
}

/// A layout as that of `strftime`. `fraction` is told how many digits of a second are wanted, and whether zeros at the end are left out.
fn strftime(layout: &str, zone: Zone, fraction: impl Fn(usize, bool) -> String) -> anyhow::Result<String> {
    let mut rest = NAMED.iter().find(|(name, _)| *name == layout).map_or(layout, |(_, named)| named);
    let mut format = String::new();
    while let Some(first) = rest.chars().next() {
        let (used, element) = if let Some((used, digits, trimmed)) = fraction_at(rest) {
            (used, fraction(digits, trimmed))
        } else if let Some((element, ours)) = Z_ELEMENTS.iter().find(|(element, _)| is_at(rest, element)) {
            (element.len(), if zone == Zone::Zulu { "Z" } else { ours }.to_owned())
        } else if let Some((element, ours)) = ELEMENTS.iter().find(|(element, _)| is_at(rest, element)) {
            (element.len(), (*ours).to_owned())
        } else if let Some(element) = UNKNOWN.iter().find(|element| is_at(rest, element)) {
            anyhow::bail!("`{element}` in the layout `{layout}` is not known here");
        } else {
            (first.len_utf8(), if first == '%' { "%%".to_owned() } else { first.to_string() })
        };
        format.push_str(&element);
        rest = rest.get(used..).unwrap_or_default();
        // Go reads a fraction after the seconds even where the layout has none.
        if element.ends_with('S') && fraction_at(rest).is_none() {
            format.push_str(&fraction(0, true));
        }
    }
    Ok(format)
}

/// Whether a layout goes on with an element. A name that goes on with small letters, such as `Month`, is none.
fn is_at(rest: &str, element: &str) -> bool {
    let after = rest.strip_prefix(element);
    let is_short_name = matches!(element, "Jan" | "Mon");
    after.is_some_and(|after| !(is_short_name && after.starts_with(|next: char| next.is_ascii_lowercase())))
}

/// The bytes, digits and whether zeros are left out, of a `.000` or `.999` that a layout goes on with.
fn fraction_at(rest: &str) -> Option<(usize, usize, bool)> {
    let after = rest.strip_prefix('.')?;
    let digit = after.chars().next().filter(|digit| matches!(digit, '0' | '9'))?;
    let digits = after.chars().take_while(|next| *next == digit).count();
    let is_all = !after.get(digits..)?.starts_with(|next: char| next.is_ascii_digit());
    is_all.then(|| (digits.saturating_add(1), digits, digit == '9'))
}

/// A fraction of a second with its point; nothing if there are no digits.
fn fraction(time: &Zoned, digits: usize, trimmed: bool) -> String {
    let nanoseconds = format!("{:09}", time.subsec_nanosecond());
    let shown: String = nanoseconds.chars().chain(std::iter::repeat('0')).take(digits).collect();
    let shown = if trimmed { shown.trim_end_matches('0') } else { &shown };
    if shown.is_empty() { String::new() } else { format!(".{shown}") }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::*;

    fn at(instant: &str, zone: &str) -> Zoned {
        instant.parse::<Timestamp>().unwrap().in_tz(zone).unwrap()
    }

    #[test]
    fn a_time_is_formatted_as_go_does() {
        for (layout, expected) in [
            ("2006-01-02", "2026-01-05"),
            ("Jan _2 15:04:05", "Jan  5 04:07:09"),
            ("Monday, January 2, 2006", "Monday, January 5, 2026"),
            ("Mon 3:4:5 PM pm", "Mon 4:7:9 AM am"),
            ("Month 100%", "Month 100%"),
            ("06.002 __2", "26.005   5"),
            ("_2006", "_2026"),
            (".000 .00 .99 .9999", ".060 .06 .06 .06"),
            ("15:04:05.000000", "04:07:09.060000"),
            ("RFC3339", "2026-01-05T04:07:09-05:00"),
            ("RFC3339Nano", "2026-01-05T04:07:09.06-05:00"),
            ("RFC1123", "Mon, 05 Jan 2026 04:07:09 EST"),
            ("Z0700 -0700 -07:00 MST", "-0500 -0500 -05:00 EST"),
        ] {
            let time = at("2026-01-05T09:07:09.06Z", "America/New_York");
            assert_eq!(format(&time, layout).unwrap(), expected, "{layout}");
        }
    }

    #[test]
    fn utc_is_a_z_where_the_layout_says_so() {
        let time = at("2026-01-05T09:07:09Z", "UTC");
        assert_eq!(format(&time, "15Z07:00 Z0700 -0700").unwrap(), "09Z Z +0000");
    }

    #[test]
    fn a_text_is_parsed_as_go_does() {
        for (layout, text, expected) in [
            ("RFC3339", "2026-01-05T09:07:09Z", "2026-01-05T09:07:09Z"),
            ("RFC3339", "2026-01-05T09:07:09.25+02:00", "2026-01-05T07:07:09.25Z"),
            ("2006-01-02", "2026-01-05", "2026-01-05T00:00:00Z"),
            ("2006-01-02 15:04", "2026-01-05 09:07", "2026-01-05T09:07:00Z"),
            ("Jan 2 2006 3:04PM -0700", "Jan 5 2026 9:07PM -0500", "2026-01-06T02:07:00Z"),
        ] {
            assert_eq!(parse(layout, text).unwrap(), expected.parse().unwrap(), "{layout}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_an_error() {
        for (layout, text, expected) in [
            ("2006-01-02", "05.01.2026", "got `05.01.2026`, expected the layout `2006-01-02`"),
            ("2006-01-02", "2026-01-05 or so", "got `2026-01-05 or so`, expected the layout `2006-01-02`"),
            ("RFC1123", "Mon, 05 Jan 2026 04:07:09 EST", "a time zone's abbreviation cannot be read"),
            ("15:04:05,000", "", "`,0` in the layout `15:04:05,000` is not known here"),
            ("15-07", "", "`-07` in the layout `15-07` is not known here"),
        ] {
            let error = parse(layout, text).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
