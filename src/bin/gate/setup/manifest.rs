//! The App manifest flow: a person makes the App with one press of a button, and GitHub hands its key to whoever has the code
//! (<https://docs.github.com/apps/sharing-github-apps/registering-a-github-app-from-a-manifest>). The only file that changes the App.

use std::sync::atomic::AtomicU32;

use http::StatusCode;
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::budget::Asker;
use super::client::{Call, Caller};
use super::{App, Client, GithubError, Lost};

const CONVERT: &str = "POST /app-manifests/{code}/conversions";
const SET_HOOK: &str = "PATCH /app/hook/config";

/// Characters of a code.
const CODE_CHARS_MAX: usize = 200;

/// What the App is to be: private, with our two permissions and our one event.
#[derive(Debug, Serialize)]
pub struct Manifest {
    name: String,
    url: String,
    description: &'static str,
    public: bool,
    hook_attributes: HookAttributes,
    redirect_url: String,
    default_permissions: super::installation::Permissions,
    default_events: [&'static str; 1],
}

#[derive(Debug, Serialize)]
struct HookAttributes {
    url: String,
    active: bool,
}

impl Manifest {
    /// The manifest of an App of that name, with a homepage, a webhook, and a page to come back to.
    pub fn new(name: String, url: String, webhook_url: String, redirect_url: String) -> Self {
        Self {
            name,
            url,
            description: "Lets one human approval of a gate environment count for the whole workflow run.",
            public: false,
            hook_attributes: HookAttributes { url: webhook_url, active: true },
            redirect_url,
            default_permissions: super::installation::PERMISSIONS,
            default_events: ["deployment_protection_rule"],
        }
    }
}

/// An App that was just made. Its key is shown once.
#[derive(Debug, Deserialize)]
pub struct MadeApp {
    /// Its id.
    pub id: u64,
    /// The name in its URLs.
    pub slug: String,
    /// Its page.
    pub html_url: String,
    /// The webhook's secret, if GitHub made one.
    pub webhook_secret: Option<SecretString>,
    /// The key in PEM.
    pub pem: SecretString,
}

/// Takes the App that a person just made. A code is good once, for an hour.
///
/// # Errors
/// A code that is none, that was used, or that is too old.
pub async fn convert(
    client: &Client,
    code: &str,
    (now, deadline): (Timestamp, Instant),
) -> Result<MadeApp, GithubError> {
    let refused =
        |status, message: &str| GithubError::Unexpected { route: CONVERT, status, message: message.to_owned() };
    let is_code = (1..=CODE_CHARS_MAX).contains(&code.len())
        && code.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    if !is_code {
        return Err(refused(StatusCode::BAD_REQUEST, "nothing, it was not asked: the code is none"));
    }
    let call = Call::post(CONVERT, format!("/app-manifests/{code}/conversions"), Vec::new());
    let caller = Caller { asker: Asker::Person, authorization: None, now, deadline, calls: &AtomicU32::new(0) };
    let answer = client.send(&call, &caller).await?;
    match answer.status {
        StatusCode::NOT_FOUND => {
            Err(refused(answer.status, "that it knows no such code: it was used, or is older than an hour"))
        }
        _ => answer.json(),
    }
}

/// The App's webhook, as it is to be.
#[derive(Debug, Clone, Copy)]
pub struct Hook<'a> {
    /// Where deliveries go.
    pub url: &'a str,
    /// What signs them.
    pub secret: &'a SecretString,
}

#[derive(Serialize)]
struct HookBody<'a> {
    url: &'a str,
    content_type: &'static str,
    secret: &'a str,
    insecure_ssl: &'static str,
}

/// Sets the App's webhook: JSON, signed, over TLS that is verified
/// (<https://docs.github.com/rest/apps/webhooks#update-a-webhook-configuration-for-an-app>).
///
/// # Errors
/// GitHub's.
pub async fn set_hook(
    (client, app): (&Client, &App),
    hook: Hook<'_>,
    (now, deadline): (Timestamp, Instant),
) -> Result<(), GithubError> {
    let body = HookBody { url: hook.url, content_type: "json", secret: hook.secret.expose_secret(), insecure_ssl: "0" };
    let unwritable = |_| GithubError::Unreadable { route: SET_HOOK, problem: "a webhook that is no JSON".to_owned() };
    let body = serde_json::to_vec(&body).map_err(unwritable)?;
    let call = Call { may_be_repeated: true, ..Call::patch(SET_HOOK, "/app/hook/config".to_owned(), body) };
    let answer = Lost::new((client, app), now, deadline).call(&call).await?;
    if answer.status.is_success() { Ok(()) } else { Err(answer.error()) }
}
