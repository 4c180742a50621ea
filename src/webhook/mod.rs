//! Steps 1 and 2: from bytes and headers to a typed request. No network.

mod event;
mod json;
mod parse;
mod refusal;
mod signature;

pub use event::{Event, Route, UnverifiedDelivery};
pub use parse::{Ignored, Parsed, parse};
pub use refusal::Refusal;
pub use signature::{InvalidSecrets, Secrets, VerifiedDelivery, sign};

/// Bytes of a delivery that are read. GitHub's own cap is 25 MB; the event that we answer has some 30 kB.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;
