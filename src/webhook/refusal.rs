//! Why a delivery is refused: one line for GitHub's delivery log. Of the body it shows only names, and those are escaped.

/// Bytes of a delivery that are read. GitHub's own cap is 25 MB; the event that matters here has some 30 kB.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;

/// A delivery that cannot be trusted or read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not a path of ours.
    #[error("got an unknown path, expected `POST /github/webhook`")]
    Path,
    /// A path of ours with another method.
    #[error("got method {got}, expected `{expected}`")]
    Method {
        /// The method, quoted.
        got: String,
        /// The path's own.
        expected: &'static str,
    },
    /// More bytes than are read.
    #[error("got more than {} bytes, expected a `deployment_protection_rule` delivery of about 30,000", BODY_BYTES_MAX)]
    TooLarge,
    /// No signature of the App's webhook secret.
    #[error(
        "got {got}, expected one `x-hub-signature-256` of this body with the App's webhook secret: compare the App's setting \"Webhook secret\" with the parameter that `WEBHOOK_SECRET_PARAMETER` names"
    )]
    Signature {
        /// What was there instead.
        got: &'static str,
    },
    /// Signed, but its header says that it is not JSON.
    #[error(
        "got content type {0}, expected `application/json`: set \"Content type\" to it in the App's webhook settings"
    )]
    ContentType(String),
    /// Signed, but not a delivery that can be acted on.
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
            Self::Shape(_) => 400,
            Self::Signature { .. } => 401,
            Self::ContentType(_) => 415,
        }
    }
}
