//! What an expression evaluates to for a token. Not here: which values are worth a try.

use serde_json::{Map, Value as Json};

use super::compared::is_followed;
use super::parser::{Attributes, Comparison, Expression, Root};
use crate::trust::token::Token;

/// A value of CEL.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::trust::gcp) enum Value {
    Text(String),
    Number(i64),
    Truth(bool),
    Nothing,
    List(Vec<Value>),
    Map(Map<String, Json>),
}

/// Why there is no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::trust::gcp) enum Stop {
    /// An error of CEL, such as a claim that is missing: whoever depends on it stays out.
    Failed,
    /// It is not understood.
    Unknown(String),
}

/// A value, or why there is none.
pub(in crate::trust::gcp) type Evaluated = Result<Value, Stop>;

/// How the comparisons count that the search for strangers cannot follow, such as of lengths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::trust::gcp) enum Mode {
    /// As they are for this token.
    Exact,
    /// As if they could be anything.
    Widest,
}

/// The evaluation for one token.
#[derive(Debug, Clone, Copy)]
pub(in crate::trust::gcp) struct Evaluation<'a> {
    /// The token, `assertion`.
    pub(in crate::trust::gcp) token: &'a Token,
    /// `google` and `attribute`.
    pub(in crate::trust::gcp) attributes: &'a Attributes,
    /// How much counts.
    pub(in crate::trust::gcp) mode: Mode,
}

impl Evaluation<'_> {
    /// The expression's value. `&&` and `||` are decided by one side if it is enough, whatever becomes of the other
    /// (<https://github.com/google/cel-spec/blob/master/doc/langdef.md#logical-operators>).
    pub(in crate::trust::gcp) fn value(&self, expression: &Expression) -> Evaluated {
        if self.mode == Mode::Widest && !is_followed(expression, self.attributes) {
            return unknown(
                "its condition compares in a way that the search does not follow; compare claims with text, by `==`, `in`, `startsWith` or `endsWith`",
            );
        }
        match expression {
            Expression::Text(text) => Ok(Value::Text(text.clone())),
            Expression::Number(number) => Ok(Value::Number(*number)),
            Expression::Truth(truth) => Ok(Value::Truth(*truth)),
            Expression::Nothing => Ok(Value::Nothing),
            Expression::Root(_) => {
                unknown("its condition uses `assertion`, `attribute` or `google` as a value; compare one claim")
            }
            Expression::Member(of, name) => self.member(of, name),
            Expression::List(list) => list.iter().map(|one| self.value(one)).collect::<Result<_, _>>().map(Value::List),
            Expression::Not(of) => self.truth(of).map(|truth| Value::Truth(!truth)),
            Expression::All(parts) => self.joined(parts, false),
            Expression::Any(parts) => self.joined(parts, true),
            Expression::Compare(Comparison::In, one, of) => self.contained(one, of),
            Expression::Compare(comparison, one, other) => compare(*comparison, &self.value(one)?, &self.value(other)?),
            Expression::Sum(parts) => self.sum(parts),
            Expression::Choice(condition, then, otherwise) => {
                self.value(if self.truth(condition)? { then } else { otherwise })
            }
            Expression::Has(field) => self.has(field),
            Expression::Call(name, arguments) => {
                let values: Vec<Value> = arguments.iter().map(|one| self.value(one)).collect::<Result<_, _>>()?;
                call(name, &values)
            }
            Expression::Matches(text, regular) => match self.value(text)? {
                Value::Text(text) => regular.found_in(&text).map(Value::Truth).map_err(Stop::Unknown),
                _ => Err(Stop::Failed),
            },
        }
    }

    fn truth(&self, expression: &Expression) -> Result<bool, Stop> {
        match self.value(expression)? {
            Value::Truth(truth) => Ok(truth),
            _ => Err(Stop::Failed),
        }
    }

    /// `&&` (decided by a `false`) or `||` (decided by a `true`).
    fn joined(&self, parts: &[Expression], decides: bool) -> Evaluated {
        let truths: Vec<Result<bool, Stop>> = parts.iter().map(|part| self.truth(part)).collect();
        if truths.contains(&Ok(decides)) {
            return Ok(Value::Truth(decides));
        }
        let stops = || truths.iter().filter_map(|truth| truth.as_ref().err());
        let stop = stops().find(|stop| matches!(stop, Stop::Unknown(_))).or_else(|| stops().next());
        stop.map_or(Ok(Value::Truth(!decides)), |stop| Err(stop.clone()))
    }

    fn member(&self, of: &Expression, name: &str) -> Evaluated {
        match of {
            Expression::Root(Root::Assertion) => self.token.claim(name).map_or(Err(Stop::Failed), of_json),
            Expression::Root(Root::Attribute) => self.attribute(&format!("attribute.{name}")),
            Expression::Root(Root::Google) => self.attribute(&format!("google.{name}")),
            of => match self.value(of)? {
                Value::Map(map) => map.get(name).map_or(Err(Stop::Failed), of_json),
                _ => Err(Stop::Failed),
            },
        }
    }

    /// A mapped attribute. What it is mapped from sees the token alone.
    pub(in crate::trust::gcp) fn attribute(&self, name: &str) -> Evaluated {
        match self.attributes.get(name) {
            None => Err(Stop::Failed),
            Some(Err(why)) => Err(Stop::Unknown(why.clone())),
            Some(Ok(mapping)) => {
                Evaluation { token: self.token, attributes: &Attributes::new(), mode: Mode::Exact }.value(mapping)
            }
        }
    }

    /// `has(…)` of a field.
    fn has(&self, field: &Expression) -> Evaluated {
        let Expression::Member(of, name) = field else {
            return Err(Stop::Failed);
        };
        match of.as_ref() {
            Expression::Root(root) => self.is_in(*root, name),
            of => match self.value(of)? {
                Value::Map(map) => Ok(Value::Truth(map.contains_key(name))),
                _ => Err(Stop::Failed),
            },
        }
    }

    fn is_in(&self, root: Root, name: &str) -> Evaluated {
        let attribute = match root {
            Root::Assertion => return Ok(Value::Truth(self.token.claim(name).is_some())),
            Root::Attribute => format!("attribute.{name}"),
            Root::Google => format!("google.{name}"),
        };
        if !self.attributes.contains_key(&attribute) {
            return Ok(Value::Truth(false));
        }
        match self.attribute(&attribute) {
            Ok(_) => Ok(Value::Truth(true)),
            Err(Stop::Failed) => {
                unknown("its condition asks whether an attribute is there whose claim is missing; ask for the claim")
            }
            Err(stop) => Err(stop),
        }
    }

    fn contained(&self, one: &Expression, of: &Expression) -> Evaluated {
        if let (Expression::Text(name), Expression::Root(root)) = (one, of) {
            return self.is_in(*root, name);
        }
        let one = self.value(one)?;
        match (self.value(of)?, &one) {
            (Value::List(list), one) => {
                let equal: Vec<Evaluated> = list.iter().map(|value| compare(Comparison::Equal, one, value)).collect();
                let found = equal.contains(&Ok(Value::Truth(true)));
                let stop = equal.into_iter().find(Result::is_err).filter(|_| !found);
                stop.unwrap_or(Ok(Value::Truth(found)))
            }
            (Value::Map(map), Value::Text(name)) => Ok(Value::Truth(map.contains_key(name))),
            _ => Err(Stop::Failed),
        }
    }

    fn sum(&self, parts: &[Expression]) -> Evaluated {
        let mut text = String::new();
        for part in parts {
            match self.value(part)? {
                Value::Text(more) => text.push_str(&more),
                _ => return unknown("its condition adds something else than texts; write it otherwise"),
            }
        }
        Ok(Value::Text(text))
    }
}

fn unknown<T>(why: &str) -> Result<T, Stop> {
    Err(Stop::Unknown(why.to_owned()))
}

/// A claim's value.
fn of_json(value: &Json) -> Evaluated {
    match value {
        Json::Null => Ok(Value::Nothing),
        Json::Bool(truth) => Ok(Value::Truth(*truth)),
        Json::Number(number) => number
            .as_i64()
            .map(Value::Number)
            .ok_or_else(|| Stop::Unknown("a claim is a number with a point".to_owned())),
        Json::String(text) => Ok(Value::Text(text.clone())),
        Json::Array(list) => list.iter().map(of_json).collect::<Result<_, _>>().map(Value::List),
        Json::Object(map) => Ok(Value::Map(map.clone())),
    }
}

/// Values of two kinds are unequal or an error, which depends on CEL's version.
fn compare(comparison: Comparison, one: &Value, other: &Value) -> Evaluated {
    let order = match (one, other) {
        (Value::Text(one), Value::Text(other)) => one.cmp(other),
        (Value::Number(one), Value::Number(other)) => one.cmp(other),
        (Value::Truth(one), Value::Truth(other)) => one.cmp(other),
        _ => {
            return unknown(
                "its condition compares values of two kinds; GitHub's claims are text: write the value in quotes",
            );
        }
    };
    Ok(Value::Truth(match comparison {
        Comparison::Equal | Comparison::In => order.is_eq(),
        Comparison::Unequal => order.is_ne(),
        Comparison::Less => order.is_lt(),
        Comparison::LessOrEqual => order.is_le(),
    }))
}

/// The functions that are evaluated
/// (<https://github.com/google/cel-spec/blob/master/doc/langdef.md#list-of-standard-definitions>; `extract`: <https://cloud.google.com/iam/docs/conditions-attribute-reference#extract>).
fn call(name: &str, arguments: &[Value]) -> Evaluated {
    match (name, arguments) {
        ("startsWith", [Value::Text(text), Value::Text(part)]) => Ok(Value::Truth(text.starts_with(part.as_str()))),
        ("endsWith", [Value::Text(text), Value::Text(part)]) => Ok(Value::Truth(text.ends_with(part.as_str()))),
        ("contains", [Value::Text(text), Value::Text(part)]) => Ok(Value::Truth(text.contains(part.as_str()))),
        ("string", [Value::Text(text)]) => Ok(Value::Text(text.clone())),
        ("extract", [Value::Text(text), Value::Text(template)]) => extract(text, template),
        ("size", [Value::Text(text)]) => Ok(Value::Number(i64::try_from(text.chars().count()).unwrap_or(i64::MAX))),
        ("size", [Value::List(list)]) => Ok(Value::Number(i64::try_from(list.len()).unwrap_or(i64::MAX))),
        ("startsWith" | "endsWith" | "contains" | "extract" | "size", _) => Err(Stop::Failed),
        _ => Err(Stop::Unknown(format!(
            "its condition calls `{name}` in a way that is not evaluated; compare claims with text"
        ))),
    }
}

/// What stands in the text in place of the `{…}` of the template, up to the first occurrence of what follows; nothing if the template does not occur.
fn extract(text: &str, template: &str) -> Evaluated {
    let parts = template.split_once('{').and_then(|(before, rest)| Some((before, rest.split_once('}')?.1)));
    let Some((before, after)) = parts.filter(|(_, after)| !after.contains(['{', '}'])) else {
        return unknown("its condition extracts by a template without exactly one `{name}`; correct it");
    };
    let found = text.split_once(before).map(|(_, rest)| rest);
    let found = found
        .and_then(|rest| if after.is_empty() { Some(rest) } else { rest.split_once(after).map(|(found, _)| found) });
    Ok(Value::Text(found.unwrap_or_default().to_owned()))
}
