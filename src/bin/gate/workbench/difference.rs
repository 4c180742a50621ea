//! The lines in which two texts differ, with a few lines around each.

/// Lines around a difference that are shown.
const CONTEXT_LINES: usize = 3;
/// Pairs of lines that are compared; beyond, what differs counts as replaced as a whole.
const PAIRS_MAX: usize = 1_000_000;

/// What became of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Same,
    Removed,
    Added,
}

/// A line of either text, or of both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line<'t> {
    pub(super) change: Change,
    /// The line's number in the older text, from 1.
    pub(super) older: Option<usize>,
    /// The line's number in the newer text, from 1.
    pub(super) newer: Option<usize>,
    pub(super) text: &'t str,
}

/// What differs, as groups of lines that stand together; nothing for equal texts.
pub(super) fn difference<'t>(older: &'t str, newer: &'t str) -> Vec<Vec<Line<'t>>> {
    let (older, newer): (Vec<&str>, Vec<&str>) = (lines(older), lines(newer));
    groups(&compare(&older, &newer))
}

/// The last line may end without a line break, which is a difference.
fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

/// Both texts as one list.
fn compare<'t>(older: &[&'t str], newer: &[&'t str]) -> Vec<Line<'t>> {
    let equal = |(one, other): &(&&str, &&str)| one == other;
    let start = older.iter().zip(newer).take_while(equal).count();
    let end_max = older.len().min(newer.len()).saturating_sub(start);
    let end = older.iter().rev().zip(newer.iter().rev()).take(end_max).take_while(equal).count();
    let middle = |texts: &[&'t str]| -> Vec<&'t str> {
        texts.iter().take(texts.len().saturating_sub(end)).skip(start).copied().collect()
    };
    let mut changes = vec![Change::Same; start];
    changes.extend(middle_changes(&middle(older), &middle(newer)));
    changes.extend(std::iter::repeat_n(Change::Same, end));
    numbered(&changes, older, newer)
}

/// Numbers the lines.
fn numbered<'t>(changes: &[Change], older: &[&'t str], newer: &[&'t str]) -> Vec<Line<'t>> {
    let (mut older, mut newer) = ((1..).zip(older), (1..).zip(newer));
    let mut line = |change: Change| {
        let removed = if change == Change::Added { None } else { Some(older.next()?) };
        let added = if change == Change::Removed { None } else { Some(newer.next()?) };
        let (_, text) = added.or(removed)?;
        Some(Line { change, older: removed.map(|(number, _)| number), newer: added.map(|(number, _)| number), text })
    };
    changes.iter().filter_map(|change| line(*change)).collect()
}

/// The way from one list to the other that keeps as many lines as possible.
fn middle_changes(older: &[&str], newer: &[&str]) -> Vec<Change> {
    if older.len().saturating_mul(newer.len()) > PAIRS_MAX {
        let removed = older.iter().map(|_| Change::Removed);
        return removed.chain(newer.iter().map(|_| Change::Added)).collect();
    }
    let kept = kept_lines(older, newer);
    let kept = |at: usize, other: usize| kept.get(at).and_then(|row| row.get(other)).copied().unwrap_or_default();
    let (mut at, mut other, mut changes) = (0_usize, 0_usize, Vec::new());
    loop {
        match (older.get(at), newer.get(other)) {
            (Some(one), Some(two)) if one == two => {
                changes.push(Change::Same);
                (at, other) = (at.saturating_add(1), other.saturating_add(1));
            }
            (Some(_), two)
                if two.is_none() || kept(at.saturating_add(1), other) >= kept(at, other.saturating_add(1)) =>
            {
                changes.push(Change::Removed);
                at = at.saturating_add(1);
            }
            (_, Some(_)) => {
                changes.push(Change::Added);
                other = other.saturating_add(1);
            }
            (_, None) => return changes,
        }
    }
}

/// How many lines can be kept from each pair of places on: a table with one row for each line of `older`, and one more.
fn kept_lines(older: &[&str], newer: &[&str]) -> Vec<Vec<u32>> {
    let mut rows = vec![vec![0_u32; newer.len().saturating_add(1)]];
    for one in older.iter().rev() {
        let mut row = vec![0_u32];
        if let Some(below) = rows.last() {
            // From the right: what is below, and what is below and to the right.
            for ((two, below), diagonal) in newer.iter().rev().zip(below.iter().rev().skip(1)).zip(below.iter().rev()) {
                let right = row.last().copied().unwrap_or_default();
                row.push(if one == two { diagonal.saturating_add(1) } else { right.max(*below) });
            }
        }
        row.reverse();
        rows.push(row);
    }
    rows.reverse();
    rows
}

/// Leaves out what is far from any difference.
fn groups<'t>(lines: &[Line<'t>]) -> Vec<Vec<Line<'t>>> {
    let reach = CONTEXT_LINES.saturating_mul(2).saturating_add(1);
    let near = |at: usize| {
        let around = lines.iter().skip(at.saturating_sub(CONTEXT_LINES));
        around
            .take(reach.min(at.saturating_add(CONTEXT_LINES).saturating_add(1)))
            .any(|line| line.change != Change::Same)
    };
    let mut groups: Vec<Vec<Line<'t>>> = vec![Vec::new()];
    for (at, line) in lines.iter().enumerate() {
        if near(at) {
            groups.last_mut().into_iter().for_each(|group| group.push(*line));
        } else if groups.last().is_some_and(|group| !group.is_empty()) {
            groups.push(Vec::new());
        }
    }
    groups.retain(|group| !group.is_empty());
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each line with its mark, groups with a line between them.
    fn shown(older: &str, newer: &str) -> String {
        let line = |line: &Line<'_>| {
            let mark = match line.change {
                Change::Same => ' ',
                Change::Removed => '-',
                Change::Added => '+',
            };
            format!("{mark}{}", line.text.trim_end())
        };
        let groups = difference(older, newer);
        groups.iter().map(|group| group.iter().map(line).collect::<Vec<_>>().join(",")).collect::<Vec<_>>().join(" | ")
    }

    #[test]
    fn equal_texts_do_not_differ() {
        assert_eq!(shown("a\nb\n", "a\nb\n"), "");
        assert_eq!(shown("", ""), "");
    }

    #[test]
    fn a_changed_line_is_removed_and_added() {
        assert_eq!(shown("a\nb\nc\n", "a\nx\nc\n"), " a,-b,+x, c");
    }

    #[test]
    fn lines_are_added_and_removed_alone() {
        assert_eq!(shown("a\nb\n", "a\nx\nb\n"), " a,+x, b");
        assert_eq!(shown("a\nb\n", "b\n"), "-a, b");
        assert_eq!(shown("", "a\n"), "+a");
        assert_eq!(shown("a\n", ""), "-a");
    }

    #[test]
    fn as_many_lines_as_possible_are_kept() {
        assert_eq!(shown("a\nb\nc\nd\n", "b\nx\nd\na\n"), "-a, b,-c,+x, d,+a");
    }

    #[test]
    fn a_missing_line_break_at_the_end_is_a_difference() {
        assert_eq!(shown("a\n", "a"), "-a,+a");
    }

    #[test]
    fn lines_that_repeat_at_both_ends_are_counted_once() {
        assert_eq!(shown("a\na\n", "a\na\na\n"), " a, a,+a");
    }

    #[test]
    fn what_is_far_from_a_difference_is_left_out() {
        let text: String = (1..=20).map(|number| number.to_string() + "\n").collect();
        let changed = text.replace("\n3\n", "\nx\n").replace("\n15\n", "\ny\n");
        assert_eq!(shown(&text, &changed), " 1, 2,-3,+x, 4, 5, 6 |  12, 13, 14,-15,+y, 16, 17, 18");
    }

    #[test]
    fn lines_have_their_numbers_in_both_texts() {
        let groups = difference("a\nb\n", "x\na\nb\n");
        let numbers: Vec<_> = groups.iter().flatten().map(|line| (line.older, line.newer)).collect();
        assert_eq!(numbers, [(None, Some(1)), (Some(1), Some(2)), (Some(2), Some(3))]);
    }

    #[test]
    fn texts_that_are_too_long_to_compare_are_replaced() {
        let long =
            |letter: &str| (0..=1000).map(|number| letter.to_owned() + &number.to_string() + "\n").collect::<String>();
        let (older, newer) = (long("a"), long("b"));
        let groups = difference(&older, &newer);
        assert_eq!(groups.iter().flatten().filter(|line| line.change == Change::Removed).count(), 1001);
    }
}
