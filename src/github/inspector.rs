//! A deployment, as GitHub shows it to the App: who the App is, what its webhook is, how an environment is protected. Reads only.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU32;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use jiff::Timestamp;
use percent_encoding::utf8_percent_encode;
use secrecy::SecretString;
use serde::Deserialize;
use serde::de::IgnoredAny;
use tokio::time::Instant;

use super::answer::Answer;
use super::app::bearer;
use super::budget::Asker;
use super::client::{Call, Caller};
use super::lost::{DELIVERIES, INSTALLATION};
use super::reader::{ENVIRONMENT, SEGMENT, environment_path};
use super::{App, Client, GithubError, Installation, Lost};
use crate::model::{EnvironmentName, RepositoryName};

const APP: &str = "GET /app";
const HOOK: &str = "GET /app/hook/config";
const RULES: &str = "GET /repos/{owner}/{repo}/environments/{environment_name}/deployment_protection_rules";
const BRANCHES: &str = "GET /repos/{owner}/{repo}/environments/{environment_name}/deployment-branch-policies";
const CONTENTS: &str = "GET /repos/{owner}/{repo}/contents/{path}";

/// Deliveries that are looked at, the newest; GitHub's maximum for a page.
const DELIVERIES_MAX: usize = 100;

/// The App, as GitHub knows it (<https://docs.github.com/rest/apps/apps#get-the-authenticated-app>).
#[derive(Debug, Deserialize)]
pub struct AppFacts {
    /// Its id.
    pub id: u64,
    /// The name in its URLs.
    pub slug: String,
    /// Its page.
    pub html_url: String,
    /// What it may do, such as `actions: read`.
    #[serde(default)]
    pub permissions: BTreeMap<String, String>,
    /// What it is told of.
    #[serde(default)]
    pub events: Vec<String>,
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
    /// `"0"` where certificates are verified; a number at times.
    pub insecure_ssl: Option<serde_json::Value>,
}

/// One delivery of the App's webhook.
#[derive(Debug, Deserialize)]
pub struct DeliveryFacts {
    /// When it was sent.
    pub delivered_at: Timestamp,
    /// What it was answered with; 0 for no answer.
    pub status_code: u16,
    /// The event.
    pub event: String,
}

/// The App on one repository (<https://docs.github.com/rest/apps/apps#get-a-repository-installation-for-the-authenticated-app>).
#[derive(Debug, Deserialize)]
pub struct InstallationFacts {
    /// Its id.
    pub id: u64,
    /// What it was granted.
    #[serde(default)]
    pub permissions: BTreeMap<String, String>,
    /// When somebody suspended it.
    pub suspended_at: Option<Timestamp>,
}

/// How an environment is protected (<https://docs.github.com/rest/deployments/environments#get-an-environment>).
#[derive(Debug, Deserialize)]
pub struct EnvironmentFacts {
    #[serde(default)]
    protection_rules: Vec<ProtectionRuleWire>,
    /// Which branches and tags may enter; `None` for all.
    pub deployment_branch_policy: Option<BranchRestriction>,
    /// May admins let a job in past every rule? Not in GitHub's schema, but in its answers.
    pub can_admins_bypass: Option<bool>,
}

#[derive(Debug, Deserialize)]
struct ProtectionRuleWire {
    #[serde(rename = "type")]
    rule_type: String,
    reviewers: Option<Vec<IgnoredAny>>,
    prevent_self_review: Option<bool>,
}

/// Which branches and tags may enter.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct BranchRestriction {
    /// Branches with a protection rule.
    pub protected_branches: bool,
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

impl EnvironmentFacts {
    /// How many users and teams are required reviewers.
    pub fn reviewers(&self) -> usize {
        self.required().map(|rule| rule.reviewers.as_ref().map_or(0, Vec::len)).sum()
    }

    /// May nobody approve a run of their own?
    pub fn prevents_self_review(&self) -> bool {
        self.required().any(|rule| rule.prevent_self_review == Some(true))
    }

    fn required(&self) -> impl Iterator<Item = &ProtectionRuleWire> {
        self.protection_rules.iter().filter(|rule| rule.rule_type == "required_reviewers")
    }
}

/// Looks at a deployment as the App.
#[derive(Debug)]
pub struct Inspector<'a> {
    client: &'a Client,
    lost: Lost<'a>,
    now: Timestamp,
    deadline: Instant,
}

impl<'a> Inspector<'a> {
    /// Looks as `app`, until `deadline`.
    pub fn new((client, app): (&'a Client, &'a App), now: Timestamp, deadline: Instant) -> Self {
        Self { client, lost: Lost::new((client, app), now, deadline), now, deadline }
    }

    /// Who the App is.
    pub async fn app(&self) -> Result<AppFacts, GithubError> {
        self.lost.send(APP, "/app".to_owned()).await?.json()
    }

    /// The App's webhook; an empty one where there is none.
    pub async fn hook(&self) -> Result<HookFacts, GithubError> {
        let answer = self.lost.send(HOOK, "/app/hook/config".to_owned()).await?;
        if answer.status == StatusCode::NOT_FOUND { Ok(HookFacts::default()) } else { answer.json() }
    }

    /// The newest deliveries that failed; a server that does not know `status` lists all.
    pub async fn deliveries(&self) -> Result<Vec<DeliveryFacts>, GithubError> {
        self.lost
            .send(DELIVERIES, format!("/app/hook/deliveries?status=failure&per_page={DELIVERIES_MAX}"))
            .await?
            .json()
    }

    /// The App on a repository; `None` where it is not installed.
    pub async fn installation(&self, repository: &RepositoryName) -> Result<Option<InstallationFacts>, GithubError> {
        found(&self.lost.send(INSTALLATION, format!("/repos/{repository}/installation")).await?)
    }

    /// How an environment is protected; `None` where there is none of that name.
    pub async fn environment(
        &self,
        installation: &Installation<'_>,
        (repository, name): (&RepositoryName, &EnvironmentName),
    ) -> Result<Option<EnvironmentFacts>, GithubError> {
        found(&installation.send(&Call::get(ENVIRONMENT, environment_path(repository, name))).await?)
    }

    /// The rules of Apps on an environment.
    pub async fn custom_rules(
        &self,
        installation: &Installation<'_>,
        (repository, name): (&RepositoryName, &EnvironmentName),
    ) -> Result<Vec<CustomRule>, GithubError> {
        let path = environment_path(repository, name) + "/deployment_protection_rules";
        let rules: CustomRules = installation.send(&Call::get(RULES, path)).await?.json()?;
        Ok(rules.custom_deployment_protection_rules)
    }

    /// The name patterns of branches and tags that may enter an environment.
    pub async fn branch_policies(
        &self,
        installation: &Installation<'_>,
        (repository, name): (&RepositoryName, &EnvironmentName),
    ) -> Result<Vec<BranchPolicy>, GithubError> {
        let path = environment_path(repository, name) + "/deployment-branch-policies?per_page=100";
        let policies: BranchPolicies = installation.send(&Call::get(BRANCHES, path)).await?.json()?;
        Ok(policies.branch_policies)
    }

    /// A file at a branch or tag, or else of the default branch, with a person's token: the App may not read contents. `None` where there is none,
    /// or where the person may not see the repository.
    pub async fn file(
        &self,
        token: &SecretString,
        (repository, path): (&RepositoryName, &str),
        at: Option<&str>,
    ) -> Result<Option<String>, GithubError> {
        let unfit = || "the token: got characters that no header can hold".to_owned();
        let authorization =
            bearer(token).ok_or_else(|| GithubError::Unreadable { route: CONTENTS, problem: unfit() })?;
        let path = path.split('/').map(|part| utf8_percent_encode(part, SEGMENT).to_string()).collect::<Vec<_>>();
        let at = at.map(|name| format!("?ref={}", utf8_percent_encode(name, SEGMENT))).unwrap_or_default();
        let call = Call::get(CONTENTS, format!("/repos/{repository}/contents/{}{at}", path.join("/")));
        let (now, deadline, calls) = (self.now, self.deadline, &AtomicU32::new(0));
        let caller = Caller { asker: Asker::Person, authorization: Some(&authorization), now, deadline, calls };
        let answer = self.client.send(&call, &caller).await?;
        let unreadable = || answer.unreadable("`content`: no text in base64".to_owned());
        match found::<Contents>(&answer)? {
            None => Ok(None),
            Some(Contents { content }) => {
                let bytes = STANDARD.decode(content.replace(['\n', '\r'], "")).map_err(|_| unreadable())?;
                String::from_utf8(bytes).map(Some).map_err(|_| unreadable())
            }
        }
    }
}

fn found<T: serde::de::DeserializeOwned>(answer: &Answer) -> Result<Option<T>, GithubError> {
    if answer.status == StatusCode::NOT_FOUND { Ok(None) } else { answer.json().map(Some) }
}
