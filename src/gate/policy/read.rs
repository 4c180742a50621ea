//! From TOML to a checked [`Policy`]. Every error names the line, the key, what was got and what was expected.

use serde::Deserialize;
use toml::Spanned;

use super::data::json;
use super::event;
use super::gates::{GateToml, default_gate, read_gates};
use super::max_age::MaxAge;
use super::ref_pattern::RefPattern;
use super::repository_pattern::RepositoryPattern;
use super::rule::{self, Policy, PolicyName, Rule};
use super::signed::{SignedKeys, signed_keys};
use super::source::{PolicyError, Source};
use crate::model::{EnvironmentName, InvalidName, Login};

const DEFAULT_WORKFLOW: &str = ".github/workflows/release.yml";
const DEFAULT_EVENT: &str = "workflow_dispatch";
const DEFAULT_ENVIRONMENT: &str = "release";
const DEFAULT_MAX_AGE: &str = "72h";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyToml {
    #[serde(default)]
    pause: bool,
    #[serde(default)]
    rule: Vec<Spanned<RuleToml>>,
    #[serde(default)]
    data: toml::Table,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleToml {
    repositories: Spanned<Vec<Spanned<String>>>,
    environment: Option<Spanned<String>>,
    workflow: Option<Spanned<String>>,
    refs: Spanned<Vec<Spanned<String>>>,
    events: Option<Spanned<Vec<Spanned<String>>>>,
    approvals: Option<Spanned<i64>>,
    #[serde(default)]
    approvers: Vec<Spanned<String>>,
    #[serde(default)]
    starters: Vec<Spanned<String>>,
    #[serde(default)]
    self_approval: bool,
    signed: Option<Spanned<bool>>,
    gate_workflows: Option<Spanned<Vec<Spanned<String>>>>,
    runner: Option<Spanned<String>>,
    max_age: Option<Spanned<String>>,
    #[serde(default)]
    labels: Vec<Spanned<String>>,
    #[serde(default)]
    policies: Vec<Spanned<String>>,
    gate: Option<Spanned<Vec<GateToml>>>,
}

impl Policy {
    /// Reads a policy from TOML; `docs/policy.md` explains every key.
    ///
    /// # Errors
    /// Text that is not TOML, unknown keys, and values that would prove nothing. Each error has its line, its key, what was got and what was expected.
    pub fn parse(toml: &str) -> Result<Self, PolicyError> {
        let source = Source(toml);
        let deserializer = toml::Deserializer::parse(toml)
            .map_err(|error| source.error(&error.span().unwrap_or_default(), "policy", error.message()))?;
        let policy: PolicyToml = serde_path_to_error::deserialize(deserializer).map_err(|error| {
            // `toml` marks the values whose position it keeps.
            let key = error.path().to_string().replace(".$__serde_spanned_private_value", "");
            let inner = error.into_inner();
            source.error(&inner.span().unwrap_or_default(), key, inner.message())
        })?;
        if policy.rule.is_empty() && !policy.pause {
            return Err(source.error(
                &(0..0),
                "rule",
                "got no rules, expected at least one `[[rule]]` or `pause = true`",
            ));
        }
        let rules = policy.rule.iter().map(|rule| read_rule(&source, rule)).collect::<Result<_, _>>()?;
        let data = policy.data.into_iter().map(|(key, value)| (key, json(value))).collect();
        let (rego, text, hash) = (Vec::new(), toml.to_owned(), rule::hash(toml, &[]));
        Ok(Self { pause: policy.pause, rules, data, rego, text, hash, unreadable: None })
    }
}

/// A value, or its default; the default stands where the rule does.
fn or_default(value: Option<&Spanned<String>>, default: &str, rule: &Spanned<RuleToml>) -> Spanned<String> {
    value.cloned().unwrap_or_else(|| Spanned::new(rule.span(), default.to_owned()))
}

fn read_rule(source: &Source<'_>, spanned: &Spanned<RuleToml>) -> Result<Rule, PolicyError> {
    let rule = spanned.get_ref();
    let text = |value: &Option<Spanned<String>>, default| or_default(value.as_ref(), default, spanned);
    let environment = text(&rule.environment, DEFAULT_ENVIRONMENT);
    let protected = source.one(&environment, "rule.environment", EnvironmentName::parse)?;
    let gates = match &rule.gate {
        Some(gates) => read_gates(source, source.filled(gates, "rule.gate")?, &protected)?,
        None => vec![default_gate(source, &environment, &protected)?],
    };
    let events = match &rule.events {
        Some(events) => source.each(source.filled(events, "rule.events")?, "rule.events", event::parse)?,
        None => vec![DEFAULT_EVENT.to_owned()],
    };
    let repositories = source.filled(&rule.repositories, "rule.repositories")?;
    let signed = read_signed(source, rule)?;
    let read_ref = if signed.signed { RefPattern::parse_typed } else { RefPattern::parse };
    Ok(Rule {
        repositories: source.each(repositories, "rule.repositories", RepositoryPattern::parse)?,
        workflow: source.one(&text(&rule.workflow, DEFAULT_WORKFLOW), "rule.workflow", workflow)?,
        refs: source.each(source.filled(&rule.refs, "rule.refs")?, "rule.refs", read_ref)?,
        events,
        approvals: read_approvals(source, rule, gates.len())?,
        approvers: source.each(&rule.approvers, "rule.approvers", Login::parse)?,
        starters: source.each(&rule.starters, "rule.starters", Login::parse)?,
        self_approval: rule.self_approval,
        signed: signed.signed,
        gate_workflows: signed.gate_workflows,
        runner: signed.runner,
        max_age: source.one(&text(&rule.max_age, DEFAULT_MAX_AGE), "rule.max_age", MaxAge::parse)?,
        labels: source.each(&rule.labels, "rule.labels", label)?,
        policies: rule.policies.iter().map(|name| policy_name(source, name)).collect(),
        attached: Vec::new(),
        environment: protected,
        gates,
    })
}

fn read_signed(source: &Source<'_>, rule: &RuleToml) -> Result<SignedKeys, PolicyError> {
    let signed = rule.signed.as_ref().is_some_and(|signed| *signed.get_ref());
    signed_keys(source, signed, rule.gate_workflows.as_ref(), rule.runner.as_ref())
}

/// Whether a policy of this name exists is not known before all are read.
fn policy_name(source: &Source<'_>, name: &Spanned<String>) -> PolicyName {
    PolicyName { name: name.get_ref().clone(), line: source.line(&name.span()) }
}

fn label(text: &str) -> Result<String, InvalidName> {
    if text.trim().is_empty() {
        return Err(InvalidName::new(text, "a label that is not empty"));
    }
    Ok(text.to_owned())
}

fn read_approvals(source: &Source<'_>, rule: &RuleToml, gates: usize) -> Result<usize, PolicyError> {
    let Some(approvals) = &rule.approvals else {
        return Ok(1);
    };
    let got = *approvals.get_ref();
    usize::try_from(got).ok().filter(|approvals| *approvals <= gates).ok_or_else(|| {
        let problem =
            format!("got {got}, expected 0 to {gates} (the number of gates): each gate is approved once per attempt");
        source.error(&approvals.span(), "rule.approvals", problem)
    })
}

fn workflow(text: &str) -> Result<String, InvalidName> {
    let file = text.strip_prefix(".github/workflows/").unwrap_or_default();
    let stem = file.strip_suffix(".yml").or_else(|| file.strip_suffix(".yaml")).unwrap_or_default();
    if stem.is_empty() || stem.contains('/') || stem.chars().any(char::is_control) {
        return Err(InvalidName::new(text, format!("a workflow file such as `{DEFAULT_WORKFLOW}`")));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    #![expect(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        reason = "a test that cannot go on fails"
    )]

    use super::*;

    const RULE: &str = "[[rule]]\nrepositories = [\"octo-org/widgets\"]\nrefs = [\"main\"]\n";

    fn rule(more: &str) -> Rule {
        Policy::parse(&format!("{RULE}{more}")).unwrap().rules.remove(0)
    }

    fn gate(job: &str, environment: &str) -> String {
        format!("[[rule.gate]]\njob = \"{job}\"\nenvironment = \"{environment}\"\n")
    }

    /// Asserts that the text is refused, on which line, for which key, and that the problem says so.
    #[track_caller]
    fn refused(toml: &str, line: usize, key: &str, problem: &str) {
        let error = Policy::parse(toml).expect_err(toml);
        assert_eq!((error.line, error.key.as_str()), (line, key), "{error}");
        assert!(error.problem.contains(problem), "{error}");
    }

    /// The same, of a rule with one more key on line 4.
    #[track_caller]
    fn key_refused(key: &str, value: &str, problem: &str) {
        refused(&format!("{RULE}{key} = {value}\n"), 4, &format!("rule.{key}"), problem);
    }

    #[test]
    fn a_key_that_is_not_given_has_its_default() {
        let rule = rule("");
        assert_eq!((rule.environment.as_str(), rule.workflow.as_str()), ("release", ".github/workflows/release.yml"));
        assert_eq!(
            (rule.events, rule.approvals, rule.max_age.to_string()),
            (vec!["workflow_dispatch".to_owned()], 1, "72h".to_owned())
        );
        assert_eq!((rule.approvers.len(), rule.starters.len(), rule.self_approval), (0, 0, false));
        let [gate] = rule.gates.as_slice() else { unreachable!("one gate") };
        assert_eq!((gate.job.as_str(), gate.environment.as_str()), ("release-gate", "release-gate"));
    }

    #[test]
    fn a_key_that_is_given_is_taken() {
        let rule = rule(
            "environment = \"prod\"\nworkflow = \".github/workflows/x.yaml\"\nevents = [\"push\", \"schedule\"]\napprovals = 0\napprovers = [\"bob\"]\nstarters = [\"a[bot]\"]\nself_approval = true\nmax_age = \"3d\"\n",
        );
        assert_eq!((rule.environment.as_str(), rule.workflow.as_str()), ("prod", ".github/workflows/x.yaml"));
        assert_eq!(
            (rule.events, rule.approvals, rule.max_age.to_string()),
            (vec!["push".to_owned(), "schedule".to_owned()], 0, "3d".to_owned())
        );
        assert_eq!(
            (rule.approvers[0].as_str(), rule.starters[0].as_str(), rule.self_approval),
            ("bob", "a[bot]", true)
        );
    }

    #[test]
    fn as_many_approvals_as_gates_are_taken() {
        let rule = rule(&format!("approvals = 2\n{}{}", gate("a", "x"), gate("b", "y")));
        assert_eq!((rule.approvals, rule.gates.len(), rule.gates[1].job.as_str()), (2, 2, "b"));
    }

    #[test]
    fn a_pause_alone_is_a_policy() {
        let policy = Policy::parse("pause = true\n").unwrap();
        assert!(policy.pause && policy.rules.is_empty());
    }

    #[test]
    fn a_pause_may_stand_before_rules() {
        let policy = Policy::parse(&format!("pause = true\n{RULE}")).unwrap();
        assert!(policy.pause && policy.rules.len() == 1);
    }

    #[test]
    fn a_policy_without_rules_is_refused() {
        refused("", 1, "rule", "expected at least one `[[rule]]`");
        refused("pause = false\n", 1, "rule", "expected at least one `[[rule]]`");
    }

    #[test]
    fn what_is_not_toml_is_refused() {
        assert_eq!(Policy::parse("pause = true\n[[rule]\n").expect_err("TOML").line, 2);
        refused(&format!("{RULE}refs = [\"x\"]\n"), 4, "policy", "duplicate key");
    }

    #[test]
    fn an_unknown_key_is_refused() {
        refused(&format!("{RULE}reefs = [\"main\"]\n"), 4, "rule[0].reefs", "expected one of");
        refused(&format!("paws = true\n{RULE}"), 1, "paws", "expected one of `pause`, `rule`, `data`");
    }

    #[test]
    fn an_error_names_the_line_and_the_key() {
        let error = Policy::parse(&RULE.replace("main", "*")).expect_err("`*`").to_string();
        assert!(error.starts_with("policy line 3, `rule.refs`: got `*`, expected the short name"), "{error}");
    }

    #[test]
    fn a_rule_needs_repositories_and_refs() {
        refused("[[rule]]\nrefs = [\"main\"]\n", 1, "rule[0]", "missing field `repositories`");
        refused("[[rule]]\nrepositories = [\"octo-org/widgets\"]\n", 1, "rule[0]", "missing field `refs`");
    }

    #[test]
    fn an_empty_list_is_refused() {
        refused(&RULE.replace("\"octo-org/widgets\"", ""), 2, "rule.repositories", "empty list");
        refused(&RULE.replace("\"main\"", ""), 3, "rule.refs", "empty list");
        key_refused("events", "[]", "empty list");
        key_refused("gate", "[]", "empty list");
    }

    #[test]
    fn a_value_of_the_wrong_type_is_refused() {
        refused(&format!("{RULE}approvals = \"one\"\n"), 4, "rule[0].approvals", "invalid type");
    }

    #[test]
    fn each_entry_of_a_list_is_read() {
        refused(
            &RULE.replace("octo-org/widgets", "widgets"),
            2,
            "rule.repositories",
            "got `widgets`, expected a repository as `owner/name`",
        );
        refused(&RULE.replace("\"main\"", "\"main\", \"v*x\""), 3, "rule.refs", "got `v*x`");
        key_refused("events", "[\"push\", \"issues\"]", "got `issues`, expected one of `workflow_dispatch`");
        key_refused("approvers", "[\"two words\"]", "expected a login");
        key_refused("starters", "[\"\"]", "expected a login");
    }

    #[test]
    fn what_is_not_a_workflow_file_is_refused() {
        for path in [
            "release.yml",
            ".github/workflows/.yml",
            ".github/workflows/x/y.yml",
            ".github/workflows/release",
            "/.github/workflows/x.yml",
        ] {
            key_refused("workflow", &format!("\"{path}\""), "expected a workflow file");
        }
        key_refused("workflow", "\".github/workflows/a\\tb.yml\"", "expected a workflow file");
    }

    #[test]
    fn more_approvals_than_gates_are_refused() {
        key_refused("approvals", "2", "got 2, expected 0 to 1 (the number of gates)");
        key_refused("approvals", "-1", "got -1");
    }

    #[test]
    fn what_is_not_a_duration_is_refused() {
        key_refused("max_age", "\"72\"", "got `72`, expected a whole number and a unit");
    }

    #[test]
    fn what_is_not_an_environment_is_refused() {
        key_refused("environment", "\"\"", "an environment's name");
        refused(&format!("{RULE}{}", gate("g", "..")), 6, "rule.gate.environment", "an environment's name");
    }

    #[test]
    fn a_gate_cannot_guard_itself() {
        key_refused("environment", "\"Release-Gate\"", "a gate cannot guard itself");
        refused(&format!("{RULE}{}", gate("g", "Release")), 6, "rule.gate.environment", "a gate cannot guard itself");
    }

    #[test]
    fn two_gates_with_one_environment_are_refused() {
        refused(
            &format!("{RULE}{}{}", gate("a", "x"), gate("b", "X")),
            9,
            "rule.gate.environment",
            "got `X` for two gates",
        );
    }

    #[test]
    fn two_gates_with_one_job_are_refused() {
        refused(&format!("{RULE}{}{}", gate("a", "x"), gate("a", "y")), 8, "rule.gate.job", "got `a` for two gates");
    }

    #[test]
    fn an_event_is_refused_at_its_own_line() {
        refused(
            &format!("{RULE}events = [\n  \"push\",\n  \"watch\",\n]\n"),
            6,
            "rule.events",
            "got `watch`, expected",
        );
    }

    #[test]
    fn a_gate_needs_a_job() {
        refused(&format!("{RULE}{}", gate(" ", "x")), 5, "rule.gate.job", "got ` `, expected a job's name");
        refused(
            &format!("{RULE}{}", gate(&"x".repeat(101), "x")),
            5,
            "rule.gate.job",
            "at most 100 characters, not 101",
        );
        refused(&format!("{RULE}[[rule.gate]]\nenvironment = \"x\"\n"), 4, "rule[0].gate[0]", "missing field `job`");
    }
}
