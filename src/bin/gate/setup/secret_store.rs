//! The App's key in Secrets Manager, as PEM.

use anyhow::anyhow;
use aws_config::SdkConfig;
use aws_sdk_secretsmanager::operation::create_secret::CreateSecretError;
use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError;
use environment_gate::config::aws_problem;
use secrecy::{ExposeSecret as _, SecretString};

/// The secret with the App's key.
#[derive(Debug)]
pub(super) struct SecretStore {
    client: aws_sdk_secretsmanager::Client,
    name: String,
}

impl SecretStore {
    pub(super) fn new(aws: &SdkConfig, name: &str) -> Self {
        Self { client: aws_sdk_secretsmanager::Client::new(aws), name: name.to_owned() }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The key; a secret without a value is not there.
    pub(super) async fn key(&self) -> anyhow::Result<Option<SecretString>> {
        match self.client.get_secret_value().secret_id(&self.name).send().await {
            Ok(secret) => match secret.secret_string {
                Some(key) => Ok(Some(key.into())),
                None => Err(self.error("holds something that is not text, and is left as it is")),
            },
            Err(error)
                if error.as_service_error().is_some_and(GetSecretValueError::is_resource_not_found_exception) =>
            {
                Ok(None)
            }
            Err(error) => Err(self.error(&aws_problem(&error))),
        }
    }

    /// Creates the secret without a value, so that there is a place for the key before there is a key.
    pub(super) async fn make_place(&self) -> anyhow::Result<()> {
        let create = self
            .client
            .create_secret()
            .name(&self.name)
            .description("Environment Gate: the GitHub App's private key in PEM");
        match create.send().await {
            Err(error) if error.as_service_error().is_some_and(CreateSecretError::is_resource_exists_exception) => {
                Ok(())
            }
            created => created.map(drop).map_err(|error| self.error(&aws_problem(&error))),
        }
    }

    /// Stores the key.
    pub(super) async fn put(&self, pem: &SecretString) -> anyhow::Result<()> {
        let put = self.client.put_secret_value().secret_id(&self.name).secret_string(pem.expose_secret());
        put.send().await.map(drop).map_err(|error| self.error(&aws_problem(&error)))
    }

    fn error(&self, problem: &str) -> anyhow::Error {
        anyhow!("Secrets Manager secret `{}`: {problem}", self.name)
    }
}
