//! The address of a run's page, as a person copies it from a browser.

use url::Url;

use super::{ApiUrl, InvalidName, RepositoryName, RunId};

/// A run, by the address of its page: `https://github.com/OWNER/REPO/actions/runs/ID`, followed by `/attempts/N` and more where the browser
/// shows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunUrl {
    /// The repository.
    pub repository: RepositoryName,
    /// The run.
    pub run: RunId,
    /// The attempt, where the address names one.
    pub attempt: Option<u32>,
}

impl RunUrl {
    /// Reads the address of a run of the GitHub whose API is `api`.
    ///
    /// # Errors
    /// Another site, or a page that is not a run's.
    pub fn parse(text: &str, api: &ApiUrl) -> Result<Self, InvalidName> {
        let web = api.web();
        let not_a_run = || {
            InvalidName::new(
                text,
                format!(
                    "the address of a run, such as `{web}/octo-org/widgets/actions/runs/9001` (on the site of `GITHUB_API_URL`)"
                ),
            )
        };
        let page = Url::parse(text).map_err(|_| not_a_run())?;
        if page.origin().ascii_serialization() != web || !page.username().is_empty() {
            return Err(not_a_run());
        }
        let parts: Vec<&str> = page.path().trim_matches('/').split('/').collect();
        let [owner, name, "actions", "runs", run, rest @ ..] = parts.as_slice() else { return Err(not_a_run()) };
        let attempt = match rest {
            ["attempts", number, ..] => Some(number.parse().map_err(|_| not_a_run())?),
            _ => None,
        };
        Ok(Self { repository: RepositoryName::new(owner, name)?, run: RunId::parse(run)?, attempt })
    }
}
