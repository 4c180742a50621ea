//! What the variables say: each setting, and where it comes from. Every error has the variable's name.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use aws_config::SdkConfig;
use secrecy::SecretString;

use super::aws::aws_for_events;
use super::environment::{variable, variable_or_blank};
use super::event_bus::bus_from_env;
use super::names::{KeyPlace, key_place_from_env};
use super::{ConfigError, EventBus};
use crate::github::Issuer;
use crate::http::{HttpClient, HttpSetupError};
use crate::model::ApiUrl;

const DEFAULT_API_URL: &str = "https://api.github.com";

/// Where one setting comes from.
#[derive(Debug)]
pub struct SettingSource {
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
    /// A KMS key, by ARN, id or alias: it signs, and nothing is read.
    KmsKey(String),
    /// All SSM parameters under a path.
    ParametersUnder(String),
    /// All files `*.rego` of a local folder.
    Folder(PathBuf),
}

impl SettingSource {
    /// An error about this setting.
    pub(super) fn error(&self, problem: impl fmt::Display) -> ConfigError {
        ConfigError::of_subject(self.variable, self.subject(), problem)
    }

    fn subject(&self) -> Option<String> {
        match &self.place {
            Place::Value(_) => None,
            Place::File(path) => Some(format!("file `{}`", path.display())),
            Place::Parameter(name) => Some(format!("SSM parameter `{name}`")),
            Place::Secret(name) => Some(format!("Secrets Manager secret `{name}`")),
            Place::KmsKey(name) => Some(format!("KMS key `{name}`")),
            Place::ParametersUnder(path) => Some(format!("SSM parameters under `{path}`")),
            Place::Folder(path) => Some(format!("folder `{}`", path.display())),
        }
    }
}

/// What the environment says. `docs/configuration.md` lists every variable.
#[derive(Debug)]
pub struct Variables {
    /// `GITHUB_API_URL`.
    pub api: ApiUrl,
    /// The provider of jobs' tokens: `OIDC_ISSUER` and `ARTIFACT_HOSTS`, or GitHub's own; `None` for a GitHub Enterprise Server.
    pub issuer: Option<Arc<Issuer>>,
    /// `SSL_CERT_FILE`, read.
    pub http: HttpClient,
    /// `APP_ID` or `APP_ID_PARAMETER`.
    pub app_id: SettingSource,
    /// `WEBHOOK_SECRET` or `WEBHOOK_SECRET_PARAMETER`.
    pub webhook_secret: SettingSource,
    /// `POLICY_FILE` or `POLICY_PARAMETER`.
    pub policy: SettingSource,
    /// `POLICIES_DIR` or `POLICIES_PATH`; `None` where there are no policies in Rego.
    pub policies: Option<SettingSource>,
    /// `PRIVATE_KEY_FILE`, `PRIVATE_KEY_SECRET` or `PRIVATE_KEY_KMS_KEY`.
    pub private_key: SettingSource,
    /// `EVENT_BUS_NAME`; `None` where no events are sent.
    pub(super) event_bus: Option<String>,
    /// How AWS is reached, where one of them comes from there.
    pub aws: Option<SdkConfig>,
}

impl Variables {
    /// Reads the environment, and what `files` gives from there. AWS is not set up yet.
    ///
    /// # Errors
    /// A variable that is missing, empty, not UTF-8, or has an invalid value.
    pub fn from_env(files: LocalFiles) -> Result<Self, ConfigError> {
        let api = api_from_env()?;
        let http = http_from_env()?;
        let issuer = issuer_from_env(&api)?;
        let value = |variable| Candidate { variable, place: |value| Place::Value(value.into()) };
        let file = |variable| Candidate { variable, place: |value| Place::File(value.into()) };
        let parameter = |variable| Candidate { variable, place: Place::Parameter };
        let app_id = local_or_aws(value("APP_ID"), parameter("APP_ID_PARAMETER"))?;
        let webhook_secret = local_or_aws(value("WEBHOOK_SECRET"), parameter("WEBHOOK_SECRET_PARAMETER"))?;
        let policy = match files.policy {
            Some(path) => SettingSource { variable: "--policy", place: Place::File(path) },
            None => local_or_aws(file("POLICY_FILE"), parameter("POLICY_PARAMETER"))?,
        };
        let policies = match files.policies {
            Some(path) => Some(SettingSource { variable: "--policies", place: Place::Folder(path) }),
            None => policies_from_env()?,
        };
        let private_key = private_key_from_env()?;
        let event_bus = bus_from_env()?;
        Ok(Self { api, issuer, http, app_id, webhook_secret, policy, policies, private_key, event_bus, aws: None })
    }

    /// Whether any setting comes from AWS. If none does, AWS is never called.
    pub fn use_aws(&self) -> bool {
        let sources =
            [&self.app_id, &self.webhook_secret, &self.policy, &self.private_key].into_iter().chain(&self.policies);
        let is_local = |place: &Place| matches!(place, Place::Value(_) | Place::File(_) | Place::Folder(_));
        sources.into_iter().any(|source| !is_local(&source.place))
    }

    /// The bus that decisions are sent to, where one is named and AWS is set up.
    pub fn event_bus(&self) -> Option<EventBus> {
        let (name, aws) = self.event_bus.clone().zip(self.aws.as_ref())?;
        Some(EventBus { name, aws: aws_for_events(aws, &self.http) })
    }

    /// Settings that are given instead of read from the environment: for a story that brings its own world.
    ///
    /// # Errors
    /// The HTTP client cannot be set up.
    pub fn given(api: ApiUrl, given: Given) -> Result<Self, HttpSetupError> {
        let value = |variable, value| SettingSource { variable, place: Place::Value(value) };
        let file = |variable, path| SettingSource { variable, place: Place::File(path) };
        Ok(Self {
            api,
            issuer: given.issuer,
            http: HttpClient::new(None)?,
            app_id: value("APP_ID", given.app_id),
            webhook_secret: value("WEBHOOK_SECRET", given.webhook_secret),
            policy: file("POLICY_FILE", given.policy_file),
            policies: given
                .policies_dir
                .map(|path| SettingSource { variable: "POLICIES_DIR", place: Place::Folder(path) }),
            private_key: value("PRIVATE_KEY_FILE", given.private_key),
            event_bus: None,
            aws: None,
        })
    }
}

/// What a person gives on the command line instead of in variables.
#[derive(Debug, Default)]
pub struct LocalFiles {
    /// The policy in TOML.
    pub policy: Option<PathBuf>,
    /// The folder of policies in Rego.
    pub policies: Option<PathBuf>,
}

/// All settings.
#[derive(Debug)]
pub struct Given {
    /// The App's id.
    pub app_id: SecretString,
    /// Webhook secrets, one per line.
    pub webhook_secret: SecretString,
    /// A file with the policy in TOML.
    pub policy_file: PathBuf,
    /// A folder with policies in Rego.
    pub policies_dir: Option<PathBuf>,
    /// The App's key in PEM.
    pub private_key: SecretString,
    /// The provider of jobs' tokens.
    pub issuer: Option<Arc<Issuer>>,
}

/// Where policies in Rego are, if anywhere.
fn policies_from_env() -> Result<Option<SettingSource>, ConfigError> {
    let folder = variable_or_blank("POLICIES_DIR")?.map(|path| ("POLICIES_DIR", Place::Folder(path.into())));
    let path = variable_or_blank("POLICIES_PATH")?.map(|path| ("POLICIES_PATH", Place::ParametersUnder(path)));
    let source = folder.or(path).map(|(variable, place)| SettingSource { variable, place });
    match &source {
        Some(source @ SettingSource { place: Place::ParametersUnder(path), .. }) if !path.starts_with('/') => {
            Err(source.error(
                "got a path that does not begin with a slash, expected one such as `/environment-gate/policies/`",
            ))
        }
        _ => Ok(source),
    }
}

/// The App's key: in a local file, or at AWS.
fn private_key_from_env() -> Result<SettingSource, ConfigError> {
    const FILE: &str = "PRIVATE_KEY_FILE";
    if let Some(path) = variable(FILE)? {
        return Ok(SettingSource { variable: FILE, place: Place::File(path.into()) });
    }
    let Some(place) = key_place_from_env()? else {
        let problem = format!(
            "got nothing, expected the secret with the App's key (or set `PRIVATE_KEY_KMS_KEY` to the KMS key that signs for the App, or `{FILE}` for local work)"
        );
        return Err(ConfigError::of_variable("PRIVATE_KEY_SECRET", problem));
    };
    let variable = place.variable();
    let place = match place {
        KeyPlace::Secret(name) => Place::Secret(name),
        KeyPlace::KmsKey(name) => Place::KmsKey(name),
    };
    Ok(SettingSource { variable, place })
}

/// `GITHUB_API_URL`: where GitHub's API is.
///
/// # Errors
/// A value that is not the URL of an API.
pub fn api_from_env() -> Result<ApiUrl, ConfigError> {
    let api = variable("GITHUB_API_URL")?.unwrap_or_else(|| DEFAULT_API_URL.to_owned());
    ApiUrl::parse(&api).map_err(|error| ConfigError::of_variable("GITHUB_API_URL", error))
}

/// The provider of jobs' tokens. A GitHub Enterprise Server has none whose tokens name their job.
fn issuer_from_env(api: &ApiUrl) -> Result<Option<Arc<Issuer>>, ConfigError> {
    const VARIABLE: &str = "OIDC_ISSUER";
    let hosts = variable_or_blank("ARTIFACT_HOSTS")?.unwrap_or_default();
    let hosts = hosts.split([',', ' ']).filter(|host| !host.is_empty()).map(ToOwned::to_owned).collect();
    let named = variable_or_blank(VARIABLE)?;
    let Some(name) = named.or_else(|| Issuer::name_for(api)).filter(|_| !api.is_server()) else { return Ok(None) };
    Issuer::new(&name, hosts)
        .map(|issuer| Some(Arc::new(issuer)))
        .map_err(|error| ConfigError::of_variable(VARIABLE, error))
}

/// The one HTTP client, with the trust anchors of `SSL_CERT_FILE`.
///
/// # Errors
/// A file that cannot be read, or that holds no trust anchor.
pub fn http_from_env() -> Result<HttpClient, ConfigError> {
    const VARIABLE: &str = "SSL_CERT_FILE";
    let Some(path) = variable(VARIABLE)?.map(PathBuf::from) else {
        return HttpClient::new(None).map_err(|error| ConfigError::of_variable(VARIABLE, error));
    };
    let source = SettingSource { variable: VARIABLE, place: Place::File(path.clone()) };
    let unreadable = |error| source.error("cannot be read, expected trust anchors in PEM").because(error);
    let pem = std::fs::read(&path).map_err(unreadable)?;
    HttpClient::new(Some(&pem)).map_err(|error| source.error(error))
}

/// A variable, and what its value names.
#[derive(Clone, Copy)]
struct Candidate {
    variable: &'static str,
    place: fn(String) -> Place,
}

/// The source of a setting: the variable for local work if it is set, else the one that names a place at AWS.
fn local_or_aws(local: Candidate, aws: Candidate) -> Result<SettingSource, ConfigError> {
    for candidate in [&local, &aws] {
        if let Some(value) = variable(candidate.variable)? {
            return Ok(SettingSource { variable: candidate.variable, place: (candidate.place)(value) });
        }
    }
    let problem = format!(
        "got nothing, expected the name of the place to read it from (or set `{}` for local work)",
        local.variable
    );
    Err(ConfigError::of_variable(aws.variable, problem))
}
