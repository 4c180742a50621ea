//! What ARCHITECTURE.md says about the shape of the code, enforced by tests.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use environment_gate::gate::Check;
use environment_gate::world::SERVER;

use crate::support::{documents, fixtures};

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

#[test]
fn the_gate_does_no_io_reads_no_clock_and_waits_for_nothing() {
    let allowed = [
        "std::collections",
        "std::fmt",
        "std::ops::Range",
        "std::sync::Arc",
        "std::sync::{Arc, OnceLock}",
        "std::num::NonZeroU32",
        "std::time::Duration",
        "anyhow::",
        "base64::",
        "jiff::",
        "jsonwebtoken::",
        "regorus::",
        "serde::Deserialize",
        "serde_json::",
        "serde_saphyr::{Location, Spanned}",
        "sha2::",
        "toml::Spanned",
        "toml::de::{DeTable, DeValue}",
        "thiserror",
        "super::",
        "crate::model",
        "crate::gate",
        "self::",
    ];
    for (path, text) in sources("src/gate") {
        // A file's tests are at its end, and make keys.
        let shipped = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        for line in uses(shipped) {
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

/// Whether a module is of tests alone, by its name.
fn is_test_module(name: &str) -> bool {
    name == "tests" || name == "test_support" || name.ends_with("_tests")
}

#[test]
fn what_judges_the_trust_of_a_cloud_does_no_io_reads_no_clock_and_stands_alone() {
    let allowed = [
        "std::cell::RefCell",
        "std::cmp::Ordering",
        "std::collections",
        "std::fmt",
        "std::rc::Rc",
        "regex::",
        "serde::",
        "serde_json::",
        "thiserror",
        "super::",
        "crate::trust",
        "self::",
    ];
    let is_test = |path: &Path| path.file_stem().is_some_and(|name| is_test_module(&name.to_string_lossy()));
    for (path, text) in sources("src/trust").into_iter().filter(|(path, _)| !is_test(path)) {
        // A child of the same file: `use policy::Policy`.
        let children: Vec<&str> =
            text.lines().filter_map(|line| line.trim().strip_suffix(';')?.split("mod ").nth(1)).collect();
        for line in uses(&text) {
            let named = line.trim_start_matches("pub ").trim_start_matches("use ");
            let is_child = named.split("::").next().is_some_and(|name| children.contains(&name));
            assert!(is_child || allowed.iter().any(|prefix| named.starts_with(prefix)), "{}: {line}", path.display());
        }
        for forbidden in [
            "async ",
            "std::io",
            "std::fs",
            "std::net",
            "std::env",
            "std::process",
            "tokio",
            "hyper",
            "tracing",
            "::now",
        ] {
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            assert!(!code.into_iter().any(|line| line.contains(forbidden)), "{}: {forbidden}", path.display());
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
        "src/bin/gate/policy",
        "src/bin/gate/trust",
        "src/bin/gate/workbench",
    ];
    for (path, text) in looking.into_iter().flat_map(sources) {
        let words: BTreeSet<&str> = text.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
        for forbidden in ["Reviewer", "ReviewLoop", "Handler", "SweepMode"] {
            assert!(!words.contains(forbidden), "{} names {forbidden}", path.display());
        }
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
        // Or in files of their own, which the function's build does not read.
        let declared = text.split("#[cfg(test)]\nmod ").skip(1).filter_map(|rest| rest.split_once(";\n"));
        let own = own + declared.filter(|(name, _)| is_test_module(name)).count();
        assert!(elsewhere <= own, "{}: `cfg(test)` outside its own `mod tests`", path.display());
    }
}

/// A program holds a part if it holds a text that only this part has.
fn holds(program: &str, text: &str) -> bool {
    let bytes = fs::read(program).unwrap();
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn the_pretend_world_is_not_in_the_function() {
    assert!(holds(env!("CARGO_BIN_EXE_gate"), SERVER), "the command line has it, so the search can find it");
    assert!(!holds(env!("CARGO_BIN_EXE_webhook"), SERVER));
}

#[test]
fn what_judges_the_trust_of_a_cloud_is_not_in_the_function() {
    let why = "the condition holds or not in a way that is not followed";
    assert!(holds(env!("CARGO_BIN_EXE_gate"), why), "the command line has it, so the search can find it");
    assert!(!holds(env!("CARGO_BIN_EXE_webhook"), why));
}

#[test]
fn every_check_has_a_heading_and_a_rejecting_story() {
    let checks = documents::read("docs/checks.md");
    let headings = checks.lines().filter_map(|line| line.trim_start_matches('#').trim().strip_prefix('`'));
    let headings: BTreeSet<&str> = headings.filter_map(|heading| heading.strip_suffix('`')).collect();
    let because_of = |outcome: &str| -> BTreeSet<String> {
        let stories = fixtures::all().into_iter().filter(|fixture| fixture.outcome == outcome);
        stories.flat_map(|fixture| fixture.story.expected.because).collect()
    };
    let (rejecting, deferring) = (because_of("rejected"), because_of("deferred"));
    for check in Check::ALL {
        assert!(headings.contains(check.id()), "docs/checks.md has no heading for `{check}`");
        // What contradicts itself waits, so nothing about the run itself rejects.
        let stories = if check == Check::Run { &deferring } else { &rejecting };
        assert!(stories.contains(check.id()), "no story is decided by `{check}`");
    }
}
