//! What every step of setup needs: what was asked, GitHub, and AWS.

use std::time::Duration;

use environment_gate::config::{KeyPlace, Names, api_from_env, aws_for_person, http_from_env};
use environment_gate::doctor::WebhookUrl;
use environment_gate::github::{GithubClient, Limits};
use environment_gate::model::ApiUrl;
use environment_gate::time::{Clock, Deadline};

use super::options::SetupOptions;
use super::vault::Vault;
use crate::stack;

/// The time limit for one step's calls to GitHub. GitHub makes a key, so a single call may take that long.
const STEP_TIME_MAX: Duration = Duration::from_secs(30);

pub(super) struct SetupContext {
    pub(super) options: SetupOptions,
    /// The webhook that the App should call, if that is known already.
    pub(super) webhook_url: Option<WebhookUrl>,
    pub(super) api: ApiUrl,
    pub(super) github: GithubClient,
    pub(super) vault: Vault,
    clock: Clock,
}

impl SetupContext {
    /// Finds AWS, and the stack's webhook if a stack was given. Nothing is changed.
    pub(super) async fn open(options: SetupOptions) -> anyhow::Result<Self> {
        let (api, http) = (api_from_env()?, http_from_env()?);
        let names = Names::from_env_or(&options.prefix)?;
        let names = match &options.kms {
            Some(alias) => Names { private_key: KeyPlace::KmsKey(alias.clone()), ..names },
            None => names,
        };
        let aws = aws_for_person(&http).await?;
        let webhook_url = match &options.stack {
            Some(name) => Some(stack::webhook_url(&aws, name).await?),
            None => options.webhook_url.clone(),
        };
        let limits = Limits { call: STEP_TIME_MAX, ..Limits::default() };
        let github = GithubClient::new(http, api.clone(), limits);
        Ok(Self { options, webhook_url, api, github, vault: Vault::new(&aws, names), clock: Clock::system() })
    }

    /// The deadline of a step that begins now.
    pub(super) fn deadline(&self) -> Deadline {
        Deadline::begin(&self.clock, STEP_TIME_MAX)
    }
}
