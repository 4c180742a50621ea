//! The items that are examined, each with a stable id, what is expected and how to fix it; and one line of an examination.

use std::fmt;

use crate::github::{GithubError, Remedy};
use crate::model::with_causes;

/// Something that is examined. Others rely on its id, so the id's meaning never changes.
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
    /// The jobs of a signed rule's gates sign themselves.
    WorkflowSignature,
    /// A cloud lets in the protected environment alone.
    CloudTrust,
}

impl Item {
    /// All, in the order in which they are examined.
    pub const ALL: [Self; 30] = [
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
        Self::WorkflowSignature,
        Self::CloudTrust,
    ];

    /// The stable id.
    pub fn id(self) -> &'static str {
        match self {
            Self::AppId => "app-id",
            Self::PrivateKey => "private-key",
            Self::WebhookSecret => "webhook-secret",
            Self::Policy => "policy",
            Self::App => "app",
            Self::Permissions => "permissions",
            Self::Events => "events",
            Self::HookUrl => "hook-url",
            Self::HookContentType => "hook-content-type",
            Self::HookSecret => "hook-secret",
            Self::HookTls => "hook-tls",
            Self::Function => "function",
            Self::Deliveries => "deliveries",
            Self::Repositories => "repositories",
            Self::Installation => "installation",
            Self::ReleaseEnvironment => "release-environment",
            Self::ReleaseRule => "release-rule",
            Self::ReleaseBypass => "release-bypass",
            Self::ReleaseBranches => "release-branches",
            Self::GateEnvironment => "gate-environment",
            Self::GateReviewers => "gate-reviewers",
            Self::GateSelfReview => "gate-self-review",
            Self::GateBypass => "gate-bypass",
            Self::GateBranches => "gate-branches",
            Self::WorkflowFile => "workflow-file",
            Self::WorkflowGate => "workflow-gate",
            Self::WorkflowRelease => "workflow-release",
            Self::WorkflowDeployment => "workflow-deployment",
            Self::WorkflowSignature => "workflow-signature",
            Self::CloudTrust => "cloud-trust",
        }
    }

    /// What is right.
    pub fn expected(self) -> &'static str {
        match self {
            Self::AppId => "the App's id or client id",
            Self::PrivateKey => "the App's RSA key in PEM, or a KMS key that signs with it",
            Self::WebhookSecret => "the webhook's secret (two during a rotation, one per line)",
            Self::Policy => "a valid policy",
            Self::App => "an App that GitHub knows by this id and key",
            Self::Permissions => "`actions: read`, `deployments: write`, `metadata: read`, and no more",
            Self::Events => "`deployment_protection_rule` alone",
            Self::HookUrl => "the function's `/github/webhook` over https, with at most one stage before it",
            Self::HookContentType => "`json`",
            Self::HookSecret => "the secret that `WEBHOOK_SECRET_PARAMETER` names",
            Self::HookTls => "certificates to be verified",
            Self::Function => "204 for a signed ping",
            Self::Deliveries => {
                "no failed delivery in the last day, apart from some 503 and 429, which the sweeps decide"
            }
            Self::Repositories => "repositories that a rule of the policy covers",
            Self::Installation => "the App to be installed, with the permissions that it asks for",
            Self::ReleaseEnvironment => "an existing environment",
            Self::ReleaseRule => {
                "this App, as an enabled deployment protection rule; without it, GitHub never asks the App"
            }
            Self::ReleaseBypass | Self::GateBypass => "that no admin can bypass the rules",
            Self::ReleaseBranches => "that only some branches or tags may enter, including the policy's `refs`",
            Self::GateEnvironment => {
                "an existing environment; one that a workflow merely names is created without any protection"
            }
            Self::GateReviewers => "required reviewers",
            Self::GateSelfReview => "self-review to be prevented",
            Self::GateBranches => {
                "that only some branches or tags may enter, including the policy's `refs`, and no tag can use the name of a branch"
            }
            Self::WorkflowFile => "the policy's workflow file, in YAML",
            Self::WorkflowGate => "one job with the gate's name, in the gate's environment",
            Self::WorkflowRelease => "jobs in the protected environment, and each of them needs every gate",
            Self::WorkflowDeployment => {
                "no `deployment: false`: GitHub fails such a job in an environment that has an App's rule"
            }
            Self::WorkflowSignature => {
                "a gate job with `id-token: write` and one step: `action/sign`, pinned to a commit, with the App's id"
            }
            Self::CloudTrust => "that jobs of the protected environment get in, and nothing else",
        }
    }

    /// What to do if it failed, in full sentences.
    pub fn fix(self) -> &'static str {
        match self {
            Self::AppId | Self::PrivateKey | Self::WebhookSecret => {
                "Create it, or fix the variable that names it. `gate setup` does both."
            }
            Self::Policy => "Fix the policy. `gate check` reads it from a file and shows what it lets in.",
            Self::App => {
                "Store the id and the key of one and the same App, and check that this machine's clock is right."
            }
            Self::Permissions | Self::Events => {
                "Change it in the App's settings, under *Permissions & events*, and accept it in every installation."
            }
            Self::HookUrl => {
                "Run `gate setup --stack STACK`, or change it in the App's settings, under *Webhook*. If *Active* is not ticked there, tick it and press *Save changes*: no API can."
            }
            Self::HookContentType | Self::HookSecret | Self::HookTls => {
                "Change it in the App's settings, under *Webhook*, or run `gate setup`."
            }
            Self::Function => {
                "Read the function's log. Check that the function is deployed and reads the same webhook secret."
            }
            Self::Deliveries => {
                "Open the App's *Advanced → Recent Deliveries*: each answer says why. After a 401, store the App's webhook secret for the function. If every delivery is deferred (503) or throttled (429), only the sweeps still decide anything: read the reasons in the function's log."
            }
            Self::Repositories => {
                "Name the repositories with `--repository`, or ask the platform team to add a rule to the policy."
            }
            Self::Installation => {
                "Ask an admin of the repository's owner to install the App on it, or to accept its permissions."
            }
            Self::ReleaseEnvironment
            | Self::ReleaseRule
            | Self::ReleaseBypass
            | Self::ReleaseBranches
            | Self::GateEnvironment
            | Self::GateReviewers
            | Self::GateSelfReview
            | Self::GateBypass
            | Self::GateBranches => "Ask a repository admin to change it under *Settings → Environments*.",
            Self::WorkflowFile
            | Self::WorkflowGate
            | Self::WorkflowRelease
            | Self::WorkflowDeployment
            | Self::WorkflowSignature => "Change the workflow file, or ask the platform team to change the policy.",
            Self::CloudTrust => {
                "Show who gets in with `gate trust --check`, and what to configure with `gate trust PROVIDER`."
            }
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
    /// It cannot be checked from here.
    NotChecked,
    /// It was not checked because time ran out, or GitHub did not answer: it may be another time.
    NotInTime,
}

impl State {
    /// For people and machines.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::NotChecked | Self::NotInTime => "not checked",
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

    /// Not looked at this time, and why.
    pub fn not_in_time(item: Item, why: impl fmt::Display) -> Self {
        Self { state: State::NotInTime, ..Self::ok(item, why) }
    }

    /// An error as a line: an answer about the item is a failure, a missing answer is not.
    pub(super) fn of_error(item: Item, error: &GithubError) -> Self {
        match error.remedy() {
            Remedy::Wait => Self::not_in_time(item, with_causes(error)),
            Remedy::Operator => Self::failed(item, with_causes(error)),
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
        let states = [State::Ok, State::Failed, State::NotChecked, State::NotInTime];
        assert_eq!(states.map(State::as_str), ["ok", "failed", "not checked", "not checked"]);
    }
}
