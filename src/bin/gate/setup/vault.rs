//! The settings in AWS, as `gate setup` looks at them and writes them. Nothing is overwritten.

use std::collections::{BTreeSet, HashMap};

use anyhow::{anyhow, bail};
use aws_config::SdkConfig;
use aws_sdk_ssm::operation::put_parameter::PutParameterError;
use aws_sdk_ssm::types::{Parameter, ParameterTier, ParameterType};
use environment_gate::config::{Names, aws_problem};
use secrecy::{ExposeSecret as _, SecretString};

use super::credentials::AppCredentials;
use super::key_store::{KeyStore, StoredKey};

pub(super) struct Vault {
    ssm: aws_sdk_ssm::Client,
    /// Where the App's key is.
    pub(super) key: KeyStore,
    pub(super) names: Names,
}

/// The settings that are in AWS now.
#[derive(Debug)]
pub(super) struct StoredSettings {
    pub(super) app_id: Option<SecretString>,
    pub(super) webhook_secret: Option<SecretString>,
    pub(super) policy: Option<SecretString>,
    pub(super) private_key: Option<StoredKey>,
}

impl StoredSettings {
    /// Whether any of an App's settings exist.
    pub(super) fn have_an_app(&self) -> bool {
        self.app_id.is_some() || self.webhook_secret.is_some() || self.private_key.is_some()
    }
}

impl Vault {
    pub(super) fn new(aws: &SdkConfig, names: Names) -> Self {
        Self { ssm: aws_sdk_ssm::Client::new(aws), key: KeyStore::new(aws, &names.private_key), names }
    }

    /// Reads what is there now. A place without a key is no key.
    pub(super) async fn look(&self) -> anyhow::Result<StoredSettings> {
        let Names { app_id, webhook_secret, policy, .. } = &self.names;
        let parameters = self.parameters(&[app_id, webhook_secret, policy]).await?;
        Ok(StoredSettings {
            app_id: parameters.get(app_id).cloned(),
            webhook_secret: parameters.get(webhook_secret).cloned(),
            policy: parameters.get(policy).cloned(),
            private_key: self.key.key().await?,
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

    /// Stores what belongs together: the webhook's secret, the App's id, and last the key, which says that everything is there. If one fails, those
    /// before it are deleted again.
    pub(super) async fn put_app(&self, app: &AppCredentials) -> anyhow::Result<StoredKey> {
        let Names { app_id, webhook_secret, .. } = &self.names;
        self.put_parameter(webhook_secret, ParameterType::SecureString, app.webhook_secret.expose_secret()).await?;
        if let Err(error) = self.put_parameter(app_id, ParameterType::String, &app.id).await {
            self.delete(&[webhook_secret]).await;
            return Err(error);
        }
        match self.key.put(&app.private_key).await {
            Ok(key) => Ok(key),
            Err(error) => {
                self.delete(&[webhook_secret, app_id]).await;
                Err(error)
            }
        }
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

    /// Deletes what must not exist without the rest. What cannot be deleted is found by the next run.
    async fn delete(&self, names: &[&String]) {
        let names = names.iter().map(|&name| name.to_owned()).collect();
        let _ = self.ssm.delete_parameters().set_names(Some(names)).send().await;
    }
}
