//! A deployment as GitHub shows it to the App: who the App is, what its webhook is, how an environment is protected. Reads only.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::SignedDuration;
use secrecy::SecretString;
use serde::Deserialize;

use crate::github::{
    App, AppClient, AppWire, EnvironmentWire, GithubClient, GithubError, HookDeliveryWire, InstallationWire,
    RepositoryClient, environment_path, path_segment,
};
use crate::model::{EnvironmentName, RepositoryName};
use crate::time::Deadline;

const APP: &str = "GET /app";
const HOOK: &str = "GET /app/hook/config";
const RULES: &str = "GET /repos/{owner}/{repo}/environments/{environment_name}/deployment_protection_rules";
const BRANCHES: &str = "GET /repos/{owner}/{repo}/environments/{environment_name}/deployment-branch-policies";
const CONTENTS: &str = "GET /repos/{owner}/{repo}/contents/{path}";

/// Deliveries that GitHub sent longer ago are not reported.
pub(super) const RECENT: SignedDuration = SignedDuration::from_hours(24);
/// Pages of 100 deliveries: more than a large organization's day.
const DELIVERY_PAGES_MAX: usize = 50;
/// Branch policies on a page; GitHub's maximum.
const BRANCHES_PER_PAGE: usize = 100;
/// Pages of branch policies; nobody writes a thousand by hand.
const BRANCH_PAGES_MAX: usize = 10;

/// A list that GitHub gives in pages.
#[derive(Debug)]
pub struct PagedList<T> {
    /// What was read.
    pub entries: Vec<T>,
    /// Whether that is all.
    pub is_complete: bool,
}

/// The App's webhook (<https://docs.github.com/rest/apps/webhooks#get-a-webhook-configuration-for-an-app>).
#[derive(Debug, Default, Deserialize)]
pub struct HookFacts {
    /// Where deliveries go.
    pub url: Option<String>,
    /// `json` or `form`.
    pub content_type: Option<String>,
    /// Asterisks where one is set.
    pub secret: Option<String>,
    /// `"0"` where certificates are verified; sometimes a number.
    pub insecure_ssl: Option<serde_json::Value>,
}

/// A name pattern of branches or tags that may enter.
#[derive(Debug, Deserialize)]
pub struct BranchPolicy {
    /// Such as `main`, `v*`.
    pub name: String,
    /// `branch` or `tag`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
}

/// An App's rule on an environment
/// (<https://docs.github.com/rest/deployments/protection-rules#get-all-deployment-protection-rules-for-an-environment>).
#[derive(Debug, Deserialize)]
pub struct CustomRule {
    /// Is it on?
    pub enabled: bool,
    /// Whose it is.
    pub app: CustomRuleApp,
}

/// Whose rule it is.
#[derive(Debug, Deserialize)]
pub struct CustomRuleApp {
    /// The App's id.
    pub id: u64,
    /// The name in its URLs.
    pub slug: String,
}

#[derive(Deserialize)]
struct CustomRules {
    #[serde(default)]
    custom_deployment_protection_rules: Vec<CustomRule>,
}

#[derive(Deserialize)]
struct BranchPolicies {
    #[serde(default)]
    branch_policies: Vec<BranchPolicy>,
}

#[derive(Deserialize)]
struct Contents {
    content: String,
}

/// Looks at a deployment as the App.
#[derive(Debug)]
pub struct Inspector<'a> {
    github: &'a GithubClient,
    /// The App's own calls.
    pub app: AppClient<'a>,
    deadline: Deadline,
}

/// An environment of a repository.
#[derive(Debug, Clone, Copy)]
pub struct EnvironmentPlace<'a> {
    /// The repository.
    pub repository: &'a RepositoryName,
    /// The environment.
    pub environment: &'a EnvironmentName,
}

impl<'a> Inspector<'a> {
    /// Looks as `app`, until `deadline`.
    pub fn new(github: &'a GithubClient, app: &'a App, deadline: Deadline) -> Self {
        Self { github, app: AppClient::new(github, app, deadline), deadline }
    }

    /// Who the App is.
    ///
    /// # Errors
    /// Any error of the call to GitHub.
    pub async fn app(&self) -> Result<AppWire, GithubError> {
        self.app.get(APP, "/app".to_owned()).await
    }

    /// The App's webhook; an empty one where there is none.
    ///
    /// # Errors
    /// Any error of the call to GitHub.
    pub async fn hook(&self) -> Result<HookFacts, GithubError> {
        Ok(self.app.find(HOOK, "/app/hook/config".to_owned()).await?.unwrap_or_default())
    }

    /// The deliveries of the last day, the newest first, and some older ones. All of them, not those that GitHub lists as failed: that list leaves out what
    /// got no answer (its status is 0), and cannot show that nothing succeeded.
    ///
    /// # Errors
    /// Any error of the first call to GitHub. After that, what was read is better than nothing.
    pub async fn deliveries(&self) -> Result<PagedList<HookDeliveryWire>, GithubError> {
        let (mut entries, mut next) = self.app.deliveries(None).await?;
        let is_old = |delivery: &HookDeliveryWire| self.deadline.now.duration_since(delivery.delivered_at) > RECENT;
        for _ in 1..DELIVERY_PAGES_MAX {
            let Some(cursor) = next.as_deref().filter(|_| !entries.iter().any(is_old)) else { break };
            let Ok((page, after)) = self.app.deliveries(Some(cursor)).await else { break };
            entries.extend(page);
            next = after;
        }
        let is_complete = next.is_none() || entries.iter().any(is_old);
        Ok(PagedList { entries, is_complete })
    }

    /// The App on a repository; `None` where it is not installed.
    ///
    /// # Errors
    /// Any error of the call to GitHub.
    pub async fn installation(&self, repository: &RepositoryName) -> Result<Option<InstallationWire>, GithubError> {
        self.app.installation(repository).await
    }

    /// How an environment is protected; `None` where there is none of that name.
    ///
    /// # Errors
    /// Any error of the call to GitHub.
    pub async fn environment(
        &self,
        client: &RepositoryClient<'_>,
        place: EnvironmentPlace<'_>,
    ) -> Result<Option<EnvironmentWire>, GithubError> {
        client.environment(place.repository, place.environment).await
    }

    /// The rules of Apps on an environment.
    ///
    /// # Errors
    /// Any error of the call to GitHub.
    pub async fn custom_rules(
        &self,
        client: &RepositoryClient<'_>,
        place: EnvironmentPlace<'_>,
    ) -> Result<Vec<CustomRule>, GithubError> {
        let path = environment_path(place.repository, place.environment) + "/deployment_protection_rules";
        let rules: CustomRules = client.get(RULES, path).await?;
        Ok(rules.custom_deployment_protection_rules)
    }

    /// The name patterns of branches and tags that may deploy to an environment.
    ///
    /// # Errors
    /// Any error of the call to GitHub.
    pub async fn branch_policies(
        &self,
        client: &RepositoryClient<'_>,
        place: EnvironmentPlace<'_>,
    ) -> Result<PagedList<BranchPolicy>, GithubError> {
        let path = environment_path(place.repository, place.environment) + "/deployment-branch-policies";
        let mut entries = Vec::new();
        for page in 1..=BRANCH_PAGES_MAX {
            let query = format!("?per_page={BRANCHES_PER_PAGE}&page={page}");
            let BranchPolicies { branch_policies } = client.get(BRANCHES, path.clone() + &query).await?;
            let was_full = branch_policies.len() >= BRANCHES_PER_PAGE;
            entries.extend(branch_policies);
            if !was_full {
                return Ok(PagedList { entries, is_complete: true });
            }
        }
        Ok(PagedList { entries, is_complete: false })
    }

    /// A file at a branch or tag, or else of the default branch, with a person's token: the App may not read contents. `None` where there is none,
    /// or where the person may not see the repository.
    ///
    /// # Errors
    /// GitHub's, and content that is not text in base64.
    pub async fn file(
        &self,
        token: &SecretString,
        repository: &RepositoryName,
        path: &str,
        at: Option<&str>,
    ) -> Result<Option<String>, GithubError> {
        let path: Vec<String> = path.split('/').map(path_segment).collect();
        let at = at.map(|name| format!("?ref={}", path_segment(name))).unwrap_or_default();
        let path = format!("/repos/{repository}/contents/{}{at}", path.join("/"));
        let found: Option<Contents> = self.github.find_as_person(token, CONTENTS, path, self.deadline).await?;
        let Some(Contents { content }) = found else { return Ok(None) };
        let problem = || "`content`: not text in base64".to_owned();
        let unreadable = || GithubError::Unreadable { route: CONTENTS, problem: problem() };
        let bytes = STANDARD.decode(content.replace(['\n', '\r'], "")).map_err(|_| unreadable())?;
        String::from_utf8(bytes).map(Some).map_err(|_| unreadable())
    }
}
