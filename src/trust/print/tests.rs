//! What is printed: read back through a real shell, and judged.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test that cannot go on fails"
)]

use std::process::Command;

use serde_json::{Value, json};

use super::{Printed, Refused, azure, azure_flexible, crates_io, gcp, npm, pypi, shell, vault};
use crate::trust::facts::{Facts, Subject};
use crate::trust::read::read;
use crate::trust::test_support::{Chance, cases, keys};
use crate::trust::verdict::{Answer, verdict};

/// How many facts are tried each time.
fn few() -> usize {
    usize::try_from(cases(20).max(6)).unwrap()
}

const AUDIENCE: &str = "https://vault.example.com";

fn facts(environment: &str, subject: Subject) -> Facts {
    Facts {
        repository: "octo-org/octo.repo".to_owned(),
        repository_id: 74,
        owner_id: 65,
        environment: environment.to_owned(),
        subject,
    }
}

fn release() -> Facts {
    facts("release", Subject::Default)
}

fn generated(chance: &mut Chance) -> Facts {
    let part = [
        "release",
        "prod",
        "a",
        "Prod uction",
        "x-1",
        "ü",
        "v1.2",
        "$HOME",
        "`id`",
        "it's",
        "a\"b",
        "a:b",
        "a%3Ab",
        "(x)",
        "a & b",
        "~",
        "!",
        "-x",
        "{}",
        "#1",
    ];
    let ids: Vec<u64> = (1..50).collect();
    let forms = [
        Subject::Default,
        Subject::Default,
        Subject::Immutable,
        keys(&["repo", "context"]),
        keys(&["repository_id", "environment"]),
    ];
    let (owner, name) = (chance.of(&["o", "octo-org", "a1"]), chance.of(&["r", "octo.repo", "x_y"]));
    let environment = match chance.of(&[0, 1]) {
        0 => chance.of(&part).to_owned(),
        _ => format!("{}{}", chance.of(&part), chance.of(&part)),
    };
    Facts {
        repository: format!("{owner}/{name}"),
        repository_id: chance.of(&ids),
        owner_id: chance.of(&ids),
        environment,
        subject: forms[chance.below(forms.len())].clone(),
    }
}

fn judged(document: &Value, facts: &Facts) -> Answer {
    verdict(read(&[&document.to_string()]).unwrap().as_ref(), facts).answer
}

/// Judges what is printed for generated facts, and one way to loosen each.
fn only_the_gate(
    seed: u64,
    rounds: usize,
    print: impl Fn(&Facts) -> Result<Printed, Refused>,
    loosen: impl Fn(&mut Value, &Facts, usize),
) {
    let mut chance = Chance::new(seed);
    let mut printed = 0;
    while printed < rounds {
        let facts = generated(&mut chance);
        let Ok(Printed { document: Some(mut document), .. }) = print(&facts) else { continue };
        assert_eq!(judged(&document, &facts), Answer::OnlyTheGate, "{facts:?} {document}");
        loosen(&mut document, &facts, printed);
        assert_eq!(judged(&document, &facts), Answer::MoreThanTheGate, "{facts:?} {document}");
        printed += 1;
    }
}

fn without_environment(facts: &Facts) -> String {
    let sub = super::subject(facts).unwrap();
    let written = crate::trust::subject::escaped(&facts.environment);
    sub.strip_suffix(&written).unwrap_or(&sub).to_owned()
}

fn google_cloud(rounds: usize) {
    only_the_gate(11, rounds, gcp, |document, facts, round| {
        let condition = document["provider"]["attributeCondition"].as_str().unwrap();
        let id = facts.repository_id;
        let (_, environment) = condition.rsplit_once(" && ").unwrap();
        let loose = match round % 4 {
            0 => format!("assertion.repository_id == '{id}'"),
            1 => environment.to_owned(),
            2 => format!("assertion.repository_id == '{id}' && ({environment} || assertion.ref == 'refs/heads/main')"),
            _ => format!("{condition} || assertion.actor == 'me'"),
        };
        document["provider"]["attributeCondition"] = json!(loose);
        let pool =
            "principalSet://iam.googleapis.com/projects/PROJECT_NUMBER/locations/global/workloadIdentityPools/POOL/*";
        document["policy"]["bindings"][0]["members"] = json!([pool]);
    });
}

fn classic_azure(rounds: usize) {
    only_the_gate(12, rounds, azure, |document, facts, round| {
        let before = without_environment(facts);
        let other = match round % 3 {
            0 => json!(format!("{before}other")),
            1 => json!(
                super::subject(&Facts { environment: format!("{}2", facts.environment), ..facts.clone() }).unwrap()
            ),
            _ => json!(
                super::subject(&Facts {
                    repository_id: 9_999,
                    repository: format!("{}x", facts.repository),
                    ..facts.clone()
                })
                .unwrap()
            ),
        };
        let mut second = document.clone();
        second["subject"] = other;
        *document = json!([document.clone(), second]);
    });
}

fn flexible_azure(rounds: usize) {
    only_the_gate(13, rounds, azure_flexible, |document, facts, round| {
        let before = without_environment(facts);
        let id = facts.repository_id;
        let loose = match round % 3 {
            0 => format!("claims['repository_id'] eq '{id}'"),
            1 => format!("claims['sub'] matches '{before}*' and claims['repository_id'] eq '{id}'"),
            _ => format!("claims['sub'] matches '{before}{}*'", facts.environment.chars().next().unwrap()),
        };
        document["claimsMatchingExpression"]["value"] = json!(loose);
    });
}

fn vault_roles(rounds: usize) {
    only_the_gate(
        14,
        rounds,
        |facts| vault(facts, AUDIENCE),
        |document, facts, round| {
            let claims = document["bound_claims"].as_object_mut().unwrap();
            claims.remove("sub");
            match round % 4 {
                0 => drop(claims.remove("environment")),
                1 => drop(claims.remove("repository_id")),
                2 => drop(claims.insert("environment".to_owned(), json!([facts.environment, "other"]))),
                _ => {
                    claims.insert("environment".to_owned(), json!("*"));
                    document["bound_claims_type"] = json!("glob");
                }
            }
        },
    );
}

fn npm_publishers(rounds: usize) {
    only_the_gate(
        15,
        rounds,
        |facts| npm(facts, "@scope/package", "publish.yml"),
        |document, _, round| {
            if round % 2 == 0 {
                document.as_object_mut().unwrap().remove("environment");
            } else {
                let mut second = document.clone();
                second["environment"] = json!("other");
                *document = json!([document.clone(), second]);
            }
        },
    );
}

#[test]
fn google_cloud_lets_the_gate_alone_in_and_each_looser_condition_more() {
    google_cloud(few());
}

#[test]
fn azure_lets_the_gate_alone_in_and_each_looser_subject_more() {
    classic_azure(few());
}

#[test]
fn flexible_azure_lets_the_gate_alone_in_and_each_looser_expression_more() {
    flexible_azure(few());
}

#[test]
fn vault_lets_the_gate_alone_in_and_each_looser_claim_more() {
    vault_roles(few());
}

#[test]
fn npm_lets_the_gate_alone_in_and_without_an_environment_more() {
    npm_publishers(few());
}

#[test]
#[ignore = "takes minutes: run it after a change of what is printed"]
fn a_hundred_facts_are_the_gate_alone_at_every_provider() {
    for check in [google_cloud, classic_azure, flexible_azure, vault_roles, npm_publishers] {
        check(100);
    }
}

/// The arguments that each command of a script gets from a shell, of which this one looks like a program.
fn run(script: &str, program: &str) -> Vec<String> {
    let stub = format!(
        "{program}() {{ for one in \"$@\"; do printf '%s\\0' \"$one\"; done; if [ \"$program_reads\" ]; then cat; fi; }}\n"
    );
    let reads = if script.contains('|') && program == "vault" { "program_reads=1\n" } else { "program_reads=\n" };
    let output = Command::new("sh").arg("-euc").arg(format!("{reads}{stub}{script}")).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{script}");
    String::from_utf8(output.stdout).unwrap().split('\0').map(str::to_owned).collect()
}

/// The argument that holds the document, back from the shell.
fn value_after(arguments: &[String], name: &str) -> Value {
    let at = arguments.iter().position(|one| one == name).unwrap() + 1;
    serde_json::from_str(&arguments[at]).unwrap()
}

#[test]
fn a_shell_takes_every_name_as_it_is() {
    let mut chance = Chance::new(7);
    for _ in 0..60 {
        let facts = generated(&mut chance);
        if let Ok(printed) = azure(&facts) {
            assert_eq!(value_after(&run(&printed.text, "az"), "--parameters"), printed.document.unwrap());
        }
        if let Ok(printed) = azure_flexible(&facts) {
            assert_eq!(value_after(&run(&printed.text, "az"), "--body"), printed.document.unwrap());
        }
        let printed = gcp(&facts).unwrap();
        let condition = printed.document.unwrap()["provider"]["attributeCondition"].as_str().unwrap().to_owned();
        assert!(run(&printed.text, "gcloud").contains(&format!("--attribute-condition={condition}")));
        let printed = vault(&facts, AUDIENCE).unwrap();
        let read: Value = serde_json::from_str(run(&printed.text, "vault").last().unwrap()).unwrap();
        assert_eq!(read, printed.document.unwrap());
        if let Ok(printed) = npm(&facts, "package", "publish.yml") {
            assert!(run(&printed.text, "npm").contains(&format!("--environment={}", facts.environment)));
        }
    }
}

#[test]
fn any_text_is_one_word_for_a_shell() {
    for text in
        ["", "'", "a'b''", "$(id)", "`id`", "a b", "\n", "a\nb", "\\", "\"", "*", "~", "-n", "!", "a;b", "é", "#"]
    {
        assert_eq!(run(&format!("x {}", shell::word(text)), "x"), [text, ""], "{text:?}");
        assert_eq!(run(&format!("x {}", shell::option("--a", text)), "x"), [&format!("--a={text}"), ""], "{text:?}");
    }
}

#[test]
fn the_call_of_crates_io_is_json() {
    let printed = crates_io(&release(), "gate", "publish.yml").unwrap();
    let script = format!("CRATES_IO_TOKEN=secret\n{}", printed.text);
    let arguments = run(&script, "curl");
    assert!(arguments.contains(&"Authorization: secret".to_owned()));
    let config = value_after(&arguments, "--data-binary");
    assert_eq!(config["github_config"]["environment"], "release");
}

#[test]
fn the_fields_of_pypi_are_named_as_in_its_form() {
    let text = pypi(&release(), "publish.yml").unwrap().text;
    assert_eq!(
        text,
        "Owner: octo-org\nRepository name: octo.repo\nWorkflow name: publish.yml\nEnvironment name: release"
    );
}

#[test]
fn a_colon_is_refused_where_sub_alone_is_bound_and_bound_elsewhere() {
    for environment in ["a:b", "a%3Ab"] {
        let facts = facts(environment, Subject::Default);
        assert!(azure(&facts).unwrap_err().to_string().contains("twin"));
        assert!(azure_flexible(&facts).is_err());
        assert!(gcp(&facts).is_ok() && vault(&facts, AUDIENCE).is_ok() && npm(&facts, "p", "p.yml").is_ok());
    }
}

#[test]
fn quotes_are_refused_where_they_cannot_be_written() {
    let facts = facts("it's", Subject::Default);
    assert!(azure_flexible(&facts).is_err() && npm(&facts, "p", "p.yml").is_err() && pypi(&facts, "p.yml").is_err());
    assert!(crates_io(&facts, "p", "p.yml").is_err());
    assert!(azure(&facts).is_ok() && gcp(&facts).is_ok() && vault(&facts, AUDIENCE).is_ok());
}

#[test]
fn control_characters_and_long_names_are_refused_everywhere() {
    for environment in ["a\nb", "a\u{0}", "\u{7f}", "", &"x".repeat(256)] {
        let facts = facts(environment, Subject::Default);
        let all = [
            azure(&facts),
            azure_flexible(&facts),
            gcp(&facts),
            vault(&facts, AUDIENCE),
            npm(&facts, "p", "p.yml"),
            pypi(&facts, "p.yml"),
            crates_io(&facts, "p", "p.yml"),
        ];
        assert!(all.iter().all(Result::is_err), "{environment:?}");
    }
}

#[test]
fn a_sub_that_google_does_not_take_is_refused() {
    assert!(gcp(&facts(&"x".repeat(110), Subject::Default)).unwrap_err().to_string().contains("127"));
}

#[test]
fn a_sub_that_changes_from_run_to_run_is_refused() {
    let facts = facts("release", keys(&["repo", "environment", "actor"]));
    for refused in [azure(&facts), gcp(&facts), vault(&facts, AUDIENCE)] {
        assert!(refused.unwrap_err().to_string().contains("`actor`"));
    }
}

#[test]
fn a_sub_without_the_repository_is_refused_where_it_is_bound_alone() {
    let facts = facts("release", keys(&["environment"]));
    assert!(azure(&facts).is_err() && gcp(&facts).is_ok());
}

#[test]
fn a_workflow_must_be_the_name_of_a_file() {
    for file in ["", "publish", ".yml", ".github/workflows/publish.yml", "a\n.yml", "publish.yml@main"] {
        assert!(npm(&release(), "p", file).is_err(), "{file}");
    }
}

#[test]
fn wildcards_in_a_name_are_text_where_comparisons_are_exact() {
    let facts = facts("rel*", Subject::Default);
    for document in [gcp(&facts), vault(&facts, AUDIENCE), azure(&facts)] {
        assert_eq!(judged(&document.unwrap().document.unwrap(), &facts), Answer::OnlyTheGate);
    }
}

#[test]
fn a_repository_that_is_none_is_refused() {
    for repository in ["", "o", "o/r/x", "o/r$", "o /r", "/"] {
        assert!(gcp(&Facts { repository: repository.to_owned(), ..release() }).is_err(), "{repository}");
    }
}

#[test]
fn every_refusal_says_what_to_do() {
    let error = azure(&facts("a:b", Subject::Default)).unwrap_err();
    assert!(error.to_string().ends_with(&error.fix));
}
