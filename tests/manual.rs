//! `gate completions` and `gate man`: what they print works in the programs that read it.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

fn gate(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_gate")).args(arguments).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// What a program makes of a text on its standard input.
fn piped(program: &str, arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new(program);
    let child = command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.unwrap_or_else(|error| panic!("{program}: {error}"));
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn new_folder() -> PathBuf {
    std::env::temp_dir().join(format!("environment-gate-{:016x}", fastrand::u64(..)))
}

/// What bash offers for the last of these words.
fn offered(words: &[&str]) -> Vec<String> {
    let script = gate(&["completions", "bash"]);
    let last = words.len() - 1;
    let ask = format!(
        "{script}\nCOMP_WORDS=({})\nCOMP_CWORD={last}\n_gate gate {:?} {:?}\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"\n",
        words.iter().map(|word| format!("{word:?}")).collect::<Vec<_>>().join(" "),
        words[last],
        words[last - 1],
    );
    let output = piped("bash", &["--norc", "-s"], &ask);
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().lines().map(ToOwned::to_owned).collect()
}

#[test]
fn bash_parses_the_completions() {
    let output = piped("bash", &["-n"], &gate(&["completions", "bash"]));
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}

#[test]
fn bash_completes_a_command() {
    assert_eq!(offered(&["gate", "che"]), ["check"]);
}

#[test]
fn bash_completes_a_command_of_a_command() {
    assert_eq!(offered(&["gate", "policy", "t"]), ["test"]);
}

#[test]
fn bash_completes_an_option() {
    assert_eq!(offered(&["gate", "check", "--deny"]), ["--deny-warnings"]);
}

#[test]
fn bash_completes_a_value() {
    assert_eq!(offered(&["gate", "completions", "p"]), ["powershell"]);
}

#[test]
fn every_shell_has_completions_of_every_command() {
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let script = gate(&["completions", shell]);
        for command in
            ["replay", "check", "policy", "simulate", "doctor", "recover", "workbench", "trust", "setup", "man"]
        {
            assert!(script.contains(command), "{shell} has no {command}");
        }
    }
}

/// The macros of roff that a page uses, the text between them left out.
fn sections(page: &str) -> Vec<&str> {
    page.lines().filter_map(|line| line.strip_prefix(".SH ")).map(|name| name.trim_matches('"')).collect()
}

#[test]
fn the_manual_has_a_title_and_the_sections_of_a_manual() {
    let page = gate(&["man"]);
    assert!(page.lines().any(|line| line.starts_with(".TH gate 1")), "{page}");
    assert_eq!(sections(&page).get(..3), Some(["NAME", "SYNOPSIS", "DESCRIPTION"].as_slice()), "{page}");
    assert!(page.contains("gate\\-check(1)") && page.contains("gate\\-policy(1)"), "{page}");
}

#[test]
fn a_folder_gets_a_page_for_each_command() {
    let folder = new_folder();
    let shown = gate(&["man", &folder.to_string_lossy()]);
    assert!(shown.contains("man -l"), "{shown}");
    let read =
        |name: &str| std::fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    for (page, says) in [
        ("gate.1", "one human approval"),
        ("gate-check.1", "deny\\-warnings"),
        ("gate-policy.1", "gate\\-policy\\-test(1)"),
        ("gate-policy-test.1", "threshold"),
        ("gate-man.1", "manual"),
    ] {
        let page_text = read(page);
        assert!(page_text.contains(says) && sections(&page_text).contains(&"SYNOPSIS"), "{page}: {page_text}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}

/// Debian's minimal images and macOS have no groff: there, the structure above is what is tested.
#[test]
fn groff_sets_the_manual_without_a_warning() {
    if Command::new("groff").arg("--version").output().is_err() {
        return;
    }
    let output = piped("groff", &["-man", "-Tutf8", "-P-cbou", "-ww"], &gate(&["man"]));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    assert!(text.contains("SYNOPSIS") && text.contains("completions"), "{text}");
}

#[test]
fn a_shell_that_is_not_known_is_refused_with_those_that_are() {
    let output = Command::new(env!("CARGO_BIN_EXE_gate")).args(["completions", "tcsh"]).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(error.contains("tcsh") && error.contains("bash, zsh, fish, powershell"), "{error}");
}
