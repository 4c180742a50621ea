//! How far setup is, printed at once.

use std::fmt;
use std::io::Write as _;

/// The steps of setup.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    Policy,
    App,
    Webhook,
}

/// Prints what was done.
pub(super) fn report(step: Step, text: impl fmt::Display) -> std::io::Result<()> {
    let (number, name) = match step {
        Step::Policy => (1, "policy"),
        Step::App => (2, "App"),
        Step::Webhook => (3, "webhook"),
    };
    let mut out = std::io::stdout();
    writeln!(out, "{number} of 3  {name:<8}  {text}")?;
    out.flush()
}
