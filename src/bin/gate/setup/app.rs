//! Step 2: the App. The one that is there, the one that was saved, or one that a person creates now.

use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use environment_gate::config::Names;
use environment_gate::github::App;
use environment_gate::model::quoted;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::signal::unix::{SignalKind, signal};

use super::context::SetupContext;
use super::credentials::{self, AppCredentials};
use super::key_store::StoredKey;
use super::manifest::{CreatedApp, Manifest, convert, new_app_url};
use super::page::{self, ReturnedCode, SetupPage};
use super::plan;
use super::progress::{SetupStep, report};
use super::random::random;
use super::vault::StoredSettings;

/// How long a person may think before pressing the button; GitHub's code works for an hour.
const PAGE_TIME_MAX: Duration = Duration::from_hours(1);

/// An App whose settings are in AWS, all of them.
pub(super) struct ReadyApp {
    pub(super) id: String,
    pub(super) webhook_secret: SecretString,
    pub(super) app: App,
}

/// Afterwards all of the App's settings are in AWS, or none.
pub(super) async fn obtain(context: &SetupContext, stored: StoredSettings) -> anyhow::Result<ReadyApp> {
    let stored = match stored {
        StoredSettings { app_id: Some(id), webhook_secret: Some(secrets), private_key: Some(key), .. } => {
            return existing(context, &id, &secrets, key);
        }
        stored => stored,
    };
    if stored.have_an_app() {
        bail!(plan::half_an_app(&context.vault.names, &stored));
    }
    let saved = context.options.save.as_deref().map(credentials::read).transpose()?.flatten();
    let Some(app) = saved else { return create(context).await };
    context.vault.key.make_place().await?;
    store(context, app, "as it was saved").await
}

fn existing(
    context: &SetupContext,
    id: &SecretString,
    secrets: &SecretString,
    key: StoredKey,
) -> anyhow::Result<ReadyApp> {
    let id = id.expose_secret().trim().to_owned();
    report(SetupStep::App, format!("id {}: its settings already exist", quoted(&id)))?;
    let webhook_secret = webhook_secret(&context.vault.names, secrets)?;
    let app = key.app(&id)?;
    Ok(ReadyApp { id, webhook_secret, app })
}

/// GitHub's webhook secret of those that are stored.
pub(super) fn webhook_secret(names: &Names, secrets: &SecretString) -> anyhow::Result<SecretString> {
    // While a secret is rotated, the new one stands first: that is GitHub's.
    let secret = secrets.expose_secret().lines().map(str::trim).find(|line| !line.is_empty());
    let name = &names.webhook_secret;
    let secret = secret.with_context(|| format!("SSM parameter `{name}`: got no secret, expected one per line"))?;
    Ok(secret.into())
}

/// A person creates the App in a browser.
async fn create(context: &SetupContext) -> anyhow::Result<ReadyApp> {
    // Check everything that could fail before an App exists.
    if let Some(folder) = &context.options.save {
        credentials::prepare(folder)?;
    }
    context.vault.key.make_place().await?;
    let listener = page::listen(context.options.listen).await?;
    let manifest = Manifest::new(context, page::redirect_url(listener.local_addr()?))?;
    let mut page = SetupPage::serve(listener, &new_app_url(context), &manifest)?;
    // Whoever reads the address may already press Ctrl-C.
    let mut interrupts = signal(SignalKind::interrupt())?;
    report(SetupStep::App, format!("open {} in a browser and press the button (Ctrl-C stops)", page.url()))?;
    let returned = tokio::select! {
        returned = page.code() => returned.context("the page stopped")?,
        () = tokio::time::sleep(PAGE_TIME_MAX) => bail!("nobody pressed the button for an hour; run it again"),
        _ = interrupts.recv() => bail!("stopped before an App was created; run it again to continue"),
    };
    let (app, text) = take(context, &returned).await;
    returned.answer(text);
    page.close().await;
    app
}

/// Takes the App that was just created, with what the browser shows.
async fn take(context: &SetupContext, returned: &ReturnedCode) -> (anyhow::Result<ReadyApp>, &'static str) {
    if let Err(error) = nothing_meanwhile(context).await {
        let error = anyhow!("{error:#}; the App that was just created is not used: delete it on GitHub");
        return (Err(error), "Not used: the terminal shows why. Delete the App that was just created.");
    }
    let created = match convert(&context.github, &returned.code, context.deadline()).await {
        Ok(created) => created,
        Err(error) => {
            let may_have_lost_the_key = error.may_have_lost_the_key();
            let error = anyhow::Error::from(error);
            let error = if may_have_lost_the_key {
                anyhow!(
                    "{error:#}; an App may exist whose key nobody has: look for it in the owner's settings and delete it"
                )
            } else {
                error
            };
            return (Err(error), "GitHub did not hand over the App. The terminal shows why.");
        }
    };
    match keep(context, created).await {
        Ok(app) => (Ok(app), "The App is created and its settings are stored. Continue in the terminal."),
        Err(error) => {
            (Err(error), "The App is created, but its settings could not be stored. The terminal shows what to do.")
        }
    }
}

/// The page may have been open for a long time: settings stored in the meantime are not overwritten.
async fn nothing_meanwhile(context: &SetupContext) -> anyhow::Result<()> {
    if context.vault.look().await?.have_an_app() {
        bail!("an App's settings were stored in AWS in the meantime, and are left as they are");
    }
    Ok(())
}

/// Keeps what GitHub shows only once.
async fn keep(context: &SetupContext, created: CreatedApp) -> anyhow::Result<ReadyApp> {
    let CreatedApp { id, slug, html_url, webhook_secret, pem } = created;
    let webhook_secret = match webhook_secret.filter(|secret| !secret.expose_secret().is_empty()) {
        Some(secret) => secret,
        None => random()?.into(),
    };
    let app = AppCredentials { id: id.to_string(), webhook_secret, private_key: pem };
    let saved = context.options.save.as_ref().map(|folder| credentials::save(folder, &app));
    let slug = quoted(&slug);
    let app = match store(context, app, &format!("{slug} at {html_url}")).await {
        Ok(app) => app,
        Err(error) => {
            let advice = if matches!(saved, Some(Ok(()))) {
                "its key is saved: fix this and run it again".to_owned()
            } else {
                format!(
                    "its key is lost: delete the App under *Advanced* in its settings ({html_url}), fix this and run it again"
                )
            };
            bail!("{error:#}; the App {slug} was created, {advice}");
        }
    };
    // Even if this failed, it is stored in AWS.
    saved.transpose()?;
    Ok(app)
}

/// Stores the App's settings. From here on, its key is only where they are.
async fn store(context: &SetupContext, app: AppCredentials, what: &str) -> anyhow::Result<ReadyApp> {
    let id: u64 = app.id.parse().map_err(|_| anyhow!("got {} as the App's id, expected a number", quoted(&app.id)))?;
    let key = context.vault.put_app(&app).await?;
    let Names { app_id, webhook_secret, private_key, .. } = &context.vault.names;
    report(SetupStep::App, format!("id {id}, {what}: stored as `{app_id}`, `{webhook_secret}` and {private_key}"))?;
    Ok(ReadyApp { app: key.app(&app.id)?, id: app.id, webhook_secret: app.webhook_secret })
}
