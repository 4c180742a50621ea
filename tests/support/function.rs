//! The built function in a world of its own: local settings, and a fake GitHub.

use std::path::Path;

use environment_gate::world::{FakeGithub, Player};
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
    start_program(Path::new(env!("CARGO_BIN_EXE_webhook")), player, files, (github, more)).await
}

/// As [`start`], with a function that was built elsewhere.
pub(crate) async fn start_program(
    program: &Path,
    player: &Player,
    files: &Files,
    (github, more): (&str, &[(&str, &str)]),
) -> Lambda {
    let (app_id, secrets, _) = player.app();
    let (policy, key) = (files.path("policy.toml"), files.path("key.pem"));
    let mut variables = vec![
        ("GITHUB_API_URL", github),
        ("APP_ID", app_id),
        ("WEBHOOK_SECRET", secrets.expose_secret()),
        ("POLICY_FILE", &policy),
        ("PRIVATE_KEY_FILE", &key),
    ];
    variables.extend(more);
    Lambda::start_program(program, &variables).await
}

/// A fake GitHub without an answer, for what must not reach it.
pub(crate) async fn silent_github(player: &Player) -> FakeGithub {
    let (_app_id, _, _key) = player.app();
    FakeGithub::start(environment_gate::world::Answers::new(), app(player)).await.unwrap()
}
