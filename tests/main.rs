//! Tests drive what ships, from the outside: signed bytes in, HTTP status and calls to GitHub out.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    reason = "a test that cannot go on fails; it has a clock of its own"
)]

mod architecture;
mod audit;
mod burst;
mod command_line;
mod costs;
mod doctor;
mod documents;
mod doubt;
mod faults;
mod function;
mod lacking_answers;
mod logs;
mod malformed_events;
mod metrics;
mod module_graph;
mod policy_command;
mod process;
mod recovery;
mod recovery_at_scale;
mod recovery_complete;
mod rego_library;
mod rego_spacelift;
mod release;
mod settings;
mod signature;
mod signed;
mod simulate;
mod start;
#[expect(dead_code, reason = "the layers need more of it")]
mod support;
mod trust_command;
mod wire;
