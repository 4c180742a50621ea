//! What is examined, each with one stable id, what is expected of it, and who mends it how; and one line of an examination.

use std::fmt;

use crate::github::{GithubError, Remedy};
use crate::model::with_causes;

/// Something that is examined. Its id is relied on from outside: it never changes its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Item {
    /// The App's id.
    AppId,
    /// The App's key.
    PrivateKey,
    /// The webhook secret.
    WebhookSecret,
    /// The policy.
    Policy,
    /// GitHub knows the App by its id and key.
    App,
    /// What the App may do.
    Permissions,
    /// What the App is told of.
    Events,
    /// Where the App's webhook leads.
    HookUrl,
    /// In which form.
    HookContentType,
    /// With which secret.
    HookSecret,
    /// Over verified TLS.
    HookTls,
    /// The function answers a delivery.
    Function,
    /// Deliveries arrived.
    Deliveries,
    /// The repositories of a pattern.
    Repositories,
    /// The App is installed on a repository.
    Installation,
    /// The protected environment exists.
    ReleaseEnvironment,
    /// Our rule is on it.
    ReleaseRule,
    /// Admins cannot walk past it.
    ReleaseBypass,
    /// Which branches may enter it.
    ReleaseBranches,
    /// A gate's environment exists.
    GateEnvironment,
    /// It asks a person.
    GateReviewers,
    /// And not the one who started the run.
    GateSelfReview,
    /// Admins cannot walk past it.
    GateBypass,
    /// Which branches may enter it.
    GateBranches,
    /// The workflow file is there.
    WorkflowFile,
    /// Its gate waits in the gate's environment.
    WorkflowGate,
    /// Its release waits for the gate.
    WorkflowRelease,
    /// Its jobs make deployments.
    WorkflowDeployment,
}

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
        self.words().0
    }

    /// What is right.
    pub fn expected(self) -> &'static str {
        self.words().1
    }

    /// Who does what when it is wrong.
    pub fn mend(self) -> &'static str {
        self.words().2
    }

    /// Id, what is expected, how it is mended.
    fn words(self) -> (&'static str, &'static str, &'static str) {
        const SETTINGS: &str = "create it, or mend the variable that names it; `gate setup` does both";
        const APP_PAGE: &str = "the App's owner changes it in the App's settings, under *Permissions & events*, and every installation accepts it";
        const WEBHOOK: &str = "the App's owner changes it in the App's settings, under *Webhook*, or `gate setup` does";
        const ENVIRONMENT: &str = "an admin of the repository changes it under *Settings → Environments*";
        const FILE: &str = "the workflow's owners change the file, or the platform team changes the policy";
        match self {
            Self::AppId => ("app-id", "the App's id or client id", SETTINGS),
            Self::PrivateKey => ("private-key", "the App's RSA key in PEM", SETTINGS),
            Self::WebhookSecret => ("webhook-secret", "the webhook's secret, one a line", SETTINGS),
            Self::Policy => ("policy", "a policy; `gate check` says more of it", "the platform team mends it"),
            Self::App => (
                "app",
                "GitHub knows the App by its id and key",
                "put the id and the key of one and the same App; is the clock right?",
            ),
            Self::Permissions => {
                ("permissions", "`actions: read`, `deployments: write`, `metadata: read`, and no more", APP_PAGE)
            }
            Self::Events => ("events", "`deployment_protection_rule` alone", APP_PAGE),
            Self::HookUrl => ("hook-url", "the function's `/github/webhook` over https", WEBHOOK),
            Self::HookContentType => ("hook-content-type", "`json`", WEBHOOK),
            Self::HookSecret => ("hook-secret", "a secret, the one in `WEBHOOK_SECRET_PARAMETER`", WEBHOOK),
            Self::HookTls => ("hook-tls", "certificates are verified", WEBHOOK),
            Self::Function => (
                "function",
                "204 to a signed ping",
                "see the function's log; is it deployed, and does it read the same webhook secret?",
            ),
            Self::Deliveries => (
                "deliveries",
                "none of ours that failed in the last day, but for 503 and 429: those are looked at again",
                "open the App's *Advanced → Recent Deliveries*: the answer says why; 401 is another webhook secret",
            ),
            Self::Repositories => ("repositories", "repositories that are named", "name them with `--repository`"),
            Self::Installation => (
                "installation",
                "the App is installed, with the permissions that it asks for",
                "an admin of the repository's owner installs the App, or accepts its permissions",
            ),
            Self::ReleaseEnvironment => ("release-environment", "the environment exists", ENVIRONMENT),
            Self::ReleaseRule => (
                "release-rule",
                "this App as an enabled deployment protection rule; without it no delivery is ever sent",
                ENVIRONMENT,
            ),
            Self::ReleaseBypass => ("release-bypass", "no admin may bypass the rules", ENVIRONMENT),
            Self::ReleaseBranches => {
                ("release-branches", "only some may enter, the policy's `refs` among them", ENVIRONMENT)
            }
            Self::GateEnvironment => (
                "gate-environment",
                "the environment exists: one that a workflow merely names is made without any protection",
                ENVIRONMENT,
            ),
            Self::GateReviewers => ("gate-reviewers", "required reviewers", ENVIRONMENT),
            Self::GateSelfReview => ("gate-self-review", "nobody approves a run of their own", ENVIRONMENT),
            Self::GateBypass => ("gate-bypass", "no admin may bypass the rules", ENVIRONMENT),
            Self::GateBranches => {
                ("gate-branches", "the same, by type: no tag under the name of a branch", ENVIRONMENT)
            }
            Self::WorkflowFile => ("workflow-file", "the workflow file of the policy, in YAML", FILE),
            Self::WorkflowGate => ("workflow-gate", "one job of the gate's name, in the gate's environment", FILE),
            Self::WorkflowRelease => {
                ("workflow-release", "jobs in the protected environment, each of which needs the gates", FILE)
            }
            Self::WorkflowDeployment => {
                ("workflow-deployment", "no `deployment: false`: without a deployment no rule of an App is asked", FILE)
            }
        }
    }
}

/// How something was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// As it should be.
    Right,
    /// Not as it should be.
    Wrong,
    /// Nobody looked.
    NotSeen,
}

impl State {
    /// For people and machines.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::Wrong => "wrong",
            Self::NotSeen => "not seen",
        }
    }
}

/// One line of an examination. Names of others stand in it as code spans.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What was examined.
    pub item: Item,
    /// Of what: a repository, an environment; empty where there is one only.
    pub about: String,
    /// How it was found.
    pub state: State,
    /// What was seen, or why nothing was.
    pub got: String,
}

impl Line {
    /// As it should be.
    pub fn right(item: Item, got: impl fmt::Display) -> Self {
        Self { item, about: String::new(), state: State::Right, got: got.to_string() }
    }

    /// Not as it should be.
    pub fn wrong(item: Item, got: impl fmt::Display) -> Self {
        Self { state: State::Wrong, ..Self::right(item, got) }
    }

    /// Not looked at, and why.
    pub fn not_seen(item: Item, why: impl fmt::Display) -> Self {
        Self { state: State::NotSeen, ..Self::right(item, why) }
    }

    /// What an error says: an answer about the thing is a defect, no answer is none.
    pub(super) fn of_error(item: Item, error: &GithubError) -> Self {
        match error.remedy() {
            Remedy::Wait => Self::not_seen(item, with_causes(error)),
            Remedy::Operator | Remedy::Nothing => Self::wrong(item, with_causes(error)),
        }
    }

    /// Right if it holds.
    pub fn holds(item: Item, holds: bool, got: impl fmt::Display) -> Self {
        if holds { Self::right(item, got) } else { Self::wrong(item, got) }
    }

    /// The same, of something that has a name.
    #[must_use]
    pub fn about(self, about: impl fmt::Display) -> Self {
        Self { about: about.to_string(), ..self }
    }
}
