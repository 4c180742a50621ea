//! A token that an independent library signed is verified by ours, and one of another key is not.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use environment_gate::gate::signature::{IssuerKeys, verify};
use serde_json::{Value, json};

/// What jose makes of these claims; `make test` installs it.
fn signed(claims: &Value) -> Value {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let jose = root.join("target/jose/dist/webapi/index.js");
    assert!(jose.exists(), "{} is not there: run `make test`", jose.display());
    let mut node = Command::new("node")
        .arg(root.join("tests/layers/jose.mjs"))
        .arg(jose)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    node.stdin.take().unwrap().write_all(claims.to_string().as_bytes()).unwrap();
    let output = node.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn what_jose_signs_is_verified() {
    let made = signed(&json!({ "iss": "https://issuer.example", "environment": "release-gate", "iat": 1_767_607_490 }));
    let keys = IssuerKeys::parse("https://issuer.example", made["keys"].to_string().as_bytes()).unwrap();
    let claims = verify(made["token"].as_str().unwrap(), &keys).unwrap();
    assert!(claims.by_name().contains(&("environment", Some(&json!("release-gate")))));
    assert!(claims.by_name().contains(&("iat", Some(&json!(1_767_607_490)))));
    let error = verify(made["forged"].as_str().unwrap(), &keys).unwrap_err().to_string();
    assert_eq!(error, "its signature is wrong");
}
