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

/// One story for each outcome and set of failed checks: playing one in a process of its own takes a fraction of a second.
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
    assert!(String::from_utf8_lossy(&output.stderr).contains("got a folder without `story.toml`"));
}

#[test]
fn a_policy_is_shown_in_sentences() {
    let output = gate(&["check", "fixtures/approve/two-gates-two-people/policy.toml"]);
    let text = text(&output);
    assert!(output.status.success());
    for part in ["1 rule", "a run of `octo-org/widgets`", "deploy to    `release`", "2 different people", "72h"] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
}

#[test]
fn what_is_wrong_with_a_policy_is_shown_with_its_line() {
    let path = std::env::temp_dir().join(format!("environment-gate-{:016x}.toml", fastrand::u64(..)));
    std::fs::write(&path, "[[rule]]\nrepositories = [\"octo-org/widgets\"]\nrefs = [\"*\"]\n").unwrap();
    let output = gate(&["check", &path.to_string_lossy()]);
    std::fs::remove_file(&path).unwrap();
    assert!(!output.status.success());
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(error.contains("policy line 3, `rule.refs`: got `*`, expected"), "{error}");
}

/// `gate check` of a policy.
fn check(policy: &str, arguments: &[&str]) -> Output {
    let path = std::env::temp_dir().join(format!("environment-gate-{:016x}.toml", fastrand::u64(..)));
    std::fs::write(&path, policy).unwrap();
    let output = gate(&[&["check", &path.to_string_lossy()], arguments].concat());
    std::fs::remove_file(&path).unwrap();
    output
}

const RULE: &str = "[[rule]]\nrepositories = [\"octo-org/widgets\"]\nrefs = [\"main\"]\n";

#[test]
fn a_warning_says_what_to_do_and_is_no_error() {
    let output = check(&format!("{RULE}approvals = 0\n"), &[]);
    let text = text(&output);
    assert!(output.status.success(), "{output:?}");
    assert!(text.contains("\nwarning: rule 1: with `approvals = 0`"), "{text}");
    assert!(text.contains("\n  Fix: Require at least 1 approval."), "{text}");
}

#[test]
fn a_denied_warning_is_an_error() {
    let output = check(&format!("{RULE}starters = [\"github-actions[bot]\"]\n"), &["--deny-warnings"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(text(&output).contains("\nerror: rule 1: anybody who can write"), "{output:?}");
}

#[test]
fn a_policy_without_a_warning_passes_where_warnings_are_denied() {
    let output = check(RULE, &["--deny-warnings"]);
    assert!(output.status.success() && !text(&output).contains("Fix:"), "{output:?}");
}

#[test]
fn an_event_that_strangers_can_cause_is_refused_at_its_line() {
    let output = check(&format!("{RULE}events = [\n  \"push\",\n  \"issues\",\n]\n"), &[]);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(
        error.contains("policy line 6, `rule.events`: got `issues`, expected one of `workflow_dispatch`"),
        "{error}"
    );
    assert!(error.contains("people who cannot write to the repository") && error.lines().count() == 1, "{error}");
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

#[test]
fn the_answer_comes_first_and_then_what_failed_with_its_fix() {
    let text = text(&gate(&["replay", "fixtures/reject/the-starter-approved"]));
    let places: Vec<usize> = [
        "Decision: rejected (gate-approval, approvals)",
        "  fail  gate-approval ",
        "Fix: Start a new run",
        "  pass  rule ",
        "Review posted: rejected",
        "POST /app/installations",
    ]
    .iter()
    .map(|part| text.find(part).unwrap_or_else(|| panic!("{part} is not in\n{text}")))
    .collect();
    assert!(places.is_sorted(), "{places:?}\n{text}");
    assert!(!text.contains("expected "), "a pass is one line\n{text}");
}

#[test]
fn verbose_shows_what_was_found_and_expected_for_every_check() {
    let text = text(&gate(&["replay", "--verbose", "fixtures/reject/the-starter-approved"]));
    let checks = text.lines().filter(|line| ["  pass  ", "  fail  "].iter().any(|verdict| line.starts_with(verdict)));
    let details = |word: &str| text.lines().filter(|line| line.trim_start().starts_with(word)).count();
    assert_eq!((details("got "), details("expected ")), (checks.clone().count(), checks.count()), "{text}");
}

#[test]
fn wrong_use_is_one_line_and_exit_code_2() {
    let ping = "fixtures/ignore/a-ping";
    let cases: [(&[&str], &str); 22] = [
        (&["nonsense"], "unrecognized subcommand 'nonsense'; see `gate --help`"),
        (&["check"], "not provided: <POLICY>; see `gate check --help`"),
        (&["check", "nowhere.toml"], "'nowhere.toml' for '[POLICY]'"),
        (&["check", "src"], "got a folder, expected a file"),
        (&["replay", "fixtures"], "expected a story's folder"),
        (&["replay", "--nonsense"], "unexpected argument '--nonsense'"),
        (&["simulate", "nonsense"], "`RUN_URL`: got `nonsense`"),
        (&["simulate", "x", "--environment", ""], "expected an environment's name"),
        (&["simulate", "x", "--at", "yesterday"], "expected an instant"),
        (&["simulate", "x", "--record", "src"], "exists already"),
        (&["doctor", "--repository", "widgets"], "expected a repository as `owner/name`"),
        (&["doctor", "--workflow", "nowhere.yml"], "'nowhere.yml' for '--workflow <FILE>'"),
        (&["doctor", "--webhook-url", "https://example.com"], "expected `https://…/github/webhook`"),
        (&["doctor", "--webhook-url", "https://example.com/a/b/github/webhook"], "with at most one stage"),
        (&["doctor", "--minutes", "9"], "9 is not in 1..=8"),
        (&["doctor", "--stack", "gate", "--webhook-url", "https://example.com/github/webhook"], "cannot be used with"),
        (&["setup", "--owner", "octo/org"], "expected an owner's login"),
        (&["setup", "--name", "a name that is longer than GitHub takes it"], "expected 1 to 34"),
        (&["setup", "--listen", "0.0.0.0:0"], "expected a loopback address"),
        (&["setup", "--prefix", "a b"], "expected letters, digits"),
        (&["github", ping, "--listen", "0.0.0.0:0"], "expected a loopback address"),
        (&["deliver", ping, "--url", "nonsense"], "expected an `http` or `https` URL"),
    ];
    for (arguments, expected) in cases {
        let output = gate(arguments);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((output.status.code(), output.stdout.is_empty()), (Some(2), true), "{arguments:?}: {error}");
        assert!(error.starts_with("gate: ") && error.contains(expected) && error.lines().count() == 1, "{error}");
    }
}

#[test]
fn help_and_the_version_are_printed() {
    for arguments in [vec!["--help"], vec!["--version"], vec!["setup", "--help"]] {
        let output = gate(&arguments);
        assert!(output.status.success() && !output.stdout.is_empty() && output.stderr.is_empty(), "{output:?}");
    }
}
