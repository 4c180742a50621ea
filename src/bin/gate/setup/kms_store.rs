//! The App's key in KMS: made without key material, filled with the key that GitHub generated, and found by an alias. Nothing of the key is written to disk.

use std::sync::Arc;

use anyhow::{Context as _, anyhow, bail};
use aws_config::SdkConfig;
use aws_sdk_kms::config::retry::RetryConfig;
use aws_sdk_kms::error::SdkError;
use aws_sdk_kms::operation::describe_key::DescribeKeyError;
use aws_sdk_kms::operation::update_alias::UpdateAliasError;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{
    AlgorithmSpec, ExpirationModelType, KeyMetadata, KeySpec, KeyState, KeyUsageType, OriginType, Tag, WrappingKeySpec,
};
use environment_gate::config::{aws_problem, kms_signer};
use environment_gate::github::RemoteSigner;
use secrecy::SecretString;

use super::progress::{SetupStep, report};
use super::wrapped_key::wrap;

/// What the name of an alias begins with.
pub(super) const ALIAS: &str = "alias/";
/// The tag of every key that is made here: by it, `deploy/role.yaml` knows the keys that the function may sign with.
const TAG: (&str, &str) = ("environment-gate", "private-key");
/// Days until a key that is not used is deleted: the fewest that KMS takes.
const DELETION_DAYS: i32 = 7;

/// The App's key in KMS.
#[derive(Debug)]
pub(super) struct KmsStore {
    aws: SdkConfig,
    client: aws_sdk_kms::Client,
    /// The key's alias; its ARN or id if a variable says so.
    name: String,
}

impl KmsStore {
    pub(super) fn new(aws: &SdkConfig, name: &str) -> Self {
        Self { aws: aws.clone(), client: aws_sdk_kms::Client::new(aws), name: name.to_owned() }
    }

    /// A key that can sign. One without key material is not there yet.
    pub(super) async fn key(&self) -> anyhow::Result<Option<Arc<RemoteSigner>>> {
        let Some(key) = self.described().await? else { return Ok(None) };
        match key.key_state() {
            Some(KeyState::Enabled) => Ok(Some(self.signer(&self.name))),
            Some(KeyState::PendingImport) => Ok(None),
            state => {
                let state = state.map_or("no state", KeyState::as_str);
                Err(self.error(&format!(
                    "got a key that is `{state}`, expected one that is `Enabled`: enable it, or choose another alias"
                )))
            }
        }
    }

    /// Signs with `key`: an alias, an id or an ARN.
    pub(super) fn signer(&self, key: &str) -> Arc<RemoteSigner> {
        Arc::new(kms_signer(&self.aws, key))
    }

    /// The ARN of the key, which the stack's role names.
    pub(super) async fn arn(&self) -> anyhow::Result<String> {
        let key = self.described().await?;
        let arn = key.and_then(|key| key.arn().map(ToOwned::to_owned));
        arn.ok_or_else(|| self.error("got no key, expected the one that was just used"))
    }

    /// Makes a key without key material, and the alias for it, so that there is a place for the App's key before there is one. A key that an earlier run made
    /// is used.
    pub(super) async fn make_place(&self) -> anyhow::Result<()> {
        if let Some(key) = self.described().await? {
            return self.expect_place(&key);
        }
        if !self.name.starts_with(ALIAS) {
            return Err(self.error("got the name of a key that does not exist, expected an alias: pass `--kms ALIAS`"));
        }
        let key = self.create_key().await?;
        let created = self.client.create_alias().alias_name(&self.name).target_key_id(&key).send().await;
        match created {
            Ok(_) => Ok(()),
            Err(error) => Err(self.discard(&key, self.error(&aws_problem(&error))).await),
        }
    }

    /// Puts the App's key into the place for it.
    pub(super) async fn put(&self, pem: &SecretString) -> anyhow::Result<Arc<RemoteSigner>> {
        let key = self.described().await?.ok_or_else(|| self.error("the key is gone"))?;
        self.expect_place(&key)?;
        self.import(key.key_id(), pem).await?;
        Ok(self.signer(&self.name))
    }

    /// Makes another key of this one. The alias still points to the present one. If something fails, the new key is deleted again.
    pub(super) async fn import_another(&self, pem: &SecretString) -> anyhow::Result<String> {
        if !self.name.starts_with(ALIAS) {
            return Err(self.error("expected an alias, which can point to another key: pass `--kms ALIAS`"));
        }
        let key = self.create_key().await?;
        match self.import(&key, pem).await {
            Ok(()) => Ok(key),
            Err(error) => Err(self.discard(&key, error).await),
        }
    }

    /// Lets the alias point to `key`. Returns the key that it pointed to before, if any.
    pub(super) async fn point_at(&self, key: &str) -> anyhow::Result<Option<String>> {
        let before = self.described().await?.map(|key| key.key_id().to_owned());
        let updated = self.client.update_alias().alias_name(&self.name).target_key_id(key).send().await;
        match updated {
            Ok(_) => Ok(before),
            Err(error) if error.as_service_error().is_some_and(UpdateAliasError::is_not_found_exception) => {
                let created = self.client.create_alias().alias_name(&self.name).target_key_id(key).send().await;
                created.map(|_| None).map_err(|error| self.error(&aws_problem(&error)))
            }
            Err(error) => Err(self.error(&aws_problem(&error))),
        }
    }

    /// Has a key deleted that nothing uses; the error says what became of it, too.
    pub(super) async fn discard(&self, key: &str, error: anyhow::Error) -> anyhow::Error {
        let deleted =
            self.client.schedule_key_deletion().key_id(key).pending_window_in_days(DELETION_DAYS).send().await;
        match deleted {
            Ok(_) => anyhow!("{error:#}; the KMS key `{key}` that was just made is deleted in {DELETION_DAYS} days"),
            Err(why) => anyhow!("{error:#}; delete the KMS key `{key}`, which was just made: {}", aws_problem(&why)),
        }
    }

    /// A key of the kind that GitHub's are, without key material.
    async fn create_key(&self) -> anyhow::Result<String> {
        let (name, value) = TAG;
        let tag = Tag::builder().tag_key(name).tag_value(value).build()?;
        let create = self
            .client
            .create_key()
            .tags(tag)
            .origin(OriginType::External)
            .key_spec(KeySpec::Rsa2048)
            .key_usage(KeyUsageType::SignVerify)
            .description("Environment Gate: the GitHub App's private key");
        // Twice would be two keys.
        let once = aws_sdk_kms::Config::builder().retry_config(RetryConfig::disabled());
        let created =
            create.customize().config_override(once).send().await.map_err(|error| self.error(&aws_problem(&error)))?;
        let key = created.key_metadata.ok_or_else(|| self.error("got no key from KMS, expected a new one"))?;
        // Whoever stops it from here on knows which key to delete.
        report(SetupStep::App, format!("KMS key `{}`: made for the App's key, and still empty", key.key_id()))?;
        Ok(key.key_id().to_owned())
    }

    /// Wraps the App's key for KMS alone, and hands it over for good.
    async fn import(&self, key: &str, pem: &SecretString) -> anyhow::Result<()> {
        let error = |problem: &str| anyhow!("KMS key `{key}`: {problem}");
        let parameters = self
            .client
            .get_parameters_for_import()
            .key_id(key)
            .wrapping_algorithm(AlgorithmSpec::RsaAesKeyWrapSha256)
            .wrapping_key_spec(WrappingKeySpec::Rsa4096)
            .send()
            .await
            .map_err(|problem| error(&aws_problem(&problem)))?;
        let (Some(token), Some(wrapping_key)) = (parameters.import_token, parameters.public_key) else {
            return Err(error("got no wrapping key or no token for the import, expected both"));
        };
        let wrapped = wrap(pem, wrapping_key.as_ref()).with_context(|| format!("KMS key `{key}`"))?;
        let import = self
            .client
            .import_key_material()
            .key_id(key)
            .import_token(token)
            .encrypted_key_material(Blob::new(wrapped))
            .expiration_model(ExpirationModelType::KeyMaterialDoesNotExpire);
        import.send().await.map(drop).map_err(|problem| error(&aws_problem(&problem)))
    }

    /// Only an empty key of the right kind is filled.
    fn expect_place(&self, key: &KeyMetadata) -> anyhow::Result<()> {
        let is_place = key.key_state() == Some(&KeyState::PendingImport)
            && key.origin() == Some(&OriginType::External)
            && key.key_spec() == Some(&KeySpec::Rsa2048)
            && key.key_usage() == Some(&KeyUsageType::SignVerify);
        if !is_place {
            bail!(
                "KMS key `{}`: got a key with another purpose, expected no key, or an empty one for an RSA key of 2048 bits that signs: choose another alias",
                self.name
            );
        }
        Ok(())
    }

    async fn described(&self) -> anyhow::Result<Option<KeyMetadata>> {
        match self.client.describe_key().key_id(&self.name).send().await {
            Ok(described) => Ok(described.key_metadata),
            Err(SdkError::ServiceError(refused)) if matches!(refused.err(), DescribeKeyError::NotFoundException(_)) => {
                Ok(None)
            }
            Err(error) => Err(self.error(&aws_problem(&error))),
        }
    }

    fn error(&self, problem: &str) -> anyhow::Error {
        anyhow!("KMS key `{}`: {problem}", self.name)
    }
}
