//! What went wrong with a call, and what that means for the delivery.

use std::fmt;

use http::StatusCode;
use jiff::Timestamp;

use crate::gate::Incomplete;
use crate::http::HttpError;

/// A call that did not return what was asked for. An unreachable GitHub is an error like this one, never a rejection.
#[derive(Debug, thiserror::Error)]
pub enum GithubError {
    /// Nothing came back: no connection, or one that broke.
    #[error("`{route}`: no answer from GitHub")]
    NoAnswer {
        /// The call.
        route: &'static str,
        /// The HTTP error.
        #[source]
        source: HttpError,
    },
    /// Nothing came back in time.
    #[error("`{route}`: no answer from GitHub in time")]
    TimedOut {
        /// The call.
        route: &'static str,
    },
    /// The request could not be built: nothing was sent.
    #[error("`{route}`: nothing was sent, the request could not be built")]
    NotSent {
        /// The call.
        route: &'static str,
        /// What stood in the way.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The App's key does not sign, or not now.
    #[error("`{route}`: nothing was sent, because the App's token was not signed")]
    NotSigned {
        /// The call.
        route: &'static str,
        /// Which key, and why.
        #[source]
        source: SigningError,
    },
    /// A person's token that no HTTP header can carry.
    #[error("`{route}`: nothing was sent, the token has characters that no HTTP header can carry")]
    UnusableToken {
        /// The call.
        route: &'static str,
    },
    /// GitHub answered 5xx.
    #[error("`{route}`: got {status}; GitHub has an incident, see https://www.githubstatus.com")]
    Unavailable {
        /// The call.
        route: &'static str,
        /// The status.
        status: StatusCode,
    },
    /// GitHub wants us to slow down.
    #[error("`{route}`: got {status}, a rate limit of GitHub{}", until(.retry.as_deref()))]
    Limited {
        /// The call.
        route: &'static str,
        /// The status.
        status: StatusCode,
        /// What GitHub says of when to come back.
        retry: Option<String>,
    },
    /// GitHub asked for a pause a moment ago, so it was not called.
    #[error("`{route}`: not called, because GitHub asked for a pause until {until}")]
    Paused {
        /// The call.
        route: &'static str,
        /// By GitHub's own headers.
        until: Timestamp,
    },
    /// GitHub's answer does not match its documentation.
    #[error("`{route}`: got an answer that cannot be read: {problem}")]
    Unreadable {
        /// The call.
        route: &'static str,
        /// Which field, and what is wrong with it.
        problem: String,
    },
    /// GitHub redirects to a place where the token must not go.
    #[error("`{route}`: got {status}, a redirect that is not followed because it leaves the API's origin")]
    Redirected {
        /// The call.
        route: &'static str,
        /// The status.
        status: StatusCode,
    },
    /// The answers do not cover everything that was asked for.
    #[error(transparent)]
    Incomplete(#[from] Incomplete),
    /// GitHub rejects the App's own token.
    #[error(
        "`{route}`: got 401 for the App's own token: check that the App's id and private key belong together and that the clock is right; GitHub says {message}"
    )]
    AppRefused {
        /// The call.
        route: &'static str,
        /// GitHub's words.
        message: String,
    },
    /// GitHub rejects a new installation token, as it does for some seconds at times.
    #[error(
        "`{route}`: got {status} for a new installation token, until there was no more time; if it stays so, check that the App is installed on the repository and that no IP allow list keeps it out; GitHub says {message}"
    )]
    TokenRefused {
        /// The call.
        route: &'static str,
        /// The status.
        status: StatusCode,
        /// GitHub's words.
        message: String,
    },
    /// GitHub rejected an installation token, and there is a new one.
    #[error("`{route}`: nothing was done, because GitHub rejected the installation token; there is a new one now")]
    TokenRenewed {
        /// The call.
        route: &'static str,
    },
    /// GitHub answered 404 for something that should be there, twice. That proves nothing: in an outage whole runs answer so.
    #[error("`{route}`: got 404 twice for something that should be there")]
    NotFound {
        /// The call.
        route: &'static str,
    },
    /// GitHub gives no token for this repository and these permissions.
    #[error(
        "`{route}`: got {status} instead of a token: install the App on the repository with `actions: read` and `deployments: write`, and accept its new permissions; GitHub says {message}"
    )]
    MintRefused {
        /// The call.
        route: &'static str,
        /// The status.
        status: StatusCode,
        /// GitHub's words.
        message: String,
    },
    /// The token is not the one that was asked for.
    #[error("`{route}`: got a token for {got}, expected one for {expected}")]
    WrongToken {
        /// The call.
        route: &'static str,
        /// What the token is for.
        got: String,
        /// What was asked for.
        expected: String,
    },
    /// Any other answer: only an operator can help.
    #[error("`{route}`: got {status}; GitHub says {message}")]
    Unexpected {
        /// The call.
        route: &'static str,
        /// The status.
        status: StatusCode,
        /// GitHub's words.
        message: String,
    },
    /// GitHub answered 404 for the run, twice.
    #[error("`{route}`: got 404 twice: GitHub does not show the run")]
    RunGone {
        /// The call.
        route: &'static str,
    },
}

/// Why there is no signature: which key, what happened, and whether it may work later.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{key}: {problem}")]
pub struct SigningError {
    key: String,
    problem: String,
    remedy: Remedy,
}

impl SigningError {
    /// `key` did not sign, because of `problem`.
    pub fn new(key: impl fmt::Display, problem: impl fmt::Display, remedy: Remedy) -> Self {
        Self { key: key.to_string(), problem: problem.to_string(), remedy }
    }

    /// What happened, without the key's name.
    pub fn problem(&self) -> &str {
        &self.problem
    }

    /// What can be done about it.
    pub fn remedy(&self) -> Remedy {
        self.remedy
    }
}

/// What can be done about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Wait: it may work later.
    Wait,
    /// Only an operator can fix it.
    Operator,
}

impl GithubError {
    /// Why there is no whole response.
    pub(super) fn of_http(route: &'static str, error: HttpError) -> Self {
        match error {
            HttpError::TooLong(bytes) => Self::Unreadable { route, problem: format!("more than {bytes} bytes") },
            HttpError::TimedOut(_) => Self::TimedOut { route },
            error @ HttpError::Request(_) => Self::NotSent { route, source: error.into() },
            source @ HttpError::Connection(_) => Self::NoAnswer { route, source },
        }
    }

    /// What can be done about it.
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::NoAnswer { .. }
            | Self::TimedOut { .. }
            | Self::Unavailable { .. }
            | Self::Limited { .. }
            | Self::Paused { .. }
            | Self::Unreadable { .. }
            | Self::Redirected { .. }
            | Self::Incomplete(_)
            | Self::TokenRefused { .. }
            | Self::TokenRenewed { .. }
            | Self::NotFound { .. }
            | Self::RunGone { .. } => Remedy::Wait,
            Self::NotSigned { source, .. } => source.remedy(),
            Self::NotSent { .. }
            | Self::UnusableToken { .. }
            | Self::AppRefused { .. }
            | Self::MintRefused { .. }
            | Self::WrongToken { .. }
            | Self::Unexpected { .. } => Remedy::Operator,
        }
    }
}

fn until(retry: Option<&str>) -> String {
    retry.map(|when| format!(", {when}")).unwrap_or_default()
}
