//! From bytes and headers to a typed request: verify, parse. No network.

mod delivery;
mod parse;
mod refusal;
mod signature;

pub use delivery::{BODY_BYTES_MAX, UnverifiedDelivery};
pub use parse::{NotForUs, Parsed, parse};
pub use refusal::Refusal;
pub use signature::{InvalidSecrets, Secrets, VerifiedDelivery, sign};
