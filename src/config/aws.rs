//! SSM Parameter Store and Secrets Manager: names in, texts out.

use std::collections::HashMap;

use secrecy::{ExposeSecret, SecretString};

use super::aws_http::SharedClient;
use super::variables::AwsVariables;
use crate::transport::Connections;

/// The two clients, with the environment's region, credentials and endpoints.
#[derive(Debug)]
pub(super) struct Aws {
    pub(super) ssm: aws_sdk_ssm::Client,
    pub(super) secrets_manager: aws_sdk_secretsmanager::Client,
}

impl Aws {
    /// Makes the clients. Nothing is looked up for it: neither profiles nor an instance's metadata.
    pub(super) fn new(http: &Connections, variables: &AwsVariables) -> Self {
        // Each SDK has its own `Config` with the same words.
        macro_rules! client {
            ($sdk:ident, $endpoint:expr) => {{
                use $sdk::config::{BehaviorVersion, Config, Credentials, Region};
                let key = &variables.access_key;
                let session = variables.session_token.as_ref().map(|token| token.expose_secret().to_owned());
                let credentials =
                    Credentials::new(key.0.as_str(), key.1.expose_secret(), session, None, "the environment");
                let config = Config::builder()
                    .behavior_version(BehaviorVersion::latest())
                    .region(Region::new(variables.region.clone()))
                    .credentials_provider(credentials)
                    .http_client(SharedClient(http.clone()));
                let config = match $endpoint {
                    Some(url) => config.endpoint_url(url),
                    None => config,
                };
                $sdk::Client::from_conf(config.build())
            }};
        }
        Self {
            ssm: client!(aws_sdk_ssm, &variables.ssm_endpoint),
            secrets_manager: client!(aws_sdk_secretsmanager, &variables.secrets_manager_endpoint),
        }
    }

    /// Reads parameters in one call, SecureStrings decrypted. A name that is not in the result does not exist.
    pub(super) async fn parameters(&self, names: &[String]) -> Result<HashMap<String, SecretString>, String> {
        if names.is_empty() {
            return Ok(HashMap::new());
        }
        let call = self.ssm.get_parameters().set_names(Some(names.to_vec())).with_decryption(true);
        let output = call.send().await.map_err(|error| said(&error))?;
        let parameters = output.parameters.unwrap_or_default().into_iter();
        let found = parameters.flat_map(|parameter| {
            let value = SecretString::from(parameter.value.unwrap_or_default());
            // A parameter may be asked for by its ARN.
            [parameter.name, parameter.arn].into_iter().flatten().map(move |name| (name, value.clone()))
        });
        Ok(found.collect())
    }

    /// Reads the current version of a secret.
    pub(super) async fn secret(&self, name: &str) -> Result<SecretString, String> {
        let call = self.secrets_manager.get_secret_value().secret_id(name);
        let output = call.send().await.map_err(|error| said(&error))?;
        output.secret_string.map(SecretString::from).ok_or_else(|| "got a binary secret, expected text".to_owned())
    }
}

/// An SDK's error and its causes, in words. Never their `Debug`: it holds the answer's body, and that may be the secret.
pub(super) fn said(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
