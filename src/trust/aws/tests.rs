//! What single trust policies are, row by row.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

use serde_json::{Value, json};

use crate::trust::test_support::{facts, keys};
use crate::trust::{Entry, Facts, Subject, Token, TrustDocument, Verdict, verdict};

use super::{TrustPolicy, read};

const ARN: &str = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com";
const SUB: &str = "repo:o/r:environment:release";
const ALONE: &str = "only-the-gate";
const MORE: &str = "more-than-the-gate";
const NOBODY: &str = "nobody";
const UNCLEAR: &str = "cannot-tell";

/// `{"StringEquals": {"sub": …}}` with the keys written in full.
fn full(condition: &Value) -> Value {
    let keys = |keys: &Value| -> Value {
        let one = |(key, value): (&String, &Value)| {
            let known = key.contains(':');
            (if known { key.clone() } else { format!("token.actions.githubusercontent.com:{key}") }, value.clone())
        };
        Value::Object(keys.as_object().unwrap().iter().map(one).collect())
    };
    Value::Object(condition.as_object().unwrap().iter().map(|(name, value)| (name.clone(), keys(value))).collect())
}

fn statement(condition: &Value) -> Value {
    json!({"Effect": "Allow", "Principal": {"Federated": ARN}, "Action": "sts:AssumeRoleWithWebIdentity", "Condition": full(condition)})
}

fn with(mut statement: Value, key: &str, value: Value) -> Value {
    statement[key] = value;
    statement
}

fn policy(statements: &[Value]) -> TrustPolicy {
    read(&json!({"Version": "2012-10-17", "Statement": statements}).to_string()).unwrap()
}

fn judged(statements: &[Value]) -> Verdict {
    verdict(&policy(statements), &gate())
}

fn said(condition: &Value) -> &'static str {
    judged(&[statement(condition)]).as_str()
}

fn gate() -> Facts {
    facts("release", Subject::Default)
}

fn exact() -> Value {
    json!({"StringEquals": {"sub": SUB, "aud": "sts.amazonaws.com"}})
}

fn deny(condition: &Value) -> Value {
    with(with(statement(condition), "Effect", json!("Deny")), "Principal", json!("*"))
}

#[test]
fn the_exact_sub_of_the_environment_is_the_gate_alone() {
    let verdict = judged(&[statement(&exact())]);
    assert_eq!(verdict.as_str(), ALONE, "{verdict:?}");
    assert_eq!(verdict.notes.len(), 1, "the name alone may be recycled: {verdict:?}");
    assert_eq!(verdict.proof.unwrap().text("sub"), Some(SUB));
}

#[test]
fn the_exact_sub_of_another_form_is_nobody() {
    for form in [Subject::Immutable, keys(&["repo", "environment", "ref"])] {
        let verdict = verdict(&policy(&[statement(&exact())]), &facts("release", form));
        assert_eq!(verdict.as_str(), NOBODY, "{verdict:?}");
    }
    let sub = json!({"StringEquals": {"sub": "repo:o@7/r@42:environment:release"}});
    let verdict = verdict(&policy(&[statement(&sub)]), &facts("release", Subject::Immutable));
    assert_eq!((verdict.as_str(), verdict.notes.len()), (ALONE, 0));
}

#[test]
fn a_sub_that_others_have_too_is_more() {
    for sub in [
        "repo:o/r:*",
        "repo:o/*",
        "*:environment:release",
        "repo:o/r:environment:*",
        "repo:o/r:environment:release*",
        "repo:o*/r*:environment:release",
        "*",
        "repo:o/?:environment:release",
        "repo:o/r:environment:r?lease",
        "repo:?/r:environment:release",
        "repo:*/r:environment:release",
        "repo:o/r*:environment:release",
        "repo:o/r:env*",
        "repo:o/r*",
        "*release",
        "repo:o/r:*release",
    ] {
        let verdict = judged(&[statement(&json!({"StringLike": {"sub": sub}}))]);
        assert_eq!(verdict.as_str(), MORE, "{sub}: {verdict:?}");
        assert!(!verdict.mend.is_empty());
    }
    assert_eq!(said(&json!({"StringLike": {"sub": ["repo:o/r:environment:release", "repo:o/r:pull_request"]}})), MORE);
    assert_eq!(said(&json!({"StringEquals": {"aud": "sts.amazonaws.com"}})), MORE);
    assert_eq!(said(&json!({})), MORE);
}

#[test]
fn a_pattern_that_only_the_gate_can_have_is_the_gate_alone() {
    assert_eq!(said(&json!({"StringLike": {"sub": SUB}})), ALONE);
    assert_eq!(said(&json!({"StringLike": {"sub": "repo:o/r:*:release"}})), ALONE);
    assert_eq!(said(&json!({"StringLike": {"sub": "repo:o/r:*"}, "StringEquals": {"environment": "release"}})), ALONE);
    assert_eq!(said(&json!({"StringEqualsIgnoreCase": {"sub": "Repo:O/R:environment:RELEASE"}})), ALONE);
}

#[test]
fn a_star_is_only_a_star_where_nothing_reads_it() {
    for sub in ["repo:o/r:*", "repo:o/r:environment:*", "repo:o/*:environment:release", "*"] {
        assert_eq!(said(&json!({"StringEquals": {"sub": sub}})), NOBODY, "{sub}");
    }
    assert_eq!(said(&json!({"StringLike": {"sub": "repo:o/r:environment:${*}"}})), NOBODY);
}

#[test]
fn repository_id_and_environment_bind_without_sub() {
    let both = json!({"StringEquals": {"repository_id": "42", "environment": "release"}});
    let verdict = judged(&[statement(&both)]);
    assert_eq!((verdict.as_str(), verdict.notes.len()), (ALONE, 0), "{verdict:?}");
    assert_eq!(said(&json!({"StringEquals": {"repository": "o/r", "environment": "release"}})), ALONE);
    assert_eq!(
        said(&json!({"NumericEquals": {"repository_id": 42}, "StringEquals": {"environment": "release"}})),
        ALONE
    );
    assert_eq!(
        said(&json!({"NumericLessThanEquals": {"repository_id": 42}, "StringEquals": {"environment": "release"}})),
        MORE
    );
    assert_eq!(said(&json!({"StringEquals": {"repository_id": "42"}})), MORE);
    assert_eq!(said(&json!({"StringEquals": {"environment": "release"}})), MORE);
}

#[test]
fn what_a_workflow_chooses_does_not_bind() {
    for (key, value) in [
        ("repository_owner_id", "7"),
        ("workflow", "deploy"),
        ("actor", "octocat"),
        ("actor_id", "1"),
        ("ref", "refs/heads/main"),
        ("job_workflow_ref", "o/r/.github/workflows/deploy.yml@refs/heads/main"),
        ("enterprise_id", "5"),
    ] {
        assert_eq!(said(&json!({"StringEquals": {key: value}})), MORE, "{key}");
        assert_eq!(said(&json!({"StringEquals": {key: value, "environment": "release"}})), MORE, "{key}");
        assert_eq!(said(&json!({"StringEquals": {key: value, "sub": SUB}})), ALONE, "{key}");
    }
}

#[test]
fn a_claim_that_aws_does_not_document_may_let_somebody_in_and_makes_nobody_alone() {
    for key in ["repository_owner", "event_name", "workflow_ref", "Repository_Visibility"] {
        assert_eq!(said(&json!({"StringEquals": {key: "o", "sub": SUB}})), "cannot-tell", "{key}");
        assert_eq!(said(&json!({"StringLike": {key: "*"}})), MORE, "{key}");
    }
    assert_eq!(said(&json!({"StringEqualsIfExists": {"event_name": "push"}})), MORE);
}

#[test]
fn a_key_that_is_no_claim_is_always_absent() {
    let verdict = judged(&[statement(&json!({"StringEquals": {"repositry": "o/r", "sub": SUB}}))]);
    assert_eq!(verdict.as_str(), NOBODY);
    assert!(verdict.notes.iter().any(|note| note.contains("repositry")), "{verdict:?}");
}

#[test]
fn an_environment_that_may_be_absent_does_not_bind() {
    for operator in ["ForAllValues:StringEquals", "StringEqualsIfExists", "ForAllValues:StringEqualsIfExists"] {
        let loose = json!({operator: {"environment": "release"}, "StringEquals": {"repository_id": "42"}});
        let verdict = judged(&[statement(&loose)]);
        assert_eq!(verdict.as_str(), MORE, "{operator}");
        assert_eq!(verdict.proof.unwrap().text("environment"), None);
        let bound = json!({operator: {"environment": "release"}, "StringEquals": {"sub": SUB}});
        assert_eq!(said(&bound), ALONE, "{operator}");
        let there = json!({operator: {"environment": "release"}, "StringEquals": {"repository_id": "42"}, "Null": {"environment": "false"}});
        assert_eq!(said(&there), ALONE, "{operator}");
    }
    let any = json!({"ForAnyValue:StringEquals": {"environment": "release"}, "StringEquals": {"repository_id": "42"}});
    assert_eq!(said(&any), ALONE);
    // `sub` itself is always there.
    assert_eq!(said(&json!({"ForAllValues:StringEquals": {"sub": SUB}})), ALONE);
}

#[test]
fn a_negated_operator_takes_an_absent_key() {
    let not = json!({"StringNotEquals": {"environment": ["staging", "test"]}, "StringEquals": {"repository_id": "42"}});
    assert_eq!(said(&not), MORE);
    assert_eq!(said(&json!({"StringNotLike": {"sub": "repo:o/r:ref:*"}, "StringLike": {"sub": "repo:o/r:*"}})), MORE);
    assert_eq!(said(&json!({"Null": {"environment": "true"}, "StringEquals": {"repository_id": "42"}})), MORE);
    assert_eq!(said(&json!({"Null": {"environment": "true"}, "StringEquals": {"sub": SUB}})), NOBODY);
}

#[test]
fn a_second_looser_statement_is_more() {
    let verdict =
        judged(&[statement(&exact()), statement(&json!({"StringLike": {"sub": "repo:o/r:ref:refs/tags/*"}}))]);
    assert_eq!(verdict.as_str(), MORE);
    assert_eq!(verdict.proof.unwrap().text("ref_type"), Some("tag"));
    assert_eq!(judged(&[statement(&exact()), statement(&exact())]).as_str(), ALONE);
}

#[test]
fn a_deny_wins_over_every_allow() {
    let wide = statement(&json!({"StringLike": {"sub": "repo:o/r:*"}}));
    assert_eq!(judged(&[wide.clone(), deny(&json!({"StringNotEquals": {"environment": "release"}}))]).as_str(), ALONE);
    assert_eq!(
        judged(&[wide.clone(), deny(&json!({"StringNotEqualsIfExists": {"environment": "release"}}))]).as_str(),
        ALONE
    );
    assert_eq!(judged(&[wide.clone(), deny(&json!({"StringLike": {"sub": "*:pull_request"}}))]).as_str(), MORE);
    assert_eq!(judged(&[deny(&json!({})), wide, statement(&exact())]).as_str(), NOBODY);
    let other_action = with(deny(&json!({})), "Action", json!("sts:AssumeRole"));
    assert_eq!(judged(&[statement(&exact()), other_action]).as_str(), ALONE);
}

#[test]
fn a_colon_in_the_environment_needs_its_own_condition() {
    let facts = facts("a:b", Subject::Default);
    let sub = json!({"StringEquals": {"sub": "repo:o/r:environment:a%3Ab"}});
    let alone = verdict(&policy(&[statement(&sub)]), &facts);
    assert_eq!(alone.as_str(), MORE);
    assert!(alone.mend.contains("`environment` exactly `a:b`"), "{}", alone.mend);
    let both = json!({"StringEquals": {"sub": "repo:o/r:environment:a%3Ab", "environment": "a:b"}});
    assert_eq!(verdict(&policy(&[statement(&both)]), &facts).as_str(), ALONE);
}

#[test]
fn what_is_not_understood_cannot_be_told() {
    for condition in [
        json!({"StringMatches": {"sub": SUB}}),
        json!({"StringEquals": {"sub": "repo:o/r:environment:${aws:PrincipalTag/x}"}}),
        json!({"StringEquals": {"sub": SUB, "aws:SourceIp": "10.0.0.1"}}),
        json!({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}, "StringEquals": {"sub": SUB}}),
        json!({"ArnLike": {"sub": SUB}}),
        json!({"DateLessThan": {"aws:CurrentTime": "2030-01-01T00:00:00Z"}, "StringEquals": {"sub": SUB}}),
        json!({"BinaryEquals": {"sub": "cmVwbw=="}}),
        json!({"Null": {"environment": "perhaps"}, "StringEquals": {"repository_id": "42"}}),
        json!({"NumericEquals": {"repository_id": "forty"}, "StringEquals": {"environment": "release"}}),
        json!({"Bool": {"environment": "true"}, "StringEquals": {"sub": SUB}}),
    ] {
        assert_eq!(said(&condition), UNCLEAR, "{condition}");
    }
    let mut not_principal = statement(&exact());
    not_principal.as_object_mut().unwrap().remove("Principal");
    let not_principal = with(not_principal, "NotPrincipal", json!({"AWS": "arn:aws:iam::111122223333:root"}));
    assert_eq!(judged(std::slice::from_ref(&not_principal)).as_str(), UNCLEAR);
    assert_eq!(judged(&[not_principal, statement(&json!({"StringLike": {"sub": "repo:o/*"}}))]).as_str(), MORE);
}

#[test]
fn a_variable_in_the_old_language_is_text() {
    let statement = statement(&json!({"StringEquals": {"sub": "repo:o/r:environment:${x}"}}));
    let policy = read(&json!({"Statement": statement}).to_string()).unwrap();
    assert_eq!(verdict(&policy, &gate()).as_str(), MORE, "an environment may be named so");
    assert_eq!(verdict(&policy, &facts("${x}", Subject::Default)).as_str(), ALONE);
}

#[test]
fn an_unknown_condition_that_only_narrows_what_is_out_changes_nothing() {
    let narrow = json!({"StringEquals": {"sub": SUB}, "StringLike": {"sub": "repo:p/*"}, "IpAddress": {"aws:SourceIp": "10.0.0.0/8"}});
    assert_eq!(judged(&[statement(&exact()), statement(&narrow)]).as_str(), ALONE);
}

#[test]
fn other_principals_are_ways_around_the_gate() {
    let other = |principal: Value, action: &str| {
        let other = json!({"Effect": "Allow", "Principal": principal, "Action": action});
        judged(&[statement(&exact()), other])
    };
    let role = other(json!({"AWS": "arn:aws:iam::111122223333:root"}), "sts:AssumeRole");
    assert_eq!(role.as_str(), UNCLEAR);
    assert!(role.reason.contains(":root") && role.notes.iter().any(|note| note.contains(":root")), "{role:?}");
    assert_eq!(other(json!({"Service": "ec2.amazonaws.com"}), "sts:AssumeRole").as_str(), UNCLEAR);
    assert_eq!(other(json!({"Federated": "accounts.google.com"}), "sts:*").as_str(), UNCLEAR);
    assert_eq!(other(json!({"AWS": "*"}), "sts:AssumeRole").as_str(), MORE);
    assert_eq!(other(json!("*"), "sts:AssumeRole").as_str(), MORE);
    assert_eq!(other(json!({"AWS": "arn:aws:iam::111122223333:root"}), "sts:TagSession").as_str(), ALONE);
}

#[test]
fn everybody_with_the_exact_sub_is_the_gate_alone() {
    assert_eq!(judged(&[with(statement(&exact()), "Principal", json!("*"))]).as_str(), ALONE);
    let negated = json!({"StringNotEquals": {"sub": "repo:o/r:pull_request"}});
    assert_eq!(judged(&[with(statement(&negated), "Principal", json!("*"))]).as_str(), MORE);
}

#[test]
fn a_trust_in_another_provider_does_not_let_the_gate_in() {
    let other = json!({"Federated": "arn:aws:iam::111122223333:oidc-provider/gitlab.com"});
    assert_eq!(judged(&[with(statement(&exact()), "Principal", other)]).as_str(), NOBODY);
    let like = json!({"Federated": "arn:aws:iam::*:oidc-provider/token.actions.githubusercontent.com"});
    assert_eq!(judged(&[with(statement(&exact()), "Principal", like)]).as_str(), UNCLEAR);
}

#[test]
fn each_partition_and_an_enterprises_issuer_are_githubs() {
    for partition in ["aws-cn", "aws-us-gov"] {
        let arn = ARN.replace("arn:aws:", &format!("arn:{partition}:"));
        assert_eq!(judged(&[with(statement(&exact()), "Principal", json!({"Federated": [arn]}))]).as_str(), ALONE);
    }
    let enterprise = json!({"Federated": format!("{ARN}/octo-inc")});
    let key = "token.actions.githubusercontent.com/octo-inc:sub";
    let verdict = judged(&[with(statement(&json!({"StringEquals": {key: SUB}})), "Principal", enterprise.clone())]);
    assert_eq!(verdict.as_str(), ALONE);
    assert!(verdict.notes.iter().any(|note| note.contains("octo-inc")));
    // The keys of one issuer are absent in the tokens of another.
    assert_eq!(judged(&[with(statement(&exact()), "Principal", enterprise)]).as_str(), NOBODY);
}

#[test]
fn actions_have_wildcards_and_no_case() {
    for action in ["STS:assumerolewithwebidentity", "sts:*", "*", "sts:AssumeRoleWith*"] {
        assert_eq!(
            judged(&[with(statement(&exact()), "Action", json!([action, "sts:TagSession"]))]).as_str(),
            ALONE,
            "{action}"
        );
    }
    assert_eq!(judged(&[with(statement(&exact()), "Action", json!("sts:TagSession"))]).as_str(), NOBODY);
    let mut not = statement(&json!({"StringLike": {"sub": "repo:o/*"}}));
    not.as_object_mut().unwrap().remove("Action");
    assert_eq!(judged(&[with(not.clone(), "NotAction", json!("sts:TagSession"))]).as_str(), MORE);
    assert_eq!(judged(&[with(not, "NotAction", json!("sts:AssumeRoleWithWeb*"))]).as_str(), NOBODY);
}

#[test]
fn keys_have_no_case() {
    let keys = json!({"StringEquals": {"Token.Actions.GitHubUserContent.com:SUB": SUB}});
    assert_eq!(said(&keys), ALONE);
}

#[test]
fn ten_statements_that_contradict_each_other_are_nobody() {
    let both = json!({"StringEquals": {"sub": SUB}, "StringLike": {"sub": "repo:p/*"}});
    assert_eq!(judged(&vec![statement(&both); 10]).as_str(), NOBODY);
    assert_eq!(judged(&[]).as_str(), NOBODY);
}

#[test]
fn one_given_token_is_answered() {
    let policy = policy(&[statement(&exact())]);
    let token = |claims: Value| Token::new(claims.as_object().cloned().unwrap());
    let iss = "https://token.actions.githubusercontent.com";
    assert_eq!(policy.admits(&token(json!({"iss": iss, "sub": SUB, "aud": "sts.amazonaws.com"}))), Entry::GetsIn);
    assert_eq!(policy.admits(&token(json!({"iss": iss, "sub": SUB, "aud": "x"}))), Entry::StaysOut);
    assert_eq!(policy.admits(&token(json!({"sub": SUB, "aud": "sts.amazonaws.com"}))), Entry::StaysOut);
    assert!(matches!(
        policy.admits(&token(json!({"iss": iss, "sub": SUB, "aud": ["sts.amazonaws.com"]}))),
        Entry::CannotTell(_)
    ));
}

#[test]
fn the_providers_arn_in_another_case_cannot_be_told() {
    let other = json!({"Federated": ARN.replace("token.actions", "Token.Actions")});
    let wide = with(statement(&json!({"StringLike": {"sub": "repo:o/*"}})), "Principal", other);
    assert_eq!(judged(&[statement(&exact()), wide]).as_str(), UNCLEAR);
}

#[test]
fn a_property_of_a_repository_is_a_claim_without_a_documented_key() {
    let property = statement(&json!({"StringEquals": {"repo_property_tier": "prod"}}));
    assert_eq!(judged(&[statement(&exact()), property]).as_str(), UNCLEAR);
    assert_eq!(said(&json!({"Null": {"exp": "false"}, "StringEquals": {"repository_id": "42"}})), MORE);
}
