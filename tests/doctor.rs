//! `gate doctor`: each defect of a deployment is named, and no other.

use std::collections::BTreeSet;
use std::time::Duration;

use environment_gate::config::{Given, Variables};
use environment_gate::doctor::{Doctor, ExaminationInput, Item, State};
use environment_gate::github::Limits;
use environment_gate::model::ApiUrl;
use environment_gate::time::Clock;
use environment_gate::world::{Answers, Canned, FakeGithub, KnownApp, PERSONS_TOKEN, Player};
use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::process::Command;

use crate::support::deployment::{Deployment, POLICY, WORKFLOW, contents, delivery};
use crate::support::function::Files;
use crate::support::github::app;
use crate::support::{documents, fixtures, front, function};

/// A change of the world, and what is then wrong, by its id.
type Defect = (&'static str, &'static str, fn(&mut Deployment));

/// How many items a healthy deployment has.
const ITEMS: usize = 27;

/// What `gate doctor` says of a world: exit code, JSON, and what it said beside.
struct Told {
    well: bool,
    code: Option<i32>,
    json: Value,
    said: String,
}

impl Told {
    /// What it says of an item.
    fn text(&self, id: &str, field: &str) -> &str {
        let items = self.json["items"].as_array().unwrap_or_else(|| panic!("{}", self.said)).iter();
        items.filter(|item| item["item"] == id).find_map(|item| item[field].as_str()).unwrap()
    }

    fn of(&self, state: &str) -> Vec<&str> {
        let items = self.json["items"].as_array().unwrap_or_else(|| panic!("{}", self.said)).iter();
        items.filter(|item| item["state"] == state).map(|item| item["item"].as_str().unwrap()).collect()
    }
}

/// A deployment: GitHub, the function behind an HTTP API, and settings.
struct World {
    player: &'static Player,
    files: Files,
    hook: (String, TcpListener),
    /// The path of GitHub's API.
    api_path: &'static str,
}

impl World {
    async fn new() -> Self {
        Self::at("/github/webhook").await
    }

    /// Its GitHub is an enterprise server.
    async fn of_a_server() -> Self {
        Self { api_path: "/api/v3", ..Self::new().await }
    }

    /// Its webhook has another path.
    async fn at(path: &str) -> Self {
        let player = fixtures::player();
        let files = Files::new(player, POLICY);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}{path}", listener.local_addr().unwrap());
        Self { player, files, hook: (url, listener), api_path: "" }
    }

    fn deployment(&self) -> Deployment {
        Deployment::healthy(&self.hook.0)
    }

    /// Examines the deployment; `changed` are variables that are other than the function's own.
    async fn doctor(self, deployment: &Deployment, asked: (&[&str], &[(&str, &str)])) -> Told {
        self.doctor_of(deployment.answers(), asked).await
    }

    /// The same of a GitHub that does not always answer a call in the same way.
    async fn doctor_of(self, answers: Answers, (arguments, changed): (&[&str], &[(&str, &str)])) -> Told {
        let Self { player, files, hook, api_path } = self;
        let (app_id, secrets, _key) = player.app();
        let known = KnownApp { base_path: api_path, ..app(player) };
        let fake = FakeGithub::start(answers, known).await.unwrap();
        front::serve(hook.1, function::start(player, &files, &fake.url(), &[]).await);
        let output = Command::new(env!("CARGO_BIN_EXE_gate"))
            .args(["doctor", "--json"])
            .args(arguments)
            .env_clear()
            .env("GITHUB_API_URL", fake.url())
            .env("APP_ID", app_id)
            .env("WEBHOOK_SECRET", secrets.expose_secret().lines().next().unwrap())
            .env("POLICY_FILE", files.path("policy.toml"))
            .env("PRIVATE_KEY_FILE", files.path("key.pem"))
            .envs(changed.iter().copied())
            .output()
            .await
            .unwrap();
        assert!(!String::from_utf8_lossy(&output.stdout).contains(PERSONS_TOKEN), "a token is shown");
        let posts = fake.calls().into_iter().filter(|call| call.method == "POST" && call.name != "access_tokens");
        assert_eq!(posts.count(), 0, "an examination only reads");
        Told {
            well: output.status.success(),
            code: output.status.code(),
            json: serde_json::from_slice(&output.stdout).unwrap_or_default(),
            said: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

const WITH_TOKEN: (&[&str], &[(&str, &str)]) = (&["--token", PERSONS_TOKEN], &[]);

#[tokio::test]
async fn of_a_deployment_as_it_should_be_everything_is_right() {
    let world = World::new().await;
    let deployment = world.deployment();
    let told = world.doctor(&deployment, WITH_TOKEN).await;
    assert_eq!((told.of("failed"), told.of("not checked")), (vec![], vec![]), "{:#}", told.json);
    assert_eq!(told.of("ok").len(), ITEMS, "{:#}", told.json);
    assert!(told.well);
}

#[tokio::test]
async fn of_a_deployment_for_an_enterprise_server_everything_is_right() {
    let world = World::of_a_server().await;
    let deployment = world.deployment();
    let told = world.doctor(&deployment, WITH_TOKEN).await;
    assert_eq!((told.of("failed"), told.of("not checked")), (vec![], vec![]), "{:#}", told.json);
    assert_eq!(told.of("ok").len(), ITEMS, "{:#}", told.json);
}

#[tokio::test]
async fn without_a_token_the_workflow_file_is_said_not_to_be_seen() {
    let world = World::new().await;
    let deployment = world.deployment();
    let told = world.doctor(&deployment, (&[], &[])).await;
    let unseen = ["workflow-file", "workflow-gate", "workflow-release", "workflow-deployment"];
    assert_eq!((told.of("failed"), told.of("not checked"), told.well), (vec![], unseen.to_vec(), true));
}

#[tokio::test]
async fn a_workflow_file_that_is_given_needs_no_token() {
    let world = World::new().await;
    let deployment = world.deployment();
    std::fs::write(world.files.path("release.yml"), WORKFLOW).unwrap();
    let file = world.files.path("release.yml");
    let told = world.doctor(&deployment, (&["--workflow", &file], &[])).await;
    assert_eq!((told.of("failed"), told.of("not checked")), (vec![], vec![]), "{:#}", told.json);
}

fn workflow(deployment: &mut Deployment, from: &str, to: &str) {
    assert!(WORKFLOW.contains(from));
    *deployment.body("contents..github/workflows/release.yml") = contents(&WORKFLOW.replace(from, to));
}

fn missing(deployment: &mut Deployment, name: &'static str) {
    deployment.0.insert(name, (404, json!({ "message": "Not Found" })));
}

fn delivered(deployment: &mut Deployment, status: u16) {
    *deployment.body("deliveries") = json!([delivery(status)]);
}

/// Every defect at GitHub.
const DEFECTS: [Defect; 45] = [
    ("app", "the key is another App's", |d| {
        d.0.insert("app", (401, json!({ "message": "A JSON web token could not be decoded" })));
    }),
    ("permissions", "one more than ours", |d| d.body("app")["permissions"]["contents"] = "read".into()),
    ("permissions", "one less", |d| {
        d.body("app")["permissions"].as_object_mut().unwrap().remove("deployments");
    }),
    ("permissions", "one that is too strong", |d| d.body("app")["permissions"]["actions"] = "write".into()),
    ("events", "one more", |d| d.body("app")["events"] = json!(["deployment_protection_rule", "push"])),
    ("events", "none", |d| d.body("app")["events"] = json!([])),
    ("hook-url", "another path", |d| d.body("hook_config")["url"] = "https://example.com/webhook".into()),
    ("hook-url", "two stages", |d| d.body("hook_config")["url"] = "https://example.com/a/b/github/webhook".into()),
    ("hook-url", "the placeholder of setup", |d| {
        d.body("hook_config")["url"] = "https://example.com/github/webhook".into();
    }),
    ("hook-url", "no webhook", |d| {
        d.body("hook_config").as_object_mut().unwrap().remove("url");
    }),
    ("hook-content-type", "a form", |d| d.body("hook_config")["content_type"] = "form".into()),
    ("hook-secret", "no secret", |d| {
        d.body("hook_config").as_object_mut().unwrap().remove("secret");
    }),
    ("hook-tls", "certificates are not verified", |d| d.body("hook_config")["insecure_ssl"] = "1".into()),
    ("hook-tls", "said by a number", |d| d.body("hook_config")["insecure_ssl"] = 1.into()),
    ("deliveries", "another secret", |d| delivered(d, 401)),
    ("deliveries", "no answer", |d| delivered(d, 0)),
    ("installation", "not installed", |d| missing(d, "installation")),
    ("installation", "suspended", |d| d.body("installation")["suspended_at"] = "2025-12-01T00:00:00Z".into()),
    ("installation", "new permissions not accepted", |d| {
        d.body("installation")["permissions"] = json!({ "actions": "read" });
    }),
    ("release-environment", "there is none", |d| missing(d, "environment.release")),
    ("release-rule", "no rule", |d| {
        *d.body("protection_rules.release") = json!({ "total_count": 0, "custom_deployment_protection_rules": [] });
    }),
    ("release-rule", "another App's", |d| {
        d.body("protection_rules.release")["custom_deployment_protection_rules"][0]["app"] = json!({ "id": 9, "slug": "another", "node_id": "A_9", "integration_url": "https://api.github.com/apps/another" });
    }),
    ("release-rule", "not enabled", |d| {
        d.body("protection_rules.release")["custom_deployment_protection_rules"][0]["enabled"] = false.into();
    }),
    ("release-bypass", "admins may", |d| d.body("environment.release")["can_admins_bypass"] = true.into()),
    ("release-branches", "every branch", |d| d.body("environment.release")["deployment_branch_policy"] = Value::Null),
    ("gate-environment", "there is none", |d| missing(d, "environment.release-gate")),
    ("gate-reviewers", "nobody is asked", |d| d.body("environment.release-gate")["protection_rules"] = json!([])),
    ("gate-self-review", "one's own", |d| {
        d.body("environment.release-gate")["protection_rules"][0]["prevent_self_review"] = false.into();
    }),
    ("gate-bypass", "admins may", |d| d.body("environment.release-gate")["can_admins_bypass"] = true.into()),
    ("gate-branches", "every branch", |d| d.body("environment.release-gate")["deployment_branch_policy"] = Value::Null),
    ("gate-branches", "a tag under a branch's name", |d| {
        d.body("branch_policies.release-gate")["branch_policies"][1]["name"] = "*".into();
    }),
    ("workflow-file", "there is none", |d| missing(d, "contents..github/workflows/release.yml")),
    ("workflow-file", "no YAML", |d| *d.body("contents..github/workflows/release.yml") = contents("jobs: [")),
    ("workflow-gate", "in another environment", |d| workflow(d, "environment: release-gate", "environment: staging")),
    ("workflow-gate", "no job of that name", |d| workflow(d, "  release-gate:\n", "  release-gate:\n    name: Gate\n")),
    ("workflow-release", "the release does not need the gate", |d| workflow(d, "needs: build", "needs: test")),
    ("workflow-release", "no job releases", |d| workflow(d, "name: Release", "name: staging")),
    ("workflow-deployment", "no deployment is made", |d| {
        workflow(d, "name: Release,", "name: Release, deployment: false,");
    }),
    ("release-branches", "a pattern that restricts nothing", |d| {
        d.body("branch_policies.release")["branch_policies"][0]["name"] = "*".into();
    }),
    ("release-branches", "a class of letters and a star", |d| {
        d.body("branch_policies.release")["branch_policies"][0]["name"] = "[a-z]*".into();
    }),
    ("gate-branches", "any first character", |d| {
        d.body("branch_policies.release-gate")["branch_policies"][0]["name"] = "?*".into();
    }),
    ("gate-branches", "none that the policy lets in", |d| {
        *d.body("branch_policies.release-gate") = json!({ "total_count": 1, "branch_policies": [{ "id": 1, "node_id": "P_1", "name": "develop", "type": "branch" }] });
    }),
    ("workflow-gate", "a matrix has other names", |d| {
        workflow(
            d,
            "    environment: release-gate\n",
            "    environment: release-gate\n    strategy: { matrix: { os: [a, b] } }\n",
        );
    }),
    ("workflow-file", "a tree without end", |d| {
        *d.body("contents..github/workflows/release.yml") = contents(&format!("jobs:\n{}", "- ".repeat(100_000)));
    }),
    ("workflow-file", "aliases of aliases", |d| {
        let next = |level: usize| {
            let before = level.checked_sub(1).map_or("x".to_owned(), |before| format!("*a{before}"));
            format!("a{level}: &a{level} [{}]\n", [before.as_str(); 9].join(", "))
        };
        let text: String = (0..9).map(next).collect();
        *d.body("contents..github/workflows/release.yml") = contents(&(text + "jobs: { x: {} }\n"));
    }),
];

#[tokio::test]
async fn each_defect_at_github_is_named_and_no_other() {
    for (id, what, change) in DEFECTS {
        let world = World::new().await;
        let mut deployment = world.deployment();
        change(&mut deployment);
        let told = world.doctor(&deployment, WITH_TOKEN).await;
        assert_eq!((told.of("failed"), told.well), (vec![id], false), "{what}: {:#}{}", told.json, told.said);
    }
}

#[tokio::test]
async fn each_defect_of_a_setting_is_named_and_no_other() {
    let elsewhere = Files::new(fixtures::player(), POLICY);
    let (no_key, no_policy) = (elsewhere.path("policy.toml"), elsewhere.path("key.pem"));
    let settings = [
        ("private-key", "PRIVATE_KEY_FILE", no_key.as_str()),
        ("policy", "POLICY_FILE", &no_policy),
        ("app-id", "APP_ID", "not an id"),
        ("private-key", "PRIVATE_KEY_FILE", "nowhere.pem"),
        ("policy", "POLICY_FILE", "nowhere.toml"),
        // The function's is another one.
        ("function", "WEBHOOK_SECRET", "another-webhook-secret"),
        ("webhook-secret", "WEBHOOK_SECRET", "# another-webhook-secret"),
    ];
    for (id, variable, value) in settings {
        let world = World::new().await;
        let deployment = world.deployment();
        let told = world.doctor(&deployment, (&["--token", PERSONS_TOKEN], &[(variable, value)])).await;
        assert_eq!((told.of("failed"), told.well), (vec![id], false), "{:#}{}", told.json, told.said);
    }
}

#[tokio::test]
async fn a_gate_of_a_signed_rule_that_does_not_sign_itself_is_named() {
    let world = World::new().await;
    let deployment = world.deployment();
    let signed = POLICY.replacen("[[rule]]\n", "[[rule]]\nsigned = true\n", 1);
    let policy = world.files.path("signed.toml");
    std::fs::write(&policy, signed).unwrap();
    let told = world
        .doctor(
            &deployment,
            (
                &["--token", PERSONS_TOKEN],
                &[("POLICY_FILE", policy.as_str()), ("OIDC_ISSUER", "https://token.actions.githubusercontent.com")],
            ),
        )
        .await;
    assert_eq!((told.of("failed"), told.well), (vec!["workflow-signature"], false), "{:#}{}", told.json, told.said);
}

#[tokio::test]
async fn a_cloud_that_trusts_more_than_the_gate_is_named() {
    for (subject, failed) in
        [("repo:octo-org/widgets:environment:release", vec![]), ("repo:octo-org/widgets:*", vec!["cloud-trust"])]
    {
        let world = World::new().await;
        let mut deployment = world.deployment();
        let owner = json!({ "id": 77, "login": "octo-org" });
        deployment
            .0
            .insert("repository", (200, json!({ "id": 4242, "full_name": "octo-org/widgets", "owner": owner })));
        deployment.0.insert("oidc_subject", (200, json!({ "use_default": true })));
        let role = world.files.path("role.json");
        let provider = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com";
        let trust = json!({ "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": { "Federated": provider }, "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": { "StringLike": { "token.actions.githubusercontent.com:sub": subject } },
        }]});
        std::fs::write(&role, trust.to_string()).unwrap();
        let told = world.doctor(&deployment, (&["--token", PERSONS_TOKEN, "--trust", &role], &[])).await;
        assert_eq!(told.of("failed"), failed, "{:#}{}", told.json, told.said);
    }
}

#[tokio::test]
async fn a_webhook_that_leads_elsewhere_than_the_stack_is_named() {
    let world = World::new().await;
    let deployment = world.deployment();
    let arguments = ["--webhook-url", "https://abc.example.com/github/webhook", "--token", PERSONS_TOKEN];
    let told = world.doctor(&deployment, (&arguments, &[])).await;
    assert_eq!(told.of("failed"), ["hook-url"], "{:#}", told.json);
}

#[tokio::test]
async fn without_the_stack_it_says_that_the_webhooks_host_was_not_compared() {
    let world = World::new().await;
    let deployment = world.deployment();
    let told = world.doctor(&deployment, WITH_TOKEN).await;
    assert!(told.text("hook-url", "got").contains("`--stack`"), "{:#}", told.json);
}

#[tokio::test]
async fn a_stage_before_the_path_is_fine_for_the_doctor_and_the_function() {
    for is_named in [false, true] {
        let world = World::at("/prod/github/webhook").await;
        let (deployment, url) = (world.deployment(), world.hook.0.clone());
        let arguments = [vec!["--token", PERSONS_TOKEN], if is_named { vec!["--webhook-url", &url] } else { vec![] }];
        let told = world.doctor(&deployment, (&arguments.concat(), &[])).await;
        assert_eq!((told.of("failed"), told.of("not checked")), (vec![], vec![]), "{:#}", told.json);
    }
}

/// A delivery so many hours ago.
fn delivered_before(status: u16, hours: i64) -> Value {
    let mut delivery = delivery(status);
    delivery["delivered_at"] = (Timestamp::now() - SignedDuration::from_hours(hours)).to_string().into();
    delivery
}

#[tokio::test]
async fn some_that_are_deferred_and_what_failed_long_ago_is_no_defect() {
    for (status, hours) in [(503, 1), (429, 1), (401, 48)] {
        let world = World::new().await;
        let mut deployment = world.deployment();
        *deployment.body("deliveries") = json!([delivery(204), delivered_before(status, hours)]);
        let told = world.doctor(&deployment, WITH_TOKEN).await;
        assert_eq!((told.of("failed"), told.well), (vec![], true), "{:#}", told.json);
    }
}

#[tokio::test]
async fn a_day_of_nothing_but_deferred_or_throttled_deliveries_is_a_defect() {
    for status in [503, 429] {
        let world = World::new().await;
        let mut deployment = world.deployment();
        // What went well before that day is no comfort.
        *deployment.body("deliveries") = json!([delivery(status), delivery(status), delivered_before(204, 30)]);
        let told = world.doctor(&deployment, WITH_TOKEN).await;
        assert_eq!((told.of("failed"), told.code), (vec!["deliveries"], Some(1)), "{:#}", told.json);
        assert!(told.text("deliveries", "got").contains(&format!("2 got {status}")), "{:#}", told.json);
    }
}

/// Pages of deliveries, each with the cursor to the next.
fn pages(pages: &[Vec<Value>]) -> Vec<Canned> {
    let link = "<https://api.github.com/app/hook/deliveries?per_page=100&cursor=v1_2>; rel=\"next\"";
    let page = |(number, deliveries): (usize, &Vec<Value>)| {
        let headers = if number + 1 < pages.len() { vec![("link".to_owned(), link.to_owned())] } else { vec![] };
        Canned {
            status: 200,
            headers: headers.into_iter().collect(),
            body: Some(json!(deliveries)),
            ..Canned::default()
        }
    };
    pages.iter().enumerate().map(page).collect()
}

#[tokio::test]
async fn what_failed_behind_a_hundred_deferred_deliveries_is_found() {
    for status in [401, 424, 0] {
        let world = World::new().await;
        let mut answers = world.deployment().answers();
        let deferred: Vec<Value> = (0..100).map(|_| delivery(503)).collect();
        let last = vec![delivery(204), delivery(status)];
        answers.insert("deliveries".to_owned(), pages(&[deferred.clone(), deferred, last]));
        let told = world.doctor_of(answers, WITH_TOKEN).await;
        assert_eq!((told.of("failed"), told.code), (vec!["deliveries"], Some(1)), "{:#}", told.json);
    }
}

#[tokio::test]
async fn more_deliveries_than_are_read_are_said_not_to_be_checked() {
    let world = World::new().await;
    let mut answers = world.deployment().answers();
    let page: Vec<Value> = (0..100).map(|_| delivery(204)).collect();
    // The last answer is repeated, and this one always has a next page.
    answers.insert("deliveries".to_owned(), pages(&[page.clone(), page]).into_iter().take(1).collect());
    let told = world.doctor_of(answers, WITH_TOKEN).await;
    let found = (told.of("failed"), told.of("not checked"), told.code);
    assert_eq!(found, (vec![], vec!["deliveries"], Some(3)), "{:#}", told.json);
    assert!(told.text("deliveries", "got").contains("newest 5000"), "{:#}", told.json);
}

#[tokio::test]
async fn a_branch_policy_behind_a_hundred_others_is_found() {
    let world = World::new().await;
    let mut answers = world.deployment().answers();
    let policy = |id: usize, name: &str| json!({ "id": id, "node_id": "P_1", "name": name, "type": "branch" });
    let page = |policies: Vec<Value>| Canned {
        status: 200,
        body: Some(json!({ "total_count": 101, "branch_policies": policies })),
        ..Canned::default()
    };
    let first = (1..=100).map(|id| policy(id, &format!("release/{id}"))).collect();
    let named = vec![page(first), page(vec![policy(101, "*")])];
    answers.insert("branch_policies.release".to_owned(), named);
    let told = world.doctor_of(answers, WITH_TOKEN).await;
    assert_eq!(told.of("failed"), ["release-branches"], "{:#}", told.json);
    assert!(told.text("release-branches", "got").contains("the pattern `*`"), "{:#}", told.json);
}

#[tokio::test]
async fn more_branch_policies_than_are_read_are_said_not_to_be_checked() {
    let world = World::new().await;
    let mut deployment = world.deployment();
    let policy = |id: usize| json!({ "id": id, "node_id": "P_1", "name": format!("release/{id}"), "type": "branch" });
    let policies: Vec<Value> = (1..=100).map(policy).collect();
    // The one answer is given for every page.
    *deployment.body("branch_policies.release") = json!({ "total_count": 5_000, "branch_policies": policies });
    let told = world.doctor(&deployment, WITH_TOKEN).await;
    let found = (told.of("failed"), told.of("not checked"), told.code);
    assert_eq!(found, (vec![], vec!["release-branches"], Some(3)), "{:#}", told.json);
}

#[tokio::test]
async fn what_github_does_not_answer_makes_the_exit_code_3() {
    let world = World::new().await;
    let mut deployment = world.deployment();
    deployment.0.insert("deliveries", (500, json!({ "message": "Server Error" })));
    let told = world.doctor(&deployment, WITH_TOKEN).await;
    let found = (told.of("failed"), told.of("not checked"), told.code);
    assert_eq!(found, (vec![], vec!["deliveries"], Some(3)), "{:#}", told.json);
    assert_eq!(told.json["not_in_time"], 1);
}

#[tokio::test]
async fn a_defect_counts_more_than_what_github_does_not_answer() {
    let world = World::new().await;
    let mut deployment = world.deployment();
    deployment.0.insert("deliveries", (500, json!({ "message": "Server Error" })));
    deployment.body("environment.release")["can_admins_bypass"] = true.into();
    assert_eq!(world.doctor(&deployment, WITH_TOKEN).await.code, Some(1));
}

/// Examines a deployment within a time; how each item was found.
async fn found_within(time: Duration) -> Vec<(Item, State)> {
    let world = World::new().await;
    let (app_id, webhook_secret, key) = world.player.app();
    let fake = FakeGithub::start(world.deployment().answers(), app(world.player)).await.unwrap();
    let given = Given {
        app_id: app_id.into(),
        webhook_secret,
        policy_file: world.files.path("policy.toml").into(),
        policies_dir: None,
        private_key: key.private_pem().clone(),
        issuer: None,
    };
    let variables = Variables::given(ApiUrl::parse(&fake.url()).unwrap(), given).unwrap();
    let input = ExaminationInput { time, ..ExaminationInput::default() };
    let lines = Doctor::new(variables, Limits::default(), input).examine(&Clock::system()).await;
    lines.into_iter().map(|line| (line.item, line.state)).collect()
}

#[tokio::test]
async fn what_there_was_no_time_for_is_told_apart_from_what_cannot_be_seen() {
    let found = found_within(Duration::ZERO).await;
    assert_eq!(found.last(), Some(&(Item::App, State::NotInTime)), "{found:?}");
    assert!(found.iter().all(|(_, state)| *state != State::Failed), "{found:?}");
}

#[tokio::test]
async fn what_a_policy_is_warned_of_is_shown() {
    let world = World::new().await;
    let deployment = world.deployment();
    std::fs::write(world.files.path("policy.toml"), format!("{POLICY}approvals = 0\n")).unwrap();
    let told = world.doctor(&deployment, WITH_TOKEN).await;
    let text = told.text("policy", "got");
    assert!(text.starts_with("1 rule; warning: rule 1: with `approvals = 0`"), "{text}");
}

#[tokio::test]
async fn a_job_without_a_deployment_is_said_to_fail_at_github() {
    let world = World::new().await;
    let mut deployment = world.deployment();
    workflow(&mut deployment, "name: Release,", "name: Release, deployment: false,");
    let told = world.doctor(&deployment, WITH_TOKEN).await;
    assert!(told.text("workflow-deployment", "expected").contains("GitHub fails such a job"), "{:#}", told.json);
}

#[tokio::test]
async fn the_repositories_of_a_pattern_are_seen_where_they_are_named() {
    for (arguments, unseen) in [(vec![], vec!["repositories"]), (vec!["--repository", "octo-org/widgets"], vec![])] {
        let world = World::new().await;
        let deployment = world.deployment();
        std::fs::write(world.files.path("policy.toml"), POLICY.replace("widgets", "*")).unwrap();
        let arguments = [vec!["--token", PERSONS_TOKEN], arguments].concat();
        let told = world.doctor(&deployment, (&arguments, &[])).await;
        assert_eq!((told.of("failed"), told.of("not checked")), (vec![], unseen), "{:#}", told.json);
    }
}

#[test]
fn every_item_has_an_id_of_its_own_a_documented_row_and_a_defect_that_shows_it() {
    let pages = documents::all();
    let ids: BTreeSet<&str> = Item::ALL.iter().map(|item| item.id()).collect();
    assert_eq!(ids.len(), Item::ALL.len());
    let settings = [
        "app-id",
        "private-key",
        "webhook-secret",
        "policy",
        "function",
        "repositories",
        "workflow-signature",
        "cloud-trust",
    ];
    for item in Item::ALL {
        let row = format!("| `{}` |", item.id());
        assert!(pages.iter().any(|(_, text)| text.contains(&row)), "no page has a row for {}", item.id());
        let is_shown = DEFECTS.iter().any(|(id, ..)| *id == item.id()) || settings.contains(&item.id());
        assert!(is_shown, "no defect shows {}", item.id());
    }
}

/// A change of the world, and what is then not seen; nothing is wrong.
const UNSEEN: [Defect; 4] = [
    ("gate-branches", "whether any branch is protected", |d| {
        d.body("environment.release-gate")["deployment_branch_policy"] =
            json!({ "protected_branches": true, "custom_branch_policies": false });
    }),
    ("release-bypass", "GitHub does not say it", |d| {
        d.body("environment.release").as_object_mut().unwrap().remove("can_admins_bypass");
    }),
    ("workflow-release", "a computed environment", |d| {
        workflow(
            d,
            "jobs:\n",
            "jobs:\n  early:\n    runs-on: x\n    environment: ${{ inputs.environment }}\n    steps: []\n",
        );
    }),
    ("workflow-gate", "a computed name", |d| {
        workflow(d, "  release-gate:\n", "  release-gate:\n    name: ${{ inputs.gate }}\n");
    }),
];

#[tokio::test]
async fn what_cannot_be_seen_is_said_not_to_be_seen() {
    for (id, what, change) in UNSEEN {
        let world = World::new().await;
        let mut deployment = world.deployment();
        change(&mut deployment);
        let told = world.doctor(&deployment, WITH_TOKEN).await;
        assert_eq!((told.of("failed"), told.well), (vec![], true), "{what}: {:#}", told.json);
        assert_eq!(told.of("not checked").first(), Some(&id), "{what}: {:#}", told.json);
    }
}

#[tokio::test]
async fn a_release_in_another_file_is_not_taken_for_right() {
    let world = World::new().await;
    let mut deployment = world.deployment();
    workflow(&mut deployment, "jobs:\n", "jobs:\n  deploy:\n    uses: ./.github/workflows/deploy.yml\n");
    let told = world.doctor(&deployment, WITH_TOKEN).await;
    assert_eq!(told.of("not checked"), ["workflow-release", "workflow-deployment"], "{:#}", told.json);
}

#[tokio::test]
async fn the_greeting_to_a_webhook_that_led_nowhere_yet_is_no_defect() {
    let world = World::new().await;
    let mut deployment = world.deployment();
    delivered(&mut deployment, 404);
    deployment.body("deliveries")[0]["event"] = "ping".into();
    let told = world.doctor(&deployment, WITH_TOKEN).await;
    assert_eq!(told.of("failed"), Vec::<&str>::new(), "{:#}", told.json);
}

#[tokio::test]
async fn a_repository_that_no_rule_covers_is_not_passed_over() {
    let world = World::new().await;
    let deployment = world.deployment();
    let arguments = ["--repository", "octo-org/gadgets", "--token", PERSONS_TOKEN];
    let told = world.doctor(&deployment, (&arguments, &[])).await;
    assert_eq!((told.of("failed"), told.well), (vec!["repositories"], false), "{:#}", told.json);
}

#[tokio::test]
async fn one_file_is_not_taken_for_several() {
    // Two rules with one file are one.
    let world = World::new().await;
    let deployment = world.deployment();
    let same = POLICY.replace("[[rule]]", "[[rule]]\nstarters = [\"a[bot]\"]");
    std::fs::write(world.files.path("policy.toml"), format!("{POLICY}{same}")).unwrap();
    std::fs::write(world.files.path("release.yml"), WORKFLOW).unwrap();
    let file = world.files.path("release.yml");
    let told = world.doctor(&deployment, (&["--workflow", &file], &[])).await;
    assert_eq!((told.of("failed"), told.of("not checked")), (vec![], vec![]), "{:#}", told.json);
    let world = World::new().await;
    let deployment = world.deployment();
    let another = POLICY.replace("[[rule]]", "[[rule]]\nworkflow = \".github/workflows/other.yml\"");
    std::fs::write(world.files.path("policy.toml"), format!("{POLICY}{another}")).unwrap();
    std::fs::write(world.files.path("release.yml"), WORKFLOW).unwrap();
    let file = world.files.path("release.yml");
    let told = world.doctor(&deployment, (&["--workflow", &file], &[])).await;
    assert_eq!(told.of("not checked").first(), Some(&"workflow-file"), "{:#}", told.json);
}
