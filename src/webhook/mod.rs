//! From bytes and headers to a typed request: verify, parse. No network.

mod delivery;
mod parse;
mod refusal;
mod signature;

pub use delivery::UnverifiedDelivery;
pub use parse::{NotForUs, Parsed, parse};
pub use refusal::{BODY_BYTES_MAX, Refusal};
pub use signature::{InvalidSecrets, Secrets, VerifiedDelivery, sign};
