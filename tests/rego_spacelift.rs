//! Policies as Spacelift's documents show them (<https://docs.spacelift.io/concepts/policy>) run here without a change, in both versions of the language, and say
//! what the documents say. The texts are the documents' examples; names and numbers in the input are ours.

use std::collections::BTreeSet;

use environment_gate::gate::Verdict;
use environment_gate::gate::rego::{Input, PolicyType, RegoPolicy};
use serde_json::{Map, Value as Json, json};

use crate::rego_library::{evaluate, play};
use crate::support::fixtures;

/// 2026-01-05T10:15:00Z, a Monday.
const MONDAY: i64 = 1_767_608_100_000_000_000;
/// Five days later.
const SATURDAY: i64 = MONDAY + 5 * 86_400_000_000_000;

/// A policy in both versions of the language, what it sees, and what its rules then say.
struct Row {
    claim: &'static str,
    v0: &'static str,
    v1: &'static str,
    /// Changes of the input, as a merge patch, and the values of the rules: an array for a set, nothing for a rule without a value.
    says: Vec<(Json, Json)>,
}

/// A task that Alice, who is an admin, started on a Monday. Nobody approved it yet.
fn input(patch: &Json) -> Input {
    let session =
        json!({ "id": 11, "login": "alice", "machine": false, "teams": [], "permission": "admin", "admin": true });
    let mut input = json!({
        "version": 1,
        "request": { "timestamp_ns": MONDAY, "environment": "release", "command": "ls" },
        "run": {
            "id": 9001, "branch": "main", "commit": { "hash": "a".repeat(40), "branch": "main" }, "created_at": MONDAY, "flags": [],
            "type": "TASK", "state": "UNCONFIRMED", "command": "ls", "creator_session": session, "triggered_by": "alice",
        },
        "session": session,
        "reviews": { "current": { "approvals": [], "rejections": [] }, "older": [] },
        "stack": { "labels": ["production"], "name": "octo-org/widgets", "repository": "widgets" },
        "spacelift": { "request": { "timestamp_ns": MONDAY } },
    });
    merge(&mut input, patch);
    Input::new(input).unwrap()
}

fn merge(target: &mut Json, patch: &Json) {
    match (target, patch) {
        (Json::Object(target), Json::Object(patch)) => {
            patch.iter().for_each(|(key, value)| merge(target.entry(key.clone()).or_insert(Json::Null), value));
        }
        (target, patch) => *target = patch.clone(),
    }
}

/// A task with this command.
fn command(command: &str) -> Json {
    json!({ "request": { "command": command }, "run": { "command": command } })
}

/// The same, started by somebody who is not an admin.
fn writers(text: &str) -> Json {
    let mut input = command(text);
    merge(&mut input, &json!({ "session": { "admin": false, "permission": "write" } }));
    input
}

/// Reviews by people of these teams.
fn reviewed(approvals: &[&[&str]], rejections: usize) -> Json {
    let review = |teams: &[&str]| json!({ "author": "bob", "session": { "login": "bob", "teams": teams } });
    let approvals: Vec<Json> = approvals.iter().map(|teams| review(teams)).collect();
    let rejections: Vec<Json> = (0..rejections).map(|_| review(&[])).collect();
    json!({ "reviews": { "current": { "approvals": approvals, "rejections": rejections } } })
}

fn created(at: i64) -> Json {
    json!({ "run": { "created_at": at } })
}

fn asked(at: i64) -> Json {
    json!({ "request": { "timestamp_ns": at }, "spacelift": { "request": { "timestamp_ns": at } } })
}

fn values(text: &str, patch: &Json) -> Json {
    let policy =
        RegoPolicy::parse("from-the-documents", text, &Map::new()).unwrap_or_else(|error| panic!("{error}\n{text}"));
    Json::Object(evaluate(&policy, &input(patch)).values)
}

fn check(rows: Vec<Row>) {
    for Row { claim, v0, v1, says } in rows {
        for (patch, expected) in says {
            for text in [v0, v1] {
                assert_eq!(values(text, &patch), expected, "{claim}\n{text}\n{patch}");
            }
        }
    }
}

#[test]
fn texts_and_booleans_deny() {
    check(vec![
        Row {
            claim: "a text is shown to the user",
            v0: r#"package spacelift
                deny["not in my town, you don't"] { true }"#,
            v1: r#"package spacelift
                deny contains "not in my town, you don't" if true"#,
            says: vec![(json!({}), json!({ "deny": ["not in my town, you don't"] }))],
        },
        Row {
            claim: "a boolean denies without feedback",
            v0: "package spacelift\ndeny {\n  true\n}",
            v1: "package spacelift\ndeny if {\n  true\n}",
            says: vec![(json!({}), json!({ "deny": true }))],
        },
        Row {
            claim: "only members",
            v0: "package spacelift\ndeny { not input.session.member }",
            v1: "package spacelift\ndeny if not input.session.member",
            says: vec![
                (json!({ "session": { "member": true } }), json!({})),
                (json!({ "session": { "member": false } }), json!({ "deny": true })),
            ],
        },
    ]);
}

#[test]
fn tasks_are_denied_to_those_who_are_not_admins() {
    let denied = json!({ "deny": ["only admins can run tasks"] });
    check(vec![Row {
        claim: "only admins",
        v0: r#"package spacelift
            deny["only admins can run tasks"] { not input.session.admin }"#,
        v1: r#"package spacelift
            deny contains "only admins can run tasks" if not input.session.admin"#,
        says: vec![
            (json!({}), json!({ "deny": [] })),
            (writers("ls"), denied.clone()),
            (json!({ "session": null }), denied),
        ],
    }]);
}

const COMMANDS_V0: &str = r#"package spacelift

    deny[sprintf("command not allowed (%s)", [command])] {
      command := input.request.command

      not input.session.admin
      not regex.match("^terraform\\s(un)?taint\\s[\\w\\-\\.]*$", command)
    }"#;

const COMMANDS_V1: &str = r#"package spacelift

    deny contains sprintf("command not allowed (%s)", [command]) if {
      command := input.request.command

      not input.session.admin
      not regex.match("^terraform\\s(un)?taint\\s[\\w\\-\\.]*$", command)
    }"#;

#[test]
fn commands_are_allowed_by_a_regular_expression_in_either_spelling() {
    let says = || {
        vec![
            (writers("terraform untaint aws_instance.a"), json!({ "deny": [] })),
            (writers("terraform destroy"), json!({ "deny": ["command not allowed (terraform destroy)"] })),
            (command("terraform destroy"), json!({ "deny": [] })),
        ]
    };
    check(vec![Row { claim: "allowed commands", v0: COMMANDS_V0, v1: COMMANDS_V1, says: says() }]);
    for (text, (patch, expected)) in
        [COMMANDS_V0, COMMANDS_V1].iter().flat_map(|text| says().into_iter().map(move |says| (text, says)))
    {
        assert_eq!(values(&text.replace("regex.match", "re_match"), &patch), expected, "{text}\n{patch}");
    }
}

#[test]
fn an_allow_list_and_weekends_go_together() {
    let weekend = |rest: &[&str]| json!({ "deny": rest.iter().chain(&["no tasks on weekends"]).collect::<Vec<_>>() });
    let mut late = writers("rm -rf /");
    merge(&mut late, &asked(SATURDAY));
    check(vec![Row {
        claim: "an allow list, and no tasks on weekends",
        v0: r#"package spacelift

            command := input.request.command

            deny[sprintf("command not allowed (%s)", [command])] { not allowed }

            deny["no tasks on weekends"] {
              today   := time.weekday(input.request.timestamp_ns)
              weekend := { "Saturday", "Sunday" }

              weekend[today]
            }

            allowed { input.session.admin }
            allowed { regex.match("^terraform\\s(un)?taint\\s[\\w\\-\\.]*$", command) }
            allowed { regex.match("^terraform\\simport\\s[\\w\\-\\.]*$", command) }"#,
        v1: r#"package spacelift

            command := input.request.command

            deny contains sprintf("command not allowed (%s)", [command]) if not allowed

            deny contains "no tasks on weekends" if {
              today := time.weekday(input.request.timestamp_ns)
              weekend := {"Saturday", "Sunday"}

              weekend[today]
            }

            allowed if input.session.admin
            allowed if regex.match("^terraform\\s(un)?taint\\s[\\w\\-\\.]*$", command)
            allowed if regex.match("^terraform\\simport\\s[\\w\\-\\.]*$", command)"#,
        says: vec![
            (writers("terraform import a"), json!({ "deny": [] })),
            (writers("rm -rf /"), json!({ "deny": ["command not allowed (rm -rf /)"] })),
            (asked(SATURDAY), weekend(&[])),
            (late, weekend(&["command not allowed (rm -rf /)"])),
        ],
    }]);
}

#[test]
fn task_policies_become_approval_policies() {
    check(vec![
        Row {
            claim: "allowed commands, migrated",
            v0: r#"package spacelift

                reject {
                  command := input.run.command
                  not regex.match("^terraform\\s(un)?taint\\s[\\w\\-\\.]*$", command)
                }

                approve { not reject }"#,
            v1: r#"package spacelift

                reject if {
                  command := input.run.command
                  not regex.match("^terraform\\s(un)?taint\\s[\\w\\-\\.]*$", command)
                }

                approve if not reject"#,
            says: vec![
                (command("terraform taint a"), json!({ "approve": true })),
                (command("terraform destroy"), json!({ "reject": true })),
            ],
        },
        Row {
            claim: "no weekends, migrated",
            v0: r#"package spacelift

                reject {
                  today   := time.weekday(input.run.created_at)
                  weekend := { "Saturday", "Sunday" }

                  weekend[today]
                }

                approve { not reject }"#,
            v1: r#"package spacelift

                reject if {
                  today := time.weekday(input.run.created_at)
                  weekend := {"Saturday", "Sunday"}

                  weekend[today]
                }

                approve if not reject"#,
            says: vec![(created(MONDAY), json!({ "approve": true })), (created(SATURDAY), json!({ "reject": true }))],
        },
        Row {
            claim: "names of feature branches, migrated",
            v0: r#"package spacelift

                reject {
                  branch := input.run.commit.branch
                  input.run.type == "PROPOSED"
                  not re_match("^(fix|feature)\/.*", branch)
                }

                approve { not reject }"#,
            v1: r#"package spacelift

                reject if {
                  branch := input.run.commit.branch
                  input.run.type == "PROPOSED"
                  not re_match("^(fix|feature)\/.*", branch)
                }

                approve if not reject"#,
            says: vec![
                (json!({}), json!({ "approve": true })),
                (
                    json!({ "run": { "type": "PROPOSED", "commit": { "branch": "fix/it" } } }),
                    json!({ "approve": true }),
                ),
                (json!({ "run": { "type": "PROPOSED" } }), json!({ "reject": true })),
            ],
        },
    ]);
}

#[test]
fn reviews_approve_and_reject() {
    check(vec![
        Row {
            claim: "two approvals, no rejections",
            v0: r#"package spacelift

                approve { input.run.state != "UNCONFIRMED" }

                approve {
                  count(input.reviews.current.approvals) > 1
                  count(input.reviews.current.rejections) == 0
                }"#,
            v1: r#"package spacelift

                approve if input.run.state != "UNCONFIRMED"

                approve if {
                  count(input.reviews.current.approvals) > 1
                  count(input.reviews.current.rejections) == 0
                }"#,
            says: vec![
                (reviewed(&[&[]], 0), json!({})),
                (reviewed(&[&[], &[]], 0), json!({ "approve": true })),
                (reviewed(&[&[], &[]], 1), json!({})),
            ],
        },
        Row {
            claim: "two to approve, two to reject",
            v0: r#"package spacelift

                approve { input.run.state != "UNCONFIRMED" }
                approve { count(input.reviews.current.approvals) > 1 }
                reject  { count(input.reviews.current.rejections) > 1 }"#,
            v1: r#"package spacelift

                approve if input.run.state != "UNCONFIRMED"
                approve if count(input.reviews.current.approvals) > 1
                reject if count(input.reviews.current.rejections) > 1"#,
            says: vec![
                (reviewed(&[&[]], 1), json!({})),
                (reviewed(&[&[], &[]], 1), json!({ "approve": true })),
                (reviewed(&[], 2), json!({ "reject": true })),
            ],
        },
    ]);
}

#[test]
fn commands_that_are_not_listed_want_approvals() {
    let two = |text: &str| {
        let mut input = command(text);
        merge(&mut input, &reviewed(&[&[], &[]], 0));
        input
    };
    check(vec![Row {
        claim: "approval of a command that is not on the allow list",
        v0: r#"package spacelift

            allowlist := ["ps", "ls", "rm -rf /"]

            # Approve when not a task.
            approve { input.run.type != "TASK" }

            # Approve when allowlisted.
            approve { input.run.command == allowlist[_] }

            # Approve with two or more approvals.
            approve { count(input.reviews.current.approvals) > 1 }"#,
        v1: r#"package spacelift

            allowlist := ["ps", "ls", "rm -rf /"]

            # Approve when not a task.
            approve if input.run.type != "TASK"

            # Approve when allowlisted.
            approve if {
              some cmd in allowlist
              input.run.command == cmd
            }

            # Approve with two or more approvals.
            approve if count(input.reviews.current.approvals) > 1"#,
        says: vec![
            (command("ps"), json!({ "approve": true })),
            (command("reboot"), json!({})),
            (two("reboot"), json!({ "approve": true })),
            (json!({ "run": { "type": "TRACKED", "command": null } }), json!({ "approve": true })),
        ],
    }]);
}

#[test]
fn roles_approve() {
    check(vec![Row {
        claim: "a director, or DevOps and Security",
        v0: r#"package spacelift

            # First, define all conditions that require explicit
            # user approval.
            requires_approval { input.run.state == "UNCONFIRMED" }
            requires_approval { input.run.type == "TASK" }
            approve           { not requires_approval }

            approvals := input.reviews.current.approvals

            # Define what it means to be approved by a Director, DevOps and Security.
            director_approval { approvals[_].session.teams[_] == "Director" }
            devops_approval   { approvals[_].session.teams[_] == "DevOps" }
            security_approval { approvals[_].session.teams[_] == "Security" }

            # Approve when a single Director approves:
            approve { director_approval }

            # Approve when both DevOps and Security approve:
            approve { devops_approval; security_approval }"#,
        v1: r#"package spacelift

            # First, define all conditions that require explicit
            # user approval.
            requires_approval if input.run.state == "UNCONFIRMED"
            requires_approval if input.run.type == "TASK"
            approve if not requires_approval

            approvals := input.reviews.current.approvals

            # Define what it means to be approved by a Director, DevOps and Security.
            director_approval if {
              some approval in approvals
              some team in approval.session.teams
              team == "Director"
            }

            devops_approval if {
              some approval in approvals
              some team in approval.session.teams
              team == "DevOps"
            }

            security_approval if {
              some approval in approvals
              some team in approval.session.teams
              team == "Security"
            }

            # Approve when a single Director approves:
            approve if director_approval

            # Approve when both DevOps and Security approve:
            approve if { devops_approval; security_approval }"#,
        says: vec![
            (json!({}), json!({})),
            (reviewed(&[&["Director"]], 0), json!({ "approve": true })),
            (reviewed(&[&["DevOps"]], 0), json!({})),
            (reviewed(&[&["DevOps"], &["Security"]], 0), json!({ "approve": true })),
        ],
    }]);
}

#[test]
fn notes_explain() {
    check(vec![Row {
        claim: "more descriptive approvals",
        v0: r#"package spacelift

            allowlist := ["ps", "ls"]
            denylist := ["rm -rf /"]

            approve_with_note[note] {
              input.run.type == "TASK"
              input.run.command == allowlist[_]
              note := sprintf("always approve tasks with command %s", [input.run.command])
            }

            reject_with_note[note] {
              input.run.type == "TASK"
              input.run.command == denylist[_]
              note := sprintf("always reject tasks with command %s", [input.run.command])
            }"#,
        v1: r#"package spacelift

            allowlist := ["ps", "ls"]
            denylist := ["rm -rf /"]

            approve_with_note contains note if {
              input.run.type == "TASK"
              some cmd in allowlist
              input.run.command == cmd
              note := sprintf("always approve tasks with command %s", [input.run.command])
            }

            reject_with_note contains note if {
              input.run.type == "TASK"
              some cmd in denylist
              input.run.command == cmd
              note := sprintf("always reject tasks with command %s", [input.run.command])
            }"#,
        says: vec![
            (
                command("ls"),
                json!({ "approve_with_note": ["always approve tasks with command ls"], "reject_with_note": [] }),
            ),
            (
                command("rm -rf /"),
                json!({ "approve_with_note": [], "reject_with_note": ["always reject tasks with command rm -rf /"] }),
            ),
            (command("reboot"), json!({ "approve_with_note": [], "reject_with_note": [] })),
        ],
    }]);
}

const ON_CALL_V0: &str = r#"package spacelift

    # Always approve non-task runs
    approve { input.run.type != "TASK" }

    is_weekend {
      today := time.weekday(input.run.created_at)
      weekend := {"Saturday", "Sunday"}
      weekend[today]
    }

    is_business_hours {
      hour := floor(time.clock([input.run.created_at, "America/New_York"])[0])
      hour >= 9
      hour < 17
      not is_weekend
    }

    # Auto-approve during business hours
    approve {
      input.run.type == "TASK"
      is_business_hours
    }

    # Require on-call approval outside business hours
    reject_with_note["Tasks outside business hours require on-call engineer approval"] {
      input.run.type == "TASK"
      not is_business_hours
      count(input.reviews.current.approvals) == 0
    }

    approve {
      input.run.type == "TASK"
      not is_business_hours
      input.reviews.current.approvals[_].session.teams[_] == "On-Call"
    }"#;

const ON_CALL_V1: &str = r#"package spacelift

    # Always approve non-task runs
    approve if input.run.type != "TASK"

    is_weekend if {
      today := time.weekday(input.run.created_at)
      weekend := {"Saturday", "Sunday"}
      weekend[today]
    }

    is_business_hours if {
      hour := floor(time.clock([input.run.created_at, "America/New_York"])[0])
      hour >= 9
      hour < 17
      not is_weekend
    }

    # Auto-approve during business hours
    approve if {
      input.run.type == "TASK"
      is_business_hours
    }

    # Require on-call approval outside business hours
    reject_with_note contains "Tasks outside business hours require on-call engineer approval" if {
      input.run.type == "TASK"
      not is_business_hours
      count(input.reviews.current.approvals) == 0
    }

    approve if {
      input.run.type == "TASK"
      not is_business_hours
      some approval in input.reviews.current.approvals
      some team in approval.session.teams
      team == "On-Call"
    }"#;

#[test]
fn business_hours_of_a_time_zone() {
    let note = "Tasks outside business hours require on-call engineer approval";
    check(vec![Row {
        claim: "tasks outside business hours want an engineer on call",
        v0: ON_CALL_V0,
        v1: ON_CALL_V1,
        says: vec![
            // A quarter past five in the morning, and past nine.
            (created(MONDAY), json!({ "reject_with_note": [note] })),
            (created(MONDAY + 4 * 3_600_000_000_000), json!({ "approve": true, "reject_with_note": [] })),
            (reviewed(&[&["On-Call"]], 0), json!({ "approve": true, "reject_with_note": [] })),
        ],
    }]);
}

#[test]
fn evaluations_are_sampled_always_by_outcome_or_by_the_clock() {
    let with_deny = |sample: &str, v1: bool| {
        let deny = if v1 {
            "deny contains \"no\" if not input.session.admin"
        } else {
            "deny[\"no\"] { not input.session.admin }"
        };
        format!("package spacelift\n{deny}\n{sample}")
    };
    let at = |milliseconds: i64| asked(MONDAY + milliseconds * 1_000_000);
    let (yes, no) = (json!({ "deny": [], "sample": true }), json!({ "deny": [] }));
    let rows = [
        ("sample { true }", "sample if true", json!({}), yes.clone()),
        ("sample { count(deny) == 0 }", "sample if count(deny) == 0", json!({}), yes.clone()),
        ("sample { count(deny) == 0 }", "sample if count(deny) == 0", writers("ls"), json!({ "deny": ["no"] })),
        (BY_THE_CLOCK[0], BY_THE_CLOCK[1], at(0), yes.clone()),
        (BY_THE_CLOCK[0], BY_THE_CLOCK[1], at(10), yes),
        (BY_THE_CLOCK[0], BY_THE_CLOCK[1], at(11), no.clone()),
        (BY_THE_CLOCK[0], BY_THE_CLOCK[1], at(99), no),
    ];
    for (v0, v1, patch, expected) in rows {
        assert_eq!(values(&with_deny(v0, false), &patch), expected, "{v0}\n{patch}");
        assert_eq!(values(&with_deny(v1, true), &patch), expected, "{v1}\n{patch}");
    }
}

const BY_THE_CLOCK: [&str; 2] = [
    "sample {\n  millis := round(input.spacelift.request.timestamp_ns / 1e6)\n  millis % 100 <= 10\n}",
    "sample if {\n  millis := round(input.spacelift.request.timestamp_ns / 1e6)\n  millis % 100 <= 10\n}",
];

#[test]
fn short_names_stand_for_parts_of_the_input() {
    check(vec![Row {
        claim: "short names",
        v0: r#"package spacelift
            deny["session"] { session.login == "alice" }
            deny["request"] { request.command == "ls" }
            deny["run"] { run.type == "TASK" }
            deny["stack"] { stack.labels[_] == "production" }
            deny["runtime_config"] { runtime_config.before_init[_] }"#,
        v1: r#"package spacelift
            deny contains "session" if session.login == "alice"
            deny contains "request" if request.command == "ls"
            deny contains "run" if run.type == "TASK"
            deny contains "stack" if "production" in stack.labels
            deny contains "runtime_config" if runtime_config.before_init[_]"#,
        says: vec![(json!({}), json!({ "deny": ["request", "run", "session", "stack"] }))],
    }]);
}

#[test]
fn what_spacelift_has_switched_off_is_refused() {
    for call in [
        "http.send({})",
        "opa.runtime()",
        "rego.parse_module(\"a\", \"b\")",
        "time.now_ns()",
        "trace(\"x\")",
        "exec(\"ls\")",
    ] {
        let text = format!("package spacelift\ndeny[\"x\"] {{ {call} }}");
        let error = RegoPolicy::parse("p", &text, &Map::new()).unwrap_err();
        assert!(error.problem.contains("cannot be called"), "{error}");
    }
}

const FLAG_V0: &str = r#"# METADATA
# custom: { type: initialization, attach: ["*"] }
package spacelift

network_review_flag = "review:network"

flag[network_review_flag] {
  startswith(input.run.branch, "ma")
}"#;

const FLAG_V1: &str = r#"# METADATA
# custom: { type: initialization, attach: ["*"] }
package spacelift

network_review_flag := "review:network"

flag contains network_review_flag if {
  startswith(input.run.branch, "ma")
}"#;

const REVIEW_V0: &str = r#"# METADATA
# custom: { type: approval, attach: ["*"] }
package spacelift

network_review_required {
  input.run.flags[_] == "review:network"
}

approve { not network_review_required }
approve {
  input.reviews.current.approvals[_].session.teams[_] == "DBA"
}"#;

const REVIEW_V1: &str = r#"# METADATA
# custom: { type: approval, attach: ["*"] }
package spacelift

network_review_required if {
  some flag in input.run.flags
  flag == "review:network"
}

approve if not network_review_required

approve if {
  some approval in input.reviews.current.approvals
  some team in approval.session.teams
  team == "DBA"
}"#;

/// The verdict of the approval policy, and the flags, after a whole decision.
fn decided(policies: &[(&str, &str)], teams: &str) -> (Option<Verdict>, Vec<String>) {
    let mut story = fixtures::one("approve/one-human-approved-the-gate");
    story.policy += teams;
    story.policies = policies.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    let outcome = play(&story).report.outcome;
    let of_review = outcome.findings().iter().find(|finding| finding.policy.as_deref() == Some("review"));
    (of_review.map(|finding| finding.verdict), outcome.rego().unwrap().flags.clone())
}

#[test]
fn flags_go_from_one_type_to_another() {
    let flagged = vec!["review:network".to_owned()];
    for (flag, review) in [(FLAG_V0, REVIEW_V0), (FLAG_V1, REVIEW_V1), (FLAG_V0, REVIEW_V1)] {
        let both = [("flag", flag), ("review", review)];
        assert_eq!(decided(&both, ""), (Some(Verdict::Wait), flagged.clone()));
        assert_eq!(decided(&both, "\n[data.teams]\nDBA = [\"bob\"]\n"), (Some(Verdict::Pass), flagged.clone()));
        assert_eq!(decided(&[("review", review)], ""), (Some(Verdict::Pass), Vec::new()));
    }
}

#[test]
fn the_type_of_a_policy_without_metadata_follows_from_its_rules() {
    for (text, expected) in [
        ("package spacelift\ndeny { true }", PolicyType::Initialization),
        ("package spacelift\napprove { true }", PolicyType::Approval),
        ("package spacelift\nreject { true }", PolicyType::Approval),
        ("package spacelift\napprove_with_note[\"x\"] { true }", PolicyType::Approval),
    ] {
        assert_eq!(RegoPolicy::parse("p", text, &Map::new()).unwrap().policy_type(), expected, "{text}");
    }
}

#[test]
fn a_policy_that_defines_what_spacelift_puts_before_it_runs_too() {
    let prepended = "package spacelift\ndefault approve = false\ndefault reject = false\ndefault sample = false\n\
        flag[\"never\"] {\n  false\n}\nresult = { \"approve\": approve, \"reject\": reject, \"flag\": flag, \"sample\": sample }\n";
    let text = format!("{prepended}approve {{ input.session.admin }}");
    assert_eq!(values(&text, &json!({})), json!({ "approve": true, "reject": false, "flag": [], "sample": false }));
    let names: BTreeSet<String> = values(&text, &writers("ls")).as_object().unwrap().keys().cloned().collect();
    assert!(!names.contains("result"));
}
