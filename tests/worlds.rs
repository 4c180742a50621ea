//! The decision over randomly generated worlds, and over stories in which one fact is changed. `make mutants` runs these and the stories.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    clippy::too_many_lines,
    reason = "a test that cannot go on fails; it has a clock of its own"
)]

mod one_fact_off;
mod properties;
#[expect(dead_code, reason = "the other tests need more of it")]
mod support;
mod true_histories;
