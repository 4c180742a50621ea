//! GitHub's REST API: evidence in, reviews out. The only module that speaks HTTP to GitHub.
//!
//! Not here: what the evidence means (`gate`), and where it was asked for (`webhook`).

mod answer;
mod app;
mod budget;
mod client;
mod collect;
mod error;
mod inspector;
mod installation;
mod lost;
mod manifest;
mod reader;
mod recorded;
mod review;
mod tape;
mod waiting;
mod wire;

pub use app::{App, InvalidPrivateKey};
pub use client::{Client, Limits};
pub use collect::collect;
pub use error::{GithubError, Meaning};
pub use inspector::{
    AppFacts, BranchPolicy, BranchRestriction, CustomRule, CustomRuleApp, DeliveryFacts, EnvironmentFacts, HookFacts,
    Inspector, InstallationFacts,
};
pub use installation::{Installation, Of, Tokens};
pub use lost::Lost;
pub use manifest::{Hook, MadeApp, Manifest, convert, set_hook};
pub use reader::Reader;
pub use recorded::read_answer;
pub use review::{Reviewed, Reviewer, Verdict};
pub use tape::{Ending, Exchange, Tape};
pub use waiting::{Waiting, WaitingRun};
