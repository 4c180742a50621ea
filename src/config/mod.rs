//! Settings: the only reader of the environment, of SSM Parameter Store and of Secrets Manager.

mod aws;
mod aws_http;
mod sources;
mod store;
mod variables;

pub use sources::{Reading, Sources};
pub use store::{Settings, SettingsStore};
pub use variables::{ConfigError, Given, Source, Variables, colour_is_unwanted, log_filter};
