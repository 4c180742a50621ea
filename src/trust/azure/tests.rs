//! What credentials admit. Not here: the language of expressions.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use serde_json::{Value, json};

use super::AzureTrust;
use crate::trust::document::TrustDocument;
use crate::trust::entry::Entry;
use crate::trust::token::Token;

const SUBJECT: &str = "repo:o/r:environment:release";

fn credential(subject: &str) -> Value {
    json!({"name": "gate", "issuer": "https://token.actions.githubusercontent.com", "subject": subject, "audiences": ["api://AzureADTokenExchange"]})
}

fn flexible(expression: &str) -> Value {
    json!({
        "name": "gate", "issuer": "https://token.actions.githubusercontent.com", "audiences": ["api://AzureADTokenExchange"],
        "claimsMatchingExpression": {"value": expression, "languageVersion": 1}
    })
}

fn with(mut value: Value, name: &str, field: Value) -> Value {
    value.as_object_mut().unwrap().insert(name.to_owned(), field);
    value
}

fn token(subject: &str) -> Token {
    let claims = json!({"iss": "https://token.actions.githubusercontent.com", "aud": "api://AzureADTokenExchange", "sub": subject});
    Token::new(claims.as_object().unwrap().clone())
}

fn admits(document: &Value, subject: &str) -> Entry {
    AzureTrust::parse(document).unwrap().admits(&token(subject))
}

#[test]
fn the_exact_subject_gets_in() {
    assert_eq!(admits(&credential(SUBJECT), SUBJECT), Entry::GetsIn);
}

#[test]
fn a_subject_in_other_letters_stays_out() {
    assert_eq!(admits(&credential(SUBJECT), "repo:o/r:environment:Release"), Entry::StaysOut);
}

#[test]
fn a_star_in_a_subject_is_a_star() {
    assert_eq!(admits(&credential("repo:o/r:environment:*"), SUBJECT), Entry::StaysOut);
}

#[test]
fn a_pattern_in_an_expression_takes_every_environment() {
    assert_eq!(
        admits(&flexible("claims['sub'] matches 'repo:o/r:environment:*'"), "repo:o/r:environment:other"),
        Entry::GetsIn
    );
}

#[test]
fn a_list_is_entered_by_each_of_its_credentials() {
    let list = json!([credential("repo:o/r:ref:refs/heads/main"), credential(SUBJECT)]);
    assert_eq!(admits(&list, SUBJECT), Entry::GetsIn);
    assert_eq!(admits(&json!({ "value": list }), "repo:o/r:ref:refs/heads/main"), Entry::GetsIn);
}

#[test]
fn the_properties_of_resource_manager_are_read() {
    let document = json!({"id": "/subscriptions/1", "name": "gate", "type": "x", "properties": credential(SUBJECT)});
    assert_eq!(admits(&document, SUBJECT), Entry::GetsIn);
}

#[test]
fn another_audience_stays_out() {
    assert_eq!(admits(&with(credential(SUBJECT), "audiences", json!(["other"])), SUBJECT), Entry::StaysOut);
}

#[test]
fn no_audience_cannot_be_told() {
    assert!(matches!(admits(&with(credential(SUBJECT), "audiences", Value::Null), SUBJECT), Entry::CannotTell(_)));
}

#[test]
fn an_issuer_with_a_slash_at_its_end_is_another_issuer() {
    let document = with(credential(SUBJECT), "issuer", json!("https://token.actions.githubusercontent.com/"));
    assert_eq!(admits(&document, SUBJECT), Entry::StaysOut);
}

#[test]
fn another_issuer_beside_githubs_cannot_be_told() {
    let other = with(credential("x"), "issuer", json!("https://gitlab.com"));
    let trust = AzureTrust::parse(&json!([credential(SUBJECT), other])).unwrap();
    assert!(matches!(trust.other_ways(), Entry::CannotTell(_)));
    assert_eq!(trust.admits(&token("repo:o/r:pull_request")), Entry::StaysOut);
}

#[test]
fn an_unknown_field_cannot_be_told() {
    assert!(matches!(admits(&with(credential(SUBJECT), "condition", json!("x")), SUBJECT), Entry::CannotTell(_)));
}

#[test]
fn an_expression_that_cannot_be_read_cannot_be_told() {
    assert!(matches!(admits(&flexible("claims['sub'] like 'x'"), SUBJECT), Entry::CannotTell(_)));
}

#[test]
fn another_version_of_the_language_cannot_be_told() {
    let expression = json!({"value": "claims['sub'] eq 'x'", "languageVersion": 2});
    let document = with(with(credential(SUBJECT), "subject", Value::Null), "claimsMatchingExpression", expression);
    assert!(matches!(admits(&document, SUBJECT), Entry::CannotTell(_)));
}

#[test]
fn subject_and_expression_together_cannot_be_told() {
    let document = with(flexible("claims['sub'] eq 'x'"), "subject", json!(SUBJECT));
    assert!(matches!(admits(&document, SUBJECT), Entry::CannotTell(_)));
}

#[test]
fn more_credentials_on_another_page_cannot_be_told() {
    let document = json!({"value": [credential("x")], "@odata.nextLink": "https://graph.microsoft.com/…"});
    assert!(matches!(AzureTrust::parse(&document).unwrap().other_ways(), Entry::CannotTell(_)));
}

#[test]
fn an_empty_list_lets_nobody_in() {
    assert_eq!(admits(&json!([]), SUBJECT), Entry::StaysOut);
}

#[test]
fn a_file_of_another_provider_is_an_error_that_says_what_to_do() {
    let error = AzureTrust::parse(&json!({"Version": "2012-10-17", "Statement": []})).unwrap_err();
    assert!(error.to_string().contains("az ad app federated-credential list"), "{error}");
}

#[test]
fn a_credential_without_subject_is_an_error() {
    assert!(AzureTrust::parse(&with(credential(SUBJECT), "subject", Value::Null)).is_err());
}

#[test]
fn a_subject_that_is_a_list_is_an_error() {
    assert!(AzureTrust::parse(&with(credential(SUBJECT), "subject", json!([SUBJECT]))).is_err());
}

#[test]
fn an_enterprises_issuer_is_githubs() {
    let document = with(credential(SUBJECT), "issuer", json!("https://token.actions.githubusercontent.com/acme"));
    assert!(AzureTrust::parse(&document).unwrap().patterns().iter().any(|pattern| pattern.claim() == "iss"));
}

#[test]
fn an_expression_without_an_id_is_noted() {
    assert_eq!(AzureTrust::parse(&flexible("claims['sub'] eq 'x'")).unwrap().notes().len(), 1);
    let bound = flexible("claims['sub'] eq 'x' and claims['repository_id'] eq '74'");
    assert!(AzureTrust::parse(&bound).unwrap().notes().is_empty());
}
