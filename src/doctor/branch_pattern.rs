//! A pattern of *Deployment branches and tags*, as GitHub matches it: Ruby's `File.fnmatch` with `FNM_PATHNAME`
//! (<https://docs.github.com/actions/reference/workflows-and-actions/deployments-and-environments#deployment-branches-and-tags>).

use std::collections::BTreeSet;

/// Digits are ten, and `[0-9]*` is what a version begins with; names with more first letters than that have nothing in common.
const FIRSTS_MAX: usize = 10;
/// A name that nobody would think of. Its beginnings, behind any first letter, are names of every usual length.
const LETTERS: &str = "qxkzwvjqxkzwvj";
/// The same with what else is in names.
const OTHERS: [&str; 4] = ["q-x_k.7z", "q-x.k_7", "q/x-k.7", "q/x/k_7"];

/// A pattern, in parts that each match some of a name.
#[derive(Debug)]
pub(super) struct BranchPattern(Vec<Part>);

#[derive(Debug)]
enum Part {
    /// `*`: anything without a slash.
    Star,
    /// `**/`: folders, or none.
    Folders,
    /// `?`: one character that is no slash.
    Any,
    Literal(char),
    /// `[a-z]`, `[!x]`: one character that is no slash.
    Class {
        is_negated: bool,
        ranges: Vec<(char, char)>,
    },
}

impl BranchPattern {
    /// Every text is a pattern; one that Ruby cannot read matches nothing.
    pub(super) fn parse(pattern: &str) -> Self {
        let chars: Vec<char> = pattern.chars().collect();
        let (mut parts, mut rest) = (Vec::new(), chars.as_slice());
        while let Some((part, after)) = next_part(rest, parts.last()) {
            parts.push(part);
            rest = after;
        }
        Self(parts)
    }

    /// Whether a branch or tag of this name may enter.
    pub(super) fn matches(&self, name: &str) -> bool {
        let name: Vec<char> = name.chars().collect();
        // The places in the name up to which the parts so far may match: no pattern takes longer than its length times the name's, squared.
        let mut reached = BTreeSet::from([0]);
        for part in &self.0 {
            reached = reached.into_iter().flat_map(|from| part.ends(&name, from)).collect();
        }
        reached.contains(&name.len())
    }

    /// Whether it lets in names that have nothing in common: everybody who may push can choose such a name.
    pub(super) fn lets_in_nearly_anything(&self) -> bool {
        let begins_anyhow = matches!(self.0.first(), Some(Part::Star | Part::Folders));
        let lengths = (0..=LETTERS.len()).filter_map(|length| LETTERS.get(..length));
        let rests: Vec<&str> = lengths.chain(OTHERS).collect();
        let firsts = ('0'..='9').chain('a'..='z').chain('A'..='Z');
        let lets_in = |first: &char| rests.iter().any(|rest| self.matches(&format!("{first}{rest}")));
        begins_anyhow || firsts.filter(lets_in).count() > FIRSTS_MAX
    }
}

impl Part {
    /// Where it may end if it begins at `from`.
    fn ends(&self, name: &[char], from: usize) -> Vec<usize> {
        let rest = || name.iter().skip(from);
        let one = |fits: &dyn Fn(char) -> bool| {
            rest().next().filter(|c| fits(**c)).map(|_| from.saturating_add(1)).into_iter().collect()
        };
        match self {
            Self::Star => {
                let longest = rest().take_while(|c| **c != '/').count();
                (from..=from.saturating_add(longest)).collect()
            }
            Self::Folders => {
                let behind_slashes =
                    (from..).zip(rest()).filter(|(_, c)| **c == '/').map(|(at, _)| at.saturating_add(1));
                [from].into_iter().chain(behind_slashes).collect()
            }
            Self::Any => one(&|c| c != '/'),
            Self::Literal(literal) => one(&|c| c == *literal),
            Self::Class { is_negated, ranges } => {
                let is_in = |c| ranges.iter().any(|(first, last)| (*first..=*last).contains(&c));
                one(&|c| c != '/' && is_in(c) != *is_negated)
            }
        }
    }
}

fn next_part<'p>(rest: &'p [char], before: Option<&Part>) -> Option<(Part, &'p [char])> {
    let begins_segment = matches!(before, None | Some(Part::Literal('/') | Part::Folders));
    Some(match rest {
        [] => return None,
        ['*', '*', '/', after @ ..] if begins_segment => (Part::Folders, after),
        ['*', after @ ..] => (Part::Star, after),
        ['?', after @ ..] => (Part::Any, after),
        ['[', after @ ..] => class(after),
        ['\\', c, after @ ..] | [c, after @ ..] => (Part::Literal(*c), after),
    })
}

/// What follows a `[`, and the rest. A class that does not end matches nothing, and nor does what follows it.
fn class(inside: &[char]) -> (Part, &[char]) {
    let (is_negated, mut rest) = match inside {
        ['!' | '^', after @ ..] => (true, after),
        _ => (false, inside),
    };
    let mut ranges = Vec::new();
    loop {
        match rest {
            [] => return (Part::Class { is_negated: false, ranges: Vec::new() }, rest),
            [']', after @ ..] => return (Part::Class { is_negated, ranges }, after),
            _ => {}
        }
        let (first, after) = class_char(rest);
        let (last, after) = match after {
            ['-', next, ..] if *next != ']' => class_char(after.get(1..).unwrap_or_default()),
            _ => (first, after),
        };
        ranges.extend(first.zip(last));
        rest = after;
    }
}

fn class_char(rest: &[char]) -> (Option<char>, &[char]) {
    match rest {
        [] => (None, rest),
        ['\\', c, after @ ..] | [c, after @ ..] => (Some(*c), after),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, name: &str) -> bool {
        BranchPattern::parse(pattern).matches(name)
    }

    #[test]
    fn a_name_without_wildcards_matches_itself_alone() {
        assert!(matches("main", "main") && matches("release/1", "release/1") && matches("a\\*b", "a*b"));
        assert!(!matches("main", "main2") && !matches("main", "mai") && !matches("a\\*b", "axb") && !matches("", "a"));
    }

    #[test]
    fn a_wildcard_stops_at_a_slash() {
        assert!(matches("*", "main") && matches("v*", "v1.2") && matches("release/*/*", "release/1/x"));
        assert!(matches("?ain", "main") && matches("v[0-9].*", "v1.2"));
        assert!(!matches("*", "a/b") && !matches("release/*", "release/1/x") && !matches("a?b", "a/b"));
        assert!(!matches("a[!x]b", "a/b") && !matches("a[.-0]b", "a/b"));
    }

    #[test]
    fn two_stars_and_a_slash_match_folders_or_none() {
        assert!(matches("**/main", "main") && matches("**/main", "a/b/main") && matches("a/**/b", "a/x/y/b"));
        assert!(matches("a/**/b", "a/b") && matches("**", "a") && matches("x**/a", "xy/a"));
        assert!(!matches("**", "a/b") && !matches("x**/a", "xa") && !matches("**/main", "domain"));
    }

    #[test]
    fn a_class_is_of_characters_and_ranges() {
        assert!(
            matches("[Mm]ain", "Main") && matches("[a-c-]", "-") && matches("[^a-c]", "d") && matches("[\\]]", "]")
        );
        assert!(!matches("[Mm]ain", "pain") && !matches("[!a-c]", "b") && !matches("[]", "a") && !matches("[a", "a"));
        assert!(!matches("[a-", "a") && !matches("[\\", "\\"));
    }

    #[test]
    fn a_pattern_that_takes_names_with_nothing_in_common_is_no_restriction() {
        for pattern in [
            "*",
            "**",
            "**/*",
            "*/*",
            "*/*/*",
            "*-release",
            "[a-z]*",
            "[a-zA-Z0-9]*",
            "[!m]*",
            "[^_]*",
            "?*",
            "??*",
            "?????",
            "[a-z][a-z]*",
            "[a-z]*[0-9]",
            "?*/?*",
            "[a-z]*/**/*",
            "[a-m]*",
            "[A-Z]*",
        ] {
            assert!(BranchPattern::parse(pattern).lets_in_nearly_anything(), "{pattern}");
        }
    }

    #[test]
    fn a_pattern_that_asks_for_a_beginning_is_a_restriction() {
        for pattern in [
            "main",
            "v*",
            "release/*",
            "release/**/*",
            "[Mm]ain",
            "[Rr]elease*",
            "[0-9]*",
            "[0-9]*.[0-9]*.[0-9]*",
            "v[0-9]*",
            "?ain",
            "[vV]*",
            "\\*",
            "[a-z",
            "",
        ] {
            assert!(!BranchPattern::parse(pattern).lets_in_nearly_anything(), "{pattern}");
        }
    }

    #[test]
    fn a_pattern_of_many_stars_takes_no_longer_than_its_length() {
        assert!(!matches(&"*a".repeat(120), &"a".repeat(119)));
        assert!(matches(&"*a".repeat(120), &"a".repeat(200)));
    }
}
