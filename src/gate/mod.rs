//! The decision core: policy and evidence in, a decision with every reason out.
//!
//! Pure, synchronous and total. Not here: I/O, GitHub's wire format, a clock (the present is an argument), logging.

mod checks;
mod comment;
mod decide;
mod decision;
mod evidence;
mod finding;
mod gates;
mod people;
pub mod policy;

pub use comment::{COMMENT_BYTES_MAX, Comment};
pub use decide::{Covered, OutOfScope, Scope, decide, scope};
pub use decision::{Approval, Approver, Decision, Deferral, PassedGate, Rejection};
pub use evidence::{Evidence, Facts, Incomplete};
pub use finding::{Check, Finding, Verdict};
pub use policy::Policy;
