//! The names of the settings in AWS, for the code that writes them.

use super::ConfigError;
use super::environment::{variable, variable_or_blank};

/// Where the settings are kept at AWS, by the function's own variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// `APP_ID_PARAMETER`.
    pub app_id: String,
    /// `WEBHOOK_SECRET_PARAMETER`.
    pub webhook_secret: String,
    /// `POLICY_PARAMETER`.
    pub policy: String,
    /// `POLICIES_PATH`; ends with a slash.
    pub policies: String,
    /// `PRIVATE_KEY_SECRET`.
    pub private_key: String,
}

impl Names {
    /// Reads the environment; where that says nothing, names under `prefix`, such as `/environment-gate`.
    ///
    /// # Errors
    /// A variable that is set and blank.
    pub fn from_env_or(prefix: &str) -> Result<Self, ConfigError> {
        let prefix = prefix.trim_matches('/');
        let name = |name, default: String| Ok(variable(name)?.unwrap_or(default));
        Ok(Self {
            app_id: name("APP_ID_PARAMETER", format!("/{prefix}/app-id"))?,
            webhook_secret: name("WEBHOOK_SECRET_PARAMETER", format!("/{prefix}/webhook-secret"))?,
            policy: name("POLICY_PARAMETER", format!("/{prefix}/policy"))?,
            policies: variable_or_blank("POLICIES_PATH")?.unwrap_or_else(|| format!("/{prefix}/policies/")),
            private_key: name("PRIVATE_KEY_SECRET", format!("{prefix}/private-key"))?,
        })
    }
}
