//! GitHub's OIDC provider, which signs the tokens of jobs: where its keys are, and the ones that this process read last.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::USER_AGENT;
use http::{Method, Request, StatusCode};
use jiff::{SignedDuration, Timestamp};

use super::answer::Answer;
use super::client::AGENT;
use super::{GithubClient, GithubError};
use crate::gate::signature::IssuerKeys;
use crate::http::Bounds;
use crate::model::{ApiUrl, InvalidApiUrl};
use crate::time::Deadline;

pub(super) const KEYS: &str = "GET ISSUER/.well-known/jwks";
/// A set of keys has a few kilobytes.
const KEYS_BOUNDS: Bounds = Bounds { time: Duration::from_secs(2), body_bytes: 100 * 1024 };
/// An unknown key has them read again, but no more often.
const READ_AGAIN_AFTER: SignedDuration = SignedDuration::from_secs(60);
/// Keys that are older are read again, so that one that GitHub withdraws is not believed for long.
const KEYS_AGE_MAX: SignedDuration = SignedDuration::from_hours(1);
/// Where artifacts of GitHub Actions are kept (<https://docs.github.com/actions/reference/runners/self-hosted-runners#accessible-domains-by-function>).
const ARTIFACT_HOST_END: &str = ".blob.core.windows.net";

/// The provider, its keys, and the hosts that artifacts are read from.
#[derive(Debug)]
pub struct Issuer {
    name: String,
    keys_url: String,
    artifact_hosts: Vec<String>,
    kept: Mutex<Option<Kept>>,
}

#[derive(Debug, Clone)]
struct Kept {
    keys: IssuerKeys,
    read_at: Timestamp,
}

impl Issuer {
    /// The provider of this name, such as `https://token.actions.githubusercontent.com`. `artifact_hosts` are allowed beside GitHub's own.
    ///
    /// # Errors
    /// A name that is not the URL of a provider.
    pub fn new(name: &str, artifact_hosts: Vec<String>) -> Result<Self, InvalidApiUrl> {
        let name = ApiUrl::parse(name)?.to_string();
        let keys_url = format!("{name}/.well-known/jwks");
        Ok(Self { name, keys_url, artifact_hosts, kept: Mutex::default() })
    }

    /// The same provider, whose keys are read elsewhere.
    #[must_use]
    pub fn with_keys_at(self, keys_url: String) -> Self {
        Self { keys_url, ..self }
    }

    /// The provider of an API: GitHub's own, or that of an enterprise's subdomain of `ghe.com`. `None` for a GitHub Enterprise Server, whose jobs do not name
    /// their own id.
    pub fn name_for(api: &ApiUrl) -> Option<String> {
        let origin = api.origin();
        let host = origin.strip_prefix("https://api.")?;
        match host {
            "github.com" => Some("https://token.actions.githubusercontent.com".to_owned()),
            host if host.ends_with(".ghe.com") => Some(format!("https://token.actions.{host}")),
            _ => None,
        }
    }

    /// The keys that were read last, or new ones if there are none or they are old. Old ones are better than none.
    pub(super) async fn keys(&self, client: &GithubClient, deadline: Deadline) -> Result<IssuerKeys, GithubError> {
        let Some(kept) = self.kept() else { return self.read(client, deadline).await };
        if deadline.present().duration_since(kept.read_at) < KEYS_AGE_MAX {
            return Ok(kept.keys);
        }
        Ok(self.read(client, deadline).await.unwrap_or(kept.keys))
    }

    /// New keys, because a token names one that is not among those that were read last. `None` if those are new themselves.
    pub(super) async fn newer_keys(
        &self,
        client: &GithubClient,
        deadline: Deadline,
    ) -> Result<Option<IssuerKeys>, GithubError> {
        let is_new = |kept: &Kept| deadline.present().duration_since(kept.read_at) < READ_AGAIN_AFTER;
        if self.kept().as_ref().is_some_and(is_new) { Ok(None) } else { self.read(client, deadline).await.map(Some) }
    }

    async fn read(&self, client: &GithubClient, deadline: Deadline) -> Result<IssuerKeys, GithubError> {
        let answer = client
            .fetch_elsewhere(
                &Elsewhere { route: KEYS, url: &self.keys_url, name: "/.well-known/jwks", bounds: KEYS_BOUNDS },
                deadline,
            )
            .await?;
        if answer.status != StatusCode::OK {
            return Err(GithubError::Unreadable { route: KEYS, problem: format!("status {}", answer.status) });
        }
        let keys = IssuerKeys::parse(&self.name, &answer.body);
        let keys = keys.map_err(|error| GithubError::Unreadable { route: KEYS, problem: error.to_string() })?;
        let kept = Kept { keys: keys.clone(), read_at: deadline.present() };
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(kept);
        Ok(keys)
    }

    fn kept(&self) -> Option<Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether an artifact may be read from this host.
    pub(super) fn is_artifact_host(&self, host: &str) -> bool {
        host.ends_with(ARTIFACT_HOST_END)
            || self.artifact_hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(host))
    }
}

/// Something that is read from a host that is not the API's.
pub(super) struct Elsewhere<'a> {
    pub(super) route: &'static str,
    pub(super) url: &'a str,
    /// The path under which it is recorded.
    pub(super) name: &'a str,
    pub(super) bounds: Bounds,
}

impl GithubClient {
    /// Reads from a host that is not the API's: without any header of ours but the program's name, and without following a redirect.
    pub(super) async fn fetch_elsewhere(
        &self,
        what: &Elsewhere<'_>,
        deadline: Deadline,
    ) -> Result<Answer, GithubError> {
        let place = self.recording.as_ref().map(|recording| (recording, recording.begin(&Method::GET, what.name)));
        let answer = self.fetch(what, deadline).await;
        if let Some((recording, place)) = place {
            recording.end(place, &answer);
        }
        answer
    }

    async fn fetch(&self, what: &Elsewhere<'_>, deadline: Deadline) -> Result<Answer, GithubError> {
        let route = what.route;
        let request = Request::get(what.url).header(USER_AGENT, AGENT).body(Bytes::new());
        let request = request.map_err(|error| GithubError::NotSent { route, source: error.into() })?;
        let answer = tokio::time::timeout_at(deadline.ends, self.http.send(request, what.bounds)).await;
        let answer = answer.map_err(|_| GithubError::TimedOut { route })?;
        let (head, body) = answer.map_err(|error| GithubError::of_http(route, error))?.into_parts();
        Ok(Answer { route, status: head.status, headers: head.headers, body })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::*;

    fn name_for(api: &str) -> Option<String> {
        Issuer::name_for(&ApiUrl::parse(api).unwrap())
    }

    #[test]
    fn each_api_has_its_provider() {
        let github = name_for("https://api.github.com");
        assert_eq!(github.as_deref(), Some("https://token.actions.githubusercontent.com"));
        assert_eq!(name_for("https://api.octo.ghe.com").as_deref(), Some("https://token.actions.octo.ghe.com"));
        assert_eq!(name_for("https://ghe.example.com/api/v3"), None);
        assert_eq!(name_for("https://api.evil-ghe.com"), None);
    }

    #[test]
    fn artifacts_are_read_from_known_hosts_alone() {
        let issuer = Issuer::new("https://token.example", vec!["artifacts.example".to_owned()]).unwrap();
        assert!(issuer.is_artifact_host("productionresultssa0.blob.core.windows.net"));
        assert!(issuer.is_artifact_host("Artifacts.example"));
        for other in ["blob.core.windows.net.example", "evil.example", "xblob.core.windows.net"] {
            assert!(!issuer.is_artifact_host(other), "{other}");
        }
    }
}
