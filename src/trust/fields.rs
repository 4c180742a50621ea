//! Fields of a JSON object, read strictly: a field of another type is an error, `null` is an absent field.

use serde_json::{Map, Value};

use super::unreadable::Unreadable;

/// The fields of one object, with the sentence that says where such an object comes from.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a> {
    /// The object.
    map: &'a Map<String, Value>,
    /// What to do if it is not right.
    fix: &'static str,
}

impl<'a> Fields<'a> {
    /// The fields of a value that must be an object.
    pub(super) fn of(value: &'a Value, expected: &str, fix: &'static str) -> Result<Self, Unreadable> {
        let map = value.as_object().ok_or_else(|| Unreadable::new(kind(value), expected, fix))?;
        Ok(Self { map, fix })
    }

    /// A field that is there and not `null`.
    pub(super) fn value(self, name: &str) -> Option<&'a Value> {
        self.map.get(name).filter(|value| !value.is_null())
    }

    /// A field that is text.
    pub(super) fn text(self, name: &str) -> Result<Option<&'a str>, Unreadable> {
        self.value(name).map(|value| value.as_str().ok_or_else(|| self.wrong(name, value, "text"))).transpose()
    }

    /// A field that is `true` or `false`; absent is `false`.
    pub(super) fn flag(self, name: &str) -> Result<bool, Unreadable> {
        let flag =
            self.value(name).map(|value| value.as_bool().ok_or_else(|| self.wrong(name, value, "true or false")));
        Ok(flag.transpose()?.unwrap_or(false))
    }

    /// A field that is an object.
    pub(super) fn object(self, name: &str) -> Result<Option<Self>, Unreadable> {
        let object = |value: &'a Value| value.as_object().ok_or_else(|| self.wrong(name, value, "an object"));
        Ok(self.value(name).map(object).transpose()?.map(|map| Self { map, fix: self.fix }))
    }

    /// A field that is a list.
    pub(super) fn list(self, name: &str) -> Result<Option<&'a Vec<Value>>, Unreadable> {
        self.value(name).map(|value| value.as_array().ok_or_else(|| self.wrong(name, value, "a list"))).transpose()
    }

    /// A field that is a list of texts.
    pub(super) fn texts(self, name: &str) -> Result<Option<Vec<String>>, Unreadable> {
        let text = |value: &Value| {
            value.as_str().map(str::to_owned).ok_or_else(|| self.wrong(name, value, "text in every place of the list"))
        };
        self.list(name)?.map(|list| list.iter().map(text).collect()).transpose()
    }

    /// All names with their values.
    pub(super) fn entries(self) -> impl Iterator<Item = (&'a String, &'a Value)> {
        self.map.iter()
    }

    /// The first name that is not among these, unless its value is `null`.
    pub(super) fn first_unknown(self, known: &[&str]) -> Option<&'a str> {
        self.map
            .iter()
            .find(|(name, value)| !value.is_null() && !known.contains(&name.as_str()))
            .map(|(name, _)| name.as_str())
    }

    /// The error of a field that is not what it must be.
    pub(super) fn wrong(self, name: &str, value: &Value, expected: &str) -> Unreadable {
        Unreadable::new(format!("{} in `{name}`", kind(value)), expected, self.fix)
    }

    /// The error of a field that is missing.
    pub(super) fn missing(self, name: &str) -> Unreadable {
        Unreadable::new(format!("no `{name}`"), format!("`{name}` in every such object"), self.fix)
    }
}

/// A JSON value's kind, in words.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "`null`",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
