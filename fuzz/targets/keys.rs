//! How many keys there are in JSON, counted by two readers: one of them keeps a key that is given twice only once.

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// Entries of objects in a value that keeps the last of two for one key.
pub fn kept(value: &Value) -> usize {
    match value {
        Value::Object(entries) => entries.values().map(|value| 1 + kept(value)).sum(),
        Value::Array(items) => items.iter().map(kept).sum(),
        _ => 0,
    }
}

/// Entries of objects in a JSON text, those for a key that was there before as well.
pub fn given(text: &str) -> usize {
    let Given(count) = serde_json::from_str(text).expect("it is JSON");
    count
}

struct Given(usize);

impl<'de> Deserialize<'de> for Given {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Count)
    }
}

struct Count;

impl<'de> Visitor<'de> for Count {
    type Value = Given;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Given, A::Error> {
        let mut count = 0;
        while let Some((_, Given(inside))) = entries.next_entry::<String, Given>()? {
            count += 1 + inside;
        }
        Ok(Given(count))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Given, A::Error> {
        let mut count = 0;
        while let Some(Given(inside)) = items.next_element()? {
            count += inside;
        }
        Ok(Given(count))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Given, E> {
        Ok(Given(0))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Given, E> {
        Ok(Given(0))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Given, E> {
        Ok(Given(0))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Given, E> {
        Ok(Given(0))
    }

    fn visit_str<E>(self, _: &str) -> Result<Given, E> {
        Ok(Given(0))
    }

    fn visit_unit<E>(self) -> Result<Given, E> {
        Ok(Given(0))
    }
}
