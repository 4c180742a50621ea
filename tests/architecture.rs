//! What ARCHITECTURE.md says of the shape of the code, held by something that fails.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use environment_gate::gate::Check;
use environment_gate::world::SERVER;

use crate::support::fixtures;

fn sources(under: &str) -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(under)];
    if let Some(file) = folders.pop_if(|path| path.is_file()) {
        files.push((file.clone(), fs::read_to_string(file).unwrap()));
    }
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                files.push((path, text));
            }
        }
    }
    assert!(!files.is_empty(), "no source under {under}");
    files
}

/// The lines that name another module or crate, comments left out.
fn uses(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| line.starts_with("use ") || line.starts_with("pub use "))
}

/// The modules of this crate that a file names, in `use` lines and in paths.
fn names_module(text: &str, module: &str) -> bool {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    code.into_iter().any(|line| line.contains(&format!("crate::{module}")))
}

#[test]
fn the_gate_does_no_io_reads_no_clock_and_waits_for_nothing() {
    let allowed = [
        "std::collections",
        "std::fmt",
        "std::ops::Range",
        "jiff::",
        "serde::Deserialize",
        "toml::Spanned",
        "thiserror",
        "super::",
        "crate::model",
        "crate::gate",
        "self::",
    ];
    for (path, text) in sources("src/gate") {
        for line in uses(&text) {
            let named = line.trim_start_matches("pub ").trim_start_matches("use ");
            assert!(allowed.iter().any(|prefix| named.starts_with(prefix)), "{}: {line}", path.display());
        }
        for forbidden in
            ["async ", ".await", "std::io", "std::fs", "std::net", "std::env", "tokio", "hyper", "tracing", "::now"]
        {
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            assert!(!code.into_iter().any(|line| line.contains(forbidden)), "{}: {forbidden}", path.display());
        }
    }
}

#[test]
fn imports_point_one_way() {
    let forbidden = [
        (
            "src/model",
            vec!["gate", "github", "webhook", "handler", "config", "report", "telemetry", "world", "transport"],
        ),
        ("src/gate", vec!["github", "webhook", "handler", "config", "report", "telemetry", "world", "transport"]),
        (
            "src/webhook",
            vec!["gate", "github", "recovery", "handler", "config", "report", "telemetry", "world", "transport"],
        ),
        ("src/github", vec!["webhook", "recovery", "handler", "config", "report", "telemetry", "world"]),
        (
            "src/transport.rs",
            vec!["webhook", "gate", "github", "model", "recovery", "handler", "config", "report", "telemetry", "world"],
        ),
        ("src/config", vec!["handler", "report", "telemetry", "world"]),
        ("src/simulation.rs", vec!["webhook", "telemetry", "world"]),
        ("src/doctor", vec!["telemetry", "world", "simulation", "recovery"]),
    ];
    for (under, modules) in forbidden {
        for (path, text) in sources(under) {
            for module in &modules {
                assert!(!names_module(&text, module), "{} names {module}", path.display());
            }
        }
    }
}

#[test]
fn who_only_looks_has_nothing_to_review_with() {
    let looking = [
        "src/simulation.rs",
        "src/doctor",
        "src/bin/gate/simulate.rs",
        "src/bin/gate/doctor.rs",
        "src/bin/gate/check.rs",
    ];
    for (path, text) in looking.into_iter().flat_map(sources) {
        let words: BTreeSet<&str> = text.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
        for forbidden in ["Reviewer", "Sweep", "set_hook"] {
            assert!(!words.contains(forbidden), "{} names {forbidden}", path.display());
        }
        // It settles what it is asked.
        assert!(!text.contains("Gate::open"), "{} opens a gate", path.display());
    }
}

#[test]
fn the_function_is_short_and_the_command_line_lives_apart() {
    let webhook = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/bin/webhook.rs")).unwrap();
    assert!(webhook.lines().count() <= 60);
    for (path, text) in sources("src") {
        if !path.to_string_lossy().contains("bin/gate") {
            assert!(!uses(&text).any(|line| line.contains("clap")), "{}", path.display());
        }
    }
}

#[test]
fn tests_run_the_code_that_ships() {
    for (path, text) in sources("src") {
        let elsewhere = text.split("mod tests {").next().unwrap().matches("cfg(test)").count();
        let own = text.matches("#[cfg(test)]\nmod tests {").count();
        assert!(elsewhere <= own, "{}: `cfg(test)` outside its own `mod tests`", path.display());
    }
}

/// A program holds the fake GitHub if it holds the fake's name.
fn holds_the_fake(program: &str) -> bool {
    let bytes = fs::read(program).unwrap();
    bytes.windows(SERVER.len()).any(|window| window == SERVER.as_bytes())
}

#[test]
fn the_pretend_world_is_not_in_the_function() {
    assert!(holds_the_fake(env!("CARGO_BIN_EXE_gate")), "the command line has it, so the search can find it");
    assert!(!holds_the_fake(env!("CARGO_BIN_EXE_webhook")));
}

#[test]
fn every_check_has_a_heading_in_the_readme_and_a_rejecting_story() {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let headings: BTreeSet<&str> =
        readme.lines().filter_map(|line| line.strip_prefix("### `")?.strip_suffix('`')).collect();
    let rejecting: BTreeSet<String> = fixtures::all()
        .into_iter()
        .filter(|fixture| fixture.outcome == "rejected")
        .flat_map(|fixture| fixture.story.expected.because)
        .collect();
    for check in Check::ALL {
        assert!(headings.contains(check.id()), "README.md has no heading for `{check}`");
        assert!(rejecting.contains(check.id()), "no story is rejected by `{check}`");
    }
}

#[test]
fn the_readmes_policy_and_its_commands_are_true() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let policies: Vec<&str> = readme.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(!policies.is_empty());
    for policy in policies {
        environment_gate::gate::Policy::parse(policy).unwrap_or_else(|error| panic!("{error}\n{policy}"));
    }
    for story in readme.split_whitespace().filter(|word| word.starts_with("fixtures/")) {
        let story = story.trim_end_matches(['`', '.', ',', ')']);
        assert!(root.join(story).exists(), "README.md names {story}");
    }
}

#[test]
fn the_readmes_comments_are_those_that_are_posted() {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let stories = [
        ("approve/one-human-approved-the-gate", "reviews"),
        ("reject/the-gate-was-passed-long-ago", "reviews"),
        ("reject/the-starter-approved", "reviews"),
        ("reject/the-gate-environment-does-not-exist", "reviews"),
        ("defer/the-approval-is-not-shown-yet", "status_reports"),
    ];
    for (story, kind) in stories {
        let expected = fs::read_to_string(fixtures::root().join(story).join("expected.json")).unwrap();
        let expected: serde_json::Value = serde_json::from_str(&expected).unwrap();
        for line in expected[kind][0]["comment"].as_str().unwrap().lines() {
            assert!(readme.contains(&format!("> {line}\n")), "README.md does not show: {line}");
        }
    }
}

#[test]
fn the_readmes_variables_are_those_that_are_read() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let source = fs::read_to_string(root.join("src/config/variables.rs")).unwrap();
    let is_variable =
        |text: &&str| text.len() > 5 && text.bytes().all(|b| b.is_ascii_uppercase() || b == b'_') && text.contains('_');
    let read: BTreeSet<&str> = source.split('"').filter(is_variable).collect();
    let rows = readme.lines().filter(|line| line.starts_with("| `"));
    let told: BTreeSet<&str> = rows.flat_map(|row| row.split('`')).filter(is_variable).collect();
    let read_and_not_told: Vec<_> = read.difference(&told).filter(|name| **name != "NO_COLOR").collect();
    assert!(read_and_not_told.is_empty(), "README.md does not tell of {read_and_not_told:?}");
    assert!(
        told.contains("APP_ID_PARAMETER") && told.is_subset(&read),
        "README.md tells of {:?}",
        told.difference(&read)
    );
}

#[test]
fn the_project_speaks_of_itself_alone() {
    let root = env!("CARGO_MANIFEST_DIR");
    let files = Command::new("git")
        .args(["-C", root, "grep", "-nIE", "(^|[^a-zA-Z0-9_.$}])/(home|root)/[a-z.]"])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&files.stdout), "", "paths of a machine");
}

#[test]
fn every_patch_that_breaks_an_invariant_applies() {
    let patches = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/broken");
    let patches = fs::read_dir(patches).unwrap().map(|entry| entry.unwrap().path());
    let mut checked = 0;
    for patch in patches.filter(|path| path.extension().is_some_and(|extension| extension == "patch")) {
        let check = Command::new("git")
            .args(["-C", env!("CARGO_MANIFEST_DIR"), "apply", "--check"])
            .arg(&patch)
            .output()
            .unwrap();
        assert!(check.status.success(), "{}: {}", patch.display(), String::from_utf8_lossy(&check.stderr));
        checked += 1;
    }
    assert!(checked >= 12, "one for each invariant");
}
