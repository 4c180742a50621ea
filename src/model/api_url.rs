//! The base of GitHub's REST API, and the URLs under it.

use std::fmt;

use url::{Host, Url};

use super::{RepositoryName, Request, RunId};

/// The base URL of a GitHub REST API: scheme, host in lower case, a port where it is not the default, and a path without a slash at its
/// end (`https://api.github.com`, `https://ghe.example.com/api/v3`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiUrl {
    base: Url,
    /// `base` as text, without a slash at its end.
    text: String,
}

/// Text that is not an API's base URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "got {}, expected an `https` URL without user, query or fragment (`http` for a loopback address only), such as `https://api.github.com`",
    super::quoted(.0)
)]
pub struct InvalidApiUrl(String);

impl ApiUrl {
    /// Reads a base URL. `https` only; `http` for `127.0.0.0/8`, `[::1]` and `localhost`.
    pub fn parse(text: &str) -> Result<Self, InvalidApiUrl> {
        let base = Url::parse(text).ok().filter(|url| is_base(url, text));
        let base = base.ok_or_else(|| InvalidApiUrl(text.to_owned()))?;
        let text = base.as_str().strip_suffix('/').unwrap_or(base.as_str()).to_owned();
        Ok(Self { base, text })
    }

    /// Scheme, host and port.
    pub fn origin(&self) -> String {
        self.base.origin().ascii_serialization()
    }

    /// Scheme, host and port of the pages that people see: `https://github.com` for `https://api.github.com`, `https://octo.ghe.com` for
    /// `https://api.octo.ghe.com`, and an enterprise host's own for its API.
    pub fn web(&self) -> String {
        let origin = self.origin();
        let is_cloud = |host: &&str| *host == "github.com" || host.ends_with(".ghe.com");
        let host = origin.strip_prefix("https://api.").filter(is_cloud);
        host.map_or_else(|| origin.clone(), |host| format!("https://{host}"))
    }

    /// Whether it is the API of a GitHub Enterprise Server: neither github.com's, nor a subdomain's of ghe.com, nor one on loopback.
    pub fn is_server(&self) -> bool {
        let host = self.base.host_str().unwrap_or_default();
        let is_cloud = host == "api.github.com" || (host.starts_with("api.") && host.ends_with(".ghe.com"));
        !is_cloud && !is_loopback(&self.base)
    }

    /// Whether it takes a TLS handshake to get there.
    pub fn is_encrypted(&self) -> bool {
        self.base.scheme() == "https"
    }

    /// The run id of a received `deployment_callback_url`, if that URL is the one that we would build for `repository`:
    /// the same to the letter, except for the case of the host and a default port.
    pub fn run_of_callback(&self, received: &str, repository: &RepositoryName) -> Option<RunId> {
        let (_, run) = received.strip_suffix("/deployment_protection_rule")?.rsplit_once('/')?;
        let run = RunId::parse(run).ok()?;
        let path = format!("{}{}/deployment_protection_rule", self.base_path(), run_path(repository, run));
        let authority = received.strip_suffix(&path)?.strip_prefix(self.base.scheme())?.strip_prefix("://")?;
        let (host, port) = (self.base.host_str()?, self.base.port_or_known_default()?);
        let with_port = format!("{host}:{port}");
        let without_port = if self.base.port().is_none() { host } else { &with_port };
        let is_ours = authority.eq_ignore_ascii_case(&with_port) || authority.eq_ignore_ascii_case(without_port);
        is_ours.then_some(run)
    }

    /// The prefix of every call's path; empty for GitHub's own API.
    pub fn base_path(&self) -> &str {
        self.base.path().trim_end_matches('/')
    }

    /// The URL of a path under the API. `path` begins with a slash.
    pub fn join(&self, path: &str) -> String {
        format!("{self}{path}")
    }

    /// Where a redirect leads (RFC 3986, 5.2), if it stays on this API's origin.
    pub fn redirect(&self, from: &str, location: &str) -> Option<String> {
        let target = Url::parse(from).ok()?.join(location).ok()?;
        let has_user = !target.username().is_empty() || target.password().is_some();
        (target.origin() == self.base.origin() && !has_user).then(|| target.into())
    }

    /// The part of the path that names the request's run: `/repos/{owner}/{repo}/actions/runs/{id}`.
    pub fn run_path(request: &Request) -> String {
        run_path(&request.repository.name, request.run)
    }
}

fn run_path(repository: &RepositoryName, run: RunId) -> String {
    format!("/repos/{repository}/actions/runs/{run}")
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

fn is_base(url: &Url, text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    let has_user = !url.username().is_empty() || url.password().is_some();
    // The parser would resolve or drop these; the URL must mean exactly what is written.
    let is_literal =
        text.contains("://") && !text.contains("/.") && !text.contains(['\\', '\t', '\n', '\r', ' ', '?', '#', '@']);
    let path = url.path();
    (url.scheme() == "https" || (url.scheme() == "http" && is_loopback(url)))
        && !has_user
        && is_literal
        && path.chars().all(is_plain)
        && !path.contains("//")
}

impl fmt::Display for ApiUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::*;

    fn callback(api: &str, received: &str) -> Option<String> {
        let repository = RepositoryName::parse("octo-org/widgets").unwrap();
        ApiUrl::parse(api).unwrap().run_of_callback(received, &repository).map(|run| run.to_string())
    }

    #[test]
    fn a_base_url_is_kept_without_its_last_slash() {
        assert_eq!(
            ApiUrl::parse("https://GHE.example.com:443/api/v3/").unwrap().to_string(),
            "https://ghe.example.com/api/v3"
        );
    }

    #[test]
    fn plain_http_is_for_loopback_alone() {
        for good in ["http://127.0.0.1:9124", "http://[::1]:9124", "http://localhost"] {
            assert!(ApiUrl::parse(good).is_ok(), "{good}");
        }
        for bad in ["http://api.github.com", "http://127.0.0.1.example.com", "http://10.0.0.1", "ftp://127.0.0.1"] {
            assert!(ApiUrl::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_not_a_plain_base_url_is_refused() {
        for bad in [
            "https://user@api.github.com",
            "https://api.github.com?x",
            "https://api.github.com#x",
            "https://api.github.com/../x",
            "https://api.github.com//x",
            "https://api.github.com/a b",
            "https://",
            "api.github.com",
            "",
        ] {
            assert!(ApiUrl::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_callback_is_the_one_that_we_would_build() {
        const PATH: &str = "/repos/octo-org/widgets/actions/runs/9001/deployment_protection_rule";
        for good in ["https://api.github.com", "https://API.github.com", "https://api.github.com:443"] {
            assert_eq!(callback("https://api.github.com", &format!("{good}{PATH}")).as_deref(), Some("9001"), "{good}");
        }
        for bad in [
            "https://api.github.com:8443",
            "https://evil@api.github.com",
            "https:///api.github.com",
            "https://api.github.com/x/..",
            "https://api.github.com.example.com",
            "http://api.github.com",
            "",
        ] {
            assert_eq!(callback("https://api.github.com", &format!("{bad}{PATH}")), None, "{bad}");
        }
    }

    #[test]
    fn a_callback_has_nothing_around_its_path() {
        let url = |path: &str| format!("https://api.github.com{path}");
        for bad in [
            "/repos/octo-org/widgets/actions/runs/09001/deployment_protection_rule",
            "/repos/octo-org/gadgets/actions/runs/9001/deployment_protection_rule",
            "/repos/octo-org/widgets/actions/runs/9001/deployment_protection_rule/",
            "/repos/octo-org/widgets/actions/runs/9001/deployment_protection_rule?x=1",
            "/repos/octo-org/widgets/actions/runs/9001/jobs/../deployment_protection_rule",
        ] {
            assert_eq!(callback("https://api.github.com", &url(bad)), None, "{bad}");
        }
    }

    #[test]
    fn a_redirect_stays_on_the_origin() {
        let api = ApiUrl::parse("https://api.github.com").unwrap();
        let from = "https://api.github.com/repos/a/b";
        assert_eq!(api.redirect(from, "/repositories/1").as_deref(), Some("https://api.github.com/repositories/1"));
        for bad in ["https://example.com/x", "//example.com/x", "http://api.github.com/x", "https://u@api.github.com/x"]
        {
            assert_eq!(api.redirect(from, bad), None, "{bad}");
        }
    }
}
