//! The settings in AWS, as `gate setup` looks at them and writes them. Nothing is overwritten.

use std::collections::{BTreeSet, HashMap};

use anyhow::{anyhow, bail};
use aws_config::SdkConfig;
use aws_sdk_secretsmanager::operation::create_secret::CreateSecretError;
use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError;
use aws_sdk_ssm::operation::put_parameter::PutParameterError;
use aws_sdk_ssm::types::{Parameter, ParameterTier, ParameterType};
use environment_gate::config::{Names, aws_problem};
use secrecy::{ExposeSecret as _, SecretString};

use super::credentials::AppCredentials;

pub(super) struct Vault {
    ssm: aws_sdk_ssm::Client,
    secrets_manager: aws_sdk_secretsmanager::Client,
    pub(super) names: Names,
}

/// The settings that are in AWS now.
#[derive(Debug)]
pub(super) struct StoredSettings {
    pub(super) app_id: Option<SecretString>,
    pub(super) webhook_secret: Option<SecretString>,
    pub(super) policy: Option<SecretString>,
    pub(super) private_key: Option<SecretString>,
}

impl StoredSettings {
    /// Whether any of an App's settings exist.
    pub(super) fn have_an_app(&self) -> bool {
        self.app_id.is_some() || self.webhook_secret.is_some() || self.private_key.is_some()
    }
}

impl Vault {
    pub(super) fn new(aws: &SdkConfig, names: Names) -> Self {
        Self { ssm: aws_sdk_ssm::Client::new(aws), secrets_manager: aws_sdk_secretsmanager::Client::new(aws), names }
    }

    /// Reads what is there now. A secret without a value is not there.
    pub(super) async fn look(&self) -> anyhow::Result<StoredSettings> {
        let Names { app_id, webhook_secret, policy, .. } = &self.names;
        let parameters = self.parameters(&[app_id, webhook_secret, policy]).await?;
        Ok(StoredSettings {
            app_id: parameters.get(app_id).cloned(),
            webhook_secret: parameters.get(webhook_secret).cloned(),
            policy: parameters.get(policy).cloned(),
            private_key: self.private_key().await?,
        })
    }

    /// Stores the policy.
    pub(super) async fn put_policy(&self, policy: &str) -> anyhow::Result<()> {
        self.put_parameter(&self.names.policy, ParameterType::String, policy).await
    }

    /// Stores a policy in Rego. One of more than 4,096 characters costs what an advanced parameter costs.
    pub(super) async fn put_rego_policy(&self, name: &str, text: &str) -> anyhow::Result<()> {
        self.put_parameter(&format!("{}{name}", self.names.policies), ParameterType::String, text).await
    }

    /// Creates the secret for the key, without a value, so that there is a place for the key before there is a key.
    pub(super) async fn make_place_for_key(&self) -> anyhow::Result<()> {
        let create = self
            .secrets_manager
            .create_secret()
            .name(&self.names.private_key)
            .description("Environment Gate: the GitHub App's private key in PEM");
        match create.send().await {
            Err(error) if error.as_service_error().is_some_and(CreateSecretError::is_resource_exists_exception) => {
                Ok(())
            }
            created => created.map(drop).map_err(|error| self.secret_error(&aws_problem(&error))),
        }
    }

    /// Stores what belongs together: the webhook's secret, the App's id, and last the key, which says that everything is there. If one fails, those
    /// before it are deleted again.
    pub(super) async fn put_app(&self, app: &AppCredentials) -> anyhow::Result<()> {
        let Names { app_id, webhook_secret, .. } = &self.names;
        self.put_parameter(webhook_secret, ParameterType::SecureString, app.webhook_secret.expose_secret()).await?;
        if let Err(error) = self.put_parameter(app_id, ParameterType::String, &app.id).await {
            self.delete(&[webhook_secret]).await;
            return Err(error);
        }
        if let Err(error) = self.put_key(&app.private_key).await {
            self.delete(&[webhook_secret, app_id]).await;
            return Err(error);
        }
        Ok(())
    }

    async fn put_key(&self, key: &SecretString) -> anyhow::Result<()> {
        let put = self.secrets_manager.put_secret_value().secret_id(&self.names.private_key);
        let put = put.secret_string(key.expose_secret()).send().await;
        put.map(drop).map_err(|error| self.secret_error(&aws_problem(&error)))
    }

    /// Stores a parameter that is not there yet: SSM itself refuses to overwrite. One that already has exactly this value was stored
    /// by an attempt whose answer was lost.
    async fn put_parameter(&self, name: &str, kind: ParameterType, value: &str) -> anyhow::Result<()> {
        let put = self.ssm.put_parameter().name(name).r#type(kind).value(value).overwrite(false);
        let put = put.tier(ParameterTier::IntelligentTiering).send().await;
        let Err(error) = put else { return Ok(()) };
        if !error.as_service_error().is_some_and(PutParameterError::is_parameter_already_exists) {
            bail!("SSM parameter `{name}`: {}", aws_problem(&error));
        }
        let there = self.parameters(&[name]).await?;
        if there.get(name).is_some_and(|there| there.expose_secret() == value) {
            return Ok(());
        }
        bail!("SSM parameter `{name}`: was stored by someone else in the meantime, and is left as it is")
    }

    async fn parameters(&self, names: &[&str]) -> anyhow::Result<HashMap<String, SecretString>> {
        // SSM refuses a name that is given twice.
        let names: BTreeSet<&str> = names.iter().copied().collect();
        let names = names.into_iter().map(str::to_owned).collect();
        let read = self.ssm.get_parameters().set_names(Some(names)).with_decryption(true).send().await;
        let read = read.map_err(|error| anyhow!("the SSM parameters: {}", aws_problem(&error)))?;
        let named = |parameter: Parameter| Some((parameter.name?, parameter.value?.into()));
        Ok(read.parameters.unwrap_or_default().into_iter().filter_map(named).collect())
    }

    async fn private_key(&self) -> anyhow::Result<Option<SecretString>> {
        let read = self.secrets_manager.get_secret_value().secret_id(&self.names.private_key).send().await;
        match read {
            Ok(secret) => match secret.secret_string {
                Some(key) => Ok(Some(key.into())),
                None => Err(self.secret_error("holds something that is not text, and is left as it is")),
            },
            Err(error)
                if error.as_service_error().is_some_and(GetSecretValueError::is_resource_not_found_exception) =>
            {
                Ok(None)
            }
            Err(error) => Err(self.secret_error(&aws_problem(&error))),
        }
    }

    /// Deletes what must not exist without the rest. What cannot be deleted is found by the next run.
    async fn delete(&self, names: &[&String]) {
        let names = names.iter().map(|&name| name.to_owned()).collect();
        let _ = self.ssm.delete_parameters().set_names(Some(names)).send().await;
    }

    fn secret_error(&self, problem: &str) -> anyhow::Error {
        anyhow!("Secrets Manager secret `{}`: {problem}", self.names.private_key)
    }
}
