//! A CEL expression from its words (<https://github.com/google/cel-spec/blob/master/doc/langdef.md#syntax>). Not here: what it evaluates to.

use std::collections::BTreeMap;

use super::lexer::{Word, words};
use super::regular::Regular;

/// Google takes no longer condition
/// (<https://cloud.google.com/iam/docs/reference/rest/v1/projects.locations.workloadIdentityPools.providers>, `attributeCondition`).
const LONGEST: usize = 4_096;
/// Deeper nesting is not evaluated.
const DEEPEST: usize = 60;

/// What each attribute (`google.subject`, `attribute.NAME`) is mapped from, or why that is not understood.
pub(in crate::trust::gcp) type Attributes = BTreeMap<String, Result<Expression, String>>;

/// An expression.
#[derive(Debug, Clone)]
pub(in crate::trust::gcp) enum Expression {
    Text(String),
    Number(i64),
    Truth(bool),
    Nothing,
    /// `assertion`, `attribute` or `google`.
    Root(Root),
    /// `of.name` or `of['name']`.
    Member(Box<Expression>, String),
    List(Vec<Expression>),
    Not(Box<Expression>),
    All(Vec<Expression>),
    Any(Vec<Expression>),
    Compare(Comparison, Box<Expression>, Box<Expression>),
    Sum(Vec<Expression>),
    Choice(Box<Expression>, Box<Expression>, Box<Expression>),
    Has(Box<Expression>),
    /// A function with its arguments; a method's receiver is the first.
    Call(String, Vec<Expression>),
    /// `matches` with a literal pattern.
    Matches(Box<Expression>, Box<Regular>),
}

/// What a name without a dot before it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::trust::gcp) enum Root {
    Assertion,
    Attribute,
    Google,
}

/// An operator between two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::trust::gcp) enum Comparison {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    In,
}

/// Reads an expression. What is not of the subset is an error with its reason.
pub(in crate::trust::gcp) fn parse(text: &str) -> Result<Expression, String> {
    let length = text.len();
    if length > LONGEST {
        return Err(format!("the expression has {length} bytes; Google takes {LONGEST}"));
    }
    let mut words = words(text)?;
    words.reverse();
    let mut parser = Parser { words, depth: 0 };
    let expression = parser.expression()?;
    parser.words.last().map_or(Ok(expression), |word| {
        Err(format!("the expression goes on with {}; expected its end", named(Some(word))))
    })
}

struct Parser {
    /// The words that are left, the next one last.
    words: Vec<Word>,
    depth: usize,
}

impl Parser {
    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, String>) -> Result<T, String> {
        self.depth = self.depth.saturating_add(1);
        if self.depth > DEEPEST {
            return Err(format!("the expression is nested deeper than {DEEPEST}, which is not evaluated; simplify it"));
        }
        let read = read(self);
        self.depth = self.depth.saturating_sub(1);
        read
    }

    fn takes(&mut self, sign: &str) -> bool {
        let is_next = matches!(self.words.last(), Some(Word::Sign(next)) if *next == sign);
        if is_next {
            self.words.pop();
        }
        is_next
    }

    fn expect(&mut self, sign: &str) -> Result<(), String> {
        if self.takes(sign) {
            return Ok(());
        }
        Err(format!("the expression has {}; expected `{sign}`", named(self.words.last())))
    }

    fn expression(&mut self) -> Result<Expression, String> {
        self.deeper(|parser| {
            let condition = parser.any()?;
            if !parser.takes("?") {
                return Ok(condition);
            }
            let then = parser.any()?;
            parser.expect(":")?;
            let otherwise = parser.expression()?;
            Ok(Expression::Choice(Box::new(condition), Box::new(then), Box::new(otherwise)))
        })
    }

    fn any(&mut self) -> Result<Expression, String> {
        let first = self.all()?;
        self.joined(first, "||", Self::all, Expression::Any)
    }

    fn all(&mut self) -> Result<Expression, String> {
        let first = self.relation()?;
        self.joined(first, "&&", Self::relation, Expression::All)
    }

    /// Several of one kind between the same signs, or the one alone.
    fn joined(
        &mut self,
        first: Expression,
        sign: &str,
        next: impl Fn(&mut Self) -> Result<Expression, String>,
        join: impl Fn(Vec<Expression>) -> Expression,
    ) -> Result<Expression, String> {
        let mut parts = vec![first];
        while self.takes(sign) {
            parts.push(next(self)?);
        }
        Ok(if parts.len() > 1 { join(parts) } else { parts.pop().unwrap_or(Expression::Nothing) })
    }

    fn relation(&mut self) -> Result<Expression, String> {
        let left = self.sum()?;
        let Some(operator) = self.operator() else {
            return Ok(left);
        };
        let right = self.sum()?;
        if self.operator().is_some() {
            return Err(
                "the expression compares a comparison, which is not evaluated; join comparisons with `&&`".to_owned()
            );
        }
        let (left, right) = (Box::new(left), Box::new(right));
        Ok(match operator {
            "==" => Expression::Compare(Comparison::Equal, left, right),
            "!=" => Expression::Compare(Comparison::Unequal, left, right),
            "<" => Expression::Compare(Comparison::Less, left, right),
            "<=" => Expression::Compare(Comparison::LessOrEqual, left, right),
            ">" => Expression::Compare(Comparison::Less, right, left),
            ">=" => Expression::Compare(Comparison::LessOrEqual, right, left),
            _ => Expression::Compare(Comparison::In, left, right),
        })
    }

    fn operator(&mut self) -> Option<&'static str> {
        if self.words.last() == Some(&Word::Name("in".to_owned())) {
            self.words.pop();
            return Some("in");
        }
        ["==", "!=", "<=", ">=", "<", ">"].into_iter().find(|sign| self.takes(sign))
    }

    fn sum(&mut self) -> Result<Expression, String> {
        let first = self.unary()?;
        self.joined(first, "+", Self::unary, Expression::Sum)
    }

    fn unary(&mut self) -> Result<Expression, String> {
        if self.takes("!") {
            return self.deeper(|parser| Ok(Expression::Not(Box::new(parser.unary()?))));
        }
        let mut value = self.primary()?;
        for _ in 0..DEEPEST {
            if self.takes(".") {
                value = self.member(value)?;
            } else if self.takes("[") {
                let Some(Word::Text(name)) = self.words.pop() else {
                    return Err("an index is not text in quotes, which is not evaluated; write `['NAME']`".to_owned());
                };
                self.expect("]")?;
                value = Expression::Member(Box::new(value), name);
            } else {
                return Ok(value);
            }
        }
        Err(format!("the expression has more than {DEEPEST} members in a row, which is not evaluated; simplify it"))
    }

    /// What follows a dot: a field, or a method.
    fn member(&mut self, value: Expression) -> Result<Expression, String> {
        let next = self.words.pop();
        let Some(Word::Name(name)) = next else {
            return Err(format!("the expression has {} after a dot; expected a name", named(next.as_ref())));
        };
        if !self.takes("(") {
            return Ok(Expression::Member(Box::new(value), name));
        }
        let mut arguments = vec![value];
        arguments.extend(self.list(")")?);
        call(name, arguments)
    }

    fn primary(&mut self) -> Result<Expression, String> {
        let next = self.words.pop();
        match next {
            Some(Word::Text(text)) => Ok(Expression::Text(text)),
            Some(Word::Number(number)) => Ok(Expression::Number(number)),
            Some(Word::Sign("(")) => {
                let inner = self.expression()?;
                self.expect(")")?;
                Ok(inner)
            }
            Some(Word::Sign("[")) => Ok(Expression::List(self.list("]")?)),
            Some(Word::Name(name)) => self.name(name),
            other => Err(format!("the expression has {}; expected a value", named(other.as_ref()))),
        }
    }

    fn name(&mut self, name: String) -> Result<Expression, String> {
        if self.takes("(") {
            let arguments = self.list(")")?;
            return call(name, arguments);
        }
        match name.as_str() {
            "true" => Ok(Expression::Truth(true)),
            "false" => Ok(Expression::Truth(false)),
            "null" => Ok(Expression::Nothing),
            "assertion" => Ok(Expression::Root(Root::Assertion)),
            "attribute" => Ok(Expression::Root(Root::Attribute)),
            "google" => Ok(Expression::Root(Root::Google)),
            _ => Err(format!("the expression has the name `{name}`; expected `assertion`, `attribute` or `google`")),
        }
    }

    /// Expressions between commas up to the closing sign.
    fn list(&mut self, close: &str) -> Result<Vec<Expression>, String> {
        let mut list = Vec::new();
        while !self.takes(close) {
            list.push(self.expression()?);
            if !self.takes(",") {
                self.expect(close)?;
                break;
            }
        }
        Ok(list)
    }
}

/// A call, with what is known beforehand of it.
fn call(name: String, mut arguments: Vec<Expression>) -> Result<Expression, String> {
    match (name.as_str(), arguments.as_slice()) {
        ("has", [Expression::Member(..)]) => {
            Ok(Expression::Has(Box::new(arguments.pop().unwrap_or(Expression::Nothing))))
        }
        ("has", _) => Err("`has` stands around something else than one field; write `has(assertion.NAME)`".to_owned()),
        ("matches", [_, Expression::Text(pattern)]) => {
            let pattern = Regular::new(pattern)?;
            let text = arguments.into_iter().next().unwrap_or(Expression::Nothing);
            Ok(Expression::Matches(Box::new(text), Box::new(pattern)))
        }
        _ => Ok(Expression::Call(name, arguments)),
    }
}

fn named(word: Option<&Word>) -> String {
    match word {
        None => "its end".to_owned(),
        Some(Word::Name(name)) => format!("`{name}`"),
        Some(Word::Text(text)) => format!("the text `{text}`"),
        Some(Word::Number(number)) => format!("`{number}`"),
        Some(Word::Sign(sign)) => format!("`{sign}`"),
    }
}
