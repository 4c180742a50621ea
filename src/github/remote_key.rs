//! An App's key that another service keeps and signs with. What it signed is kept and used for as long as it holds, so that a delivery rarely waits for it.
//!
//! Not here: which service that is (`config/kms.rs`).

use std::fmt;

use futures_util::future::BoxFuture;
use http::header::HeaderValue;
use jiff::Timestamp;
use tokio::sync::Mutex;

use super::app_token::{Claims, bearer, joined};
use super::error::{Remedy, SigningError};

/// A private RSA key in a place that signs with it and does not show it.
pub trait RemoteKey: fmt::Debug + Send + Sync {
    /// Signs with RSASSA-PKCS1-v1_5 and SHA-256 (RS256 of RFC 7518). `message` is shorter than a kilobyte.
    ///
    /// The future fails if there is no signature: the service refused, or did not answer.
    fn sign<'a>(&'a self, message: &'a [u8]) -> BoxFuture<'a, Result<Vec<u8>, SigningError>>;
}

/// Tokens that a [`RemoteKey`] signs: one is kept, and made anew when it is about to expire or GitHub refused it.
#[derive(Debug)]
pub struct RemoteSigner {
    key: Box<dyn RemoteKey>,
    /// Held while the key signs, so that requests at the same time share one signature.
    kept: Mutex<Option<KeptToken>>,
}

#[derive(Debug)]
struct KeptToken {
    claims: Claims,
    authorization: HeaderValue,
}

impl RemoteSigner {
    /// Nothing is signed yet.
    pub fn new(key: impl RemoteKey + 'static) -> Self {
        Self { key: Box::new(key), kept: Mutex::default() }
    }

    /// The `Authorization` header of the App at `now`: the kept one if it still holds, or else a new one.
    pub(super) async fn authorization(&self, app_id: &str, now: Timestamp) -> Result<HeaderValue, SigningError> {
        let mut kept = self.kept.lock().await;
        if let Some(token) = kept.as_ref().filter(|token| token.claims.hold_for(app_id, now)) {
            return Ok(token.authorization.clone());
        }
        let claims = Claims::new(app_id, now);
        let unusable = || SigningError::new("the App's token", "it cannot be written", Remedy::Operator);
        let signing_input = claims.signing_input().ok_or_else(unusable)?;
        let signature = self.key.sign(signing_input.as_bytes()).await?;
        let authorization = bearer(&joined(&signing_input, &signature)).ok_or_else(unusable)?;
        *kept = Some(KeptToken { claims, authorization: authorization.clone() });
        Ok(authorization)
    }

    /// Drops the kept token if it is this one, which GitHub refused: the key may be another one by now.
    pub(super) async fn forget(&self, refused: &HeaderValue) {
        self.kept.lock().await.take_if(|token| token.authorization == *refused);
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::FutureExt as _;

    use super::*;

    /// Counts how often it signs. It takes a turn of the executor, as a network does.
    #[derive(Debug, Default)]
    struct Counting(Arc<AtomicUsize>);

    impl RemoteKey for Counting {
        fn sign<'a>(&'a self, _: &'a [u8]) -> BoxFuture<'a, Result<Vec<u8>, SigningError>> {
            Box::pin(async {
                tokio::task::yield_now().await;
                let count = self.0.fetch_add(1, Ordering::Relaxed);
                Ok(count.to_be_bytes().to_vec())
            })
        }
    }

    fn signer() -> (RemoteSigner, Arc<AtomicUsize>) {
        let counting = Counting::default();
        let count = Arc::clone(&counting.0);
        (RemoteSigner::new(counting), count)
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_767_600_000_i64.saturating_add(second)).unwrap()
    }

    #[tokio::test]
    async fn one_signature_serves_for_its_lifetime() {
        let (signer, count) = signer();
        for second in [0, 1, 300, 480] {
            signer.authorization("1", at(second)).await.unwrap();
        }
        assert_eq!(count.load(Ordering::Relaxed), 1);
        signer.authorization("1", at(481)).await.unwrap();
        assert_eq!(count.load(Ordering::Relaxed), 2, "it is about to expire");
    }

    #[tokio::test]
    async fn requests_at_the_same_time_share_one_signature() {
        let (signer, count) = signer();
        let all = futures_util::future::join_all((0..20).map(|_| signer.authorization("1", at(0)))).await;
        let first = all.first().unwrap().as_ref().unwrap();
        assert!(all.iter().all(|one| one.as_ref().unwrap() == first));
        assert_eq!(count.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn only_the_token_that_was_refused_is_forgotten() {
        let (signer, count) = signer();
        let first = signer.authorization("1", at(0)).await.unwrap();
        signer.forget(&first).await;
        let second = signer.authorization("1", at(0)).await.unwrap();
        assert_ne!(first, second);
        // Another request was refused with the first one, a moment later.
        signer.forget(&first).await;
        assert_eq!(signer.authorization("1", at(0)).await.unwrap(), second);
        assert_eq!(count.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn who_gives_up_waiting_does_not_keep_the_next_from_signing() {
        let (signer, count) = signer();
        assert!(signer.authorization("1", at(0)).now_or_never().is_none(), "it was still being signed");
        signer.authorization("1", at(0)).await.unwrap();
        assert_eq!(count.load(Ordering::Relaxed), 1);
    }
}
