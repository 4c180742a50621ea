//! The fields of the document that policies see, as its published schema lists them.

use serde_json::{Map, Value as Json};

use super::spelling::nearest;

/// Describes the document that policies see as `input`, in JSON Schema (<https://json-schema.org/draft/2020-12>).
pub const INPUT_SCHEMA: &str = include_str!("../../../docs/rego-input.schema.json");

/// The schema, read.
#[derive(Debug)]
pub struct InputSchema(Json);

/// A field that no document has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownField {
    /// As a policy writes it: `input.reqest`.
    pub path: String,
    /// The field that may be meant.
    pub nearest: Option<String>,
}

impl InputSchema {
    /// Reads it.
    #[expect(clippy::new_without_default, reason = "there is one schema, and reading it is work")]
    pub fn new() -> Self {
        // A text that is compiled in, so it is JSON: a test reads it.
        Self(serde_json::from_str(INPUT_SCHEMA).unwrap_or_default())
    }

    /// The first part of a path, from below `input`, that no document has. What an array contains is not looked at.
    pub fn unknown<P: AsRef<str>>(&self, path: &[P]) -> Option<UnknownField> {
        let mut described = &self.0;
        let mut known = "input".to_owned();
        for part in path {
            let fields = self.fields(described)?;
            let Some(field) = fields.get(part.as_ref()) else {
                let nearest = nearest(part.as_ref(), fields.keys().map(String::as_str));
                return Some(UnknownField {
                    path: format!("{known}.{}", part.as_ref()),
                    nearest: nearest.map(|name| format!("{known}.{name}")),
                });
            };
            described = field;
            known = format!("{known}.{}", part.as_ref());
        }
        None
    }

    /// What an object may contain; `None` for anything else. A definition may stand elsewhere, and may be one of several.
    fn fields<'s>(&'s self, described: &'s Json) -> Option<&'s Map<String, Json>> {
        let alternatives = described.get("anyOf").and_then(Json::as_array).into_iter().flatten();
        alternatives.chain([described]).find_map(|one| {
            let path = one.get("$ref").and_then(Json::as_str).and_then(|path| path.strip_prefix('#'));
            path.map_or(Some(one), |path| self.0.pointer(path))?.get("properties")?.as_object()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unknown(path: &[&str]) -> Option<(String, Option<String>)> {
        InputSchema::new().unknown(path).map(|UnknownField { path, nearest }| (path, nearest))
    }

    #[test]
    fn the_first_part_that_no_document_has_is_found() {
        let field = |path: &str, nearest: Option<&str>| Some((path.to_owned(), nearest.map(str::to_owned)));
        assert_eq!(unknown(&["reqest", "x"]), field("input.reqest", Some("input.request")));
        assert_eq!(unknown(&["run", "actor", "logn"]), field("input.run.actor.logn", Some("input.run.actor.login")));
        assert_eq!(unknown(&["run", "drift_detection"]), field("input.run.drift_detection", None));
    }

    #[test]
    fn fields_and_what_is_in_arrays_are_known() {
        for path in [&[][..], &["run"], &["session", "admin"], &["jobs", "0", "x"], &["signature", "ref"]] {
            assert_eq!(unknown(path), None, "{path:?}");
        }
    }
}
