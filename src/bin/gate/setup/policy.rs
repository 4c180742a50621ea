//! Step 1: the policy.

use anyhow::{Context as _, bail};
use environment_gate::gate::Policy;
use secrecy::ExposeSecret as _;

use super::context::SetupContext;
use super::options::SetupOptions;
use super::progress::{SetupStep, report};
use super::vault::StoredSettings;

/// The policy to store. One that is not valid is refused before anything is done.
pub(super) fn read(options: &SetupOptions) -> anyhow::Result<Option<String>> {
    let Some(path) = &options.policy else { return Ok(None) };
    let shown = || path.display().to_string();
    let text = std::fs::read_to_string(path).with_context(shown)?;
    Policy::parse(&text).with_context(shown)?;
    Ok(Some(text))
}

/// Stores it, unless there is one.
pub(super) async fn store(context: &SetupContext, stored: &StoredSettings, policy: Option<&str>) -> anyhow::Result<()> {
    let name = &context.vault.names.policy;
    let text = match (&stored.policy, policy) {
        (Some(there), Some(given)) if there.expose_secret() != given => {
            format!("SSM parameter `{name}` holds a different policy from the file, and is left as it is")
        }
        (Some(_), _) => format!("SSM parameter `{name}` exists already"),
        (None, Some(given)) => {
            context.vault.put_policy(given).await?;
            format!("stored as SSM parameter `{name}`")
        }
        (None, None) => bail!("SSM parameter `{name}`: no policy is stored there; pass a policy file with `--policy`"),
    };
    Ok(report(SetupStep::Policy, text)?)
}
