//! Nothing secret reaches a log, not even when everything is logged.

use base64::Engine as _;
use secrecy::ExposeSecret as _;

use crate::support::fixtures;
use crate::support::function::{self, Files};
use crate::support::github::Staged;

#[tokio::test]
async fn no_secret_token_key_signature_or_body_reaches_a_log() {
    let player = fixtures::player();
    let (_, secrets, key) = player.app();
    for fixture in fixtures::all() {
        let Staged { github, event } = Staged::new(&fixture.story).await;
        let files = Files::of_story(player, &fixture.story);
        let mut lambda = function::start(player, &files, &github.url(), &[("RUST_LOG", "trace")]).await;
        lambda.invoke(event.clone()).await;
        let log = lambda.log();
        assert!(log.contains("environment_gate::decision"), "{}: nothing was logged", fixture.name);
        let mut forbidden: Vec<String> = secrets.expose_secret().lines().map(ToOwned::to_owned).collect();
        let pem = key.private_pem().expose_secret();
        forbidden.extend(pem.lines().filter(|line| line.len() == 64).map(ToOwned::to_owned));
        forbidden.push("ghs_".to_owned());
        forbidden.push("Bearer".to_owned());
        forbidden.push("eyJ".to_owned());
        let signature = event["headers"]["x-hub-signature-256"].as_str().unwrap_or("sha256=");
        forbidden.push(signature.trim_start_matches("sha256=").chars().take(32).collect());
        // Fields of the body that no decision names.
        forbidden.extend(["Octo Enterprise".to_owned(), "node_id".to_owned(), "Widgets for everyone".to_owned()]);
        let body = event["body"].as_str().unwrap();
        forbidden.push(base64::engine::general_purpose::STANDARD.encode(body.chars().take(30).collect::<String>()));
        for text in forbidden.iter().filter(|text| text.len() > 2) {
            assert!(!log.contains(text.as_str()), "{}: `{text}` is in the log:\n{log}", fixture.name);
        }
    }
}
