//! The policy of a recorded story: the rule that decided, as far as it is about the story's repository. Not the policy of all repositories, which whoever gets the
//! story has no business to know.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use crate::gate::Policy;
use crate::gate::policy::{Gate, Rule};
use crate::gate::rego::Attachment;
use crate::model::{Login, RepositoryName};

/// What a recorded story keeps of a policy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordedPolicy {
    /// In TOML.
    pub toml: String,
    /// The policies in Rego of the rule that decided, by name.
    pub rego: BTreeMap<String, String>,
}

/// The part of `policy` that a story of `repository` rests on. `decided` is the number of the rule that decided, from 1.
pub fn recorded_policy(policy: &Policy, repository: &RepositoryName, decided: Option<usize>) -> RecordedPolicy {
    let rule = decided.and_then(|number| policy.rules.get(number.checked_sub(1)?));
    let attached = rule.map(|rule| rule.attached.as_slice()).unwrap_or_default();
    let rego = attached.iter().map(|policy| (policy.name().to_owned(), policy.text().to_owned())).collect();
    RecordedPolicy { toml: toml_of(policy, repository, rule), rego }
}

fn toml_of(policy: &Policy, repository: &RepositoryName, decided: Option<&Rule>) -> String {
    if policy.pause {
        return "pause = true\n".to_owned();
    }
    if let Some(rule) = decided {
        return format!(
            "{}{}{}",
            data_toml(policy, rule),
            rule_toml(rule, repository),
            other_labels(rule, policy, repository)
        );
    }
    // Nothing was decided, or no rule covers the environment: that rests on all rules of this repository.
    let ours = policy.rules.iter().filter(|rule| rule.repositories.iter().any(|pattern| pattern.matches(repository)));
    let without = |rule: &Rule| Rule { attached: Vec::new(), ..rule.clone() };
    let rules: Vec<String> = ours.map(|rule| rule_toml(&without(rule), repository)).collect();
    if rules.is_empty() { another_repository(policy, repository) } else { rules.join("\n") }
}

/// A rule about none of our repositories, but of the same owner if the policy knows that.
fn another_repository(policy: &Policy, repository: &RepositoryName) -> String {
    let other = |taken: &str| if taken.eq_ignore_ascii_case("another") { "yet-another" } else { "another" };
    let (owner, name) = if policy.knows_owner(repository.owner()) {
        (repository.owner(), other(repository.name()))
    } else {
        (other(repository.owner()), "another")
    };
    format!("[[rule]]\nrepositories = [\"{owner}/{name}\"]\nrefs = [\"main\"]\n")
}

fn rule_toml(rule: &Rule, repository: &RepositoryName) -> String {
    // All of them, so that a new key cannot be forgotten.
    let Rule {
        repositories,
        environment,
        workflow,
        refs,
        events,
        approvals,
        approvers,
        starters,
        self_approval,
        signed,
        gate_workflows,
        runner,
        max_age,
        labels,
        policies: _,
        attached,
        gates,
    } = rule;
    let pattern = repositories.iter().find(|pattern| pattern.matches(repository));
    let list = |texts: Vec<&str>| format!("[{}]", texts.into_iter().map(string).collect::<Vec<_>>().join(", "));
    let logins = |logins: &[Login]| list(logins.iter().map(Login::as_str).collect());
    let refs: Vec<String> = refs.iter().map(ToString::to_string).collect();
    let mut toml = String::from("[[rule]]\n");
    let keys = [
        ("repositories", format!("[{}]", pattern.map(|pattern| string(&pattern.to_string())).unwrap_or_default())),
        ("environment", string(environment.as_str())),
        ("workflow", string(workflow)),
        ("refs", list(refs.iter().map(String::as_str).collect())),
        ("events", list(events.iter().map(String::as_str).collect())),
        ("approvals", approvals.to_string()),
        ("approvers", logins(approvers)),
        ("starters", logins(starters)),
        ("self_approval", self_approval.to_string()),
        ("max_age", string(&max_age.to_string())),
        ("labels", list(labels.iter().map(String::as_str).collect())),
        ("policies", list(attached.iter().map(|policy| policy.name()).collect())),
    ];
    let signed = signed.then(|| ("signed", "true".to_owned()));
    let gate_workflows = list(gate_workflows.iter().map(String::as_str).collect());
    let gate_workflows = (!rule.gate_workflows.is_empty()).then_some(("gate_workflows", gate_workflows));
    let runner = runner.map(|runner| ("runner", string(runner.as_str())));
    // Writing to a `String` cannot fail.
    for (key, value) in keys.into_iter().chain(signed).chain(gate_workflows).chain(runner) {
        let _ = writeln!(toml, "{key} = {value}");
    }
    for Gate { job, environment } in gates {
        let _ =
            writeln!(toml, "\n[[rule.gate]]\njob = {}\nenvironment = {}", string(job), string(environment.as_str()));
    }
    toml
}

/// The table `[data]`, where a policy in Rego may look at it.
fn data_toml(policy: &Policy, rule: &Rule) -> String {
    if rule.attached.is_empty() || policy.data.is_empty() {
        return String::new();
    }
    format!("data = {}\n\n", inline(&Value::Object(policy.data.clone())))
}

/// JSON that came from TOML, as TOML in one line.
pub(super) fn inline(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Value::Object(table) => {
            let pairs: Vec<String> =
                table.iter().map(|(key, value)| format!("{} = {}", string(key), inline(value))).collect();
            format!("{{ {} }}", pairs.join(", "))
        }
        Value::String(text) => string(text),
        other => other.to_string(),
    }
}

/// A policy in Rego may attach itself to labels of other rules, and somebody must have them.
fn other_labels(rule: &Rule, policy: &Policy, repository: &RepositoryName) -> String {
    let attachments = rule.attached.iter().flat_map(|policy| &policy.metadata().attach);
    let labels = attachments.filter_map(|attachment| match attachment {
        Attachment::Label(label) if !rule.labels.contains(label) => Some(string(label)),
        Attachment::Label(_) | Attachment::Every => None,
    });
    let labels: Vec<String> = labels.collect();
    if labels.is_empty() {
        return String::new();
    }
    format!("\n{}labels = [{}]\n", another_repository(policy, repository), labels.join(", "))
}

/// A JSON string is a TOML string, but for one character that TOML wants escaped, too.
fn string(text: &str) -> String {
    Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::*;
    use crate::model::EnvironmentName;

    const EVERY_KEY: &str = "[[rule]]\nrepositories = [\"octo-org/secret\", \"octo-org/*\"]\nenvironment = \"prod \\\"1\\\"\"\n\
        workflow = \".github/workflows/a\\\\b.yml\"\nrefs = [\"main\", \"v*\"]\nevents = [\"push\", \"schedule\"]\napprovals = 2\n\
        approvers = [\"bob\", \"carol\"]\nstarters = [\"a[bot]\"]\nself_approval = true\nmax_age = \"90m\"\n\
        [[rule.gate]]\njob = \"a \\u007f\\t'b'\"\nenvironment = \"x\"\n[[rule.gate]]\njob = \"b\"\nenvironment = \"ÿ\"\n";

    fn widgets() -> RepositoryName {
        RepositoryName::parse("octo-org/widgets").unwrap()
    }

    #[test]
    fn a_rule_is_written_with_every_key_and_only_the_storys_repository() {
        let rule = Policy::parse(EVERY_KEY).unwrap().rules.remove(0);
        let text = rule_toml(&rule, &widgets());
        let again = Policy::parse(&text).unwrap().rules.remove(0);
        let repositories = again.repositories.clone();
        assert_eq!(Rule { repositories: rule.repositories.clone(), ..again }, rule, "{text}");
        assert_eq!(repositories.iter().map(ToString::to_string).collect::<Vec<_>>(), ["octo-org/*"]);
    }

    #[test]
    fn rules_of_other_repositories_are_left_out_whatever_came_of_the_story() {
        let rule = |repository: &str, environment: &str| {
            format!("[[rule]]\nrepositories = [\"{repository}\"]\nenvironment = \"{environment}\"\nrefs = [\"main\"]\n")
        };
        let secret = rule("octo-org/secret", "vault") + &rule("another/secret", "vault");
        for (policy, decided, covers) in [
            (secret.clone() + &rule("octo-org/widgets", "release"), Some(3), true),
            (secret.clone() + &rule("octo-org/widgets", "release"), None, true),
            (secret.clone(), None, false),
            (rule("another/secret", "vault"), None, false),
            (format!("pause = true\n{secret}"), None, false),
        ] {
            let policy = Policy::parse(&policy).unwrap();
            let text = recorded_policy(&policy, &widgets(), decided).toml;
            assert!(!text.contains("secret") && !text.contains("vault"), "{text}");
            let again = Policy::parse(&text).unwrap();
            assert_eq!(again.pause, policy.pause);
            assert_eq!(again.knows_owner("octo-org"), policy.knows_owner("octo-org") && !policy.pause, "{text}");
            let environment = EnvironmentName::parse("release").unwrap();
            assert_eq!(again.rules.iter().any(|rule| rule.covers(&widgets(), &environment)), covers, "{text}");
        }
    }

    #[test]
    fn of_several_rules_the_one_that_decided_is_kept() {
        let rule = |name: &str| format!("[[rule]]\nrepositories = [\"octo-org/*\"]\nrefs = [\"{name}\"]\n");
        let policy = Policy::parse(&(rule("one") + &rule("two"))).unwrap();
        let text = recorded_policy(&policy, &widgets(), Some(2)).toml;
        assert!(text.contains("two") && !text.contains("one"), "{text}");
    }
    #[test]
    fn a_rule_keeps_its_policies_in_rego_with_what_they_need() {
        let text = "# METADATA\n# custom: { type: task, attach: [\"label:prod\", \"label:other\"] }\npackage p\ndeny { false }\n";
        let policy = "data = { teams = { sre = [\"bob\"] }, at = 1.5, on = true }\n[[rule]]\nrepositories = [\"a/*\"]\nrefs = [\"v*\"]\n\
            labels = [\"other\"]\n[[rule]]\nrepositories = [\"octo-org/*\"]\nrefs = [\"main\"]\nlabels = [\"prod\"]\n";
        let policy = Policy::parse(policy).unwrap().with_rego([("p", text)]).unwrap();
        let RecordedPolicy { toml, rego } = recorded_policy(&policy, &widgets(), Some(2));
        let rego = rego.iter().map(|(name, text)| (name.as_str(), text.as_str()));
        let again = Policy::parse(&toml).unwrap().with_rego(rego).unwrap();
        assert_eq!(again.data, policy.data, "{toml}");
        let rule = again.rules.first().unwrap();
        assert_eq!((rule.attached.len(), rule.labels.as_slice()), (1, ["prod".to_owned()].as_slice()), "{toml}");
    }
}
