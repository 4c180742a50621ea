//! How long a passed gate holds.

use std::fmt;

use jiff::SignedDuration;

/// A duration, written `"72h"`, `"3d"` or `"90m"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaxAge {
    spelled: String,
    duration: SignedDuration,
}

impl MaxAge {
    /// Reads a positive whole number and a unit, `m`, `h` or `d`. `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let unit_at = text.len().checked_sub(1)?;
        let (number, unit) = text.split_at_checked(unit_at)?;
        let seconds_each: u32 = match unit {
            "m" => 60,
            "h" => 3_600,
            "d" => 86_400,
            _ => return None,
        };
        if !number.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let number: u32 = number.parse().ok().filter(|n| *n > 0)?;
        let seconds = i64::from(number).checked_mul(i64::from(seconds_each))?;
        Some(Self { spelled: text.to_owned(), duration: SignedDuration::from_secs(seconds) })
    }

    /// The same as a duration.
    pub fn duration(&self) -> SignedDuration {
        self.duration
    }
}

impl fmt::Display for MaxAge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.spelled)
    }
}
