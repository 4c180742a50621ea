//! The built function behind AWS's own front of the Lambda runtime, the Runtime Interface Emulator. The SAM CLI brings it for its containers; here it
//! runs on loopback.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use http::Method;
use serde_json::Value;
use tokio::process::{Child, Command};

use crate::support::function::{self, Files};
use crate::support::github::Staged;
use crate::support::http::Http;
use crate::support::moto::{free_port, tool};
use crate::support::{PATIENCE, fixtures};

/// The emulator; it ends when this is dropped.
struct Emulator {
    _process: Child,
    http: Http,
    url: String,
}

/// The program for this machine, among the SAM CLI's files.
fn emulator() -> PathBuf {
    let machine = if std::env::consts::ARCH == "aarch64" { "arm64" } else { std::env::consts::ARCH };
    let library = tool("").parent().unwrap().join("lib");
    let pythons = library.read_dir().unwrap().map(|entry| entry.unwrap().path());
    let name = format!("site-packages/samcli/local/rapid/aws-lambda-rie-{machine}");
    pythons.map(|python| python.join(&name)).find(|path| path.exists()).expect("the SAM CLI has it: run `make test`")
}

impl Emulator {
    async fn start(variables: &[(&str, String)]) -> Self {
        let (front, runtime) = (format!("127.0.0.1:{}", free_port()), format!("127.0.0.1:{}", free_port()));
        let process = Command::new(emulator())
            .args(["--runtime-interface-emulator-address", &front, "--runtime-api-address", &runtime])
            .arg(env!("CARGO_BIN_EXE_webhook"))
            .env_clear()
            .envs(variables.iter().map(|(name, value)| (*name, value)))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let emulator = Self { _process: process, http: Http::new(), url: format!("http://{front}") };
        let up = async {
            while emulator.http.call((Method::GET, &emulator.url), &[], String::new()).await.is_err() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(PATIENCE, up).await.expect("the emulator starts");
        emulator
    }

    async fn invoke(&self, event: &Value) -> Value {
        let url = format!("{}/2015-03-31/functions/function/invocations", self.url);
        let (_, answer) = self.http.call((Method::POST, &url), &[], event.to_string()).await.unwrap();
        serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{error}: {answer}"))
    }
}

#[tokio::test]
async fn behind_awss_own_runtime_a_signed_delivery_is_decided() {
    let story = fixtures::one("approve/one-human-approved-the-gate");
    let Staged { github, event } = Staged::new(&story).await;
    let files = Files::of_story(fixtures::player(), &story);
    let emulator = Emulator::start(&function::variables(fixtures::player(), &files, &github.url())).await;
    let answer = emulator.invoke(&event).await;
    assert_eq!(answer["statusCode"], 204, "{answer}");
    let reviews = github.calls().into_iter().filter(|call| call.name == "review");
    assert_eq!(reviews.map(|call| call.sent["state"].clone()).collect::<Vec<_>>(), ["approved"]);
    assert_eq!(github.violations(), Vec::<String>::new());
}
