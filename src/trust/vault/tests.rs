//! What a role admits.
#![expect(clippy::unwrap_used, clippy::needless_pass_by_value, reason = "a test that cannot go on fails")]

use serde_json::{Value, json};

use super::VaultTrust;
use crate::trust::document::TrustDocument;
use crate::trust::entry::Entry;
use crate::trust::facts::{Facts, Subject};
use crate::trust::token::Token;
use crate::trust::verdict::{Answer, verdict};

fn role(fields: Value) -> Value {
    let mut role =
        json!({"role_type": "jwt", "user_claim": "repository", "bound_audiences": ["https://vault.example"]});
    for (name, value) in fields.as_object().unwrap() {
        role.as_object_mut().unwrap().insert(name.clone(), value.clone());
    }
    role
}

fn token(changes: Value) -> Token {
    let mut claims = json!({
        "iss": "https://token.actions.githubusercontent.com", "aud": "https://vault.example", "sub": "repo:o/r:environment:release",
        "repository": "o/r", "repository_id": "74", "environment": "release"
    });
    for (name, value) in changes.as_object().unwrap() {
        claims.as_object_mut().unwrap().insert(name.clone(), value.clone());
    }
    Token::new(claims.as_object().unwrap().clone())
}

fn admits(role: &Value, changes: Value) -> Entry {
    VaultTrust::parse(role).unwrap().admits(&token(changes))
}

#[test]
fn the_audience_alone_lets_everybody_in() {
    assert_eq!(
        admits(&role(json!({})), json!({"repository": "evil/r", "sub": "repo:evil/r:pull_request"})),
        Entry::GetsIn
    );
}

#[test]
fn a_role_without_audiences_depends_on_the_version_of_vault() {
    let role = role(json!({"bound_audiences": [], "bound_subject": "repo:o/r:environment:release"}));
    assert!(matches!(admits(&role, json!({})), Entry::CannotTell(why) if why.contains("1.17")));
    assert_eq!(admits(&role, json!({"sub": "repo:o/r:pull_request"})), Entry::StaysOut);
}

#[test]
fn one_of_several_audiences_is_enough() {
    let role = role(json!({"bound_audiences": "other, https://vault.example"}));
    assert_eq!(admits(&role, json!({})), Entry::GetsIn);
    assert_eq!(admits(&role, json!({"aud": ["x", "other"]})), Entry::GetsIn);
    assert_eq!(admits(&role, json!({"aud": "x"})), Entry::StaysOut);
}

#[test]
fn the_bound_subject_is_compared_exactly_even_among_globs() {
    let role = role(json!({"bound_subject": "repo:o/r:environment:*", "bound_claims_type": "glob"}));
    assert_eq!(admits(&role, json!({})), Entry::StaysOut);
}

#[test]
fn what_vault_prints_is_read_within_data() {
    let role = json!({"request_id": "x", "data": role(json!({"bound_subject": "repo:o/r:environment:release", "token_ttl": 600, "max_age": 0}))});
    assert_eq!(admits(&role, json!({})), Entry::GetsIn);
    assert_eq!(admits(&role, json!({"sub": "repo:o/r:environment:other"})), Entry::StaysOut);
}

#[test]
fn every_bound_claim_must_fit() {
    let role = role(json!({"bound_claims": {"repository_id": "74", "environment": "release"}}));
    assert_eq!(admits(&role, json!({})), Entry::GetsIn);
    assert_eq!(admits(&role, json!({"environment": "other"})), Entry::StaysOut);
    assert_eq!(admits(&role, json!({"environment": null})), Entry::StaysOut);
}

#[test]
fn one_value_of_a_list_is_enough() {
    let role = role(json!({"bound_claims": {"environment": ["release", "staging"]}}));
    assert_eq!(admits(&role, json!({"environment": "staging"})), Entry::GetsIn);
}

#[test]
fn an_empty_list_of_values_lets_nobody_in() {
    assert_eq!(admits(&role(json!({"bound_claims": {"environment": []}})), json!({})), Entry::StaysOut);
}

#[test]
fn a_list_within_a_list_fits_nothing() {
    assert_eq!(admits(&role(json!({"bound_claims": {"environment": [["release"]]}})), json!({})), Entry::StaysOut);
}

#[test]
fn a_star_is_a_star_unless_globs_are_asked_for() {
    let claims = json!({"sub": "repo:o/r:*"});
    assert_eq!(admits(&role(json!({"bound_claims": claims})), json!({})), Entry::StaysOut);
    assert_eq!(
        admits(&role(json!({"bound_claims": claims, "bound_claims_type": "string"})), json!({})),
        Entry::StaysOut
    );
    assert_eq!(admits(&role(json!({"bound_claims": claims, "bound_claims_type": "glob"})), json!({})), Entry::GetsIn);
}

#[test]
fn a_question_mark_is_no_wildcard_of_vault() {
    let role = role(json!({"bound_claims": {"environment": "releas?"}, "bound_claims_type": "glob"}));
    assert_eq!(admits(&role, json!({})), Entry::StaysOut);
}

#[test]
fn a_number_is_never_equal_to_an_id_that_is_text() {
    assert_eq!(admits(&role(json!({"bound_claims": {"repository_id": 74}})), json!({})), Entry::StaysOut);
}

#[test]
fn a_claim_may_be_named_by_a_json_pointer() {
    let role = role(json!({"bound_claims": {"/environment": "release"}}));
    assert_eq!(admits(&role, json!({})), Entry::GetsIn);
    assert_eq!(admits(&role, json!({"environment": "other"})), Entry::StaysOut);
}

#[test]
fn the_user_claim_must_be_there() {
    let role = role(json!({"user_claim": "environment"}));
    assert_eq!(admits(&role, json!({})), Entry::GetsIn);
    assert_eq!(admits(&role, json!({"environment": null})), Entry::StaysOut);
}

#[test]
fn an_oidc_role_takes_no_token_of_github() {
    assert_eq!(admits(&role(json!({"role_type": "oidc"})), json!({})), Entry::StaysOut);
}

#[test]
fn an_unknown_field_cannot_be_told() {
    assert!(matches!(admits(&role(json!({"bound_cel": "x"})), json!({})), Entry::CannotTell(_)));
}

#[test]
fn a_glob_that_is_a_number_cannot_be_told() {
    let role = role(json!({"bound_claims": {"repository_id": 74}, "bound_claims_type": "glob"}));
    assert!(matches!(admits(&role, json!({})), Entry::CannotTell(_)));
}

#[test]
fn a_type_of_claims_that_does_not_exist_is_an_error() {
    assert!(VaultTrust::parse(&role(json!({"bound_claims_type": "regex"}))).unwrap_err().to_string().contains("glob"));
}

#[test]
fn a_role_without_user_claim_is_an_error() {
    assert!(VaultTrust::parse(&role(json!({"user_claim": ""}))).is_err());
}

#[test]
fn a_file_of_another_provider_is_an_error() {
    assert!(VaultTrust::parse(&json!({"Version": "2012-10-17", "Statement": []})).is_err());
}

#[test]
fn patterns_are_named_by_claim_even_behind_a_pointer() {
    let role = role(json!({"bound_claims": {"/environment": "release*"}, "bound_claims_type": "glob"}));
    assert!(VaultTrust::parse(&role).unwrap().patterns().iter().any(|pattern| pattern.claim() == "environment"));
}

#[test]
fn a_role_without_type_is_noted() {
    assert!(
        VaultTrust::parse(&role(json!({"role_type": null})))
            .unwrap()
            .notes()
            .iter()
            .any(|note| note.contains("role_type"))
    );
}

fn judged(fields: Value) -> Answer {
    let subject = Subject::Default;
    let facts = Facts {
        repository: "o/r".to_owned(),
        repository_id: 74,
        owner_id: 65,
        environment: "release".to_owned(),
        subject,
    };
    verdict(&VaultTrust::parse(&role(fields)).unwrap(), &facts).answer
}

#[test]
fn exact_roles_are_the_gate_alone() {
    for fields in [
        json!({"bound_subject": "repo:o/r:environment:release"}),
        json!({"bound_claims": {"repository_id": "74", "environment": "release"}}),
        json!({"bound_claims": {"repository": ["o/r"], "/environment": ["release"]}}),
        json!({"bound_claims": {"sub": "repo:o/r:environment:release"}, "bound_claims_type": "glob"}),
    ] {
        assert_eq!(judged(fields.clone()), Answer::OnlyTheGate, "{fields}");
    }
}

#[test]
fn loose_roles_are_more() {
    for fields in [
        json!({}),
        json!({"bound_claims": {"repository": "o/r"}}),
        json!({"bound_claims": {"repository_owner": "o", "environment": "release"}}),
        json!({"bound_claims": {"environment": ["release", "other"], "repository_id": "74"}}),
        json!({"bound_claims": {"sub": "repo:o/r:*"}, "bound_claims_type": "glob"}),
        json!({"bound_claims": {"sub": "repo:o/r:environment:release*"}, "bound_claims_type": "glob"}),
        json!({"bound_claims": {"repository_id": "74"}, "user_claim": "environment"}),
    ] {
        assert_eq!(judged(fields.clone()), Answer::MoreThanTheGate, "{fields}");
    }
}

#[test]
fn roles_that_no_token_fits_are_nobodys() {
    for fields in [
        json!({"bound_claims": {"sub": "repo:o/r:*"}}),
        json!({"bound_claims": {"repository_id": 74}}),
        json!({"role_type": "oidc", "bound_subject": "repo:o/r:environment:release"}),
    ] {
        assert_eq!(judged(fields.clone()), Answer::Nobody, "{fields}");
    }
}

#[test]
fn bound_claims_without_audiences_cannot_be_told() {
    for claims in [json!({"repository_id": "74"}), json!({"repository_id": "74", "environment": "release"})] {
        let fields = json!({"bound_audiences": null, "bound_claims": claims});
        assert_eq!(judged(fields.clone()), Answer::CannotTell, "{fields}");
    }
}

#[test]
fn fields_beside_data_cannot_be_told() {
    let inner = role(json!({"bound_claims": {"repository_id": "74", "environment": "release"}}));
    let document = json!({"data": inner, "bound_claims": {"repository_id": "74"}});
    assert!(matches!(VaultTrust::parse(&document).unwrap().admits(&token(json!({}))), Entry::CannotTell(_)));
}

#[test]
fn a_time_is_a_number_and_is_nobodys_name() {
    let bound = json!({"repository_id": "74", "environment": "release"});
    assert_eq!(judged(json!({"bound_claims": bound, "user_claim": "iat"})), Answer::Nobody);
    assert_eq!(judged(json!({"bound_claims": bound, "claim_mappings": {"nbf": "since"}})), Answer::CannotTell);
}

#[test]
fn the_tokens_own_id_binds_nobody() {
    let fields = json!({"bound_claims": {"repository_id": "74"}, "user_claim": "jti"});
    assert_eq!(judged(fields), Answer::MoreThanTheGate);
}
