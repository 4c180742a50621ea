//! Writes settings to SSM Parameter Store and Secrets Manager, for `gate setup`: what is there already is not overwritten unasked.

use aws_sdk_secretsmanager::operation::create_secret::CreateSecretError;
use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError;
use aws_sdk_ssm::types::ParameterType;
use secrecy::{ExposeSecret as _, SecretString};

use super::aws::{Aws, said};
use super::variables::{AwsVariables, Names};
use crate::transport::Connections;

/// The settings at AWS, to be looked at and written.
#[derive(Debug)]
pub struct Vault {
    aws: Aws,
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
        Self { aws: Aws::new(http, variables), names }
    }

    /// How the settings are called.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// What is there now. A secret without a value is not there.
    ///
    /// # Errors
    /// No leave to look, or no AWS.
    pub async fn look(&self) -> Result<Kept, VaultError> {
        let Names { app_id, webhook_secret, policy, private_key } = &self.names;
        let names = [app_id, webhook_secret, policy].map(Clone::clone);
        let mut parameters = Box::pin(self.aws.parameters(&names))
            .await
            .map_err(|problem| VaultError(format!("the SSM parameters of `{app_id}`: {problem}")))?;
        let secret = Box::pin(self.aws.secrets_manager.get_secret_value().secret_id(private_key).send()).await;
        let private_key = match secret {
            Ok(output) => output.secret_string.map(SecretString::from),
            Err(error)
                if error.as_service_error().is_some_and(GetSecretValueError::is_resource_not_found_exception) =>
            {
                None
            }
            Err(error) => return Err(of_secret(private_key, &error)),
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
    pub async fn put_policy(&self, policy: &str) -> Result<(), VaultError> {
        self.put_parameter(&self.names.policy, ParameterType::String, policy).await
    }

    /// Makes the secret of the key, without a value, so that there is a place for it before there is a key.
    ///
    /// # Errors
    /// AWS's.
    pub async fn make_place_for_key(&self) -> Result<(), VaultError> {
        let name = &self.names.private_key;
        let description = "Environment Gate: the GitHub App's private key in PEM";
        let call = self.aws.secrets_manager.create_secret().name(name).description(description);
        match Box::pin(call.send()).await {
            Ok(_) => Ok(()),
            Err(error) if error.as_service_error().is_some_and(CreateSecretError::is_resource_exists_exception) => {
                Ok(())
            }
            Err(error) => Err(of_secret(name, &error)),
        }
    }

    /// Puts what belongs together: the key, the webhook's secret, and last the App's id, which says that all is there.
    ///
    /// # Errors
    /// AWS's; what was put of the three is taken back.
    pub async fn put_app(&self, id: u64, secret: &SecretString, key: &SecretString) -> Result<(), VaultError> {
        let put = async {
            self.put_key(key).await?;
            self.put_parameter(&self.names.webhook_secret, ParameterType::SecureString, secret.expose_secret()).await?;
            self.put_parameter(&self.names.app_id, ParameterType::String, &id.to_string()).await
        };
        let done = put.await;
        if done.is_err() {
            self.take_back().await;
        }
        done
    }

    async fn put_key(&self, key: &SecretString) -> Result<(), VaultError> {
        let name = &self.names.private_key;
        let call = self.aws.secrets_manager.put_secret_value().secret_id(name).secret_string(key.expose_secret());
        Box::pin(call.send()).await.map(drop).map_err(|error| of_secret(name, &error))
    }

    async fn put_parameter(&self, name: &str, kind: ParameterType, value: &str) -> Result<(), VaultError> {
        let call = self.aws.ssm.put_parameter().name(name).r#type(kind).value(value).overwrite(true);
        let failed = |problem: String| VaultError(format!("the SSM parameter `{name}`: {problem}"));
        Box::pin(call.send()).await.map(drop).map_err(|error| failed(said(&error)))
    }

    /// Takes back what stands alone: an id without a key is worse than neither. What cannot be taken back is found by the next look.
    async fn take_back(&self) {
        let names = [&self.names.app_id, &self.names.webhook_secret].map(Clone::clone);
        let _ = Box::pin(self.aws.ssm.delete_parameters().set_names(Some(names.to_vec())).send()).await;
        let secret = self.aws.secrets_manager.delete_secret().secret_id(&self.names.private_key);
        let _ = Box::pin(secret.force_delete_without_recovery(true).send()).await;
    }
}

/// Never the error's `Debug`: it may hold the secret.
fn of_secret(name: &str, error: &dyn std::error::Error) -> VaultError {
    VaultError(format!("the Secrets Manager secret `{name}`: {}", said(error)))
}
