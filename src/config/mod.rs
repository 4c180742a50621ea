//! Settings: the only reader of the environment, of SSM Parameter Store and of Secrets Manager; and the App's key in KMS, which signs. Not here: writing them.

mod aws;
mod environment;
mod error;
mod event_bus;
mod kms;
mod names;
mod sources;
mod store;
mod variables;

pub use aws::{aws_for_person, aws_problem};
pub use environment::{log_filter, metrics_namespace};
pub use error::ConfigError;
pub use event_bus::EventBus;
pub use kms::kms_signer;
pub use names::{KeyPlace, Names};
pub use sources::{Reading, Sources, policies_in};
pub use store::{Settings, SettingsStore};
pub use variables::{Given, LocalFiles, SettingSource, Variables, api_from_env, http_from_env};

/// The variables of the function, and AWS as Lambda sets it up.
///
/// # Errors
/// A variable that is missing, empty, not UTF-8, or has an invalid value. (twice)
pub fn function_variables() -> Result<Variables, ConfigError> {
    let variables = Variables::from_env(LocalFiles::default())?;
    let needs_aws = variables.use_aws() || variables.event_bus.is_some();
    let aws = if needs_aws { Some(aws::aws_for_function(&variables.http)?) } else { None };
    Ok(Variables { aws, ..variables })
}

/// The variables of the function, and AWS as a person's terminal reaches it. `files` replace what the variables say.
///
/// # Errors
/// A variable that is missing, empty, not UTF-8, or has an invalid value. (twice)
pub async fn person_variables(files: LocalFiles) -> Result<Variables, ConfigError> {
    let variables = Variables::from_env(files)?;
    let aws = if variables.use_aws() { Some(aws_for_person(&variables.http).await?) } else { None };
    Ok(Variables { aws, ..variables })
}
