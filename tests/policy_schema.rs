//! docs/policy.schema.json says of a policy in TOML what the parser says, as far as a schema can. Where it cannot, it lets through what the parser refuses,
//! never the other way round.

use std::collections::BTreeSet;
use std::process::Command;

use environment_gate::gate::Policy;
use serde_json::Value;

use crate::support::{documents, fixtures};

const SCHEMA: &str = "docs/policy.schema.json";
const RULE: &str = "[[rule]]\nrepositories = [\"octo-org/widgets\"]\nrefs = [\"main\"]\n";
const SIGNED: &str = "[[rule]]\nsigned = true\nrepositories = [\"octo-org/widgets\"]\nrefs = [\"main\"]\n";

fn schema() -> Value {
    serde_json::from_str(&documents::read(SCHEMA)).unwrap()
}

/// What the schema finds wrong with a policy.
fn problems(policy: &str) -> Vec<String> {
    let validator = jsonschema::options().with_draft(jsonschema::Draft::Draft202012).build(&schema()).unwrap();
    let policy = toml::from_str::<Value>(policy).unwrap();
    validator.iter_errors(&policy).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

/// Reads a policy as the function does.
fn read(policy: &str) -> Result<Policy, String> {
    let policy = Policy::parse(policy).map_err(|error| error.to_string())?;
    policy.with_rego([]).map_err(|error| error.to_string())
}

/// The names in backticks after the word "expected" of the parser's error.
fn names_expected(policy: &str) -> BTreeSet<String> {
    let error = Policy::parse(policy).unwrap_err().problem;
    let (_, expected) = error.split_once("expected").unwrap();
    expected.split('`').skip(1).step_by(2).map(ToOwned::to_owned).collect()
}

fn keys(properties: &Value) -> BTreeSet<String> {
    properties.as_object().unwrap().keys().cloned().collect()
}

fn texts(list: &Value) -> BTreeSet<String> {
    list.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// Every policy that a story is played with or a page shows, and where it is.
fn policies_of_the_repository() -> Vec<(String, String)> {
    let of_story = |place: fixtures::Place| {
        let text = std::fs::read_to_string(place.folder.join("policy.toml")).ok()?;
        Some((place.name, text))
    };
    let mut policies: Vec<(String, String)> = fixtures::places().into_iter().filter_map(of_story).collect();
    for (page, text) in documents::all() {
        let blocks = text.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap().to_owned());
        policies.extend(blocks.map(|block| (page.clone(), block)));
    }
    policies
}

#[test]
fn gate_prints_the_schema_of_the_documentation() {
    let output = Command::new(env!("CARGO_BIN_EXE_gate")).args(["check", "--schema"]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8(output.stdout).unwrap(), documents::read(SCHEMA));
}

#[test]
fn every_policy_of_the_repository_is_valid_under_the_schema() {
    let policies = policies_of_the_repository();
    assert!(policies.len() >= 25, "got {}", policies.len());
    for (place, policy) in policies {
        // Which policies in Rego there are does not matter here.
        assert!(Policy::parse(&policy).is_ok(), "{place}: {policy}");
        assert_eq!(problems(&policy), Vec::<String>::new(), "{place}: {policy}");
    }
}

#[test]
fn the_schema_has_the_keys_that_the_parser_knows_and_no_others() {
    let schema = schema();
    let of_gate = names_expected(&format!("{RULE}[[rule.gate]]\nnonsense = 1\n"));
    assert_eq!(keys(&schema["$defs"]["gate"]["properties"]), of_gate);
    let of_rule = names_expected(&format!("{RULE}nonsense = 1\n"));
    assert_eq!(keys(&schema["$defs"]["rule"]["properties"]), of_rule);
    assert_eq!(keys(&schema["properties"]), names_expected("nonsense = 1\n"));
}

#[test]
fn the_schema_has_the_values_that_the_parser_knows_and_no_others() {
    let rule = &schema()["$defs"]["rule"]["properties"];
    assert_eq!(texts(&rule["events"]["items"]["enum"]), names_expected(&format!("{RULE}events = [\"nonsense\"]\n")));
    assert_eq!(texts(&rule["runner"]["enum"]), names_expected(&format!("{SIGNED}runner = \"nonsense\"\n")));
}

#[test]
fn a_key_without_which_the_parser_refuses_a_policy_is_required() {
    let schema = schema();
    for key in texts(&schema["$defs"]["rule"]["required"]) {
        let without: Vec<&str> = RULE.lines().filter(|line| !line.starts_with(&key)).collect();
        let without = without.join("\n");
        assert!(read(&without).unwrap_err().contains(&format!("missing field `{key}`")), "{without}");
    }
    assert_eq!(
        texts(&schema["$defs"]["rule"]["required"]),
        BTreeSet::from(["repositories", "refs"].map(ToOwned::to_owned))
    );
}

/// A rule in which every default of the schema is spelled out.
fn rule_with_defaults() -> String {
    let schema = schema();
    let keys = schema["$defs"]["rule"]["properties"].as_object().unwrap().iter().filter(|(key, _)| *key != "gate");
    let defaults = keys.filter_map(|(key, of)| Some(format!("{key} = {}\n", of.get("default")?)));
    let defaults: Vec<String> = defaults.collect();
    let gate = &schema["$defs"]["rule"]["properties"]["gate"]["default"][0];
    RULE.to_owned()
        + &defaults.concat()
        + &format!("[[rule.gate]]\njob = {}\nenvironment = {}\n", gate["job"], gate["environment"])
}

#[test]
fn a_default_of_the_schema_is_the_parsers() {
    let spelled_out = rule_with_defaults();
    assert_eq!(read(&spelled_out).unwrap().rules, read(RULE).unwrap().rules, "{spelled_out}");
    let keys_without = ["repositories", "refs", "gate_workflows", "runner"];
    let schema = schema();
    for (key, of) in schema["$defs"]["rule"]["properties"].as_object().unwrap() {
        assert_eq!(of.get("default").is_none(), keys_without.contains(&key.as_str()), "{key}");
    }
}

#[test]
fn every_key_has_a_description_and_a_row_in_the_documentation() {
    let (schema, page) = (schema(), documents::read("docs/policy.md"));
    let rows: BTreeSet<&str> = page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    for of in [&schema["$defs"]["rule"]["properties"], &schema["$defs"]["gate"]["properties"]] {
        for (key, value) in of.as_object().unwrap() {
            // The page has a table of its own for the keys of a gate.
            let is_told = rows.contains(key.as_str()) || (key == "gate" && page.contains("[[rule.gate]]"));
            assert!(value["description"].is_string() && is_told, "{key}");
        }
    }
    for key in ["pause", "data"] {
        assert!(schema["properties"][key]["description"].is_string() && page.contains(key), "{key}");
    }
}

fn rule_with(line: &str) -> String {
    format!("{RULE}{line}\n")
}

fn rule_of(repositories: &str, refs: &str) -> String {
    format!("[[rule]]\nrepositories = [{repositories}]\nrefs = [{refs}]\n")
}

fn gate(job: &str, environment: &str) -> String {
    format!("[[rule.gate]]\njob = \"{job}\"\nenvironment = \"{environment}\"\n")
}

/// Policies with one mistake each, all of which the schema can see.
fn mistakes() -> Vec<String> {
    let long = "x".repeat(101);
    let lines = [
        "reefs = [\"main\"]",
        "approvals = \"one\"",
        "approvals = 2",
        "approvals = -1",
        "approvals = 1.5",
        "events = []",
        "events = [\"push\", \"issues\"]",
        "events = [\"Push\"]",
        "events = \"push\"",
        "gate = []",
        "approvers = [\"two words\"]",
        "starters = [\"\"]",
        "starters = [\"jörg\"]",
        "self_approval = 1",
        "max_age = \"72\"",
        "max_age = \"0h\"",
        "max_age = \"+1h\"",
        "max_age = \"1.5h\"",
        "max_age = \"1 h\"",
        "max_age = \"1w\"",
        "max_age = \"99999999999d\"",
        "max_age = 72",
        "environment = \"\"",
        "environment = \"..\"",
        "environment = \"a\\tb\"",
        "workflow = \"release.yml\"",
        "workflow = \".github/workflows/.yml\"",
        "workflow = \".github/workflows/x/y.yml\"",
        "workflow = \".github/workflows/release\"",
        "workflow = \"/.github/workflows/x.yml\"",
        "workflow = \".github/workflows/a\\tb.yml\"",
        "labels = [\" \"]",
        "policies = [1]",
        "runner = \"github-hosted\"",
        "gate_workflows = [\"octo-org/shared/.github/workflows/gate.yml@refs/heads/main\"]",
        "[data.teams]\nsre = \"bob\"",
        "[data]\nteams = [\"bob\"]",
        "[data.teams]\nsre = [1]",
    ];
    let signed = [
        "runner = \"cloud\"",
        "gate_workflows = []",
        "gate_workflows = [\"octo-org/shared/.github/workflows/gate.yml@main\"]",
        "gate_workflows = [\"octo-org/shared/.github/workflows/*.yml@refs/heads/main\"]",
        "gate_workflows = [\"octo-org/shared/gate.yml@refs/heads/main\"]",
        "gate_workflows = [\"octo-org/../.github/workflows/gate.yml@refs/heads/main\"]",
    ];
    let refs = ["*", "v*x", "v**", "", " main", "main ", "v *", "a\\tb", "refs/heads/main", "refs/tags/v*"];
    let mut mistakes = vec![
        String::new(),
        "pause = false\n".to_owned(),
        "pause = 1\n".to_owned(),
        "rule = []\n".to_owned(),
        format!("paws = true\n{RULE}"),
        "[rule]\nrepositories = [\"octo-org/widgets\"]\nrefs = [\"main\"]\n".to_owned(),
        "[[rule]]\nrefs = [\"main\"]\n".to_owned(),
        "[[rule]]\nrepositories = [\"octo-org/widgets\"]\n".to_owned(),
        rule_of("", "\"main\""),
        rule_of("\"octo-org/widgets\"", ""),
        rule_with(&gate(" ", "x")),
        rule_with(&gate(&long, "x")),
        rule_with(&gate("x", "..")),
        rule_with("[[rule.gate]]\njob = \"x\"\n"),
        rule_with("[[rule.gate]]\nenvironment = \"x\"\n"),
        rule_with("[[rule.gate]]\njob = \"x\"\nenvironment = \"y\"\nreviewers = 1\n"),
        rule_with(&format!("{}{}", gate("a", "x"), gate("a", "x"))),
        rule_with(&format!("approvals = 3\n{}{}", gate("a", "x"), gate("b", "y"))),
        format!("{}runner = \"self-hosted\"\n", SIGNED.replace("true", "false")),
        SIGNED.replace("main", "refs/pull/1"),
        SIGNED.replace("main", "refs/tags/*"),
        SIGNED.replace("main", "refs/heads/refs/heads/main"),
    ];
    mistakes.extend(lines.map(rule_with));
    mistakes.extend(signed.map(|line| format!("{SIGNED}{line}\n")));
    mistakes.extend(refs.map(|name| rule_of("\"octo-org/widgets\"", &format!("\"{name}\""))));
    let repositories =
        ["widgets", "octo-org/", "/widgets", "*/*", "octo-org/w*", "octo org/x", "o/a/b", "octo-org/..", "octo-org/."];
    mistakes.extend(repositories.map(|name| rule_of(&format!("\"{name}\""), "\"main\"")));
    mistakes
}

/// What the schema lets through, because it cannot compare two values, count beyond two, count bytes, bound a number in a text or see other files. docs/policy.md says so.
fn unseen() -> Vec<String> {
    vec![
        rule_with("environment = \"Release-Gate\""),
        rule_with(&gate("g", "Release")),
        rule_with(&format!("{}{}", gate("a", "x"), gate("b", "X"))),
        rule_with(&format!("{}{}", gate("a", "x"), gate("a", "y"))),
        rule_with(&format!("approvals = 4\n{}{}{}", gate("a", "x"), gate("b", "y"), gate("c", "z"))),
        rule_with("policies = [\"nobody-wrote-it\"]"),
        rule_with("approvals = 1.0"),
        rule_with("max_age = \"4294967296m\""),
        rule_of("\"octo-org/widgets\"", &format!("\"{}\"", "ä".repeat(513))),
    ]
}

#[test]
fn what_the_parser_refuses_is_refused_by_the_schema_where_a_schema_can_say_it() {
    for policy in mistakes() {
        assert!(read(&policy).is_err(), "the parser takes it:\n{policy}");
        assert!(!problems(&policy).is_empty(), "the schema takes it:\n{policy}");
    }
}

#[test]
fn what_a_schema_cannot_say_the_parser_refuses() {
    for policy in unseen() {
        assert!(read(&policy).is_err(), "the parser takes it:\n{policy}");
        assert_eq!(problems(&policy), Vec::<String>::new(), "move it to the mistakes that the schema sees:\n{policy}");
    }
}

#[test]
fn what_the_parser_takes_at_its_limits_the_schema_takes() {
    let chars = |length: usize| "ä".repeat(length);
    let policies = [
        "pause = true\n".to_owned(),
        "pause = true\nrule = []\n".to_owned(),
        format!("{RULE}[data]\nteams.sre = [\"bob\"]\nfrozen = [{{ from = 2026-12-24, to = 2027-01-02T08:00:00Z }}]\n"),
        rule_of(
            "\"o/w.x_y-z\", \"octo-org/*\"",
            &format!("\"v*\", \"a b\", \"release/1.x\", \"refs\", \"{}\"", "x".repeat(1024)),
        ),
        rule_with(&format!("environment = \"{}\"\nmax_age = \"0072h\"\napprovals = 0", chars(255))),
        rule_with(&format!("approvers = [\"{}\", \"a[bot]\"]\nlabels = [\" a b \"]", "x".repeat(128))),
        rule_with(&format!("approvals = 3\n{}{}{}", gate("a", "x"), gate("b", "y"), gate(&chars(100), "z"))),
        rule_with("workflow = \".github/workflows/a b.c.yaml\"\nmax_age = \"4294967295d\""),
        format!(
            "{}runner = \"self-hosted\"\n",
            SIGNED.replace("\"main\"", "\"refs/tags/v*\", \"refs/heads/main\", \"main\"")
        ),
        format!("{SIGNED}gate_workflows = [\"octo-org/shared/.github/workflows/gate.yml@refs/heads/a@b\"]\n"),
    ];
    for policy in policies {
        assert_eq!(read(&policy).err(), None, "{policy}");
        assert_eq!(problems(&policy), Vec::<String>::new(), "{policy}");
    }
}
