//! `gate simulate`: a real run's world in, the decision, every check and the comment out; recorded, it plays again.

use std::fs;
use std::path::Path;
use std::process::Output;

use environment_gate::world::{Canned, Story};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::support::fixtures::{self, Fixture};
use crate::support::is_thorough;
use crate::support::simulation::World;

/// What must not be found in a recorded story: tokens, addresses, faces, and what people wrote.
const SECRETS: [&str; 9] = [
    "ghs_",
    "ghp_",
    "avatars.githubusercontent",
    "octocat@",
    "@example.com",
    "PRIVATE KEY",
    "the customer's name",
    "eyJhbGci",
    "AKIAIOSFODNN7",
];

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
    let record = async |Fixture { name, story, .. }: Fixture| {
        // A program of its own believes no provider on loopback that has GitHub's name: `signed.rs` records a signed run.
        let is_signed = story.policy.contains("signed = true");
        if is_signed || !story.answers.contains_key("run") {
            return None;
        }
        Some(round_trip(&name, &story).await.unwrap_or_else(|| vec![format!("{name} was not recorded")]))
    };
    let recorded: Vec<Vec<String>> = fixtures::each(record).await.into_iter().flatten().collect();
    let expected = if is_thorough() { 80 } else { 26 };
    assert!(recorded.len() > expected, "{} recorded", recorded.len());
    assert!(recorded.iter().all(Vec::is_empty), "{}", recorded.concat().join("\n"));
}

#[tokio::test]
async fn what_a_world_says_in_confidence_is_not_recorded() {
    let mut story = fixtures::one("approve/one-human-approved-the-gate");
    let run = story.answers.get_mut("run").unwrap()[0].body.as_mut().unwrap();
    run["display_title"] = "for the customer's name".into();
    run["head_commit"] = json!({ "message": "ghp_0123456789abcdef0123", "author": { "email": "octocat@github.com" } });
    run["actor"]["email"] = "octocat@example.com".into();
    run["repository"]["temp_clone_token"] = "ghs_0123456789abcdef".into();
    run["note"] = "write to octocat@example.com, key AKIAIOSFODNN7EXAMPLE, token eyJhbGciOiJSUzI1NiJ9.e30.c2ln".into();
    story.answers.get_mut("approvals").unwrap()[0].body.as_mut().unwrap()[0]["comment"] = "the customer's name".into();
    story.policy += "# ask octocat@example.com\n";
    assert_eq!(round_trip("planted", &story).await, Some(Vec::new()));
}

#[tokio::test]
async fn a_run_is_shown_with_every_check_the_verdict_and_the_comment_and_nothing_is_posted() {
    let world = World::of(&fixtures::one("reject/the-starter-approved")).await;
    let output = world.gate(&["simulate", &world.run_url()]).await;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{output:?}");
    for part in [
        "Simulation of run 9001 of `octo-org/widgets` to environment `release`, from `main`",
        "Decision: rejected (gate-approval, approvals)",
        "Fix: Start a new run",
        "**Rejected**: run 9001 cannot deploy to `release`.",
        "Nothing was posted",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    let reads = |call: &environment_gate::world::FakeCall| call.method == "GET" || call.name == "access_tokens";
    assert!(world.fake.calls().iter().all(reads), "{:?}", world.fake.calls());
}

#[tokio::test]
async fn another_policy_answers_what_if() {
    let story = fixtures::one("reject/the-starter-approved");
    let world = World::of(&story).await;
    let file = world.folder.join("what-if.toml").to_string_lossy().into_owned();
    fs::write(&file, story.policy.replace("[[rule]]", "[[rule]]\nself_approval = true")).unwrap();
    let told = json_of(&world.gate(&["simulate", &world.run_url(), "--json", "--policy", &file]).await);
    assert_eq!(told["outcome"], "approved", "{told:#}");
}

#[tokio::test]
async fn a_run_that_has_ended_is_decided_as_of_its_end() {
    let world = World::of(&fixtures::one("ignore/the-run-has-ended")).await;
    let told = json_of(&world.gate(&["simulate", &world.run_url(), "--json"]).await);
    assert_eq!((&told["had_ended"], &told["outcome"]), (&true.into(), &"approved".into()), "{told:#}");
    let run = world.fake.calls().into_iter().find(|call| call.name == "run").unwrap().answered;
    assert_eq!(told["at"], run["updated_at"]);
}

#[tokio::test]
async fn what_cannot_be_simulated_is_one_clear_line() {
    let story = fixtures::one("approve/one-human-approved-the-gate");
    let world = World::of(&story).await;
    let url = world.run_url();
    let elsewhere = "https://github.com/octo-org/widgets/actions/runs/9001";
    let existing = world.folder.to_string_lossy().into_owned();
    let cases: [(&[&str], &str); 5] = [
        (&[elsewhere], "expected the address of a run, such as"),
        (&["not-a-url"], "got `not-a-url`"),
        (&[&format!("{url}/attempts/7")], "got attempt 7, but the run is in attempt 1"),
        (&[&url, "--policy", "nowhere.toml"], "'nowhere.toml' for '--policy <FILE>'"),
        (&[&url, "--record", &existing], "exists already"),
    ];
    for (arguments, expected) in cases {
        let output = world.gate(&[&["simulate"], arguments].concat()).await;
        let said = said(&output);
        assert!(!output.status.success() && said.contains(expected) && said.lines().count() == 1, "{output:?}");
    }
}

#[tokio::test]
async fn a_run_of_another_apps_repository_is_said_to_be_that() {
    let mut story = fixtures::one("approve/one-human-approved-the-gate");
    let missing = Canned { status: 404, body: Some(json!({ "message": "Not Found" })), ..Canned::default() };
    story.answers.insert("installation".to_owned(), vec![missing]);
    let world = World::of(&story).await;
    let output = world.gate(&["simulate", &world.run_url()]).await;
    assert!(said(&output).contains("the App is not installed on `octo-org/widgets`"), "{output:?}");
}

#[tokio::test]
async fn without_a_network_it_says_so() {
    let world = World::of(&fixtures::one("approve/one-human-approved-the-gate")).await;
    let dead = "http://127.0.0.1:9";
    let output = Command::new(env!("CARGO_BIN_EXE_gate"))
        .args(["simulate", &format!("{dead}/octo-org/widgets/actions/runs/9001")])
        .envs(world.variables.iter().cloned())
        .env("GITHUB_API_URL", dead)
        .output()
        .await
        .unwrap();
    assert!(said(&output).contains("no answer from GitHub"), "{output:?}");
}

#[tokio::test]
async fn what_decides_is_recorded_as_it_is() {
    for (path, branch) in
        [(".github/workflows/release.yml@v1.2.3", "v1.2.3"), (".github/workflows/release.yml", "widgets@1.2.3")]
    {
        let mut story = fixtures::one("approve/one-human-approved-the-gate");
        story.policy = story.policy.replace("[\"main\"]", "[\"v1.2.3\", \"widgets@1.2*\"]");
        assert!(story.policy.contains("widgets@"), "{}", story.policy);
        let run = story.answers.get_mut("run").unwrap()[0].body.as_mut().unwrap();
        run["path"] = path.into();
        run["head_branch"] = branch.into();
        assert_eq!(round_trip(path, &story).await, Some(Vec::new()));
    }
}

#[tokio::test]
async fn a_paused_policy_and_a_foreign_owner_are_recorded_too() {
    for (from, to) in [("[[rule]]", "pause = true\n[[rule]]"), ("octo-org/", "another-org/")] {
        let mut story = fixtures::one("approve/one-human-approved-the-gate");
        assert!(story.policy.contains(from));
        story.policy = story.policy.replace(from, to);
        assert_eq!(round_trip(to, &story).await, Some(Vec::new()));
    }
}

#[tokio::test]
async fn what_is_recorded_is_for_its_user_alone_to_read() {
    use std::os::unix::fs::PermissionsExt as _;
    fn modes(path: &Path) -> Vec<(bool, u32)> {
        let found = fs::metadata(path).unwrap();
        let own = (found.is_dir(), found.permissions().mode() & 0o777);
        let inside = fs::read_dir(path).into_iter().flatten().flat_map(|entry| modes(&entry.unwrap().path()));
        [own].into_iter().chain(inside).collect()
    }
    let world = World::of(&fixtures::one("approve/one-human-approved-the-gate")).await;
    let recorded = world.folder.join("recorded");
    let output = world.gate(&["simulate", &world.run_url(), "--record", &recorded.to_string_lossy()]).await;
    assert!(output.status.success(), "{output:?}");
    let modes = modes(&recorded);
    assert!(modes.len() > 6, "{modes:?}");
    assert!(modes.iter().all(|(is_folder, mode)| *mode == if *is_folder { 0o700 } else { 0o600 }), "{modes:?}");
}

#[tokio::test]
async fn of_the_policy_only_the_rule_that_decided_is_recorded() {
    let other = "[[rule]]\nrepositories = [\"octo-org/secret\"]\nrefs = [\"main\"]\n";
    // A rule that covers the run too, and reads an environment of its own.
    let stricter = "[[rule]]\nrepositories = [\"octo-org/*\"]\nrefs = [\"stricter\"]\n[[rule.gate]]\njob = \"a\"\nenvironment = \"a\"\n";
    for (name, more) in [
        ("approve/one-human-approved-the-gate", other.to_owned()),
        ("approve/one-human-approved-the-gate", format!("{other}{stricter}")),
        ("approve/the-second-of-two-rules-holds", other.to_owned()),
        ("reject/the-starter-approved", other.to_owned()),
    ] {
        let mut story = fixtures::one(name);
        story.policy = format!("{more}{}", story.policy);
        let missing = Canned { status: 404, body: Some(json!({ "message": "Not Found" })), ..Canned::default() };
        story.answers.insert("environment.a".to_owned(), vec![missing]);
        let world = World::of(&story).await;
        let recorded = world.folder.join("recorded");
        let folder = recorded.to_string_lossy().into_owned();
        let told = json_of(&world.gate(&["simulate", &world.run_url(), "--json", "--record", &folder]).await);
        let policy = fs::read_to_string(recorded.join("policy.toml")).unwrap();
        assert!(
            !policy.contains("secret") && !policy.contains("stricter") && !policy.contains("production"),
            "{policy}"
        );
        assert_eq!(policy.matches("[[rule]]").count(), 1, "{policy}");
        let played = json_of(&world.gate(&["replay", "--json", &folder]).await);
        assert_eq!((&played["outcome"], &played["violations"]), (&told["outcome"], &json!([])), "{name}: {played:#}");
    }
}
