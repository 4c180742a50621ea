//! From TOML to a checked [`Policy`]. Every refusal names the line, the key, what was got and what was expected.

use std::collections::HashSet;
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use super::{Gate, MaxAge, Policy, RefPattern, RepositoryPattern, Rule};
use crate::model::{EnvironmentName, Login, quoted};

const DEFAULT_WORKFLOW: &str = ".github/workflows/release.yml";
const DEFAULT_EVENT: &str = "workflow_dispatch";
const DEFAULT_ENVIRONMENT: &str = "release";
const DEFAULT_GATE: &str = "release-gate";
const DEFAULT_MAX_AGE: &str = "72h";

/// Events whose runs are started by, or run the code of, people that the repository does not trust.
const REFUSED_EVENTS: [&str; 3] = ["merge_group", "workflow_run", "issue_comment"];
/// `pull_request`, `pull_request_target`, `pull_request_review`, …: the same, as a family.
const REFUSED_EVENT_FAMILY: &str = "pull_request";

/// Why a text is no policy.
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

/// Where in the text something stands, for errors.
struct Place<'t> {
    text: &'t str,
}

impl Place<'_> {
    fn error(&self, at: &Range<usize>, key: impl Into<String>, problem: impl Into<String>) -> PolicyError {
        let before = self.text.get(..at.start).unwrap_or_default();
        let line = before.matches('\n').count().saturating_add(1);
        PolicyError { line, key: key.into(), problem: problem.into() }
    }

    /// Reads each of a list's strings, or says which is wrong.
    fn each<T>(
        &self,
        list: &[Spanned<String>],
        key: &str,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Vec<T>, PolicyError> {
        list.iter().map(|text| self.one(text, key, &read)).collect()
    }

    fn one<T>(
        &self,
        text: &Spanned<String>,
        key: &str,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, PolicyError> {
        read(text.get_ref()).map_err(|problem| self.error(&text.span(), key, problem))
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
    let place = Place { text };
    let deserializer = toml::Deserializer::parse(text)
        .map_err(|error| place.error(&error.span().unwrap_or_default(), "policy", error.message()))?;
    let policy: PolicyToml = serde_path_to_error::deserialize(deserializer).map_err(|error| {
        // `toml` marks the places that it tells the position of.
        let key = error.path().to_string().replace(".$__serde_spanned_private_value", "");
        let inner = error.into_inner();
        place.error(&inner.span().unwrap_or_default(), key, inner.message())
    })?;
    if policy.rule.is_empty() && !policy.pause {
        return Err(place.error(&(0..0), "rule", "got no rule, expected at least one `[[rule]]`, or `pause = true`"));
    }
    let rules = policy.rule.iter().map(|rule| read_rule(&place, rule)).collect::<Result<_, _>>()?;
    Ok(Policy { pause: policy.pause, rules, text: text.to_owned() })
}

fn read_rule(place: &Place<'_>, spanned: &Spanned<RuleToml>) -> Result<Rule, PolicyError> {
    let rule = spanned.get_ref();
    let environment = match &rule.environment {
        Some(name) => place.one(name, "rule.environment", environment_name)?,
        None => environment_name(DEFAULT_ENVIRONMENT).map_err(|e| place.error(&spanned.span(), "rule", e))?,
    };
    let gates = read_gates(place, spanned, &environment)?;
    let events = match &rule.events {
        Some(events) => place.each(place.filled(events, "rule.events")?, "rule.events", event)?,
        None => vec![DEFAULT_EVENT.to_owned()],
    };
    let workflow = match &rule.workflow {
        Some(path) => place.one(path, "rule.workflow", workflow)?,
        None => DEFAULT_WORKFLOW.to_owned(),
    };
    let max_age = match &rule.max_age {
        Some(text) => place.one(text, "rule.max_age", max_age)?,
        None => max_age(DEFAULT_MAX_AGE).map_err(|e| place.error(&spanned.span(), "rule.max_age", e))?,
    };
    Ok(Rule {
        repositories: place.each(
            place.filled(&rule.repositories, "rule.repositories")?,
            "rule.repositories",
            |text| RepositoryPattern::parse(text).map_err(|error| error.to_string()),
        )?,
        refs: place.each(place.filled(&rule.refs, "rule.refs")?, "rule.refs", ref_pattern)?,
        approvals: read_approvals(place, rule, gates.len())?,
        approvers: place.each(&rule.approvers, "rule.approvers", login)?,
        starters: place.each(&rule.starters, "rule.starters", login)?,
        self_approval: rule.self_approval,
        environment,
        workflow,
        events,
        max_age,
        gates,
    })
}

fn read_gates(
    place: &Place<'_>,
    rule: &Spanned<RuleToml>,
    protected: &EnvironmentName,
) -> Result<Vec<Gate>, PolicyError> {
    let Some(gates) = &rule.get_ref().gate else {
        let environment = environment_name(DEFAULT_GATE).map_err(|e| place.error(&rule.span(), "rule.gate", e))?;
        if environment == *protected {
            return Err(place.error(&rule.span(), "rule.environment", same_as_protected(&environment)));
        }
        return Ok(vec![Gate { job: DEFAULT_GATE.to_owned(), environment }]);
    };
    let mut jobs = HashSet::new();
    let mut read: Vec<Gate> = Vec::new();
    for gate in place.filled(gates, "rule.gate")? {
        let job = place.one(&gate.job, "rule.gate.job", job_name)?;
        let environment = place.one(&gate.environment, "rule.gate.environment", environment_name)?;
        let at = gate.environment.span();
        if environment == *protected {
            return Err(place.error(&at, "rule.gate.environment", same_as_protected(&environment)));
        }
        if read.iter().any(|other| other.environment == environment) {
            let problem = format!(
                "got {} for two gates, expected an environment of its own for each",
                quoted(environment.as_str())
            );
            return Err(place.error(&at, "rule.gate.environment", problem));
        }
        if !jobs.insert(job.clone()) {
            let problem = format!("got {} for two gates, expected a job of its own for each", quoted(&job));
            return Err(place.error(&gate.job.span(), "rule.gate.job", problem));
        }
        read.push(Gate { job, environment });
    }
    Ok(read)
}

fn read_approvals(place: &Place<'_>, rule: &RuleToml, gates: usize) -> Result<usize, PolicyError> {
    let Some(approvals) = &rule.approvals else {
        return Ok(1);
    };
    let got = *approvals.get_ref();
    usize::try_from(got).ok().filter(|wanted| *wanted <= gates).ok_or_else(|| {
        let problem = format!(
            "got {got}, expected 0 to {gates}, the number of gates: a run's gate can be approved once in an attempt"
        );
        place.error(&approvals.span(), "rule.approvals", problem)
    })
}

fn same_as_protected(environment: &EnvironmentName) -> String {
    format!(
        "got {} as gate and as protected environment, expected two: a gate cannot guard itself",
        quoted(environment.as_str())
    )
}

fn environment_name(text: &str) -> Result<EnvironmentName, String> {
    EnvironmentName::parse(text).map_err(|error| error.to_string())
}

fn job_name(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        Err(format!("got {}, expected a job's name", quoted(text)))
    } else {
        Ok(text.to_owned())
    }
}

fn login(text: &str) -> Result<Login, String> {
    Login::parse(text).map_err(|error| error.to_string())
}

fn max_age(text: &str) -> Result<MaxAge, String> {
    MaxAge::parse(text).ok_or_else(|| {
        format!("got {}, expected a whole number and a unit, such as `72h`, `3d` or `90m`", quoted(text))
    })
}

fn ref_pattern(text: &str) -> Result<RefPattern, String> {
    RefPattern::parse(text).ok_or_else(|| {
        format!(
            "got {}, expected the short name of a branch or tag, such as `main`, or its beginning with one star at the end, such as `v*`",
            quoted(text)
        )
    })
}

fn workflow(text: &str) -> Result<String, String> {
    let file = text.strip_prefix(".github/workflows/").unwrap_or_default();
    let stem = file.strip_suffix(".yml").or_else(|| file.strip_suffix(".yaml")).unwrap_or_default();
    if stem.is_empty() || stem.contains('/') || stem.chars().any(char::is_control) {
        return Err(format!("got {}, expected a workflow file such as `{DEFAULT_WORKFLOW}`", quoted(text)));
    }
    Ok(text.to_owned())
}

fn event(text: &str) -> Result<String, String> {
    if text.starts_with(REFUSED_EVENT_FAMILY) || REFUSED_EVENTS.contains(&text) {
        return Err(format!(
            "got {}, expected an event that runs the repository's own code at the wish of its own people, such as `{DEFAULT_EVENT}` or `push`",
            quoted(text)
        ));
    }
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') {
        return Err(format!("got {}, expected an event's name such as `{DEFAULT_EVENT}`", quoted(text)));
    }
    Ok(text.to_owned())
}
