//! The App manifest flow: a person creates the App with one press of a button, and GitHub gives its key to whoever has the code
//! (<https://docs.github.com/apps/sharing-github-apps/registering-a-github-app-from-a-manifest>).

use environment_gate::doctor::WebhookUrl;
use environment_gate::github::{GithubClient, GithubError, PERMISSIONS, Permissions};
use environment_gate::time::Deadline;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::context::SetupContext;
use super::random::random;
use crate::values::APP_NAME_CHARS_MAX;

const CONVERT: &str = "POST /app-manifests/{code}/conversions";
/// Characters of a code.
const CODE_CHARS_MAX: usize = 200;

/// What the App will be: private, with our two permissions and our one event.
#[derive(Debug, Serialize)]
pub(super) struct Manifest {
    name: String,
    url: String,
    description: &'static str,
    public: bool,
    hook_attributes: HookAttributes,
    redirect_url: String,
    default_permissions: Permissions,
    default_events: [&'static str; 1],
}

#[derive(Debug, Serialize)]
struct HookAttributes {
    url: String,
    /// Whether GitHub sends anything: not to the placeholder, which is somebody else's host.
    active: bool,
}

impl Manifest {
    /// The manifest of the App that was asked for. GitHub sends the browser back to `redirect_url`.
    pub(super) fn new(context: &SetupContext, redirect_url: String) -> anyhow::Result<Self> {
        let (owner, web) = (context.options.owner.as_deref(), context.api.web());
        let name = match (&context.options.name, owner) {
            (Some(name), _) => name.clone(),
            (None, Some(owner)) => format!("{owner} gate").chars().take(APP_NAME_CHARS_MAX).collect(),
            (None, None) => format!("environment-gate-{}", random()?.chars().take(6).collect::<String>()),
        };
        Ok(Self {
            name,
            url: owner.map_or_else(|| web.clone(), |owner| format!("{web}/{owner}")),
            description: "Lets one human approval of a gate environment count for the whole workflow run.",
            public: false,
            hook_attributes: HookAttributes {
                url: context
                    .webhook_url
                    .as_ref()
                    .map_or_else(|| WebhookUrl::PLACEHOLDER.to_owned(), ToString::to_string),
                active: context.webhook_url.is_some(),
            },
            redirect_url,
            default_permissions: PERMISSIONS,
            default_events: ["deployment_protection_rule"],
        })
    }
}

/// The page on which GitHub takes a manifest.
pub(super) fn new_app_url(context: &SetupContext) -> String {
    let web = context.api.web();
    match &context.options.owner {
        Some(owner) => format!("{web}/organizations/{owner}/settings/apps/new"),
        None => format!("{web}/settings/apps/new"),
    }
}

/// An App that was just created. GitHub shows its key only this once.
#[derive(Debug, Deserialize)]
pub(super) struct CreatedApp {
    pub(super) id: u64,
    /// The name in its URLs.
    pub(super) slug: String,
    /// Its page.
    pub(super) html_url: String,
    /// The webhook's secret, if GitHub made one.
    pub(super) webhook_secret: Option<SecretString>,
    /// The key in PEM.
    pub(super) pem: SecretString,
}

/// Why GitHub gave no App for a code.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConversionError {
    #[error("the browser came back with something that is not a GitHub code: nothing was sent")]
    NotACode,
    #[error("GitHub does not know the code: it was used, or is older than an hour")]
    UnknownCode,
    #[error(transparent)]
    Github(#[from] GithubError),
}

impl ConversionError {
    /// Whether GitHub may have sent the App's key in a response that never arrived.
    pub(super) fn may_have_lost_the_key(&self) -> bool {
        match self {
            Self::NotACode | Self::UnknownCode => false,
            Self::Github(error) => !matches!(error, GithubError::Unexpected { .. }),
        }
    }
}

/// Exchanges the code for the App that a person just created. A code works once, for an hour.
pub(super) async fn convert(
    github: &GithubClient,
    code: &str,
    deadline: Deadline,
) -> Result<CreatedApp, ConversionError> {
    let is_code = (1..=CODE_CHARS_MAX).contains(&code.len())
        && code.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    if !is_code {
        return Err(ConversionError::NotACode);
    }
    let path = format!("/app-manifests/{code}/conversions");
    github.post_anonymously(CONVERT, path, deadline).await?.ok_or(ConversionError::UnknownCode)
}
