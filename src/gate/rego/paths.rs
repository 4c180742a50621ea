//! Names and places in a syntax tree.

use std::collections::BTreeSet;

use regorus::Value;
use regorus::unstable::{AssignOp, Expr, Literal, Query, Span};
use serde_json::Value as Json;

use super::calls::RulePath;
use super::error::{Place, RegoError};

pub(super) fn at(policy: &str, span: &Span, problem: String) -> RegoError {
    RegoError::at(policy, place(span), problem)
}

pub(super) fn place(span: &Span) -> Place {
    Place { line: span.line, column: span.col }
}

pub(super) fn text_of(value: &Value) -> Option<String> {
    value.as_string().ok().map(ToString::to_string)
}

/// `data.acme["my-package"].deny`.
pub(super) fn full_path(path: &RulePath) -> String {
    let part = |part: &String| {
        if is_identifier(part) { format!(".{part}") } else { format!("[{}]", Json::from(part.as_str())) }
    };
    let parts: Vec<String> = path.iter().map(part).collect();
    format!("data{}", parts.concat())
}

fn is_identifier(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && text.starts_with(|c: char| !c.is_ascii_digit())
}

/// A reference as far as its parts are constant; and whether they all are.
pub(super) fn path(expr: &Expr) -> Option<(RulePath, bool)> {
    match expr {
        Expr::Var { value, .. } => Some((vec![text_of(value)?], true)),
        Expr::RefDot { refr, field, .. } => Some(longer(path(refr)?, text_of(&field.1))),
        Expr::RefBrack { refr, index, .. } => {
            let part = match index.as_ref() {
                Expr::String { value, .. } | Expr::RawString { value, .. } => text_of(value),
                _ => None,
            };
            Some(longer(path(refr)?, part))
        }
        _ => None,
    }
}

fn longer((mut path, is_constant): (RulePath, bool), part: Option<String>) -> (RulePath, bool) {
    match part {
        Some(part) if is_constant => {
            path.push(part);
            (path, true)
        }
        _ => (path, false),
    }
}

pub(super) fn constant_path(expr: &Expr) -> Option<RulePath> {
    path(expr).filter(|(_, is_constant)| *is_constant).map(|(path, _)| path)
}

pub(super) fn is_reference(expr: &Expr) -> bool {
    matches!(expr, Expr::RefDot { .. } | Expr::RefBrack { .. })
}

/// Where a reference begins. The library gives it the place of its last part.
pub(super) fn start(reference: &Expr) -> Place {
    match reference {
        Expr::RefDot { refr, .. } | Expr::RefBrack { refr, .. } => start(refr),
        other => place(other.span()),
    }
}

/// The names that a query declares for itself.
pub(super) fn declared(query: &Query) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for statement in &query.stmts {
        match &statement.literal {
            Literal::SomeVars { vars, .. } => names.extend(vars.iter().map(|name| name.text().to_owned())),
            Literal::SomeIn { key, value, .. } => names.extend(names_of(key.iter().chain([value]).map(AsRef::as_ref))),
            Literal::Expr { expr, .. } => {
                if let Expr::AssignExpr { op: AssignOp::ColEq, lhs, .. } = expr.as_ref() {
                    names.extend(names_of([lhs.as_ref()]));
                }
            }
            Literal::NotExpr { .. } | Literal::Every { .. } => {}
        }
    }
    names
}

/// The names in a pattern: `x`, `[x, y]`, `{"a": x}`.
pub(super) fn names_of<'e>(patterns: impl IntoIterator<Item = &'e Expr>) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut left: Vec<&Expr> = patterns.into_iter().collect();
    while let Some(pattern) = left.pop() {
        match pattern {
            Expr::Var { value, .. } => names.extend(text_of(value)),
            Expr::Array { items, .. } => left.extend(items.iter().map(AsRef::as_ref)),
            Expr::Object { fields, .. } => left.extend(fields.iter().map(|(_, _, value)| value.as_ref())),
            _ => {}
        }
    }
    names
}
