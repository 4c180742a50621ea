//! What a policy sees as `input`. Not here: what of a run is in it.

use std::sync::{Arc, OnceLock};

use serde_json::Value as Json;

use super::input_value::InputValue;

/// Bytes of the document as JSON. A run with 2,500 jobs is about a megabyte.
const INPUT_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The document that a policy sees as `input`. A copy costs nothing: every policy of a type is given the same one.
#[derive(Debug, Clone)]
pub struct Input {
    value: InputValue,
    /// The same as JSON, once somebody asked for it.
    json: Arc<OnceLock<Json>>,
}

impl Input {
    /// Takes a document that somebody wrote or recorded.
    ///
    /// # Errors
    /// It is not an object, larger than four megabytes, or has a number that the library cannot take.
    pub fn new(json: Json) -> Result<Self, String> {
        let input = Self::of(InputValue::read(&json)?)?;
        Ok(Self { json: Arc::new(json.into()), ..input })
    }

    /// Takes a document that was made for a decision.
    ///
    /// # Errors
    /// It is not an object, or larger than four megabytes.
    pub(in crate::gate) fn of(value: InputValue) -> Result<Self, String> {
        if !value.is_object() {
            return Err("got JSON that is not an object, expected the input of a policy".to_owned());
        }
        let bytes = value.bytes();
        if bytes > INPUT_BYTES_MAX {
            return Err(format!("got an input of {bytes} bytes, expected at most {INPUT_BYTES_MAX}"));
        }
        Ok(Self { value, json: Arc::default() })
    }

    /// The document.
    pub fn as_json(&self) -> &Json {
        self.json.get_or_init(|| self.value.to_json())
    }

    pub(super) fn to_value(&self) -> regorus::Value {
        self.value.to_library()
    }
}

/// Two inputs are the same if their documents are.
impl PartialEq for Input {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl Eq for Input {}
