//! One installation of the App on one repository: its token, minted when it is needed, narrowed to what we do.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::StatusCode;
use http::header::HeaderValue;
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::answer::Answer;
use super::app::bearer;
use super::budget::Asker;
use super::client::{Call, Caller};
use super::{App, Client, GithubError, Limits};
use crate::model::{Repository, RepositoryName, quoted};

const MINT: &str = "POST /app/installations/{installation_id}/access_tokens";
/// A token is not used in its last minutes: a call, and GitHub's clock, need time.
const TOKEN_RESERVE: SignedDuration = SignedDuration::from_mins(5);
/// Tokens of so many repositories are kept; then all are forgotten.
const TOKENS_MAX: usize = 256;

/// The permissions that every token is narrowed to: what the App needs, and no more.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Permissions {
    actions: &'static str,
    deployments: &'static str,
}

pub(super) const PERMISSIONS: Permissions = Permissions { actions: "read", deployments: "write" };

#[derive(Serialize)]
struct MintBody<'a> {
    #[serde(flatten)]
    repository: MintFor<'a>,
    permissions: Permissions,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum MintFor<'a> {
    RepositoryIds([u64; 1]),
    Repositories([&'a str; 1]),
}

/// The one repository that a token is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Of {
    /// By its id, as deliveries name it.
    Id(u64),
    /// By its name, as the policy does.
    Name(RepositoryName),
}

#[derive(Deserialize)]
struct Minted {
    token: SecretString,
    expires_at: Timestamp,
    #[serde(default)]
    repositories: Vec<MintedRepository>,
    permissions: Option<HashMap<String, serde_json::Value>>,
}

#[derive(Deserialize)]
struct MintedRepository {
    id: u64,
    full_name: Option<String>,
}

/// Tokens of one process, kept until shortly before they expire (GitHub gives them an hour).
#[derive(Debug, Default)]
pub struct Tokens(Mutex<HashMap<Key, Arc<Token>>>);

/// The installation, and the repository as it was asked for.
type Key = (u64, String);

#[derive(Debug)]
pub(super) struct Token {
    authorization: HeaderValue,
    expires_at: Timestamp,
    repository_id: u64,
    repository_name: Option<RepositoryName>,
}

impl Tokens {
    fn get(&self, key: &Key, now: Timestamp) -> Option<Arc<Token>> {
        let tokens = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        tokens.get(key).filter(|token| token.expires_at.duration_since(now) > TOKEN_RESERVE).cloned()
    }

    fn put(&self, key: Key, token: Arc<Token>) {
        let mut tokens = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if tokens.len() >= TOKENS_MAX {
            tokens.clear();
        }
        tokens.insert(key, token);
    }
}

/// The App on one repository, for the time of one delivery.
#[derive(Debug)]
pub struct Installation<'a> {
    client: &'a Client,
    app: &'a App,
    tokens: &'a Tokens,
    id: u64,
    of: Of,
    key: Key,
    now: Timestamp,
    deadline: Instant,
    /// Held while a token is minted, so that parallel calls mint one; says whether one was minted after a refusal.
    renewed: tokio::sync::Mutex<bool>,
    calls: AtomicU32,
}

impl<'a> Installation<'a> {
    /// An installation on a repository, until `deadline`. Nothing is called yet.
    pub fn new(
        (client, app, tokens): (&'a Client, &'a App, &'a Tokens),
        (id, of): (u64, Of),
        now: Timestamp,
        deadline: Instant,
    ) -> Self {
        let repository = match &of {
            Of::Id(id) => id.to_string(),
            Of::Name(name) => name.to_string(),
        };
        Self {
            client,
            app,
            tokens,
            id,
            of,
            key: (id, repository),
            now,
            deadline,
            renewed: tokio::sync::Mutex::new(false),
            calls: AtomicU32::new(0),
        }
    }

    /// Has a token, minted now unless one is kept: before reads are made at once, or each of them would try.
    pub async fn authorize(&self) -> Result<(), GithubError> {
        self.token(None).await.map(drop)
    }

    /// The repository, by the words of the token's answer: a failed delivery knows only its id, the policy only its name.
    pub async fn repository(&self) -> Result<Repository, GithubError> {
        let token = self.token(None).await?;
        let name = token.repository_name.clone().ok_or_else(|| GithubError::Unreadable {
            route: MINT,
            problem: "`repositories[0].full_name`: missing".to_owned(),
        })?;
        Ok(Repository { id: token.repository_id, name })
    }

    /// Waits a moment, by chance up to `longest`: for GitHub's data, which lags, and so that not all who wait do the same at once.
    pub(super) async fn pause(&self, longest: Duration) {
        let some = tokio::time::sleep(longest.mul_f64(fastrand::f64()));
        // The next call sees that the time is over.
        let _ = tokio::time::timeout_at(self.deadline, some).await;
    }

    /// Does GitHub want to be left alone, or is so little left of the installation's hourly calls that it should be kept for deliveries?
    pub fn is_scarce(&self) -> bool {
        self.client.is_scarce(self.id, self.now)
    }

    /// What a delivery may cost.
    pub(super) fn limits(&self) -> Limits {
        self.client.limits()
    }

    /// How many calls to GitHub were made so far, tries included.
    pub fn calls(&self) -> u32 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Makes a call with the installation's token. A refused token is minted once more.
    pub(super) async fn send(&self, call: &Call) -> Result<Answer, GithubError> {
        let asker = Asker::Installation(self.id);
        let token = self.token(None).await?;
        let answer = self.call(call, (asker, &token.authorization)).await?;
        if answer.status != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        let token = self.token(Some(&token)).await?;
        let answer = self.call(call, (asker, &token.authorization)).await?;
        if answer.status == StatusCode::UNAUTHORIZED {
            return Err(GithubError::TokenRefused { route: call.route });
        }
        Ok(answer)
    }

    async fn call(&self, call: &Call, (asker, authorization): (Asker, &HeaderValue)) -> Result<Answer, GithubError> {
        let (now, deadline, calls, authorization) = (self.now, self.deadline, &self.calls, Some(authorization));
        self.client.send(call, &Caller { asker, authorization, now, deadline, calls }).await
    }

    /// The kept token, or a new one if there is none or it is the refused one.
    async fn token(&self, refused: Option<&Token>) -> Result<Arc<Token>, GithubError> {
        let mut renewed = self.renewed.lock().await;
        let is_refused = |token: &Token| refused.is_some_and(|refused| refused.authorization == token.authorization);
        if let Some(token) = self.tokens.get(&self.key, self.now).filter(|token| !is_refused(token)) {
            return Ok(token);
        }
        if refused.is_some() {
            if *renewed {
                return Err(GithubError::TokenRefused { route: MINT });
            }
            *renewed = true;
        }
        let token = Arc::new(self.mint().await?);
        self.tokens.put(self.key.clone(), Arc::clone(&token));
        Ok(token)
    }

    async fn mint(&self) -> Result<Token, GithubError> {
        let unsigned = || GithubError::AppRefused { route: MINT, message: "nothing, the key cannot sign".to_owned() };
        let repository = match &self.of {
            Of::Id(id) => MintFor::RepositoryIds([*id]),
            Of::Name(name) => MintFor::Repositories([name.name()]),
        };
        let body = MintBody { repository, permissions: PERMISSIONS };
        let body = serde_json::to_vec(&body).map_err(|_| unsigned())?;
        let path = format!("/app/installations/{}/access_tokens", self.id);
        // A token more does no harm.
        let call = Call { may_be_repeated: true, ..Call::post(MINT, path, body) };
        let authorization = self.app.authorization(self.now).ok_or_else(unsigned)?;
        let answer = self.call(&call, (Asker::App, &authorization)).await?;
        match answer.status {
            StatusCode::UNAUTHORIZED => {
                return Err(GithubError::AppRefused { route: MINT, message: answer.message() });
            }
            status if status.is_client_error() && !answer.is_limit() => {
                return Err(GithubError::MintRefused { route: MINT, status, message: answer.message() });
            }
            _ => {}
        }
        Token::read(&answer, &self.of)
    }
}

impl Token {
    /// A token that is for another repository, or for several, or that may not do what we do, is not used.
    pub(super) fn read(answer: &Answer, of: &Of) -> Result<Self, GithubError> {
        let minted: Minted = answer.json()?;
        let wrong = |got: String, expected: String| GithubError::WrongToken { route: MINT, got, expected };
        let [repository] = minted.repositories.as_slice() else {
            return Err(wrong(format!("{} repositories", minted.repositories.len()), "one".to_owned()));
        };
        let name = repository.full_name.as_deref().and_then(|name| RepositoryName::parse(name).ok());
        let (is_ours, asked) = match of {
            Of::Id(id) => (*id == repository.id, format!("repository {id} alone")),
            Of::Name(asked) => (name.as_ref() == Some(asked), format!("{} alone", quoted(&asked.to_string()))),
        };
        if !is_ours {
            return Err(wrong(format!("repository {}", repository.id), asked));
        }
        if let Some(permissions) = &minted.permissions {
            for (name, level) in [("actions", PERMISSIONS.actions), ("deployments", PERMISSIONS.deployments)] {
                let got = permissions.get(name).and_then(serde_json::Value::as_str).unwrap_or("none");
                if got != level && got != "write" {
                    return Err(wrong(format!("`{name}: {got}`"), format!("`{name}: {level}`")));
                }
            }
        }
        let authorization = bearer(&minted.token)
            .filter(|_| !secrecy::ExposeSecret::expose_secret(&minted.token).is_empty())
            .ok_or_else(|| answer.unreadable("`token`: empty, or not fit for a header".to_owned()))?;
        let (repository_id, repository_name) = (repository.id, name);
        Ok(Self { authorization, expires_at: minted.expires_at, repository_id, repository_name })
    }
}
