//! The built function with the App's key in KMS: it signs, it is rotated, it refuses, it is slow.

use aws_lc_rs::rsa::PublicKey;
use environment_gate::world::{Canned, FakeGithub, Key, KnownApp, Player, Signer, Story};
use jiff::Timestamp;

use crate::support::fixtures;
use crate::support::github::listen;
use crate::support::kms::{FakeKms, Mood};
use crate::support::lambda::Lambda;
use crate::support::moto::Moto;

const APP_ID: &str = "/environment-gate/app-id";
const WEBHOOK_SECRET: &str = "/environment-gate/webhook-secret";
const POLICY: &str = "/environment-gate/policy";
const NAMES: [(&str, &str); 3] =
    [("APP_ID_PARAMETER", APP_ID), ("WEBHOOK_SECRET_PARAMETER", WEBHOOK_SECRET), ("POLICY_PARAMETER", POLICY)];
const ALIAS: &str = "alias/environment-gate";
const SECRET: &str = "a-webhook-secret";

/// AWS without a secret for the key, a GitHub that knows the public half, and a story.
struct World {
    moto: Moto,
    github: FakeGithub,
    story: Story,
    url: String,
}

impl World {
    /// GitHub knows the App by `public_key` (PKCS#1, DER).
    async fn new(public_key: &[u8]) -> Self {
        let moto = Moto::start().await;
        Self::with(moto, public_key).await
    }

    async fn with(moto: Moto, public_key: &[u8]) -> Self {
        let mut story = fixtures::one("approve/one-human-approved-the-gate");
        // Tokens that are about to expire are not kept, so each delivery needs the App's key.
        story.answers.get_mut("access_tokens").unwrap()[0].body.as_mut().unwrap()["expires_at"] =
            "2026-01-05T10:16:00Z".into();
        moto.put_parameter(APP_ID, "String", "123456").await;
        moto.put_parameter(WEBHOOK_SECRET, "SecureString", SECRET).await;
        moto.put_parameter(POLICY, "String", &story.policy).await;
        let (listener, url) = listen().await;
        let mut answers = Player::answers(&story, Timestamp::now(), &url);
        // A second delivery for the run that was just reviewed asks whether anything is still waiting.
        let nothing = Canned { status: 200, body: Some(serde_json::json!([])), ..Canned::default() };
        answers.insert("pending_deployments".to_owned(), vec![nothing]);
        let app = KnownApp { id: "123456", public_key, base_path: "" };
        let github = FakeGithub::serve(listener, answers, app).unwrap();
        Self { moto, github, story, url }
    }

    fn variables<'a>(&'a self, key: &'a str, kms: &'a str) -> Vec<(&'static str, &'a str)> {
        let mut variables = self.moto.variables().to_vec();
        variables.extend(NAMES);
        variables.extend([
            ("GITHUB_API_URL", self.url.as_str()),
            // As the template leaves it.
            ("PRIVATE_KEY_SECRET", ""),
            ("PRIVATE_KEY_KMS_KEY", key),
            ("AWS_ENDPOINT_URL_KMS", kms),
        ]);
        variables
    }

    async fn start(&self, key: &str, kms: &str) -> Lambda {
        Lambda::start(&self.variables(key, kms)).await
    }

    /// The one line of a function that does not start.
    async fn refused(&self, key: &str, kms: &str) -> String {
        let mut lambda = self.start(key, kms).await;
        assert!(!lambda.end().await.success(), "it started");
        assert_eq!(lambda.log().lines().count(), 1, "{}", lambda.log());
        lambda.log()
    }

    async fn deliver(&self, lambda: &mut Lambda) -> u64 {
        let moved_by = Timestamp::now().duration_since(self.story.present);
        lambda.invoke(Signer::with(SECRET.into()).event(&self.story, moved_by, &self.url)).await.status()
    }
}

/// A function that has decided a delivery, with its key in a KMS of the test's own.
async fn working() -> (World, FakeKms, Lambda, Key) {
    let key = Key::generate().unwrap();
    let (world, kms) = (World::new(key.public_der()).await, FakeKms::start().await);
    kms.holds(ALIAS, &key);
    let mut lambda = world.start(ALIAS, &kms.url).await;
    assert_eq!(world.deliver(&mut lambda).await, 204, "{}", lambda.log());
    (world, kms, lambda, key)
}

#[tokio::test]
async fn motos_kms_signs_once_for_several_deliveries_and_no_secret_is_read() {
    let moto = Moto::start().await;
    let (id, public_key) = moto.create_signing_key("RSA_2048", "SIGN_VERIFY").await;
    let public_key = PublicKey::from_der(&public_key).unwrap();
    let world = World::with(moto, public_key.as_ref()).await;
    let mut lambda = world.start(&id, &world.moto.url).await;
    for _ in 0..3 {
        assert_eq!(world.deliver(&mut lambda).await, 204, "{}", lambda.log());
    }
    let actions = world.moto.actions().await;
    let counted = ["AmazonSSM.GetParameters", "TrentService.Sign", "secretsmanager.GetSecretValue"];
    let mut called: Vec<&str> = actions.iter().map(String::as_str).filter(|action| counted.contains(action)).collect();
    called.sort_unstable();
    assert_eq!(called, ["AmazonSSM.GetParameters", "TrentService.Sign"]);
    let minted = world.github.calls().iter().filter(|call| call.name == "access_tokens").count();
    assert!(minted >= 3, "got {minted} mints: each delivery needs the App's token");
}

#[tokio::test]
async fn a_key_of_the_wrong_kind_stops_the_start_with_what_aws_says() {
    let moto = Moto::start().await;
    let (curve, _) = moto.create_signing_key("ECC_NIST_P256", "SIGN_VERIFY").await;
    let (encrypts, _) = moto.create_signing_key("RSA_2048", "ENCRYPT_DECRYPT").await;
    let key = Key::generate().unwrap();
    let world = World::with(moto, key.public_der()).await;
    for (name, code, fix) in [
        (curve.as_str(), "ValidationException", "expected an RSA key of 2048 bits or more"),
        (encrypts.as_str(), "", "AWS says"),
        ("alias/nothing", "NotFoundException", "create the key in this account and region, or fix the variable"),
    ] {
        let log = world.refused(name, &world.moto.url).await;
        for part in ["`PRIVATE_KEY_KMS_KEY` (KMS key `", name, code, fix] {
            assert!(log.contains(part), "got {log}, expected {part} in it");
        }
    }
}

#[tokio::test]
async fn a_kms_that_refuses_stops_the_start_with_the_fix() {
    let key = Key::generate().unwrap();
    let (world, kms) = (World::new(key.public_der()).await, FakeKms::start().await);
    let id = kms.holds(ALIAS, &key);
    kms.set_state(&id, "Disabled");
    let log = world.refused(ALIAS, &kms.url).await;
    assert!(log.contains("AWS says DisabledException") && log.contains("enable the key, or name another one"), "{log}");
    kms.is(Mood::Refuses);
    let log = world.refused(ALIAS, &kms.url).await;
    assert!(log.contains("AccessDeniedException") && log.contains("let the function's role use `kms:Sign`"), "{log}");
}

#[tokio::test]
async fn a_kms_that_hangs_stops_the_start_in_time() {
    let key = Key::generate().unwrap();
    let (world, kms) = (World::new(key.public_der()).await, FakeKms::start().await);
    kms.holds(ALIAS, &key);
    kms.is(Mood::Hangs);
    let log = world.refused(ALIAS, &kms.url).await;
    assert!(log.contains("`PRIVATE_KEY_KMS_KEY`") && log.contains("no answer from AWS within 2 s"), "{log}");
}

#[tokio::test]
async fn a_key_is_rotated_behind_its_alias_without_losing_a_delivery() {
    let (world, kms, mut lambda, old) = working().await;
    let new = Key::generate().unwrap();
    world.github.set_keys(vec![old.public_der().to_vec(), new.public_der().to_vec()]);
    kms.holds(ALIAS, &new);
    assert_eq!(world.deliver(&mut lambda).await, 204, "what the old one signed still holds");
    assert_eq!(kms.calls("Sign"), 1);
    world.github.set_keys(vec![new.public_der().to_vec()]);
    assert_eq!(world.deliver(&mut lambda).await, 204, "the old one is deleted: {}", lambda.log());
    let refused = world.github.calls().iter().filter(|call| call.status == 401).count();
    assert_eq!((refused, kms.calls("Sign")), (1, 2), "it was refused once, and then the new one signed");
}

#[tokio::test]
async fn a_kms_that_refuses_later_fails_deliveries_with_what_aws_says() {
    let (world, kms, mut lambda, _) = working().await;
    world.github.set_keys(vec![]);
    kms.set_state(&kms.target(ALIAS).unwrap(), "Disabled");
    assert_eq!(world.deliver(&mut lambda).await, 424, "GitHub refuses what was signed before");
    assert_eq!(world.deliver(&mut lambda).await, 424, "KMS signs nothing new");
    let log = lambda.log();
    let last = log.lines().last().unwrap();
    for part in ["nothing was sent", "`PRIVATE_KEY_KMS_KEY` (KMS key `alias/environment-gate`)", "DisabledException"] {
        assert!(last.contains(part), "got {last}, expected {part} in it");
    }
}

#[tokio::test]
async fn a_kms_that_is_slow_later_defers_deliveries_until_it_signs_again() {
    let (world, kms, mut lambda, key) = working().await;
    world.github.set_keys(vec![]);
    kms.is(Mood::Hangs);
    assert_eq!(world.deliver(&mut lambda).await, 424, "GitHub refuses what was signed before");
    assert_eq!(world.deliver(&mut lambda).await, 503, "{}", lambda.log());
    let log = lambda.log();
    assert!(log.lines().last().unwrap().contains("no answer from AWS"), "{log}");
    kms.is(Mood::Willing);
    world.github.set_keys(vec![key.public_der().to_vec()]);
    assert_eq!(world.deliver(&mut lambda).await, 204, "{}", lambda.log());
}
