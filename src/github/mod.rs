//! GitHub's REST API: evidence in, reviews out. The only module that speaks HTTP to GitHub, with one client for each credential.
//!
//! - [`GithubClient`]: no credential. Bounded, retried, and silent while GitHub asks for a pause.
//! - [`AppClient`]: the App's own token (a JWT).
//! - [`RepositoryClient`]: an installation token for one repository. It only reads.
//! - [`Reviewer`]: the one writer, for one request.
//!
//! Not here: what the evidence means (`gate`), and where the request came from (`webhook`).

mod answer;
mod app;
mod app_client;
mod app_token;
mod artifacts;
mod call;
mod client;
mod elsewhere;
mod error;
mod evidence;
mod installation_token;
mod issuer;
mod private_key;
mod rate_limit;
mod recorded_answer;
mod recording;
mod remote_key;
mod repository_client;
mod review;
mod run_reader;
mod waiting_runs;
mod wire;

pub use app::App;
pub use app_client::{AppClient, FailedDeliveries, FailedDelivery};
pub use client::{GithubClient, Limits};
pub use error::{GithubError, Remedy, SigningError};
pub use evidence::{Collected, collect, collect_unless};
pub use installation_token::{PERMISSIONS, Permissions, RepositoryRef};
pub use issuer::Issuer;
pub use private_key::{InvalidPrivateKey, rsa_key_of};
pub use recorded_answer::read_answer;
pub use recording::{Exchange, ExchangeEnd, Recording};
pub use remote_key::{RemoteKey, RemoteSigner};
pub use repository_client::{RepositoryClient, environment_path, path_segment};
pub use review::{Review, ReviewResult, Reviewer};
pub use run_reader::RunReader;
pub use waiting_runs::{RunList, RunState, WaitingRuns};
pub use wire::{AppWire, BranchRestrictionWire, EnvironmentWire, HookDeliveryWire, InstallationWire};
