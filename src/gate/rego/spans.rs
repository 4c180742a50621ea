//! Where something stands in a text. The library leaves out the quotes of a string, also of one with which something longer begins or ends.

use std::ops::Range;

use regorus::unstable::Span;

/// The bytes of a text, quotes included.
pub(super) fn whole_range(span: &Span) -> Option<Range<usize>> {
    let text = span.source.contents();
    let (start, end) = (usize::try_from(span.start).ok()?, usize::try_from(span.end).ok()?);
    // Nothing else can stand next to a quote.
    let before = text.get(..start)?.ends_with(['"', '`']);
    let after = text.get(end..)?.starts_with(['"', '`']);
    Some(start.saturating_sub(usize::from(before))..end.saturating_add(usize::from(after)))
}

/// The text, quotes included.
pub(super) fn whole_text(span: &Span) -> &str {
    whole_range(span).and_then(|range| span.source.contents().get(range)).unwrap_or_default()
}
