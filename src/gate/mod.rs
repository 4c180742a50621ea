//! The decision core: policy and evidence in, a decision with every reason out.
//!
//! Pure, synchronous and total. Not here: I/O, GitHub's wire format, a clock (the present is an argument), logging.

mod check;
mod checks;
mod comment;
mod covered;
mod decide;
mod evidence;
mod passed_gate;
pub mod policy;
mod scope;

pub use self::check::{Check, Finding, Verdict};
pub use self::comment::{COMMENT_BYTES_MAX, Comment};
pub use self::covered::Covered;
pub use self::decide::{Approval, Decision, Deferral, Rejection, decide};
pub use self::evidence::{Evidence, Facts, Incomplete};
pub use self::passed_gate::{Approver, PassedGate};
pub use self::policy::Policy;
pub use self::scope::{OutOfScope, Scope, scope};
