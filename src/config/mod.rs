//! Settings: the only reader of the environment, of SSM Parameter Store and of Secrets Manager.

mod aws;
mod aws_settings;
mod sources;
mod stack;
mod store;
mod variables;
mod vault;

pub use sources::{Reading, Sources};
pub use stack::webhook_url_of_stack;
pub use store::{Settings, SettingsStore};
pub use variables::{
    AwsVariables, ConfigError, Given, Names, Source, Variables, api_from_env, colour_is_unwanted, http_from_env,
    log_filter,
};
pub use vault::{Kept, Vault, VaultError};
