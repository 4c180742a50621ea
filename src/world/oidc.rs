//! GitHub's OIDC provider in a story: it signs the tokens that jobs fetched, and shows its keys.

use std::sync::LazyLock;

use jiff::Timestamp;
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::ExposeSecret as _;
use serde_json::Value;

use super::answers::{Answers, Canned, TokenPlan};
use super::key::Key;
use super::timeline::WRITTEN_ORIGIN;
use crate::github::Issuer;
use crate::model::{ApiUrl, InvalidApiUrl};

/// Where artifacts are in stories.
pub(super) const BLOBS: &str = "https://artifacts.blob.core.windows.net";
/// The host under which the fake serves them: another origin than the API's.
const BLOB_HOST: &str = "localhost";
/// The id of the key that signs, unless a story says another.
const KEY_ID: &str = "issuer-key";

/// The provider's key and one that is nobody's. To make them takes longer than to play a story.
static KEYS: LazyLock<Option<(EncodingKey, EncodingKey)>> = LazyLock::new(|| encoding_key().zip(encoding_key()));

/// github.com's provider, as a fake at `fake` plays it.
///
/// # Errors
/// Never: its name is a URL.
pub fn issuer(fake: &str) -> Result<Option<Issuer>, InvalidApiUrl> {
    issuer_of(&ApiUrl::parse(WRITTEN_ORIGIN)?, fake)
}

/// The provider of an API, as a fake at `fake` plays it; `None` for a GitHub Enterprise Server.
///
/// # Errors
/// Never: its name is a URL.
pub(super) fn issuer_of(api: &ApiUrl, fake: &str) -> Result<Option<Issuer>, InvalidApiUrl> {
    let Some(name) = Issuer::name_for(api) else { return Ok(None) };
    let issuer = Issuer::new(&name, vec![BLOB_HOST.to_owned()])?;
    Ok(Some(issuer.with_keys_at(format!("{fake}/.well-known/jwks"))))
}

/// Signs every token of the answers, shows keys, and moves artifacts to the fake. `port` is the fake's.
///
/// # Errors
/// No key can be made.
pub fn sign_tokens(answers: &mut Answers, port: u16) -> Result<(), &'static str> {
    for value in answers.values_mut().flatten().flat_map(|canned| canned.headers.values_mut()) {
        if let Some(rest) = value.strip_prefix(BLOBS) {
            *value = format!("http://{BLOB_HOST}:{port}{rest}");
        }
    }
    let needs_key = |canned: &Canned| canned.token.is_some() || canned.keys.is_some();
    if !answers.values().flatten().any(needs_key) {
        return Ok(());
    }
    let (own, nobodys) = KEYS.as_ref().ok_or("no key could be made")?;
    for canned in answers.values_mut().flatten() {
        if let Some(plan) = canned.token.take() {
            let key = if plan.forged { nobodys } else { own };
            canned.text = Some(sign(plan, key).ok_or("a token could not be signed")?);
        }
        if let Some(ids) = canned.keys.take() {
            canned.body = Some(key_set(own, &ids).ok_or("a key could not be shown")?);
        }
    }
    Ok(())
}

fn encoding_key() -> Option<EncodingKey> {
    EncodingKey::from_rsa_pem(Key::generate()?.private_pem().expose_secret().as_bytes()).ok()
}

fn sign(plan: TokenPlan, key: &EncodingKey) -> Option<String> {
    let mut claims = plan.claims;
    for name in ["iat", "exp", "nbf"] {
        let instant = claims.get(name).and_then(Value::as_str).and_then(|text| text.parse::<Timestamp>().ok());
        if let Some(instant) = instant {
            claims.insert(name.to_owned(), instant.as_second().into());
        }
    }
    let header = Header { kid: Some(plan.kid.unwrap_or_else(|| KEY_ID.to_owned())), ..Header::new(Algorithm::RS256) };
    jsonwebtoken::encode(&header, &claims, key).ok()
}

fn key_set(key: &EncodingKey, ids: &[String]) -> Option<Value> {
    let with_id = |id: &String| {
        let mut jwk = Jwk::from_encoding_key(key, Algorithm::RS256).ok()?;
        jwk.common.key_id = Some(id.clone());
        Some(jwk)
    };
    let keys = ids.iter().map(with_id).collect::<Option<Vec<Jwk>>>()?;
    serde_json::to_value(JwkSet { keys }).ok()
}
