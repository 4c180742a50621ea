//! AWS: how it is reached, and the two calls that read the settings.

use std::collections::HashMap;
use std::error::Error;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::{ConnectorError, SdkError};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};
use bytes::Bytes;
use secrecy::SecretString;

use super::ConfigError;
use super::environment::{endpoint_of_service, variable};
use crate::http::{Bounds, HttpClient, HttpError};
use crate::model::with_causes;

/// How many times a call is made, the first included: all calls to AWS are idempotent, but for one that says otherwise.
const ATTEMPTS_MAX: u32 = 3;
/// The first pause before a call is repeated.
const PAUSE: Duration = Duration::from_millis(100);
/// Pages of parameters under a path, of ten each or fewer; there are at most 32 policies.
const PAGES_MAX: usize = 20;
/// Time for one attempt: a connection that died while the function slept leaves time for another. A policy is at most 8 kB; the description of a stack is larger.
const ATTEMPT_BOUNDS: Bounds = Bounds { time: Duration::from_millis(1200), body_bytes: 1024 * 1024 };
/// The same for a person, who waits for KMS to make a key.
const PERSONS_ATTEMPT_BOUNDS: Bounds = Bounds { time: Duration::from_secs(10), ..ATTEMPT_BOUNDS };
/// How many times a call with events is made. What was taken and not answered is sent twice, which receivers of events must expect anyway.
const EVENTS_ATTEMPTS_MAX: u32 = 2;
/// The longest pause before the second.
const EVENTS_PAUSE: Duration = Duration::from_millis(40);
/// Time for one attempt: a connection that died while the function slept leaves time for another. An answer has an id for each of ten events.
const EVENTS_BOUNDS: Bounds = Bounds { time: Duration::from_millis(230), body_bytes: 64 * 1024 };

/// AWS as the function reaches it: by the variables that Lambda sets. Neither profiles nor a metadata service are looked up, and what would look for them (`aws-config`) is
/// not linked into the function.
///
/// # Errors
/// A variable that is missing or blank.
pub(super) fn aws_for_function(http: &HttpClient) -> Result<SdkConfig, ConfigError> {
    let needed = |name, value: Option<String>| {
        let problem = "got nothing, expected the value that Lambda sets";
        value.ok_or_else(|| ConfigError::of_variable(name, problem))
    };
    let region = variable("AWS_REGION")?.or(variable("AWS_DEFAULT_REGION")?);
    let region = needed("AWS_REGION", region)?;
    let id = needed("AWS_ACCESS_KEY_ID", variable("AWS_ACCESS_KEY_ID")?)?;
    let secret = needed("AWS_SECRET_ACCESS_KEY", variable("AWS_SECRET_ACCESS_KEY")?)?;
    let credentials = Credentials::new(id, secret, variable("AWS_SESSION_TOKEN")?, None, "environment");
    let mut aws = SdkConfig::builder();
    aws.set_endpoint_url(variable("AWS_ENDPOINT_URL")?);
    let is_on = |value: String| value.eq_ignore_ascii_case("true");
    aws.set_use_fips(variable("AWS_USE_FIPS_ENDPOINT")?.map(is_on));
    aws.set_use_dual_stack(variable("AWS_USE_DUALSTACK_ENDPOINT")?.map(is_on));
    Ok(aws
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .service_config(ServiceEndpoints)
        .http_client(http_client(http, ATTEMPT_BOUNDS))
        .retry_config(retries())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .build())
}

/// AWS as a person reaches it from a terminal: variables, profiles, SSO, whatever the AWS command line knows
/// (<https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html>).
///
/// # Errors
/// No region or no credentials.
pub async fn aws_for_person(http: &HttpClient) -> Result<SdkConfig, ConfigError> {
    let aws = loader(http, PERSONS_ATTEMPT_BOUNDS).load().await;
    if aws.region().is_none() {
        let problem = "got nothing, expected an AWS region here, or in the profile that `AWS_PROFILE` names";
        return Err(ConfigError::of_variable("AWS_REGION", problem));
    }
    let no_credentials = || {
        let problem = "got no AWS credentials: name a profile here (`aws sso login` renews its session), or set `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`";
        ConfigError::of_variable("AWS_PROFILE", problem)
    };
    let provider = aws.credentials_provider().ok_or_else(no_credentials)?;
    match provider.provide_credentials().await {
        Ok(_) => Ok(aws),
        // Its text lists every place that was tried.
        Err(CredentialsError::CredentialsNotLoaded(_)) => Err(no_credentials()),
        Err(error) => Err(no_credentials().because(error)),
    }
}

fn loader(http: &HttpClient, bounds: Bounds) -> ConfigLoader {
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(http_client(http, bounds))
        .retry_config(retries())
        // Every response is small, and bounded in time.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
}

fn http_client(http: &HttpClient, bounds: Bounds) -> SharedHttpClient {
    let connector = SharedHttpConnector::new(AwsConnector { http: http.clone(), bounds });
    http_client_fn(move |_, _| connector.clone())
}

fn retries() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(ATTEMPTS_MAX).with_initial_backoff(PAUSE)
}

/// Other endpoints of AWS for one service: `AWS_ENDPOINT_URL_SSM`
/// (<https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html>).
#[derive(Debug)]
struct ServiceEndpoints;

impl LoadServiceConfig for ServiceEndpoints {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        Some(key.service_id()).filter(|_| key.env() == "AWS_ENDPOINT_URL").and_then(endpoint_of_service)
    }
}

/// AWS as events are sent to it: over connections of their own, because what a slow bus breaks off must not cost the connection to GitHub; and with less time.
pub(super) fn aws_for_events(aws: &SdkConfig, http: &HttpClient) -> SdkConfig {
    let client = http_client(&http.with_own_connections(), EVENTS_BOUNDS);
    let retry = RetryConfig::standard().with_max_attempts(EVENTS_ATTEMPTS_MAX).with_initial_backoff(EVENTS_PAUSE);
    aws.clone().into_builder().http_client(client).retry_config(retry).build()
}

/// The program's one HTTP client, as AWS's SDKs ask for it.
#[derive(Debug, Clone)]
struct AwsConnector {
    http: HttpClient,
    /// Of one attempt.
    bounds: Bounds,
}

impl HttpConnector for AwsConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let Self { http, bounds } = self.clone();
        HttpConnectorFuture::new(async move {
            let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
            let request = request.map(|body| Bytes::copy_from_slice(body.bytes().unwrap_or_default()));
            let response = http.send(request, bounds).await.map_err(|error| match error {
                HttpError::TimedOut(_) => ConnectorError::timeout(error.into()),
                HttpError::Connection(_) => ConnectorError::io(error.into()),
                HttpError::Request(_) | HttpError::TooLong(_) => ConnectorError::user(error.into()),
            })?;
            HttpResponse::try_from(response.map(SdkBody::from)).map_err(|error| ConnectorError::user(error.into()))
        })
    }
}

/// Why AWS did not do what it was asked, in one line.
pub fn aws_problem<E: ProvideErrorMetadata + Error + 'static, R: std::fmt::Debug>(error: &SdkError<E, R>) -> String
where
    SdkError<E, R>: Error,
{
    match error {
        SdkError::ServiceError(refused) => {
            let metadata = refused.err().meta();
            let (code, message) = (metadata.code().unwrap_or("an error"), metadata.message().unwrap_or_default());
            format!("AWS says {code}: {message}")
        }
        SdkError::TimeoutError(_) => "no answer from AWS in time".to_owned(),
        SdkError::DispatchFailure(failure) => {
            let cause = failure.as_connector_error().map(|error| with_causes(error)).unwrap_or_default();
            format!("no answer from AWS: {cause}")
        }
        // A response may hold a secret, so nothing of it is shown.
        SdkError::ResponseError(_) => "got an answer from AWS that cannot be read".to_owned(),
        other => with_causes(other),
    }
}

/// SSM Parameter Store and Secrets Manager: names in, texts out.
#[derive(Debug)]
pub(super) struct AwsSettings {
    ssm: aws_sdk_ssm::Client,
    secrets_manager: aws_sdk_secretsmanager::Client,
}

impl AwsSettings {
    pub(super) fn new(aws: &SdkConfig) -> Self {
        Self { ssm: aws_sdk_ssm::Client::new(aws), secrets_manager: aws_sdk_secretsmanager::Client::new(aws) }
    }

    /// Reads parameters in one call, SecureStrings decrypted. `None` for a name that does not exist; a name that is not in the result was
    /// not mentioned by AWS.
    pub(super) async fn parameters(&self, names: Vec<String>) -> Result<HashMap<String, Option<SecretString>>, String> {
        if names.is_empty() {
            return Ok(HashMap::new());
        }
        let read = self.ssm.get_parameters().set_names(Some(names)).with_decryption(true).send().await;
        let read = read.map_err(|error| aws_problem(&error))?;
        // A parameter may be asked for by its ARN.
        let found = read.parameters.unwrap_or_default().into_iter().filter_map(|parameter| {
            let value = SecretString::from(parameter.value?);
            let names = [parameter.name, parameter.arn].into_iter().flatten();
            Some(names.map(move |name| (name, Some(value.clone()))))
        });
        let gone = read.invalid_parameters.unwrap_or_default().into_iter().map(|name| (name, None));
        Ok(gone.chain(found.flatten()).collect())
    }

    /// Reads all parameters under a path, however many pages AWS makes of them: the last part of each name, and its text.
    pub(super) async fn parameters_under(&self, path: &str) -> Result<Vec<(String, String)>, String> {
        let call = self.ssm.get_parameters_by_path().path(path).with_decryption(true);
        let mut found = Vec::new();
        let mut next = None;
        for _ in 0..PAGES_MAX {
            let page = call.clone().set_next_token(next).send().await.map_err(|error| aws_problem(&error))?;
            for parameter in page.parameters.unwrap_or_default() {
                let (Some(name), Some(text)) = (parameter.name, parameter.value) else {
                    return Err("got a parameter without a name or a value".to_owned());
                };
                found.push((name.rsplit('/').next().unwrap_or_default().to_owned(), text));
            }
            next = page.next_token;
            if next.is_none() {
                return Ok(found);
            }
        }
        Err(format!("got more than {PAGES_MAX} pages of parameters"))
    }

    /// Reads the current version of a secret.
    pub(super) async fn secret(&self, name: &str) -> Result<SecretString, String> {
        let read = self.secrets_manager.get_secret_value().secret_id(name).send().await;
        let read = read.map_err(|error| aws_problem(&error))?;
        read.secret_string
            .map(SecretString::from)
            .ok_or_else(|| "got a binary secret, expected text: store it with `--secret-string`".to_owned())
    }
}
