//! The one HTTP client of the program, for GitHub and for AWS: one TLS stack, one pool of connections.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{Request, Response, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body as _, Incoming};
use hyper_rustls::{HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tower::BoxError;
use tower::timeout::Timeout;
use tower::util::BoxCloneSyncService;

/// Time to open a connection. Shorter than a call's, so that one dead address leaves time for the next.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(2);

/// Why there is no HTTP client.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The extra trust anchors hold no certificate.
    #[error("got no certificate, expected one or more in PEM")]
    NoAnchor,
    /// One of them is none.
    #[error("got a certificate that is no trust anchor, expected PEM")]
    Anchor(#[source] rustls::Error),
    /// The PEM cannot be read.
    #[error("got a file that is no PEM")]
    Pem(#[source] rustls::pki_types::pem::Error),
    /// The TLS library refuses its own defaults.
    #[error("no TLS")]
    Tls(#[source] rustls::Error),
}

/// A request without an answer that could be used.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// Nothing came back: no connection, or one that broke.
    #[error(transparent)]
    NoAnswer(#[from] hyper_util::client::legacy::Error),
    /// An answer began, and did not end.
    #[error(transparent)]
    CutOff(#[from] hyper::Error),
    /// It is longer than whoever asked will read.
    #[error("more than {0} bytes")]
    TooLong(usize),
}

/// Our side of every connection, and the pool of those that are open. Copies share the pool.
#[derive(Debug, Clone)]
pub struct Connections(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    tls: ClientConfig,
    pool: Mutex<Arc<Pool>>,
}

/// Opens a connection, in the time that it may take.
type Connector = BoxCloneSyncService<Uri, MaybeHttpsStream<TokioIo<TcpStream>>, BoxError>;

/// Connections that calls share.
#[derive(Debug)]
pub struct Pool {
    client: Client<Connector, Full<Bytes>>,
}

impl Pool {
    /// Opens nothing yet.
    fn new(tls: &ClientConfig) -> Arc<Self> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        // Shared among a host's addresses, so that a dead one leaves time for the next.
        tcp.set_connect_timeout(Some(CONNECT_TIME_MAX));
        let tls = HttpsConnectorBuilder::new().with_tls_config(tls.clone()).https_or_http();
        let connector = Timeout::new(tls.enable_all_versions().wrap_connector(tcp), CONNECT_TIME_MAX);
        let connector = Connector::new(connector);
        let client = Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(connector);
        Arc::new(Self { client })
    }

    /// Sends a request and reads its whole answer, of at most `bytes_max` bytes. Nothing is sent twice but what no connection took, or what the other side
    /// refused to look at. No redirect is followed: that does who knows where a token may go.
    ///
    /// # Errors
    /// No answer, half of one, or too long a one.
    pub async fn exchange(&self, request: Request<Bytes>, bytes_max: usize) -> Result<Response<Bytes>, ExchangeError> {
        let again = request.clone();
        let answer = match self.client.request(request.map(Full::new)).await {
            Err(error) if was_not_looked_at(&error) => self.client.request(again.map(Full::new)).await?,
            answer => answer?,
        };
        let (head, body) = answer.into_parts();
        Ok(Response::from_parts(head, read(body, bytes_max).await?))
    }
}

/// Did the other side say over HTTP/2 that it did nothing with the request? It closes the connection without an error, or refuses the stream
/// (<https://www.rfc-editor.org/rfc/rfc9113#section-8.7>).
fn was_not_looked_at(error: &hyper_util::client::legacy::Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<h2::Error>() {
            let is_closing = error.is_go_away() && error.reason() == Some(h2::Reason::NO_ERROR);
            let is_refused = error.is_reset() && error.reason() == Some(h2::Reason::REFUSED_STREAM);
            return error.is_remote() && (is_closing || is_refused);
        }
        cause = error.source();
    }
    false
}

async fn read(mut body: Incoming, bytes_max: usize) -> Result<Bytes, ExchangeError> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(bytes_max);
    let mut all = BytesMut::with_capacity(announced.min(bytes_max));
    while let Some(frame) = body.frame().await {
        // What is no data is trailers.
        let Ok(data) = frame?.into_data() else { continue };
        if all.len().saturating_add(data.len()) > bytes_max {
            return Err(ExchangeError::TooLong(bytes_max));
        }
        all.extend_from_slice(&data);
    }
    Ok(all.freeze())
}

impl Connections {
    /// Trusts Mozilla's anchors and those of `extra_anchors` (PEM); speaks HTTP/2 where the other side does.
    ///
    /// # Errors
    /// The extra anchors are empty or unreadable.
    pub fn new(extra_anchors: Option<&[u8]>) -> Result<Self, TransportError> {
        let mut anchors = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        if let Some(pem) = extra_anchors {
            let certificates: Vec<_> =
                CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(TransportError::Pem)?;
            if certificates.is_empty() {
                return Err(TransportError::NoAnchor);
            }
            for certificate in certificates {
                anchors.add(certificate).map_err(TransportError::Anchor)?;
            }
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(TransportError::Tls)?
            .with_root_certificates(anchors)
            .with_no_client_auth();
        let pool = Mutex::new(Pool::new(&tls));
        Ok(Self(Arc::new(Inner { tls, pool })))
    }

    /// The pool that calls use now.
    pub fn pool(&self) -> Arc<Pool> {
        Arc::clone(&self.present())
    }

    /// Gives up the connections of `pool`, on which a call had no answer: what died while the function slept would hold up the next call
    /// just as well. Calls under way on it go on.
    pub fn give_up(&self, pool: &Arc<Pool>) {
        let mut present = self.present();
        // Of several calls that had no answer the first one did this for all.
        if Arc::ptr_eq(&present, pool) {
            *present = Pool::new(&self.0.tls);
        }
    }

    fn present(&self) -> MutexGuard<'_, Arc<Pool>> {
        self.0.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
