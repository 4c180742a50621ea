//! Step 3: the App's webhook is pointed at the function. The only file that changes an App.

use environment_gate::doctor::Inspector;
use environment_gate::github::App;
use environment_gate::model::quoted;
use secrecy::ExposeSecret as _;
use serde::Serialize;

use super::context::SetupContext;
use super::credentials::AppCredentials;
use super::manifest::PLACEHOLDER_URL;
use super::progress::{SetupStep, report};

const SET_HOOK: &str = "PATCH /app/hook/config";

/// The App's webhook: JSON, signed, over TLS that is verified
/// (<https://docs.github.com/rest/apps/webhooks#update-a-webhook-configuration-for-an-app>).
#[derive(Serialize)]
struct HookBody<'a> {
    url: &'a str,
    content_type: &'static str,
    secret: &'a str,
    insecure_ssl: &'static str,
}

/// Where people find the App.
pub(super) struct AppPage {
    pub(super) slug: String,
    pub(super) url: String,
}

/// Sets the App's webhook, unless it deliberately points somewhere else.
pub(super) async fn connect(context: &SetupContext, credentials: &AppCredentials) -> anyhow::Result<AppPage> {
    let app = App::new(&credentials.id, &credentials.private_key)?;
    let inspector = Inspector::new(&context.github, &app, context.deadline());
    let facts = inspector.app().await?;
    let hook = inspector.hook().await?;
    let present = hook.url.filter(|url| !url.is_empty() && url != PLACEHOLDER_URL);
    let is_verified = hook.insecure_ssl.is_none_or(|value| value == "0" || value == 0);
    let is_complete = hook.content_type.as_deref() == Some("json") && hook.secret.is_some() && is_verified;
    let text = match (&context.webhook_url, &present) {
        (None, Some(url)) if is_complete => format!("points to {}, and is left as it is", quoted(url)),
        (wanted, present) => {
            let wanted = wanted.as_ref().or(present.as_ref());
            // Set even if it looks right: nobody can see whether GitHub has this very secret.
            let body = HookBody {
                url: wanted.map_or(PLACEHOLDER_URL, String::as_str),
                content_type: "json",
                secret: credentials.webhook_secret.expose_secret(),
                insecure_ssl: "0",
            };
            inspector.app.patch(SET_HOOK, "/app/hook/config".to_owned(), &body).await?;
            match wanted {
                Some(url) => format!("points to {} (JSON, signed)", quoted(url)),
                None => "points nowhere yet: deploy the function".to_owned(),
            }
        }
    };
    report(SetupStep::Webhook, text)?;
    Ok(AppPage { slug: facts.slug, url: facts.html_url })
}
