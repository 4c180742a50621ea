//! What several tests need.

/// How long a test waits for what must happen, on whatever machine: long enough that nothing but a hang ends it.
pub(crate) const PATIENCE: std::time::Duration = std::time::Duration::from_mins(10);

/// Whether every generated case is tried, as `make test` does. A plain `cargo test` tries a tenth of them, so that it is quick.
pub(crate) fn is_thorough() -> bool {
    std::env::var_os("THOROUGH").is_some()
}

/// How many of so many generated cases are tried.
pub(crate) fn cases(all: u64) -> u64 {
    if is_thorough() { all } else { all / 10 }
}

pub(crate) mod audit;
pub(crate) mod authority;
pub(crate) mod browser;
pub(crate) mod burst;
pub(crate) mod bus;
pub(crate) mod busy;
pub(crate) mod deployment;
pub(crate) mod documents;
pub(crate) mod doubts;
pub(crate) mod estate;
pub(crate) mod fixtures;
pub(crate) mod fleet;
pub(crate) mod front;
pub(crate) mod function;
pub(crate) mod github;
pub(crate) mod http;
pub(crate) mod insights;
pub(crate) mod kms;
pub(crate) mod lambda;
pub(crate) mod manifest;
pub(crate) mod mortal;
pub(crate) mod moto;
pub(crate) mod process;
pub(crate) mod recovery;
pub(crate) mod runs;
pub(crate) mod simulation;
