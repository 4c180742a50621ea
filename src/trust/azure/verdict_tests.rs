//! Who gets in by credentials.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use serde_json::{Value, json};

use super::AzureTrust;
use crate::trust::facts::{Facts, Subject};
use crate::trust::verdict::{Answer, verdict};

fn facts(environment: &str, subject: Subject) -> Facts {
    Facts {
        repository: "o/r".to_owned(),
        repository_id: 74,
        owner_id: 65,
        environment: environment.to_owned(),
        subject,
    }
}

fn credential(field: &str, value: &Value) -> Value {
    json!({"name": "gate", "issuer": "https://token.actions.githubusercontent.com", "audiences": ["api://AzureADTokenExchange"], field: value})
}

fn subject(text: &str) -> Value {
    credential("subject", &json!(text))
}

fn flexible(text: &str) -> Value {
    credential("claimsMatchingExpression", &json!({"value": text, "languageVersion": 1}))
}

fn judged(document: &Value) -> Answer {
    verdict(&AzureTrust::parse(document).unwrap(), &facts("release", Subject::Default)).answer
}

#[test]
fn the_exact_subject_is_the_gate_alone() {
    assert_eq!(judged(&subject("repo:o/r:environment:release")), Answer::OnlyTheGate);
}

#[test]
fn the_subject_by_name_is_nobodys_where_sub_has_ids() {
    let trust = AzureTrust::parse(&subject("repo:o/r:environment:release")).unwrap();
    assert_eq!(verdict(&trust, &facts("release", Subject::Immutable)).answer, Answer::Nobody);
}

#[test]
fn a_star_in_a_classic_subject_is_nobodys() {
    assert_eq!(judged(&subject("repo:o/r:environment:*")), Answer::Nobody);
    assert_eq!(judged(&subject("repo:o/r:*")), Answer::Nobody);
}

#[test]
fn a_loose_expression_is_more() {
    for text in [
        "claims['sub'] matches 'repo:o/r:environment:*'",
        "claims['sub'] matches 'repo:o/r:environment:release*'",
        "claims['sub'] matches 'repo:o/*:environment:release'",
        "claims['sub'] matches 'repo:o/r*' and claims['repository_id'] eq '74'",
        "claims['repository_id'] eq '74'",
        "claims['job_workflow_ref'] eq 'o/r/.github/workflows/deploy.yml@refs/heads/main'",
        "claims['sub'] matches '*:environment:release' and claims['repository_owner_id'] eq '65'",
    ] {
        assert_eq!(judged(&flexible(text)), Answer::MoreThanTheGate, "{text}");
    }
}

#[test]
fn an_exact_expression_is_the_gate_alone() {
    for text in [
        "claims['sub'] eq 'repo:o/r:environment:release' and claims['repository_id'] eq '74'",
        "claims['sub'] matches '*:environment:release' and claims['repository_id'] eq '74'",
    ] {
        assert_eq!(judged(&flexible(text)), Answer::OnlyTheGate, "{text}");
    }
}

#[test]
fn one_loose_credential_of_a_list_is_more() {
    let list = json!([subject("repo:o/r:environment:release"), subject("repo:o/r:pull_request")]);
    assert_eq!(judged(&list), Answer::MoreThanTheGate);
}

#[test]
fn a_colon_in_the_name_has_a_twin() {
    let trust = AzureTrust::parse(&subject("repo:o/r:environment:a%3Ab")).unwrap();
    assert_eq!(verdict(&trust, &facts("a:b", Subject::Default)).answer, Answer::MoreThanTheGate);
}

#[test]
fn what_is_not_understood_cannot_be_told() {
    assert_eq!(judged(&flexible("claims['environment'] eq 'release'")), Answer::CannotTell);
    let other = json!({"name": "x", "issuer": "https://gitlab.com", "subject": "x", "audiences": ["x"]});
    assert_eq!(judged(&json!([subject("repo:o/r:environment:release"), other])), Answer::CannotTell);
}

#[test]
fn another_issuer_alone_cannot_be_told() {
    for issuer in ["https://gitlab.com", "https://token.actions.githubusercontent.com/"] {
        let other = json!({"name": "x", "issuer": issuer, "subject": "x", "audiences": ["x"]});
        assert_eq!(judged(&other), Answer::CannotTell, "{issuer}");
    }
}

#[test]
fn a_pull_requests_ref_is_written_by_its_reviews() {
    let gate = subject("repo:o/r:environment:release");
    let pulls = flexible("claims['sub'] matches 'repo:o/r:ref:refs/pull/*'");
    assert_eq!(judged(&json!([gate, pulls])), Answer::MoreThanTheGate);
}

#[test]
fn a_credential_beside_a_list_of_them_is_an_error() {
    let mut document = subject("repo:o/r:ref:refs/heads/main");
    document.as_object_mut().unwrap().insert("value".to_owned(), json!([subject("repo:o/r:environment:release")]));
    assert!(AzureTrust::parse(&document).is_err());
    let listed = json!({"@odata.context": "x", "value": [subject("repo:o/r:environment:release")]});
    assert_eq!(judged(&listed), Answer::OnlyTheGate);
}

#[test]
fn a_subject_beside_properties_cannot_be_told() {
    let inner = subject("repo:o/r:environment:release");
    let document = json!({"name": "gate", "properties": inner, "subject": "repo:o/r:ref:refs/heads/main"});
    assert_eq!(judged(&document), Answer::CannotTell);
    assert_eq!(judged(&json!({"name": "gate", "properties": inner})), Answer::OnlyTheGate);
}
