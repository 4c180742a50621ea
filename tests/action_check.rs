//! The script of `action/check` in a real bash, with the real `gate`: what the job's log, its summary and its exit code say.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const RULE: &str = "[[rule]]\nrepositories = [\"octo-org/widgets\"]\nrefs = [\"main\"]\n";
const POLICY: &str = "# METADATA\n# title: No weekends\n# custom:\n#   type: task\n#   attach: [\"*\"]\npackage no_weekends\n\nimport rego.v1\n\ndeny contains \"it is the weekend\" if time.weekday(input.request.timestamp_ns) == \"Sunday\"\n";
const TESTS: &str = "package no_weekends_test\n\nimport rego.v1\n\nimport data.no_weekends\n\ntest_a_weekday_is_let_in if count(no_weekends.deny) == 0 with input as {\"request\": {\"timestamp_ns\": 0}}\n";

/// A checkout of the policy's repository.
struct Checkout {
    folder: PathBuf,
}

/// What came of a run of the script.
struct Ran {
    code: Option<i32>,
    log: String,
    summary: String,
}

impl Checkout {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = std::env::temp_dir().join(format!("environment-gate-{:016x}", fastrand::u64(..)));
        for (name, text) in files {
            let path = folder.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        Self { folder }
    }

    /// The script as the action runs it, with these inputs.
    fn check(&self, inputs: &[(&str, &str)]) -> Ran {
        let summary = self.folder.join("summary.md");
        let defaults = [("POLICY", "policy.toml"), ("POLICIES", ""), ("DENY_WARNINGS", "false")];
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("action/check/check.sh");
        let output: Output = Command::new("bash")
            .arg(script)
            .current_dir(&self.folder)
            .env("GATE", env!("CARGO_BIN_EXE_gate"))
            .env("GITHUB_STEP_SUMMARY", &summary)
            .envs(defaults)
            .envs(inputs.iter().copied())
            .output()
            .unwrap();
        let log = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        Ran { code: output.status.code(), log, summary: std::fs::read_to_string(summary).unwrap_or_default() }
    }
}

impl Drop for Checkout {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Ran {
    /// The lines that are commands to the runner: those outside of what it does not look at.
    fn commands(&self) -> Vec<&str> {
        let mut commands = Vec::new();
        let mut end = None;
        for line in self.log.lines() {
            match (&end, line.strip_prefix("::stop-commands::")) {
                (Some(until), _) if line == *until => end = None,
                (None, Some(token)) => end = Some(format!("::{token}::")),
                (None, None) if line.trim_start().starts_with("::") => commands.push(line),
                _ => {}
            }
        }
        assert_eq!(end, None, "commands stay off: {}", self.log);
        commands
    }
}

fn with_rego(policy: &str, rego: &str, tests: &str) -> Checkout {
    Checkout::new(&[
        ("policy.toml", policy),
        ("policies/no-weekends.rego", rego),
        ("policies/no-weekends_test.rego", tests),
    ])
}

const REGO: [(&str, &str); 1] = [("POLICIES", "policies")];

#[test]
fn a_good_policy_passes_and_the_summary_says_what_it_lets_in() {
    let ran = Checkout::new(&[("policy.toml", RULE)]).check(&[]);
    assert_eq!((ran.code, ran.commands()), (Some(0), Vec::<&str>::new()), "{}", ran.log);
    for part in ["## Environment Gate: the policy\n", "✅ `gate check`\n", "Rule 1 lets a run of `octo-org/widgets`"] {
        assert!(ran.summary.contains(part), "{part} is not in\n{}", ran.summary);
    }
    assert!(
        !ran.summary.contains("said no") && ran.log.contains("deploy to    `release`"),
        "{}{}",
        ran.summary,
        ran.log
    );
}

#[test]
fn good_policies_in_rego_pass_with_their_tests() {
    let ran = with_rego(RULE, POLICY, TESTS).check(&REGO);
    assert_eq!((ran.code, ran.commands()), (Some(0), Vec::<&str>::new()), "{}", ran.log);
    for part in ["✅ `gate policy check`", "✅ `gate check`", "✅ `gate policy test`", "PASS: 1/1"] {
        assert!(ran.summary.contains(part), "{part} is not in\n{}", ran.summary);
    }
}

#[test]
fn a_broken_policy_fails_with_an_annotation_at_its_line() {
    let ran = Checkout::new(&[("policy.toml", &RULE.replace("main", "*"))]).check(&[]);
    assert_eq!(ran.code, Some(1), "{}", ran.log);
    let [command] = ran.commands()[..] else { panic!("{}", ran.log) };
    assert!(
        command.starts_with("::error file=policy.toml,line=3::`rule.refs`: got `*`, expected the short name"),
        "{command}"
    );
    assert!(
        ran.summary.contains("❌ `gate check`") && ran.summary.contains("**1 of these said no.**"),
        "{}",
        ran.summary
    );
}

#[test]
fn a_failing_test_is_annotated_at_its_line() {
    let ran = with_rego(RULE, POLICY, &TESTS.replace("== 0", "== 1")).check(&REGO);
    assert_eq!(ran.code, Some(1), "{}", ran.log);
    let [command] = ran.commands()[..] else { panic!("{}", ran.log) };
    let expected = "::error file=policies/no-weekends_test.rego,line=7::data.no_weekends_test.test_a_weekday_is_let_in: FAIL: got undefined";
    assert!(command.starts_with(expected), "{command}");
    assert!(
        ran.summary.contains("✅ `gate check`") && ran.summary.contains("❌ `gate policy test`"),
        "{}",
        ran.summary
    );
}

#[test]
fn a_policy_that_the_function_would_refuse_is_annotated_at_its_place() {
    let ran = with_rego(RULE, &POLICY.replace("time.weekday(input.request.timestamp_ns)", "http.send({})"), TESTS)
        .check(&REGO);
    assert_eq!(ran.code, Some(1), "{}", ran.log);
    let [command] = ran.commands()[..] else { panic!("all three commands of gate find it: {}", ran.log) };
    let place = "::error file=policies/no-weekends.rego,line=10,col=";
    assert!(command.starts_with(place) && command.contains("http.send"), "{command}");
}

#[test]
fn a_warning_is_annotated_and_an_error_only_if_it_is_denied() {
    let checkout = Checkout::new(&[("policy.toml", &format!("{RULE}approvals = 0\n"))]);
    let allowed = checkout.check(&[]);
    assert_eq!(allowed.code, Some(0), "{}", allowed.log);
    assert!(
        allowed.commands()[0].starts_with("::warning file=policy.toml::rule 1: with `approvals = 0`"),
        "{}",
        allowed.log
    );
    let denied = checkout.check(&[("DENY_WARNINGS", "true")]);
    assert_eq!(denied.code, Some(1), "{}", denied.log);
    assert!(
        denied.commands()[0].starts_with("::error file=policy.toml::rule 1: with `approvals = 0`"),
        "{}",
        denied.log
    );
}

#[test]
fn what_a_policy_in_rego_may_not_mean_is_annotated_once_at_its_place() {
    let checkout = with_rego(RULE, &POLICY.replace("input.request", "input.reqest"), TESTS);
    let place = "file=policies/no-weekends.rego,line=10,col=51::no input has `input.reqest`, so it is always undefined";
    let allowed = checkout.check(&REGO);
    assert_eq!(
        (allowed.code, allowed.commands()),
        (Some(0), vec![format!("::warning {place}").as_str()]),
        "{}",
        allowed.log
    );
    let denied = checkout.check(&[REGO[0], ("DENY_WARNINGS", "true")]);
    assert_eq!(
        (denied.code, denied.commands()),
        (Some(1), vec![format!("::error {place}").as_str()]),
        "{}",
        denied.log
    );
}

#[test]
fn a_policy_that_is_not_there_fails() {
    let ran = Checkout::new(&[("other.toml", RULE)]).check(&[]);
    let [command] = ran.commands()[..] else { panic!("{}", ran.log) };
    assert!(ran.code == Some(1) && ran.summary.contains('❌'), "{}", ran.log);
    assert!(command.starts_with("::error::") && command.contains("policy.toml"), "{command}");
}

#[test]
fn what_a_policy_contains_is_not_a_command_to_the_runner() {
    let own = "::error file=x::from the policy";
    let prints = format!(
        "package no_weekends_test\n\nimport rego.v1\n\ntest_prints if {{\n\tprint(\"\\n{own}\")\n\t1 == 2\n}}\n"
    );
    let ran = with_rego(RULE, POLICY, &prints).check(&REGO);
    assert!(ran.code == Some(1) && ran.log.lines().any(|line| line.trim() == own), "{}", ran.log);
    assert!(ran.commands().iter().all(|command| !command.starts_with("::error file=x")), "{}", ran.log);
}

#[test]
fn what_a_policy_contains_is_not_markup_in_the_summary() {
    let ran = Checkout::new(&[("policy.toml", &RULE.replace("main", "</pre><img src=x>*&"))]).check(&[]);
    assert_eq!(ran.code, Some(1), "{}", ran.log);
    assert!(ran.summary.contains("&lt;/pre&gt;&lt;img src=x&gt;*&amp;"), "{}", ran.summary);
    assert_eq!(
        (
            ran.summary.matches("<pre>").count(),
            ran.summary.matches("</pre>").count(),
            ran.summary.matches("<img").count()
        ),
        (1, 1, 0)
    );
}

#[test]
fn an_input_is_a_value_and_never_an_option_or_code() {
    let checkout = Checkout::new(&[("--schema", RULE), ("$(touch made)`touch made`;touch made", RULE)]);
    for policy in ["--schema", "$(touch made)`touch made`;touch made"] {
        let ran = checkout.check(&[("POLICY", policy)]);
        assert!(ran.code == Some(0) && ran.summary.contains("Rule 1 lets"), "{policy}: {}", ran.log);
    }
    assert!(!checkout.folder.join("made").exists());
}

#[test]
fn an_input_that_is_neither_true_nor_false_is_refused() {
    let ran = Checkout::new(&[("policy.toml", RULE)]).check(&[("DENY_WARNINGS", "yes")]);
    assert_eq!(
        (ran.code, ran.commands()),
        (Some(1), vec!["::error::deny-warnings: got something else, expected true or false"])
    );
}
