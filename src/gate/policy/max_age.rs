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
