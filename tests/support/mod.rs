//! What several tests need.

pub(crate) mod authority;
pub(crate) mod browser;
pub(crate) mod busy;
pub(crate) mod deployment;
pub(crate) mod fixtures;
pub(crate) mod fleet;
pub(crate) mod front;
pub(crate) mod function;
pub(crate) mod http;
pub(crate) mod lambda;
pub(crate) mod manifest;
pub(crate) mod mortal;
pub(crate) mod moto;
pub(crate) mod process;
pub(crate) mod recovery;
pub(crate) mod runs;
pub(crate) mod simulation;
