//! An installation token: for one repository and two permissions, kept until shortly before it expires.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::header::HeaderValue;
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::GithubError;
use super::answer::Answer;
use super::app_token::bearer;
use super::call::Call;
use crate::model::{RepositoryName, quoted};

pub(super) const MINT: &str = "POST /app/installations/{installation_id}/access_tokens";
/// A token is not used in its last minutes: a call takes time, and GitHub's clock may differ.
const TOKEN_RESERVE: SignedDuration = SignedDuration::from_mins(5);
/// GitHub can refuse a new token for seconds (401, 403): until it is this old, a refusal says nothing about it.
const YOUNG_TOKEN_AGE_MAX: SignedDuration = SignedDuration::from_secs(10);
/// Tokens that are kept; when there are more, all are forgotten.
const TOKENS_MAX: usize = 256;

/// The permissions that every token is narrowed to: what the App needs, and no more.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Permissions {
    actions: &'static str,
    deployments: &'static str,
}

/// What the App asks for.
pub const PERMISSIONS: Permissions = Permissions { actions: "read", deployments: "write" };

/// The one repository that a token is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RepositoryRef {
    /// By its id, as deliveries name it.
    Id(u64),
    /// By its name, as the policy does.
    Name(RepositoryName),
}

impl RepositoryRef {
    pub(super) fn key(&self, installation_id: u64) -> TokenKey {
        let repository = match self {
            Self::Id(id) => id.to_string(),
            Self::Name(name) => name.to_string(),
        };
        TokenKey { installation_id, repository }
    }

    /// The call that mints a token for it.
    pub(super) fn mint_call(&self, installation_id: u64) -> Result<Call, GithubError> {
        let repository = match self {
            Self::Id(id) => MintRepository::RepositoryIds([*id]),
            Self::Name(name) => MintRepository::Repositories([name.name()]),
        };
        let body = MintBody { repository, permissions: PERMISSIONS };
        let body =
            serde_json::to_vec(&body).map_err(|error| GithubError::NotSent { route: MINT, source: error.into() })?;
        let path = format!("/app/installations/{installation_id}/access_tokens");
        // Another token does no harm.
        Ok(Call { is_idempotent: true, ..Call::post(MINT, path, body) })
    }
}

/// <https://docs.github.com/rest/apps/apps#create-an-installation-access-token-for-an-app>
#[derive(Serialize)]
struct MintBody<'a> {
    #[serde(flatten)]
    repository: MintRepository<'a>,
    permissions: Permissions,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum MintRepository<'a> {
    RepositoryIds([u64; 1]),
    Repositories([&'a str; 1]),
}

#[derive(Deserialize)]
struct TokenWire {
    token: SecretString,
    expires_at: Timestamp,
    #[serde(default)]
    repositories: Vec<TokenRepositoryWire>,
    permissions: Option<HashMap<String, serde_json::Value>>,
}

#[derive(Deserialize)]
struct TokenRepositoryWire {
    id: u64,
    full_name: Option<String>,
}

/// The installation, and the repository as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct TokenKey {
    installation_id: u64,
    repository: String,
}

/// The tokens of one process (GitHub gives each an hour).
#[derive(Debug, Default)]
pub(super) struct InstallationTokens(Mutex<HashMap<TokenKey, Arc<InstallationToken>>>);

impl InstallationTokens {
    pub(super) fn get(&self, key: &TokenKey, now: Timestamp) -> Option<Arc<InstallationToken>> {
        self.lock().get(key).filter(|token| token.expires_at.duration_since(now) > TOKEN_RESERVE).cloned()
    }

    pub(super) fn put(&self, key: TokenKey, token: Arc<InstallationToken>) {
        let mut tokens = self.lock();
        if tokens.len() >= TOKENS_MAX {
            tokens.clear();
        }
        tokens.insert(key, token);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TokenKey, Arc<InstallationToken>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A token for exactly one repository.
#[derive(Debug)]
pub(super) struct InstallationToken {
    pub(super) authorization: HeaderValue,
    minted_at: Timestamp,
    expires_at: Timestamp,
    pub(super) repository_id: u64,
    pub(super) repository_name: Option<RepositoryName>,
}

impl InstallationToken {
    /// Reads the answer to a mint. A token for another repository or for several, or one without the permissions we need, is not used.
    pub(super) fn read(answer: &Answer, repository: &RepositoryRef, now: Timestamp) -> Result<Self, GithubError> {
        let minted: TokenWire = answer.json()?;
        let wrong = |got: String, expected: String| GithubError::WrongToken { route: MINT, got, expected };
        let [got] = minted.repositories.as_slice() else {
            return Err(wrong(format!("{} repositories", minted.repositories.len()), "one".to_owned()));
        };
        let name = got.full_name.as_deref().and_then(|name| RepositoryName::parse(name).ok());
        let (is_ours, asked) = match repository {
            RepositoryRef::Id(id) => (*id == got.id, format!("repository {id} alone")),
            RepositoryRef::Name(asked) => {
                (name.as_ref() == Some(asked), format!("{} alone", quoted(&asked.to_string())))
            }
        };
        if !is_ours {
            return Err(wrong(format!("repository {}", got.id), asked));
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
            .filter(|_| !minted.token.expose_secret().is_empty())
            .ok_or_else(|| answer.unreadable("`token`: empty, or not valid in a header".to_owned()))?;
        let (minted_at, expires_at) = (now, minted.expires_at);
        Ok(Self { authorization, minted_at, expires_at, repository_id: got.id, repository_name: name })
    }

    /// Whether it is so new that GitHub may not know it everywhere yet.
    pub(super) fn is_young(&self, now: Timestamp) -> bool {
        now.duration_since(self.minted_at) < YOUNG_TOKEN_AGE_MAX
    }
}
