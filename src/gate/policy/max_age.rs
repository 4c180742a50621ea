//! How long a passed gate holds.

use std::fmt;

use jiff::SignedDuration;

use crate::model::InvalidName;

/// A duration, written `"72h"`, `"3d"` or `"90m"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaxAge {
    spelled: String,
    duration: SignedDuration,
}

impl MaxAge {
    /// Reads a positive whole number and a unit: `m`, `h` or `d`.
    ///
    /// # Errors
    /// Anything else.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let duration = read(text)
            .ok_or_else(|| InvalidName::new(text, "a whole number and a unit, such as `72h`, `3d` or `90m`"))?;
        Ok(Self { spelled: text.to_owned(), duration })
    }

    /// The same as a duration.
    pub fn duration(&self) -> SignedDuration {
        self.duration
    }
}

fn read(text: &str) -> Option<SignedDuration> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds_each: i64 = match unit {
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    // `parse` would take a sign.
    let number: u32 = number.bytes().all(|b| b.is_ascii_digit()).then(|| number.parse().ok())??;
    let seconds = i64::from(number).checked_mul(seconds_each).filter(|seconds| *seconds > 0)?;
    Some(SignedDuration::from_secs(seconds))
}

impl fmt::Display for MaxAge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.spelled)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

    use super::*;

    fn seconds(text: &str) -> Option<i64> {
        MaxAge::parse(text).ok().map(|age| age.duration().as_secs())
    }

    #[test]
    fn a_unit_is_minutes_hours_or_days() {
        assert_eq!(["90m", "72h", "3d"].map(seconds), [Some(5_400), Some(259_200), Some(259_200)]);
    }

    #[test]
    fn it_is_shown_as_it_was_spelled() {
        assert_eq!(MaxAge::parse("072h").map(|age| age.to_string()).as_deref(), Ok("072h"));
    }

    #[test]
    fn anything_else_is_not_a_duration() {
        for text in ["", "h", "72", "0h", "-1h", "+1h", "1.5h", "1 h", "72 hours", "1w", "99999999999d", "1ä"] {
            let error = MaxAge::parse(text).expect_err(text).to_string();
            assert_eq!(
                error,
                format!("got `{text}`, expected a whole number and a unit, such as `72h`, `3d` or `90m`")
            );
        }
    }
}
