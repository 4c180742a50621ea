//! Verdicts and entries of providers and policies.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

use serde_json::{Value, json};

use super::GcpTrust;
use crate::trust::document::TrustDocument;
use crate::trust::entry::Entry;
use crate::trust::facts::{Facts, Subject};
use crate::trust::token::Token;
use crate::trust::verdict::{Answer, verdict};

const POOL: &str = "projects/1/locations/global/workloadIdentityPools/pool";
const BOUND: &str = "assertion.repository_id == '74' && assertion.environment == 'release'";

fn provider(condition: &str) -> Value {
    json!({
        "name": format!("{POOL}/providers/github"), "state": "ACTIVE", "attributeCondition": condition,
        "attributeMapping": {"google.subject": "assertion.sub", "attribute.repository": "assertion.repository"},
        "oidc": {"issuerUri": "https://token.actions.githubusercontent.com"}
    })
}

fn policy(members: &[&str]) -> Value {
    json!({"version": 1, "etag": "x", "bindings": [{"role": "roles/iam.workloadIdentityUser", "members": members}]})
}

fn facts(environment: &str) -> Facts {
    Facts {
        repository: "o/r".to_owned(),
        repository_id: 74,
        owner_id: 65,
        environment: environment.to_owned(),
        subject: Subject::Default,
    }
}

fn judged(documents: &[Value], environment: &str) -> Answer {
    verdict(&GcpTrust::parse(documents).unwrap(), &facts(environment)).answer
}

fn condition(text: &str) -> Answer {
    judged(&[provider(text)], "release")
}

fn with_policy(text: &str, members: &[&str]) -> Answer {
    judged(&[provider(text), policy(members)], "release")
}

fn token(changes: &Value) -> Token {
    let mut claims = json!({
        "iss": "https://token.actions.githubusercontent.com", "aud": format!("https://iam.googleapis.com/{POOL}/providers/github"),
        "sub": "repo:o/r:environment:release", "repository": "o/r", "repository_id": "74", "environment": "release", "ref": "refs/heads/main"
    });
    for (name, value) in changes.as_object().unwrap() {
        claims.as_object_mut().unwrap().insert(name.clone(), value.clone());
    }
    Token::new(claims.as_object().unwrap().clone())
}

fn admits(text: &str, changes: &Value) -> Entry {
    GcpTrust::parse(&[provider(text)]).unwrap().admits(&token(changes))
}

#[test]
fn the_id_and_the_environment_are_the_gate_alone() {
    assert_eq!(condition(BOUND), Answer::OnlyTheGate);
}

#[test]
fn the_exact_subject_is_the_gate_alone() {
    for text in [
        "assertion.sub == 'repo:o/r:environment:release'",
        "\"repo:o/r:environment:release\" == assertion['sub']",
        "google.subject == 'repo:o/r:environment:release'",
        "assertion.sub in ['repo:o/r:environment:release']",
        "assertion.sub.matches('^repo:o/r:environment:release$')",
        r"assertion.sub.matches(r'^repo:o/r:environment:(release)$')",
        "matches(assertion.sub, '^repo:o/r:environment:release$')",
        "!(assertion.sub != 'repo:o/r:environment:release')",
        "assertion.repository == 'o/r' && assertion.sub.endsWith(':environment:release')",
        "attribute.repository == 'o/r' && assertion.environment in ['release']",
        "assertion.sub.startsWith('repo:o/r:environment:') && assertion.environment == 'release'",
        "assertion.repository + ':' + assertion.environment == 'o/r:release'",
        "has(assertion.environment) && assertion.environment == 'release' && assertion.repository_id == '74'",
        "assertion.ref == 'refs/heads/main' ? assertion.sub == 'repo:o/r:environment:release' : false",
        "size(assertion.sub) > 3 && assertion.sub == 'repo:o/r:environment:release'",
    ] {
        assert_eq!(condition(text), Answer::OnlyTheGate, "{text}");
    }
}

#[test]
fn what_lets_a_stranger_in_is_more() {
    for text in [
        "true",
        "",
        "assertion.repository == 'o/r'",
        "assertion.environment == 'release'",
        "assertion.repository_owner == 'o' && assertion.environment == 'release'",
        "assertion.sub.matches('repo:o/r:environment:release')",
        "assertion.sub.matches('^repo:o/r:environment:.*$')",
        "assertion.sub.matches('^repo:o/[^/]+:environment:release$')",
        "assertion.sub.matches('^repo:o/r:environment:release|prod$')",
        "assertion.sub.startsWith('repo:o/r:')",
        "assertion.sub.startsWith('repo:o/r') && assertion.environment == 'release'",
        "assertion.sub.contains('o/r:environment:release')",
        "assertion.sub.endsWith(':environment:release')",
        "assertion.sub in ['repo:o/r:environment:release', 'repo:o/r:ref:refs/heads/main']",
        "assertion.sub == 'repo:o/r:environment:release' || assertion.actor == 'me'",
        "!(assertion.environment == 'other') && assertion.repository_id == '74'",
        "assertion.environment != 'other' && assertion.repository_id == '74'",
        "(!has(assertion.environment) || assertion.environment == 'release') && assertion.repository_id == '74'",
        "assertion.repository_id == '74' && 'environment' in assertion",
        "assertion.repository_id == '74' && size(assertion.environment) > 0",
        "assertion.job_workflow_ref == 'o/r/.github/workflows/deploy.yml@refs/heads/main'",
        "assertion.ref == 'refs/heads/main' || assertion.sub == 'repo:o/r:environment:release'",
        "assertion.unknown.split(',') == 'x' || assertion.repository == 'o/r'",
    ] {
        assert_eq!(condition(text), Answer::MoreThanTheGate, "{text}");
    }
}

#[test]
fn what_lets_nobody_in_is_nobody() {
    for text in [
        "false",
        "assertion.sub == 'repo:o/r:environment:*'",
        "assertion.sub.startsWith('repo:o/r@1')",
        "assertion.repository",
        "assertion.sub == 'repo:o/r:environment:release' && assertion.environment == 'x'",
    ] {
        assert_eq!(condition(text), Answer::Nobody, "{text}");
    }
}

#[test]
fn what_is_not_understood_cannot_be_told() {
    for text in [
        "assertion.sub.split(':')[3] == 'release'",
        "assertion.sub.lowerAscii() == 'repo:o/r:environment:release'",
        "assertion.repository_id == 74",
        "assertion.sub ==",
        "request.auth == 'x'",
        "assertion.sub.exists(x, x == 'a')",
        "assertion.repository_id == '74' && assertion.sub.extract('environment:{e}') == 'release'",
        "assertion.repository_id == '74' && assertion.sub.matches('(?i)environment:release$')",
        "assertion.repository_id == '74' && assertion.environment == assertion.actor + assertion.ref",
        "assertion.sub.matches('(')",
        "assertion.sub == b'x'",
    ] {
        assert_eq!(condition(text), Answer::CannotTell, "{text}");
    }
}

#[test]
fn a_missing_claim_is_an_error_that_a_true_side_of_or_makes_up_for() {
    assert_eq!(admits("assertion.nothing == 'x' || assertion.repository == 'o/r'", &json!({})), Entry::GetsIn);
    assert_eq!(admits("assertion.nothing == 'x' && true", &json!({})), Entry::StaysOut);
    assert_eq!(admits("!(assertion.nothing == 'x')", &json!({})), Entry::StaysOut);
    assert_eq!(admits("!(assertion.nothing == 'x' && false)", &json!({})), Entry::GetsIn);
}

#[test]
fn extract_takes_what_stands_between() {
    assert_eq!(admits("assertion.sub.extract('repo:{r}:environment') == 'o/r'", &json!({})), Entry::GetsIn);
    assert_eq!(admits("assertion.sub.extract('environment:{e}') == 'release'", &json!({})), Entry::GetsIn);
    assert_eq!(admits("assertion.sub.extract('nothing:{e}') == ''", &json!({})), Entry::GetsIn);
}

#[test]
fn a_subject_longer_than_google_takes_cannot_be_told() {
    let sub = format!("repo:o/r:environment:{}", "x".repeat(120));
    assert!(matches!(admits("true", &json!({ "sub": sub })), Entry::CannotTell(_)));
    assert_eq!(admits("false", &json!({ "sub": sub })), Entry::StaysOut);
}

#[test]
fn without_audiences_the_provider_itself_is_the_audience() {
    assert_eq!(admits("true", &json!({"aud": format!("//iam.googleapis.com/{POOL}/providers/github")})), Entry::GetsIn);
    assert_eq!(admits("true", &json!({"aud": "https://github.com/o"})), Entry::StaysOut);
}

#[test]
fn a_colon_in_the_name_needs_the_environment_itself() {
    let condition = provider("assertion.sub == 'repo:o/r:environment:a%3Ab'");
    assert_eq!(judged(&[condition], "a:b"), Answer::MoreThanTheGate);
    let condition = provider("assertion.sub == 'repo:o/r:environment:a%3Ab' && assertion.environment == 'a:b'");
    assert_eq!(judged(&[condition], "a:b"), Answer::OnlyTheGate);
}

#[test]
fn a_principal_of_the_exact_subject_is_the_gate_alone() {
    let member = format!("principal://iam.googleapis.com/{POOL}/subject/repo:o/r:environment:release");
    assert_eq!(with_policy("", &[&member]), Answer::OnlyTheGate);
}

#[test]
fn a_set_of_the_repository_is_more_unless_the_condition_binds_the_environment() {
    let member = format!("principalSet://iam.googleapis.com/{POOL}/attribute.repository/o/r");
    assert_eq!(with_policy("", &[&member]), Answer::MoreThanTheGate);
    assert_eq!(with_policy("assertion.environment == 'release'", &[&member]), Answer::OnlyTheGate);
}

#[test]
fn the_set_of_all_is_as_the_condition() {
    let member = format!("principalSet://iam.googleapis.com/{POOL}/*");
    assert_eq!(with_policy(BOUND, &[&member]), Answer::OnlyTheGate);
    assert_eq!(with_policy("assertion.repository_owner == 'o'", &[&member]), Answer::MoreThanTheGate);
}

#[test]
fn one_loose_member_is_more() {
    let exact = format!("principal://iam.googleapis.com/{POOL}/subject/repo:o/r:environment:release");
    let loose = format!("principal://iam.googleapis.com/{POOL}/subject/repo:o/r:ref:refs/heads/main");
    assert_eq!(with_policy("", &[&exact, &loose]), Answer::MoreThanTheGate);
}

#[test]
fn a_policy_without_the_pool_lets_nobody_in() {
    assert_eq!(with_policy(BOUND, &[]), Answer::Nobody);
    let unmapped = format!("principalSet://iam.googleapis.com/{POOL}/attribute.environment/release");
    assert_eq!(with_policy(BOUND, &[&unmapped]), Answer::Nobody);
}

#[test]
fn members_beside_the_pool_are_told() {
    let exact = format!("principal://iam.googleapis.com/{POOL}/subject/repo:o/r:environment:release");
    assert_eq!(with_policy("", &[&exact, "allUsers"]), Answer::MoreThanTheGate);
    assert_eq!(with_policy("", &[&exact, "user:me@example.com"]), Answer::MoreThanTheGate);
    assert_eq!(with_policy("", &[&exact, "deleted:user:me@example.com?uid=1"]), Answer::OnlyTheGate);
    let other = "principalSet://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/other/*";
    assert_eq!(with_policy("", &[&exact, other]), Answer::CannotTell);
    assert_eq!(with_policy("", &[&exact, "strange:x"]), Answer::CannotTell);
}

#[test]
fn roles_that_only_look_are_no_way_in_and_unknown_ones_cannot_be_told() {
    let member = format!("principalSet://iam.googleapis.com/{POOL}/*");
    let of = |role: &str| json!({"bindings": [{"role": role, "members": [member]}]});
    assert_eq!(judged(&[provider("true"), of("roles/iam.serviceAccountViewer")], "release"), Answer::Nobody);
    assert_eq!(judged(&[provider("true"), of("projects/p/roles/custom")], "release"), Answer::CannotTell);
}

#[test]
fn a_condition_of_a_binding_cannot_be_told() {
    let member = format!("principalSet://iam.googleapis.com/{POOL}/*");
    let policy = json!({"bindings": [{"role": "roles/iam.workloadIdentityUser", "members": [member], "condition": {"title": "t", "expression": "request.time < x"}}]});
    assert_eq!(judged(&[provider(BOUND), policy], "release"), Answer::CannotTell);
}

#[test]
fn a_mapping_of_claims_in_a_row_is_followed() {
    let mut provider = provider("");
    provider["attributeMapping"]["attribute.gate"] = json!("assertion.repository + '/' + assertion.environment");
    let member = format!("principalSet://iam.googleapis.com/{POOL}/attribute.gate/o/r/release");
    assert_eq!(judged(&[provider, policy(&[&member])], "release"), Answer::OnlyTheGate);
}

#[test]
fn both_in_one_file_are_read_like_two() {
    let member = format!("principal://iam.googleapis.com/{POOL}/subject/repo:o/r:environment:release");
    let both = json!({"provider": provider(""), "policy": policy(&[&member])});
    assert_eq!(judged(&[both], "release"), Answer::OnlyTheGate);
}

#[test]
fn a_provider_alone_is_noted() {
    assert!(GcpTrust::parse(&[provider("true")]).unwrap().notes().iter().any(|note| note.contains("policy")));
}

#[test]
fn a_provider_that_is_switched_off_lets_nobody_in() {
    for (field, value) in [("disabled", json!(true)), ("state", json!("DELETED"))] {
        let mut provider = provider(BOUND);
        provider[field] = value;
        assert_eq!(judged(&[provider], "release"), Answer::Nobody);
    }
}

#[test]
fn keys_of_its_own_and_unknown_fields_cannot_be_told() {
    let mut own_keys = provider(BOUND);
    own_keys["oidc"]["jwksJson"] = json!("{}");
    assert_eq!(judged(&[own_keys], "release"), Answer::CannotTell);
    let mut unknown = provider(BOUND);
    unknown["aws"] = json!({"accountId": "1"});
    assert_eq!(judged(&[unknown], "release"), Answer::CannotTell);
}

#[test]
fn another_issuer_alone_cannot_be_told() {
    let mut provider = provider(BOUND);
    provider["oidc"]["issuerUri"] = json!("https://gitlab.com");
    assert_eq!(judged(&[provider.clone()], "release"), Answer::CannotTell);
    provider["disabled"] = json!(true);
    assert_eq!(judged(&[provider], "release"), Answer::Nobody);
}

#[test]
fn a_claim_that_is_not_modelled_cannot_be_told() {
    for text in [
        "assertion.repository_id == '74' && (assertion.environment == 'release' || assertion.nothing == 'x')",
        "assertion.repository_id == '74' && (assertion.environment == 'release' || assertion.repo_property_tier == 'prod')",
        "assertion.nothing == 'x' && assertion.repository == 'o/r'",
    ] {
        assert_eq!(condition(text), Answer::CannotTell, "{text}");
    }
}

#[test]
fn the_claims_that_every_token_has_bind_nobody() {
    for text in ["has(assertion.jti)", "'nbf' in assertion", "has(assertion.exp)", "assertion.iat > 0"] {
        let text = format!("assertion.repository_id == '74' && (assertion.environment == 'release' || {text})");
        assert_eq!(condition(&text), Answer::MoreThanTheGate, "{text}");
    }
}

#[test]
fn a_pull_requests_branches_are_there_for_its_target_and_its_reviews() {
    for text in [
        "assertion.event_name == 'pull_request_target' && assertion.base_ref == 'main'",
        "assertion.ref == 'refs/heads/main' && assertion.base_ref == 'main'",
        "assertion.event_name == 'pull_request_review' && assertion.head_ref != ''",
    ] {
        let text = format!("assertion.repository_id == '74' && (assertion.environment == 'release' || {text})");
        assert_eq!(condition(&text), Answer::MoreThanTheGate, "{text}");
    }
}

#[test]
fn a_merged_pull_request_has_the_branch_it_went_to() {
    let text = "assertion.repository_id == '74' && (assertion.environment == 'release' || (assertion.event_name == 'pull_request' && assertion.ref == 'refs/heads/main'))";
    assert_eq!(condition(text), Answer::MoreThanTheGate);
}

#[test]
fn a_workflows_file_may_have_spaces_and_brackets() {
    for file in ["deploy prod.yml", "[prod] deploy.yml", "a:b~c.yml"] {
        let text = format!(
            "assertion.repository_id == '74' && (assertion.environment == 'release' || assertion.workflow_ref.contains('/{file}@'))"
        );
        assert_eq!(condition(&text), Answer::MoreThanTheGate, "{text}");
    }
}

#[test]
fn a_star_as_an_environments_name_beside_the_gates_cannot_be_told() {
    let text = "assertion.repository_id == '74' && assertion.environment in ['release', '*']";
    assert_eq!(condition(text), Answer::CannotTell);
}

#[test]
fn an_environment_in_another_case_beyond_ascii_is_another() {
    let text = "assertion.repository_id == '74' && assertion.environment in ['key', '\u{212a}ey']";
    assert_eq!(judged(&[provider(text)], "key"), Answer::MoreThanTheGate);
}

#[test]
fn members_of_two_pools_need_the_providers_name() {
    let mut provider = provider(BOUND);
    provider.as_object_mut().unwrap().remove("name");
    let member = |pool: &str| format!("principalSet://iam.googleapis.com/{pool}/*");
    let (one, other) = (member(POOL), member("projects/1/locations/global/workloadIdentityPools/other"));
    assert_eq!(judged(&[provider.clone(), policy(&[&one])], "release"), Answer::OnlyTheGate);
    assert_eq!(judged(&[provider, policy(&[&one, &other])], "release"), Answer::CannotTell);
}

#[test]
fn a_subject_that_is_too_long_only_as_it_was_tried_cannot_be_told() {
    let mut provider = provider("assertion.repository_id == '74'");
    provider["attributeMapping"]["google.subject"] =
        json!("assertion.sub + assertion.workflow_ref + assertion.job_workflow_ref + assertion.sha");
    assert_eq!(judged(&[provider], "release"), Answer::CannotTell);
}

#[test]
fn what_is_no_provider_is_an_error_that_says_what_to_do() {
    for documents in
        [vec![], vec![json!({"Statement": []})], vec![provider(""), provider("")], vec![policy(&[])], vec![json!(1)]]
    {
        let error = GcpTrust::parse(&documents).unwrap_err();
        assert!(error.to_string().contains("gcloud"), "{error}");
    }
}
