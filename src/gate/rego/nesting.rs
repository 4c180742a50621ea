//! How much work a text makes for the parser, before it is parsed.

use super::error::{Place, RegoError};

/// Characters of a policy: what an advanced SSM parameter holds.
pub const POLICY_CHARS_MAX: usize = 8192;
/// The library's parser reads what stands in brackets twice, so each level doubles its work. This is the sum over all characters of two to the power of their
/// level: eight thousand characters at level 6, or a few at level 14.
const PARSE_WORK_MAX: u64 = 1 << 19;

/// Whether the text is short and flat enough to be parsed in a moment.
///
/// # Errors
/// It is too long, or brackets nest too deep.
pub(super) fn examine(policy: &str, text: &str) -> Result<(), RegoError> {
    let length = text.chars().count();
    if length > POLICY_CHARS_MAX {
        let problem = format!("got {length} characters, expected at most {POLICY_CHARS_MAX}: split the policy");
        return Err(RegoError::of_policy(policy, problem));
    }
    examine_nesting(policy, text, PARSE_WORK_MAX)
}

/// The same for nesting alone, with a bound of the caller's.
pub(super) fn examine_nesting(policy: &str, text: &str, work_max: u64) -> Result<(), RegoError> {
    let mut inside = Inside::Code;
    let (mut level, mut work) = (0_u32, 0_u64);
    let mut place = Place { line: 1, column: 0 };
    for c in text.chars() {
        place.column = place.column.saturating_add(1);
        inside = inside.after(c);
        if inside == Inside::Code {
            level = match c {
                '[' | '{' => level.saturating_add(1),
                ']' | '}' => level.saturating_sub(1),
                _ => level,
            };
        }
        work = work.saturating_add(2_u64.saturating_pow(level));
        if work > work_max {
            return Err(RegoError::at(
                policy,
                place,
                "brackets nest too deep, or too much stands in them: use rules to name the parts",
            ));
        }
        if c == '\n' {
            place = Place { line: place.line.saturating_add(1), column: 0 };
        }
    }
    Ok(())
}

/// A text with blanks for what stands in comments, and quotes for what stands in strings.
pub(super) fn code(text: &str) -> String {
    let mut inside = Inside::Code;
    let code = text.chars().map(|c| {
        inside = inside.after(c);
        match inside {
            Inside::Code => c,
            Inside::Comment => ' ',
            Inside::String | Inside::Escape | Inside::RawString => '"',
        }
    });
    code.collect()
}

/// What a character stands in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    Code,
    Comment,
    String,
    /// After a backslash in a string.
    Escape,
    RawString,
}

impl Inside {
    fn after(self, c: char) -> Self {
        match (self, c) {
            (Self::Code, '#') => Self::Comment,
            (Self::Code, '"') | (Self::Escape, _) => Self::String,
            (Self::Code, '`') => Self::RawString,
            (Self::Comment, '\n') | (Self::String, '"') | (Self::RawString, '`') => Self::Code,
            (Self::String, '\\') => Self::Escape,
            (inside, _) => inside,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(levels: usize) -> String {
        format!("package p\nx = {}1{}\n", "[".repeat(levels), "]".repeat(levels))
    }

    #[test]
    fn what_people_write_is_flat_enough() {
        assert_eq!(examine("p", &nested(10)), Ok(()));
        assert_eq!(examine("p", &"deny[\"x\"] { input.run.attempt > 1 }\n".repeat(200)), Ok(()));
    }

    #[test]
    fn brackets_that_nest_too_deep_are_refused_where_they_are() {
        let error = examine("p", &nested(20)).map_err(|error| error.to_string());
        assert!(error.is_err_and(|text| text.starts_with("policy `p`, line 2, column 2")));
    }

    #[test]
    fn brackets_in_strings_and_comments_do_not_count() {
        for text in [
            format!("# {}", "[".repeat(50)),
            format!("x = \"\\\"{}\"", "{".repeat(50)),
            format!("x = `{}`", "[".repeat(50)),
        ] {
            assert_eq!(examine("p", &text), Ok(()), "{text}");
        }
    }

    #[test]
    fn a_policy_that_is_too_long_is_refused() {
        assert_eq!(examine("p", &"#".repeat(POLICY_CHARS_MAX)), Ok(()));
        let problem = examine("p", &"#".repeat(POLICY_CHARS_MAX + 1)).map_err(|error| error.problem);
        assert!(problem.is_err_and(|text| text.starts_with("got 8193 characters, expected at most 8192")));
    }
}
