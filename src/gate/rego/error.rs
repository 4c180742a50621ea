//! What is wrong with a Rego policy, and where.

use std::fmt;

use crate::model::{quoted, quoted_sentence};

/// Problems by the library's words, each with its most frequent cause first.
const CLEARER: [(&str, &str); 6] = [
    ("`if` keyword is required before rule body", "`if` is missing before the rule's body: write `if {`"),
    ("unexpected keyword `not`", "`not` cannot stand here: is an `if` missing before it?"),
    ("input cannot be shadowed", "`if` is missing before `input`: write `if input`; no rule can be called `input`"),
    ("data cannot be shadowed", "`if` is missing before `data`: write `if data`; no rule can be called `data`"),
    (
        "rule must have a body or assignment",
        "`if` is missing, or the rule has neither a value nor a body: write `NAME if …` or `NAME := …`",
    ),
    (
        "`contains` keyword is required for partial set rules",
        "`contains` is missing: write `NAME contains \"text\"` instead of `NAME[\"text\"]`",
    ),
];

/// Why a policy cannot be used, or could not be evaluated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("policy {}{}: {problem}", quoted(.policy), place_text(.place.as_ref()))]
pub struct RegoError {
    /// The policy's name.
    pub policy: String,
    /// Where; `None` where it is about the whole policy.
    pub place: Option<Place>,
    /// What was got and what was expected.
    pub problem: String,
}

/// A place in a policy's text; both numbers count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The line.
    pub line: u32,
    /// The column, in characters.
    pub column: u32,
}

fn place_text(place: Option<&Place>) -> String {
    place.map(|place| format!(", {place}")).unwrap_or_default()
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

impl RegoError {
    /// An error about the whole policy.
    pub(in crate::gate) fn of_policy(policy: &str, problem: impl Into<String>) -> Self {
        Self { policy: policy.to_owned(), place: None, problem: problem.into() }
    }

    /// An error at a place.
    pub(super) fn at(policy: &str, place: Place, problem: impl Into<String>) -> Self {
        Self { policy: policy.to_owned(), place: Some(place), problem: problem.into() }
    }

    /// An error of the library. Its text shows the place in lines of their own, and may end with a stack trace.
    pub(super) fn of_library(policy: &str, error: &impl fmt::Display) -> Self {
        let text = error.to_string();
        let text = text.split("\n\nStack backtrace").next().unwrap_or_default().trim();
        let problem = text.lines().find_map(|line| line.strip_prefix("error: ")).unwrap_or(first_line(text));
        let place = place_of(text).map(|(_, place)| place);
        let problem = problem.trim_end_matches(':');
        let clearer = CLEARER.iter().find(|(theirs, _)| problem == *theirs).map(|(_, ours)| *ours);
        Self { policy: policy.to_owned(), place, problem: clearer.unwrap_or(problem).to_owned() }
    }

    /// An error of the library about values, which it may repeat: they come from GitHub.
    pub(super) fn of_evaluation(policy: &str, error: &impl fmt::Display) -> Self {
        let error = Self::of_library(policy, error);
        if error.is_time_limit() {
            error
        } else {
            // It quotes with backticks, which would be escaped.
            Self { problem: quoted_sentence(&error.problem.replace('`', "'")).to_string(), ..error }
        }
    }

    /// Whether the library stopped it because it took too long.
    pub(super) fn is_time_limit(&self) -> bool {
        self.problem.starts_with("execution exceeded time limit")
    }

    /// An error of the library about one of several texts, which it names; `policy` where it does not.
    pub(super) fn of_texts(policy: &str, error: &impl fmt::Display) -> Self {
        let text = error.to_string();
        Self::of_library(place_of(&text).map_or(policy, |(text, _)| text), &text)
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or("no reason was given")
}

/// The text's name and the place in a line such as `--> business-hours:3:7`.
fn place_of(text: &str) -> Option<(&str, Place)> {
    let place = text.lines().find_map(|line| line.strip_prefix("--> "))?;
    let (rest, column) = place.rsplit_once(':')?;
    let (name, line) = rest.rsplit_once(':')?;
    Some((name, Place { line: line.parse().ok()?, column: column.parse().ok()? }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FROM_LIBRARY: &str =
        "\n--> p:3:7\n  |\n3 | deny[x] {\n  |       ^\nerror: expecting `}`\n\nStack backtrace:\n   0: secret";

    #[test]
    fn an_error_of_the_library_is_cut_to_its_place_and_its_problem() {
        let error = RegoError::of_library("p", &FROM_LIBRARY);
        assert_eq!(error.to_string(), "policy `p`, line 3, column 7: expecting `}`");
    }

    #[test]
    fn an_error_about_one_of_several_texts_names_it() {
        let error = RegoError::of_texts("test.rego", &FROM_LIBRARY);
        assert_eq!(error.policy, "p");
        assert_eq!(RegoError::of_texts("test.rego", &"no place").policy, "test.rego");
    }

    #[test]
    fn an_error_without_a_place_keeps_its_first_line() {
        let error = RegoError::of_library("p", &"execution exceeded time limit\n\nStack backtrace:\n   0: x");
        assert_eq!(error.to_string(), "policy `p`: execution exceeded time limit");
    }
}
