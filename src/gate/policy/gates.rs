//! The gates of a rule: from TOML to checked [`Gate`]s.

use serde::Deserialize;
use toml::Spanned;

use super::job;
use super::rule::Gate;
use super::source::{PolicyError, Source};
use crate::model::{EnvironmentName, quoted};

const DEFAULT_GATE: &str = "release-gate";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GateToml {
    job: Spanned<String>,
    environment: Spanned<String>,
}

/// The gate of a rule that names none.
pub(super) fn default_gate(
    source: &Source<'_>,
    environment: &Spanned<String>,
    protected: &EnvironmentName,
) -> Result<Gate, PolicyError> {
    let name = Spanned::new(environment.span(), DEFAULT_GATE.to_owned());
    let gate = gate_environment(source, &name, "rule.environment", protected)?;
    Ok(Gate { job: DEFAULT_GATE.to_owned(), environment: gate })
}

pub(super) fn read_gates(
    source: &Source<'_>,
    gates: &[GateToml],
    protected: &EnvironmentName,
) -> Result<Vec<Gate>, PolicyError> {
    let mut read: Vec<Gate> = Vec::new();
    for gate in gates {
        let job = source.one(&gate.job, "rule.gate.job", job::parse)?;
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
