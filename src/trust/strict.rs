//! JSON as every provider writes it: of two equal keys a lenient reader would silently drop one, and with it perhaps a condition.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::unreadable::Unreadable;

/// The longest text that is read, in bytes.
pub(super) const LONGEST: usize = 100_000;
/// What only JSON5 has, with its name.
const JSON5: [(&str, &str); 5] = [
    ("//", "a comment"),
    ("/*", "a comment"),
    ("'", "a text in single quotes"),
    (",}", "a comma before a closing bracket"),
    (",]", "a comma before a closing bracket"),
];

/// Reads one JSON value. At fault is text that is too long, is not JSON, has a key twice, or is nested deeper than 128 levels.
pub(super) fn strict(text: &str) -> Result<Value, Unreadable> {
    let length = text.len();
    if length > LONGEST {
        return Err(Unreadable::new(
            format!("{length} bytes"),
            format!("at most {LONGEST}"),
            "give the trust alone, not everything around it",
        ));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    each_key_once(text).map_err(|error| not_json(text, &error))
}

/// Reads one JSON value in which no object has a key twice. Nesting is bounded by `serde_json` (128).
pub(super) fn each_key_once(text: &str) -> Result<Value, serde_json::Error> {
    serde_json::from_str::<Strict>(text).map(|strict| strict.0)
}

fn not_json(text: &str, error: &serde_json::Error) -> Unreadable {
    let expected = "one JSON value, each key once";
    if error.is_data() {
        return Unreadable::new(
            error.to_string(),
            expected,
            "remove one of the two, and check which of them the provider has",
        );
    }
    if text.trim().is_empty() {
        return Unreadable::new("nothing", expected, "check that the command printed something");
    }
    let without_texts: String =
        text.split('"').step_by(2).flat_map(str::chars).filter(|one| !one.is_whitespace()).collect();
    let json5 = JSON5.iter().find(|(sign, _)| without_texts.contains(sign)).map(|(_, name)| *name);
    match json5 {
        Some(name) => Unreadable::new(
            format!("text that is not JSON ({error}); it seems to have {name}, as JSON5 has"),
            "JSON, which no provider writes otherwise",
            "give what the provider's command prints",
        ),
        None => Unreadable::new(
            format!("text that is not JSON ({error})"),
            expected,
            "give what the provider's command prints, with `json` as its format",
        ),
    }
}

/// A value whose objects have each key once.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Self)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Strict(value)) = sequence.next_element()? {
            list.push(value);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some((key, Strict(value))) = access.next_entry::<String, Strict>()? {
            if map.contains_key(&key) {
                return Err(A::Error::custom(format!("the key `{key}` twice in one object")));
            }
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}
