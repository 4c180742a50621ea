//! AWS KMS on loopback, as far as the gate uses it. moto's KMS signs, but imports no key, knows no disabled key and is never slow: here all of that happens.
//! What is imported is unwrapped as KMS unwraps it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::key_wrap::{AES_256, AesKek, KeyWrapPadded as _};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, PrivateDecryptingKey};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use environment_gate::github::rsa_key_of;
use environment_gate::world::Key;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::github::listen;

/// What KMS does with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    /// What it is asked for.
    Willing,
    /// Nothing: the caller has no leave.
    Refuses,
    /// Nothing, and it does not say so.
    Hangs,
}

/// A running KMS.
pub(crate) struct FakeKms {
    pub(crate) url: String,
    state: Arc<Mutex<Kms>>,
}

struct Kms {
    mood: Mood,
    /// The mood for one action, whatever the others get.
    mood_for: BTreeMap<&'static str, Mood>,
    keys: BTreeMap<String, KmsKey>,
    /// `alias/…` to a key's id.
    aliases: BTreeMap<String, String>,
    calls: Vec<String>,
}

struct KmsKey {
    /// As KMS spells it.
    state: &'static str,
    pair: Option<KeyPair>,
    /// The private half of the key under which key material is wrapped.
    wrapping: Option<PrivateDecryptingKey>,
}

/// An error of KMS: its code and message.
type Refused = (&'static str, String);

impl FakeKms {
    /// A KMS without a key.
    pub(crate) async fn start() -> Self {
        let (listener, url) = listen().await;
        let state = Arc::new(Mutex::new(Kms {
            mood: Mood::Willing,
            mood_for: BTreeMap::new(),
            keys: BTreeMap::new(),
            aliases: BTreeMap::new(),
            calls: Vec::new(),
        }));
        let router = Router::new().fallback(respond).with_state(Arc::clone(&state));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, state }
    }

    /// A key that signs as `key` does, behind `alias` from now on. Returns its id.
    pub(crate) fn holds(&self, alias: &str, key: &Key) -> String {
        let pair = KeyPair::from_der(rsa_key_of(key.private_pem()).unwrap().expose_secret()).unwrap();
        self.with(|kms| {
            let id = kms.add(KmsKey { state: "Enabled", pair: Some(pair), wrapping: None });
            kms.aliases.insert(alias.to_owned(), id.clone());
            id
        })
    }

    /// Whatever is asked, from now on.
    pub(crate) fn is(&self, mood: Mood) {
        self.with(|kms| kms.mood = mood);
    }

    /// The same for one action, such as `ImportKeyMaterial`.
    pub(crate) fn is_for(&self, action: &'static str, mood: Mood) {
        self.with(|kms| kms.mood_for.insert(action, mood));
    }

    /// Puts a key into another state, such as `Disabled`.
    pub(crate) fn set_state(&self, id: &str, state: &'static str) {
        self.with(|kms| kms.keys.get_mut(id).unwrap().state = state);
    }

    /// Each key's state, by its id.
    pub(crate) fn states(&self) -> BTreeMap<String, &'static str> {
        self.with(|kms| kms.keys.iter().map(|(id, key)| (id.clone(), key.state)).collect())
    }

    /// The key behind an alias.
    pub(crate) fn target(&self, alias: &str) -> Option<String> {
        self.with(|kms| kms.aliases.get(alias).cloned())
    }

    /// The public half of a key (PKCS#1, DER).
    pub(crate) fn public_der(&self, id: &str) -> Option<Vec<u8>> {
        self.with(|kms| Some(kms.keys.get(id)?.pair.as_ref()?.public_key().as_ref().to_vec()))
    }

    /// How often an action was asked for.
    pub(crate) fn calls(&self, action: &str) -> usize {
        self.with(|kms| kms.calls.iter().filter(|call| *call == action).count())
    }

    fn with<T>(&self, act: impl FnOnce(&mut Kms) -> T) -> T {
        act(&mut self.state.lock().unwrap())
    }
}

async fn respond(State(state): State<Arc<Mutex<Kms>>>, headers: HeaderMap, body: String) -> Response {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let action = target.strip_prefix("TrentService.").expect("a call to KMS").to_owned();
    let asked: Value = serde_json::from_str(&body).unwrap();
    let (mood, answer) = {
        let mut kms = state.lock().unwrap();
        kms.calls.push(action.clone());
        let mood = kms.mood_for.get(action.as_str()).copied().unwrap_or(kms.mood);
        let answer = match mood {
            Mood::Willing => kms.answer(&action, &asked),
            Mood::Refuses => Err(("AccessDeniedException", format!("not authorized to perform: kms:{action}"))),
            Mood::Hangs => Ok(Value::Null),
        };
        (mood, answer)
    };
    if mood == Mood::Hangs {
        std::future::pending::<()>().await;
    }
    let (status, body) = match answer {
        Ok(body) => (StatusCode::OK, body),
        Err((code, message)) => (StatusCode::BAD_REQUEST, json!({ "__type": code, "message": message })),
    };
    (status, [("content-type", "application/x-amz-json-1.1")], body.to_string()).into_response()
}

impl Kms {
    fn add(&mut self, key: KmsKey) -> String {
        let id = format!("{:08x}-0000-4000-8000-{:012x}", fastrand::u32(..), self.keys.len());
        self.keys.insert(id.clone(), key);
        id
    }

    fn answer(&mut self, action: &str, asked: &Value) -> Result<Value, Refused> {
        match action {
            "Sign" => self.sign(asked),
            "DescribeKey" => {
                let id = self.id(asked, "KeyId")?;
                Ok(json!({ "KeyMetadata": metadata(&id, &self.keys[&id]) }))
            }
            "CreateKey" => {
                let wanted = [("Origin", "EXTERNAL"), ("KeySpec", "RSA_2048"), ("KeyUsage", "SIGN_VERIFY")];
                assert!(wanted.iter().all(|(name, value)| asked[name] == *value), "{asked}");
                assert_eq!(asked["Tags"], json!([{ "TagKey": "environment-gate", "TagValue": "private-key" }]));
                let id = self.add(KmsKey { state: "PendingImport", pair: None, wrapping: None });
                Ok(json!({ "KeyMetadata": metadata(&id, &self.keys[&id]) }))
            }
            "CreateAlias" => {
                let (name, id) = (text(asked, "AliasName"), self.id(asked, "TargetKeyId")?);
                match self.aliases.insert(name.clone(), id) {
                    None => Ok(json!({})),
                    Some(_) => Err(("AlreadyExistsException", format!("An alias with the name {name} already exists"))),
                }
            }
            "UpdateAlias" => {
                let (name, id) = (text(asked, "AliasName"), self.id(asked, "TargetKeyId")?);
                let alias = self.aliases.get_mut(&name);
                *alias.ok_or_else(|| ("NotFoundException", format!("Alias {name} is not found.")))? = id;
                Ok(json!({}))
            }
            "GetParametersForImport" => self.parameters_for_import(asked),
            "ImportKeyMaterial" => self.import(asked),
            "ScheduleKeyDeletion" => {
                let id = self.id(asked, "KeyId")?;
                self.keys.get_mut(&id).unwrap().state = "PendingDeletion";
                Ok(json!({ "KeyId": id, "KeyState": "PendingDeletion" }))
            }
            other => panic!("got {other}, which the gate is not expected to call"),
        }
    }

    /// The id of the key that is named by id or alias.
    fn id(&self, asked: &Value, field: &str) -> Result<String, Refused> {
        let name = text(asked, field);
        let id = self.aliases.get(&name).unwrap_or(&name);
        if self.keys.contains_key(id) {
            Ok(id.clone())
        } else {
            Err(("NotFoundException", format!("{name} is not found.")))
        }
    }

    fn sign(&self, asked: &Value) -> Result<Value, Refused> {
        let id = self.id(asked, "KeyId")?;
        assert_eq!(asked["SigningAlgorithm"], "RSASSA_PKCS1_V1_5_SHA_256");
        assert_eq!(asked["MessageType"], "RAW");
        let message = STANDARD.decode(text(asked, "Message")).unwrap();
        let key = &self.keys[&id];
        let pair = match (key.state, &key.pair) {
            ("Enabled", Some(pair)) => pair,
            ("Disabled", _) => return Err(("DisabledException", format!("{id} is disabled."))),
            (state, _) => return Err(("KMSInvalidStateException", format!("{id} is {state}."))),
        };
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), &message, &mut signature).unwrap();
        Ok(
            json!({ "KeyId": id, "Signature": STANDARD.encode(signature), "SigningAlgorithm": asked["SigningAlgorithm"] }),
        )
    }

    fn parameters_for_import(&mut self, asked: &Value) -> Result<Value, Refused> {
        let id = self.id(asked, "KeyId")?;
        assert_eq!(asked["WrappingAlgorithm"], "RSA_AES_KEY_WRAP_SHA_256");
        assert_eq!(asked["WrappingKeySpec"], "RSA_4096");
        let wrapping = PrivateDecryptingKey::generate(KeySize::Rsa4096).unwrap();
        let public: PublicKeyX509Der<'_> = wrapping.public_key().as_der().unwrap();
        let public = STANDARD.encode(public.as_ref());
        self.keys.get_mut(&id).unwrap().wrapping = Some(wrapping);
        Ok(json!({ "KeyId": id, "PublicKey": public, "ImportToken": STANDARD.encode(&id) }))
    }

    fn import(&mut self, asked: &Value) -> Result<Value, Refused> {
        let id = self.id(asked, "KeyId")?;
        assert_eq!(asked["ExpirationModel"], "KEY_MATERIAL_DOES_NOT_EXPIRE");
        assert_eq!(text(asked, "ImportToken"), STANDARD.encode(&id), "the token of this import");
        let key = self.keys.get_mut(&id).unwrap();
        let wrapping = key.wrapping.take().expect("parameters for the import");
        let material = STANDARD.decode(text(asked, "EncryptedKeyMaterial")).unwrap();
        let (aes_key, wrapped) = material.split_at(wrapping.key_size_bytes());
        let oaep = OaepPrivateDecryptingKey::new(wrapping).unwrap();
        let mut plain = vec![0; oaep.min_output_size()];
        let aes_key = oaep.decrypt(&OAEP_SHA256_MGF1SHA256, aes_key, &mut plain, None).unwrap();
        let mut plain = vec![0; wrapped.len()];
        let pkcs8 = AesKek::new(&AES_256, aes_key).unwrap().unwrap_with_padding(wrapped, &mut plain).unwrap();
        key.pair = Some(KeyPair::from_pkcs8(pkcs8).unwrap());
        key.state = "Enabled";
        Ok(json!({}))
    }
}

fn text(asked: &Value, field: &str) -> String {
    asked[field].as_str().unwrap_or_else(|| panic!("no {field} in {asked}")).to_owned()
}

fn metadata(id: &str, key: &KmsKey) -> Value {
    json!({
        "KeyId": id,
        "Arn": format!("arn:aws:kms:eu-central-1:123456789012:key/{id}"),
        "KeyState": key.state,
        "KeySpec": "RSA_2048",
        "KeyUsage": "SIGN_VERIFY",
        "Origin": "EXTERNAL",
        "Enabled": key.state == "Enabled",
    })
}
