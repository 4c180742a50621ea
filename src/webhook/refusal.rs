//! Why a delivery is not taken. One line for whoever reads GitHub's delivery log; nothing of the body is in it
//! but names, and those are escaped.

/// A delivery that cannot be trusted or read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not our path.
    #[error("got another path, expected `POST /github/webhook`")]
    Path,
    /// Our path, not our method.
    #[error("got method {got}, expected `{expected}`")]
    Method {
        /// The method, quoted.
        got: String,
        /// The path's own.
        expected: &'static str,
    },
    /// Larger than what is read.
    #[error(
        "got more than {} bytes, expected a `deployment_protection_rule` delivery of some 30,000",
        super::BODY_BYTES_MAX
    )]
    TooLarge,
    /// API Gateway said base64, and it was not.
    #[error("got a body that is no base64 though the event says so")]
    Base64,
    /// Not one good signature.
    #[error(
        "got {got}, expected one `x-hub-signature-256` over this body with the App's webhook secret: compare the App's setting \"Webhook secret\" with the parameter that `WEBHOOK_SECRET_PARAMETER` names"
    )]
    Signature {
        /// What was there instead.
        got: &'static str,
    },
    /// Signed, but not JSON by its header.
    #[error(
        "got content type {0}, expected `application/json`: set \"Content type\" to it in the App's webhook settings"
    )]
    ContentType(String),
    /// Signed, but not a delivery that we can act on.
    #[error("{0}")]
    Shape(String),
}

impl Refusal {
    /// The HTTP status that it is answered with.
    pub fn status(&self) -> u16 {
        match self {
            Self::Path => 404,
            Self::Method { .. } => 405,
            Self::TooLarge => 413,
            Self::Base64 | Self::Shape(_) => 400,
            Self::Signature { .. } => 401,
            Self::ContentType(_) => 415,
        }
    }
}
