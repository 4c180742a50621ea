//! Which texts are read as a trust policy.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

use serde_json::{Value, json};

use crate::trust::test_support::facts;
use crate::trust::{Subject, verdict};

use super::{AwsError, read};

const ARN: &str = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com";
const SUB: &str = "repo:o/r:environment:release";

fn statement() -> Value {
    let condition = json!({"StringEquals": {"token.actions.githubusercontent.com:sub": SUB}});
    json!({"Effect": "Allow", "Principal": {"Federated": ARN}, "Action": "sts:AssumeRoleWithWebIdentity", "Condition": condition})
}

fn with(key: &str, value: Value) -> Value {
    let mut statement = statement();
    statement[key] = value;
    statement
}

#[test]
fn what_get_role_prints_is_read() {
    let document = json!({"Version": "2012-10-17", "Statement": statement()});
    let bytes: Vec<String> = document.to_string().bytes().map(|byte| format!("%{byte:02X}")).collect();
    let encoded = bytes.concat();
    for text in [
        json!({"Role": {"RoleName": "x", "AssumeRolePolicyDocument": document}}).to_string(),
        json!({"Role": {"AssumeRolePolicyDocument": encoded}}).to_string(),
        json!({"AssumeRolePolicyDocument": document.to_string()}).to_string(),
        json!({"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": document}}).to_string(),
        encoded.clone(),
        format!("\n {document}\n"),
    ] {
        assert_eq!(
            verdict(&read(&text).unwrap(), &facts("release", Subject::Default)).as_str(),
            "only-the-gate",
            "{text}"
        );
    }
}

#[test]
fn what_is_not_a_trust_policy_is_refused() {
    let refused = |text: &str| read(text).unwrap_err().to_string();
    let azure = json!({"issuer": "https://token.actions.githubusercontent.com", "subject": SUB, "audiences": []});
    assert!(refused(&azure.to_string()).contains("`audiences`"));
    assert!(matches!(read(&"x".repeat(100_001)), Err(AwsError::TooLong { got: 100_001 })));
    for text in ["", "null", "[]", "{}", "\"{\"", "{'Statement': []}", "%7B%zz", r#"{"Statement":[],"Statement":[]}"#] {
        assert!(read(text).is_err(), "{text}");
    }
    for (key, value) in [
        ("Resource", json!("*")),
        ("Effect", json!("allow")),
        ("Effect", Value::Null),
        ("Principal", json!("me")),
        ("Principal", json!({"Github": ARN})),
        ("Condition", json!([])),
        ("Condition", json!({"StringEquals": "x"})),
        ("Condition", json!({"StringEquals": {"x": {"Ref": "y"}}})),
        ("Action", json!(5)),
        ("NotAction", json!("x")),
    ] {
        let statement = with(key, value);
        assert!(read(&json!({"Statement": statement}).to_string()).is_err(), "{statement}");
    }
    assert!(read(&json!({"Version": "2020-01-01", "Statement": []}).to_string()).is_err());
    assert!(read(&json!({"Statement": [], "Extra": 1}).to_string()).is_err());
}

#[test]
fn a_key_twice_in_other_case_is_refused() {
    let sub = "token.actions.githubusercontent.com:sub";
    let condition = json!({"StringLike": {sub: SUB, "token.actions.githubusercontent.com:SUB": "repo:o/*"}});
    assert!(read(&json!({"Statement": with("Condition", condition)}).to_string()).is_err());
    let condition = json!({"StringEquals": {sub: SUB}, "StringLike": {sub: "repo:o/*"}});
    assert!(read(&json!({"Statement": with("Condition", condition)}).to_string()).is_ok());
}

#[test]
fn two_wrappings_side_by_side_are_refused() {
    let policy = json!({"Statement": statement()});
    let role = json!({"AssumeRolePolicyDocument": policy});
    assert!(read(&json!({"Role": role, "AssumeRolePolicyDocument": policy}).to_string()).is_err());
    assert!(read(&json!({ "Role": role }).to_string()).is_ok());
}
