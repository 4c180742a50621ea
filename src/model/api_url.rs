//! The base of GitHub's REST API, and every path under it that is built of names.

use std::fmt;

use super::{RepositoryName, Request, RunId};

/// The base URL of a GitHub REST API: scheme, host in lower case, a port where it is not the default, and a path without a slash at its
/// end (`https://api.github.com`, `https://ghe.example.com/api/v3`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiUrl {
    origin: String,
    path: String,
}

/// A text that is no API base URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "got {}, expected an `https` URL without user, query or fragment (`http` for a loopback address only), such as `https://api.github.com`",
    super::quoted(.0)
)]
pub struct InvalidApiUrl(String);

impl ApiUrl {
    /// Reads a base URL. `https` only; `http` for `127.0.0.0/8`, `[::1]` and `localhost`.
    pub fn parse(text: &str) -> Result<Self, InvalidApiUrl> {
        Self::read(text).ok_or_else(|| InvalidApiUrl(text.to_owned()))
    }

    fn read(text: &str) -> Option<Self> {
        let (origin, path) = split(text)?;
        let path = path.strip_suffix('/').unwrap_or(path);
        let clean = path.split('/').skip(1).all(|part| {
            !matches!(part, "" | "." | "..")
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        });
        (path.is_empty() || clean).then(|| Self { origin, path: path.to_owned() })
    }

    /// Scheme, host and port.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Scheme, host and port of the pages that people see: `https://github.com` for `https://api.github.com`, `https://octo.ghe.com` for
    /// `https://api.octo.ghe.com`, and an enterprise host's own for its API.
    pub fn web(&self) -> String {
        let is_cloud = |host: &str| host == "github.com" || host.ends_with(".ghe.com");
        let host = self.origin.strip_prefix("https://api.").filter(|host| is_cloud(host));
        host.map_or_else(|| self.origin.clone(), |host| format!("https://{host}"))
    }

    /// Does it take a TLS handshake to get there?
    pub fn is_encrypted(&self) -> bool {
        self.origin.starts_with("https:")
    }

    /// The run id of a received `deployment_callback_url`, if that URL is the one that we would build for `repository`:
    /// the same to the letter, the case of the host and a default port aside.
    pub fn run_of_callback(&self, received: &str, repository: &RepositoryName) -> Option<RunId> {
        let (origin, path) = split(received)?;
        if origin != self.origin {
            return None;
        }
        let run = path
            .strip_prefix(self.path.as_str())?
            .strip_prefix(&format!("/repos/{repository}/actions/runs/"))?
            .strip_suffix("/deployment_protection_rule")?;
        RunId::parse(run).ok()
    }

    /// The path that every call's begins with; empty for GitHub's own API.
    pub fn base_path(&self) -> &str {
        &self.path
    }

    /// The URL of a path under the API, `path` beginning with a slash.
    pub fn join(&self, path: &str) -> String {
        [self.origin.as_str(), self.path.as_str(), path].concat()
    }

    /// Is `url` on this API's origin?
    pub fn covers(&self, url: &str) -> bool {
        split(url).is_some_and(|(origin, _)| origin == self.origin)
    }

    /// The part of the path that names the request's run: `/repos/{owner}/{repo}/actions/runs/{id}`.
    pub fn run_path(request: &Request) -> String {
        format!("/repos/{}/actions/runs/{}", request.repository.name, request.run)
    }
}

impl fmt::Display for ApiUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin, self.path)
    }
}

/// Splits a URL into its origin (lower case, no default port) and the rest, which is empty or begins with a slash. `None` for
/// anything but `https`, and `http` on loopback; for user information, odd hosts and odd ports.
fn split(url: &str) -> Option<(String, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    let default_port = match scheme {
        "https" => "443",
        "http" => "80",
        _ => return None,
    };
    let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end)?;
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port),
        _ => (authority, default_port),
    };
    let host = host.to_ascii_lowercase();
    let known_host = host == "[::1]"
        || (!host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.')));
    let loopback = host == "[::1]" || host == "localhost" || is_loopback_v4(&host);
    let port_number = port.parse::<u16>().ok().filter(|n| *n > 0 && n.to_string() == port)?;
    if !known_host || (scheme == "http" && !loopback) || !(path.is_empty() || path.starts_with('/')) {
        return None;
    }
    let origin =
        if port == default_port { format!("{scheme}://{host}") } else { format!("{scheme}://{host}:{port_number}") };
    Some((origin, path))
}

fn is_loopback_v4(host: &str) -> bool {
    host.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback())
}
