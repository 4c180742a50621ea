//! What a policy would see of a story's run.

use std::path::Path;

use anyhow::{Context as _, anyhow, bail};
use environment_gate::gate::Policy;
use environment_gate::gate::rego::{Input, RegoPolicy};
use environment_gate::github::Limits;
use environment_gate::world::{Player, Story};
use serde_json::{Map, Value};

/// What the story's policies see as `data.config`.
pub(super) fn config(folder: &Path) -> anyhow::Result<Map<String, Value>> {
    let story = Story::read(folder)?;
    Ok(Policy::parse(&story.policy).with_context(|| folder.display().to_string())?.data)
}

/// What a policy of this type would see with this table `[data]`, at the story's own time.
pub(super) async fn of(folder: &Path, config: &Map<String, Value>, policy: &RegoPolicy) -> anyhow::Result<Input> {
    let story = Story::read(folder)?.with_data(config);
    let player = Player::new(Limits::default())
        .context("this machine's random number generator failed, so no key could be made")?;
    let inputs = player.policy_inputs(&story, policy.mentions_permission()).await.map_err(anyhow::Error::from_boxed)?;
    if let Some(input) = inputs.of(policy.policy_type()) {
        return Ok(input.clone());
    }
    if let Some(violation) = inputs.played.violations.first() {
        return Err(anyhow!("{}: {violation}", folder.display()));
    }
    let outcome = &inputs.played.report.outcome;
    bail!(
        "{}: a policy of type `{}` is not asked here: the delivery is {} ({})",
        folder.display(),
        policy.policy_type().as_str(),
        outcome.name(),
        outcome.reason(),
    )
}
