//! What a policy sees as `input`. Not here: what of a run is in it.

use std::sync::Arc;

use serde::Deserialize as _;
use serde_json::Value as Json;

/// Bytes of the document as JSON. A run with 2,500 jobs is about a megabyte.
const INPUT_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The document that a policy sees as `input`. A copy costs nothing: every policy of a type is given the same one.
#[derive(Debug, Clone)]
pub struct Input {
    json: Arc<Json>,
    /// The same, as the library wants it.
    value: regorus::Value,
}

impl Input {
    /// Takes a document.
    ///
    /// # Errors
    /// It is not an object, larger than four megabytes, or has a number that the library cannot take.
    pub fn new(json: Json) -> Result<Self, String> {
        if !json.is_object() {
            return Err("got JSON that is not an object, expected the input of a policy".to_owned());
        }
        let bytes = bytes_of(&json);
        if bytes > INPUT_BYTES_MAX {
            return Err(format!("got an input of {bytes} bytes, expected at most {INPUT_BYTES_MAX}"));
        }
        let value =
            regorus::Value::deserialize(&json).map_err(|error| format!("got an input that cannot be read: {error}"))?;
        Ok(Self { json: Arc::new(json), value })
    }

    /// The document.
    pub fn as_json(&self) -> &Json {
        &self.json
    }

    pub(super) fn to_value(&self) -> regorus::Value {
        self.value.clone()
    }
}

/// Two inputs are the same if their documents are.
impl PartialEq for Input {
    fn eq(&self, other: &Self) -> bool {
        self.json == other.json
    }
}

impl Eq for Input {}

/// About as many bytes as the document has as JSON: escapes are not counted.
fn bytes_of(json: &Json) -> usize {
    const AROUND: usize = 4;
    let sum = |sizes: &mut dyn Iterator<Item = usize>| sizes.fold(AROUND, usize::saturating_add);
    match json {
        Json::Null | Json::Bool(_) | Json::Number(_) => AROUND,
        Json::String(text) => text.len().saturating_add(AROUND),
        Json::Array(items) => sum(&mut items.iter().map(bytes_of)),
        Json::Object(entries) => sum(&mut entries
            .iter()
            .map(|(key, value)| key.len().saturating_add(AROUND).saturating_add(bytes_of(value)))),
    }
}
