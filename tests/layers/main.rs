//! Tests that need more than Rust (moto, the SAM CLI and its Lambda runtime, cargo-lambda, a browser, GitHub's own description of its API, git), or minutes.
//! `make test` installs what they need and runs them.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test that cannot go on fails; it has a clock of its own"
)]

mod action_download;
mod aws;
mod bursts;
mod cases;
mod deploy_role;
mod endurance;
mod events;
mod jose;
mod kms;
mod openapi;
mod rego_opa;
mod release;
mod repository;
mod rie;
mod setup;
mod setup_kms;
#[expect(dead_code, reason = "the other tests need more of it")]
#[path = "../support/mod.rs"]
mod support;
mod template;
mod terraform;
mod terraform_apply;
mod terraform_module;
mod trust_iam;
mod watch;
mod workbench;
