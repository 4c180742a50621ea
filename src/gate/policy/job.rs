//! Which names a gate's job may have.

use crate::model::InvalidName;

/// Characters of a job's name that GitHub keeps: it cuts a longer one, which then never equals the policy's.
const JOB_CHARS_MAX: usize = 100;

/// Takes the name of a job, as GitHub shows it.
pub(super) fn parse(text: &str) -> Result<String, InvalidName> {
    if text.trim().is_empty() {
        return Err(InvalidName::new(text, "a job's name"));
    }
    let chars = text.chars().count();
    if chars > JOB_CHARS_MAX {
        let expected = format!(
            "at most {JOB_CHARS_MAX} characters, not {chars}: GitHub cuts a longer name, so no job would have this one"
        );
        return Err(InvalidName::new(text, expected));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::*;

    #[test]
    fn a_name_of_100_characters_is_taken() {
        assert_eq!(parse(&"ä".repeat(100)), Ok("ä".repeat(100)));
    }

    #[test]
    fn a_name_that_github_would_cut_is_refused_with_its_length() {
        let error = parse(&"ä".repeat(101)).unwrap_err().to_string();
        assert!(error.contains("expected at most 100 characters, not 101: GitHub cuts a longer name"), "{error}");
    }

    #[test]
    fn a_blank_name_is_refused() {
        assert_eq!(parse(" ").unwrap_err().to_string(), "got ` `, expected a job's name");
    }
}
