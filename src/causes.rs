//! An error and what caused it, in one line.

/// An error and what caused it, in one line. Never their `Debug`: it may hold what nobody should read.
pub fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
