//! `gate simulate`: a real run's world in, the decision, every check and the comment out; recorded, it plays again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use environment_gate::world::{Canned, FakeGithub, Player, Story};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::process::Command;

use crate::support::fixtures;

/// What must not be found in a recorded story: tokens, addresses, faces, and what people wrote.
const SECRETS: [&str; 9] = [
    "ghs_", "ghp_", "avatars.githubusercontent", "octocat@", "@example.com", "PRIVATE KEY", "the customer's name", "eyJhbGci",
    "AKIAIOSFODNN7",
];

/// A story's GitHub on loopback, and settings with which `gate` finds it.
pub(crate) struct World {
    pub(crate) fake: FakeGithub,
    variables: Vec<(&'static str, String)>,
    pub(crate) folder: PathBuf,
}

impl World {
    pub(crate) async fn of(story: &Story) -> Self {
        let player = Player::new(fixtures::limits()).unwrap();
        let (app_id, secrets, key) = player.app();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let mut answers = Player::answers(story, Timestamp::now(), &url);
        let installation = Canned { status: 200, body: Some(json!({ "id": 77 })), ..Canned::default() };
        answers.entry("installation".to_owned()).or_insert_with(|| vec![installation]);
        let world = (app_id, key.public_der(), "");
        let fake = FakeGithub::serve(listener, answers, world, |stream| async { Ok(stream) }).unwrap();
        let folder = std::env::temp_dir().join(format!("environment-gate-{:016x}", fastrand::u64(..)));
        fs::create_dir_all(&folder).unwrap();
        let file = |name: &str, text: &str| {
            fs::write(folder.join(name), text).unwrap();
            folder.join(name).to_string_lossy().into_owned()
        };
        use secrecy::ExposeSecret as _;
        let variables = vec![
            ("GITHUB_API_URL", url),
            ("APP_ID", app_id.to_owned()),
            ("WEBHOOK_SECRET", secrets.expose_secret().lines().next().unwrap().to_owned()),
            ("POLICY_FILE", file("policy.toml", &story.policy)),
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

fn json_of(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// All text in a folder.
fn text_in(folder: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        text += &if entry.is_dir() { text_in(&entry) } else { fs::read_to_string(&entry).unwrap() };
    }
    text
}

/// Which checks were made, with their verdicts.
fn verdicts(told: &Value) -> Vec<(String, String)> {
    let checks = told["checks"].as_array().unwrap().iter();
    let text = |check: &Value, name: &str| check[name].as_str().unwrap().to_owned();
    checks.map(|check| (text(check, "check"), text(check, "verdict"))).collect()
}

/// Simulates and records a story's world, plays what was recorded, and tells what was not the same.
async fn round_trip(name: &str, story: &Story) -> Option<Vec<String>> {
    let world = World::of(story).await;
    let recorded = world.folder.join("recorded");
    let folder = recorded.to_string_lossy().into_owned();
    let output = world.gate(&["simulate", &world.run_url(), "--json", "--record", &folder]).await;
    if output.stdout.is_empty() {
        // The run itself could not be read: there is nothing to decide, and nothing half-written.
        assert_eq!(said(&output).lines().count(), 1, "{name}: {output:?}");
        assert!(!recorded.exists(), "{name}: something was recorded");
        return None;
    }
    let told = json_of(&output);
    let played = json_of(&world.gate(&["replay", "--json", &folder]).await);
    let mut problems = Vec::new();
    let mut same = |what: &str, simulated: &Value, played: &Value| {
        if simulated != played {
            problems.push(format!("{name}: {what}: simulated {simulated}, played {played}"));
        }
    };
    same("outcome", &told["outcome"], &played["outcome"]);
    same("checks", &json!(verdicts(&told)), &json!(verdicts(&played)));
    same("violations", &json!([]), &played["violations"]);
    let text = text_in(&recorded);
    problems.extend(SECRETS.iter().filter(|secret| text.contains(**secret)).map(|secret| format!("{name}: {secret}")));
    Some(problems)
}

#[tokio::test]
async fn what_is_recorded_of_each_storys_world_plays_to_the_same_decision_without_its_secrets() {
    let (mut problems, mut recorded, mut undecidable) = (Vec::new(), 0, Vec::new());
    for fixture in fixtures::all() {
        if !fixture.story.answers.contains_key("run") {
            continue;
        }
        match round_trip(&fixture.name, &fixture.story).await {
            Some(found) => {
                recorded += 1;
                problems.extend(found);
            }
            None => undecidable.push(fixture.name),
        }
    }
    println!("{recorded} recorded; undecidable: {undecidable:?}");
    assert!(recorded > 80, "only {recorded} recorded; not: {undecidable:?}");
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
