//! How far setup is, printed at once.

use std::fmt;
use std::io::Write as _;

/// The steps of setup.
#[derive(Debug, Clone, Copy)]
pub(super) enum SetupStep {
    Policy,
    App,
    Webhook,
}

/// Prints what was done.
pub(super) fn report(step: SetupStep, text: impl fmt::Display) -> std::io::Result<()> {
    let (number, name) = match step {
        SetupStep::Policy => (1, "policy"),
        SetupStep::App => (2, "App"),
        SetupStep::Webhook => (3, "webhook"),
    };
    let mut out = std::io::stdout();
    writeln!(out, "{number} of 3  {name:<8}  {text}")?;
    out.flush()
}
