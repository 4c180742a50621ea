//! The one HTTP client of the program, for GitHub and for AWS: one TLS stack, one pool of connections, bounded time and bytes.
//!
//! Not here: what a status or a body means, retries (except of requests that the other side certainly did not process), and redirects, because only
//! the caller knows where a token may go.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use reqwest::redirect::Policy;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

/// Time to open a connection, TLS included. Shorter than a call's, so that one dead address leaves time for the next.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(2);

/// Why there is no HTTP client.
#[derive(Debug, thiserror::Error)]
pub enum HttpSetupError {
    /// The file with extra trust anchors has no certificate in it.
    #[error("got no certificate, expected one or more in PEM")]
    NoCertificate,
    /// One of the certificates is not a trust anchor.
    #[error("got a certificate that cannot be a trust anchor, expected one of a certificate authority")]
    Certificate(#[source] rustls::Error),
    /// The file is not PEM.
    #[error("got a file that is not PEM")]
    Pem(#[source] rustls::pki_types::pem::Error),
    /// The TLS library rejects its own defaults.
    #[error("TLS cannot be set up")]
    Tls(#[source] rustls::Error),
    /// The HTTP library rejects its settings.
    #[error("the HTTP client cannot be set up")]
    Client(#[source] reqwest::Error),
}

/// A request that got no usable response.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The request could not be built: nothing was sent.
    #[error("the request could not be built")]
    Request(#[source] reqwest::Error),
    /// There was no connection, or it broke before the response was complete.
    #[error("the connection failed")]
    Connection(#[source] reqwest::Error),
    /// The response was not complete in time.
    #[error("no complete response within {} ms", .0.as_millis())]
    TimedOut(Duration),
    /// The response is longer than the caller reads.
    #[error("the response has more than {0} bytes")]
    TooLong(usize),
}

/// What one exchange may take.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// From sending the request to the end of the response.
    pub time: Duration,
    /// Bytes of the response's body.
    pub body_bytes: usize,
}

/// An HTTP client. Clones share its connections.
#[derive(Debug, Clone)]
pub struct HttpClient(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    tls: ClientConfig,
    client: Mutex<Arc<reqwest::Client>>,
}

impl HttpClient {
    /// Trusts Mozilla's certificate authorities and those of `extra_anchors` (PEM). Speaks HTTP/2 where the other side does. Ignores proxy variables.
    ///
    /// # Errors
    /// The extra anchors are empty or unreadable.
    pub fn new(extra_anchors: Option<&[u8]>) -> Result<Self, HttpSetupError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(HttpSetupError::Tls)?
            .with_root_certificates(trust_anchors(extra_anchors)?)
            .with_no_client_auth();
        // `reqwest` sets this for its own configurations only; without it five parallel reads would open five connections.
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let client = new_client(&tls).map_err(HttpSetupError::Client)?;
        Ok(Self(Arc::new(Shared { tls, client: Mutex::new(Arc::new(client)) })))
    }

    /// A client of the same kind, whose connections are its own: what breaks there does not break here.
    #[must_use]
    pub fn with_own_connections(&self) -> Self {
        let tls = self.0.tls.clone();
        // It was built once with the same settings.
        new_client(&tls).map_or_else(
            |_| self.clone(),
            |client| Self(Arc::new(Shared { tls, client: Mutex::new(Arc::new(client)) })),
        )
    }

    /// Sends a request and reads the whole response. What the other side certainly did not process (`REFUSED_STREAM`, a graceful `GOAWAY`) is sent again
    /// by the library; nothing else is.
    ///
    /// When a request gets no complete response, all idle connections are dropped: one that died while the function slept would hold up the next request too.
    ///
    /// # Errors
    /// No response, part of one, or one that is too long.
    pub async fn send(&self, request: Request<Bytes>, bounds: Bounds) -> Result<Response<Bytes>, HttpError> {
        let client = Arc::clone(&self.client());
        let request = reqwest::Request::try_from(request).map_err(|error| HttpError::Request(error.without_url()))?;
        let exchange = exchange(&client, request, bounds.body_bytes);
        let response =
            tokio::time::timeout(bounds.time, exchange).await.unwrap_or(Err(HttpError::TimedOut(bounds.time)));
        if matches!(response, Err(HttpError::Connection(_) | HttpError::TimedOut(_))) {
            self.replace(&client);
        }
        response
    }

    /// Starts with new connections, unless another request did so already. Requests under way go on with the old ones.
    fn replace(&self, failed: &Arc<reqwest::Client>) {
        let mut client = self.client();
        if Arc::ptr_eq(&client, failed)
            && let Ok(new) = new_client(&self.0.tls)
        {
            *client = Arc::new(new);
        }
    }

    fn client(&self) -> MutexGuard<'_, Arc<reqwest::Client>> {
        self.0.client.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn new_client(tls: &ClientConfig) -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls.clone())
        .redirect(Policy::none())
        .no_proxy()
        .connect_timeout(CONNECT_TIME_MAX)
        .build()
}

async fn exchange(
    client: &reqwest::Client,
    request: reqwest::Request,
    body_bytes_max: usize,
) -> Result<Response<Bytes>, HttpError> {
    let connection = |error: reqwest::Error| HttpError::Connection(error.without_url());
    let mut response = client.execute(request).await.map_err(connection)?;
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(connection)? {
        if body.len().saturating_add(chunk.len()) > body_bytes_max {
            return Err(HttpError::TooLong(body_bytes_max));
        }
        body.extend_from_slice(&chunk);
    }
    let mut whole = Response::new(body.freeze());
    *whole.status_mut() = response.status();
    *whole.headers_mut() = std::mem::take(response.headers_mut());
    Ok(whole)
}

fn trust_anchors(extra: Option<&[u8]>) -> Result<RootCertStore, HttpSetupError> {
    let mut anchors = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let Some(pem) = extra else { return Ok(anchors) };
    let certificates: Vec<CertificateDer<'_>> =
        CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(HttpSetupError::Pem)?;
    if certificates.is_empty() {
        return Err(HttpSetupError::NoCertificate);
    }
    for certificate in certificates {
        anchors.add(certificate).map_err(HttpSetupError::Certificate)?;
    }
    Ok(anchors)
}
