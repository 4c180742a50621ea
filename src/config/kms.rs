//! The App's key in AWS KMS, which signs and never shows the key (<https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html>). Not here: making one.

use aws_config::SdkConfig;
use aws_sdk_kms::error::ProvideErrorMetadata as _;
use aws_sdk_kms::operation::sign::SignError;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{MessageType, SigningAlgorithmSpec};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use futures_util::future::BoxFuture;

use super::aws::aws_problem;
use crate::github::{Remedy, RemoteKey, RemoteSigner, SigningError};

/// Signs for the App with the KMS key `name`: an ARN, an id, or an alias (`alias/…`), which may point to another key later. Nothing is called yet.
pub fn kms_signer(aws: &SdkConfig, name: &str) -> RemoteSigner {
    RemoteSigner::new(KmsKey { client: aws_sdk_kms::Client::new(aws), name: name.to_owned() })
}

#[derive(Debug)]
struct KmsKey {
    client: aws_sdk_kms::Client,
    name: String,
}

impl KmsKey {
    fn error(&self, problem: impl std::fmt::Display, remedy: Remedy) -> SigningError {
        SigningError::new(format_args!("`PRIVATE_KEY_KMS_KEY` (KMS key `{}`)", self.name), problem, remedy)
    }

    /// KMS did not sign.
    fn refusal(&self, error: &SdkError<SignError, HttpResponse>) -> SigningError {
        let problem = aws_problem(error);
        if may_pass(error) {
            return self.error(problem, Remedy::Wait);
        }
        let fix = error.as_service_error().and_then(|refused| fix(refused.code()?));
        let problem = fix.map_or_else(|| problem.clone(), |fix| format!("{problem}: {fix}"));
        self.error(problem, Remedy::Operator)
    }
}

impl RemoteKey for KmsKey {
    fn sign<'a>(&'a self, message: &'a [u8]) -> BoxFuture<'a, Result<Vec<u8>, SigningError>> {
        let call = self
            .client
            .sign()
            .key_id(&self.name)
            .message_type(MessageType::Raw)
            .message(Blob::new(message))
            .signing_algorithm(SigningAlgorithmSpec::RsassaPkcs1V15Sha256);
        Box::pin(async move {
            let signed = call.send().await.map_err(|error| self.refusal(&error))?;
            let signature = signed.signature.map(Blob::into_inner).filter(|signature| !signature.is_empty());
            signature.ok_or_else(|| self.error("got an answer without a signature", Remedy::Operator))
        })
    }
}

/// Whether it may work later: no answer, an answer that cannot be read, an incident at AWS (KMS answers 500 for a key that it cannot use right now), or too many calls.
fn may_pass(error: &SdkError<SignError, HttpResponse>) -> bool {
    match error {
        SdkError::ServiceError(refused) => {
            refused.raw().status().is_server_error() || refused.err().code() == Some("ThrottlingException")
        }
        SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => true,
        _ => false,
    }
}

/// What to do about a refusal, by AWS's code for it.
fn fix(code: &str) -> Option<&'static str> {
    match code {
        "AccessDeniedException" => Some("let the function's role use `kms:Sign` on this key"),
        "DisabledException" | "KMSInvalidStateException" => Some("enable the key, or name another one"),
        // A key of the wrong kind.
        "InvalidKeyUsageException" | "ValidationException" => {
            Some("expected an RSA key of 2048 bits or more that is there to sign (`SIGN_VERIFY`)")
        }
        "NotFoundException" => Some("create the key in this account and region, or fix the variable"),
        _ => None,
    }
}
