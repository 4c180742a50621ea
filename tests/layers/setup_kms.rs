//! `gate setup --kms`: the App's key goes into a KMS that unwraps it as AWS does, and is nowhere else.

use environment_gate::world::{APP_ID, Key, Player};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::setup::{Ended, NAMES, Waiting, World, shows_a_secret};
use crate::support::kms::{FakeKms, Mood};
use crate::support::manifest::SECRET;

const ALIAS: &str = "alias/team/gate";

/// GitHub and AWS, with a KMS that imports.
struct KmsWorld {
    world: World,
    kms: FakeKms,
}

impl KmsWorld {
    async fn new() -> Self {
        let kms = FakeKms::start().await;
        let mut world = World::new().await;
        world.more.push(("AWS_ENDPOINT_URL_KMS", kms.url.clone()));
        world.github.made.lock().unwrap().hook = json!({ "url": "", "content_type": "form", "insecure_ssl": "0" });
        Self { world, kms }
    }

    /// The page comes back with a code of GitHub's, without a browser.
    async fn made(&self) -> Ended {
        let waiting = self.world.waiting(&["--kms", "team/gate"]).await;
        self.come_back(waiting).await
    }

    async fn come_back(&self, waiting: Waiting) -> Ended {
        let state = waiting.state().await;
        {
            let mut made = self.world.github.made.lock().unwrap();
            made.manifests.push((String::new(), json!({ "name": "the gate" })));
            made.codes.push("good".to_owned());
        }
        waiting.get(&format!("/created?code=good&state={state}"), None).await;
        waiting.end().await
    }

    /// An App that is there, with its key in the secret.
    async fn has_an_app(&self) {
        let moto = &self.world.moto;
        moto.put_parameter(NAMES[0].1, "String", APP_ID).await;
        moto.put_parameter(NAMES[1].1, "SecureString", SECRET).await;
        moto.put_parameter(NAMES[2].1, "String", "pause = true\n").await;
    }

    async fn import(&self, key: &Key) -> Ended {
        let path = self.world.path("new.private-key.pem");
        std::fs::write(&path, key.private_pem().expose_secret()).unwrap();
        let output = self.world.gate(&["setup", "--kms", ALIAS, "--private-key", &path]).await;
        let [told, said] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned());
        Ended { well: output.status.success(), told, said }
    }

    fn states(&self) -> Vec<&'static str> {
        let mut states: Vec<_> = self.kms.states().into_values().collect();
        states.sort_unstable();
        states
    }
}

fn key_of(player: &Player) -> &Key {
    let (_, _, key) = player.app();
    key
}

#[tokio::test]
async fn the_apps_key_is_in_kms_and_nowhere_else_and_signs_what_github_takes() {
    let own = KmsWorld::new().await;
    let ended = own.made().await;
    assert!(ended.well, "{}{}", ended.told, ended.said);
    assert!(!shows_a_secret(&(ended.told.clone() + &ended.said), own.world.player), "{}", ended.told);
    let id = own.kms.target(ALIAS).unwrap();
    assert_eq!(own.kms.public_der(&id).as_deref(), Some(key_of(own.world.player).public_der()));
    let actions = own.world.moto.actions().await;
    assert!(!actions.iter().any(|action| action.starts_with("secretsmanager.")), "{actions:?}");
    let in_stack = format!("PrivateKeyKmsKeyArn=arn:aws:kms:eu-central-1:123456789012:key/{id}");
    for part in [&in_stack, "PRIVATE_KEY_KMS_KEY=alias/team/gate", "and KMS key `alias/team/gate`"] {
        assert!(ended.told.contains(part), "{part} is not in\n{}", ended.told);
    }
    assert!(own.kms.calls("Sign") > 0, "the webhook was set with a token that KMS signed");
    the_doctor_agrees(&own).await;
}

/// The settings as setup prints them, and the same with a key that is not there.
async fn the_doctor_agrees(own: &KmsWorld) {
    for (alias, expected) in [(ALIAS, "ok"), ("alias/nothing", "failed")] {
        let variables = NAMES[..3].iter().copied().chain([("PRIVATE_KEY_KMS_KEY", alias)]);
        let doctor = own.world.command(&["doctor", "--json"]).envs(variables).output().await.unwrap();
        let told: Value = serde_json::from_slice(&doctor.stdout).unwrap_or_else(|_| panic!("{doctor:?}"));
        let line = told["items"].as_array().unwrap().iter().find(|item| item["item"] == "private-key").unwrap().clone();
        assert_eq!(line["state"], expected, "{line}");
    }
}

#[tokio::test]
async fn stopped_before_there_is_an_app_it_goes_on_with_the_same_empty_key() {
    let own = KmsWorld::new().await;
    let waiting = own.world.waiting(&["--kms", ALIAS]).await;
    let id = waiting.child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().await.unwrap().success());
    assert!(!waiting.end().await.well);
    assert_eq!(own.states(), ["PendingImport"], "it cannot sign");
    let again = own.made().await;
    assert!(again.well, "{}", again.said);
    assert_eq!((own.states(), own.kms.calls("CreateKey")), (vec!["Enabled"], 1));
}

#[tokio::test]
async fn an_import_that_is_refused_takes_back_the_other_settings() {
    let own = KmsWorld::new().await;
    own.kms.is_for("ImportKeyMaterial", Mood::Refuses);
    let ended = own.made().await;
    assert!(!ended.well && ended.said.contains("was created, its key is lost: delete the App"), "{}", ended.said);
    assert!(ended.said.contains("AccessDeniedException"), "{}", ended.said);
    for (_, name) in &NAMES[..2] {
        assert_eq!(own.world.moto.parameter(name).await, None);
    }
    assert_eq!(own.states(), ["PendingImport"], "the next run uses it");
}

#[tokio::test]
async fn an_alias_that_cannot_be_made_leaves_no_key() {
    let own = KmsWorld::new().await;
    own.kms.is_for("CreateAlias", Mood::Refuses);
    let policy = own.world.path("policy.toml");
    let output = own.world.gate(&["setup", "--policy", &policy, "--kms", ALIAS]).await;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("that was just made is deleted in 7 days"), "{said}");
    assert_eq!(own.states(), ["PendingDeletion"]);
}

#[tokio::test]
async fn another_key_takes_over_the_alias_once_github_accepts_it() {
    let own = KmsWorld::new().await;
    own.has_an_app().await;
    let key = key_of(own.world.player);
    let first = own.import(key).await;
    assert!(first.well, "{}{}", first.told, first.said);
    let old = own.kms.target(ALIAS).unwrap();
    let second = own.import(key).await;
    assert!(second.well, "{}{}", second.told, second.said);
    let new = own.kms.target(ALIAS).unwrap();
    assert_ne!(old, new);
    assert!(second.told.contains(&format!("delete KMS key `{old}` too")), "{}", second.told);
    assert_eq!(own.states(), ["Enabled", "Enabled"], "the function may still sign with the old one");
}

#[tokio::test]
async fn a_key_that_github_does_not_know_never_gets_the_alias() {
    let own = KmsWorld::new().await;
    own.has_an_app().await;
    assert!(own.import(key_of(own.world.player)).await.well);
    let before = own.kms.target(ALIAS);
    let ended = own.import(&Key::generate().unwrap()).await;
    assert!(!ended.well && ended.said.contains("got 401 for the App's own token"), "{}", ended.said);
    assert!(ended.said.contains("that was just made is deleted in 7 days"), "{}", ended.said);
    assert_eq!((own.kms.target(ALIAS), own.states()), (before, vec!["Enabled", "PendingDeletion"]));
}

#[tokio::test]
async fn an_alias_that_cannot_be_moved_leaves_the_new_key_and_says_so() {
    let own = KmsWorld::new().await;
    own.has_an_app().await;
    let key = key_of(own.world.player);
    assert!(own.import(key).await.well);
    own.kms.is_for("UpdateAlias", Mood::Refuses);
    let ended = own.import(key).await;
    assert!(!ended.well && ended.said.contains("look whether `alias/team/gate` points to it"), "{}", ended.said);
    assert_eq!(own.states(), ["Enabled", "Enabled"]);
}

#[tokio::test]
async fn an_import_needs_an_app_whose_settings_are_there() {
    let own = KmsWorld::new().await;
    let ended = own.import(key_of(own.world.player)).await;
    assert!(!ended.well && ended.said.lines().count() == 1, "{}", ended.said);
    assert_eq!(own.kms.calls("CreateKey"), 0);
}
