//! Fields of an input that the schema does not have, and those that an input lacks. Not here: what is in the fields, nor anything below the second level.

use environment_gate::gate::rego::Input;
use serde_json::{Map, Value};

use super::INPUT_SCHEMA;

/// What to know before trusting an evaluation of this input, a line each: `input.reqest: not in the schema`.
pub(crate) fn warnings(input: &Input) -> Vec<String> {
    let mut warnings = unknown(input);
    warnings.extend(missing(input));
    warnings
}

/// Fields that are not in the schema, at the top or one level below.
pub(crate) fn unknown(input: &Input) -> Vec<String> {
    let schema = schema();
    let mut unknown = Vec::new();
    for (name, value) in input.as_json().as_object().into_iter().flatten() {
        let Some(described) = schema.pointer("/properties").and_then(|fields| fields.get(name)) else {
            unknown.push(format!("input.{name}: not in the schema"));
            continue;
        };
        let Some(fields) = fields_of(&schema, described) else { continue };
        let below = value.as_object().into_iter().flat_map(Map::keys);
        unknown.extend(
            below
                .filter(|field| !fields.contains_key(*field))
                .map(|field| format!("input.{name}.{field}: not in the schema")),
        );
    }
    unknown
}

/// The fields at the top that the input lacks, in one line.
fn missing(input: &Input) -> Option<String> {
    let schema = schema();
    let required = schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let missing: Vec<&str> = required.filter(|name| input.as_json().get(name).is_none()).collect();
    (!missing.is_empty()).then(|| format!("missing in the input: {}", missing.join(", ")))
}

/// What an object may contain; `None` for anything else. A definition may stand elsewhere, and may be one of several.
fn fields_of<'s>(schema: &'s Value, described: &'s Value) -> Option<&'s Map<String, Value>> {
    let alternatives = described.get("anyOf").and_then(Value::as_array).into_iter().flatten();
    alternatives.chain([described]).find_map(|one| {
        let path = one.get("$ref").and_then(Value::as_str).and_then(|path| path.strip_prefix('#'));
        path.map_or(Some(one), |path| schema.pointer(path))?.get("properties")?.as_object()
    })
}

/// A text that is compiled in, so it is JSON: a test reads it.
fn schema() -> Value {
    serde_json::from_str(INPUT_SCHEMA).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use serde_json::json;

    use super::*;

    fn input(json: Value) -> Input {
        Input::new(json).unwrap()
    }

    #[test]
    fn a_field_that_the_schema_does_not_have_is_named() {
        let input = input(json!({
            "reqest": {}, "request": { "timestamp": 1 }, "session": { "login": "a", "name": "b" }, "run": { "actor": { "x": 1 } },
        }));
        let expected = ["input.reqest", "input.request.timestamp", "input.session.name"];
        assert_eq!(unknown(&input), expected.map(|field| format!("{field}: not in the schema")));
    }

    #[test]
    fn what_an_input_lacks_is_one_line() {
        let mut fields = schema().get("properties").and_then(Value::as_object).unwrap().clone();
        fields.values_mut().for_each(|field| *field = Value::Null);
        assert_eq!(warnings(&input(fields.clone().into())), Vec::<String>::new());
        fields.remove("run");
        fields.remove("version");
        assert_eq!(warnings(&input(fields.into())), ["missing in the input: version, run"]);
    }
}
