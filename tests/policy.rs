//! What a policy may say, and how it is told that it may not.

use environment_gate::gate::Policy;

const RULE: &str = "[[rule]]\nrepositories = [\"octo-org/widgets\"]\nrefs = [\"main\"]\n";

fn error(toml: &str) -> String {
    Policy::parse(toml).expect_err(toml).to_string()
}

#[test]
fn what_is_not_given_has_its_default() {
    let policy = Policy::parse(RULE).unwrap();
    let rule = &policy.rules[0];
    assert!(!policy.pause && !rule.self_approval);
    assert_eq!((rule.environment.as_str(), rule.workflow.as_str()), ("release", ".github/workflows/release.yml"));
    assert_eq!(
        (&rule.events, rule.approvals, rule.max_age.to_string()),
        (&vec!["workflow_dispatch".to_owned()], 1, "72h".to_owned())
    );
    assert_eq!((rule.approvers.len(), rule.starters.len(), rule.gates.len()), (0, 0, 1));
    assert_eq!((rule.gates[0].job.as_str(), rule.gates[0].environment.as_str()), ("release-gate", "release-gate"));
}

#[test]
fn an_error_names_line_and_key_and_what_was_expected() {
    let gate =
        |job: &str, environment: &str| format!("[[rule.gate]]\njob = \"{job}\"\nenvironment = \"{environment}\"\n");
    let cases: Vec<(String, &[&str])> = vec![
        (String::new(), &["line 1", "`rule`", "at least one"]),
        ("pause = false\n".to_owned(), &["line 1", "`rule`", "at least one"]),
        (format!("{RULE}reefs = [\"main\"]\n"), &["line 4", "reefs", "expected one of"]),
        (format!("paws = true\n{RULE}"), &["line 1", "paws"]),
        ("[[rule]]\nrefs = [\"main\"]\n".to_owned(), &["line 1", "`rule[0]`", "repositories"]),
        ("[[rule]]\nrepositories = [\"octo-org/widgets\"]\n".to_owned(), &["line 1", "refs"]),
        ("[[rule]]\nrepositories = []\nrefs = [\"main\"]\n".to_owned(), &["line 2", "rule.repositories", "empty list"]),
        (
            "[[rule]]\nrepositories = [\"widgets\"]\nrefs = [\"main\"]\n".to_owned(),
            &["line 2", "`widgets`", "owner/name"],
        ),
        ("[[rule]]\nrepositories = [\"*\"]\nrefs = [\"main\"]\n".to_owned(), &["line 2", "rule.repositories"]),
        ("[[rule]]\nrepositories = [\"octo-org/../x\"]\nrefs = [\"main\"]\n".to_owned(), &["line 2"]),
        (
            "[[rule]]\nrepositories = [\"octo-org/widgets\"]\nrefs = []\n".to_owned(),
            &["line 3", "rule.refs", "empty list"],
        ),
        (RULE.replace("main", "*"), &["line 3", "rule.refs", "`*`"]),
        (RULE.replace("main", "v*x"), &["line 3", "rule.refs"]),
        (RULE.replace("main", "v**"), &["line 3", "rule.refs"]),
        (RULE.replace("main", "refs/heads/main"), &["line 3", "rule.refs", "short name"]),
        (format!("{RULE}events = []\n"), &["line 4", "rule.events", "empty list"]),
        (
            format!("{RULE}events = [\"push\", \"pull_request_target\"]\n"),
            &["line 4", "rule.events", "`pull_request_target`"],
        ),
        (format!("{RULE}events = [\"pull_request\"]\n"), &["rule.events"]),
        (format!("{RULE}events = [\"merge_group\"]\n"), &["rule.events"]),
        (format!("{RULE}events = [\"workflow_run\"]\n"), &["rule.events"]),
        (format!("{RULE}events = [\"issue_comment\"]\n"), &["rule.events"]),
        (format!("{RULE}workflow = \"release.yml\"\n"), &["line 4", "rule.workflow", "`release.yml`"]),
        (format!("{RULE}approvals = 2\n"), &["line 4", "rule.approvals", "0 to 1"]),
        (format!("{RULE}approvals = -1\n"), &["line 4", "rule.approvals", "got -1"]),
        (format!("{RULE}approvals = \"one\"\n"), &["line 4", "rule[0].approvals", "invalid type"]),
        (format!("{RULE}max_age = \"72\"\n"), &["line 4", "rule.max_age", "`72`"]),
        (format!("{RULE}max_age = \"0h\"\n"), &["line 4", "rule.max_age"]),
        (format!("{RULE}max_age = \"-1h\"\n"), &["line 4", "rule.max_age"]),
        (format!("{RULE}environment = \"\"\n"), &["line 4", "rule.environment"]),
        (format!("{RULE}environment = \"Release-Gate\"\n"), &["rule.environment", "cannot guard itself"]),
        (format!("{RULE}gate = []\n"), &["line 4", "rule.gate", "empty list"]),
        (format!("{RULE}{}", gate("g", "Release")), &["line 6", "rule.gate.environment", "cannot guard itself"]),
        (format!("{RULE}{}{}", gate("a", "x"), gate("b", "X")), &["line 9", "rule.gate.environment", "two gates"]),
        (format!("{RULE}{}{}", gate("a", "x"), gate("a", "y")), &["line 8", "rule.gate.job", "two gates"]),
        (format!("{RULE}refs = [\"x\"]\n"), &["line 4", "duplicate key"]),
        ("[[rule]\n".to_owned(), &["line 1"]),
    ];
    for (toml, wanted) in cases {
        let error = error(&toml);
        for part in wanted {
            assert!(error.contains(part), "{toml}\ngot {error}\nwithout {part}");
        }
    }
}

#[test]
fn the_switch_alone_is_a_policy() {
    let policy = Policy::parse("pause = true\n").unwrap();
    assert!(policy.pause && policy.rules.is_empty());
}

#[test]
fn a_star_does_not_reach_across_a_slash() {
    let policy = Policy::parse(&RULE.replace("main", "release/*")).unwrap();
    let matches = |name: &str| policy.rules[0].refs[0].matches(&environment_gate::model::RefName::parse(name).unwrap());
    assert!(matches("release/1.4") && matches("refs/heads/release/1.4"));
    assert!(!matches("release/1.4/x") && !matches("releases/1") && !matches("release"));
}
