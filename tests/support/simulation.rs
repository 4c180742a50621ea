//! A story's GitHub on loopback, for the commands that look at a run.

use std::fs;
use std::path::PathBuf;
use std::process::Output;

use environment_gate::world::{Canned, FakeGithub, Player, Story};
use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use serde_json::json;
use tokio::process::Command;

use super::fixtures;
use super::github::{app, listen};

/// A story's GitHub on loopback, and settings with which `gate` finds it.
pub(crate) struct World {
    pub(crate) fake: FakeGithub,
    pub(crate) variables: Vec<(&'static str, String)>,
    pub(crate) folder: PathBuf,
}

impl World {
    pub(crate) async fn of(story: &Story) -> Self {
        let player = fixtures::player();
        let (app_id, secrets, key) = player.app();
        let (listener, url) = listen().await;
        let mut answers = Player::answers(story, Timestamp::now(), &url);
        let installation = Canned { status: 200, body: Some(json!({ "id": 77 })), ..Canned::default() };
        answers.entry("installation".to_owned()).or_insert_with(|| vec![installation]);
        let world = app(player);
        let fake = FakeGithub::serve(listener, answers, world).unwrap();
        let folder = std::env::temp_dir().join(format!("environment-gate-{:016x}", fastrand::u64(..)));
        fs::create_dir_all(&folder).unwrap();
        let file = |name: &str, text: &str| {
            fs::write(folder.join(name), text).unwrap();
            folder.join(name).to_string_lossy().into_owned()
        };
        for (name, text) in &story.policies {
            fs::create_dir_all(folder.join("policies")).unwrap();
            file(&format!("policies/{name}.rego"), text);
        }
        let policies = folder.join("policies");
        let policies = if policies.is_dir() { policies.to_string_lossy().into_owned() } else { String::new() };
        let variables = vec![
            ("GITHUB_API_URL", url),
            ("APP_ID", app_id.to_owned()),
            ("WEBHOOK_SECRET", secrets.expose_secret().lines().next().unwrap().to_owned()),
            ("POLICY_FILE", file("policy.toml", &story.policy)),
            ("POLICIES_DIR", policies),
            ("PRIVATE_KEY_FILE", file("key.pem", key.private_pem().expose_secret())),
        ];
        Self { fake, variables, folder }
    }

    pub(crate) fn run_url(&self) -> String {
        format!("{}/octo-org/widgets/actions/runs/9001", self.fake.url())
    }

    pub(crate) async fn gate(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gate"));
        command.args(arguments).envs(self.variables.iter().cloned()).env("NO_COLOR", "1").output().await.unwrap()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}
