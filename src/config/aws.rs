//! AWS, as far as it is asked: a signed POST and its answer. AWS's own SDKs for these few calls would be more than half of what is compiled, and a
//! third of a cold start.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use bytes::Bytes;
use http::{Request, StatusCode};
use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use serde::de::DeserializeOwned;

use super::variables::AwsVariables;
use crate::transport::{Connections, ExchangeError};

/// How often a call is made, the first time included: all of them do twice what they do once.
const TRIES_MAX: u32 = 3;
/// Time for one try: a connection that died while the function slept leaves time for another.
const TRY_TIME_MAX: Duration = Duration::from_millis(1200);
/// The longest first pause before a call is made again; it is by chance, up to this.
const PAUSE_MAX: Duration = Duration::from_millis(100);
/// Bytes of an answer: a policy has at most 8 kB, the description of a stack some more.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;
/// Characters of AWS's words that are shown.
const MESSAGE_CHARS_MAX: usize = 300;

/// A service of AWS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Service {
    /// SSM Parameter Store.
    Ssm,
    /// Secrets Manager.
    SecretsManager,
    /// CloudFormation.
    CloudFormation,
}

/// A call that AWS did not do.
#[derive(Debug, thiserror::Error)]
pub(super) enum AwsError {
    /// No answer.
    #[error("no answer from AWS")]
    NoAnswer(#[source] ExchangeError),
    /// None in time.
    #[error("no answer from AWS in time")]
    TimedOut,
    /// A refusal: the name of AWS's exception, and its words.
    #[error("got {status}, AWS says {kind}: {message}")]
    Refused {
        /// The HTTP status.
        status: StatusCode,
        /// Such as `AccessDeniedException`.
        kind: String,
        /// AWS's words.
        message: String,
    },
    /// An answer that is not what AWS documents. What it says may be a secret.
    #[error("got an answer that cannot be read")]
    Unreadable,
    /// It could not be signed.
    #[error("the call cannot be signed; are region and credentials what AWS gave?")]
    Unsigned,
}

impl AwsError {
    /// Is it that exception?
    pub(super) fn is(&self, wanted: &str) -> bool {
        matches!(self, Self::Refused { kind, .. } if kind == wanted)
    }

    /// May it be better in a moment?
    fn is_passing(&self) -> bool {
        match self {
            Self::NoAnswer(_) | Self::TimedOut => true,
            Self::Refused { status, kind, .. } => status.is_server_error() || kind.starts_with("Throttling"),
            Self::Unreadable | Self::Unsigned => false,
        }
    }
}

/// AWS in the environment's region, with its credentials and endpoints. Nothing is looked up: neither profiles nor an instance's metadata.
#[derive(Debug)]
pub(super) struct Aws {
    http: Connections,
    variables: AwsVariables,
}

impl Aws {
    pub(super) fn new(http: &Connections, variables: &AwsVariables) -> Self {
        Self { http: http.clone(), variables: variables.clone() }
    }

    /// Calls an action of a service that speaks JSON, such as `AmazonSSM.GetParameters`.
    pub(super) async fn json<T: DeserializeOwned>(
        &self,
        (service, action): (Service, &str),
        body: &serde_json::Value,
        now: Timestamp,
    ) -> Result<T, AwsError> {
        let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", action)];
        let answer = self.send((service, &headers), body.to_string().as_bytes(), now).await?;
        serde_json::from_slice(&answer).map_err(|_| AwsError::Unreadable)
    }

    /// Makes a call, more than once if need be, and gives the body of a success.
    pub(super) async fn send(
        &self,
        (service, headers): (Service, &[(&str, &str)]),
        body: &[u8],
        now: Timestamp,
    ) -> Result<Bytes, AwsError> {
        let mut pause = PAUSE_MAX;
        for _ in 1..TRIES_MAX {
            match self.send_once((service, headers), body, now).await {
                Err(error) if error.is_passing() => {}
                done => return done,
            }
            tokio::time::sleep(pause.mul_f64(fastrand::f64())).await;
            pause = pause.saturating_mul(2);
        }
        self.send_once((service, headers), body, now).await
    }

    async fn send_once(
        &self,
        (service, headers): (Service, &[(&str, &str)]),
        body: &[u8],
        now: Timestamp,
    ) -> Result<Bytes, AwsError> {
        let request = self.signed((service, headers), body, now).ok_or(AwsError::Unsigned)?;
        let pool = self.http.pool();
        let exchange = tokio::time::timeout(TRY_TIME_MAX, pool.exchange(request, ANSWER_BYTES_MAX));
        let answer = match exchange.await {
            Ok(Ok(answer)) => answer,
            Ok(Err(ExchangeError::TooLong(_))) => return Err(AwsError::Unreadable),
            Ok(Err(error)) => {
                self.http.give_up(&pool);
                return Err(AwsError::NoAnswer(error));
            }
            Err(_) => {
                self.http.give_up(&pool);
                return Err(AwsError::TimedOut);
            }
        };
        let (status, body) = (answer.status(), answer.into_body());
        if status.is_success() { Ok(body) } else { Err(refused(status, &body)) }
    }

    /// The request, with a signature (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html>).
    fn signed(
        &self,
        (service, headers): (Service, &[(&str, &str)]),
        body: &[u8],
        now: Timestamp,
    ) -> Option<Request<Bytes>> {
        let url = self.variables.endpoint_of(service);
        let session = self.variables.session_token.as_ref().map(|token| token.expose_secret().to_owned());
        let (id, secret) = &self.variables.access_key;
        let identity = Credentials::new(id.as_str(), secret.expose_secret(), session, None, "the environment").into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.variables.region)
            .name(service.name())
            .time(SystemTime::from(now))
            .settings(SigningSettings::default())
            .build()
            .ok()?
            .into();
        let signable = SignableRequest::new("POST", &url, headers.iter().copied(), SignableBody::Bytes(body)).ok()?;
        let (instructions, _) = sign(signable, &parameters).ok()?.into_parts();
        let mut request = Request::post(&url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(Bytes::copy_from_slice(body)).ok()?;
        instructions.apply_to_request_http1x(&mut request);
        Some(request)
    }
}

impl Service {
    /// In signatures and host names.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ssm => "ssm",
            Self::SecretsManager => "secretsmanager",
            Self::CloudFormation => "cloudformation",
        }
    }
}

/// An exception, in JSON or in XML; its name may come with a namespace before it, and its words under two names at once.
fn refused(status: StatusCode, body: &[u8]) -> AwsError {
    let json: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let text = String::from_utf8_lossy(body);
    let clean = |text: &str| text.chars().filter(|c| !c.is_control()).take(MESSAGE_CHARS_MAX).collect::<String>();
    let said = |names: [&str; 2], (before, behind): (&str, &str)| {
        let in_json = names.into_iter().find_map(|name| json.get(name)?.as_str());
        clean(in_json.or_else(|| between(&text, before, behind)).unwrap_or_default())
    };
    let kind = said(["__type", "code"], ("<Code>", "</Code>"));
    let kind = kind.rsplit('#').next().unwrap_or_default().to_owned();
    AwsError::Refused { status, kind, message: said(["message", "Message"], ("<Message>", "</Message>")) }
}

/// What stands between two texts.
pub(super) fn between<'t>(text: &'t str, before: &str, behind: &str) -> Option<&'t str> {
    text.split_once(before)?.1.split_once(behind).map(|(value, _)| value)
}
