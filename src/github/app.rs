//! The App itself: its id, its key, and the token with which it says who it is.

use std::fmt;
use std::sync::Arc;

use http::header::HeaderValue;
use jiff::Timestamp;
use jsonwebtoken::EncodingKey;
use secrecy::SecretString;

use super::app_token::{Claims, bearer};
use super::error::{Remedy, SigningError};
use super::private_key::{self, InvalidPrivateKey};
use super::remote_key::RemoteSigner;

/// A GitHub App: who we are.
pub struct App {
    id: String,
    key: AppKey,
}

enum AppKey {
    /// In this process, which signs a token for each call: that takes a millisecond.
    Local(EncodingKey),
    /// In another place, which is asked for a signature.
    Remote(Arc<RemoteSigner>),
}

impl App {
    /// Takes the App's id (or client id) and its key in PEM, or the base64 of that.
    ///
    /// # Errors
    /// The text is not a key that signs.
    pub fn new(id: &str, pem: &SecretString) -> Result<Self, InvalidPrivateKey> {
        let key = private_key::read(pem)?;
        // The library reads the numbers of the key when it signs: an inconsistent key must fail the start, not a delivery.
        Claims::new(id, Timestamp::UNIX_EPOCH).signed(&key).ok_or(private_key::UNUSABLE)?;
        Ok(Self { id: id.to_owned(), key: AppKey::Local(key) })
    }

    /// Takes the App's id (or client id) and a signer in the place of its key. Nothing is signed yet.
    pub fn with_remote_key(id: &str, signer: Arc<RemoteSigner>) -> Self {
        Self { id: id.to_owned(), key: AppKey::Remote(signer) }
    }

    /// Makes sure that the key signs now. A remote key's signature is kept for the first call.
    ///
    /// # Errors
    /// There is no signature.
    pub async fn try_key(&self, now: Timestamp) -> Result<(), SigningError> {
        self.authorization(now).await.map(drop)
    }

    /// The App's id or client id, as in the settings.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// The `Authorization` header of the App itself, at `now`.
    pub(super) async fn authorization(&self, now: Timestamp) -> Result<HeaderValue, SigningError> {
        match &self.key {
            AppKey::Local(key) => {
                let authorization = Claims::new(&self.id, now).signed(key).as_ref().and_then(bearer);
                let unusable =
                    || SigningError::new("the App's private key", "it cannot sign a token", Remedy::Operator);
                authorization.ok_or_else(unusable)
            }
            AppKey::Remote(signer) => signer.authorization(&self.id, now).await,
        }
    }

    /// Takes note that GitHub refused this header: a token that was kept is not used again.
    pub(super) async fn forget(&self, refused: &HeaderValue) {
        if let AppKey::Remote(signer) = &self.key {
            signer.forget(refused).await;
        }
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").field("id", &self.id).finish_non_exhaustive()
    }
}
