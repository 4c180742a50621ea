//! The checks, one file for each thing that they look at. Not here: what follows from their findings.

mod approval;
mod carried_over;
pub(super) mod case;
mod conclusion;
mod execution;
pub(super) mod gate;
pub(super) mod history;
mod input;
pub(super) mod people;
pub(super) mod policies;
mod reviews;
pub(super) mod run;
pub(super) mod signature;
mod signed_claims;
mod starter;
mod workflow_file;
