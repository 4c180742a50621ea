//! The part of CEL (<https://github.com/google/cel-spec/blob/master/doc/langdef.md>) that conditions on GitHub's claims are written in.

mod compared;
mod evaluate;
mod lexer;
mod parser;
mod regular;
mod shape;

pub(super) use compared::{Asked, compared};
pub(super) use evaluate::{Evaluation, Mode, Stop, Value};
pub(super) use parser::{Attributes, Comparison, Expression, Root, parse};
