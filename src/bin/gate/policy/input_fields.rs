//! Fields of an input that the schema does not have, and those that a policy looks at and an input lacks. Not here: what is in the fields.

use std::collections::BTreeSet;

use environment_gate::gate::rego::{Input, InputSchema, RegoPolicy};
use serde_json::Value;

/// What to know before trusting a policy's evaluation of this input, a line each: `input.reqest: not in the schema`.
pub(crate) fn warnings(input: &Input, policy: &RegoPolicy) -> Vec<String> {
    let mut warnings = unknown(input);
    warnings.extend(missing(input, policy));
    warnings
}

/// Fields that are not in the schema, at the top or one level below.
pub(crate) fn unknown(input: &Input) -> Vec<String> {
    let schema = InputSchema::new();
    let mut unknown = Vec::new();
    for (name, value) in input.as_json().as_object().into_iter().flatten() {
        let below = value.as_object().into_iter().flatten().map(|(field, _)| vec![name, field]);
        let paths = [vec![name]].into_iter().chain(below);
        let fields: BTreeSet<String> = paths.filter_map(|path| Some(schema.unknown(&path)?.path)).collect();
        unknown.extend(fields.into_iter().map(|field| format!("{field}: not in the schema")));
    }
    unknown
}

/// What a policy looks at and the input lacks, in one line.
fn missing(input: &Input, policy: &RegoPolicy) -> Option<String> {
    let schema = InputSchema::new();
    let fields = policy.input_fields();
    let known = fields.iter().filter(|path| schema.unknown(path).is_none());
    let missing: BTreeSet<String> = known.filter_map(|path| first_missing(input.as_json(), path)).collect();
    let missing: Vec<&str> = missing.iter().map(String::as_str).collect();
    (!missing.is_empty()).then(|| format!("the policy looks at this, and the input lacks it: {}", missing.join(", ")))
}

/// The first part of a path that is not there, with those before it. What is in something else than an object is not looked for.
fn first_missing(document: &Value, path: &[String]) -> Option<String> {
    let mut here = document;
    for (number, part) in (1..).zip(path) {
        match here.as_object()?.get(part) {
            Some(value) => here = value,
            None => return path.get(..number).map(|parts| parts.join(".")),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use serde_json::{Map, json};

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
    fn what_an_input_lacks_of_what_the_policy_looks_at_is_one_line() {
        let text = "package p\nimport rego.v1\ndeny if { input.run.ref; input.run.sha; input.session.login; input.pending[_]; input.nobody.knows }\n";
        let policy = RegoPolicy::parse("p", text, &Map::new()).unwrap();
        let warnings = |json| warnings(&input(json), &policy);
        let whole = json!({ "run": { "ref": "a", "sha": "b" }, "session": null, "pending": [] });
        assert_eq!(warnings(whole), Vec::<String>::new());
        assert_eq!(
            warnings(json!({ "run": { "ref": "a" }, "session": {} })),
            ["the policy looks at this, and the input lacks it: pending, run.sha, session.login"]
        );
    }
}
