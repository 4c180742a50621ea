//! The built function with its settings on AWS (moto): read, rotated, replaced, and missing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use environment_gate::world::{Canned, FakeGithub, Key, KnownApp, Player, Signer, Story};
use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::support::fixtures;
use crate::support::github::listen;
use crate::support::lambda::Lambda;
use crate::support::moto::Moto;

const APP_ID: &str = "/environment-gate/app-id";
const WEBHOOK_SECRET: &str = "/environment-gate/webhook-secret";
const POLICY: &str = "/environment-gate/policy";
const PRIVATE_KEY: &str = "environment-gate/private-key";
const NAMES: [(&str, &str); 4] = [
    ("APP_ID_PARAMETER", APP_ID),
    ("WEBHOOK_SECRET_PARAMETER", WEBHOOK_SECRET),
    ("POLICY_PARAMETER", POLICY),
    ("PRIVATE_KEY_SECRET", PRIVATE_KEY),
];

const SECRET: &str = "a-webhook-secret";
const OLD: &str = "the-old-webhook-secret";
const NEW: &str = "the-new-webhook-secret";

/// AWS with the App's settings, a GitHub, and the function between them.
struct World {
    moto: Moto,
    github: FakeGithub,
    lambda: Lambda,
    story: Story,
    url: String,
}

impl World {
    /// Everything as it is after a good deployment, with `secret` as the webhook secret and `key` as the App's.
    async fn start(secret: &str, key: &Key) -> Self {
        let moto = Moto::start().await;
        let mut story = fixtures::one("approve/one-human-approved-the-gate");
        // Tokens that are about to expire are not kept, so each delivery needs the App's key.
        story.answers.get_mut("access_tokens").unwrap()[0].body.as_mut().unwrap()["expires_at"] =
            "2026-01-05T10:16:00Z".into();
        moto.put_parameter(APP_ID, "String", "123456").await;
        moto.put_parameter(WEBHOOK_SECRET, "SecureString", secret).await;
        moto.put_parameter(POLICY, "String", &story.policy).await;
        moto.create_secret(PRIVATE_KEY, key.private_pem().expose_secret()).await;
        let (listener, url) = listen().await;
        let mut answers = Player::answers(&story, Timestamp::now(), &url);
        // A second delivery for the run that was just reviewed asks whether anything is still waiting.
        let nothing = Canned { status: 200, body: Some(serde_json::json!([])), ..Canned::default() };
        answers.insert("pending_deployments".to_owned(), vec![nothing]);
        let app = KnownApp { id: "123456", public_key: key.public_der(), base_path: "" };
        let github = FakeGithub::serve(listener, answers, app).unwrap();
        let lambda = Lambda::start(&variables(&moto, &url)).await;
        Self { moto, github, lambda, story, url }
    }

    /// The status of a delivery that is signed with `secret`.
    async fn deliver(&mut self, secret: &str) -> u64 {
        let moved_by = Timestamp::now().duration_since(self.story.present);
        let event = Signer::with(secret.into()).event(&self.story, moved_by, &self.url);
        self.lambda.invoke(event).await.status()
    }
}

fn variables<'a>(moto: &'a Moto, github: &'a str) -> Vec<(&'static str, &'a str)> {
    let mut variables = moto.variables().to_vec();
    variables.push(("GITHUB_API_URL", github));
    variables.extend(NAMES);
    variables
}

#[tokio::test]
async fn settings_are_read_at_cold_start_in_two_calls() {
    let key = Key::generate().unwrap();
    let mut world = World::start(SECRET, &key).await;
    assert_eq!(world.deliver(SECRET).await, 204, "{}", world.lambda.log());
    assert_eq!(world.deliver(SECRET).await, 204);
    let actions = world.moto.actions().await;
    let mut read: Vec<&String> = actions.iter().filter(|action| action.contains("Get")).collect();
    read.sort();
    assert_eq!(read, ["AmazonSSM.GetParameters", "secretsmanager.GetSecretValue"]);
}

#[tokio::test]
async fn a_webhook_secret_is_rotated_without_losing_a_delivery() {
    let key = Key::generate().unwrap();
    let mut world = World::start(OLD, &key).await;
    assert_eq!(world.deliver(OLD).await, 204, "before");
    world.moto.put_parameter(WEBHOOK_SECRET, "SecureString", &format!("{NEW}\n{OLD}")).await;
    assert_eq!(world.deliver(OLD).await, 204, "both are known");
    assert_eq!(world.deliver(NEW).await, 204, "GitHub signs with the new one");
    assert_eq!(world.deliver(OLD).await, 204, "a delivery that was on its way");
    world.moto.put_parameter(WEBHOOK_SECRET, "SecureString", NEW).await;
    assert_eq!(world.deliver(NEW).await, 204, "the old one is gone");
}

#[tokio::test]
async fn an_abrupt_change_costs_deliveries_until_the_next_reading() {
    let key = Key::generate().unwrap();
    let mut world = World::start("the-first-webhook-secret", &key).await;
    let mut refused = 0;
    for (round, secret) in
        ["the-first-webhook-secret", "the-second-webhook-secret", "the-third-webhook-secret"].into_iter().enumerate()
    {
        world.moto.put_parameter(WEBHOOK_SECRET, "SecureString", secret).await;
        for _ in 0..3 {
            match world.deliver(secret).await {
                204 => {}
                401 => refused += 1,
                other => panic!("round {round}: got {other}"),
            }
        }
    }
    // The second is read when its first delivery is refused; within a minute of that nothing is read again.
    assert_eq!(refused, 3);
    let reads = world.moto.actions().await.iter().filter(|action| action.ends_with("GetParameters")).count();
    assert_eq!(reads, 2, "three refused deliveries are no reason to call AWS three times");
}

#[tokio::test]
async fn the_apps_key_is_rotated_without_losing_a_delivery() {
    let (old, new) = (Key::generate().unwrap(), Key::generate().unwrap());
    let mut world = World::start(SECRET, &old).await;
    assert_eq!(world.deliver(SECRET).await, 204, "before");
    world.github.set_keys(vec![old.public_der().to_vec(), new.public_der().to_vec()]);
    assert_eq!(world.deliver(SECRET).await, 204, "GitHub knows both");
    world.moto.put_secret(PRIVATE_KEY, new.private_pem().expose_secret()).await;
    assert_eq!(world.deliver(SECRET).await, 204, "the function still signs with the old one");
    world.github.set_keys(vec![new.public_der().to_vec()]);
    assert_eq!(world.deliver(SECRET).await, 204, "the old one is deleted: {}", world.lambda.log());
    let refused = world.github.calls().iter().filter(|call| call.status == 401).count();
    assert_eq!(refused, 1, "it was refused once, and then the new one was read");
}

#[tokio::test]
async fn a_key_may_be_pkcs1_or_pkcs8_with_real_or_escaped_line_ends() {
    let key = Key::generate().unwrap();
    let pkcs8 = key.private_pem().expose_secret().to_owned();
    let pkcs1 = pkcs1_of(&pkcs8);
    for pem in [pkcs8.replace('\n', "\\n"), pkcs1.replace('\n', "\r\n"), pkcs1] {
        let mut world = World::start(SECRET, &key).await;
        world.moto.put_secret(PRIVATE_KEY, &pem).await;
        let (variables, url) = (variables(&world.moto, &world.url), world.url.clone());
        world.lambda = Lambda::start(&variables).await;
        assert_eq!(world.deliver(SECRET).await, 204, "{url} {}", world.lambda.log());
    }
}

#[tokio::test]
async fn a_changed_policy_takes_effect() {
    let key = Key::generate().unwrap();
    let mut world = World::start(SECRET, &key).await;
    assert_eq!(world.deliver(SECRET).await, 204);
    world.moto.put_parameter(POLICY, "String", "pause = true\n").await;
    assert_eq!(world.deliver(SECRET).await, 204, "what was read holds for five minutes");
    assert_eq!(world.deliver("forged").await, 401, "a refused signature makes it read again");
    assert_eq!(world.deliver(SECRET).await, 503, "paused");
}

#[tokio::test]
async fn a_broken_policy_pauses_until_aws_gives_another() {
    let key = Key::generate().unwrap();
    let mut world = World::start(SECRET, &key).await;
    assert_eq!(world.deliver(SECRET).await, 204);
    world.moto.put_parameter(POLICY, "String", "[[rule]]\nrefs = [\"*\"]\n").await;
    assert_eq!(world.deliver("forged").await, 401);
    assert_eq!(world.deliver(SECRET).await, 503, "everything waits");
    let log = world.lambda.log();
    assert!(log.contains("POLICY_PARAMETER") && log.contains(POLICY) && log.contains("missing field"), "{log}");
}

#[tokio::test]
async fn settings_that_aws_refuses_to_give_stay_in_use() {
    let key = Key::generate().unwrap();
    let mut world = World::start(SECRET, &key).await;
    world.lambda.ready().await;
    world.moto.refuse_from_now_on().await;
    assert_eq!(world.deliver("forged").await, 401);
    assert_eq!(world.deliver(SECRET).await, 204, "{}", world.lambda.log());
    assert!(world.lambda.log().contains("the last good one stays in use"), "{}", world.lambda.log());
}

const POLICIES: &str = "/environment-gate/policies/";

fn flags(number: usize) -> String {
    format!(
        "# METADATA\n# custom: {{ type: initialization, attach: [\"*\"] }}\npackage p\nflag[\"f{number:02}\"] {{ true }}\n"
    )
}

#[tokio::test]
async fn policies_in_rego_are_read_over_two_pages_and_a_broken_one_pauses_until_it_is_fixed() {
    let key = Key::generate().unwrap();
    let mut world = World::start(SECRET, &key).await;
    // AWS gives ten on a page.
    for number in 1..=12 {
        world.moto.put_parameter(&format!("{POLICIES}p{number:02}"), "String", &flags(number)).await;
    }
    let (moto, url) = (&world.moto, world.url.clone());
    let with_policies: Vec<(&str, &str)> =
        variables(moto, &url).into_iter().chain([("POLICIES_PATH", POLICIES)]).collect();
    world.lambda = Lambda::start(&with_policies).await;
    assert_eq!(world.deliver(SECRET).await, 204);
    assert!(
        world.lambda.log().contains("\"flags\":\"f01,f02,f03,f04,f05,f06,f07,f08,f09,f10,f11,f12\""),
        "{}",
        world.lambda.log()
    );
    world.moto.put_parameter(&format!("{POLICIES}p07"), "String", "package p\ndeny { f(1) }\n").await;
    assert_eq!(world.deliver("forged").await, 401, "a refused signature makes it read again");
    assert_eq!(world.deliver(SECRET).await, 503, "everything waits");
    let log = world.lambda.log();
    for part in [
        "environment_gate::config",
        "POLICIES_PATH",
        POLICIES,
        "policy `p07`, line 2, column 8: there is no function `f`",
    ] {
        assert!(log.contains(part), "got {log}, expected {part} in it");
    }
    let with_policies: Vec<(&str, &str)> =
        variables(&world.moto, &url).into_iter().chain([("POLICIES_PATH", POLICIES)]).collect();
    assert!(fails_to_start(&with_policies).await.contains("policy `p07`"));
    world.moto.put_parameter(&format!("{POLICIES}p07"), "String", &flags(7)).await;
    world.lambda = Lambda::start(&with_policies).await;
    assert_eq!(world.deliver(SECRET).await, 204, "{}", world.lambda.log());
}

#[tokio::test]
async fn a_path_without_policies_stops_the_start() {
    let key = Key::generate().unwrap();
    let world = World::start(SECRET, &key).await;
    let with_path =
        variables(&world.moto, &world.url).into_iter().chain([("POLICIES_PATH", "/nothing/")]).collect::<Vec<_>>();
    let log = fails_to_start(&with_path).await;
    assert!(log.contains("`POLICIES_PATH` (SSM parameters under `/nothing/`): got no policies"), "{log}");
}

/// The key inside PKCS#8 in PEM, which for 2,048 bits begins after a head of 26 bytes (RFC 5208), in the PEM that GitHub makes.
fn pkcs1_of(pkcs8: &str) -> String {
    let base64: String = pkcs8.lines().filter(|line| !line.starts_with('-')).collect();
    let der = STANDARD.decode(base64).unwrap();
    let base64 = STANDARD.encode(&der[26..]);
    let lines: Vec<&str> = base64.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----\n", lines.join("\n"))
}

async fn fails_to_start(variables: &[(&str, &str)]) -> String {
    let mut lambda = Lambda::start(variables).await;
    assert!(!lambda.end().await.success(), "it started");
    assert_eq!(lambda.log().lines().count(), 1, "{}", lambda.log());
    lambda.log()
}

#[tokio::test]
async fn what_is_missing_or_no_good_is_named_at_cold_start() {
    let key = Key::generate().unwrap();
    let world = World::start("the-webhook-secret", &key).await;
    let good = variables(&world.moto, &world.url);
    let with = |name: &str, value: &'static str| {
        let variables = good.iter().map(|(other, old)| (*other, if *other == name { value } else { *old }));
        variables.collect::<Vec<_>>()
    };
    world.moto.put_parameter("/blank", "SecureString", " ").await;
    world.moto.create_secret("no-key", "this is no key").await;
    for (variables, wanted) in [
        (with("APP_ID_PARAMETER", "/nothing"), ["APP_ID_PARAMETER", "`/nothing`", "does not exist"]),
        (with("WEBHOOK_SECRET_PARAMETER", "/blank"), ["WEBHOOK_SECRET_PARAMETER", "`/blank`", "no secret"]),
        (with("POLICY_PARAMETER", APP_ID), ["POLICY_PARAMETER", APP_ID, "policy line 1"]),
        (with("PRIVATE_KEY_SECRET", "nothing"), ["PRIVATE_KEY_SECRET", "`nothing`", "ResourceNotFoundException"]),
        (with("PRIVATE_KEY_SECRET", "no-key"), ["PRIVATE_KEY_SECRET", "`no-key`", "text that is not PEM"]),
    ] {
        let log = fails_to_start(&variables).await;
        for part in wanted {
            assert!(log.contains(part), "got {log}, expected {part} in it");
        }
        assert!(!log.contains("the-webhook-secret") && !log.contains("this is no key"), "{log}");
    }
}

#[tokio::test]
async fn an_aws_that_hangs_stops_the_start_in_time() {
    let (_listener, url) = listen().await;
    let log = fails_to_start(&aws_at(&url)).await;
    assert!(log.contains("no answer from AWS within 2 s"), "{log}");
}

#[tokio::test]
async fn an_answer_that_is_cut_off_leaves_no_secret_in_the_log() {
    let (listener, url) = listen().await;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 8192];
            let _ = stream.read(&mut request).await;
            let body = "{\"Name\":\"x\",\"SecretString\":\"-----BEGIN LEAK-----";
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.1\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
        }
    });
    let mut variables = aws_at(&url);
    variables.push(("RUST_LOG", "trace"));
    let mut lambda = Lambda::start(&variables).await;
    assert!(!lambda.end().await.success());
    assert!(lambda.log().contains("the function stopped"), "{}", lambda.log());
    assert!(!lambda.log().contains("LEAK"), "{}", lambda.log());
}

/// An AWS that is no moto.
fn aws_at(url: &str) -> Vec<(&'static str, &str)> {
    let mut variables = vec![
        ("AWS_ENDPOINT_URL", url),
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
    ];
    variables.extend(NAMES);
    variables
}
