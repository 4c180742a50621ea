//! What several tests need.

pub(crate) mod fixtures;
pub(crate) mod function;
pub(crate) mod lambda;
pub(crate) mod moto;
