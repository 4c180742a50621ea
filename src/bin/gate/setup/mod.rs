//! `gate setup`: from nothing to an App whose settings are in AWS and whose webhook leads to the function. Every step first looks at what is there, so
//! that setup continues where it stopped, and nothing is overwritten.

mod app;
mod context;
mod credentials;
mod import;
mod key_store;
mod kms_store;
mod manifest;
mod next;
mod options;
mod page;
mod plan;
mod policy;
mod progress;
mod random;
mod secret_store;
mod vault;
mod webhook;
mod wrapped_key;

use crate::output::CommandOutput;
use context::SetupContext;
pub(crate) use options::SetupOptions;
pub(crate) use random::random;

/// Takes all steps, and prints each as it is done.
pub(crate) async fn setup(options: SetupOptions) -> anyhow::Result<CommandOutput> {
    let policy = policy::read(&options)?;
    let context = SetupContext::open(options).await?;
    let stored = context.vault.look().await?;
    let rego = policy::read_rego(&context.options, policy.as_deref(), &stored)?;
    if context.options.dry_run {
        return plan::plan(&context, &stored, rego.len()).map(CommandOutput::yes);
    }
    policy::store(&context, &stored, policy.as_deref()).await?;
    policy::store_rego(&context, &rego).await?;
    let app = match &context.options.private_key {
        Some(path) => import::import(&context, &stored, path).await?,
        None => app::obtain(&context, stored).await?,
    };
    let connected = webhook::connect(&context, &app).await?;
    let key = context.vault.key.stack_parameter().await?;
    Ok(CommandOutput::yes(next::steps(&context, &app.id, &connected, &key)))
}
