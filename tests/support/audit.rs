//! A log as an auditor finds it: lines that the built function wrote while stories were played, in a week of the test's own.

use environment_gate::gate::Policy;
use environment_gate::world::Story;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::fixtures;
use super::function::{self, Files};
use super::github::Staged;
use super::insights::Event;
use super::recovery::lost;
use super::runs::with_run;

/// How the function hears of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Arrival {
    Delivery,
    /// The delivery was lost, and a sweep finds what waits.
    Sweep,
}

/// A story, and when it is played with which run.
struct Scene {
    at: &'static str,
    story: &'static str,
    run: u64,
    arrival: Arrival,
}

const fn delivery(at: &'static str, story: &'static str, run: u64) -> Scene {
    Scene { at, story, run, arrival: Arrival::Delivery }
}

const fn sweep(at: &'static str, story: &'static str, run: u64) -> Scene {
    Scene { at, story, run, arrival: Arrival::Sweep }
}

const SCENES: [Scene; 17] = [
    delivery("2026-01-05T10:15:00Z", "approve/one-human-approved-the-gate", 9001),
    delivery("2026-01-05T10:45:00Z", "approve/a-later-wave-of-the-same-run", 9001),
    delivery("2026-01-05T11:00:00Z", "reject/the-starter-approved", 9002),
    delivery("2026-01-05T11:05:00Z", "defer/the-gate-still-waits", 9003),
    sweep("2026-01-05T11:06:00Z", "defer/the-gate-still-waits", 9003),
    sweep("2026-01-05T11:07:00Z", "approve/one-human-approved-the-gate", 9003),
    delivery("2026-01-05T11:30:00Z", "fail/the-app-is-not-installed", 9004),
    delivery("2026-01-05T11:40:00Z", "refuse/signature-forged", 9005),
    delivery("2026-01-05T11:50:00Z", "ignore/a-ping", 9005),
    delivery("2026-01-06T09:00:00Z", "approve/self-approval-where-the-rule-allows-it", 9006),
    delivery("2026-01-06T09:10:00Z", "reject/a-policy-denies", 9007),
    delivery("2026-01-06T09:20:00Z", "reject/the-gate-environment-does-not-exist", 9008),
    delivery("2026-01-06T09:30:00Z", "defer/a-policy-has-not-approved-yet", 9009),
    delivery("2026-01-06T09:40:00Z", "defer/a-policy-fails", 9010),
    delivery("2026-01-06T09:50:00Z", "approve/two-gates-two-people", 9011),
    delivery("2026-01-06T10:00:00Z", "reject/a-repository-without-a-rule", 9012),
    sweep("2026-01-06T10:01:00Z", "defer/the-gate-still-waits", 9013),
];

/// What Lambda and others write into the same log, and what was cut off.
pub(crate) const NOISE: [&str; 11] = [
    "INIT_START Runtime Version: provided:al2023.v79\tRuntime Version ARN: arn:aws:lambda:eu-central-1::runtime:0f",
    "START RequestId: 00000000-0000-0000-0000-000000000001 Version: $LATEST",
    "END RequestId: 00000000-0000-0000-0000-000000000001",
    "REPORT RequestId: 00000000-0000-0000-0000-000000000001\tDuration: 102.51 ms\tBilled Duration: 103 ms\tMemory Size: 256 MB",
    "2026-01-05T10:15:00.000Z 00000000-0000-0000-0000-000000000001 Task timed out after 15.00 seconds",
    r#"{"time":"2026-01-05T10:15:00.000Z","type":"platform.report","record":{"requestId":"1","metrics":{"durationMs":102.51},"status":"success"}}"#,
    r#"{"timestamp":"2026-01-05T10:15:00.000000Z","level":"WARN","message":"retrying","target":"hyper_util::client"}"#,
    r#"{"timestamp":"2026-01-05T10:15:00.000000Z","level":"INFO","message":"decision","outcome":"approved","target":"environment_gate::deci"#,
    r#"["environment_gate::decision", "approved"]"#,
    "environment_gate::decision approved {",
    "",
];

/// What an older version wrote: no hash of the policy, no calls left, no metrics.
const OLDER: [(&str, &str); 3] = [
    (
        "2026-01-04T09:00:00Z",
        r#"{"timestamp":"2026-01-04T09:00:00.000000Z","level":"INFO","message":"decision","outcome":"approved","status":204,"reason":"every check passed","checks_failed":"","approvers":"bob (2) for release-gate","gate_jobs":"7001","rule":1,"delivery":"72d3162e-cc78-11e3-81ab-4c9367dc0958","repository":"octo-org/widgets","repository_id":4242,"installation_id":555,"run_id":"8001","environment":"release","sha":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","github_calls":6,"took_ms":180,"target":"environment_gate::decision"}"#,
    ),
    (
        "2026-01-04T09:30:00Z",
        r#"{"timestamp":"2026-01-04T09:30:00.000000Z","level":"WARN","message":"decision","outcome":"deferred","status":503,"reason":"gate-conclusion (`release-gate`): the gate's job is waiting for its reviewers","checks_failed":"gate-conclusion","approvers":"","gate_jobs":"","rule":1,"delivery":"a sweep","repository":"octo-org/widgets","repository_id":4242,"installation_id":555,"run_id":"8002","environment":"release","sha":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","github_calls":6,"took_ms":180,"target":"environment_gate::decision"}"#,
    ),
    (
        "2026-01-04T09:30:01Z",
        r#"{"timestamp":"2026-01-04T09:30:01.000000Z","level":"INFO","message":"sweep","found":1,"left":0,"oldest_wait_seconds":600,"github_calls":9,"paused":false,"complete":true,"problems":"","target":"environment_gate::sweep"}"#,
    ),
];

/// What depends on the machine, and what stands in its place.
const MADE_UP: [(&str, u32); 4] =
    [("took_ms", 250), ("github_calls", 6), ("github_calls_left", 4900), ("oldest_wait_seconds", 600)];

/// The log of all of it, in the order of time.
pub(crate) async fn log() -> &'static [Event] {
    static LOG: OnceCell<Vec<Event>> = OnceCell::const_new();
    LOG.get_or_init(|| async {
        let older = OLDER.map(|(at, line)| Event { at: at.parse().unwrap(), message: line.to_owned() });
        let mut log = older.to_vec();
        for scene in &SCENES {
            log.extend(scene.play().await);
        }
        log
    })
    .await
}

/// Each run that a policy decided about, and the hash of that policy.
pub(crate) fn policy_hashes() -> Vec<(String, String)> {
    let asked = SCENES.iter().filter(|scene| !scene.story.starts_with("refuse/") && scene.story != "ignore/a-ping");
    let hash = |scene: &Scene| {
        let story = scene.story();
        let rego = story.policies.iter().map(|(name, text)| (name.as_str(), text.as_str()));
        Policy::parse(&story.policy).unwrap().with_rego(rego).unwrap().hash().to_owned()
    };
    asked.map(|scene| (scene.run.to_string(), hash(scene))).collect()
}

impl Scene {
    fn story(&self) -> Story {
        let mut story = match self.arrival {
            Arrival::Delivery => fixtures::one(self.story),
            Arrival::Sweep => {
                let mut story = lost(self.story);
                // Named in full, the repository would be looked into in some minutes and not in others.
                story.policy = story.policy.replace("octo-org/widgets", "octo-org/*");
                story
            }
        };
        story.webhook = with_run(&story.webhook, self.run);
        for body in story.answers.values_mut().flatten().filter_map(|canned| canned.body.as_mut()) {
            *body = with_run(body, self.run);
        }
        story
    }

    /// The lines of the function, a second apart.
    async fn play(&self) -> Vec<Event> {
        let (player, story) = (fixtures::player(), self.story());
        let Staged { github, event } = Staged::new(&story).await;
        let files = Files::of_story(player, &story);
        let mut lambda =
            function::start(player, &files, &github.url(), &[("METRICS_NAMESPACE", "EnvironmentGate/test")]).await;
        let schedule = json!({ "source": "aws.events", "detail-type": "Scheduled Event", "detail": {} });
        lambda.invoke(if self.arrival == Arrival::Sweep { schedule } else { event }).await;
        let log = lambda.log();
        let lines = log.lines().filter(|line| line.contains("\"target\":\"environment_gate::"));
        let begin: Timestamp = self.at.parse().unwrap();
        let events: Vec<Event> = (0..)
            .zip(lines)
            .map(|(number, line)| {
                let at = begin.checked_add(SignedDuration::from_secs(number)).unwrap();
                Event { at, message: at_its_time(line, at) }
            })
            .collect();
        assert!(!events.is_empty(), "{}: {log}", self.story);
        events
    }
}

/// The line as if it had been written then.
fn at_its_time(line: &str, at: Timestamp) -> String {
    let json: Value = serde_json::from_str(line).unwrap();
    let mut line = line.replacen(json["timestamp"].as_str().unwrap(), &format!("{at:.6}"), 1);
    for (field, made_up) in MADE_UP.iter().filter(|(field, _)| json[field].as_u64().is_some_and(|number| number > 0)) {
        line = line.replacen(&format!("\"{field}\":{}", json[field]), &format!("\"{field}\":{made_up}"), 1);
    }
    line
}
