//! The settings at AWS, written by `gate setup`, which overwrites nothing unasked.

use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::IgnoredAny;
use serde_json::json;

use super::aws::{AwsError, Service};
use super::aws_settings::AwsSettings;
use super::variables::{AwsVariables, Names};
use crate::causes::with_causes;
use crate::transport::Connections;

/// Characters of a request token that Secrets Manager wants at least: with it, twice is once.
const TOKEN_CHARS: usize = 32;

/// The settings at AWS, to be looked at and written.
#[derive(Debug)]
pub struct Vault {
    store: AwsSettings,
    names: Names,
}

/// What is there.
#[derive(Debug, Default)]
pub struct Kept {
    /// The App's id.
    pub app_id: Option<SecretString>,
    /// The webhook's secrets.
    pub webhook_secret: Option<SecretString>,
    /// The policy.
    pub policy: Option<SecretString>,
    /// The App's key.
    pub private_key: Option<SecretString>,
}

/// A setting that could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct VaultError(String);

impl Vault {
    /// Nothing is called yet.
    pub fn new(http: &Connections, variables: &AwsVariables, names: Names) -> Self {
        Self { store: AwsSettings::new(http, variables), names }
    }

    /// How the settings are called.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// What is there now. A secret without a value is not there.
    ///
    /// # Errors
    /// No leave to look, or no AWS.
    pub async fn look(&self, now: Timestamp) -> Result<Kept, VaultError> {
        let Names { app_id, webhook_secret, policy, private_key } = &self.names;
        let names = [app_id, webhook_secret, policy].map(Clone::clone);
        let unread = |problem| VaultError(format!("the SSM parameters of `{app_id}`: {problem}"));
        let mut parameters = self.store.parameters(&names, now).await.map_err(unread)?;
        let private_key = match self.store.secret_or_error(private_key, now).await {
            Ok(Some(secret)) => Some(secret),
            Ok(None) => {
                let problem = "holds something that is not text, and is not touched";
                return Err(VaultError(format!("the Secrets Manager secret `{private_key}`: {problem}")));
            }
            Err(error) if error.is("ResourceNotFoundException") => None,
            Err(error) => return Err(self.of_secret(&error)),
        };
        Ok(Kept {
            app_id: parameters.remove(app_id),
            webhook_secret: parameters.remove(webhook_secret),
            policy: parameters.remove(policy),
            private_key,
        })
    }

    /// Puts the policy.
    ///
    /// # Errors
    /// AWS's.
    pub async fn put_policy(&self, policy: &str, now: Timestamp) -> Result<(), VaultError> {
        self.put_parameter(&self.names.policy, ("String", policy), now).await
    }

    /// Makes the secret of the key, without a value, so that there is a place for it before there is a key.
    ///
    /// # Errors
    /// AWS's.
    pub async fn make_place_for_key(&self, now: Timestamp) -> Result<(), VaultError> {
        let description = "Environment Gate: the GitHub App's private key in PEM";
        let body = json!({
            "Name": self.names.private_key, "Description": description, "ClientRequestToken": request_token(),
        });
        match self.secrets_manager("secretsmanager.CreateSecret", &body, now).await {
            Err(error) if error.is("ResourceExistsException") => Ok(()),
            done => done.map_err(|error| self.of_secret(&error)),
        }
    }

    /// Puts what belongs together: the webhook's secret, the App's id, and last the key, which says that all is there.
    ///
    /// # Errors
    /// AWS's; what this put of the three is taken back.
    pub async fn put_app(
        &self,
        id: u64,
        (secret, key): (&SecretString, &SecretString),
        now: Timestamp,
    ) -> Result<(), VaultError> {
        let mut put = Vec::new();
        let done = async {
            let id = id.to_string();
            let parameters = [
                (&self.names.webhook_secret, ("SecureString", secret.expose_secret())),
                (&self.names.app_id, ("String", id.as_str())),
            ];
            for (name, value) in parameters {
                self.put_parameter(name, value, now).await?;
                put.push(name);
            }
            self.put_key(key, now).await
        };
        let done = done.await;
        if done.is_err() {
            self.take_back(&put, now).await;
        }
        done
    }

    async fn put_key(&self, key: &SecretString, now: Timestamp) -> Result<(), VaultError> {
        let body = json!({
            "SecretId": self.names.private_key, "SecretString": key.expose_secret(), "ClientRequestToken": request_token(),
        });
        let put = self.secrets_manager("secretsmanager.PutSecretValue", &body, now).await;
        put.map_err(|error| self.of_secret(&error))
    }

    /// Puts a parameter that is not there yet: SSM itself refuses to overwrite, whoever was quicker. One that is there with this very value
    /// was put by a try whose answer was lost.
    async fn put_parameter(&self, name: &str, (kind, value): (&str, &str), now: Timestamp) -> Result<(), VaultError> {
        let failed = |problem: String| VaultError(format!("the SSM parameter `{name}`: {problem}"));
        let body = json!({ "Name": name, "Type": kind, "Value": value, "Overwrite": false });
        let put = self.store.aws.json((Service::Ssm, "AmazonSSM.PutParameter"), &body, now).await;
        match put.map(|IgnoredAny| ()) {
            Err(error) if error.is("ParameterAlreadyExists") => {
                let there = self.store.parameters(&[name.to_owned()], now).await.map_err(failed)?;
                let is_ours = there.get(name).is_some_and(|there| there.expose_secret() == value);
                if is_ours { Ok(()) } else { Err(failed("was put meanwhile, and is left as it is".to_owned())) }
            }
            done => done.map_err(|error| failed(with_causes(&error))),
        }
    }

    /// Takes back what stands alone. What cannot be taken back is found by the next look.
    async fn take_back(&self, put: &[&String], now: Timestamp) {
        if put.is_empty() {
            return;
        }
        let action = (Service::Ssm, "AmazonSSM.DeleteParameters");
        let _: Result<IgnoredAny, AwsError> = self.store.aws.json(action, &json!({ "Names": put }), now).await;
    }

    async fn secrets_manager(&self, action: &str, body: &serde_json::Value, now: Timestamp) -> Result<(), AwsError> {
        let done: Result<IgnoredAny, AwsError> =
            self.store.aws.json((Service::SecretsManager, action), body, now).await;
        done.map(drop)
    }

    fn of_secret(&self, error: &AwsError) -> VaultError {
        VaultError(format!("the Secrets Manager secret `{}`: {}", self.names.private_key, with_causes(error)))
    }
}

fn request_token() -> String {
    std::iter::repeat_with(fastrand::alphanumeric).take(TOKEN_CHARS).collect()
}
