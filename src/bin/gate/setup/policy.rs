//! Step 1: the policy.

use anyhow::{Context as _, bail};
use environment_gate::config::policies_in;
use environment_gate::gate::Policy;
use secrecy::ExposeSecret;

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

/// The policies in Rego to store: names and texts. They are read together with the policy that they will go with, and refused before anything is done.
pub(super) fn read_rego(
    options: &SetupOptions,
    given: Option<&str>,
    stored: &StoredSettings,
) -> anyhow::Result<Vec<(String, String)>> {
    let Some(folder) = &options.policies else { return Ok(Vec::new()) };
    let shown = || folder.display().to_string();
    let texts = policies_in(folder).with_context(shown)?;
    if texts.is_empty() {
        bail!("{}: got no policies, expected at least one file `NAME.rego`", shown());
    }
    if let Some(policy) = stored.policy.as_ref().map(ExposeSecret::expose_secret).or(given) {
        let named = texts.iter().map(|(name, text)| (name.as_str(), text.as_str()));
        Policy::parse(policy)?.with_rego(named).with_context(shown)?;
    }
    Ok(texts)
}

/// Stores the policies in Rego that are not there yet.
pub(super) async fn store_rego(context: &SetupContext, policies: &[(String, String)]) -> anyhow::Result<()> {
    for (name, text) in policies {
        context.vault.put_rego_policy(name, text).await?;
    }
    if policies.is_empty() {
        return Ok(());
    }
    let text = format!("{} in Rego under `{}`", policies.len(), context.vault.names.policies);
    Ok(report(SetupStep::Policy, text)?)
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
