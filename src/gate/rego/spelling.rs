//! Which name somebody may have meant. Not here: which names there are.

/// Letters that may differ, at most; in a short name, fewer.
const DISTANCE_MAX: usize = 3;
/// One letter in so many may differ.
const CHARS_PER_MISTAKE: usize = 3;

/// The name that is spelled most like this one, if any is alike.
pub(super) fn nearest<'n>(name: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let length = name.chars().count();
    let most = length.saturating_add(1).div_euclid(CHARS_PER_MISTAKE).min(DISTANCE_MAX);
    let alike = names.into_iter().filter(|other| other.chars().count().abs_diff(length) <= most);
    let near = alike.map(|other| (distance(name, other), other)).filter(|(distance, _)| *distance <= most);
    near.min().map(|(_, other)| other)
}

/// Letters to insert, remove or replace (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.chars().count()).collect();
    for (number, letter) in one.chars().enumerate() {
        let (mut corner, mut left) = (number, number.saturating_add(1));
        let mut next = vec![left];
        for (up, other_letter) in row.iter().skip(1).zip(other.chars()) {
            let replaced = corner.saturating_add(usize::from(letter != other_letter));
            left = replaced.min(up.saturating_add(1)).min(left.saturating_add(1));
            corner = *up;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_is_the_number_of_letters_to_change() {
        for (one, other, expected) in [
            ("", "", 0),
            ("", "abc", 3),
            ("count", "count", 0),
            ("kitten", "sitting", 3),
            ("startwith", "startswith", 1),
        ] {
            assert_eq!((distance(one, other), distance(other, one)), (expected, expected), "{one} {other}");
        }
    }

    #[test]
    fn the_nearest_name_is_found_if_it_is_near_enough() {
        let names = ["count", "concat", "sum", "time.weekday"];
        for (name, expected) in [
            ("coutn", Some("count")),
            ("conct", Some("concat")),
            ("time.weekdays", Some("time.weekday")),
            ("foo", None),
            ("", None),
        ] {
            assert_eq!(nearest(name, names), expected, "{name}");
        }
    }
}
