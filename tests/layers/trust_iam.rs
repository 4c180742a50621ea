//! What `gate trust aws` prints, as IAM (moto) keeps it and shows it again, is the gate alone to `gate trust --check`.

use std::path::PathBuf;
use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::support::moto::{Moto, tool};

/// Runs a program with a text on its standard input, and returns what it prints.
async fn run(mut command: Command, input: &str) -> String {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).await.unwrap();
    String::from_utf8(child.wait_with_output().await.unwrap().stdout).unwrap()
}

fn gate(arguments: &[&str]) -> Command {
    let mut gate = Command::new(env!("CARGO_BIN_EXE_gate"));
    gate.args(arguments);
    gate
}

/// The verdict on the role that IAM makes of this trust policy: by what `aws iam get-role` prints, and by asking IAM.
pub(crate) async fn verdict(policy: &str, facts: &str) -> Value {
    let moto = Moto::start().await;
    let role = role(&moto, policy).await;
    let told = run(gate(&["trust", "--check", "-", "--facts", facts, "--json"]), &role).await;
    let arn: Value = serde_json::from_str(&role).unwrap();
    let mut asking = gate(&["trust", "--role", arn["Role"]["Arn"].as_str().unwrap(), "--facts", facts, "--json"]);
    asking.envs(moto.variables());
    assert_eq!(run(asking, "").await, told, "IAM's own answer");
    serde_json::from_str(&told).unwrap_or_else(|error| panic!("{error}: {told}{role}"))
}

/// The role `release` with this trust policy, as `aws iam get-role` prints it.
async fn role(moto: &Moto, policy: &str) -> String {
    let mut iam = Command::new(tool("python"));
    iam.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/layers/iam.py")).arg(&moto.url);
    run(iam, policy).await
}

#[tokio::test]
async fn a_role_that_iam_does_not_show_is_no_verdict() {
    let moto = Moto::start().await;
    let trust = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole" }] });
    role(&moto, &trust.to_string()).await;
    let facts = facts();
    for (arn, expected) in [
        ("arn:aws:iam::123456789012:role/other", "AWS says NoSuchEntity"),
        ("arn:aws:iam::210987654321:role/release", "got `arn:aws:iam::123456789012:role/release`, expected"),
    ] {
        let mut asking = gate(&["trust", "--role", arn, "--facts", &facts.to_string_lossy()]);
        let asked = asking.envs(moto.variables()).output().await.unwrap();
        let told = String::from_utf8_lossy(&asked.stderr).into_owned();
        assert!(!asked.status.success() && asked.stdout.is_empty() && told.contains(expected), "{asked:?}");
    }
    std::fs::remove_file(facts).unwrap();
}

/// A file with what GitHub would say of a repository.
fn facts() -> PathBuf {
    let facts = std::env::temp_dir().join(format!("environment-gate-facts-{:016x}.json", fastrand::u64(..)));
    let of = json!({ "repository": "octo-org/widgets", "repository_id": 4242, "owner_id": 77, "environment": "release", "subject": "immutable" });
    std::fs::write(&facts, of.to_string()).unwrap();
    facts
}

#[tokio::test]
async fn the_role_that_is_printed_is_the_gate_alone_once_iam_has_it() {
    let facts = facts();
    let facts_file = facts.to_string_lossy();
    let printed = run(gate(&["trust", "aws", "--facts", &facts_file]), "").await;
    let policy = printed.lines().skip_while(|line| *line != "{");
    let policy: String = policy.take_while(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n");
    assert_eq!(verdict(&policy, &facts_file).await["verdict"], "only-the-gate", "{policy}");
    let mut loose: Value = serde_json::from_str(&policy).unwrap();
    let bound = loose["Statement"][0]["Condition"]["StringEquals"].as_object_mut().unwrap();
    bound.retain(|key, _| key.ends_with(":aud") || key.ends_with(":repository_id"));
    assert_eq!(verdict(&loose.to_string(), &facts_file).await["verdict"], "more-than-the-gate");
    std::fs::remove_file(facts).unwrap();
}
