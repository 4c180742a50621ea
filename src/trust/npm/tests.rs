//! What trusted publishers admit.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use serde_json::{Value, json};

use super::NpmTrust;
use crate::trust::document::TrustDocument;
use crate::trust::entry::Entry;
use crate::trust::facts::{Facts, Subject};
use crate::trust::token::Token;
use crate::trust::verdict::{Answer, verdict};

fn listed(environment: Option<&str>) -> Value {
    json!({"id": "1", "type": "github", "file": "publish.yml", "repository": "o/r", "environment": environment, "permissions": ["createPackage"]})
}

fn token(environment: Option<&str>, workflow: &str) -> Token {
    let claims = json!({"repository": "o/r", "environment": environment, "workflow_ref": workflow});
    Token::new(claims.as_object().unwrap().clone())
}

fn admits(document: &Value, environment: Option<&str>) -> Entry {
    NpmTrust::parse(document).unwrap().admits(&token(environment, "o/r/.github/workflows/publish.yml@refs/heads/main"))
}

#[test]
fn the_environment_gets_in_and_no_other_does() {
    let document = listed(Some("release"));
    assert_eq!(admits(&document, Some("release")), Entry::GetsIn);
    assert_eq!(admits(&document, Some("Release")), Entry::StaysOut);
    assert_eq!(admits(&document, None), Entry::StaysOut);
}

#[test]
fn without_an_environment_every_job_gets_in() {
    assert_eq!(admits(&listed(None), None), Entry::GetsIn);
}

#[test]
fn what_the_registry_answers_is_read() {
    let document = json!([{"type": "github", "claims": {"repository": "o/r", "workflow_ref": {"file": "publish.yml"}, "environment": "release"}}]);
    assert_eq!(admits(&document, Some("release")), Entry::GetsIn);
    assert_eq!(admits(&document, Some("x")), Entry::StaysOut);
}

#[test]
fn the_fields_of_the_form_are_read() {
    let document =
        json!({"organization": "o", "repository": "r", "workflow_filename": "publish.yml", "environment": "release"});
    assert_eq!(admits(&document, Some("release")), Entry::GetsIn);
}

#[test]
fn each_of_several_publishers_is_a_way_in() {
    assert_eq!(admits(&json!([listed(Some("release")), listed(None)]), Some("x")), Entry::GetsIn);
}

#[test]
fn another_workflow_stays_out() {
    let trust = NpmTrust::parse(&listed(None)).unwrap();
    assert_eq!(trust.admits(&token(None, "o/r/.github/workflows/other.yml@refs/heads/publish.yml@x")), Entry::StaysOut);
    assert_eq!(trust.admits(&token(None, "o/r/.github/workflows/publish.yml.yml@refs/heads/main")), Entry::StaysOut);
}

#[test]
fn another_repository_stays_out() {
    let mut document = listed(None);
    *document.get_mut("repository").unwrap() = json!("O/r");
    assert_eq!(admits(&document, None), Entry::StaysOut);
}

#[test]
fn a_publisher_of_another_platform_cannot_be_told() {
    let trust = NpmTrust::parse(&json!([{"type": "gitlab", "project": "o/r"}])).unwrap();
    assert!(matches!(trust.other_ways(), Entry::CannotTell(_)));
}

#[test]
fn an_unknown_field_cannot_be_told() {
    let document = json!({"type": "github", "file": "publish.yml", "repository": "o/r", "branch": "main"});
    assert!(matches!(admits(&document, None), Entry::CannotTell(_)));
}

#[test]
fn an_unknown_claim_cannot_be_told() {
    let document = json!({"type": "github", "claims": {"repository": "o/r", "workflow_ref": {"file": "publish.yml", "ref": "main"}}});
    assert!(matches!(admits(&document, None), Entry::CannotTell(_)));
}

#[test]
fn a_publisher_without_repository_is_an_error() {
    assert!(NpmTrust::parse(&json!({"type": "github", "file": "publish.yml"})).is_err());
}

#[test]
fn a_repository_without_owner_is_an_error() {
    assert!(NpmTrust::parse(&json!({"type": "github", "file": "publish.yml", "repository": "r"})).is_err());
}

#[test]
fn a_file_of_another_provider_is_an_error_that_says_what_to_do() {
    let error = NpmTrust::parse(&json!({"Statement": []})).unwrap_err();
    assert!(error.to_string().contains("npm trust list"), "{error}");
}

fn judged(document: &Value) -> Answer {
    let subject = Subject::Default;
    let facts = Facts {
        repository: "o/r".to_owned(),
        repository_id: 74,
        owner_id: 65,
        environment: "release".to_owned(),
        subject,
    };
    verdict(&NpmTrust::parse(document).unwrap(), &facts).answer
}

#[test]
fn an_environment_is_the_gate_alone() {
    assert_eq!(judged(&listed(Some("release"))), Answer::OnlyTheGate);
}

#[test]
fn no_environment_or_one_more_publisher_is_more() {
    assert_eq!(judged(&listed(None)), Answer::MoreThanTheGate);
    assert_eq!(judged(&json!([listed(Some("release")), listed(Some("other"))])), Answer::MoreThanTheGate);
}

#[test]
fn another_environment_is_more_and_another_repository_too() {
    assert_eq!(judged(&listed(Some("other"))), Answer::MoreThanTheGate);
    let mut other = listed(Some("release"));
    *other.get_mut("repository").unwrap() = json!("o/other");
    assert_eq!(judged(&other), Answer::MoreThanTheGate);
}

#[test]
fn a_field_under_two_names_is_an_error() {
    let two = |one: &str, other: &str| {
        let mut document =
            json!({"type": "github", "repository": "o/r", "file": "publish.yml", "environment": "release"});
        document.as_object_mut().unwrap().insert(one.to_owned(), json!(other));
        NpmTrust::parse(&document).is_err()
    };
    assert!(two("environment_name", "x"));
    assert!(two("workflow", "other.yml"));
    assert!(two("owner", "p"));
    assert!(!two("owner", "o"));
}
