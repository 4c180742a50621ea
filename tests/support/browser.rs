//! A real browser without a window: Chromium, driven through `chromedriver` (<https://www.w3.org/TR/webdriver2/>).

use std::process::Stdio;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use serde_json::{Value, json};
use tokio::process::{Child, Command};

use super::PATIENCE;
use super::http::Http;
use super::moto::free_port;

/// W3C's name of an element in JSON.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser with one window; it ends when this is dropped.
pub(crate) struct Browser {
    _driver: Child,
    http: Http,
    session: String,
    profile: std::path::PathBuf,
}

impl Browser {
    pub(crate) async fn start() -> Self {
        let port = free_port();
        let driver = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("chromedriver: run `make test`, which installs it");
        let http = Http::new();
        let url = format!("http://127.0.0.1:{port}");
        let up = async {
            while http.call((Method::GET, &format!("{url}/status")), &[], String::new()).await.is_err() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(PATIENCE, up).await.expect("chromedriver starts");
        let profile = std::env::temp_dir().join(format!("environment-gate-browser-{:016x}", fastrand::u64(..)));
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            &format!("--user-data-dir={}", profile.display()),
        ];
        // The browser itself waits for what is looked for.
        let patience = u64::try_from(PATIENCE.as_millis()).unwrap();
        let timeouts = json!({ "implicit": patience, "pageLoad": patience });
        let options = json!({ "goog:chromeOptions": { "args": arguments }, "timeouts": timeouts });
        let wanted = json!({ "capabilities": { "alwaysMatch": options } });
        let mut browser = Self { _driver: driver, http, session: format!("{url}/session"), profile };
        let made = browser.call("", Some(wanted)).await;
        browser.session = format!("{url}/session/{}", made["sessionId"].as_str().unwrap());
        browser
    }

    /// Opens a page.
    pub(crate) async fn open(&self, url: &str) {
        self.call("/url", Some(json!({ "url": url }))).await;
    }

    /// Presses what a CSS selector finds.
    pub(crate) async fn press(&self, selector: &str) {
        let element = self.find(selector).await;
        self.call(&format!("/element/{element}/click"), Some(json!({}))).await;
    }

    /// The text that a CSS selector finds, once it is there.
    pub(crate) async fn text(&self, selector: &str) -> String {
        let element = self.find(selector).await;
        self.call(&format!("/element/{element}/text"), None).await.as_str().unwrap().to_owned()
    }

    /// Types into what a CSS selector finds. Modifiers hold until `\u{e000}` (<https://www.w3.org/TR/webdriver2/#keyboard-actions>).
    pub(crate) async fn keys(&self, selector: &str, keys: &str) {
        let element = self.find(selector).await;
        self.call(&format!("/element/{element}/value"), Some(json!({ "text": keys }))).await;
    }

    /// Types a text in the place of what stands in a field.
    pub(crate) async fn fill(&self, selector: &str, text: &str) {
        self.keys(selector, &format!("\u{e009}a\u{e000}{text}")).await;
    }

    /// What a script in the page returns.
    pub(crate) async fn run(&self, script: &str) -> Value {
        self.call("/execute/sync", Some(json!({ "script": script, "args": [] }))).await
    }

    /// Waits until an expression in the page is true.
    pub(crate) async fn until(&self, expression: &str) {
        let script = format!("return Boolean({expression})");
        let comes = async {
            while self.run(&script).await != true {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, comes).await.unwrap_or_else(|_| panic!("never: {expression}"));
    }

    /// The window's size in pixels, and whether pages are shown `light` or `dark`.
    pub(crate) async fn look(&self, (width, height): (u32, u32), scheme: &str) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        let scheme = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        for (command, parameters) in [("setDeviceMetricsOverride", size), ("setEmulatedMedia", scheme)] {
            let command = json!({ "cmd": format!("Emulation.{command}"), "params": parameters });
            self.call("/goog/cdp/execute", Some(command)).await;
        }
    }

    /// A picture of the window, as PNG.
    pub(crate) async fn picture(&self) -> Vec<u8> {
        STANDARD.decode(self.call("/screenshot", None).await.as_str().unwrap()).unwrap()
    }

    /// Ends the window, so that nothing of it is left.
    pub(crate) async fn quit(self) {
        self.http.call((Method::DELETE, &self.session), &[], String::new()).await.unwrap();
    }

    async fn find(&self, selector: &str) -> String {
        let found = self.call("/element", Some(json!({ "using": "css selector", "value": selector }))).await;
        found[ELEMENT].as_str().unwrap().to_owned()
    }

    async fn call(&self, path: &str, body: Option<Value>) -> Value {
        let url = format!("{}{path}", self.session);
        let (method, body) = match body {
            Some(body) => (Method::POST, body.to_string()),
            None => (Method::GET, String::new()),
        };
        let (_, answer) = self.http.call((method, &url), &[], body).await.unwrap();
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert!(answer["value"]["error"].is_null(), "{path}: {answer}");
        answer["value"].clone()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.profile);
    }
}
