//! A local world for a function that runs under `cargo lambda watch`: GitHub, its deliveries, its events.
//!
//! `gate github` makes the world's key and secret and leaves them in a folder; the others read them there. They are good for nothing else.

use std::fs;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use environment_gate::github::Limits;
use environment_gate::handler::Clock;
use environment_gate::transport::Connections;
use environment_gate::world::{APP_ID, FakeGithub, Player, Signer, Story};
use secrecy::ExposeSecret as _;
use serde_json::Value;
use tokio::net::TcpListener;

use crate::{Local, Told};

/// The file of variables: `NAME=VALUE` lines, as `cargo lambda watch --env-file` reads them.
const VARIABLES: &str = "variables.env";
/// How often new calls are printed.
const PRINT_EVERY: Duration = Duration::from_millis(100);
/// How long a delivery may take; GitHub itself gives up after 10 s, a first build takes longer.
const DELIVERY_TIME_MAX: Duration = Duration::from_mins(10);
/// Bytes of the function's answer, which is one line.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// Serves the story's GitHub and prints its calls, until it is stopped.
pub(crate) fn github(local: &Local, listen: SocketAddr) -> Told {
    if !listen.ip().is_loopback() {
        return Err(
            format!("got {listen}, expected a loopback address: a pretend GitHub is for this machine alone").into()
        );
    }
    let story = Story::read(&local.story)?;
    let player = Player::new(Limits::default()).ok_or("no randomness for a key")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(listen).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let answers = Player::answers(&story, Clock::system().now(), &url);
        let (_, _, key) = player.app();
        let world = (APP_ID, key.public_der(), "");
        let github = FakeGithub::serve(listener, answers, world, |stream| async { Ok(stream) })?;
        leave_settings(&local.folder, &story, &player, &url)?;
        let mut out = std::io::stdout();
        writeln!(
            out,
            "{}\nGitHub is {url}; settings for the function: {}",
            story.claim,
            local.folder.join(VARIABLES).display()
        )?;
        let mut printed = 0;
        loop {
            for call in github.calls().iter().skip(printed) {
                writeln!(out, "{:<4} {} → {}", call.method, call.path, call.status)?;
            }
            printed = github.calls().len();
            tokio::time::sleep(PRINT_EVERY).await;
        }
    })
}

/// Posts the story's webhook; all is well if the answer is the story's.
pub(crate) fn deliver(local: &Local, url: &str) -> Told {
    let story = Story::read(&local.story)?;
    let event = event_of(&local.folder, &story)?;
    let text = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default();
    let is_base64 = event.get("isBase64Encoded").and_then(Value::as_bool).unwrap_or_default();
    let body = if is_base64 { STANDARD.decode(text("body"))? } else { text("body").as_bytes().to_vec() };
    let method = story.delivery.method.as_deref().unwrap_or("POST");
    let mut request = http::Request::builder().method(method).uri(url);
    for (name, value) in event.get("headers").and_then(Value::as_object).into_iter().flatten() {
        request = request.header(name, value.as_str().unwrap_or_default());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let request = request.body(body.into())?;
    let answer = runtime.block_on(async {
        let pool = Connections::new(None)?.pool();
        let answer = tokio::time::timeout(DELIVERY_TIME_MAX, pool.exchange(request, ANSWER_BYTES_MAX));
        Ok::<_, tower::BoxError>(answer.await??)
    })?;
    let (status, line) = (answer.status().as_u16(), String::from_utf8_lossy(answer.body()));
    let expected = story.expected.status;
    let well = status == expected;
    let so = if well { String::new() } else { format!(", expected {expected}") };
    Ok((format!("HTTP {status}{so}\n{line}"), well))
}

/// Prints the story's event.
pub(crate) fn event(local: &Local) -> Told {
    let story = Story::read(&local.story)?;
    Ok((format!("{:#}\n", event_of(&local.folder, &story)?), true))
}

/// The event, signed with the secret and addressed to the GitHub of the folder's settings.
fn event_of(folder: &Path, story: &Story) -> Result<Value, String> {
    let path = folder.join(VARIABLES);
    let variables =
        fs::read_to_string(&path).map_err(|error| format!("{}: {error}: `gate github` writes it", path.display()))?;
    let value = |name: &str| {
        let mut lines = variables.lines().filter_map(|line| line.split_once('='));
        let found = lines.find(|(variable, _)| *variable == name);
        found.map(|(_, value)| value).ok_or_else(|| format!("{}: got no {name}, expected one", path.display()))
    };
    let signer = Signer::with(value("WEBHOOK_SECRET")?.into());
    let moved_by = Clock::system().now().duration_since(story.present);
    Ok(signer.event(story, moved_by, value("GITHUB_API_URL")?))
}

/// Leaves what a function needs to meet this GitHub.
fn leave_settings(folder: &Path, story: &Story, player: &Player, github: &str) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    let folder = folder.canonicalize()?;
    let (policy, key) = (folder.join("policy.toml"), folder.join("key.pem"));
    let (_, secrets, pair) = player.app();
    let secret = secrets.expose_secret().lines().next().unwrap_or_default();
    fs::write(&policy, &story.policy)?;
    fs::write(&key, pair.private_pem().expose_secret())?;
    let variables = [
        ("GITHUB_API_URL", github),
        ("APP_ID", APP_ID),
        ("WEBHOOK_SECRET", secret),
        ("POLICY_FILE", &policy.to_string_lossy()),
        ("PRIVATE_KEY_FILE", &key.to_string_lossy()),
    ];
    let lines: String = variables.iter().flat_map(|(name, value)| [*name, "=", value, "\n"]).collect();
    fs::write(folder.join(VARIABLES), lines)
}
