//! The signatures of a run's gates: which artifacts there are, and what those of the right names hold.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;
use http::StatusCode;
use http::header::LOCATION;
use serde::Deserialize;
use url::Url;

use super::call::Call;
use super::elsewhere::{Elsewhere, KEYS};
use super::issuer::Issuer;
use super::{GithubError, RepositoryClient, RunReader};
use crate::gate::signature::{Candidate, IssuerKeys, Signatures, TOKEN_BYTES_MAX, TokenError, artifact_name, verify};
use crate::http::Bounds;
use crate::model::quoted;

pub(super) const ARTIFACTS: &str = "GET /repos/{owner}/{repo}/actions/runs/{run_id}/artifacts";
const ARTIFACT: &str = "GET /repos/{owner}/{repo}/actions/artifacts/{artifact_id}/{archive_format}";
const BLOB: &str = "GET the artifact's file";
/// Artifacts on a page; GitHub's maximum.
const ARTIFACTS_PER_PAGE: usize = 100;
/// Artifacts of one name that are read: any job of the run can plant some.
const CANDIDATES_MAX: usize = 3;
/// A token has about 2,000 bytes.
const BLOB_BOUNDS: Bounds = Bounds { time: Duration::from_secs(2), body_bytes: TOKEN_BYTES_MAX };

/// <https://docs.github.com/rest/actions/artifacts#list-workflow-run-artifacts>
#[derive(Debug, Deserialize)]
pub(super) struct ArtifactsWire {
    total_count: usize,
    artifacts: Vec<ArtifactWire>,
}

#[derive(Debug, Clone, Deserialize)]
struct ArtifactWire {
    id: u64,
    name: String,
    size_in_bytes: u64,
    expired: bool,
}

impl RunReader<'_> {
    /// The first page of the run's artifacts.
    pub(super) async fn artifacts(&self) -> Result<ArtifactsWire, GithubError> {
        self.list_artifacts("").await
    }

    async fn list_artifacts(&self, name: &str) -> Result<ArtifactsWire, GithubError> {
        let path = self.run_path(&format!("/artifacts?per_page={ARTIFACTS_PER_PAGE}{name}"));
        self.repository().read(&Call::get(ARTIFACTS, path)).await?.json()
    }

    /// What the artifacts of these jobs hold. `first` is the first page of all, `keys` are those that were read last.
    pub(super) async fn signatures(
        &self,
        jobs: &[u64],
        first: ArtifactsWire,
        keys: IssuerKeys,
    ) -> Result<Signatures, GithubError> {
        let mut of_jobs = BTreeMap::new();
        for (job, read) in jobs.iter().zip(join_all(jobs.iter().map(|job| self.of_job(*job, &first))).await) {
            of_jobs.insert(*job, read?);
        }
        let audience = Signatures::audience(self.repository().app_id());
        let mut signatures = Signatures { keys: Some(keys), audience, of_jobs };
        if signatures.has_unknown_key() {
            self.read_keys_again(&mut signatures).await;
        }
        Ok(signatures)
    }

    /// A key that is not known may be new. If the keys cannot be read, the tokens that need them cannot be judged.
    async fn read_keys_again(&self, signatures: &mut Signatures) {
        let Some(issuer) = self.repository().issuer() else { return };
        match self.repository().client().newer_issuer_keys(issuer, self.repository().deadline()).await {
            Ok(Some(keys)) => signatures.keys = Some(keys),
            Ok(None) => {}
            Err(error) => signatures.cannot_read_keys(&error.to_string()),
        }
    }

    async fn of_job(&self, job: u64, first: &ArtifactsWire) -> Result<Vec<Candidate>, GithubError> {
        let name = artifact_name(job);
        let of_name = |page: &ArtifactsWire| -> Vec<ArtifactWire> {
            page.artifacts.iter().filter(|artifact| artifact.name == name).cloned().collect()
        };
        let mut found = of_name(first);
        if first.total_count > first.artifacts.len() {
            found = of_name(&self.list_artifacts(&format!("&name={name}")).await?);
        }
        found.truncate(CANDIDATES_MAX);
        Ok(join_all(found.iter().map(|artifact| self.candidate(artifact))).await)
    }

    async fn candidate(&self, artifact: &ArtifactWire) -> Candidate {
        if artifact.expired {
            return Candidate::Unusable(
                "it has expired; its `retention-days` must reach as far as `max_age`".to_owned(),
            );
        }
        if artifact.size_in_bytes > u64::try_from(TOKEN_BYTES_MAX).unwrap_or(u64::MAX) {
            let problem = format!("it has {} bytes, more than {TOKEN_BYTES_MAX}", artifact.size_in_bytes);
            return Candidate::Unusable(problem);
        }
        match self.blob_url(artifact.id).await {
            Ok(Ok(url)) => self.blob(artifact.id, &url).await,
            Ok(Err(problem)) => Candidate::Unusable(problem),
            Err(error) => Candidate::Unreachable(error.to_string()),
        }
    }

    /// Where GitHub says that the artifact's file is, if it may be read there.
    async fn blob_url(&self, id: u64) -> Result<Result<String, String>, GithubError> {
        let repository = &self.request().repository.name;
        let call = Call::get(ARTIFACT, format!("/repos/{repository}/actions/artifacts/{id}/zip"));
        let answer = self.repository().read(&call).await?;
        if answer.status == StatusCode::GONE {
            return Ok(Err("it has expired; its `retention-days` must reach as far as `max_age`".to_owned()));
        }
        if answer.status != StatusCode::FOUND {
            return Err(answer.error());
        }
        let location = answer.headers.get(LOCATION).and_then(|location| location.to_str().ok());
        let url = location.and_then(|location| Url::parse(location).ok());
        let Some(url) = url else { return Err(answer.unreadable("`location`: missing, or not a URL".to_owned())) };
        let host = url.host_str().unwrap_or_default().to_owned();
        let issuer = self.repository().issuer();
        let has_user = !url.username().is_empty() || url.password().is_some();
        let is_plain = url.scheme() == "http" && !self.repository().api().is_encrypted();
        if (url.scheme() != "https" && !is_plain) || has_user {
            return Ok(Err("it is kept at a URL that is not `https`, or that names a user".to_owned()));
        }
        if !issuer.is_some_and(|issuer| issuer.is_artifact_host(&host)) {
            return Ok(Err(format!("it is kept at {}, which is not in `ARTIFACT_HOSTS`", quoted(&host))));
        }
        Ok(Ok(url.into()))
    }

    async fn blob(&self, id: u64, url: &str) -> Candidate {
        let blob = Elsewhere { route: BLOB, url, name: &format!("/blobs/{id}"), bounds: BLOB_BOUNDS };
        match self.repository().client().fetch_elsewhere(&blob, self.repository().deadline()).await {
            Ok(answer) if answer.status == StatusCode::OK => match std::str::from_utf8(&answer.body) {
                Ok(text) => Candidate::Text(text.to_owned()),
                Err(_) => Candidate::Unusable("it is not text; upload it with `archive: false`".to_owned()),
            },
            Ok(answer) if answer.status.is_redirection() => {
                Candidate::Unusable(format!("its file answers {}, a redirect that is not followed", answer.status))
            }
            Ok(answer) => Candidate::Unreachable(format!("its file answers {}", answer.status)),
            Err(GithubError::Unreadable { problem, .. }) => Candidate::Unusable(format!("its file has {problem}")),
            Err(error) => Candidate::Unreachable(error.to_string()),
        }
    }
}

impl RunReader<'_> {
    /// Nothing could be read of them: a rule that demands none is decided all the same.
    pub(super) fn unread_signatures(&self, jobs: &[u64], error: &GithubError) -> Signatures {
        let unreachable = |job: &u64| (*job, vec![Candidate::Unreachable(error.to_string())]);
        let audience = Signatures::audience(self.repository().app_id());
        Signatures { keys: None, audience, of_jobs: jobs.iter().map(unreachable).collect() }
    }
}

impl Signatures {
    fn has_unknown_key(&self) -> bool {
        let mut candidates = self.of_jobs.values().flatten();
        self.keys.as_ref().is_some_and(|keys| candidates.any(|candidate| names_unknown_key(candidate, keys)))
    }

    fn cannot_read_keys(&mut self, problem: &str) {
        let Some(keys) = &self.keys else { return };
        for candidate in self.of_jobs.values_mut().flatten().filter(|candidate| names_unknown_key(candidate, keys)) {
            *candidate = Candidate::Unreachable(problem.to_owned());
        }
    }
}

fn names_unknown_key(candidate: &Candidate, keys: &IssuerKeys) -> bool {
    matches!(candidate, Candidate::Text(text) if matches!(verify(text, keys), Err(TokenError::UnknownKey(_))))
}

impl<'a> RepositoryClient<'a> {
    /// The provider whose signatures are believed.
    pub(super) fn issuer(&self) -> Option<&'a Issuer> {
        self.client().issuer.as_deref()
    }

    /// The keys to begin with. Without a provider nothing can be verified, and the settings refuse rules that want it.
    pub(super) async fn issuer_keys(&self) -> Result<IssuerKeys, GithubError> {
        let Some(issuer) = self.issuer() else {
            let problem = "this GitHub has no OIDC provider whose tokens name their job".to_owned();
            return Err(GithubError::Unreadable { route: KEYS, problem });
        };
        self.client().issuer_keys(issuer, self.deadline()).await
    }
}
