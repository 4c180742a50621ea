//! What a release is made from agrees with itself. (The layer `release::` makes its files.)

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;

use crate::support::documents;

const VERSION: &str = env!("CARGO_PKG_VERSION");

fn gate(arguments: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_gate"))
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    (output.status.success(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn the_command_line_says_its_version_commit_profile_and_target() {
    let (is_ok, text) = gate(&["--version"]);
    assert!(is_ok && text.starts_with(&format!("gate {VERSION} (commit ")), "{text}");
    let target = format!(" build for {}-{})\n", std::env::consts::ARCH, std::env::consts::OS);
    assert!(text.ends_with(&target) && text.contains(", debug build"), "{text}");
}

#[test]
fn the_template_has_the_version_of_the_crate() {
    let template = documents::read("template.yaml");
    let version = template.lines().find_map(|line| line.strip_prefix("    SemanticVersion: "));
    assert_eq!(version, Some(VERSION), "SemanticVersion in template.yaml, and version in Cargo.toml");
}

#[test]
fn the_policy_of_our_own_releases_has_no_warning() {
    let (is_ok, text) = gate(&["check", "--deny-warnings", "deploy/policy.toml"]);
    assert!(is_ok, "{text}");
    assert!(text.contains("release-gate") && text.contains("refs/tags/v*"), "{text}");
}

/// The jobs of the release workflow, by id.
fn jobs() -> BTreeMap<String, Value> {
    let workflow: Value = serde_saphyr::from_str(&documents::read(".github/workflows/release.yml")).unwrap();
    serde_json::from_value(workflow["jobs"].clone()).unwrap()
}

/// Whether a job needs another, directly or through others.
fn needs(jobs: &BTreeMap<String, Value>, job: &str, needed: &str) -> bool {
    let direct = match &jobs[job]["needs"] {
        Value::String(one) => vec![one.as_str()],
        Value::Array(all) => all.iter().map(|one| one.as_str().unwrap()).collect(),
        _ => Vec::new(),
    };
    direct.iter().any(|direct| *direct == needed || needs(jobs, direct, needed))
}

#[test]
fn what_attests_publishes_or_deploys_waits_for_the_gate_in_the_protected_environment() {
    let jobs = jobs();
    let writes = |job: &Value| {
        let permissions = job["permissions"].as_object().unwrap();
        permissions
            .iter()
            .any(|(name, value)| value == "write" && !(name == "id-token" && job["environment"] == "release-gate"))
    };
    let writers: Vec<&String> = jobs.iter().filter(|(_, job)| writes(job)).map(|(id, _)| id).collect();
    assert_eq!(writers, ["attest", "deploy", "publish"]);
    for job in writers {
        assert_eq!(jobs[job]["environment"], "release", "{job}");
        assert!(needs(&jobs, job, "release-gate"), "{job}");
    }
    for before in ["test", "build", "compare"] {
        assert!(needs(&jobs, "release-gate", before), "{before}");
    }
}
