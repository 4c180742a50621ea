//! The App on one repository: reads with an installation token that is minted when it is needed.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;

use super::answer::Answer;
use super::call::Call;
use super::client::Caller;
use super::installation_token::{InstallationToken, MINT, TokenKey};
use super::rate_limit::RateLimitOwner;
use super::wire::EnvironmentWire;
use super::{AppClient, GithubClient, GithubError, Limits, RepositoryRef};
use crate::model::{ApiUrl, EnvironmentName, Repository, RepositoryName};
use crate::time::Deadline;

/// The longest pause before a call is made again with a token that GitHub may not know yet.
const YOUNG_TOKEN_PAUSE_MAX: Duration = Duration::from_secs(2);

pub(super) const ENVIRONMENT: &str = "GET /repos/{owner}/{repo}/environments/{environment_name}";

/// What stays unescaped in a path segment: RFC 3986's unreserved characters.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A name as one segment of a path.
pub fn path_segment(name: &str) -> String {
    utf8_percent_encode(name, SEGMENT).to_string()
}

/// The path of an environment, whatever its name.
pub fn environment_path(repository: &RepositoryName, name: &EnvironmentName) -> String {
    format!("/repos/{repository}/environments/{}", path_segment(name.as_str()))
}

/// An installation of the App on one repository, for the time of one delivery. Its public methods only read; what posts is
/// [`Reviewer`](super::Reviewer).
#[derive(Debug)]
pub struct RepositoryClient<'a> {
    app: AppClient<'a>,
    installation_id: u64,
    repository: RepositoryRef,
    key: TokenKey,
    /// Held while a token is minted, so that parallel calls mint one.
    minting: tokio::sync::Mutex<()>,
}

impl<'a> RepositoryClient<'a> {
    /// Reads one repository with a token of this installation. Nothing is called yet.
    pub fn new(app: &AppClient<'a>, installation_id: u64, repository: RepositoryRef) -> Self {
        let (app, key) = (app.clone(), repository.key(installation_id));
        Self { app, installation_id, repository, key, minting: tokio::sync::Mutex::default() }
    }

    /// Gets a token, unless one is kept: before reads are made in parallel, because otherwise each of them would ask for one.
    ///
    /// # Errors
    /// GitHub gives no token for this repository.
    pub async fn authorize(&self) -> Result<(), GithubError> {
        self.token(None).await.map(drop)
    }

    /// The repository as the token's answer names it: a failed delivery knows only its id, the policy only its name.
    ///
    /// # Errors
    /// GitHub gives no token for this repository, or no name with it.
    pub async fn repository(&self) -> Result<Repository, GithubError> {
        let token = self.token(None).await?;
        let name = token.repository_name.clone().ok_or_else(|| GithubError::Unreadable {
            route: MINT,
            problem: "`repositories[0].full_name`: missing".to_owned(),
        })?;
        Ok(Repository { id: token.repository_id, name })
    }

    /// Whether GitHub asked for a pause, or so little is left of the installation's hourly calls that it should be kept for deliveries.
    pub fn is_scarce(&self) -> bool {
        self.app.client.rate_limits.is_scarce(self.owner(), self.app.deadline.now)
    }

    /// How many calls to GitHub were made so far, by this client and the App's that it came from.
    pub fn calls(&self) -> u32 {
        self.app.calls()
    }

    /// How an environment is protected; `None` where there is none of that name.
    ///
    /// # Errors
    /// No answer, or one about another environment.
    pub async fn environment(
        &self,
        repository: &RepositoryName,
        name: &EnvironmentName,
    ) -> Result<Option<EnvironmentWire>, GithubError> {
        let answer = self.send(&Call::get(ENVIRONMENT, environment_path(repository, name))).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let environment: EnvironmentWire = answer.json()?;
        if EnvironmentName::parse(&environment.name).is_ok_and(|got| got == *name) {
            return Ok(Some(environment));
        }
        Err(answer.unreadable("another environment than the one asked for".to_owned()))
    }

    /// Reads something of the repository.
    ///
    /// # Errors
    /// No answer, or one that is not a success.
    pub async fn get<T: DeserializeOwned>(&self, route: &'static str, path: String) -> Result<T, GithubError> {
        self.send(&Call::get(route, path)).await?.json()
    }

    /// Waits for a random time of up to `longest`: GitHub's data lags, and not all who wait should do the same at once.
    pub(super) async fn pause(&self, longest: Duration) {
        let pause = tokio::time::sleep(longest.mul_f64(fastrand::f64()));
        // The next call finds out that the time is over.
        let _ = tokio::time::timeout_at(self.app.deadline.ends, pause).await;
    }

    pub(super) fn client(&self) -> &'a GithubClient {
        self.app.client
    }

    pub(super) fn api(&self) -> &'a ApiUrl {
        self.app.client.api()
    }

    pub(super) fn deadline(&self) -> Deadline {
        self.app.deadline
    }

    pub(super) fn app_id(&self) -> &'a str {
        self.app.id()
    }

    pub(super) fn limits(&self) -> Limits {
        self.app.client.limits()
    }

    /// Reads what should be there: a 404 is looked at once more, and proves nothing even then.
    pub(super) async fn read(&self, call: &Call) -> Result<Answer, GithubError> {
        let answer = self.send_again_if_missing(call).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Err(GithubError::NotFound { route: call.route });
        }
        Ok(answer)
    }

    /// Makes a call, and once more after a pause if the answer is 404.
    pub(super) async fn send_again_if_missing(&self, call: &Call) -> Result<Answer, GithubError> {
        let answer = self.send(call).await?;
        if answer.status != StatusCode::NOT_FOUND {
            return Ok(answer);
        }
        self.pause(self.limits().pause).await;
        self.send(call).await
    }

    /// Makes a call with the installation token. One that is refused is used again after a pause while it is young; an older one is minted anew.
    pub(super) async fn send(&self, call: &Call) -> Result<Answer, GithubError> {
        let mut pause = self.limits().pause;
        let mut token = self.token(None).await?;
        loop {
            let answer = self.send_with(call, &token).await?;
            if !is_refusal(&answer) {
                return Ok(answer);
            }
            let deadline = self.app.deadline;
            if !token.is_young(deadline.present()) {
                token = self.token(Some(&token)).await?;
                if !call.is_idempotent {
                    // That took time: what a review rests on is looked at again first.
                    return Err(GithubError::TokenRenewed { route: call.route });
                }
            } else if call.is_idempotent && deadline.time_left() > pause {
                tokio::time::sleep(pause).await;
                pause = pause.saturating_mul(2).min(YOUNG_TOKEN_PAUSE_MAX);
            } else {
                let (status, message) = (answer.status, answer.message());
                return Err(GithubError::TokenRefused { route: call.route, status, message });
            }
        }
    }

    async fn send_with(&self, call: &Call, token: &InstallationToken) -> Result<Answer, GithubError> {
        let caller = Caller {
            owner: self.owner(),
            authorization: Some(&token.authorization),
            deadline: self.app.deadline,
            calls: &self.app.calls,
        };
        self.app.client.send(call, &caller).await
    }

    fn owner(&self) -> RateLimitOwner {
        RateLimitOwner::Installation(self.installation_id)
    }

    /// The kept token, or a new one if there is none or it is the refused one.
    async fn token(&self, refused: Option<&InstallationToken>) -> Result<Arc<InstallationToken>, GithubError> {
        let tokens = &self.app.client.tokens;
        let _one_at_a_time = self.minting.lock().await;
        let is_refused =
            |token: &InstallationToken| refused.is_some_and(|refused| refused.authorization == token.authorization);
        if let Some(token) = tokens.get(&self.key, self.app.deadline.now).filter(|token| !is_refused(token)) {
            return Ok(token);
        }
        let token = Arc::new(self.mint().await?);
        tokens.put(self.key.clone(), Arc::clone(&token));
        Ok(token)
    }

    async fn mint(&self) -> Result<InstallationToken, GithubError> {
        let answer = self.app.send(&self.repository.mint_call(self.installation_id)?).await?;
        let status = answer.status;
        if status.is_client_error() && !answer.is_rate_limit() {
            return Err(GithubError::MintRefused { route: MINT, status, message: answer.message() });
        }
        InstallationToken::read(&answer, &self.repository, self.app.deadline.present())
    }
}

/// Whether GitHub refuses the token: a 401, or a 403 that is no rate limit.
fn is_refusal(answer: &Answer) -> bool {
    match answer.status {
        StatusCode::UNAUTHORIZED => true,
        StatusCode::FORBIDDEN => !answer.is_rate_limit(),
        _ => false,
    }
}
