//! Plays a story: starts the fake, signs the body, and hands it to the same handler that the function runs.

use std::path::PathBuf;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::answers::{Answers, Canned};
use super::github::{FakeCall, FakeGithub, KnownApp};
use super::key::Key;
use super::oidc::{issuer_of, sign_tokens};
use super::story::{Delivery, Signature, Story};
use super::timeline::{Present, move_origin_from, move_times};
use crate::config::{Given, Variables};
use crate::github::Limits;
use crate::handler::Handler;
use crate::lambda::{Invocation, invoke};
use crate::model::ApiUrl;
use crate::outcome::Report;
use crate::time::Clock;
use crate::webhook::sign;

/// The App that all stories are about.
pub const APP_ID: &str = "123456";

/// Plays stories. It signs as GitHub would, with a key and secrets of its own.
pub struct Player {
    key: Key,
    signer: Signer,
    limits: Limits,
}

/// The webhook secrets: the one that signs, and the previous one, which still verifies.
pub struct Signer([SecretString; 2]);

/// A story that was played.
#[derive(Debug)]
pub struct Played {
    /// What became of the delivery.
    pub report: Report,
    /// The calls, in their order.
    pub calls: Vec<FakeCall>,
    /// Calls that GitHub would have refused, and answers that no call asked for.
    pub violations: Vec<String>,
    /// How far the story's times were moved.
    pub moved_by: SignedDuration,
}

impl Player {
    /// A player with a new key. `None` if the random number generator fails.
    pub fn new(limits: Limits) -> Option<Self> {
        Some(Self { key: Key::generate()?, signer: Signer::made_up(), limits })
    }

    /// The App's id, the webhook secrets one per line, and the App's key.
    pub fn app(&self) -> (&'static str, SecretString, &Key) {
        (APP_ID, self.signer.known(), &self.key)
    }

    /// Plays a story in this process, over real HTTP to a fake of its own.
    ///
    /// # Errors
    /// The fake cannot be started, or the event is not an HTTP request.
    pub async fn play(
        &self,
        story: &Story,
        present: Present,
    ) -> Result<Played, Box<dyn std::error::Error + Send + Sync>> {
        let (moved_by, clock) = match present {
            Present::Story => {
                let present = story.present;
                (SignedDuration::ZERO, Clock::showing(move || present))
            }
            Present::Now(now) => (now.duration_since(story.present), Clock::system()),
        };
        let (app_id, webhook_secret, key) = self.app();
        let mut answers = move_answers(story, moved_by, "");
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        sign_tokens(&mut answers, listener.local_addr()?.port())?;
        let known = KnownApp { id: app_id, public_key: key.public_der(), base_path: story.api.base_path() };
        let fake = FakeGithub::serve(listener, answers, known)?;
        let files = PolicyFiles::new(story)?;
        let given = Given {
            app_id: app_id.into(),
            webhook_secret,
            policy_file: files.policy_file(),
            policies_dir: files.policies_dir(),
            private_key: key.private_pem().clone(),
            issuer: issuer_of(&story.api, &fake.url())?.map(Arc::new),
        };
        let variables = Variables::given(ApiUrl::parse(&fake.url())?, given)?;
        let handler = Handler::open(variables, self.limits, clock).await?;
        let body = body_of(story, moved_by, &fake.url());
        let event = event_of(&story.delivery, &body, &self.signer).to_string();
        match invoke(&handler, lambda_http::request::from_str(&event)?).await? {
            Invocation::Delivered(report) => {
                Ok(Played { report: *report, calls: fake.calls(), violations: fake.violations(), moved_by })
            }
            other => Err(format!("got {other:?}, expected a delivery").into()),
        }
    }

    /// The event of a story whose times and addresses are moved.
    pub fn event(&self, story: &Story, moved_by: SignedDuration, api: &str) -> Value {
        self.signer.event(story, moved_by, api)
    }

    /// The answers of a story whose times and addresses are moved.
    pub fn answers(story: &Story, now: Timestamp, api: &str) -> Answers {
        move_answers(story, now.duration_since(story.present), api)
    }
}

/// A story's policies, as files while it is played.
#[derive(Debug)]
pub struct PolicyFiles {
    folder: PathBuf,
    has_rego: bool,
}

impl PolicyFiles {
    /// Writes them into a new folder under the system's folder for temporary files.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn new(story: &Story) -> std::io::Result<Self> {
        let folder = std::env::temp_dir().join(format!("environment-gate-{:016x}", fastrand::u64(..)));
        let files = Self { folder, has_rego: !story.policies.is_empty() };
        files.write(story)?;
        Ok(files)
    }

    fn write(&self, story: &Story) -> std::io::Result<()> {
        std::fs::create_dir_all(self.folder.join(REGO))?;
        std::fs::write(self.policy_file(), &story.policy)?;
        let mut rego = story.policies.iter();
        rego.try_for_each(|(name, text)| std::fs::write(self.folder.join(REGO).join(format!("{name}.rego")), text))
    }

    /// The policy in TOML.
    pub fn policy_file(&self) -> PathBuf {
        self.folder.join("policy.toml")
    }

    /// The folder of the policies in Rego, if there are any.
    pub fn policies_dir(&self) -> Option<PathBuf> {
        self.has_rego.then(|| self.folder.join(REGO))
    }
}

/// The folder of policies in Rego, in a story and beside its other files.
const REGO: &str = "policies";

impl Drop for PolicyFiles {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Signer {
    /// Random secrets.
    pub fn made_up() -> Self {
        let secret = |name: &str| SecretString::from(format!("{name}-{:016x}", fastrand::u64(..)));
        Self([secret("webhook-secret"), secret("previous-secret")])
    }

    /// Signs with this secret; there is no previous one.
    pub fn with(secret: SecretString) -> Self {
        Self([secret.clone(), secret])
    }

    /// The secrets that a receiver knows, one per line.
    pub fn known(&self) -> SecretString {
        let Self([secret, previous]) = self;
        format!("{}\n{}\n", secret.expose_secret(), previous.expose_secret()).into()
    }

    /// The event of a story whose times and addresses are moved.
    pub fn event(&self, story: &Story, moved_by: SignedDuration, api: &str) -> Value {
        event_of(&story.delivery, &body_of(story, moved_by, api), self)
    }
}

fn body_of(story: &Story, moved_by: SignedDuration, api: &str) -> Vec<u8> {
    let mut body = match &story.webhook {
        Value::String(text) => text.clone().into_bytes(),
        json => {
            let mut json = json.clone();
            move_times(&mut json, moved_by);
            move_origin_from(&mut json, &story.api.to_string(), api);
            json.to_string().into_bytes()
        }
    };
    let bytes = story.delivery.bytes.unwrap_or_default().max(body.len());
    body.resize(bytes, b' ');
    body
}

fn move_answers(story: &Story, moved_by: SignedDuration, api: &str) -> Answers {
    let mut answers = story.answers.clone();
    for Canned { body, token, .. } in answers.values_mut().flatten() {
        let claims = token.iter_mut().flat_map(|plan| plan.claims.values_mut());
        claims.for_each(|claim| move_times(claim, moved_by));
        if let Some(json) = body {
            move_times(json, moved_by);
            if !api.is_empty() {
                move_origin_from(json, &story.api.to_string(), api);
            }
        }
    }
    answers
}

/// The API Gateway event (HTTP API, payload format 2.0) of a body that GitHub delivers.
fn event_of(delivery: &Delivery, body: &[u8], signer: &Signer) -> Value {
    let method = delivery.method.as_deref().unwrap_or("POST");
    let path = delivery.path.as_deref().unwrap_or("/github/webhook");
    let mut headers = json!({
        "accept": "*/*",
        "content-type": delivery.content_type.as_deref().unwrap_or("application/json"),
        "user-agent": "GitHub-Hookshot/0123456",
        "x-github-delivery": "0b989ba4-242f-11e5-81e1-c7b6966d2516",
        "x-github-hook-id": "292430182",
        "x-github-hook-installation-target-id": APP_ID,
        "x-github-hook-installation-target-type": "integration",
    });
    let event = delivery.event.as_deref().unwrap_or("deployment_protection_rule");
    if let Some(headers) = headers.as_object_mut() {
        if !event.is_empty() {
            headers.insert("x-github-event".to_owned(), event.into());
        }
        if let Some((name, value)) = signature_header(delivery.signature, body, signer) {
            headers.insert(name.to_owned(), value.into());
        }
    }
    let (body, is_base64) = match String::from_utf8(body.to_vec()) {
        Ok(text) if !delivery.base64 => (text, false),
        _ => (STANDARD.encode(body), true),
    };
    json!({
        "version": "2.0",
        "routeKey": format!("{method} {path}"),
        "rawPath": path,
        "rawQueryString": "",
        "headers": headers,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "a1b2c3d4e5",
            "domainName": "a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com",
            "domainPrefix": "a1b2c3d4e5",
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "140.82.115.1",
                "userAgent": "GitHub-Hookshot/0123456"
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": format!("{method} {path}"),
            "stage": "$default",
            "timeEpoch": 0
        },
        "body": body,
        "isBase64Encoded": is_base64,
    })
}

fn signature_header(signature: Signature, body: &[u8], signer: &Signer) -> Option<(&'static str, String)> {
    const SHA256: &str = "x-hub-signature-256";
    let Signer([secret, previous]) = signer;
    let good = sign(secret, body);
    Some(match signature {
        Signature::Good => (SHA256, good),
        Signature::PreviousSecret => (SHA256, sign(previous, body)),
        Signature::Forged => (SHA256, sign(&"nobody's secret".into(), body)),
        Signature::OtherBody => (SHA256, sign(secret, b"other bytes")),
        Signature::Missing => return None,
        Signature::Sha1 => ("x-hub-signature", format!("sha1={}", "0".repeat(40))),
        Signature::Malformed => (SHA256, good.chars().take(70).collect()),
    })
}
