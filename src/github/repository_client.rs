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
use super::{AppClient, GithubError, Limits, RepositoryRef};
use crate::model::{EnvironmentName, Repository, RepositoryName};

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
    /// Held while a token is minted, so that parallel calls mint one; whether one was minted after a refusal.
    has_renewed: tokio::sync::Mutex<bool>,
}

impl<'a> RepositoryClient<'a> {
    /// Reads one repository with a token of this installation. Nothing is called yet.
    pub fn new(app: &AppClient<'a>, installation_id: u64, repository: RepositoryRef) -> Self {
        let (app, key) = (app.clone(), repository.key(installation_id));
        Self { app, installation_id, repository, key, has_renewed: tokio::sync::Mutex::new(false) }
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

    pub(super) fn limits(&self) -> Limits {
        self.app.client.limits()
    }

    /// Makes a call with the installation token. A refused token is minted once more.
    pub(super) async fn send(&self, call: &Call) -> Result<Answer, GithubError> {
        let token = self.token(None).await?;
        let answer = self.send_with(call, &token).await?;
        if answer.status != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        let token = self.token(Some(&token)).await?;
        let answer = self.send_with(call, &token).await?;
        if answer.status == StatusCode::UNAUTHORIZED {
            return Err(GithubError::TokenRefused { route: call.route });
        }
        Ok(answer)
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
        let mut has_renewed = self.has_renewed.lock().await;
        let is_refused =
            |token: &InstallationToken| refused.is_some_and(|refused| refused.authorization == token.authorization);
        if let Some(token) = tokens.get(&self.key, self.app.deadline.now).filter(|token| !is_refused(token)) {
            return Ok(token);
        }
        if refused.is_some() {
            if *has_renewed {
                return Err(GithubError::TokenRefused { route: MINT });
            }
            *has_renewed = true;
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
        InstallationToken::read(&answer, &self.repository)
    }
}
