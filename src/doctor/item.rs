//! What is examined, each with one stable id, what is expected of it, and how to fix it; and one line of an examination.

use std::fmt;

use crate::github::{GithubError, Remedy};
use crate::model::with_causes;

/// Something that is examined. Others rely on its id: it never changes its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Item {
    /// The App's id can be read.
    AppId,
    /// The App's key can be read, and signs.
    PrivateKey,
    /// There is a webhook secret.
    WebhookSecret,
    /// The policy is valid.
    Policy,
    /// GitHub knows the App by its id and key.
    App,
    /// What the App may do.
    Permissions,
    /// Which events the App gets.
    Events,
    /// Where the App's webhook leads.
    HookUrl,
    /// In which form it sends.
    HookContentType,
    /// Whether it signs.
    HookSecret,
    /// Whether it verifies the function's certificate.
    HookTls,
    /// The function answers a delivery.
    Function,
    /// Deliveries arrived.
    Deliveries,
    /// Which repositories an `owner/*` stands for.
    Repositories,
    /// The App is installed on a repository.
    Installation,
    /// The protected environment exists.
    ReleaseEnvironment,
    /// The App is one of its protection rules.
    ReleaseRule,
    /// Admins cannot bypass it.
    ReleaseBypass,
    /// Which branches and tags may enter it.
    ReleaseBranches,
    /// A gate's environment exists.
    GateEnvironment,
    /// It requires reviewers.
    GateReviewers,
    /// Nobody approves a run of their own.
    GateSelfReview,
    /// Admins cannot bypass it.
    GateBypass,
    /// Which branches and tags may enter it.
    GateBranches,
    /// The workflow file exists.
    WorkflowFile,
    /// Its gate job is in the gate's environment.
    WorkflowGate,
    /// Its release jobs need the gate.
    WorkflowRelease,
    /// Its jobs create deployments.
    WorkflowDeployment,
}

/// What is said about an item.
struct ItemText {
    id: &'static str,
    expected: &'static str,
    fix: &'static str,
}

const FIX_SETTING: &str = "Create it, or fix the variable that names it. `gate setup` does both.";
const FIX_APP: &str =
    "Change it in the App's settings, under *Permissions & events*, and accept it in every installation.";
const FIX_WEBHOOK: &str = "Change it in the App's settings, under *Webhook*, or run `gate setup`.";
const FIX_ENVIRONMENT: &str = "Ask a repository admin to change it under *Settings → Environments*.";
const FIX_WORKFLOW: &str = "Change the workflow file, or ask the platform team to change the policy.";

impl Item {
    /// All, in the order in which they are examined.
    pub const ALL: [Self; 28] = [
        Self::AppId,
        Self::PrivateKey,
        Self::WebhookSecret,
        Self::Policy,
        Self::App,
        Self::Permissions,
        Self::Events,
        Self::HookUrl,
        Self::HookContentType,
        Self::HookSecret,
        Self::HookTls,
        Self::Function,
        Self::Deliveries,
        Self::Repositories,
        Self::Installation,
        Self::ReleaseEnvironment,
        Self::ReleaseRule,
        Self::ReleaseBypass,
        Self::ReleaseBranches,
        Self::GateEnvironment,
        Self::GateReviewers,
        Self::GateSelfReview,
        Self::GateBypass,
        Self::GateBranches,
        Self::WorkflowFile,
        Self::WorkflowGate,
        Self::WorkflowRelease,
        Self::WorkflowDeployment,
    ];

    /// The stable id.
    pub fn id(self) -> &'static str {
        self.text().id
    }

    /// What is right.
    pub fn expected(self) -> &'static str {
        self.text().expected
    }

    /// What to do if it failed, in full sentences.
    pub fn fix(self) -> &'static str {
        self.text().fix
    }

    fn text(self) -> ItemText {
        let text = |id, expected, fix| ItemText { id, expected, fix };
        match self {
            Self::AppId => text("app-id", "the App's id or client id", FIX_SETTING),
            Self::PrivateKey => text("private-key", "the App's RSA key in PEM", FIX_SETTING),
            Self::WebhookSecret => text("webhook-secret", "the webhook's secret, one on each line", FIX_SETTING),
            Self::Policy => text(
                "policy",
                "a valid policy",
                "Fix the policy. `gate check` reads it from a file and shows what it lets in.",
            ),
            Self::App => text(
                "app",
                "an App that GitHub knows by this id and key",
                "Store the id and the key of one and the same App, and check that this machine's clock is right.",
            ),
            Self::Permissions => {
                text("permissions", "`actions: read`, `deployments: write`, `metadata: read`, and no more", FIX_APP)
            }
            Self::Events => text("events", "`deployment_protection_rule` alone", FIX_APP),
            Self::HookUrl => text("hook-url", "the function's `/github/webhook` over https", FIX_WEBHOOK),
            Self::HookContentType => text("hook-content-type", "`json`", FIX_WEBHOOK),
            Self::HookSecret => text("hook-secret", "the secret that `WEBHOOK_SECRET_PARAMETER` names", FIX_WEBHOOK),
            Self::HookTls => text("hook-tls", "certificates are verified", FIX_WEBHOOK),
            Self::Function => text(
                "function",
                "204 for a signed ping",
                "Read the function's log. Check that the function is deployed and reads the same webhook secret.",
            ),
            Self::Deliveries => text(
                "deliveries",
                "no delivery that failed in the last day, apart from 503 and 429, which the sweeps decide",
                "Open the App's *Advanced → Recent Deliveries*: each answer says why. After a 401, store the App's webhook secret for the function.",
            ),
            Self::Repositories => text(
                "repositories",
                "repositories that a rule of the policy covers",
                "Name the repositories with `--repository`, or ask the platform team to add a rule to the policy.",
            ),
            Self::Installation => text(
                "installation",
                "the App is installed, with the permissions that it asks for",
                "Ask an admin of the repository's owner to install the App on it, or to accept its permissions.",
            ),
            Self::ReleaseEnvironment => text("release-environment", "the environment exists", FIX_ENVIRONMENT),
            Self::ReleaseRule => text(
                "release-rule",
                "this App, as an enabled deployment protection rule; without it, GitHub never asks the App",
                FIX_ENVIRONMENT,
            ),
            Self::ReleaseBypass => text("release-bypass", "no admin may bypass the rules", FIX_ENVIRONMENT),
            Self::ReleaseBranches => text(
                "release-branches",
                "only some branches or tags may enter, the policy's `refs` among them",
                FIX_ENVIRONMENT,
            ),
            Self::GateEnvironment => text(
                "gate-environment",
                "the environment exists; one that a workflow merely names is created without any protection",
                FIX_ENVIRONMENT,
            ),
            Self::GateReviewers => text("gate-reviewers", "required reviewers", FIX_ENVIRONMENT),
            Self::GateSelfReview => text("gate-self-review", "self-review is prevented", FIX_ENVIRONMENT),
            Self::GateBypass => text("gate-bypass", "no admin may bypass the rules", FIX_ENVIRONMENT),
            Self::GateBranches => text(
                "gate-branches",
                "only some branches or tags may enter, the policy's `refs` among them, and no tag can use the name of a branch",
                FIX_ENVIRONMENT,
            ),
            Self::WorkflowFile => text("workflow-file", "the policy's workflow file, in YAML", FIX_WORKFLOW),
            Self::WorkflowGate => {
                text("workflow-gate", "one job with the gate's name, in the gate's environment", FIX_WORKFLOW)
            }
            Self::WorkflowRelease => text(
                "workflow-release",
                "jobs in the protected environment, and each of them needs every gate",
                FIX_WORKFLOW,
            ),
            Self::WorkflowDeployment => text(
                "workflow-deployment",
                "no `deployment: false`: without a deployment, GitHub asks no App",
                FIX_WORKFLOW,
            ),
        }
    }
}

/// How an item was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// As it should be.
    Ok,
    /// Not as it should be.
    Failed,
    /// Nobody could look.
    NotChecked,
}

impl State {
    /// For people and machines.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::NotChecked => "not checked",
        }
    }
}

/// One line of an examination. Names that came from outside are code spans in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What was examined.
    pub item: Item,
    /// Of what: a repository, an environment; empty where there is only one.
    pub about: String,
    /// How it was found.
    pub state: State,
    /// What was found, or why nothing was.
    pub got: String,
}

impl Line {
    /// As it should be.
    pub fn ok(item: Item, got: impl fmt::Display) -> Self {
        Self { item, about: String::new(), state: State::Ok, got: got.to_string() }
    }

    /// Not as it should be.
    pub fn failed(item: Item, got: impl fmt::Display) -> Self {
        Self { state: State::Failed, ..Self::ok(item, got) }
    }

    /// Not looked at, and why.
    pub fn not_checked(item: Item, why: impl fmt::Display) -> Self {
        Self { state: State::NotChecked, ..Self::ok(item, why) }
    }

    /// What an error says: an answer about the item is a failure, no answer is not.
    pub(super) fn of_error(item: Item, error: &GithubError) -> Self {
        match error.remedy() {
            Remedy::Wait => Self::not_checked(item, with_causes(error)),
            Remedy::Operator | Remedy::Nothing => Self::failed(item, with_causes(error)),
        }
    }

    /// The same, about something that has a name.
    #[must_use]
    pub fn about(self, about: impl fmt::Display) -> Self {
        Self { about: about.to_string(), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fix_is_made_of_full_sentences() {
        for item in Item::ALL {
            let fix = item.fix();
            assert!(fix.ends_with('.') && fix.starts_with(|c: char| c.is_ascii_uppercase()), "{}: {fix}", item.id());
        }
    }

    #[test]
    fn a_state_is_spelled_as_the_pages_spell_it() {
        let states = [State::Ok, State::Failed, State::NotChecked];
        assert_eq!(states.map(State::as_str), ["ok", "failed", "not checked"]);
    }
}
