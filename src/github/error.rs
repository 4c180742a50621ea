//! What went wrong with a call, and what that means for the delivery.

use http::StatusCode;
use jiff::Timestamp;

use crate::gate::Incomplete;
use crate::transport::ExchangeError;

/// A call that did not give what was asked for. An unreachable GitHub is this, and never a rejection.
#[derive(Debug, thiserror::Error)]
pub enum GithubError {
    /// Nothing came back: no connection, or one that broke.
    #[error("`{route}`: no answer from GitHub")]
    NoAnswer {
        /// The call.
        route: &'static str,
        /// What HTTP says.
        #[source]
        source: ExchangeError,
    },
    /// Nothing came back in time.
    #[error("`{route}`: no answer from GitHub in time")]
    TimedOut {
        /// The call.
        route: &'static str,
    },
    /// GitHub answered 5xx.
    #[error("`{route}`: got {status}, expected an answer; GitHub is in trouble, see https://www.githubstatus.com")]
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
    /// GitHub wanted us to slow down a moment ago, so it was not called.
    #[error("`{route}`: not called, GitHub asked to be left alone until {until}")]
    LeftAlone {
        /// The call.
        route: &'static str,
        /// By GitHub's words.
        until: Timestamp,
    },
    /// GitHub answered with something that is not what its documentation says.
    #[error("`{route}`: got an answer that cannot be read: {problem}")]
    Unreadable {
        /// The call.
        route: &'static str,
        /// Which field, and what is wrong with it.
        problem: String,
    },
    /// GitHub points to a place that the token must not go to.
    #[error("`{route}`: got {status}, a redirect that is not followed")]
    Redirected {
        /// The call.
        route: &'static str,
        /// The status.
        status: StatusCode,
    },
    /// The answers leave a gap.
    #[error(transparent)]
    Incomplete(#[from] Incomplete),
    /// GitHub does not take the App's own token.
    #[error(
        "`{route}`: got 401, expected GitHub to know the App: check that `APP_ID` and the private key belong together and that the clock is right; GitHub says {message}"
    )]
    AppRefused {
        /// The call.
        route: &'static str,
        /// GitHub's words.
        message: String,
    },
    /// GitHub takes none of two fresh installation tokens.
    #[error("`{route}`: got 401 with two fresh installation tokens; is the App still installed on the repository?")]
    TokenRefused {
        /// The call.
        route: &'static str,
    },
    /// No token for this repository and these permissions.
    #[error(
        "`{route}`: got {status}, expected a token: install the App on the repository with `actions: read` and `deployments: write`, and accept its new permissions; GitHub says {message}"
    )]
    MintRefused {
        /// The call.
        route: &'static str,
        /// The status.
        status: StatusCode,
        /// GitHub's words.
        message: String,
    },
    /// The token is not for what was asked.
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
    /// GitHub knows no such run, twice.
    #[error("`{route}`: got 404 twice: GitHub knows no such run any more")]
    RunGone {
        /// The call.
        route: &'static str,
    },
}

/// What an error means for the delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// It may be better later.
    Defer,
    /// An operator has to do something.
    Fail,
    /// There is nothing to decide any more.
    Gone,
}

impl GithubError {
    /// What it means for the delivery.
    pub fn meaning(&self) -> Meaning {
        match self {
            Self::NoAnswer { .. }
            | Self::TimedOut { .. }
            | Self::Unavailable { .. }
            | Self::Limited { .. }
            | Self::LeftAlone { .. }
            | Self::Unreadable { .. }
            | Self::Redirected { .. }
            | Self::Incomplete(_) => Meaning::Defer,
            Self::AppRefused { .. }
            | Self::TokenRefused { .. }
            | Self::MintRefused { .. }
            | Self::WrongToken { .. }
            | Self::Unexpected { .. } => Meaning::Fail,
            Self::RunGone { .. } => Meaning::Gone,
        }
    }
}

fn until(retry: Option<&str>) -> String {
    retry.map(|when| format!(", {when}")).unwrap_or_default()
}
