//! The names of the settings in AWS, for the code that writes them.

use std::fmt;

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
    /// `PRIVATE_KEY_SECRET` or `PRIVATE_KEY_KMS_KEY`.
    pub private_key: KeyPlace,
}

/// Where the App's key is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyPlace {
    /// A Secrets Manager secret, by name or ARN.
    Secret(String),
    /// A KMS key, by ARN, id or alias.
    KmsKey(String),
}

impl KeyPlace {
    /// The function's variable that names this place.
    pub fn variable(&self) -> &'static str {
        match self {
            Self::Secret(_) => "PRIVATE_KEY_SECRET",
            Self::KmsKey(_) => "PRIVATE_KEY_KMS_KEY",
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Self::Secret(name) | Self::KmsKey(name) => name,
        }
    }
}

impl fmt::Display for KeyPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret(name) => write!(f, "secret `{name}`"),
            Self::KmsKey(name) => write!(f, "KMS key `{name}`"),
        }
    }
}

impl Names {
    /// Reads the environment; where that says nothing, names under `prefix`, such as `/environment-gate`.
    ///
    /// # Errors
    /// A variable that is set and blank, or two places for the key.
    pub fn from_env_or(prefix: &str) -> Result<Self, ConfigError> {
        let prefix = prefix.trim_matches('/');
        let name = |name, default: String| Ok(variable(name)?.unwrap_or(default));
        Ok(Self {
            app_id: name("APP_ID_PARAMETER", format!("/{prefix}/app-id"))?,
            webhook_secret: name("WEBHOOK_SECRET_PARAMETER", format!("/{prefix}/webhook-secret"))?,
            policy: name("POLICY_PARAMETER", format!("/{prefix}/policy"))?,
            policies: variable_or_blank("POLICIES_PATH")?.unwrap_or_else(|| format!("/{prefix}/policies/")),
            private_key: key_place_from_env()?.unwrap_or_else(|| KeyPlace::Secret(format!("{prefix}/private-key"))),
        })
    }
}

/// The place at AWS that a variable names. The template sets both variables, one of them blank.
///
/// # Errors
/// Both name one.
pub(super) fn key_place_from_env() -> Result<Option<KeyPlace>, ConfigError> {
    const SECRET: &str = "PRIVATE_KEY_SECRET";
    const KMS_KEY: &str = "PRIVATE_KEY_KMS_KEY";
    match (variable_or_blank(SECRET)?, variable_or_blank(KMS_KEY)?) {
        (Some(_), Some(_)) => {
            let problem = format!("got a KMS key, and a secret in `{SECRET}`, expected one of them: leave one out");
            Err(ConfigError::of_variable(KMS_KEY, problem))
        }
        (secret, key) => Ok(secret.map(KeyPlace::Secret).or(key.map(KeyPlace::KmsKey))),
    }
}
