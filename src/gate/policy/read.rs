//! From TOML to a checked [`Policy`]. Every error names the line, the key, what was got and what was expected.

use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use super::{Gate, MaxAge, Policy, RefPattern, RepositoryPattern, Rule};
use crate::model::{EnvironmentName, InvalidName, Login, quoted};

const DEFAULT_WORKFLOW: &str = ".github/workflows/release.yml";
const DEFAULT_EVENT: &str = "workflow_dispatch";
const DEFAULT_ENVIRONMENT: &str = "release";
const DEFAULT_GATE: &str = "release-gate";
const DEFAULT_MAX_AGE: &str = "72h";

/// Events that run untrusted code, or that outsiders can trigger.
const REJECTED_EVENTS: [&str; 3] = ["merge_group", "workflow_run", "issue_comment"];
/// `pull_request`, `pull_request_target`, `pull_request_review`, …: the same, as a family.
const REJECTED_EVENT_FAMILY: &str = "pull_request";

/// Why a text is not a policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("policy line {line}, `{key}`: {problem}")]
pub struct PolicyError {
    /// Counted from 1.
    pub line: usize,
    /// The key, from the top: `rule.gate.environment`.
    pub key: String,
    /// What was got and what was expected.
    pub problem: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyToml {
    #[serde(default)]
    pause: bool,
    #[serde(default)]
    rule: Vec<Spanned<RuleToml>>,
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
    max_age: Option<Spanned<String>>,
    gate: Option<Spanned<Vec<GateToml>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GateToml {
    job: Spanned<String>,
    environment: Spanned<String>,
}

/// The policy's text, to find the line of an error in.
struct Source<'t>(&'t str);

impl Source<'_> {
    fn error(&self, at: &Range<usize>, key: impl Into<String>, problem: impl Into<String>) -> PolicyError {
        let before = self.0.get(..at.start).unwrap_or_default();
        let line = before.matches('\n').count().saturating_add(1);
        PolicyError { line, key: key.into(), problem: problem.into() }
    }

    fn one<T>(
        &self,
        text: &Spanned<String>,
        key: &str,
        parse: impl Fn(&str) -> Result<T, InvalidName>,
    ) -> Result<T, PolicyError> {
        parse(text.get_ref()).map_err(|error| self.error(&text.span(), key, error.to_string()))
    }

    fn each<T>(
        &self,
        list: &[Spanned<String>],
        key: &str,
        parse: impl Fn(&str) -> Result<T, InvalidName>,
    ) -> Result<Vec<T>, PolicyError> {
        list.iter().map(|text| self.one(text, key, &parse)).collect()
    }

    /// An empty list proves nothing: it is a mistake.
    fn filled<'l, T>(&self, list: &'l Spanned<Vec<T>>, key: &str) -> Result<&'l [T], PolicyError> {
        if list.get_ref().is_empty() {
            return Err(self.error(&list.span(), key, "got an empty list, expected at least one entry"));
        }
        Ok(list.get_ref())
    }
}

pub(super) fn read(text: &str) -> Result<Policy, PolicyError> {
    let source = Source(text);
    let deserializer = toml::Deserializer::parse(text)
        .map_err(|error| source.error(&error.span().unwrap_or_default(), "policy", error.message()))?;
    let policy: PolicyToml = serde_path_to_error::deserialize(deserializer).map_err(|error| {
        // `toml` marks the values whose position it keeps.
        let key = error.path().to_string().replace(".$__serde_spanned_private_value", "");
        let inner = error.into_inner();
        source.error(&inner.span().unwrap_or_default(), key, inner.message())
    })?;
    if policy.rule.is_empty() && !policy.pause {
        return Err(source.error(&(0..0), "rule", "got no rules, expected at least one `[[rule]]` or `pause = true`"));
    }
    let rules = policy.rule.iter().map(|rule| read_rule(&source, rule)).collect::<Result<_, _>>()?;
    Ok(Policy { pause: policy.pause, rules, text: text.to_owned() })
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
        Some(events) => source.each(source.filled(events, "rule.events")?, "rule.events", event)?,
        None => vec![DEFAULT_EVENT.to_owned()],
    };
    let repositories = source.filled(&rule.repositories, "rule.repositories")?;
    Ok(Rule {
        repositories: source.each(repositories, "rule.repositories", RepositoryPattern::parse)?,
        workflow: source.one(&text(&rule.workflow, DEFAULT_WORKFLOW), "rule.workflow", workflow)?,
        refs: source.each(source.filled(&rule.refs, "rule.refs")?, "rule.refs", RefPattern::parse)?,
        events,
        approvals: read_approvals(source, rule, gates.len())?,
        approvers: source.each(&rule.approvers, "rule.approvers", Login::parse)?,
        starters: source.each(&rule.starters, "rule.starters", Login::parse)?,
        self_approval: rule.self_approval,
        max_age: source.one(&text(&rule.max_age, DEFAULT_MAX_AGE), "rule.max_age", MaxAge::parse)?,
        environment: protected,
        gates,
    })
}

fn default_gate(
    source: &Source<'_>,
    environment: &Spanned<String>,
    protected: &EnvironmentName,
) -> Result<Gate, PolicyError> {
    let name = Spanned::new(environment.span(), DEFAULT_GATE.to_owned());
    let gate = gate_environment(source, &name, "rule.environment", protected)?;
    Ok(Gate { job: DEFAULT_GATE.to_owned(), environment: gate })
}

fn read_gates(source: &Source<'_>, gates: &[GateToml], protected: &EnvironmentName) -> Result<Vec<Gate>, PolicyError> {
    let mut read: Vec<Gate> = Vec::new();
    for gate in gates {
        let job = source.one(&gate.job, "rule.gate.job", job_name)?;
        let environment = gate_environment(source, &gate.environment, "rule.gate.environment", protected)?;
        if read.iter().any(|other| other.environment == environment) {
            let problem = format!("got {} for two gates, expected one environment each", quoted(environment.as_str()));
            return Err(source.error(&gate.environment.span(), "rule.gate.environment", problem));
        }
        if read.iter().any(|other| other.job == job) {
            let problem = format!("got {} for two gates, expected one job each", quoted(&job));
            return Err(source.error(&gate.job.span(), "rule.gate.job", problem));
        }
        read.push(Gate { job, environment });
    }
    Ok(read)
}

fn gate_environment(
    source: &Source<'_>,
    name: &Spanned<String>,
    key: &str,
    protected: &EnvironmentName,
) -> Result<EnvironmentName, PolicyError> {
    let environment = source.one(name, key, EnvironmentName::parse)?;
    if environment == *protected {
        let problem = format!(
            "got {} as both gate and protected environment, expected two: a gate cannot guard itself",
            quoted(environment.as_str())
        );
        return Err(source.error(&name.span(), key, problem));
    }
    Ok(environment)
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

fn job_name(text: &str) -> Result<String, InvalidName> {
    if text.trim().is_empty() { Err(InvalidName::new(text, "a job's name")) } else { Ok(text.to_owned()) }
}

fn workflow(text: &str) -> Result<String, InvalidName> {
    let file = text.strip_prefix(".github/workflows/").unwrap_or_default();
    let stem = file.strip_suffix(".yml").or_else(|| file.strip_suffix(".yaml")).unwrap_or_default();
    if stem.is_empty() || stem.contains('/') || stem.chars().any(char::is_control) {
        return Err(InvalidName::new(text, format!("a workflow file such as `{DEFAULT_WORKFLOW}`")));
    }
    Ok(text.to_owned())
}

fn event(text: &str) -> Result<String, InvalidName> {
    let expected = if text.starts_with(REJECTED_EVENT_FAMILY) || REJECTED_EVENTS.contains(&text) {
        "an event that runs only the repository's own code and that outsiders cannot trigger, such as `workflow_dispatch` or `push`"
    } else if text.is_empty() || !text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') {
        "the name of an event, such as `workflow_dispatch`"
    } else {
        return Ok(text.to_owned());
    };
    Err(InvalidName::new(text, expected))
}
