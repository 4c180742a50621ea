//! Functions of our own that policies may call: those that the library lacks, or has in another form. They come before the library's of the same name.

use regorus::{Engine, Value};
use sha2::{Digest as _, Sha256};

use super::time;

/// Elements of `numbers.range`.
const RANGE_MAX: usize = 10_000;
/// Bytes of a sanitized text's hash that are shown.
const SANITIZED_BYTES: usize = 16;

/// What a function of ours is, by the number of its arguments.
#[derive(Clone, Copy)]
enum Function {
    One(fn([&Value; 1]) -> anyhow::Result<Value>),
    Two(fn([&Value; 2]) -> anyhow::Result<Value>),
    Four(fn([&Value; 4]) -> anyhow::Result<Value>),
}

const FUNCTIONS: [(&str, Function); 12] = [
    ("re_match", Function::Two(re_match)),
    ("sanitized", Function::One(sanitized)),
    ("numbers.range", Function::Two(range)),
    ("time.add_date", Function::Four(time::add_date)),
    ("time.clock", Function::One(time::clock)),
    ("time.date", Function::One(time::date)),
    ("time.diff", Function::Two(time::diff)),
    ("time.format", Function::One(time::format)),
    ("time.parse_duration_ns", Function::One(time::parse_duration)),
    ("time.parse_ns", Function::Two(time::parse)),
    ("time.parse_rfc3339_ns", Function::One(time::parse_rfc3339)),
    ("time.weekday", Function::One(time::weekday)),
];

/// Their names.
pub(super) fn names<'n>() -> impl Iterator<Item = &'n str> {
    FUNCTIONS.iter().map(|(name, _)| *name)
}

/// How many arguments one of them takes; `None` if it is not one.
pub(super) fn arguments(name: &str) -> Option<u8> {
    FUNCTIONS.iter().find(|(ours, _)| *ours == name).map(|(_, function)| function.arguments())
}

/// Adds them to an engine.
///
/// # Errors
/// The engine has a function of the same name already.
pub(super) fn add_to(engine: &mut Engine) -> anyhow::Result<()> {
    FUNCTIONS.iter().try_for_each(|(name, function)| {
        let call = |arguments: Vec<Value>| function.call(name, &arguments);
        engine.add_extension((*name).to_owned(), function.arguments(), Box::new(call))
    })
}

impl Function {
    fn arguments(self) -> u8 {
        match self {
            Self::One(_) => 1,
            Self::Two(_) => 2,
            Self::Four(_) => 4,
        }
    }

    fn call(self, name: &str, arguments: &[Value]) -> anyhow::Result<Value> {
        match (self, arguments) {
            (Self::One(function), [a]) => function([a]),
            (Self::Two(function), [a, b]) => function([a, b]),
            (Self::Four(function), [a, b, c, d]) => function([a, b, c, d]),
            _ => Err(anyhow::anyhow!("got {} arguments, expected {}", arguments.len(), self.arguments())),
        }
        .map_err(|error| anyhow::anyhow!("`{name}`: {error:#}"))
    }
}

/// `re_match(pattern, text)`, which Rego v0 had.
fn re_match([pattern, text]: [&Value; 2]) -> anyhow::Result<Value> {
    let pattern = regex::Regex::new(pattern.as_string()?)?;
    Ok(Value::from(pattern.is_match(text.as_string()?)))
}

/// `sanitized(text)`: a hash that is the same for the same text, for logs that should not hold the text itself.
fn sanitized([text]: [&Value; 1]) -> anyhow::Result<Value> {
    let hash = Sha256::new_with_prefix("environment-gate").chain_update(text.as_string()?.as_bytes()).finalize();
    Ok(Value::from(hex::encode(hash.get(..SANITIZED_BYTES).unwrap_or_default())))
}

/// `numbers.range(first, last)`, up or down, both included. The library's own has no bound.
fn range([first, last]: [&Value; 2]) -> anyhow::Result<Value> {
    let (first, last) = (first.as_i64()?, last.as_i64()?);
    if usize::try_from(first.abs_diff(last)).unwrap_or(usize::MAX) >= RANGE_MAX {
        anyhow::bail!("got more than {RANGE_MAX} numbers");
    }
    let up = (first.min(last)..=first.max(last)).map(Value::from);
    Ok(Value::from(if first <= last { up.collect::<Vec<_>>() } else { up.rev().collect() }))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::*;
    use crate::gate::rego::error::RegoError;
    use crate::gate::rego::library::parse;

    fn value(expression: &str) -> Result<Value, String> {
        let mut engine = parse("p", &format!("package p\nx = {expression}")).map_err(|error| error.to_string())?;
        engine.eval_rule("data.p.x".to_owned()).map_err(|error| RegoError::of_library("p", &error).to_string())
    }

    #[test]
    fn functions_of_our_own_are_there() {
        for (expression, expected) in [
            (r#"re_match("^a+$", "aaa")"#, "true"),
            ("numbers.range(3, 1)", "[3, 2, 1]"),
            ("time.clock([1767605400000000000, \"Europe/Berlin\"])", "[10, 30, 0]"),
            ("time.date(1767605400000000000)", "[2026, 1, 5]"),
            ("time.weekday([1767605400000000000, \"\"])", "\"Monday\""),
            ("time.format([1767605400000000000, \"Asia/Tokyo\", \"RFC822Z\"])", "\"05 Jan 26 18:30 +0900\""),
            ("time.format(1767605400000000000)", "\"2026-01-05T09:30:00Z\""),
            ("time.parse_ns(\"2006-01-02\", \"2026-01-05\")", "1767571200000000000"),
            ("time.parse_rfc3339_ns(\"2026-01-05T09:30:00Z\")", "1767605400000000000"),
            ("time.parse_duration_ns(\"1h30m\")", "5400000000000"),
            ("time.add_date(1769817600000000000, 0, 1, 0)", "1772496000000000000"),
            ("time.diff(1767605400000000000, 1735995600000000000)", "[1, 0, 0, 20, 30, 0]"),
        ] {
            assert_eq!(value(expression), Ok(Value::from_json_str(expected).unwrap()), "{expression}");
        }
        let sanitized = value("sanitized(\"a secret\")").unwrap();
        assert_eq!(sanitized.as_string().unwrap().len(), 2 * SANITIZED_BYTES);
    }

    #[test]
    fn what_a_function_cannot_take_is_an_error_with_its_place() {
        for (expression, expected) in [
            ("numbers.range(1, 1000000000)", "`numbers.range`: got more than 10000 numbers"),
            (
                "time.clock([0, \"europe/berlin\"])",
                "`time.clock`: there is no time zone `europe/berlin`: expected a name such as `Europe/Berlin`",
            ),
            ("time.weekday(\"today\")", "`time.weekday`: got \"today\", expected nanoseconds, a whole number"),
            (
                "time.parse_rfc3339_ns(\"1492-10-12T00:00:00Z\")",
                "`time.parse_rfc3339_ns`: the time is not between 1677 and 2262",
            ),
        ] {
            let error = value(expression).unwrap_err();
            assert_eq!(error.rsplit_once("column ").unwrap().1.split_once(": ").unwrap().1, expected, "{error}");
        }
    }
}
