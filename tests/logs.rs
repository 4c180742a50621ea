//! Nothing secret reaches a log, not even when everything is logged.

use base64::Engine as _;
use secrecy::ExposeSecret as _;
use serde_json::Value;

use crate::support::fixtures::{self, Fixture};
use crate::support::function::{self, Files};
use crate::support::github::Staged;

/// What no log of this event may have.
fn forbidden(event: &Value) -> Vec<String> {
    let (_, secrets, key) = fixtures::player().app();
    let mut forbidden: Vec<String> = secrets.expose_secret().lines().map(ToOwned::to_owned).collect();
    let pem = key.private_pem().expose_secret();
    forbidden.extend(pem.lines().filter(|line| line.len() == 64).map(ToOwned::to_owned));
    let signature = event["headers"]["x-hub-signature-256"].as_str().unwrap_or("sha256=");
    forbidden.push(signature.trim_start_matches("sha256=").chars().take(32).collect());
    let body = event["body"].as_str().unwrap();
    forbidden.push(base64::engine::general_purpose::STANDARD.encode(body.chars().take(30).collect::<String>()));
    // The last three are fields of the body that no decision names.
    let others = ["ghs_", "Bearer", "eyJ", "Octo Enterprise", "node_id", "Widgets for everyone"];
    forbidden.extend(others.map(ToOwned::to_owned));
    forbidden.retain(|text| text.len() > 2);
    forbidden
}

async fn play(fixture: Fixture) {
    let player = fixtures::player();
    let Staged { github, event } = Staged::new(&fixture.story).await;
    let files = Files::of_story(player, &fixture.story);
    let mut lambda = function::start(player, &files, &github.url(), &[("RUST_LOG", "trace")]).await;
    lambda.invoke(event.clone()).await;
    let log = lambda.log();
    assert!(log.contains("environment_gate::decision"), "{}: nothing was logged", fixture.name);
    for text in forbidden(&event) {
        assert!(!log.contains(&text), "{}: `{text}` is in the log:\n{log}", fixture.name);
    }
}

#[tokio::test]
async fn no_secret_token_key_signature_or_body_reaches_a_log() {
    fixtures::each(play).await;
}
