//! What a policy would see of a story's run. The story is played with one more policy, which asks for nothing but that its input be logged.

use std::path::Path;

use anyhow::{Context as _, anyhow, bail};
use environment_gate::gate::Policy;
use environment_gate::gate::rego::{Input, PolicyType, RegoPolicy};
use environment_gate::github::Limits;
use environment_gate::world::{Player, Present, Story};
use serde_json::{Map, Value};

/// The name of the policy that asks.
const PROBE: &str = "environment-gate-probe";

/// What the story's policies see as `data.config`.
pub(super) fn config(folder: &Path) -> anyhow::Result<Map<String, Value>> {
    let story = Story::read(folder)?;
    Ok(Policy::parse(&story.policy).with_context(|| folder.display().to_string())?.data)
}

/// What a policy of this type would see, at the story's own time.
pub(super) async fn of(folder: &Path, policy: &RegoPolicy) -> anyhow::Result<Input> {
    let mut story = Story::read(folder)?;
    story.policies.insert(PROBE.to_owned(), probe(policy));
    let player = Player::new(Limits::default())
        .context("this machine's random number generator failed, so no key could be made")?;
    let played = player.play(&story, Present::Story).await.map_err(anyhow::Error::from_boxed)?;
    let outcome = &played.report.outcome;
    let samples = outcome.rego().map(|report| report.samples.as_slice()).unwrap_or_default();
    if let Some(sample) = samples.iter().find(|sample| sample.policy == PROBE) {
        return Ok(sample.input.clone());
    }
    if let Some(violation) = played.violations.first() {
        return Err(anyhow!("{}: {violation}", folder.display()));
    }
    bail!(
        "{}: a policy of type `{}` is not asked here: the delivery is {} ({})",
        folder.display(),
        policy.policy_type().as_str(),
        outcome.name(),
        outcome.reason(),
    )
}

/// A policy of the same type, attached to every rule, that looks at what costs a call if the other does.
fn probe(policy: &RegoPolicy) -> String {
    let policy_type = policy.policy_type();
    let decides = match policy_type {
        PolicyType::Initialization | PolicyType::Task => "deny if false",
        PolicyType::Approval => "approve := true",
    };
    let looks = if policy.mentions_permission() { "permission := input.session.permission\n" } else { "" };
    format!(
        "# METADATA\n# custom: {{ type: {}, attach: [\"*\"] }}\npackage environment_gate_probe\n{decides}\nsample := true\n{looks}",
        policy_type.as_str()
    )
}
