//! The one HTTP client of the program, for GitHub and for AWS: one TLS stack, one pool of connections.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

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
    /// The HTTP library refuses them.
    #[error("no HTTP client")]
    Http(#[source] reqwest::Error),
}

/// Our side of every connection, and the pool of those that are open. Copies share the pool.
#[derive(Debug, Clone)]
pub struct Connections(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    tls: ClientConfig,
    pool: Mutex<Pool>,
}

/// The pool of the present, as one call takes it.
#[derive(Debug, Clone)]
pub struct Pool {
    client: reqwest::Client,
    generation: u64,
}

impl Pool {
    /// A client whose connections are the pool's.
    pub fn client(&self) -> &reqwest::Client {
        &self.client
    }
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
        let mut tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(TransportError::Tls)?
            .with_root_certificates(anchors)
            .with_no_client_auth();
        // A configuration of one's own offers nothing unless told to, and the client then speaks HTTP/1.1.
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let pool = Mutex::new(Pool { client: client(&tls)?, generation: 0 });
        Ok(Self(Arc::new(Inner { tls, pool })))
    }

    /// The pool that calls use now.
    pub fn pool(&self) -> Pool {
        self.with(|pool| pool.clone())
    }

    /// Gives up the connections of `pool`, on which a call had no answer: what died while the function slept would hold up the next call
    /// just as well. Calls under way on it go on.
    pub fn give_up(&self, pool: &Pool) {
        self.with(|present| {
            // Of several calls that had no answer the first one did this for all.
            if present.generation == pool.generation
                && let Ok(client) = client(&self.0.tls)
            {
                *present = Pool { client, generation: present.generation.wrapping_add(1) };
            }
        });
    }

    fn with<T>(&self, act: impl FnOnce(&mut Pool) -> T) -> T {
        act(&mut self.0.pool.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A client with a pool of its own: no redirects (they are followed by whoever knows where a token may go), no proxy, no retries but of streams
/// that the other side refused to look at.
fn client(tls: &ClientConfig) -> Result<reqwest::Client, TransportError> {
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls.clone())
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .no_proxy()
        .connect_timeout(CONNECT_TIME_MAX)
        .build()
        .map_err(TransportError::Http)
}
