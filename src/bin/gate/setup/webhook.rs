//! Step 3: the App's webhook is pointed at the function. The only file that changes an App.

use anyhow::bail;
use environment_gate::doctor::{Inspector, WebhookUrl};
use environment_gate::github::GithubError;
use environment_gate::model::quoted;
use http::StatusCode;
use secrecy::ExposeSecret as _;
use serde::Serialize;

use super::app::ReadyApp;
use super::context::SetupContext;
use super::progress::{SetupStep, report};

const SET_HOOK: &str = "PATCH /app/hook/config";
/// What a person does to activate a webhook: `SET_HOOK` cannot, nor can any other call.
pub(super) const ACTIVATE: &str = "in the App owner's *Settings → Developer settings → GitHub Apps → Edit*, under *Webhook*, tick *Active* and press *Save changes*";

/// The App's webhook: JSON, signed, over TLS that is verified
/// (<https://docs.github.com/rest/apps/webhooks#update-a-webhook-configuration-for-an-app>).
#[derive(Serialize)]
struct HookBody<'a> {
    url: &'a str,
    content_type: &'static str,
    secret: &'a str,
    insecure_ssl: &'static str,
}

/// The App, for what is left to do.
pub(super) struct ConnectedApp {
    pub(super) slug: String,
    /// Its page.
    pub(super) url: String,
    /// Its webhook was pointed at the function just now, and may not be active: GitHub's API can neither show nor change that.
    pub(super) may_be_inactive: bool,
}

/// Whether there is no webhook whose settings could be changed.
fn is_missing(error: &GithubError) -> bool {
    matches!(error, GithubError::Unexpected { status, .. } if *status == StatusCode::NOT_FOUND)
}

/// Sets the App's webhook, unless it deliberately points somewhere else.
pub(super) async fn connect(context: &SetupContext, ready: &ReadyApp) -> anyhow::Result<ConnectedApp> {
    let inspector = Inspector::new(&context.github, &ready.app, context.deadline());
    let facts = inspector.app().await?;
    let hook = inspector.hook().await?;
    let present = hook.url.filter(|url| !url.is_empty() && url != WebhookUrl::PLACEHOLDER);
    let is_verified = hook.insecure_ssl.is_none_or(|value| value == "0" || value == 0);
    let is_complete = hook.content_type.as_deref() == Some("json") && hook.secret.is_some() && is_verified;
    let asked = context.webhook_url.as_ref().map(ToString::to_string);
    let text = match (&asked, &present) {
        (None, Some(url)) if is_complete => format!("points to {}, and is left as it is", quoted(url)),
        (asked, present) => {
            let wanted = asked.as_ref().or(present.as_ref());
            // Set even if it looks right: nobody can see whether GitHub has this very secret.
            let body = HookBody {
                url: wanted.map_or(WebhookUrl::PLACEHOLDER, String::as_str),
                content_type: "json",
                secret: ready.webhook_secret.expose_secret(),
                insecure_ssl: "0",
            };
            let patched = inspector.app.patch(SET_HOOK, "/app/hook/config".to_owned(), &body).await;
            match (patched, wanted) {
                (Ok(()), Some(url)) => format!("points to {} (JSON, signed)", quoted(url)),
                (Ok(()), None) => "is not active and points nowhere yet: deploy the function".to_owned(),
                (Err(error), None) if is_missing(&error) => "is not active yet: deploy the function".to_owned(),
                (Err(error), Some(url)) if is_missing(&error) => bail!(
                    "{error}; the App has no active webhook, and only a person can change that: {ACTIVATE} (webhook URL: {}), then run it again",
                    quoted(url)
                ),
                (Err(error), _) => return Err(error.into()),
            }
        }
    };
    report(SetupStep::Webhook, text)?;
    let may_be_inactive = asked.is_some() && asked != present;
    Ok(ConnectedApp { slug: facts.slug, url: facts.html_url, may_be_inactive })
}
