//! The environment variables, each with its own name in every error.
#![expect(clippy::disallowed_methods, reason = "the one place where the environment is read")]

use std::env;
use std::fmt;
use std::path::PathBuf;

use secrecy::SecretString;

use super::aws::Service;
use crate::model::ApiUrl;
use crate::transport::{Connections, TransportError};

const DEFAULT_API_URL: &str = "https://api.github.com";
const DEFAULT_LOG_FILTER: &str = "info";

/// A setting that cannot be used: which variable, what it names, and what is wrong.
#[derive(Debug, thiserror::Error)]
#[error("`{variable}`{}: {problem}", names(.subject.as_deref()))]
pub struct ConfigError {
    variable: &'static str,
    /// The parameter, secret or file that the variable names.
    subject: Option<String>,
    problem: String,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

fn names(subject: Option<&str>) -> String {
    subject.map(|subject| format!(" ({subject})")).unwrap_or_default()
}

impl ConfigError {
    pub(super) fn new(source: &Source, problem: impl fmt::Display) -> Self {
        Self { variable: source.variable, subject: source.subject(), problem: problem.to_string(), source: None }
    }

    /// Is it the App's id that cannot be used?
    pub fn is_of_the_app_id(&self) -> bool {
        matches!(self.variable, "APP_ID" | "APP_ID_PARAMETER")
    }

    pub(super) fn because(
        source: &Source,
        problem: impl fmt::Display,
        cause: impl std::error::Error + Send + Sync + 'static,
    ) -> Self {
        Self { source: Some(Box::new(cause)), ..Self::new(source, problem) }
    }

    fn of_variable(variable: &'static str, problem: impl fmt::Display) -> Self {
        Self { variable, subject: None, problem: problem.to_string(), source: None }
    }
}

/// Where one setting comes from.
#[derive(Debug)]
pub struct Source {
    /// The variable that says so.
    pub(super) variable: &'static str,
    pub(super) place: Place,
}

#[derive(Debug)]
pub(super) enum Place {
    /// The variable's own value.
    Value(SecretString),
    /// A local file.
    File(PathBuf),
    /// An SSM parameter.
    Parameter(String),
    /// A Secrets Manager secret, by name or ARN.
    Secret(String),
}

impl Source {
    fn subject(&self) -> Option<String> {
        match &self.place {
            Place::Value(_) => None,
            Place::File(path) => Some(format!("file `{}`", path.display())),
            Place::Parameter(name) => Some(format!("SSM parameter `{name}`")),
            Place::Secret(name) => Some(format!("Secrets Manager secret `{name}`")),
        }
    }
}

/// What the environment says. The README's "Configuration" lists every variable.
#[derive(Debug)]
pub struct Variables {
    /// `GITHUB_API_URL`.
    pub api: ApiUrl,
    /// `SSL_CERT_FILE`, read.
    pub http: Connections,
    /// `APP_ID` or `APP_ID_PARAMETER`.
    pub app_id: Source,
    /// `WEBHOOK_SECRET` or `WEBHOOK_SECRET_PARAMETER`.
    pub webhook_secret: Source,
    /// `POLICY_FILE` or `POLICY_PARAMETER`.
    pub policy: Source,
    /// `PRIVATE_KEY_FILE` or `PRIVATE_KEY_SECRET`.
    pub private_key: Source,
    /// How AWS is reached, where one of them comes from there.
    pub aws: Option<AwsVariables>,
}

/// How AWS is reached, by the variables that Lambda sets and every SDK of AWS know
/// (<https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html>).
#[derive(Debug, Clone)]
pub struct AwsVariables {
    /// `AWS_REGION`, or `AWS_DEFAULT_REGION`.
    pub(super) region: String,
    /// `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`.
    pub(super) access_key: (String, SecretString),
    /// `AWS_SESSION_TOKEN`.
    pub(super) session_token: Option<SecretString>,
    /// `AWS_ENDPOINT_URL_SSM`, or `AWS_ENDPOINT_URL`.
    pub(super) ssm_endpoint: Option<String>,
    /// `AWS_ENDPOINT_URL_SECRETS_MANAGER`, or `AWS_ENDPOINT_URL`.
    pub(super) secrets_manager_endpoint: Option<String>,
    /// `AWS_ENDPOINT_URL`: of CloudFormation, which only `gate setup` asks.
    pub(super) endpoint: Option<String>,
}

impl AwsVariables {
    /// Where a service is: by the environment, or by the region's name (<https://docs.aws.amazon.com/general/latest/gr/rande.html>).
    pub(super) fn endpoint_of(&self, service: Service) -> String {
        let given = match service {
            Service::Ssm => &self.ssm_endpoint,
            Service::SecretsManager => &self.secrets_manager_endpoint,
            Service::CloudFormation => &self.endpoint,
        };
        let china = if self.region.starts_with("cn-") { ".cn" } else { "" };
        let regional = || format!("https://{}.{}.amazonaws.com{china}", service.name(), self.region);
        format!("{}/", given.clone().unwrap_or_else(regional).trim_end_matches('/'))
    }

    /// Reads the environment.
    ///
    /// # Errors
    /// A variable that is missing or blank.
    pub fn from_env() -> Result<Self, ConfigError> {
        let needed = |variable, value: Option<String>| {
            value.ok_or_else(|| {
                let expected = "got nothing, expected what Lambda sets; elsewhere `aws configure export-credentials --format env` says it";
                ConfigError::of_variable(variable, expected)
            })
        };
        let region = text("AWS_REGION")?.or(text("AWS_DEFAULT_REGION")?);
        let endpoint = text("AWS_ENDPOINT_URL")?;
        let secret = needed("AWS_SECRET_ACCESS_KEY", text("AWS_SECRET_ACCESS_KEY")?)?;
        Ok(Self {
            region: needed("AWS_REGION", region)?,
            access_key: (needed("AWS_ACCESS_KEY_ID", text("AWS_ACCESS_KEY_ID")?)?, secret.into()),
            session_token: text("AWS_SESSION_TOKEN")?.map(SecretString::from),
            ssm_endpoint: text("AWS_ENDPOINT_URL_SSM")?.or_else(|| endpoint.clone()),
            secrets_manager_endpoint: text("AWS_ENDPOINT_URL_SECRETS_MANAGER")?.or_else(|| endpoint.clone()),
            endpoint,
        })
    }
}

impl Variables {
    /// Reads the environment.
    ///
    /// # Errors
    /// A variable that is missing, empty, not UTF-8, or whose value is not of its kind.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_env_with(None)
    }

    /// Reads the environment, and the policy from a file instead of where the environment says.
    ///
    /// # Errors
    /// As [`Variables::from_env`].
    pub fn from_env_with(policy_file: Option<PathBuf>) -> Result<Self, ConfigError> {
        let api = api_from_env()?;
        let http = http_from_env()?;
        let app_id =
            local_or_aws(("APP_ID", |value| Place::Value(value.into())), ("APP_ID_PARAMETER", Place::Parameter))?;
        let webhook_secret = local_or_aws(
            ("WEBHOOK_SECRET", |value| Place::Value(value.into())),
            ("WEBHOOK_SECRET_PARAMETER", Place::Parameter),
        )?;
        let policy = match policy_file {
            Some(path) => Source { variable: "--policy", place: Place::File(path) },
            None => local_or_aws(
                ("POLICY_FILE", |value| Place::File(value.into())),
                ("POLICY_PARAMETER", Place::Parameter),
            )?,
        };
        let private_key = local_or_aws(
            ("PRIVATE_KEY_FILE", |value| Place::File(value.into())),
            ("PRIVATE_KEY_SECRET", Place::Secret),
        )?;
        let sources = [&app_id, &webhook_secret, &policy, &private_key];
        let uses_aws = sources.iter().any(|source| matches!(source.place, Place::Parameter(_) | Place::Secret(_)));
        let aws = if uses_aws { Some(AwsVariables::from_env()?) } else { None };
        Ok(Self { api, http, app_id, webhook_secret, policy, private_key, aws })
    }

    /// Settings that are given instead of read from the environment: for a story that brings its own world.
    ///
    /// # Errors
    /// There is no HTTP client to be had.
    pub fn given(api: ApiUrl, given: Given) -> Result<Self, TransportError> {
        let value = |variable, value| Source { variable, place: Place::Value(value) };
        let file = |variable, path| Source { variable, place: Place::File(path) };
        Ok(Self {
            api,
            http: Connections::new(None)?,
            app_id: value("APP_ID", given.app_id),
            webhook_secret: value("WEBHOOK_SECRET", given.webhook_secret),
            policy: file("POLICY_FILE", given.policy_file),
            private_key: value("PRIVATE_KEY_FILE", given.private_key),
            aws: None,
        })
    }
}

/// All settings.
#[derive(Debug)]
pub struct Given {
    /// The App's id.
    pub app_id: SecretString,
    /// Webhook secrets, one a line.
    pub webhook_secret: SecretString,
    /// A file with the policy in TOML.
    pub policy_file: PathBuf,
    /// The App's key in PEM.
    pub private_key: SecretString,
}

/// Where the settings are kept at AWS, by the function's own variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// `APP_ID_PARAMETER`.
    pub app_id: String,
    /// `WEBHOOK_SECRET_PARAMETER`.
    pub webhook_secret: String,
    /// `POLICY_PARAMETER`.
    pub policy: String,
    /// `PRIVATE_KEY_SECRET`.
    pub private_key: String,
}

impl Names {
    /// Reads the environment; where it says nothing, names under `prefix`, such as `/environment-gate`.
    ///
    /// # Errors
    /// A variable that is set and blank.
    pub fn from_env_or(prefix: &str) -> Result<Self, ConfigError> {
        let prefix = prefix.trim_matches('/');
        let name = |variable, default: String| Ok(text(variable)?.unwrap_or(default));
        Ok(Self {
            app_id: name("APP_ID_PARAMETER", format!("/{prefix}/app-id"))?,
            webhook_secret: name("WEBHOOK_SECRET_PARAMETER", format!("/{prefix}/webhook-secret"))?,
            policy: name("POLICY_PARAMETER", format!("/{prefix}/policy"))?,
            private_key: name("PRIVATE_KEY_SECRET", format!("{prefix}/private-key"))?,
        })
    }
}

/// `RUST_LOG`: the filter for our own log lines, default `info`.
pub fn log_filter() -> String {
    env::var("RUST_LOG").ok().filter(|filter| !filter.is_empty()).unwrap_or_else(|| DEFAULT_LOG_FILTER.to_owned())
}

/// `NO_COLOR` (<https://no-color.org>): is colour unwanted on a terminal?
pub fn colour_is_unwanted() -> bool {
    env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}

/// `GITHUB_API_URL`: where GitHub's API is.
///
/// # Errors
/// A value that is no API's URL.
pub fn api_from_env() -> Result<ApiUrl, ConfigError> {
    let api = text("GITHUB_API_URL")?.unwrap_or_else(|| DEFAULT_API_URL.to_owned());
    ApiUrl::parse(&api).map_err(|error| ConfigError::of_variable("GITHUB_API_URL", error))
}

/// The one HTTP client, with the trust anchors of `SSL_CERT_FILE`.
///
/// # Errors
/// A file that cannot be read, or that holds no trust anchor.
pub fn http_from_env() -> Result<Connections, ConfigError> {
    const VARIABLE: &str = "SSL_CERT_FILE";
    let path = text(VARIABLE)?.map(PathBuf::from);
    let Some(path) = path else {
        return Connections::new(None).map_err(|error| ConfigError::of_variable(VARIABLE, error));
    };
    let source = Source { variable: VARIABLE, place: Place::File(path.clone()) };
    let pem = std::fs::read(&path)
        .map_err(|error| ConfigError::because(&source, "cannot be read, expected trust anchors in PEM", error))?;
    Connections::new(Some(&pem)).map_err(|error| ConfigError::new(&source, error))
}

/// A variable and what its value names.
type Named = (&'static str, fn(String) -> Place);

fn local_or_aws((local, in_local): Named, (aws, in_aws): Named) -> Result<Source, ConfigError> {
    if let Some(value) = text(local)? {
        return Ok(Source { variable: local, place: in_local(value) });
    }
    let value = text(aws)?.ok_or_else(|| {
        ConfigError::of_variable(
            aws,
            format!("got nothing, expected the name to read it from (or `{local}` for local work)"),
        )
    })?;
    Ok(Source { variable: aws, place: in_aws(value) })
}

/// A variable's value. One that is set and blank is a mistake, not a missing one.
fn text(variable: &'static str) -> Result<Option<String>, ConfigError> {
    match env::var(variable) {
        Ok(value) if value.trim().is_empty() => {
            Err(ConfigError::of_variable(variable, "got an empty value, expected one, or the variable not set"))
        }
        Ok(value) => Ok(Some(value)),
        Err(env::VarError::NotPresent) => Ok(None),
        Err(env::VarError::NotUnicode(_)) => Err(ConfigError::of_variable(variable, "got a value that is not UTF-8")),
    }
}
