//! Reads the settings from wherever each comes from, all at once.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use super::ConfigError;
use super::aws::AwsSettings;
use super::kms::kms_signer;
use super::variables::{Place, SettingSource, Variables};

use crate::gate::Policy;
use crate::gate::policy::AttachError;
use crate::github::{App, RemoteSigner};
use crate::webhook::Secrets;

/// Time to read all settings: a hanging AWS must not use up a delivery's time.
const SETTINGS_TIME_MAX: Duration = Duration::from_secs(2);
/// Characters of an App id or client id.
const APP_ID_CHARS_MAX: usize = 64;

/// Where the settings come from, and the means to read them there.
#[derive(Debug)]
pub struct Sources {
    app_id: SettingSource,
    webhook_secret: SettingSource,
    policy: SettingSource,
    private_key: SettingSource,
    policies: Option<SettingSource>,
    /// Whether there is a provider whose signatures can be verified.
    has_issuer: bool,
    /// `None` when nothing comes from AWS: it is then never called.
    aws: Option<AwsSettings>,
    /// Signs for the App where its key is in KMS. Readings share it: what it signed stays good when settings are read again.
    signer: Option<Arc<RemoteSigner>>,
}

/// Each setting, or why it could not be read.
#[derive(Debug)]
pub struct Reading {
    /// Who we are on GitHub.
    pub app: Result<App, ConfigError>,
    /// What verifies a delivery.
    pub secrets: Result<Secrets, ConfigError>,
    /// What may be let in.
    pub policy: Result<Policy, ConfigError>,
}

/// What AWS answered; `None` where it was not asked.
#[derive(Default)]
struct FromAws {
    parameters: Option<Result<HashMap<String, Option<SecretString>>, String>>,
    secret: Option<Result<SecretString, String>>,
    policies: Option<Result<Vec<(String, String)>, String>>,
}

impl Sources {
    /// Takes the sources that the environment names.
    pub fn new(variables: Variables) -> Self {
        let Variables { app_id, webhook_secret, policy, policies, private_key, aws, issuer, .. } = variables;
        let has_issuer = issuer.is_some();
        let signer = match (&aws, &private_key.place) {
            (Some(aws), Place::KmsKey(name)) => Some(Arc::new(kms_signer(aws, name))),
            _ => None,
        };
        let aws = aws.as_ref().map(AwsSettings::new);
        Self { app_id, webhook_secret, policy, private_key, policies, has_issuer, aws, signer }
    }

    /// Reads everything as of `now`: one call for all parameters and one for the secret with the key, in parallel, within two seconds. A key in KMS then has two more
    /// to sign.
    pub async fn read(&self, now: Timestamp) -> Reading {
        // The futures of AWS's SDKs are large: on the heap they do not use up the stack of whoever waits.
        let aws = Box::pin(self.read_aws()).await;
        Reading {
            app: Box::pin(self.app(&aws, now)).await,
            secrets: Self::text(&self.webhook_secret, &aws)
                .and_then(|text| Secrets::parse(&text).map_err(|error| self.webhook_secret.error(error))),
            policy: Self::text(&self.policy, &aws).and_then(|text| self.policy(&text, &aws)),
        }
    }

    /// The policy, with those in Rego.
    fn policy(&self, text: &SecretString, aws: &FromAws) -> Result<Policy, ConfigError> {
        let policy = Policy::parse(text.expose_secret()).map_err(|error| self.policy.error(error))?;
        if policy.rules.iter().any(|rule| rule.signed) && !self.has_issuer {
            let problem = "got a rule with `signed = true`, expected none: the tokens of a GitHub Enterprise Server do not name their job";
            return Err(self.policy.error(problem));
        }
        let Some(source) = &self.policies else {
            // A rule may name one all the same.
            return policy.with_rego([]).map_err(|error| self.policy.error(error));
        };
        let texts = match (&source.place, &aws.policies) {
            (Place::Folder(path), _) => {
                policies_in(path).map_err(|error| source.error("cannot be read").because(error))?
            }
            (_, Some(Ok(texts))) => texts.clone(),
            (_, Some(Err(problem))) => return Err(source.error(problem).unanswered()),
            (_, None) => return Err(source.error("was not read").unanswered()),
        };
        if texts.is_empty() {
            return Err(source.error("got no policies, expected at least one (or leave the variable out)"));
        }
        let texts = texts.iter().map(|(name, text)| (name.as_str(), text.as_str()));
        policy.with_rego(texts).map_err(|error| match error {
            AttachError::Policy(error) => self.policy.error(error),
            error => source.error(error),
        })
    }

    async fn read_aws(&self) -> FromAws {
        let Some(aws) = &self.aws else {
            return FromAws::default();
        };
        let names: Vec<String> = [&self.app_id, &self.webhook_secret, &self.policy]
            .into_iter()
            .filter_map(|source| match &source.place {
                Place::Parameter(name) => Some(name.clone()),
                _ => None,
            })
            .collect();
        let secret = async {
            match &self.private_key.place {
                Place::Secret(name) => Some(in_time(aws.secret(name)).await),
                _ => None,
            }
        };
        let policies = async {
            match self.policies.as_ref().map(|source| &source.place) {
                Some(Place::ParametersUnder(path)) => Some(in_time(aws.parameters_under(path)).await),
                _ => None,
            }
        };
        let (parameters, secret, policies) = tokio::join!(in_time(aws.parameters(names)), secret, policies);
        FromAws { parameters: Some(parameters), secret, policies }
    }

    fn text(source: &SettingSource, aws: &FromAws) -> Result<SecretString, ConfigError> {
        let unanswered = |problem: &str| source.error(problem).unanswered();
        match &source.place {
            Place::Value(value) => Ok(value.clone()),
            Place::File(path) => text_of_file(source, path),
            Place::Parameter(name) => match &aws.parameters {
                Some(Ok(parameters)) => match parameters.get(name) {
                    Some(Some(value)) => Ok(value.clone()),
                    Some(None) => {
                        Err(source.error("does not exist in this account and region: create it, or fix the variable"))
                    }
                    None => Err(unanswered("got an answer from AWS that does not mention it")),
                },
                Some(Err(problem)) => Err(unanswered(problem)),
                None => Err(unanswered("was not read")),
            },
            Place::Secret(_) => match &aws.secret {
                Some(Ok(value)) => Ok(value.clone()),
                Some(Err(problem)) => Err(unanswered(problem)),
                None => Err(unanswered("was not read")),
            },
            Place::ParametersUnder(_) | Place::Folder(_) => Err(source.error("got several texts, expected one")),
            Place::KmsKey(_) => Err(source.error("got a key that shows no text, expected one that does")),
        }
    }

    /// The App, with a key that signs.
    ///
    /// A key in KMS is tried by signing the App's first token, which the first delivery then uses. That cannot begin any earlier, because the token holds the App's
    /// id. A look at the key (`kms:GetPublicKey`) beside the other reads would be one more call and one more permission, and would not prove that the role may sign.
    async fn app(&self, aws: &FromAws, now: Timestamp) -> Result<App, ConfigError> {
        let id = Self::text(&self.app_id, aws)?;
        let id = self.app_id(&id)?;
        let Some(signer) = &self.signer else {
            let key = Self::text(&self.private_key, aws)?;
            return App::new(id, &key).map_err(|error| self.private_key.error(error));
        };
        let app = App::with_remote_key(id, Arc::clone(signer));
        let tried = async { app.try_key(now).await.map_err(|error| error.problem().to_owned()) };
        in_time(tried).await.map_err(|problem| self.private_key.error(problem).unanswered())?;
        Ok(app)
    }

    fn app_id<'t>(&self, text: &'t SecretString) -> Result<&'t str, ConfigError> {
        let id = text.expose_secret().trim();
        let fits = (1..=APP_ID_CHARS_MAX).contains(&id.len())
            && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
        if !fits {
            return Err(self.app_id.error("got text that is not an App id, expected a number or a client id (`Iv…`)"));
        }
        Ok(id)
    }
}

fn text_of_file(source: &SettingSource, path: &Path) -> Result<SecretString, ConfigError> {
    std::fs::read_to_string(path).map(SecretString::from).map_err(|error| {
        let is_answer = matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidData);
        let error = source.error("cannot be read").because(error);
        if is_answer { error } else { error.unanswered() }
    })
}

/// The policies in Rego of a folder: of each file `NAME.rego` its name and its text, but for tests (`NAME_test.rego`).
///
/// # Errors
/// The folder, or a file in it, cannot be read.
pub fn policies_in(folder: &Path) -> io::Result<Vec<(String, String)>> {
    let mut policies = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".rego"));
        let Some(name) = name.filter(|name| !name.ends_with("_test")) else { continue };
        policies.push((name.to_owned(), std::fs::read_to_string(&path)?));
    }
    Ok(policies)
}

async fn in_time<T>(read: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    tokio::time::timeout(SETTINGS_TIME_MAX, read)
        .await
        .unwrap_or_else(|_| Err(format!("got no answer from AWS within {} s", SETTINGS_TIME_MAX.as_secs())))
}
