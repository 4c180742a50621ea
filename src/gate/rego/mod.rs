//! Policies in Rego: they can only take an approval away.
//!
//! A policy is read once, with everything that its evaluation could not survive refused from its syntax tree; it is evaluated for each decision, on a document
//! that is made of the evidence. Not here: where policies come from, and what follows from their findings.

mod asked;
mod builtins;
mod calls;
mod coverage;
mod error;
mod file;
mod functions;
mod go_layout;
mod input;
mod input_schema;
mod input_value;
mod keywords;
mod library;
mod metadata;
mod modules;
mod negation;
mod nesting;
mod paths;
mod policy;
mod reader;
mod results;
mod spans;
mod spelling;
mod suite;
mod test_case;
mod test_engine;
mod test_files;
mod test_value;
mod time;
mod tree;
mod warning;

pub use self::coverage::{Coverage, CoveredLines};
pub use self::error::{Place, RegoError};
pub use self::file::RegoFile;
pub use self::input::Input;
pub use self::input_schema::{INPUT_SCHEMA, InputSchema, UnknownField};
pub(in crate::gate) use self::input_value::{InputValue, object};
pub use self::metadata::{Attachment, Metadata, PolicyType};
pub use self::nesting::POLICY_CHARS_MAX;
pub use self::policy::{Evaluation, RegoPolicy};
pub use self::results::{Results, RuleName, Texts};
pub use self::suite::{TestOutcome, TestSuite, TestVerdict};
pub use self::test_case::TestCase;
pub use self::warning::RegoWarning;
