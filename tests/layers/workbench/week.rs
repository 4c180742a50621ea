//! A week of recorded runs, a policy about days, and a workbench that is open on them.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use environment_gate::world::move_times;
use http::Method;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::support::PATIENCE;
use crate::support::http::Http;

const STORY: &str = "fixtures/approve/one-human-approved-the-gate";
const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
/// As it was when the runs were recorded.
const RECORDED: &str = "package business_hours\n\nimport rego.v1\n\ndeny contains \"no releases on Saturdays\" if {\n  time.weekday(input.request.timestamp_ns) == \"Saturday\"\n}\n";
const DENY_WEEKENDS: &str = "deny contains \"no releases on weekends\" if {\n  time.weekday(input.request.timestamp_ns) in data.config.closed\n}\n";

/// The file as it is now.
pub(crate) fn policy() -> String {
    format!("package business_hours\n\nimport rego.v1\n\n{DENY_WEEKENDS}")
}

/// A folder with a week of stories, and a policy.
pub(crate) struct Week {
    pub(crate) folder: PathBuf,
}

impl Week {
    pub(crate) fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("environment-gate-{:016x}", fastrand::u64(..)));
        let week = Self { folder };
        for (number, day) in (0..).zip(DAYS) {
            let story = week.folder.join(format!("week/{}-{}", number + 1, day.to_lowercase()));
            write_story(&story, day, SignedDuration::from_hours(24 * number));
        }
        std::fs::write(week.path("business-hours.rego"), policy()).unwrap();
        week
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.join(name).to_string_lossy().into_owned()
    }

    /// `gate workbench`, serving.
    pub(crate) async fn open(&self, arguments: &[&str]) -> Served {
        let mut command = command(arguments);
        let mut child =
            command.current_dir(&self.folder).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut told = Vec::new();
        loop {
            let line = tokio::time::timeout(PATIENCE, lines.next_line()).await.expect("it goes on").unwrap();
            told.push(line.unwrap_or_else(|| panic!("it ended: {told:?}")));
            let mut words = told.last().unwrap().split_whitespace();
            if let Some(url) = words.find(|word| word.starts_with("http://127.0.0.1")) {
                return Served { url: url.to_owned(), told, child };
            }
        }
    }
}

fn write_story(folder: &Path, day: &str, later: SignedDuration) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join(STORY);
    for inner in ["github", "policies"] {
        std::fs::create_dir_all(folder.join(inner)).unwrap();
    }
    let github = std::fs::read_dir(from.join("github")).unwrap().map(|entry| entry.unwrap().path());
    for path in github.chain([from.join("webhook.json")]) {
        let mut json: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        move_times(&mut json, later);
        std::fs::write(folder.join(path.strip_prefix(&from).unwrap()), json.to_string()).unwrap();
    }
    let story = std::fs::read_to_string(from.join("story.toml")).unwrap();
    let present = "2026-01-05T10:15:00Z".parse::<Timestamp>().unwrap().checked_add(later).unwrap();
    let mut lines: Vec<String> = story.lines().map(ToOwned::to_owned).collect();
    lines[0] = format!("claim = \"A release on a {day}\"");
    lines[1] = format!("present = \"{present}\"");
    std::fs::write(folder.join("story.toml"), lines.join("\n")).unwrap();
    let rule = std::fs::read_to_string(from.join("policy.toml")).unwrap();
    let policy = format!("{rule}policies = [\"business-hours\"]\n\n[data]\nclosed = [\"Saturday\", \"Sunday\"]\n");
    std::fs::write(folder.join("policy.toml"), policy).unwrap();
    std::fs::write(folder.join("policies/business-hours.rego"), RECORDED).unwrap();
}

impl Drop for Week {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gate"));
    command.arg("workbench").args(arguments).env_clear().kill_on_drop(true);
    command
}

/// A workbench that is open.
pub(crate) struct Served {
    pub(crate) url: String,
    pub(crate) told: Vec<String>,
    pub(crate) child: Child,
}

impl Served {
    /// Where the server is: `http://127.0.0.1:1234`.
    pub(crate) fn origin(&self) -> String {
        self.url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/")
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        let (status, text) =
            Http::new().call((Method::GET, &format!("{}{path}", self.url)), &[], String::new()).await.unwrap();
        (status.as_u16(), serde_json::from_str(&text).unwrap())
    }

    /// What the page itself would send.
    pub(crate) async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        let origin = self.origin();
        let headers = [("origin", origin.as_str()), ("content-type", "application/json")];
        let url = format!("{}{path}", self.url);
        let (status, text) = Http::new().call((Method::POST, &url), &headers, body.to_string()).await.unwrap();
        (status.as_u16(), serde_json::from_str(&text).unwrap())
    }

    /// A whole answer to a request of these lines, in small letters.
    pub(crate) async fn raw(&self, lines: &[&str]) -> String {
        let mut stream = TcpStream::connect(self.origin().trim_start_matches("http://")).await.unwrap();
        let request = format!("{}\r\nconnection: close\r\n\r\n", lines.join("\r\n"));
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer.to_lowercase()
    }
}
