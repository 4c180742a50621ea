//! `gate setup --kms ALIAS --private-key FILE`: another key of the App goes into KMS, and the alias is pointed at it once GitHub has accepted it.

use std::path::Path;

use anyhow::{Context as _, bail};
use environment_gate::doctor::Inspector;
use environment_gate::github::App;
use secrecy::{ExposeSecret as _, SecretString};

use super::app::{ReadyApp, webhook_secret};
use super::context::SetupContext;
use super::key_store::KeyStore;
use super::progress::{SetupStep, report};
use super::vault::StoredSettings;

/// Imports the key in `path`. Until the alias is moved, everything is as it was.
pub(super) async fn import(context: &SetupContext, stored: &StoredSettings, path: &Path) -> anyhow::Result<ReadyApp> {
    let shown = path.display();
    let (Some(id), Some(secrets)) = (&stored.app_id, &stored.webhook_secret) else {
        bail!(
            "{shown}: got the key of an App without settings in AWS, expected its id and webhook secret there: run setup without `--private-key`"
        )
    };
    let KeyStore::Kms(store) = &context.vault.key else {
        bail!("{shown}: got no KMS key to put it into, expected `--kms ALIAS`")
    };
    let id = id.expose_secret().trim();
    let secret = webhook_secret(&context.vault.names, secrets)?;
    let pem = std::fs::read_to_string(path).map(SecretString::from).with_context(|| shown.to_string())?;
    let key = store.import_another(&pem).await?;
    let app = App::with_remote_key(id, store.signer(&key));
    if let Err(error) = Inspector::new(&context.github, &app, context.deadline()).app().await {
        return Err(store.discard(&key, error.into()).await);
    }
    let name = context.vault.names.private_key.name();
    // Whether it was done is not always known, so the new key stays.
    let left = || {
        format!(
            "KMS key `{key}` was made; look whether `{name}` points to it, and if not, delete it and run this again"
        )
    };
    let before = store.point_at(&key).await.with_context(left)?.filter(|before| *before != key);
    let text = format!("id {id}: `{name}` points to KMS key `{key}`; GitHub accepts what it signs. Delete {shown}");
    report(SetupStep::App, text)?;
    if let Some(before) = before {
        report(SetupStep::App, format!("once the first key is deleted on GitHub, delete KMS key `{before}` too"))?;
    }
    Ok(ReadyApp { id: id.to_owned(), webhook_secret: secret, app })
}
