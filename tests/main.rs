//! Tests drive what ships, from the outside: signed bytes in, HTTP status and calls to GitHub out.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::too_many_lines,
    reason = "a test that cannot go on fails; it has a clock of its own"
)]

mod architecture;
mod aws;
mod burst;
mod cases;
mod command_line;
mod corpus;
mod costs;
mod doctor;
mod faults;
mod function;
mod logs;
mod malformed_events;
mod one_fact_off;
mod openapi;
mod process;
mod properties;
mod recovery;
mod settings;
mod setup;
mod signature;
mod simulate;
mod soak;
mod start;
mod support;
mod template;
mod watch;
mod wire;
