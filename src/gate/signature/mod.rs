//! The signature of a gate's job: a token of GitHub's OIDC provider that the job itself fetched. It proves what no API says: that the job ran in the gate's
//! environment, and at which full ref (<https://docs.github.com/actions/reference/security/oidc>). Pure: token, keys and expectations in, a verdict out.
//! Not here: where token and keys come from (`github/`), and what follows (`checks/signature.rs`).

mod claims;
mod evidence;
mod keys;
mod token;

pub use self::claims::Claims;
pub(in crate::gate) use self::claims::{shown, text};
pub use self::evidence::{Candidate, Signatures, artifact_name};
pub use self::keys::{InvalidKeys, IssuerKeys};
pub use self::token::{TOKEN_BYTES_MAX, TokenError, verify};
