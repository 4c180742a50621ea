//! `gate`, as a person runs it.

use std::collections::BTreeSet;
use std::process::{Command, Output};

use serde_json::Value;

use crate::support::fixtures::{self, Fixture};

fn gate(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_gate"))
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_remove("NO_COLOR")
        .output()
        .unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn without_arguments_it_plays_the_approving_story() {
    let output = gate(&[]);
    let text = text(&output);
    assert!(output.status.success(), "{output:?}");
    for part in [
        "Decision: approved",
        "HTTP 204",
        "**Approved**",
        "approved by `bob`",
        "POST /repos/octo-org/widgets/actions/runs/9001/deployment_protection_rule → 204",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    assert!(!text.contains('\u{1b}'), "colour where there is no terminal");
}

#[test]
fn it_needs_no_file_of_the_project_for_that() {
    let output =
        Command::new(env!("CARGO_BIN_EXE_gate")).current_dir(std::env::temp_dir()).arg("replay").output().unwrap();
    assert!(text(&output).contains("Decision: approved"));
}

/// One story for each outcome and set of failed checks: to play one in a process of its own takes a fraction of a second.
fn one_of_each() -> Vec<Fixture> {
    let mut seen = BTreeSet::new();
    let mut all = fixtures::all();
    all.retain(|fixture| seen.insert((fixture.outcome, fixture.story.expected.because.clone())));
    all
}

#[test]
fn every_outcome_is_told_with_its_failed_checks() {
    for fixture in one_of_each() {
        let output = gate(&["replay", &format!("fixtures/{}", fixture.name)]);
        let text = text(&output);
        assert!(output.status.success(), "{}: {text}", fixture.name);
        let (decision, answer) = (format!("Decision: {}", fixture.outcome), fixture.story.expected.status);
        assert!(text.contains(&decision), "{}: {text}", fixture.name);
        assert!(text.contains(&format!("answered with HTTP {answer}")), "{}: {text}", fixture.name);
        for check in &fixture.story.expected.because {
            assert!(text.contains(&format!("  {check} ")), "{}: {check} is not in\n{text}", fixture.name);
        }
    }
}

#[test]
fn json_says_the_same_for_machines() {
    let output = gate(&["replay", "--json", "fixtures/reject/the-starter-approved"]);
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&told["outcome"], &told["status"]), (&"rejected".into(), &204.into()));
    let failed: Vec<&str> = told["checks"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|check| check["verdict"] == "fail")
        .map(|check| check["check"].as_str().unwrap())
        .collect();
    assert_eq!(failed, ["gate-approval", "approvals"]);
    assert_eq!(told["reviews"][0]["state"], "rejected");
}

#[test]
fn a_story_that_is_none_is_refused() {
    let output = gate(&["replay", "fixtures"]);
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("got no `story.toml` in it"));
}

#[test]
fn a_policy_is_told_in_sentences() {
    let output = gate(&["check", "fixtures/approve/two-gates-two-people/policy.toml"]);
    let text = text(&output);
    assert!(output.status.success());
    for part in [
        "1 rule",
        "a run of `octo-org/widgets`",
        "deploy to    `release`",
        "2 different people",
        "72h",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
}

#[test]
fn what_is_wrong_with_a_policy_is_told_with_its_line() {
    let path = std::env::temp_dir().join(format!("environment-gate-{:016x}.toml", fastrand::u64(..)));
    std::fs::write(&path, "[[rule]]\nrepositories = [\"octo-org/widgets\"]\nrefs = [\"*\"]\n").unwrap();
    let output = gate(&["check", &path.to_string_lossy()]);
    std::fs::remove_file(&path).unwrap();
    assert!(!output.status.success());
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(error.contains("policy line 3, `rule.refs`: got `*`, expected"), "{error}");
}

#[test]
fn a_local_world_is_left_on_loopback_only_and_its_events_are_signed() {
    let output = gate(&["github", "fixtures/ignore/a-ping", "--listen", "0.0.0.0:0"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("expected a loopback address"));
    let folder = std::env::temp_dir().join(format!("environment-gate-{:016x}", fastrand::u64(..)));
    std::fs::create_dir_all(&folder).unwrap();
    let event = |folder: &str| gate(&["event", "fixtures/approve/one-human-approved-the-gate", "--folder", folder]);
    let missing = event(&folder.to_string_lossy());
    assert!(String::from_utf8_lossy(&missing.stderr).contains("which `gate github` writes"));
    std::fs::write(folder.join("variables.env"), "GITHUB_API_URL=http://127.0.0.1:9124\nWEBHOOK_SECRET=s\n").unwrap();
    let told: Value = serde_json::from_slice(&event(&folder.to_string_lossy()).stdout).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    let signature = environment_gate::webhook::sign(&"s".into(), told["body"].as_str().unwrap().as_bytes());
    assert_eq!(told["headers"]["x-hub-signature-256"], signature.as_str());
}
