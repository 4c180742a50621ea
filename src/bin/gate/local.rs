//! A local world for a function that runs under `cargo lambda watch`: its GitHub, its deliveries, its events.
//!
//! `gate github` makes the world's key and secret and writes them into a folder, where the others read them. They work nowhere else.

use std::fs;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use environment_gate::github::Limits;
use environment_gate::http::{Bounds, HttpClient};
use environment_gate::time::Clock;
use environment_gate::world::{APP_ID, FakeGithub, KnownApp, Player, Signer, Story};
use secrecy::ExposeSecret as _;
use serde_json::Value;
use tokio::net::TcpListener;

use crate::output::{CommandAnswer, CommandOutput};
use crate::values;

/// The file of variables: `NAME=VALUE` lines, as `cargo lambda watch --env-file` reads them.
const VARIABLES: &str = "variables.env";
/// How often new calls are printed.
const PRINT_EVERY: Duration = Duration::from_millis(100);
/// A delivery to the function. GitHub itself gives up after 10 s, but a first build takes longer; the answer is one line.
const DELIVERY_BOUNDS: Bounds = Bounds { time: Duration::from_mins(10), body_bytes: 1024 * 1024 };

#[derive(clap::Args)]
pub(crate) struct GithubOptions {
    #[command(flatten)]
    world: LocalWorld,
    /// Where to listen, on loopback
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9124", value_parser = values::loopback)]
    listen: SocketAddr,
}

#[derive(clap::Args)]
pub(crate) struct DeliverOptions {
    #[command(flatten)]
    world: LocalWorld,
    /// The function's webhook
    #[arg(long, default_value = "http://127.0.0.1:9123/github/webhook", value_parser = values::http_url)]
    url: String,
}

#[derive(clap::Args)]
pub(crate) struct EventOptions {
    #[command(flatten)]
    world: LocalWorld,
}

/// A story, and the folder in which a local world keeps its settings.
#[derive(clap::Args)]
struct LocalWorld {
    /// The story's folder
    #[arg(value_parser = values::story)]
    story: PathBuf,
    /// The folder of `gate github`'s settings: a key, a policy, and `variables.env`
    #[arg(long, value_name = "DIR", default_value = "target/local")]
    folder: PathBuf,
}

/// Serves the story's GitHub and prints its calls, until it is stopped.
pub(crate) async fn github(options: &GithubOptions) -> anyhow::Result<CommandOutput> {
    let folder = &options.world.folder;
    let story = Story::read(&options.world.story)?;
    let player = Player::new(Limits::default())
        .context("this machine's random number generator failed, so no key could be made")?;
    let listen = options.listen;
    let occupied = || format!("{listen}: choose another address with `--listen`");
    let listener = TcpListener::bind(listen).await.with_context(occupied)?;
    let url = format!("http://{}{}", listener.local_addr()?, story.api.base_path());
    let answers = Player::answers(&story, Clock::system().now(), &url);
    let (_, _, key) = player.app();
    let app = KnownApp { id: APP_ID, public_key: key.public_der(), base_path: story.api.base_path() };
    let github = FakeGithub::serve(listener, answers, app)?;
    write_settings(folder, &story, &player, &url).with_context(|| folder.display().to_string())?;
    let mut out = std::io::stdout();
    writeln!(
        out,
        "{}\nGitHub is at {url}; the function's settings are in {}",
        story.claim,
        folder.join(VARIABLES).display()
    )?;
    let mut printed = 0;
    loop {
        for call in github.calls().iter().skip(printed) {
            writeln!(out, "{:<4} {} → {}", call.method, call.path, call.status)?;
        }
        printed = github.calls().len();
        tokio::time::sleep(PRINT_EVERY).await;
    }
}

/// Posts the story's webhook. The answer is no if the function's status is not the one that the story expects.
pub(crate) async fn deliver(options: &DeliverOptions) -> anyhow::Result<CommandOutput> {
    let story = Story::read(&options.world.story)?;
    let event = event_of(&options.world.folder, &story)?;
    let text = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default();
    let is_base64 = event.get("isBase64Encoded").and_then(Value::as_bool).unwrap_or_default();
    let body = if is_base64 { STANDARD.decode(text("body"))? } else { text("body").as_bytes().to_vec() };
    let method = story.delivery.method.as_deref().unwrap_or("POST");
    let mut request = http::Request::builder().method(method).uri(&options.url);
    for (name, value) in event.get("headers").and_then(Value::as_object).into_iter().flatten() {
        request = request.header(name, value.as_str().unwrap_or_default());
    }
    let answer = HttpClient::new(None)?.send(request.body(body.into())?, DELIVERY_BOUNDS).await;
    let answer = answer.with_context(|| options.url.clone())?;
    let (status, expected) = (answer.status().as_u16(), story.expected.status);
    let line = String::from_utf8_lossy(answer.body());
    if status == expected {
        return Ok(CommandOutput::yes(format!("HTTP {status}\n{line}")));
    }
    Ok(CommandOutput { text: format!("HTTP {status}, expected {expected}\n{line}"), answer: CommandAnswer::No })
}

/// Prints the story's event.
pub(crate) fn event(options: &EventOptions) -> anyhow::Result<CommandOutput> {
    let story = Story::read(&options.world.story)?;
    Ok(CommandOutput::yes(format!("{:#}\n", event_of(&options.world.folder, &story)?)))
}

/// The event, signed with the secret and addressed to the GitHub of the folder's settings.
fn event_of(folder: &Path, story: &Story) -> anyhow::Result<Value> {
    let path = folder.join(VARIABLES);
    let shown = path.display();
    let variables = fs::read_to_string(&path).with_context(|| format!("{shown}, which `gate github` writes"))?;
    let value = |name: &str| {
        let mut lines = variables.lines().filter_map(|line| line.split_once('='));
        let found = lines.find(|(variable, _)| *variable == name);
        found.map(|(_, value)| value).with_context(|| format!("{shown}: `{name}` is missing"))
    };
    let signer = Signer::with(value("WEBHOOK_SECRET")?.into());
    let moved_by = Clock::system().now().duration_since(story.present);
    Ok(signer.event(story, moved_by, value("GITHUB_API_URL")?))
}

/// Writes what a function needs to use this GitHub.
fn write_settings(folder: &Path, story: &Story, player: &Player, github: &str) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    let folder = folder.canonicalize()?;
    let (policy, key) = (folder.join("policy.toml"), folder.join("key.pem"));
    let (_, secrets, pair) = player.app();
    let secret = secrets.expose_secret().lines().next().unwrap_or_default();
    let policies = folder.join("policies");
    fs::create_dir_all(&policies)?;
    for (name, text) in &story.policies {
        fs::write(policies.join(format!("{name}.rego")), text)?;
    }
    let policies = if story.policies.is_empty() { String::new() } else { policies.to_string_lossy().into_owned() };
    fs::write(&policy, &story.policy)?;
    fs::write(&key, pair.private_pem().expose_secret())?;
    let variables = [
        ("GITHUB_API_URL", github),
        ("APP_ID", APP_ID),
        ("WEBHOOK_SECRET", secret),
        ("POLICY_FILE", &policy.to_string_lossy()),
        ("POLICIES_DIR", &policies),
        ("PRIVATE_KEY_FILE", &key.to_string_lossy()),
    ];
    let lines: String = variables.iter().flat_map(|(name, value)| [*name, "=", value, "\n"]).collect();
    fs::write(folder.join(VARIABLES), lines)
}
