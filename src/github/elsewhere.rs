//! What is read from other hosts than the API's: the keys of the OIDC provider, and the files of artifacts.

use std::time::Duration;

use bytes::Bytes;
use http::header::USER_AGENT;
use http::{Method, Request, StatusCode};
use jiff::SignedDuration;

use super::answer::Answer;
use super::client::AGENT;
use super::issuer::{Issuer, KeptKeys};
use super::{GithubClient, GithubError};
use crate::gate::signature::IssuerKeys;
use crate::http::Bounds;
use crate::time::Deadline;

pub(super) const KEYS: &str = "GET ISSUER/.well-known/jwks";
/// A set of keys has a few kilobytes.
const KEYS_BOUNDS: Bounds = Bounds { time: Duration::from_secs(2), body_bytes: 100 * 1024 };
/// An unknown key has them read again, but no more often.
const READ_AGAIN_AFTER: SignedDuration = SignedDuration::from_secs(60);
/// Keys that are older are read again, so that one that GitHub withdraws is not believed for long.
const KEYS_AGE_MAX: SignedDuration = SignedDuration::from_hours(1);

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

    /// The keys that were read last, or new ones if there are none or they are old. Old ones are better than none.
    pub(super) async fn issuer_keys(&self, issuer: &Issuer, deadline: Deadline) -> Result<IssuerKeys, GithubError> {
        let Some(kept) = issuer.kept() else { return self.read_keys(issuer, deadline).await };
        if deadline.present().duration_since(kept.read_at) < KEYS_AGE_MAX {
            return Ok(kept.keys);
        }
        Ok(self.read_keys(issuer, deadline).await.unwrap_or(kept.keys))
    }

    /// New keys, because a token names one that is not among those that were read last. `None` if those are new themselves.
    pub(super) async fn newer_issuer_keys(
        &self,
        issuer: &Issuer,
        deadline: Deadline,
    ) -> Result<Option<IssuerKeys>, GithubError> {
        let is_new = |kept: &KeptKeys| deadline.present().duration_since(kept.read_at) < READ_AGAIN_AFTER;
        if issuer.kept().as_ref().is_some_and(is_new) {
            return Ok(None);
        }
        self.read_keys(issuer, deadline).await.map(Some)
    }

    async fn read_keys(&self, issuer: &Issuer, deadline: Deadline) -> Result<IssuerKeys, GithubError> {
        let what = Elsewhere { route: KEYS, url: issuer.keys_url(), name: "/.well-known/jwks", bounds: KEYS_BOUNDS };
        let answer = self.fetch_elsewhere(&what, deadline).await?;
        if answer.status != StatusCode::OK {
            return Err(answer.unreadable(format!("status {}", answer.status)));
        }
        let keys = IssuerKeys::parse(issuer.name(), &answer.body);
        let keys = keys.map_err(|error| answer.unreadable(error.to_string()))?;
        issuer.keep(keys.clone(), deadline.present());
        Ok(keys)
    }
}
