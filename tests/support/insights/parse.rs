//! From tokens to a query.

use super::query::{Aggregate, Command, Expression, Test};
use super::tokens::{Token, tokens};
use super::value::Value;

/// Rows that a query can give.
const ROWS_MAX: f64 = 10_000.0;
const HOUR: i64 = 3600;

/// Reads a query.
pub(super) fn parse(query: &str) -> Result<Vec<Command>, String> {
    let mut parser = Parser { tokens: tokens(query)?, at: 0 };
    let mut commands = vec![parser.command()?];
    while parser.take("|") {
        commands.push(parser.command()?);
    }
    if let Some(more) = parser.tokens.get(parser.at) {
        return Err(format!("got {more:?} after a command, expected `|` or the end"));
    }
    match commands.as_slice() {
        [.., Command::Sort { .. }, Command::Limit(_)] => Ok(commands),
        // Without them AWS chooses an order and a number of rows.
        _ => Err("got a query without `sort` and `limit` at its end, expected both".to_owned()),
    }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

impl Parser {
    fn next(&mut self) -> Result<Token, String> {
        let token = self.tokens.get(self.at).ok_or("got the end of the query, expected more")?;
        self.at += 1;
        Ok(token.clone())
    }

    fn word(&mut self) -> Result<String, String> {
        match self.next()? {
            Token::Word(word) => Ok(word),
            other => Err(format!("got {other:?}, expected a word")),
        }
    }

    fn field(&mut self) -> Result<String, String> {
        let word = self.word()?;
        let is_reserved = ["and", "or", "not", "in", "as", "by", "like", "asc", "desc"].contains(&word.as_str());
        if is_reserved { Err(format!("got `{word}`, expected a field")) } else { Ok(word) }
    }

    fn text(&mut self) -> Result<String, String> {
        match self.next()? {
            Token::Text(text) => Ok(text),
            other => Err(format!("got {other:?}, expected a text")),
        }
    }

    fn number(&mut self) -> Result<f64, String> {
        match self.next()? {
            Token::Number(number) => Ok(number),
            other => Err(format!("got {other:?}, expected a number")),
        }
    }

    fn value(&mut self) -> Result<Value, String> {
        match self.next()? {
            Token::Text(text) => Ok(Value::Text(text)),
            Token::Number(number) => Ok(Value::Number(number)),
            other => Err(format!("got {other:?}, expected a text or a number")),
        }
    }

    /// Whether this comes next: a sign, or a word of the language.
    fn take(&mut self, what: &str) -> bool {
        let is_next = match self.tokens.get(self.at) {
            Some(Token::Sign(sign)) => *sign == what,
            Some(Token::Word(word)) => word == what,
            _ => false,
        };
        self.at += usize::from(is_next);
        is_next
    }

    fn expect(&mut self, what: &str) -> Result<(), String> {
        if self.take(what) { Ok(()) } else { Err(format!("got {:?}, expected `{what}`", self.tokens.get(self.at))) }
    }

    /// One or more of these, with commas between them.
    fn list<T>(&mut self, one: impl Fn(&mut Self) -> Result<T, String>) -> Result<Vec<T>, String> {
        let mut list = vec![one(self)?];
        while self.take(",") {
            list.push(one(self)?);
        }
        Ok(list)
    }

    fn command(&mut self) -> Result<Command, String> {
        match self.word()?.as_str() {
            "fields" => Ok(Command::Fields(self.list(Self::named_expression)?)),
            "filter" => Ok(Command::Filter(self.any()?)),
            "stats" => {
                let columns = self.list(Self::named_aggregate)?;
                self.expect("by")?;
                Ok(Command::Stats { columns, by: self.list(Self::field)? })
            }
            "sort" => {
                let by = self.field()?;
                let is_descending = self.take("desc");
                if !is_descending {
                    self.expect("asc")?;
                }
                Ok(Command::Sort { by, is_descending })
            }
            "limit" => match self.number()? {
                rows if rows <= ROWS_MAX => Ok(Command::Limit(whole(rows)?)),
                rows => Err(format!("got a limit of {rows}, expected at most {ROWS_MAX}")),
            },
            other => Err(format!("got command `{other}`, expected one that is known here")),
        }
    }

    /// What is calculated needs a name.
    fn named_expression(&mut self) -> Result<(Expression, String), String> {
        let word = self.field()?;
        if !self.take("(") {
            return Ok((Expression::Field(word.clone()), word));
        }
        let expression = match word.as_str() {
            "coalesce" => Expression::Coalesce(self.list(Self::field)?),
            "datefloor" => {
                let field = self.field()?;
                self.expect(",")?;
                Expression::DateFloor { field, seconds: self.period()? }
            }
            "strcontains" => {
                let field = self.field()?;
                self.expect(",")?;
                Expression::StrContains { field, text: self.text()? }
            }
            other => return Err(format!("got function `{other}`, expected one that is known here")),
        };
        self.expect(")")?;
        self.expect("as")?;
        Ok((expression, self.field()?))
    }

    fn period(&mut self) -> Result<i64, String> {
        match self.next()? {
            Token::Period(period) if period == "1h" => Ok(HOUR),
            Token::Period(period) if period == "1d" => Ok(24 * HOUR),
            other => Err(format!("got {other:?}, expected `1h` or `1d`")),
        }
    }

    fn named_aggregate(&mut self) -> Result<(Aggregate, String), String> {
        let function = self.word()?;
        self.expect("(")?;
        let aggregate = match function.as_str() {
            "count" => {
                self.expect("*")?;
                Aggregate::Count
            }
            "count_distinct" => Aggregate::CountDistinct(self.field()?),
            "earliest" => Aggregate::Earliest(self.field()?),
            "latest" => Aggregate::Latest(self.field()?),
            "sum" => Aggregate::Sum(self.field()?),
            other => return Err(format!("got function `{other}`, expected one that is known here")),
        };
        self.expect(")")?;
        self.expect("as")?;
        Ok((aggregate, self.field()?))
    }

    /// Which of `and` and `or` binds more is not documented: where both stand, brackets are needed.
    fn any(&mut self) -> Result<Test, String> {
        let mut tests = vec![self.test()?];
        let word = if self.take("and") {
            "and"
        } else if self.take("or") {
            "or"
        } else {
            return Ok(tests.remove(0));
        };
        tests.push(self.test()?);
        while self.take(word) {
            tests.push(self.test()?);
        }
        if self.take("and") || self.take("or") {
            return Err("got `and` beside `or`, expected brackets".to_owned());
        }
        Ok(if word == "and" { Test::All(tests) } else { Test::Any(tests) })
    }

    fn test(&mut self) -> Result<Test, String> {
        if self.take("(") {
            let inner = self.any()?;
            self.expect(")")?;
            return Ok(inner);
        }
        let field = self.field()?;
        if field == "ispresent" {
            self.expect("(")?;
            let present = self.field()?;
            self.expect(")")?;
            return Ok(Test::IsPresent(present));
        }
        if self.take("=") {
            return Ok(Test::IsOneOf { field, values: vec![self.value()?] });
        }
        if self.take("!=") {
            return Ok(Test::IsNot { field, value: self.value()? });
        }
        self.expect("in")?;
        self.expect("[")?;
        let values = self.list(Self::value)?;
        self.expect("]")?;
        Ok(Test::IsOneOf { field, values })
    }
}

fn whole(number: f64) -> Result<usize, String> {
    let text = number.to_string();
    text.parse().map_err(|_| format!("got {text}, expected a whole number"))
}
