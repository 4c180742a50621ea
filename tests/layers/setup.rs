//! `gate setup`, with a real browser, a GitHub on which an App can be made, and AWS on loopback.

use std::path::PathBuf;
use std::process::{Output, Stdio};

use environment_gate::world::{APP_ID, PERSONS_TOKEN, Player};
use http::Method;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::net::TcpListener;
use tokio::process::{Child, ChildStdout, Command};

use crate::support::browser::Browser;
use crate::support::deployment::POLICY;
use crate::support::http::Http;
use crate::support::lambda::Lambda;
use crate::support::manifest::{Makeable, SECRET};
use crate::support::moto::Moto;
use crate::support::{PATIENCE, fixtures, front};

pub(crate) const NAMES: [(&str, &str); 4] = [
    ("APP_ID_PARAMETER", "/environment-gate/app-id"),
    ("WEBHOOK_SECRET_PARAMETER", "/environment-gate/webhook-secret"),
    ("POLICY_PARAMETER", "/environment-gate/policy"),
    ("PRIVATE_KEY_SECRET", "environment-gate/private-key"),
];

/// GitHub, AWS, and a folder.
pub(crate) struct World {
    pub(crate) player: &'static Player,
    pub(crate) github: Makeable,
    pub(crate) moto: Moto,
    /// Variables besides those that everybody needs.
    pub(crate) more: Vec<(&'static str, String)>,
    folder: PathBuf,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::under("").await
    }

    /// GitHub's API has this path.
    async fn under(api_path: &str) -> Self {
        let player = fixtures::player();
        let github = Makeable::start_under(player, api_path).await;
        let folder = std::env::temp_dir().join(format!("environment-gate-{:016x}", fastrand::u64(..)));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("policy.toml"), POLICY).unwrap();
        Self { player, github, moto: Moto::start().await, more: Vec::new(), folder }
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.join(name).to_string_lossy().into_owned()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gate"));
        command.args(arguments).env_clear().envs(self.moto.variables()).env("GITHUB_API_URL", self.github.fake.url());
        command.envs(self.more.iter().map(|(name, value)| (name, value)));
        command.kill_on_drop(true);
        command
    }

    /// `gate` to its end.
    pub(crate) async fn gate(&self, arguments: &[&str]) -> Output {
        tokio::time::timeout(PATIENCE, self.command(arguments).output()).await.expect("it ends").unwrap()
    }

    /// `gate setup` until it waits for the browser.
    pub(crate) async fn waiting(&self, arguments: &[&str]) -> Waiting {
        let policy = self.path("policy.toml");
        let mut command = self.command(&[&["setup", "--policy", &policy], arguments].concat());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut told = Vec::new();
        let page = loop {
            let line = tokio::time::timeout(PATIENCE, lines.next_line()).await.expect("it goes on").unwrap();
            told.push(line.unwrap_or_else(|| panic!("it ended: {told:?}")));
            let words = told.last().unwrap().split_whitespace();
            if let Some(url) = words.clone().find(|word| word.starts_with("http://127.0.0.1")) {
                break url.to_owned();
            }
        };
        Waiting { child, lines, told, page }
    }

    /// Makes the App in a browser; gives what the browser shows at the end, and what the terminal did.
    async fn made(&self, arguments: &[&str]) -> (String, Ended) {
        let waiting = self.waiting(arguments).await;
        let browser = Browser::start().await;
        browser.open(&waiting.page).await;
        browser.press("#create-app").await;
        browser.press("#create").await;
        let shown = browser.text("#result").await;
        browser.quit().await;
        (shown, waiting.end().await)
    }

    async fn parameter(&self, name: &str) -> Option<String> {
        self.moto.parameter(name).await
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A `gate setup` that waits for the browser.
pub(crate) struct Waiting {
    pub(crate) child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    told: Vec<String>,
    page: String,
}

pub(crate) struct Ended {
    pub(crate) well: bool,
    pub(crate) told: String,
    pub(crate) said: String,
}

impl Waiting {
    pub(crate) async fn end(mut self) -> Ended {
        while let Some(line) = tokio::time::timeout(PATIENCE, self.lines.next_line()).await.expect("it ends").unwrap() {
            self.told.push(line);
        }
        let output = self.child.wait_with_output().await.unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        Ended { well: output.status.success(), told: self.told.join("\n"), said }
    }

    /// The `state` that the page asks with.
    pub(crate) async fn state(&self) -> String {
        let (_, html) = self.get("", None).await;
        html.split_once("?state=").unwrap().1.split('"').next().unwrap().to_owned()
    }

    /// What the page answers to an address, without a browser.
    pub(crate) async fn get(&self, path: &str, host: Option<&str>) -> (u16, String) {
        // Nothing is the page itself.
        let (server, _) = self.page.rsplit_once('/').unwrap();
        let url = if path.is_empty() { self.page.clone() } else { format!("{server}{path}") };
        let host = host.map(|host| ("host", host));
        let (status, html) = Http::new().call((Method::GET, &url), host.as_slice(), String::new()).await.unwrap();
        (status.as_u16(), html)
    }
}

/// What a person must never see: the key, the secret.
pub(crate) fn shows_a_secret(text: &str, player: &Player) -> bool {
    let (_, _, key) = player.app();
    let line = key.private_pem().expose_secret().lines().nth(3).unwrap().to_owned();
    [SECRET, "PRIVATE KEY", "a-client-secret", &line].iter().any(|secret| text.contains(secret))
}

#[tokio::test]
async fn from_nothing_to_green_and_the_doctor_agrees() {
    let world = World::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let webhook = format!("http://{}/github/webhook", listener.local_addr().unwrap());
    let (shown, ended) = world.made(&["--owner", "octo-org", "--webhook-url", &webhook]).await;
    assert!(ended.well, "{}{}", ended.told, ended.said);
    assert_eq!(shown, "The App is created and its settings are stored. Continue in the terminal.");
    assert!(!shows_a_secret(&(ended.told.clone() + &ended.said), world.player), "{}", ended.told);
    for part in ["1 of 3  policy", "2 of 3  App", "3 of 3  webhook", "gate doctor", "installations/new"] {
        assert!(ended.told.contains(part), "{part} is not in\n{}", ended.told);
    }
    assert!(!ended.told.contains("*Active*"), "the function is there: {}", ended.told);
    assert_eq!(world.github.made.lock().unwrap().manifests[0].1["hook_attributes"]["active"], true);
    assert_eq!(world.parameter(NAMES[0].1).await.as_deref(), Some(APP_ID));
    assert_eq!(world.parameter(NAMES[1].1).await.as_deref(), Some(SECRET));
    assert_eq!(world.parameter(NAMES[2].1).await.as_deref(), Some(POLICY));
    // The function as it would be deployed, with the settings that were put.
    let github = world.github.fake.url();
    let variables: Vec<(&str, &str)> =
        world.moto.variables().into_iter().chain(NAMES).chain([("GITHUB_API_URL", github.as_str())]).collect();
    front::serve(listener, Lambda::start(&variables).await);
    let doctor = world
        .command(&["doctor", "--json", "--token", PERSONS_TOKEN, "--webhook-url", &webhook])
        .envs(NAMES)
        .output()
        .await
        .unwrap();
    let told: Value = serde_json::from_slice(&doctor.stdout).unwrap_or_else(|_| panic!("{doctor:?}"));
    assert!(doctor.status.success(), "{told:#}");
    assert_eq!((&told["failed"], &told["not_checked"]), (&0.into(), &0.into()), "{told:#}");
    assert_eq!(world.github.fake.violations(), Vec::<String>::new());
    the_doctor_compares_with_the_stack(&world, &webhook).await;
    // Each setting that is then taken away is named, and nothing else fails.
    for (index, id) in ["app-id", "webhook-secret", "policy", "private-key"].into_iter().enumerate() {
        let nowhere = [(NAMES[index].0, "/nowhere")];
        let doctor = world.command(&["doctor", "--json"]).envs(NAMES).envs(nowhere).output().await.unwrap();
        let told: Value = serde_json::from_slice(&doctor.stdout).unwrap();
        let failed = told["items"].as_array().unwrap().iter().filter(|item| item["state"] == "failed");
        assert_eq!(failed.map(|item| &item["item"]).collect::<Vec<_>>(), [id], "{told:#}");
    }
}

/// The App's webhook leads to one stack, and not to another.
async fn the_doctor_compares_with_the_stack(world: &World, webhook: &str) {
    world.moto.create_stack("ours", "WebhookUrl", webhook).await;
    world.moto.create_stack("another", "WebhookUrl", "https://abc.example.com/github/webhook").await;
    for (stack, failed) in [("ours", vec![]), ("another", vec!["hook-url"])] {
        let doctor = world.command(&["doctor", "--json", "--stack", stack]).envs(NAMES).output().await.unwrap();
        let told: Value = serde_json::from_slice(&doctor.stdout).unwrap_or_else(|_| panic!("{doctor:?}"));
        let items = told["items"].as_array().unwrap().iter().filter(|item| item["state"] == "failed");
        assert_eq!(items.map(|item| &item["item"]).collect::<Vec<_>>(), failed, "{told:#}");
    }
}

#[tokio::test]
async fn the_manifest_asks_for_what_the_app_needs_and_no_more() {
    let world = World::new().await;
    let (_, ended) = world.made(&["--name", "our \"gate\" & more"]).await;
    assert!(ended.well, "{}", ended.said);
    let made = world.github.made.lock().unwrap();
    let [(page, manifest)] = made.manifests.as_slice() else { panic!("one manifest") };
    assert_eq!(page, "/settings/apps/new", "a person's");
    assert_eq!(manifest["default_permissions"], json!({ "actions": "read", "deployments": "write" }));
    assert_eq!(manifest["default_events"], json!(["deployment_protection_rule"]));
    assert_eq!(manifest["hook_attributes"]["active"], false, "there is no function yet");
    assert_eq!((&manifest["public"], &manifest["name"]), (&false.into(), &"our \"gate\" & more".into()));
    assert_eq!(made.hook["content_type"], "json", "whatever GitHub makes of a manifest");
    assert!(ended.told.contains("sam deploy"), "the function is still to be deployed: {}", ended.told);
}

#[tokio::test]
async fn an_app_is_made_on_an_enterprise_server() {
    let world = World::under("/api/v3").await;
    let (shown, ended) = world.made(&["--owner", "octo-org"]).await;
    assert!(ended.well, "{}{}", ended.told, ended.said);
    assert_eq!(shown, "The App is created and its settings are stored. Continue in the terminal.");
    let page = world.github.made.lock().unwrap().manifests[0].0.clone();
    assert_eq!(page, "/organizations/octo-org/settings/apps/new", "beside the API's path");
    assert_eq!(world.github.fake.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn it_goes_on_where_it_stopped_and_takes_the_webhook_from_the_stack() {
    let world = World::new().await;
    let (_, first) = world.made(&["--owner", "octo-org"]).await;
    assert!(first.told.contains("is not active and points nowhere yet"), "{}{}", first.told, first.said);
    world.moto.create_stack("gate", "WebhookUrl", "https://abc.example.com/github/webhook").await;
    let second = world.gate(&["setup", "--stack", "gate"]).await;
    let told = String::from_utf8_lossy(&second.stdout).into_owned();
    assert!(second.status.success(), "{second:?}");
    for part in [
        "`/environment-gate/policy` exists already",
        "its settings already exist",
        "points to `https://abc.example.com/github/webhook`",
        "under *Webhook*, tick *Active* and press *Save changes*",
        "gate doctor --stack gate",
    ] {
        assert!(told.contains(part), "{part} is not in\n{told}");
    }
    assert_eq!(world.github.made.lock().unwrap().hook["url"], "https://abc.example.com/github/webhook");
    assert_eq!(world.github.made.lock().unwrap().manifests.len(), 1, "one App is enough");
    let none = world.gate(&["setup", "--stack", "another"]).await;
    let said = String::from_utf8_lossy(&none.stderr).into_owned();
    assert!(!none.status.success() && said.contains("the stack `another`") && said.lines().count() == 1, "{said}");
}

#[tokio::test]
async fn a_dry_run_says_what_it_would_do_and_does_nothing() {
    let world = World::new().await;
    let policy = world.path("policy.toml");
    let output = world.gate(&["setup", "--dry-run", "--policy", &policy, "--owner", "octo-org"]).await;
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{output:?}");
    for part in ["/organizations/octo-org/settings/apps/new", "\"deployments\": \"write\"", "Nothing was done."] {
        assert!(told.contains(part), "{part} is not in\n{told}");
    }
    let written = ["PutParameter", "CreateSecret", "PutSecretValue"];
    let actions = world.moto.actions().await;
    assert!(!actions.iter().any(|action| written.iter().any(|write| action.ends_with(write))), "{actions:?}");
    assert!(world.github.fake.calls().is_empty());
}

#[tokio::test]
async fn an_answer_with_another_state_is_not_used_and_a_code_is_good_once() {
    let world = World::new().await;
    let waiting = world.waiting(&[]).await;
    let (status, html) = waiting.get("/created?code=stolen&state=0000", None).await;
    assert!(status == 400 && html.contains("does not have the <code>state</code>"), "{html}");
    assert_eq!(waiting.get("/created?code=stolen", None).await.0, 400);
    assert_eq!(waiting.get("", Some("evil.example.com")).await.0, 403, "a name that points to this machine");
    assert_eq!(waiting.get("/", None).await.0, 404, "who else is on this machine does not know where the page is");
    assert!(world.github.fake.calls().is_empty(), "no code was tried");
    // The page's own state, and a code that GitHub does not know (any more).
    let state = waiting.state().await;
    let (_, html) = waiting.get(&format!("/created?code=used&state={state}"), None).await;
    assert!(html.contains("GitHub did not hand over the App"), "{html}");
    let ended = waiting.end().await;
    assert!(!ended.well && ended.said.contains("it was used, or is older than an hour"), "{}", ended.said);
    assert_eq!(ended.said.lines().count(), 1);
    assert_eq!(world.parameter(NAMES[0].1).await, None, "nothing half-written");
}

#[tokio::test]
async fn stopped_in_the_middle_it_leaves_nothing_half_written() {
    let world = World::new().await;
    let waiting = world.waiting(&[]).await;
    // It listens for Ctrl-C before it says where the page is, so whoever reads that may stop it at once.
    let id = waiting.child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().await.unwrap().success());
    let ended = waiting.end().await;
    assert!(!ended.well && ended.said.contains("stopped before an App was created"), "{}", ended.said);
    assert_eq!((world.parameter(NAMES[0].1).await, world.parameter(NAMES[1].1).await), (None, None));
    let (_, again) = world.made(&[]).await;
    assert!(again.well, "it goes on: {}", again.said);
}

#[tokio::test]
async fn an_app_without_an_active_webhook_is_told_what_to_press() {
    let world = World::new().await;
    let (_, _, key) = world.player.app();
    world.github.made.lock().unwrap().has_no_hook = true;
    world.moto.put_parameter(NAMES[0].1, "String", APP_ID).await;
    world.moto.put_parameter(NAMES[1].1, "SecureString", SECRET).await;
    world.moto.put_parameter(NAMES[2].1, "String", POLICY).await;
    world.moto.create_secret(NAMES[3].1, key.private_pem().expose_secret()).await;
    let before = world.gate(&["setup"]).await;
    assert!(
        before.status.success() && String::from_utf8_lossy(&before.stdout).contains("is not active yet"),
        "{before:?}"
    );
    let output = world.gate(&["setup", "--webhook-url", "https://abc.example.com/github/webhook"]).await;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.lines().count() == 1, "{output:?}");
    assert!(said.contains("tick *Active* and press *Save changes* (webhook URL: `https://abc.example.com"), "{said}");
}

#[tokio::test]
async fn what_is_there_is_not_overwritten() {
    let world = World::new().await;
    world.moto.put_parameter(NAMES[2].1, "String", "pause = true\n").await;
    world.moto.put_parameter(NAMES[0].1, "String", "99").await;
    let policy = world.path("policy.toml");
    let output = world.gate(&["setup", "--policy", &policy]).await;
    let (told, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(told.contains("holds a different policy from the file, and is left as it is"), "{output:?}");
    assert!(!output.status.success() && said.contains("got `/environment-gate/app-id` but no"), "{output:?}");
    assert_eq!(world.parameter(NAMES[2].1).await.as_deref(), Some("pause = true\n"));
    assert_eq!(world.parameter(NAMES[0].1).await.as_deref(), Some("99"));
}

#[tokio::test]
async fn the_key_is_on_the_disk_where_it_was_asked_for_alone_and_is_taken_from_there() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new().await;
    let folder = world.path("saved");
    let (_, ended) = world.made(&["--save", &folder]).await;
    assert!(ended.well, "{}", ended.said);
    for name in ["app-id.txt", "webhook-secret.txt", "private-key.pem"] {
        let mode = std::fs::metadata(format!("{folder}/{name}")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    // Another account, and the same App.
    let another = Moto::start().await;
    let policy = world.path("policy.toml");
    let arguments = ["setup", "--policy", &policy, "--save", &folder];
    let output = world.command(&arguments).envs(another.variables()).output().await.unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(another.parameter(NAMES[0].1).await.as_deref(), Some(APP_ID));
    assert_eq!(world.github.made.lock().unwrap().manifests.len(), 1);
}

#[tokio::test]
async fn what_cannot_be_set_up_is_one_clear_line() {
    let world = World::new().await;
    let occupied = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = occupied.local_addr().unwrap().to_string();
    let (policy, bad) = (world.path("policy.toml"), world.path("bad.toml"));
    std::fs::write(&bad, "[[rule]]\nrefs = [\"*\"]\n").unwrap();
    let in_the_way = world.path("in-the-way");
    std::fs::create_dir_all(&in_the_way).unwrap();
    std::fs::write(format!("{in_the_way}/private-key.pem"), "another").unwrap();
    let cases: [(&[&str], &str); 8] = [
        (&[], "pass a policy file with `--policy`"),
        (&["--policy", &bad], "bad.toml: policy line"),
        (&["--policy", &policy, "--listen", &address], "choose another address with `--listen`"),
        (&["--policy", &policy, "--listen", "0.0.0.0:0"], "expected a loopback address"),
        (&["--policy", &policy, "--save", &in_the_way], "exists already, without the rest of an App"),
        (&["--policy", &policy, "--owner", "octo/org"], "'--owner <ORGANIZATION>': got `octo/org`"),
        (&["--policy", &policy, "--name", "a name that is longer than GitHub takes it"], "expected 1 to 34"),
        (
            &["--policy", &policy, "--webhook-url", "http://example.com/github/webhook"],
            "expected `https://…/github/webhook`, with at most one stage",
        ),
    ];
    for (arguments, expected) in cases {
        let output = world.gate(&[&["setup"], arguments].concat()).await;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(expected) && said.lines().count() == 1, "{output:?}");
    }
    let alone = world.command(&["setup"]).env("AWS_ENDPOINT_URL", "http://127.0.0.1:9").output().await.unwrap();
    let said = String::from_utf8_lossy(&alone.stderr).into_owned();
    assert!(!alone.status.success() && said.lines().count() == 1, "{said}");
}

#[tokio::test]
async fn settings_that_cannot_be_kept_are_all_taken_back_and_it_says_what_became_of_the_app() {
    let world = World::new().await;
    let waiting = world.waiting(&[]).await;
    // The place for the key is gone between the page and the answer.
    let state = waiting.state().await;
    let manifest = json!({ "name": "the gate" });
    {
        let mut made = world.github.made.lock().unwrap();
        made.manifests.push((String::new(), manifest));
        made.codes.push("good".to_owned());
    }
    world.moto.delete_secret(NAMES[3].1).await;
    let (_, html) = waiting.get(&format!("/created?code=good&state={state}"), None).await;
    assert!(html.contains("its settings could not be stored"), "{html}");
    let ended = waiting.end().await;
    assert!(!ended.well && ended.said.contains("was created, its key is lost: delete the App"), "{}", ended.said);
    assert!(!shows_a_secret(&(ended.told + &ended.said), world.player));
    assert_eq!((world.parameter(NAMES[0].1).await, world.parameter(NAMES[1].1).await), (None, None));
}

#[tokio::test]
async fn who_was_quicker_is_not_overwritten() {
    let world = World::new().await;
    let waiting = world.waiting(&[]).await;
    let state = waiting.state().await;
    world.moto.put_parameter(NAMES[0].1, "String", "99").await;
    let (_, html) = waiting.get(&format!("/created?code=late&state={state}"), None).await;
    assert!(html.contains("Not used"), "{html}");
    let ended = waiting.end().await;
    assert!(!ended.well && ended.said.contains("were stored in AWS in the meantime"), "{}", ended.said);
    assert_eq!(world.parameter(NAMES[0].1).await.as_deref(), Some("99"));
}

#[tokio::test]
async fn without_leave_at_aws_the_app_that_was_made_is_named_as_one_to_delete() {
    let world = World::new().await;
    let waiting = world.waiting(&[]).await;
    let state = waiting.state().await;
    world.moto.refuse_from_now_on().await;
    waiting.get(&format!("/created?code=good&state={state}"), None).await;
    let ended = waiting.end().await;
    assert!(!ended.well && ended.said.contains("is not used: delete it on GitHub"), "{}", ended.said);
    assert_eq!(ended.said.lines().count(), 1);
}

#[tokio::test]
async fn aws_itself_refuses_to_overwrite_and_what_was_put_before_is_taken_back() {
    let world = World::new().await;
    let saved = world.path("saved");
    std::fs::create_dir_all(&saved).unwrap();
    for (name, text) in [("app-id.txt", APP_ID), ("webhook-secret.txt", SECRET), ("private-key.pem", "a key")] {
        std::fs::write(format!("{saved}/{name}"), text).unwrap();
    }
    // One name for two settings: the second finds the first.
    let same = [("APP_ID_PARAMETER", "/same"), ("WEBHOOK_SECRET_PARAMETER", "/same")];
    let policy = world.path("policy.toml");
    let output = world.command(&["setup", "--policy", &policy, "--save", &saved]).envs(same).output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success()
            && said.contains("`/same`: was stored by someone else in the meantime, and is left as it is"),
        "{said}"
    );
    assert_eq!(world.parameter("/same").await, None);
    assert!(!shows_a_secret(&said, world.player), "{said}");
}
