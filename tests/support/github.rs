//! The App as GitHub knows it, and a story's GitHub on loopback.

use environment_gate::github::Issuer;
use environment_gate::world::{FakeGithub, KnownApp, Player, Story, sign_tokens};
use jiff::Timestamp;
use serde_json::Value;
use tokio::net::TcpListener;

use super::fixtures::player;

/// The App whose key a player has.
pub(crate) fn app(player: &Player) -> KnownApp<'_> {
    let (id, _, key) = player.app();
    KnownApp { id, public_key: key.public_der(), base_path: "" }
}

/// A port that is free, listening, and its URL.
pub(crate) async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

/// A story's GitHub, serving, and its delivery, both moved to now.
pub(crate) struct Staged {
    pub(crate) github: FakeGithub,
    pub(crate) event: Value,
}

impl Staged {
    pub(crate) async fn new(story: &Story) -> Self {
        let now = Timestamp::now();
        let (listener, url) = listen().await;
        let base_path = story.api.base_path();
        let url = format!("{url}{base_path}");
        let mut answers = Player::answers(story, now, &url);
        // The function believes a provider at this address, so the one of the story's GitHub has this name.
        let provider = Issuer::name_for(&story.api).map(Value::from);
        let tokens = answers.values_mut().flatten().filter_map(|canned| canned.token.as_mut());
        for claim in
            tokens.filter_map(|token| token.claims.get_mut("iss")).filter(|claim| Some(&**claim) == provider.as_ref())
        {
            *claim = url.as_str().into();
        }
        sign_tokens(&mut answers, listener.local_addr().unwrap().port()).unwrap();
        let github = FakeGithub::serve(listener, answers, KnownApp { base_path, ..app(player()) }).unwrap();
        let event = player().event(story, now.duration_since(story.present), &url);
        Self { github, event }
    }
}
