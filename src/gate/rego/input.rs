//! What a policy sees as `input`. Not here: what of a run is in it.

use serde_json::Value as Json;

/// Bytes of the document as JSON. A run with 2,500 jobs is about a megabyte.
const INPUT_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The document that a policy sees as `input`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input(Json);

impl Input {
    /// Takes a document.
    ///
    /// # Errors
    /// It is not an object, or larger than four megabytes.
    pub fn new(json: Json) -> Result<Self, String> {
        if !json.is_object() {
            return Err("got JSON that is not an object, expected the input of a policy".to_owned());
        }
        let bytes = json.to_string().len();
        if bytes > INPUT_BYTES_MAX {
            return Err(format!("got an input of {bytes} bytes, expected at most {INPUT_BYTES_MAX}"));
        }
        Ok(Self(json))
    }

    /// The document.
    pub fn as_json(&self) -> &Json {
        &self.0
    }

    pub(super) fn to_value(&self) -> regorus::Value {
        regorus::Value::from(self.0.clone())
    }
}
