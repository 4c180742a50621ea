//! The built function in a world of its own: local settings, and a fake GitHub.

use std::path::Path;

use environment_gate::world::{FakeGithub, Player, Story};
use secrecy::ExposeSecret as _;

use super::github::app;
use super::lambda::Lambda;

/// The files that local settings are read from; gone when this is dropped.
pub(crate) struct Files {
    folder: std::path::PathBuf,
}

impl Files {
    /// A policy and the player's key.
    pub(crate) fn new(player: &Player, policy: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("environment-gate-{:016x}", fastrand::u64(..)));
        std::fs::create_dir_all(&folder).unwrap();
        let files = Self { folder };
        std::fs::write(files.path("policy.toml"), policy).unwrap();
        let (_, _, key) = player.app();
        std::fs::write(files.path("key.pem"), key.private_pem().expose_secret()).unwrap();
        files
    }

    /// A story's policies and the player's key.
    pub(crate) fn of_story(player: &Player, story: &Story) -> Self {
        let files = Self::new(player, &story.policy);
        for (name, text) in &story.policies {
            std::fs::create_dir_all(files.path("policies")).unwrap();
            std::fs::write(files.path(&format!("policies/{name}.rego")), text).unwrap();
        }
        files
    }

    /// The folder of the policies in Rego, if there are any.
    pub(crate) fn policies(&self) -> Option<std::path::PathBuf> {
        Some(self.folder.join("policies")).filter(|folder| folder.is_dir())
    }

    /// The path of a file in it.
    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.join(name).to_string_lossy().into_owned()
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Starts the function with local settings, against `github`; `more` are further variables.
pub(crate) async fn start(player: &Player, files: &Files, github: &str, more: &[(&str, &str)]) -> Lambda {
    let own = variables(player, files, github);
    let own = own.iter().map(|(name, value)| (*name, value.as_str()));
    let variables: Vec<(&str, &str)> = own.chain(more.iter().copied()).collect();
    Lambda::start(&variables).await
}

/// The same with a function that was built elsewhere.
pub(crate) async fn start_program(program: &Path, player: &Player, files: &Files, github: &str) -> Lambda {
    let own = variables(player, files, github);
    let variables: Vec<(&str, &str)> = own.iter().map(|(name, value)| (*name, value.as_str())).collect();
    Lambda::start_program(program, &variables).await
}

/// Local settings: with all of them AWS is never called.
pub(crate) fn variables(player: &Player, files: &Files, github: &str) -> Vec<(&'static str, String)> {
    let (app_id, secrets, _) = player.app();
    vec![
        ("GITHUB_API_URL", github.to_owned()),
        ("OIDC_ISSUER", github.to_owned()),
        ("ARTIFACT_HOSTS", "localhost".to_owned()),
        ("APP_ID", app_id.to_owned()),
        ("WEBHOOK_SECRET", secrets.expose_secret().to_owned()),
        ("POLICY_FILE", files.path("policy.toml")),
        ("POLICIES_DIR", files.policies().map(|folder| folder.to_string_lossy().into_owned()).unwrap_or_default()),
        ("PRIVATE_KEY_FILE", files.path("key.pem")),
    ]
}

/// A fake GitHub without an answer, for what must not reach it.
pub(crate) async fn silent_github(player: &Player) -> FakeGithub {
    FakeGithub::start(environment_gate::world::Answers::new(), app(player)).await.unwrap()
}
