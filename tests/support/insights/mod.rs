//! CloudWatch Logs Insights, as much of its language as our queries use
//! (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html>).
//!
//! What is not known here is an error, so that no query can use it. What AWS's documentation leaves open is an error too, as soon as a line makes a query depend
//! on it: a comparison of a number with text, `!=` or a function with a field that a line does not have, a group or an order by such a field.
//!
//! No package has it: moto takes `fields`, `sort` and `limit` and skips the rest of a query; the crate `fakecloud-logs`, under the AGPL, documents neither `in` nor
//! any function of a field.

mod event;
mod order;
mod parse;
mod query;
pub(crate) mod run;
mod tokens;
mod value;

pub(crate) use event::Event;
