//! The process's environment. The only file that reads it.
#![expect(clippy::disallowed_methods, reason = "the one place where the environment is read")]

use std::env;

use super::ConfigError;

const DEFAULT_LOG_FILTER: &str = "info";

/// A variable's value. A variable that is set but blank is a mistake; it does not count as missing.
pub(super) fn variable(name: &'static str) -> Result<Option<String>, ConfigError> {
    match env::var(name) {
        Ok(value) if value.trim().is_empty() => {
            Err(ConfigError::of_variable(name, "got an empty value, expected a value or no variable at all"))
        }
        Ok(value) => Ok(Some(value)),
        Err(env::VarError::NotPresent) => Ok(None),
        Err(env::VarError::NotUnicode(_)) => Err(ConfigError::of_variable(name, "got a value that is not UTF-8")),
    }
}

/// The same for a variable that may be blank, which says as much as leaving it out: a template sets it always.
pub(super) fn variable_or_blank(name: &'static str) -> Result<Option<String>, ConfigError> {
    if env::var(name).is_ok_and(|value| value.trim().is_empty()) { Ok(None) } else { variable(name) }
}

/// `AWS_ENDPOINT_URL_SERVICE`: another endpoint of one of AWS's services, by the id that its SDK has.
pub(super) fn endpoint_of_service(id: &str) -> Option<String> {
    env::var(format!("AWS_ENDPOINT_URL_{}", id.to_uppercase().replace(' ', "_"))).ok().filter(|url| !url.is_empty())
}

/// `RUST_LOG`: the filter for log lines, default `info`.
pub fn log_filter() -> String {
    env::var("RUST_LOG").ok().filter(|filter| !filter.is_empty()).unwrap_or_else(|| DEFAULT_LOG_FILTER.to_owned())
}

/// `METRICS_NAMESPACE`: the CloudWatch namespace of the metrics in the log; without it the log has none.
pub fn metrics_namespace() -> Option<String> {
    env::var("METRICS_NAMESPACE").ok().filter(|namespace| !namespace.trim().is_empty())
}
