//! A query, as types.

use super::value::Value;

/// A command.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Command {
    /// Shows these, and gives them names.
    Fields(Vec<(Expression, String)>),
    /// Keeps what passes.
    Filter(Test),
    /// One row for each group.
    Stats {
        columns: Vec<(Aggregate, String)>,
        by: Vec<String>,
    },
    Sort {
        by: String,
        is_descending: bool,
    },
    Limit(usize),
}

/// What `fields` can show.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expression {
    Field(String),
    /// The first of these fields that the line has.
    Coalesce(Vec<String>),
    /// The beginning of a time's hour or day.
    DateFloor {
        field: String,
        seconds: i64,
    },
    /// 1 if the field contains the text, otherwise 0.
    StrContains {
        field: String,
        text: String,
    },
}

/// What `filter` asks.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Test {
    All(Vec<Test>),
    Any(Vec<Test>),
    IsPresent(String),
    /// `field = value`, `field in [value, …]`.
    IsOneOf {
        field: String,
        values: Vec<Value>,
    },
    /// `field != value`.
    IsNot {
        field: String,
        value: Value,
    },
}

/// What `stats` makes of a group.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Aggregate {
    Count,
    CountDistinct(String),
    /// The value of the line that was written first.
    Earliest(String),
    /// The value of the line that was written last.
    Latest(String),
    Sum(String),
}
