//! `gate policy`, as a person runs it.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// A folder of files, gone when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = Self(std::env::temp_dir().join(format!("environment-gate-{:016x}", fastrand::u64(..))));
        for (name, text) in files {
            let path = folder.0.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    /// `gate policy`, in this folder.
    fn policy(&self, arguments: &[&str]) -> Output {
        command(&self.0, arguments).output().unwrap()
    }

    fn fed(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = command(&self.0, arguments).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gate"));
    command.arg("policy").args(arguments).current_dir(folder);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn error(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn json_of(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

/// Exit code and standard output; nothing else was said.
fn answer(output: &Output) -> (i32, String) {
    assert_eq!(error(output), "");
    (output.status.code().unwrap(), text(output))
}

const WEEKEND: &str = "package weekend

import rego.v1

deny contains \"no weekends\" if {
	input.day in {\"Saturday\", \"Sunday\"}
	not input.urgent
}

warn contains \"late\" if {
	input.hour > 17
	input.hour < 24
}
";

const GOOD: &str = "package weekend_test

import rego.v1
import data.weekend

test_saturday if weekend.deny == {\"no weekends\"} with input as {\"day\": \"Saturday\"}

test_urgent if {
	count(weekend.deny) == 0 with input as {\"day\": \"Saturday\", \"urgent\": true}
}
";

const MIXED: &str = "package mixed_test

import rego.v1
import data.weekend

test_pass if count(weekend.deny) == 0 with input as {\"day\": \"Monday\"}

test_fail if {
	print(\"denied:\", weekend.deny) with input as {\"day\": \"Sunday\"}
	count(weekend.deny) == 0 with input as {\"day\": \"Sunday\"}
}

test_error if 1 / 0

test_number := 3

todo_test_later if false
";

#[test]
fn tests_that_pass_are_counted_and_not_shown() {
    let folder = Folder::new(&[("weekend.rego", WEEKEND), ("deep/weekend_test.rego", GOOD)]);
    assert_eq!(answer(&folder.policy(&["test", "."])), (0, "PASS: 2/2\n".to_owned()));
}

#[test]
fn what_did_not_pass_is_shown_with_its_place_and_reason() {
    let folder = Folder::new(&[("weekend.rego", WEEKEND), ("mixed_test.rego", MIXED)]);
    let (code, text) = answer(&folder.policy(&["test", "."]));
    assert_eq!(code, 1, "{text}");
    for part in [
        "mixed_test.rego:8:\ndata.mixed_test.test_fail: FAIL (",
        "\n  got undefined, expected `true` (evaluated as far as line 10)\n",
        "\n  mixed_test.rego:9: denied: {\"no weekends\"}\n",
        "mixed_test.rego:13:\ndata.mixed_test.test_error: ERROR (",
        "\n  mixed_test.rego:13:",
        "data.mixed_test.test_number: FAIL (",
        "\n  got `3`, expected `true`\n",
        "data.mixed_test.todo_test_later: SKIPPED\n",
        "----\nPASS: 1/5\nFAIL: 2/5\nSKIPPED: 1/5\nERROR: 1/5\n",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    assert!(!text.contains("test_pass"), "{text}");
}

#[test]
fn a_test_without_a_value_says_how_far_it_was_evaluated() {
    let tests = "package far_test
import rego.v1
test_middle if {
	x := 1
	y := x + 1
	y == 3
	z := y
	z == 3
}
test_loop if {
	some x in [1, 2]
	x == 3
}
test_every if {
	every x in [1, 2] { x == 1 }
	true
}
";
    let folder = Folder::new(&[("weekend.rego", WEEKEND), ("far_test.rego", tests)]);
    let (_, text) = answer(&folder.policy(&["test", "."]));
    let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("  got ")).collect();
    let expected =
        [6, 12, 15].map(|line| format!("  got undefined, expected `true` (evaluated as far as line {line})"));
    assert_eq!(lines, expected);
}

#[test]
fn what_a_test_looks_at_and_nothing_defines_is_named() {
    let test =
        "package weekend_test\nimport rego.v1\nimport data.weekend\ntest_typo if not weekend.denny with input as {}\n";
    let folder = Folder::new(&[("weekend.rego", WEEKEND), ("weekend_test.rego", test), ("good_test.rego", GOOD)]);
    let (code, text) = answer(&folder.policy(&["test", "."]));
    let note = "note: nothing here defines `data.weekend.denny`: did you mean `data.weekend.deny`?";
    let notes: Vec<&str> = text.lines().filter(|line| line.starts_with("note: ")).collect();
    assert_eq!((code, notes), (0, vec![note]));
}

#[test]
fn verbose_shows_every_test_with_its_time() {
    let folder = Folder::new(&[("weekend.rego", WEEKEND), ("weekend_test.rego", GOOD)]);
    let (code, text) = answer(&folder.policy(&["test", ".", "--verbose"]));
    assert_eq!(code, 0);
    assert!(text.starts_with("weekend_test.rego:6:\ndata.weekend_test.test_saturday: PASS ("), "{text}");
    assert!(text.contains("s)\nweekend_test.rego:8:\ndata.weekend_test.test_urgent: PASS ("), "{text}");
}

#[test]
fn run_chooses_tests_by_their_full_names() {
    let folder = Folder::new(&[("weekend.rego", WEEKEND), ("mixed_test.rego", MIXED), ("weekend_test.rego", GOOD)]);
    assert_eq!(
        answer(&folder.policy(&["test", ".", "--run", "weekend_test\\.test_(sat|urg)"])),
        (0, "PASS: 2/2\n".to_owned())
    );
    assert_eq!(answer(&folder.policy(&["test", ".", "-r", "test_pass$"])), (0, "PASS: 1/1\n".to_owned()));
}

#[test]
fn no_test_is_no_success() {
    let folder = Folder::new(&[("weekend.rego", WEEKEND), ("weekend_test.rego", GOOD)]);
    for arguments in [&["test", "weekend.rego"][..], &["test", ".", "--run", "nothing"]] {
        let (code, text) = answer(&folder.policy(arguments));
        assert_eq!((code, text.starts_with("No test was run")), (1, true), "{text}");
    }
    assert_eq!(answer(&folder.policy(&["test", ".", "--run", "nothing", "--format", "json"])), (1, "[]\n".to_owned()));
}

#[test]
fn coverage_counts_the_lines_of_policies_alone() {
    let folder = Folder::new(&[("weekend.rego", WEEKEND), ("weekend_test.rego", GOOD)]);
    let (code, text) = answer(&folder.policy(&["test", ".", "--coverage", "--verbose"]));
    assert_eq!(code, 0);
    assert!(text.contains("\nCOVERAGE: 66.67% (4 of 6 lines)\n"), "{text}");
    assert!(text.ends_with("\nNot covered:\n  weekend.rego:10\n  weekend.rego:12\n"), "{text}");
}

#[test]
fn a_policy_that_no_test_evaluates_is_not_covered() {
    let other = "package other\nimport rego.v1\ndeny contains \"x\" if input.x\n";
    let folder = Folder::new(&[("weekend.rego", WEEKEND), ("other.rego", other), ("weekend_test.rego", GOOD)]);
    let (_, text) = answer(&folder.policy(&["test", ".", "--coverage", "--verbose"]));
    assert!(text.contains("COVERAGE: 57.14% (4 of 7 lines)") && text.contains("  other.rego:3\n"), "{text}");
}

#[test]
fn coverage_below_the_threshold_is_an_error() {
    let folder = Folder::new(&[("weekend.rego", WEEKEND), ("weekend_test.rego", GOOD)]);
    let (code, text) = answer(&folder.policy(&["test", ".", "--threshold", "66.7"]));
    assert_eq!((code, text.as_str()), (1, "PASS: 2/2\nCOVERAGE: 66.67% (4 of 6 lines), expected at least 66.7%\n"));
    let (code, _) = answer(&folder.policy(&["test", ".", "--threshold", "66%"]));
    assert_eq!(code, 0);
}

#[test]
fn json_is_the_array_that_opa_prints() {
    let folder = Folder::new(&[("weekend.rego", WEEKEND), ("mixed_test.rego", MIXED)]);
    let output = folder.policy(&["test", ".", "--format", "json"]);
    assert_eq!(output.status.code(), Some(1));
    let mut told = json_of(&output);
    for test in told.as_array_mut().unwrap() {
        let took = test.as_object_mut().unwrap().remove("duration").unwrap();
        assert!(took.is_u64(), "{test}");
    }
    let at = |row: u32| json!({ "file": "mixed_test.rego", "row": row, "col": 1 });
    let package = "data.mixed_test";
    assert_eq!(told[0], json!({ "location": at(6), "package": package, "name": "test_pass" }));
    assert_eq!((&told[1]["fail"], &told[1]["location"]), (&json!(true), &at(8)));
    let printed = STANDARD.decode(told[1]["output"].as_str().unwrap()).unwrap();
    assert_eq!(printed, b"mixed_test.rego:9: denied: {\"no weekends\"}\n");
    assert_eq!(told[2]["error"]["location"]["row"], 13);
    assert_eq!(told[3]["problem"], "got `3`, expected `true`");
    assert_eq!(told[4], json!({ "location": at(17), "package": package, "name": "todo_test_later", "skip": true }));
}

#[test]
fn with_coverage_json_is_the_report_that_opa_prints() {
    let folder = Folder::new(&[("weekend.rego", WEEKEND), ("weekend_test.rego", GOOD)]);
    let told = json_of(&folder.policy(&["test", ".", "--coverage", "--format", "json"]));
    let row = |row: u32| json!({ "row": row });
    let file = json!({
        "covered": [{ "start": row(5), "end": row(7) }, { "start": row(11), "end": row(11) }],
        "not_covered": [{ "start": row(10), "end": row(10) }, { "start": row(12), "end": row(12) }],
        "covered_lines": 4,
        "not_covered_lines": 2,
        "coverage": 66.67,
    });
    assert_eq!(told["files"], json!({ "weekend.rego": file }));
    assert_eq!((&told["covered_lines"], &told["coverage"]), (&json!(4), &json!(66.67)));
    assert_eq!(told["tests"][0]["name"], "test_saturday");
}

#[test]
fn junit_has_a_suite_for_each_package_and_is_escaped() {
    let odd = "package mixed_test\n\ntest_odd = \"<&>\" { print(\"a < b\") }\n";
    let folder = Folder::new(&[
        ("weekend.rego", WEEKEND),
        ("mixed_test.rego", MIXED),
        ("weekend_test.rego", GOOD),
        ("odd_test.rego", odd),
    ]);
    let output = folder.policy(&["test", ".", "--format", "junit"]);
    let text = text(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    for part in [
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites tests=\"8\" failures=\"3\" errors=\"1\" skipped=\"1\" time=\"",
        "  <testsuite name=\"data.mixed_test\" tests=\"6\" failures=\"3\" errors=\"1\" skipped=\"1\" time=\"",
        "  <testsuite name=\"data.weekend_test\" tests=\"2\" failures=\"0\" errors=\"0\" skipped=\"0\" time=\"",
        "<testcase name=\"test_pass\" classname=\"data.mixed_test\" file=\"mixed_test.rego\" line=\"6\" time=\"",
        "<failure message=\"got `&quot;&lt;&amp;&gt;&quot;`, expected `true`\"></failure><system-out>odd_test.rego:3: a &lt; b</system-out>",
        "<error message=\"mixed_test.rego:13:",
        "<skipped/></testcase>",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
}

#[test]
fn a_test_with_cases_shows_each() {
    let cases = "package cases_test

import rego.v1

test_sum[note][sign] if {
	some note, numbers in {\"two\": [1, 1, 2], \"three\": [1, 2, 4]}
	some sign in [1, -1]
	numbers[0] + numbers[1] == numbers[2]
}

test_good[case.note] if {
	some case in [{\"note\": \"one\", \"is\": true}, {\"note\": \"other\", \"is\": true}]
	case.is
}

test_none[note] if {
	some note in []
	note
}
";
    let folder = Folder::new(&[("weekend.rego", WEEKEND), ("cases_test.rego", cases)]);
    let (code, text) = answer(&folder.policy(&["test", "."]));
    assert_eq!(code, 1);
    for part in [
        "test_sum: FAIL (",
        "got 2 of 4 cases that failed, expected none\n  three: -1: FAIL\n  three: 1: FAIL\n  two: -1: PASS\n  two: 1: PASS\n",
        "test_none: FAIL (",
        "got no case, expected at least one",
        "PASS: 1/3\nFAIL: 2/3\n",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    let told = json_of(&folder.policy(&["test", ".", "--format", "json", "--run", "test_sum"]));
    assert_eq!(told[0]["sub_results"]["three"]["fail"], true);
    assert_eq!(
        told[0]["sub_results"]["two"],
        json!({ "name": "two", "sub_results": { "1": { "name": "1" }, "-1": { "name": "-1" } } })
    );
}

#[test]
fn of_two_tests_of_one_name_each_is_run() {
    let twice = "package twice_test\nimport rego.v1\ntest_a if true\ntest_a if false\n";
    let folder = Folder::new(&[("twice_test.rego", twice)]);
    let (code, text) = answer(&folder.policy(&["test", "."]));
    assert!(code == 1 && text.contains("PASS: 1/2\nFAIL: 1/2\n"), "{text}");
}

#[test]
fn a_test_that_is_a_function_is_an_error() {
    let function = "package function_test\nimport rego.v1\ntest_a(x) if x\n";
    let folder = Folder::new(&[("function_test.rego", function)]);
    let (code, text) = answer(&folder.policy(&["test", "."]));
    assert!(code == 1 && text.contains("ERROR (") && text.contains("a test takes no arguments"), "{text}");
}

#[test]
fn old_and_new_texts_are_tested_together() {
    let old = "package spacelift\n\ndeny[\"only admins\"] { not session.admin }\nsample { true }\n";
    let inline = "package spacelift\nimport rego.v1\nis_empty if count(deny) == 0\ntest_new if is_empty with input.session.admin as true\n";
    let old_test =
        "package spacelift\ntest_old { deny[\"only admins\"] with input as {\"session\": {\"admin\": false}} }\n";
    let folder = Folder::new(&[("old.rego", old), ("new_test.rego", inline), ("old_test.rego", old_test)]);
    assert_eq!(answer(&folder.policy(&["test", "."])), (0, "PASS: 2/2\n".to_owned()));
}

#[test]
fn a_policy_may_hold_its_own_tests() {
    let both = "package both\n\ndeny[\"x\"] {\n  input.x\n}\n\ntest_x {\n  deny[\"x\"] with input.x as true\n}\n";
    let folder = Folder::new(&[("both.rego", both)]);
    let (code, text) = answer(&folder.policy(&["test", "both.rego", "--coverage"]));
    assert_eq!((code, text.as_str()), (0, "PASS: 1/1\nCOVERAGE: 100% (2 of 2 lines)\n"));
}

#[test]
fn functions_can_be_replaced_in_tests_alone() {
    let clock = "package clock_test\nimport rego.v1\nimport data.weekend\nfake(_) := 7\ntest_a if count(weekend.deny) == 7 with count as fake\n";
    let folder = Folder::new(&[("weekend.rego", WEEKEND), ("clock_test.rego", clock)]);
    assert_eq!(answer(&folder.policy(&["test", "."])).0, 0);
}

#[test]
fn a_function_of_a_policy_that_would_not_be_replaced_is_refused() {
    let policy = "package f\nimport rego.v1\ndeny contains \"x\" if is_late(input.hour)\nis_late(hour) if hour > 17\n";
    for (package, target) in [("f", "is_late"), ("f_test", "data.f.is_late"), ("f_test", "f.is_late")] {
        let import = if package == "f" { "" } else { "import data.f\n" };
        let test = format!(
            "package {package}\nimport rego.v1\n{import}never(_) := false\ntest_a if count(data.f.deny) == 0 with {target} as never\n"
        );
        let folder = Folder::new(&[("f.rego", policy), ("f_test.rego", &test)]);
        let (code, text) = answer(&folder.policy(&["test", "."]));
        assert!(code == 1 && text.contains(": got `with` and a function of a policy, expected "), "{target}: {text}");
    }
}

#[test]
fn data_config_is_the_tests_own_or_that_of_a_policy_in_toml() {
    let policy = "package days\nimport rego.v1\ndeny contains input.day if input.day in data.config.days\n";
    let tests = "package days\nimport rego.v1\ntest_with if deny == {\"a\"} with input.day as \"a\" with data.config.days as [\"a\"]\ntest_toml if deny == {\"b\"} with input.day as \"b\"\n";
    let toml = "[[rule]]\nrepositories = [\"octo-org/widgets\"]\nrefs = [\"main\"]\n[data]\ndays = [\"b\"]\n";
    let folder = Folder::new(&[("days.rego", policy), ("days_test.rego", tests), ("policy.toml", toml)]);
    assert_eq!(answer(&folder.policy(&["test", ".", "--run", "test_with"])).0, 0);
    assert_eq!(answer(&folder.policy(&["test", "."])).0, 1);
    assert_eq!(answer(&folder.policy(&["test", ".", "--policy", "policy.toml"])), (0, "PASS: 2/2\n".to_owned()));
}

#[test]
fn a_test_that_never_ends_is_stopped() {
    let slow = "package slow_test\nimport rego.v1\ntest_slow if {\n\tsome a in numbers.range(1, 10000)\n\tsome b in numbers.range(1, 10000)\n\tsome c in numbers.range(1, 10000)\n\ta + b + c == 0\n}\ntest_quick if true\n";
    let folder = Folder::new(&[("slow_test.rego", slow)]);
    let (code, text) = answer(&folder.policy(&["test", "."]));
    assert!(code == 1 && text.contains("time limit") && text.contains("PASS: 1/2\nERROR: 1/2\n"), "{text}");
}

#[test]
fn policies_of_one_package_are_tested_alone_as_the_function_evaluates_them() {
    let policy = |word: &str| {
        format!("package spacelift\ndefault sample = false\ndeny[\"{word}\"] {{ run.title == \"{word}\" }}\n")
    };
    let test = |word: &str| {
        format!(
            "package spacelift\nat(title) = {{\"run\": {{\"title\": title}}}}\ntest_{word} {{ deny == {{\"{word}\"}} with input as at(\"{word}\") }}\ntest_no_{word} {{ count(deny) == 0 with input as at(\"b\") with input.run.title as \"none\" }}\n"
        )
    };
    let folder = Folder::new(&[
        ("a.rego", &policy("a")),
        ("a_test.rego", &test("a")),
        ("b.rego", &policy("b")),
        ("b_test.rego", &test("b")),
        ("weekend.rego", WEEKEND),
        ("weekend_test.rego", GOOD),
    ]);
    assert_eq!(answer(&folder.policy(&["test", "."])), (0, "PASS: 6/6\n".to_owned()));
    let (code, text) = answer(&folder.policy(&["test", ".", "--coverage"]));
    assert!(code == 0 && text.contains("COVERAGE: 60% (6 of 10 lines)"), "{text}");
}

#[test]
fn tests_of_several_policies_see_them_all() {
    let other = "package weekend\nimport rego.v1\ndeny contains \"x\" if input.x\n";
    let other_test = "package other_test\nimport rego.v1\nimport data.weekend\ntest_alone if weekend.deny == {\"x\"} with input as {\"x\": true, \"day\": \"Sunday\"}\n";
    let both = "package both_test\nimport rego.v1\nimport data.weekend\ntest_both if count(weekend.deny) == 2 with input as {\"x\": true, \"day\": \"Sunday\"}\n";
    let folder = Folder::new(&[
        ("weekend.rego", WEEKEND),
        ("other.rego", other),
        ("other_test.rego", other_test),
        ("both_test.rego", both),
    ]);
    let (code, text) = answer(&folder.policy(&["test", "."]));
    assert!(
        code == 0 && text.starts_with("PASS: 2/2\nnote: other.rego, weekend.rego are all of package `data.weekend`"),
        "{text}"
    );
}

#[test]
fn what_the_function_would_refuse_is_refused_with_its_place() {
    let folder = Folder::new(&[
        ("send.rego", "package send\nimport rego.v1\ndeny contains \"x\" if http.send({})\n"),
        ("loop_test.rego", "package loop_test\nimport rego.v1\ntest_a if f(1)\nf(x) if f(x + 1)\n"),
        ("broken_test.rego", "package broken_test\nimport rego.v1\ntest_a if {\n"),
    ]);
    let refused = |arguments: &[&str], expected: &str| {
        let (code, text) = answer(&folder.policy(arguments));
        assert!(code == 1 && text.starts_with(expected), "{text}");
    };
    refused(&["test", "send.rego"], "send.rego:3:26: `http.send` cannot be called: ");
    refused(&["test", "loop_test.rego"], "loop_test.rego:");
    let (code, text) = answer(&folder.policy(&["test", "."]));
    assert_eq!((code, text.lines().count()), (1, 2), "{text}");
    assert!(text.starts_with("broken_test.rego:") && text.contains("\nsend.rego:3:26: "), "{text}");
    let output = folder.policy(&["test", "send.rego", "--format", "json"]);
    assert_eq!((output.status.code(), text_is_empty(&output)), (Some(1), true));
    assert!(error(&output).starts_with("gate: send.rego:3:26: "), "{output:?}");
}

fn text_is_empty(output: &Output) -> bool {
    output.stdout.is_empty()
}

const TASK: &str = "# METADATA
# title: No weekends
# custom: { type: task, attach: [\"label:production\", \"*\"] }
package task
deny[\"no\"] { input.no }
";

#[test]
fn policies_are_shown_in_a_line_each() {
    let folder = Folder::new(&[("task.rego", TASK), ("weekend.rego", WEEKEND), ("weekend_test.rego", GOOD)]);
    let (code, text) = answer(&folder.policy(&["check"]));
    let lines = text.lines().take_while(|line| !line.is_empty());
    let lines: Vec<Vec<&str>> =
        lines.map(|line| line.split("  ").map(str::trim).filter(|part| !part.is_empty()).collect()).collect();
    assert_eq!(
        lines,
        [
            vec!["task", "task", "label:production, every rule", "`No weekends`"],
            vec!["weekend", "initialization", "by name"]
        ]
    );
    assert_eq!(code, 0);
}

#[test]
fn what_is_wrong_with_policies_is_a_line_each() {
    let folder = Folder::new(&[
        ("a.rego", "package a\ndeny[\"x\"] { foo(1) }\n"),
        ("b.rego", "package b\ndeny[\"x\"] {\n"),
        ("c.rego", "package c\nx = 1\n"),
        ("good.rego", TASK),
    ]);
    let (code, text) = answer(&folder.policy(&["check", "."]));
    assert_eq!(code, 1);
    let lines: Vec<&str> =
        text.lines().filter(|line| line.contains(".rego:") && !line.starts_with("warning: ")).collect();
    assert_eq!(lines.len(), 3, "{text}");
    assert_eq!(lines[0], "a.rego:2:13: there is no function `foo`");
    assert!(lines[1].starts_with("b.rego:") && lines[2].starts_with("c.rego:1:1: got neither a type"), "{text}");
    assert_eq!(answer(&Folder::new(&[("x.txt", "")]).policy(&["check"])).0, 1);
}

#[test]
fn what_a_policy_may_not_mean_is_warned_of_with_its_place_and_can_be_denied() {
    let text = "package p\nimport rego.v1\ndeny contains \"a\" if input.reqest.environment == \"release\"\n";
    let folder =
        Folder::new(&[("p.rego", text), ("q.rego", "package q\nimport rego.v1\ndeny if input.run.ref == \"x\"\n")]);
    let (code, text) = answer(&folder.policy(&["check"]));
    let warning = "warning: p.rego:3:22: no input has `input.reqest`, so it is always undefined\n  Fix: Did you mean `input.request`?\n";
    assert!(code == 0 && text.contains(warning), "{text}");
    assert_eq!(answer(&folder.policy(&["check", "--deny-warnings"])).0, 1);
    assert_eq!(answer(&folder.policy(&["check", "--deny-warnings", "q.rego"])).0, 0);
}

#[test]
fn an_evaluation_begins_with_what_follows_from_it() {
    let folder = Folder::new(&[("weekend.rego", WEEKEND), ("input.json", "{\"day\": \"Sunday\", \"hour\": 20}")]);
    let (code, text) = answer(&folder.policy(&["eval", "weekend.rego", "--input", "input.json"]));
    let words: Vec<&str> = text.split_whitespace().collect();
    assert_eq!((code, &words[..6]), (0, &["fail", "deny", "[\"no", "weekends\"]", "warn", "[\"late\"]"][..]));
}

#[test]
fn fields_of_an_input_that_no_run_has_or_that_are_missing_are_warned_of() {
    let folder = Folder::new(&[("weekend.rego", WEEKEND)]);
    let (code, text) =
        answer(&folder.fed(&["eval", "weekend.rego", "--input", "-"], "{\"reqest\": {}, \"run\": {\"reff\": 1}}"));
    let warnings: Vec<&str> = text.lines().filter(|line| line.starts_with("warning: ")).collect();
    assert_eq!(code, 0);
    assert_eq!(warnings, ["warning: input.reqest: not in the schema", "warning: input.run.reff: not in the schema"]);
    let text = "package p\nimport rego.v1\ndeny contains \"a\" if input.run.ref == \"main\"\n";
    let folder = Folder::new(&[("p.rego", text)]);
    let (_, text) = answer(&folder.fed(&["eval", "p.rego", "--input", "-"], "{\"run\": {}}"));
    assert!(text.contains("warning: the policy looks at this, and the input lacks it: run.ref"), "{text}");
    let (_, text) = answer(&folder.policy(&["eval", "p.rego", "--input", &fixture(APPROVED)]));
    assert!(!text.contains("warning: "), "{text}");
    let folder = Folder::new(&[("weekend.rego", WEEKEND)]);
    let (_, text) = answer(&folder.policy(&["eval", "weekend.rego", "--input", &fixture(APPROVED)]));
    assert!(!text.contains("warning: "), "{text}");
}

#[test]
fn an_approval_that_is_not_decided_says_so() {
    let folder = Folder::new(&[("approval.rego", "package a\napprove { input.yes }\n")]);
    let (code, text) = answer(&folder.fed(&["eval", "approval.rego", "--input", "-"], "{}"));
    assert!(code == 0 && text.starts_with("wait: it has not approved yet\n"), "{text}");
}

#[test]
fn the_input_that_is_used_can_be_shown_and_used_again() {
    let folder = Folder::new(&[
        ("weekend.rego", WEEKEND),
        ("approval.rego", "package a\napprove { input.gates[_].approvers[_].login == \"bob\" }\n"),
    ]);
    let shown = folder.policy(&["eval", "approval.rego", "--input", &fixture(APPROVED), "--show-input"]);
    assert_eq!((shown.status.code(), json_of(&shown)["run"]["ref"].clone()), (Some(0), json!("main")));
    let again = folder.fed(&["eval", "approval.rego", "--input", "-", "--json"], &text(&shown));
    assert_eq!(json_of(&again), json!({ "approve": true, "outcome": "pass" }));
    let own = folder.fed(&["eval", "weekend.rego", "--input", "-", "--show-input"], "{\"day\": \"Sunday\"}");
    assert_eq!(json_of(&own), json!({ "day": "Sunday" }));
}

#[test]
fn a_policy_in_toml_gives_the_accounts_of_a_story_their_teams() {
    let rego = "# METADATA\n# custom: { type: task }\npackage p\ndeny[team] { team := input.session.teams[_] }\nwarn[x] { x := data.config.x }\n";
    let toml = "[[rule]]\nrepositories = [\"another/one\"]\nrefs = [\"main\"]\n[data]\nx = \"from toml\"\n[data.teams]\nsre = [\"Alice\"]\n";
    let folder = Folder::new(&[("p.rego", rego), ("policy.toml", toml)]);
    let told = |more: &[&str]| {
        let story = fixture(APPROVED);
        let arguments = [&["eval", "p.rego", "--input", &story, "--json"], more].concat();
        json_of(&folder.policy(&arguments))
    };
    assert_eq!(told(&[]), json!({ "deny": [], "warn": [], "outcome": "pass" }));
    assert_eq!(
        told(&["--policy", "policy.toml"]),
        json!({ "deny": ["sre"], "warn": ["from toml"], "outcome": "fail" })
    );
}

#[test]
fn teams_that_are_not_lists_of_logins_are_refused_with_their_line() {
    let toml = "[[rule]]\nrepositories = [\"another/one\"]\nrefs = [\"main\"]\n[data.teams]\nsre = \"bob\"\n";
    let folder = Folder::new(&[("weekend.rego", WEEKEND), ("weekend_test.rego", GOOD), ("policy.toml", toml)]);
    for arguments in [&["test", "."][..], &["eval", "weekend.rego", "--input", &fixture(APPROVED)]] {
        let output = folder.policy(&[arguments, &["--policy", "policy.toml"]].concat());
        let expected = "gate: policy.toml: policy line 5, `data.teams.sre`: got a string, expected a list of logins\n";
        assert_eq!((output.status.code(), error(&output).as_str()), (Some(1), expected));
    }
}

#[test]
fn a_text_in_v1_that_lacks_an_if_is_refused_in_one_line_and_never_read_as_v0() {
    let folder = Folder::new(&[
        ("a.rego", "package a\napprove if { input.x }\nreject { input.y }\n"),
        ("b.rego", "package b\nimport rego.v1\ndeny contains \"x\" { input.x }\n"),
    ]);
    let missing = "`if` is missing before the rule's body: write `if {`\n";
    let expected = format!("a.rego:3:8: {missing}b.rego:3:19: {missing}");
    assert_eq!(answer(&folder.policy(&["check"])), (1, expected));
}

#[test]
fn a_test_without_its_policy_says_what_to_pass() {
    let same = "package weekend\nimport rego.v1\n\ntest_a if count(deny) == 0\n";
    let folder =
        Folder::new(&[("weekend.rego", WEEKEND), ("weekend_test.rego", same), ("other/weekend_test.rego", GOOD)]);
    let expected =
        "weekend_test.rego:4:17: there is no rule `deny` in package `weekend`: pass its policy, too, or the folder\n";
    assert_eq!(answer(&folder.policy(&["test", "weekend_test.rego"])), (1, expected.to_owned()));
    let (code, text) = answer(&folder.policy(&["test", "other/weekend_test.rego"]));
    let note = "note: none of these files is a policy: pass the policy, too, or the folder\n";
    assert!(code == 1 && text.contains("FAIL") && text.ends_with(note), "{text}");
}

#[test]
fn a_variable_that_is_called_like_a_rule_is_not_one() {
    let tests = "package other_test\ntest_a { deny = data.weekend.deny with input as {}; count(deny) == 0 }\n";
    let folder = Folder::new(&[("weekend.rego", WEEKEND), ("other_test.rego", tests)]);
    assert_eq!(answer(&folder.policy(&["test", "."])), (0, "PASS: 1/1\n".to_owned()));
}

#[test]
fn json_of_an_evaluation_is_one_flat_object() {
    let folder = Folder::new(&[
        ("weekend.rego", WEEKEND),
        ("approval.rego", "package a\napprove { input.yes }\nreject { input.no }\n"),
    ]);
    let told = |policy: &str, input: &str| json_of(&folder.fed(&["eval", policy, "--input", "-", "--json"], input));
    assert_eq!(
        told("weekend.rego", "{\"day\": \"Sunday\"}"),
        json!({ "deny": ["no weekends"], "warn": [], "outcome": "fail" })
    );
    assert_eq!(told("weekend.rego", "{}"), json!({ "deny": [], "warn": [], "outcome": "pass" }));
    assert_eq!(told("approval.rego", "{}"), json!({ "outcome": "wait" }));
    assert_eq!(told("approval.rego", "{\"yes\": true}"), json!({ "approve": true, "outcome": "pass" }));
    assert_eq!(
        told("approval.rego", "{\"yes\": true, \"no\": true}"),
        json!({ "approve": true, "reject": true, "outcome": "fail" })
    );
}

#[test]
fn a_policy_that_cannot_be_evaluated_says_where() {
    let folder = Folder::new(&[
        ("number.rego", "package n\ndeny = 3\n"),
        ("wrong.rego", "package w\ndeny[\"x\"] { foo(1) }\n"),
        ("div.rego", "package d\ndeny[\"x\"] {\n  1 / input.zero > 1\n}\n"),
    ]);
    let told = |policy: &str| {
        let output = folder.fed(&["eval", policy, "--input", "-", "--json"], "{\"zero\": 0}");
        assert_eq!(output.status.code(), Some(1));
        json_of(&output)
    };
    assert_eq!(
        told("number.rego"),
        json!({ "outcome": "error", "error": "number.rego:2:1: `deny` got a number, expected a set of strings or a boolean" })
    );
    assert_eq!(
        told("wrong.rego"),
        json!({ "outcome": "error", "error": "wrong.rego:2:13: there is no function `foo`" })
    );
    assert!(told("div.rego")["error"].as_str().unwrap().starts_with("div.rego:3:"));
    let (code, text) = answer(&folder.fed(&["eval", "wrong.rego", "--input", "-"], "{}"));
    assert_eq!((code, text.as_str()), (1, "error\n  wrong.rego:2:13: there is no function `foo`\n"));
}

const APPROVED: &str = "approve/one-human-approved-the-gate";

fn fixture(name: &str) -> String {
    format!("{}/fixtures/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn a_story_gives_what_the_policy_would_see_of_its_run() {
    let policy =
        |metadata: &str, rules: &str| format!("# METADATA\n# custom: {{ type: {metadata} }}\npackage p\n{rules}\n");
    let folder = Folder::new(&[
        (
            "task.rego",
            &policy("task", "deny[run.actor.login] { true }\nwarn[time.weekday(request.timestamp_ns)] { true }"),
        ),
        ("approval.rego", &policy("approval", "approve { input.reviews.current.approvals[_].author == \"bob\" }")),
    ]);
    let story = fixture("approve/one-human-approved-the-gate");
    let told = |policy: &str| json_of(&folder.policy(&["eval", policy, "--input", &story, "--json"]));
    assert_eq!(told("task.rego"), json!({ "deny": ["alice"], "warn": ["Monday"], "outcome": "fail" }));
    assert_eq!(told("approval.rego"), json!({ "approve": true, "outcome": "pass" }));
}

#[test]
fn a_story_whose_base_is_missing_names_it_and_where_it_was_looked_for() {
    let story = "claim = \"x\"\nbased_on = \"approve/nowhere\"\n[expect]\nstatus = 200\n";
    let folder = Folder::new(&[("weekend.rego", WEEKEND), ("stories/reject/mine/story.toml", story)]);
    let output = folder.policy(&["eval", "weekend.rego", "--input", "stories/reject/mine"]);
    let expected = "gate: stories/reject/mine/story.toml: got `based_on` `approve/nowhere`, but there is no such story in stories\n";
    assert_eq!((output.status.code(), error(&output).as_str()), (Some(1), expected));
}

#[test]
fn a_story_in_which_the_policy_is_not_asked_is_refused() {
    let folder = Folder::new(&[("approval.rego", "package p\napprove { true }\n")]);
    let output = folder.policy(&["eval", "approval.rego", "--input", &fixture("ignore/a-ping")]);
    assert_eq!((output.status.code(), text_is_empty(&output)), (Some(1), true));
    assert!(
        error(&output).contains("a policy of type `approval` is not asked here: the delivery is ignored ("),
        "{output:?}"
    );
}

#[test]
fn a_policy_of_the_library_is_written_with_its_tests_and_passes_them() {
    let folder = Folder::new(&[("keep.txt", "")]);
    let (code, text) = answer(&folder.policy(&["new", "no-weekends", "--to", "policies"]));
    assert!(
        code == 0 && text.starts_with("Written: policies/no-weekends.rego\nWritten: policies/no-weekends_test.rego\n"),
        "{text}"
    );
    let (code, text) = answer(&folder.policy(&["test", "policies"]));
    assert!(code == 0 && text.starts_with("PASS: "), "{text}");
    fs::remove_file(folder.0.join("policies/no-weekends.rego")).unwrap();
    let again = folder.policy(&["new", "no-weekends", "--to", "policies"]);
    assert_eq!(again.status.code(), Some(2), "{again:?}");
    assert!(error(&again).contains("no-weekends_test.rego: exists already, and is not overwritten"));
    assert!(!folder.0.join("policies/no-weekends.rego").exists(), "half of it was written");
}

#[test]
fn every_policy_of_the_library_can_be_had_and_passes_its_tests() {
    let folder = Folder::new(&[("keep.txt", "")]);
    let (code, text) = answer(&folder.policy(&["new", "--list"]));
    assert_eq!(code, 0);
    let names: Vec<&str> = text.lines().filter(|line| !line.starts_with(' ')).collect();
    assert!(names.len() > 10, "{text}");
    for name in names {
        assert_eq!(folder.policy(&["new", name, "--to", name]).status.code(), Some(0), "{name}");
        let (code, text) = answer(&folder.policy(&["test", name]));
        assert_eq!(code, 0, "{name}: {text}");
    }
}

#[test]
fn the_schema_is_printed() {
    let folder = Folder::new(&[("keep.txt", "")]);
    let schema = json_of(&folder.policy(&["schema"]));
    assert_eq!(schema["properties"]["version"]["const"], 1);
}

#[test]
fn wrong_use_is_one_line_and_exit_code_2() {
    let folder = Folder::new(&[
        ("weekend.rego", WEEKEND),
        ("list.json", "[1]"),
        ("text.json", "{"),
        ("x.txt", ""),
        ("nothing/x.txt", ""),
    ]);
    let eval = |input| ["eval", "weekend.rego", "--input", input];
    let cases: [(&[&str], &str); 16] = [
        (&[], "requires a subcommand"),
        (&["nonsense"], "unrecognized subcommand 'nonsense'; see `gate policy --help`"),
        (&["check", "nowhere"], "'nowhere' for '[PATH]...'"),
        (&["check", "x.txt"], "x.txt: expected a file `NAME.rego`"),
        (&["test"], "not provided: <PATH>...; see `gate policy test --help`"),
        (&["test", "nowhere"], "'nowhere' for '<PATH>...'"),
        (&["test", ".", "--run", "("], "unclosed group"),
        (&["test", ".", "--threshold", "101"], "expected 0 to 100"),
        (&["test", ".", "--format", "xml"], "possible values: text, json, junit"),
        (&["test", ".", "--policy", "nowhere.toml"], "'nowhere.toml' for '--policy <FILE>'"),
        (&["eval", "weekend.rego"], "--input <FILE|STORY|->"),
        (&eval("nothing"), "expected a story's folder"),
        (&eval("list.json"), "list.json: got JSON that is not an object"),
        (&eval("text.json"), "text.json: got no JSON (EOF while parsing"),
        (&["new"], "<TEMPLATE>"),
        (&["new", "nonsense"], "'nonsense' for '[TEMPLATE]'"),
    ];
    for (arguments, expected) in cases {
        let output = folder.policy(arguments);
        let error = error(&output);
        assert_eq!((output.status.code(), text_is_empty(&output)), (Some(2), true), "{arguments:?}: {error}");
        assert!(
            error.starts_with("gate: ") && error.contains(expected) && error.lines().count() == 1,
            "{arguments:?}: {error}"
        );
    }
}
