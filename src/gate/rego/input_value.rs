//! What the document of a policy is made of. Not here: the document's own limits.

use std::collections::BTreeMap;

use serde::Deserialize as _;
use serde_json::Value as Json;

/// A value of a document, as the library wants it. A copy costs nothing: what is the same in two documents is made once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::gate) struct InputValue(regorus::Value);

impl InputValue {
    pub(in crate::gate) const NULL: Self = Self(regorus::Value::Null);

    /// Takes JSON.
    ///
    /// # Errors
    /// It has a number that the library cannot take.
    pub(in crate::gate) fn read(json: &Json) -> Result<Self, String> {
        let value = regorus::Value::deserialize(json);
        value.map(Self).map_err(|error| format!("got an input that cannot be read: {error}"))
    }

    /// The object with this field, too. What is no object stays what it is.
    #[must_use]
    pub(in crate::gate) fn with(mut self, name: &str, Self(value): Self) -> Self {
        if let Ok(object) = self.0.as_object_mut() {
            object.insert(name.into(), value);
        }
        self
    }

    pub(super) fn is_object(&self) -> bool {
        self.0.as_object().is_ok()
    }

    /// About as many bytes as it has as JSON: escapes are not counted.
    pub(super) fn bytes(&self) -> usize {
        bytes_of(&self.0)
    }

    /// As JSON; null if a number of it cannot be written.
    pub(super) fn to_json(&self) -> Json {
        serde_json::to_value(&self.0).unwrap_or_default()
    }

    pub(super) fn to_library(&self) -> regorus::Value {
        self.0.clone()
    }
}

/// An object of these fields.
pub(in crate::gate) fn object(fields: Vec<(&str, InputValue)>) -> InputValue {
    let fields = fields.into_iter().map(|(name, InputValue(value))| (name.into(), value));
    InputValue(fields.collect::<BTreeMap<regorus::Value, regorus::Value>>().into())
}

fn bytes_of(value: &regorus::Value) -> usize {
    use regorus::Value;
    const AROUND: usize = 4;
    let sum = |sizes: &mut dyn Iterator<Item = usize>| sizes.fold(AROUND, usize::saturating_add);
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Undefined => AROUND,
        Value::String(text) => text.len().saturating_add(AROUND),
        Value::Array(items) => sum(&mut items.iter().map(bytes_of)),
        Value::Set(items) => sum(&mut items.iter().map(bytes_of)),
        Value::Object(fields) => {
            sum(&mut fields.iter().map(|(name, value)| bytes_of(name).saturating_add(bytes_of(value))))
        }
    }
}

impl From<bool> for InputValue {
    fn from(value: bool) -> Self {
        Self(value.into())
    }
}

impl From<u32> for InputValue {
    fn from(value: u32) -> Self {
        Self(value.into())
    }
}

impl From<u64> for InputValue {
    fn from(value: u64) -> Self {
        Self(value.into())
    }
}

impl From<usize> for InputValue {
    fn from(value: usize) -> Self {
        Self(value.into())
    }
}

impl From<i64> for InputValue {
    fn from(value: i64) -> Self {
        Self(value.into())
    }
}

impl From<&str> for InputValue {
    fn from(value: &str) -> Self {
        Self(value.into())
    }
}

/// `None` is null.
impl<T: Into<Self>> From<Option<T>> for InputValue {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::NULL, Into::into)
    }
}

/// An array.
impl<T: Into<Self>> FromIterator<T> for InputValue {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        Self(values.into_iter().map(|value| value.into().0).collect::<Vec<regorus::Value>>().into())
    }
}
