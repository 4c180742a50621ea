//! The settings at AWS, read: two calls, names in, texts out.

use std::collections::HashMap;

use jiff::Timestamp;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;

use super::aws::{Aws, AwsError, Service};
use super::variables::AwsVariables;
use crate::causes::with_causes;
use crate::transport::Connections;

/// <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameters.html>
#[derive(Deserialize)]
struct ParametersWire {
    #[serde(rename = "Parameters", default)]
    parameters: Vec<ParameterWire>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ParameterWire {
    name: Option<String>,
    #[serde(rename = "ARN")]
    arn: Option<String>,
    value: SecretString,
}

/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html>
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SecretWire {
    secret_string: Option<SecretString>,
}

/// SSM Parameter Store and Secrets Manager: names in, texts out.
#[derive(Debug)]
pub(super) struct AwsSettings {
    pub(super) aws: Aws,
}

impl AwsSettings {
    pub(super) fn new(http: &Connections, variables: &AwsVariables) -> Self {
        Self { aws: Aws::new(http, variables) }
    }

    /// Reads parameters in one call, SecureStrings decrypted. A name that is not in the result does not exist.
    pub(super) async fn parameters(
        &self,
        names: &[String],
        now: Timestamp,
    ) -> Result<HashMap<String, SecretString>, String> {
        if names.is_empty() {
            return Ok(HashMap::new());
        }
        let body = json!({ "Names": names, "WithDecryption": true });
        let read = self.aws.json((Service::Ssm, "AmazonSSM.GetParameters"), &body, now).await;
        let ParametersWire { parameters } = read.map_err(|error| with_causes(&error))?;
        // A parameter may be asked for by its ARN.
        let found = parameters.into_iter().flat_map(|ParameterWire { name, arn, value }| {
            [name, arn].into_iter().flatten().map(move |name| (name, value.clone()))
        });
        Ok(found.collect())
    }

    /// Reads the current version of a secret.
    pub(super) async fn secret(&self, name: &str, now: Timestamp) -> Result<SecretString, String> {
        let read = self.secret_or_error(name, now).await.map_err(|error| with_causes(&error))?;
        read.ok_or_else(|| "got a binary secret, expected text".to_owned())
    }

    /// The same; `None` for one that is not text.
    pub(super) async fn secret_or_error(&self, name: &str, now: Timestamp) -> Result<Option<SecretString>, AwsError> {
        let action = (Service::SecretsManager, "secretsmanager.GetSecretValue");
        let SecretWire { secret_string } = self.aws.json(action, &json!({ "SecretId": name }), now).await?;
        Ok(secret_string)
    }
}
