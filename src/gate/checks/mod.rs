//! The checks, one file for each thing that they look at. Not here: what follows from their findings.

pub(super) mod case;
pub(super) mod gate;
pub(super) mod history;
pub(super) mod people;
pub(super) mod run;
