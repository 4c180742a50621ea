//! A regular expression in RE2's syntax, as CEL's `matches` takes it: found anywhere in the text unless it is anchored.

use regex::{Regex, RegexBuilder};

use super::shape::{self, Glob, Language};
use crate::trust::pattern::Pattern;

/// A compiled expression may be this big.
const SIZE: usize = 1 << 20;
/// What the `regex` crate reads otherwise than RE2 does.
const READ_OTHERWISE: [&str; 9] = ["&&", "--", "~~", "[[", "(?x", "(?R", "\\<", "\\>", "\\b{"];
/// Classes that RE2 takes for ASCII alone (<https://github.com/google/re2/wiki/Syntax>).
const ASCII_CLASSES: [&str; 8] = ["\\d", "\\D", "\\w", "\\W", "\\s", "\\S", "\\b", "\\B"];

/// A regular expression.
#[derive(Debug, Clone)]
pub(in crate::trust::gcp) struct Regular {
    regex: Regex,
    /// It has classes that mean other characters to RE2 beyond ASCII.
    ascii_classes: bool,
    /// What it takes; `None` if that was not found out.
    language: Option<Language>,
}

impl Regular {
    /// Reads an expression. One that RE2 would read otherwise, or not at all, is an error.
    pub(super) fn new(pattern: &str) -> Result<Self, String> {
        let posix = pattern.replace("[[:", "");
        if let Some(otherwise) = READ_OTHERWISE.iter().find(|text| posix.contains(**text)) {
            return Err(format!(
                "the regular expression `{pattern}` has `{otherwise}`, which RE2 reads in its own way; write it otherwise"
            ));
        }
        let regex = RegexBuilder::new(pattern).size_limit(SIZE).nest_limit(40).build();
        let regex = regex
            .map_err(|_| format!("the regular expression `{pattern}` cannot be read or is too big; correct it"))?;
        let ascii_classes = ASCII_CLASSES.iter().any(|class| pattern.contains(class));
        Ok(Self { regex, ascii_classes, language: shape::language(pattern) })
    }

    /// Whether it is found in the text.
    pub(super) fn found_in(&self, text: &str) -> Result<bool, String> {
        if self.ascii_classes && !text.is_ascii() {
            return Err(
                "a regular expression has a class of ASCII and meets other characters; write the characters out"
                    .to_owned(),
            );
        }
        Ok(self.regex.is_match(text))
    }

    /// Whether its patterns are all that it takes.
    pub(super) fn is_exact(&self) -> bool {
        matches!(self.language, Some(Language::Exactly(_)))
    }

    /// Patterns of a claim of which each takes only what the expression takes.
    pub(super) fn patterns(&self, claim: &str) -> Vec<Pattern> {
        let globs: &[Glob] = match &self.language {
            Some(Language::Exactly(globs) | Language::Among(globs)) => globs,
            None => &[],
        };
        globs.iter().map(|glob| Pattern::of_parts(claim, glob.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::Regular;
    use crate::trust::pattern::Pattern;

    const SUBJECT: &str = "repo:o/r:environment:release";

    #[test]
    fn it_is_found_anywhere() {
        assert!(Regular::new("environment:rel").unwrap().found_in(SUBJECT).unwrap());
    }

    #[test]
    fn anchors_hold_both_ends() {
        let pattern = Regular::new("^repo:o/r:environment:release$").unwrap();
        assert!(pattern.found_in(SUBJECT).unwrap() && !pattern.found_in(&format!("{SUBJECT}2")).unwrap());
    }

    /// The patterns as they are written, and whether they are all.
    fn taken(source: &str) -> (Vec<String>, bool) {
        let regular = Regular::new(source).unwrap();
        (regular.patterns("sub").iter().map(Pattern::written).collect(), regular.is_exact())
    }

    #[test]
    fn an_anchored_literal_is_exact() {
        let expected = vec!["repo:o/r:environment:prod".to_owned(), SUBJECT.to_owned()];
        assert_eq!(taken("^repo:o/r:environment:(release|prod)$"), (expected, true));
    }

    #[test]
    fn without_anchors_anything_stands_around() {
        assert_eq!(taken("environment:release"), (vec!["*environment:release*".to_owned()], true));
    }

    #[test]
    fn an_anchor_holds_its_own_branch_only() {
        assert_eq!(taken("^repo|prod$"), (vec!["repo*".to_owned(), "*prod".to_owned()], true));
        assert!(taken("(^repo)|(prod$)").1);
    }

    #[test]
    fn points_are_wildcards() {
        assert_eq!(taken("^my.repo:.*:.+$"), (vec!["my?repo:*:?*".to_owned()], true));
        assert_eq!(taken(r"^my\.repo$"), (vec!["my.repo".to_owned()], true));
        assert_eq!(taken("^a.{2}b?$"), (vec!["a??".to_owned(), "a??b".to_owned()], true));
    }

    #[test]
    fn small_classes_are_written_out() {
        assert_eq!(taken("^[Rr]elease$"), (vec!["Release".to_owned(), "release".to_owned()], true));
    }

    #[test]
    fn of_large_classes_and_repeated_groups_some_is_known() {
        for source in ["^[^:]+$", "^(ab|c)*$", "^[a-z]{3}$"] {
            let (patterns, exact) = taken(source);
            assert!(!exact && !patterns.is_empty(), "{source}");
        }
    }

    #[test]
    fn what_is_read_otherwise_is_refused() {
        for pattern in ["[a&&b]", "(?x) a", "(", "a{1000}{1000}", r"\C", r"\Qa\E", "(?=a)"] {
            assert!(Regular::new(pattern).is_err(), "{pattern}");
        }
    }

    #[test]
    fn posix_classes_are_read() {
        assert!(Regular::new("^[[:alpha:]]+$").unwrap().found_in("abc").unwrap());
    }

    #[test]
    fn ascii_classes_say_nothing_of_other_characters() {
        assert!(Regular::new(r"^\w+$").unwrap().found_in("é").is_err());
    }

    #[test]
    fn what_a_pattern_takes_the_expression_takes() {
        for source in [
            "^a(b|c)*d$",
            "x",
            "^repo:[^:]+:environment:rel.{4}$",
            "^(?:a|b){2,3}$",
            "a?b+c*",
            "^.*:environment:release$",
            "",
            "^$",
            "[a-z]+-[0-9]{2}",
        ] {
            let regular = Regular::new(source).unwrap();
            let patterns = regular.patterns("sub");
            assert!(!patterns.is_empty(), "{source}");
            for text in patterns
                .iter()
                .flat_map(|pattern| ["", "x", ":y"].map(|many| pattern.written().replace('*', many).replace('?', "z")))
            {
                assert!(regular.found_in(&text).unwrap(), "{source} {text}");
            }
        }
    }

    #[test]
    fn flags_and_word_boundaries_are_evaluated_but_not_understood() {
        for source in ["(?i)release", r"\brelease\b", r"\d+"] {
            assert_eq!(taken(source), (Vec::new(), false), "{source}");
        }
    }
}
