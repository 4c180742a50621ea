//! What is printed admits the gate alone, and each single loosening of it is told.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "a test that cannot go on fails"
)]

use serde_json::{Value, json};

use crate::trust::test_support::{Chance, cases, facts, keys};
use crate::trust::{Facts, Subject, verdict};

use super::{PrintError, cloudformation, read, trust_policy};

const ARN: &str = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com";
const ALONE: &str = "only-the-gate";
const MORE: &str = "more-than-the-gate";
const NOBODY: &str = "nobody";

fn generated(seed: u64) -> Facts {
    let mut chance = Chance::new(seed);
    let word = |chance: &mut Chance, alphabet: &[u8]| -> String {
        (0..=chance.below(12)).map(|_| char::from(chance.of(alphabet))).collect()
    };
    let repository = format!("{}/{}", word(&mut chance, b"abcXYZ019-"), word(&mut chance, b"abcXYZ019-_."));
    let environment = word(&mut chance, b"abcXYZ019-_.:/% {}$'\"\\@");
    let subject = match chance.below(5) {
        0 => Subject::Default,
        1 => Subject::Immutable,
        2 => keys(&["repo", "environment"]),
        3 => keys(&["repository_owner_id", "context"]),
        _ => keys(&["repo", "workflow", "environment", "ref"]),
    };
    let (repository_id, owner_id) = (1 + chance.below(900_000_000) as u64, 1 + chance.below(900_000_000) as u64);
    Facts { repository, repository_id, owner_id, environment, subject }
}

fn said(policy: &Value, facts: &Facts) -> &'static str {
    verdict(&read(&policy.to_string()).unwrap(), facts).as_str()
}

fn key(claim: &str) -> String {
    format!("token.actions.githubusercontent.com:{claim}")
}

/// The printed policy of the usual gate, with a change to its statement.
fn changed(facts: &Facts, change: impl Fn(&mut Value)) -> &'static str {
    let mut policy: Value = serde_json::from_str(&trust_policy(facts, ARN).unwrap()).unwrap();
    change(&mut policy["Statement"][0]);
    said(&policy, facts)
}

fn without(claims: &'static [&'static str]) -> impl Fn(&mut Value) {
    move |statement| {
        let equals = statement["Condition"]["StringEquals"].as_object_mut().unwrap();
        for claim in claims {
            equals.remove(&key(claim)).unwrap();
        }
    }
}

/// Moves a claim from `StringEquals` to another operator, with another value if one is given.
fn moved(statement: &mut Value, claim: &str, operator: &str, value: Option<&str>) {
    let old = statement["Condition"]["StringEquals"].as_object_mut().unwrap().remove(&key(claim)).unwrap();
    statement["Condition"][operator][key(claim)] = value.map_or(old, Value::from);
}

#[test]
fn what_is_printed_admits_the_gate_alone() {
    admits_the_gate_alone(0..cases(20).max(6));
}

/// Takes a minute: `cargo test --lib a_hundred -- --ignored`.
#[test]
#[ignore = "slow"]
fn a_hundred_printed_policies_admit_the_gate_alone() {
    admits_the_gate_alone(0..100);
}

fn admits_the_gate_alone(seeds: std::ops::Range<u64>) {
    for seed in seeds {
        let facts = generated(seed);
        let text = trust_policy(&facts, ARN).unwrap();
        let verdict = verdict(&read(&text).unwrap(), &facts);
        assert_eq!((verdict.as_str(), verdict.notes.len()), (ALONE, 0), "{facts:?}\n{text}\n{verdict:?}");
    }
}

#[test]
fn the_template_binds_what_the_policy_binds() {
    for seed in 0..5 {
        let facts = generated(seed);
        let template = cloudformation(&facts).unwrap();
        let policy: Value = serde_json::from_str(&trust_policy(&facts, ARN).unwrap()).unwrap();
        for keys in policy["Statement"][0]["Condition"].as_object().unwrap().values() {
            for (key, value) in keys.as_object().unwrap() {
                assert!(template.contains(&format!("                {key}: {value}\n")), "{key} {template}");
            }
        }
    }
}

#[test]
fn any_one_of_the_redundant_keys_may_go_and_no_more() {
    let facts = facts("release", Subject::Default);
    assert_eq!(changed(&facts, without(&["aud"])), ALONE);
    assert_eq!(changed(&facts, without(&["sub"])), ALONE, "`repository_id` and `environment` still bind");
    assert_eq!(changed(&facts, without(&["environment"])), ALONE, "`sub` still binds");
    assert_eq!(changed(&facts, without(&["repository_id"])), ALONE, "`sub` still binds");
    assert_eq!(changed(&facts, without(&["repository_id", "environment"])), ALONE, "`sub` still binds");
    assert_eq!(changed(&facts, without(&["sub", "environment"])), MORE);
    assert_eq!(changed(&facts, without(&["sub", "repository_id"])), MORE);
    assert_eq!(changed(&facts, |statement| drop(statement.as_object_mut().unwrap().remove("Condition"))), MORE);
}

#[test]
fn with_a_colon_in_the_environment_its_key_may_not_go() {
    let facts = facts("a:b", Subject::Default);
    assert_eq!(changed(&facts, without(&["environment"])), MORE);
    assert_eq!(changed(&facts, without(&["sub"])), ALONE);
}

#[test]
fn a_star_widens_only_where_nothing_else_binds() {
    let facts = facts("release", Subject::Default);
    let wide = |claims: &[(&str, &str)]| {
        changed(&facts, |statement| {
            for (claim, value) in claims {
                moved(statement, claim, "StringLike", Some(value));
            }
        })
    };
    assert_eq!(wide(&[("sub", "repo:o/r:*")]), ALONE);
    assert_eq!(wide(&[("environment", "*")]), ALONE);
    assert_eq!(wide(&[("repository_id", "4*")]), ALONE);
    assert_eq!(wide(&[("sub", "repo:o/r:*"), ("environment", "release*")]), MORE);
    assert_eq!(wide(&[("sub", "*:environment:release"), ("repository_id", "42*")]), MORE);
    assert_eq!(
        wide(&[("sub", "repo:o/r:*"), ("repository_id", "*")]),
        ALONE,
        "the repository by `sub`, the environment by its key"
    );
    assert_eq!(changed(&facts, |s| s["Condition"]["StringEquals"][key("sub")] = json!("repo:o/r:*")), NOBODY);
}

#[test]
fn an_operator_that_takes_an_absent_key_widens_only_where_nothing_else_binds() {
    let facts = facts("release", Subject::Default);
    for operator in ["StringEqualsIfExists", "ForAllValues:StringEquals"] {
        for claim in ["sub", "environment", "repository_id", "aud"] {
            assert_eq!(
                changed(&facts, |statement| moved(statement, claim, operator, None)),
                ALONE,
                "{operator} {claim}"
            );
        }
        let loose = changed(&facts, |statement| {
            moved(statement, "environment", operator, None);
            without(&["sub"])(statement);
        });
        assert_eq!(loose, MORE, "{operator}");
    }
}

#[test]
fn a_second_statement_or_principal_is_told() {
    let facts = facts("release", Subject::Default);
    let mut policy: Value = serde_json::from_str(&trust_policy(&facts, ARN).unwrap()).unwrap();
    let mut second = policy["Statement"][0].clone();
    policy["Statement"].as_array_mut().unwrap().push(second.clone());
    assert_eq!(said(&policy, &facts), ALONE, "the same twice");
    second["Condition"] = json!({"StringEquals": {key("repository_id"): "42"}});
    policy["Statement"][1] = second;
    assert_eq!(said(&policy, &facts), MORE);
    assert_eq!(
        changed(&facts, |statement| statement["Principal"] =
            json!({"Federated": ARN, "AWS": "arn:aws:iam::111122223333:root"})),
        ALONE,
        "only by web identity"
    );
    let both = |statement: &mut Value| {
        statement["Principal"] = json!({"Federated": ARN, "AWS": "arn:aws:iam::111122223333:root"});
        statement["Action"] = json!("sts:*");
        statement["Condition"] = json!({"StringEqualsIfExists": statement["Condition"]["StringEquals"]});
    };
    assert_eq!(changed(&facts, both), "cannot-tell", "the account needs no token");
}

#[test]
fn an_environment_that_would_be_a_variable_is_bound_as_it_is() {
    let facts = facts("${aws:x}*", keys(&["repo", "environment", "actor"]));
    let text = trust_policy(&facts, ARN).unwrap();
    assert!(text.contains("${$}{aws%3Ax}${*}"), "{text}");
}

#[test]
fn a_name_that_cannot_be_bound_is_refused_with_the_reason() {
    let refused = |facts: &Facts| trust_policy(facts, ARN).unwrap_err().to_string();
    assert!(refused(&facts("リリース", Subject::Default)).contains("'リ'"));
    assert!(refused(&facts("a\u{1}", Subject::Default)).contains("'\\u{1}'"));
    assert!(refused(&facts("", Subject::Default)).contains("1 to 255"));
    let mut elsewhere = facts("release", Subject::Default);
    elsewhere.repository = "o/r*".to_owned();
    assert!(refused(&elsewhere).contains("`o/r*`"));
    assert!(refused(&facts("release", keys(&[]))).contains("no keys"));
    assert!(matches!(cloudformation(&facts("日", Subject::Default)), Err(PrintError::Character { .. })));
}

#[test]
fn a_provider_that_is_not_githubs_is_refused() {
    let facts = facts("release", Subject::Default);
    assert!(matches!(
        trust_policy(&facts, "arn:aws:iam::1:oidc-provider/gitlab.com"),
        Err(PrintError::Provider { .. })
    ));
    let enterprise = trust_policy(&facts, &format!("{ARN}/octo-inc")).unwrap();
    assert!(enterprise.contains("token.actions.githubusercontent.com/octo-inc:sub"));
}

#[test]
fn the_template_has_the_provider_or_takes_an_existing_one() {
    let template = cloudformation(&facts("release", Subject::Default)).unwrap();
    for line in [
        "Url: https://token.actions.githubusercontent.com",
        "Federated: !If [CreatesProvider, !Ref Provider, !Ref ExistingProviderArn]",
        "token.actions.githubusercontent.com:sub: \"repo:o/r:environment:release\"",
        "token.actions.githubusercontent.com:aud: \"sts.amazonaws.com\"",
    ] {
        assert!(template.contains(line), "{line}\n{template}");
    }
    assert!(!template.contains('@'), "{template}");
}
