//! The place of the App's key at AWS: a secret that holds it, or a KMS key that signs with it.

use std::sync::Arc;

use aws_config::SdkConfig;
use environment_gate::config::KeyPlace;
use environment_gate::github::{App, InvalidPrivateKey, RemoteSigner};
use secrecy::SecretString;

use super::kms_store::KmsStore;
use super::secret_store::SecretStore;

/// Where the App's key is kept.
#[derive(Debug)]
pub(super) enum KeyStore {
    Secret(SecretStore),
    Kms(Box<KmsStore>),
}

/// A key that is in its place.
#[derive(Debug)]
pub(super) enum StoredKey {
    /// In PEM.
    Pem(SecretString),
    /// Where nobody sees it.
    InKms(Arc<RemoteSigner>),
}

impl StoredKey {
    /// The App with this key.
    pub(super) fn app(self, id: &str) -> Result<App, InvalidPrivateKey> {
        match self {
            Self::Pem(pem) => App::new(id, &pem),
            Self::InKms(signer) => Ok(App::with_remote_key(id, signer)),
        }
    }
}

impl KeyStore {
    pub(super) fn new(aws: &SdkConfig, place: &KeyPlace) -> Self {
        match place {
            KeyPlace::Secret(name) => Self::Secret(SecretStore::new(aws, name)),
            KeyPlace::KmsKey(name) => Self::Kms(Box::new(KmsStore::new(aws, name))),
        }
    }

    /// The key that is there now.
    pub(super) async fn key(&self) -> anyhow::Result<Option<StoredKey>> {
        match self {
            Self::Secret(store) => Ok(store.key().await?.map(StoredKey::Pem)),
            Self::Kms(store) => Ok(store.key().await?.map(StoredKey::InKms)),
        }
    }

    /// Makes a place for the key, without a key in it.
    pub(super) async fn make_place(&self) -> anyhow::Result<()> {
        match self {
            Self::Secret(store) => store.make_place().await,
            Self::Kms(store) => store.make_place().await,
        }
    }

    /// Puts the key into its place.
    pub(super) async fn put(&self, pem: &SecretString) -> anyhow::Result<StoredKey> {
        match self {
            Self::Secret(store) => store.put(pem).await.map(|()| StoredKey::Pem(pem.clone())),
            Self::Kms(store) => store.put(pem).await.map(StoredKey::InKms),
        }
    }

    /// The parameter of the stack that names the place, and its value.
    pub(super) async fn stack_parameter(&self) -> anyhow::Result<(&'static str, String)> {
        match self {
            Self::Secret(store) => Ok(("PrivateKeySecret", store.name().to_owned())),
            Self::Kms(store) => Ok(("PrivateKeyKmsKeyArn", store.arn().await?)),
        }
    }
}
