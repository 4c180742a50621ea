//! What policies in Rego would see of a story's run. The story is played with one more policy of each type, which agrees and asks for its input to be logged:
//! policies of one type see the same input.

use std::error::Error;

use serde_json::Value;

use super::player::{Played, Player};
use super::story::Story;
use super::timeline::Present;
use crate::gate::rego::{Input, PolicyType};

/// What the policies that are added are called, before their types.
const PROBE: &str = "environment-gate-probe";

/// A story that was played for what its policies see.
#[derive(Debug)]
pub struct PolicyInputs {
    /// How it was decided. The policies that were added are in its findings.
    pub played: Played,
    inputs: Vec<(PolicyType, Input)>,
}

impl PolicyInputs {
    /// What a policy of this type would see. `None` if none is asked in this story.
    pub fn of(&self, policy_type: PolicyType) -> Option<&Input> {
        self.inputs.iter().find(|(of, _)| *of == policy_type).map(|(_, input)| input)
    }
}

impl Player {
    /// Plays a story at its own time, and takes what policies see. `with_permission`: what the starter may do is read too, which is one more call that the
    /// story must have an answer to.
    ///
    /// # Errors
    /// The story cannot be played.
    pub async fn policy_inputs(
        &self,
        story: &Story,
        with_permission: bool,
    ) -> Result<PolicyInputs, Box<dyn Error + Send + Sync>> {
        let mut probed = story.clone();
        probed
            .policies
            .extend(PolicyType::ALL.map(|policy_type| (name(policy_type), text(policy_type, with_permission))));
        let played = self.play(&probed, Present::Story).await?;
        let samples = played.report.outcome.rego().map(|rego| rego.samples.as_slice()).unwrap_or_default();
        let mut inputs = Vec::new();
        for policy_type in PolicyType::ALL {
            if let Some(sample) = samples.iter().find(|sample| sample.policy == name(policy_type)) {
                inputs.push((policy_type, without_probes(&sample.input)?));
            }
        }
        Ok(PolicyInputs { played, inputs })
    }
}

fn name(policy_type: PolicyType) -> String {
    format!("{PROBE}-{}", policy_type.as_str())
}

fn text(policy_type: PolicyType, with_permission: bool) -> String {
    let name = policy_type.as_str();
    let agrees = match policy_type {
        PolicyType::Initialization | PolicyType::Task => "",
        PolicyType::Approval => "approve := true\n",
    };
    let reads = if with_permission { "permission := input.session.permission\n" } else { "" };
    format!(
        "# METADATA\n# custom: {{ type: {name}, attach: [\"*\"] }}\npackage environment_gate_probe.{name}\nsample := true\n{agrees}{reads}"
    )
}

/// The policies that were added were never there.
fn without_probes(input: &Input) -> Result<Input, String> {
    let mut json = input.as_json().clone();
    if let Some(checks) = json.get_mut("checks").and_then(Value::as_array_mut) {
        let is_probe =
            |check: &Value| check.get("policy").and_then(Value::as_str).is_some_and(|name| name.starts_with(PROBE));
        checks.retain(|check| !is_probe(check));
    }
    Input::new(json)
}
