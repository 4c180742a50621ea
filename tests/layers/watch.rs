//! The local world of the README: `gate github`, `cargo lambda watch`, `gate deliver`.

use std::path::Path;
use std::process::{Command, Output};

use crate::support::moto::{free_port, tool};

fn watch(story: &str) -> Output {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (built, tools) = (root.join("tests/layers/built"), tool(""));
    let path = std::env::var("PATH").unwrap_or_default();
    Command::new("bash")
        .args(["tests/layers/watch.sh", story, &free_port().to_string()])
        .current_dir(root)
        .env("GATE", env!("CARGO_BIN_EXE_gate"))
        .env("FUNCTION", env!("CARGO_BIN_EXE_webhook"))
        .env("REAL_CARGO", env!("CARGO"))
        .env("PATH", format!("{}:{}:{path}", built.display(), tools.display()))
        .output()
        .unwrap()
}

#[test]
fn a_delivery_through_cargo_lambda_watch_is_decided() {
    for (story, review) in
        [("fixtures/approve/one-human-approved-the-gate", true), ("fixtures/refuse/signature-forged", false)]
    {
        let output = watch(story);
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{story}: {told}{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(told.contains("deployment_protection_rule → 204"), review, "{story}: {told}");
    }
}
