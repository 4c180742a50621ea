//! What `gate trust aws` prints, as IAM (moto) keeps it and shows it again, is the gate alone to `gate trust --check`.

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

/// The verdict on the role that IAM makes of this trust policy.
async fn verdict(policy: &str, facts: &str) -> Value {
    let moto = Moto::start().await;
    let mut iam = Command::new(tool("python"));
    iam.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/layers/iam.py")).arg(&moto.url);
    let role = run(iam, policy).await;
    let told = run(gate(&["trust", "--check", "-", "--facts", facts, "--json"]), &role).await;
    serde_json::from_str(&told).unwrap_or_else(|error| panic!("{error}: {told}{role}"))
}

#[tokio::test]
async fn the_role_that_is_printed_is_the_gate_alone_once_iam_has_it() {
    let facts = std::env::temp_dir().join(format!("environment-gate-facts-{:016x}.json", fastrand::u64(..)));
    let of = json!({ "repository": "octo-org/widgets", "repository_id": 4242, "owner_id": 77, "environment": "release", "subject": "immutable" });
    std::fs::write(&facts, of.to_string()).unwrap();
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
