//! GitHub's nouns as types.
//!
//! A leaf: no I/O, no policy, no wire format. What GitHub may leave out is an `Option` here; a value that it may
//! add without notice parses to `Unknown`, which satisfies nothing.

mod account;
mod api_url;
mod environment;
mod job;
mod names;
mod request;
mod run;
mod run_url;
mod text;

pub use account::{Account, AccountType, Permission};
pub use api_url::{ApiUrl, InvalidApiUrl};
pub use environment::{Environment, EnvironmentReview, ReviewState};
pub use job::{Conclusion, Job, JobStatus};
pub use names::{EnvironmentName, InvalidName, Login, RefName, RepositoryName, RunId, Sha};
pub use request::{Repository, Request};
pub use run::{RunAttempt, RunStatus, WaitingRun, WorkflowRun};
pub use run_url::RunUrl;
pub use text::{Quoted, listed, quoted, quoted_list, quoted_sentence, with_causes};
