//! GitHub's OIDC provider, which signs the tokens of jobs: where its keys are, and the ones that this process read last. Not here: how they are read.

use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use crate::gate::signature::IssuerKeys;
use crate::model::{ApiUrl, InvalidApiUrl};

/// Where artifacts of GitHub Actions are kept (<https://docs.github.com/actions/reference/runners/self-hosted-runners#accessible-domains-by-function>).
const ARTIFACT_HOST_END: &str = ".blob.core.windows.net";

/// The provider, its keys, and the hosts that artifacts are read from.
#[derive(Debug)]
pub struct Issuer {
    name: String,
    keys_url: String,
    artifact_hosts: Vec<String>,
    kept: Mutex<Option<KeptKeys>>,
}

/// Keys, and when they were read.
#[derive(Debug, Clone)]
pub(super) struct KeptKeys {
    pub(super) keys: IssuerKeys,
    pub(super) read_at: Timestamp,
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

    /// The issuer's name, as in the claim `iss`.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn keys_url(&self) -> &str {
        &self.keys_url
    }

    pub(super) fn keep(&self, keys: IssuerKeys, read_at: Timestamp) {
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(KeptKeys { keys, read_at });
    }

    /// The keys that were read last.
    pub(super) fn kept(&self) -> Option<KeptKeys> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether an artifact may be read from this host.
    pub(super) fn is_artifact_host(&self, host: &str) -> bool {
        host.ends_with(ARTIFACT_HOST_END)
            || self.artifact_hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(host))
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
