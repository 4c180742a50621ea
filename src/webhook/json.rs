//! JSON in which no key is given twice: of two values for one key, a reader of one kind takes the first and one of
//! another kind the last.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

/// Keys of an object that are made room for; a repository has more, most others less.
const KEYS_EXPECTED: usize = 32;

/// Any JSON value, looked through and not kept. A key given twice is an error, at any depth; `serde_json` bounds the depth at 128.
pub(super) struct UniqueKeys;

impl<'de> Deserialize<'de> for UniqueKeys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Walk)
    }
}

struct Walk;

impl<'de> Visitor<'de> for Walk {
    type Value = UniqueKeys;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without a key given twice")
    }

    fn visit_bool<E>(self, _: bool) -> Result<UniqueKeys, E> {
        Ok(UniqueKeys)
    }

    fn visit_i64<E>(self, _: i64) -> Result<UniqueKeys, E> {
        Ok(UniqueKeys)
    }

    fn visit_u64<E>(self, _: u64) -> Result<UniqueKeys, E> {
        Ok(UniqueKeys)
    }

    fn visit_f64<E>(self, _: f64) -> Result<UniqueKeys, E> {
        Ok(UniqueKeys)
    }

    fn visit_str<E>(self, _: &str) -> Result<UniqueKeys, E> {
        Ok(UniqueKeys)
    }

    fn visit_unit<E>(self) -> Result<UniqueKeys, E> {
        Ok(UniqueKeys)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<UniqueKeys, A::Error> {
        while items.next_element::<UniqueKeys>()?.is_some() {}
        Ok(UniqueKeys)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<UniqueKeys, A::Error> {
        let mut keys: Vec<Key<'de>> = Vec::with_capacity(KEYS_EXPECTED);
        while let Some(key) = entries.next_key()? {
            keys.push(key);
            entries.next_value::<UniqueKeys>()?;
        }
        // Sorted, two of a kind stand beside each other; for the few keys of an object that is quicker than a set.
        keys.sort_unstable();
        let mut later = keys.iter().skip(1);
        let is_twice = keys.iter().any(|key| later.next() == Some(key));
        if is_twice { Err(A::Error::custom("a key given twice")) } else { Ok(UniqueKeys) }
    }
}

/// A key, borrowed from the text unless it has escapes.
#[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(transparent)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);
