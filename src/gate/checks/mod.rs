//! The checks, one file for each thing that they look at. Not here: what follows from their findings.

mod approval;
mod carried_over;
pub(super) mod case;
mod conclusion;
mod execution;
pub(super) mod gate;
pub(super) mod history;
pub(super) mod people;
pub(super) mod run;
mod starter;
