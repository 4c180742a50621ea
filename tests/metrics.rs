//! CloudWatch takes its metrics out of the function's own log lines.

use std::collections::BTreeMap;

use environment_gate::world::{FakeGithub, Story};
use serde_json::{Value, json};

use crate::support::bus::{Bus, Manner};
use crate::support::fixtures;
use crate::support::function::{self, Files};
use crate::support::github::Staged;
use crate::support::recovery::lost;

const NAMESPACE: &str = "EnvironmentGate/test";

/// What CloudWatch makes of a log: for each metric, with its dimensions before it, the values. A line that the format's schema does not allow has none, so it fails here.
fn metrics(log: &str) -> BTreeMap<String, Vec<f64>> {
    let schema = serde_json::from_str(include_str!("support/emf.schema.json")).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let mut metrics: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for line in log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
        let Some(directives) = line.pointer("/_aws/CloudWatchMetrics") else { continue };
        assert!(schema.is_valid(&line), "{line}");
        for directive in directives.as_array().unwrap() {
            assert_eq!(directive["Namespace"], NAMESPACE);
            for dimensions in directive["Dimensions"].as_array().unwrap() {
                let dimensions = dimensions.as_array().unwrap().iter().map(|name| {
                    let (name, value) = (name.as_str().unwrap(), &line[name.as_str().unwrap()]);
                    let value = value.as_str().filter(|value| (1..=1024).contains(&value.len()));
                    format!("{name}={} ", value.unwrap_or_else(|| panic!("no dimension {name} in {line}")))
                });
                let dimensions: String = dimensions.collect();
                for metric in directive["Metrics"].as_array().unwrap() {
                    let name = metric["Name"].as_str().unwrap();
                    let value = line[name].as_f64().unwrap_or_else(|| panic!("no number {name} in {line}"));
                    metrics.entry(format!("{dimensions}{name}")).or_default().push(value);
                }
            }
        }
    }
    metrics
}

/// The metrics of a function to which a story was delivered.
async fn of_delivery(story: &Story) -> BTreeMap<String, Vec<f64>> {
    let Staged { github, event } = Staged::new(story).await;
    of_event(story, &github, event).await
}

/// The metrics of a function that got an event.
async fn of_event(story: &Story, github: &FakeGithub, event: Value) -> BTreeMap<String, Vec<f64>> {
    let player = fixtures::player();
    let files = Files::of_story(player, story);
    let mut lambda = function::start(player, &files, &github.url(), &[("METRICS_NAMESPACE", NAMESPACE)]).await;
    lambda.invoke(event).await;
    metrics(&lambda.log())
}

#[tokio::test]
async fn a_decision_is_counted_by_its_outcome_and_by_the_first_check_that_did_not_pass() {
    for (story, outcome, check) in [
        ("approve/one-human-approved-the-gate", "approved", "none"),
        ("reject/the-starter-approved", "rejected", "gate-approval"),
        ("refuse/signature-other-body", "refused", "none"),
    ] {
        let metrics = of_delivery(&fixtures::one(story)).await;
        assert_eq!(metrics[&format!("outcome={outcome} decisions")], [1.0], "{metrics:?}");
        assert_eq!(metrics[&format!("outcome={outcome} check={check} decisions")], [1.0], "{metrics:?}");
    }
}

#[tokio::test]
async fn a_decision_says_what_it_cost_and_what_github_still_allows() {
    let mut story = fixtures::one("approve/one-human-approved-the-gate");
    let left = [("x-ratelimit-limit", "5000"), ("x-ratelimit-remaining", "4321"), ("x-ratelimit-reset", "4102444800")];
    for answer in story.answers.get_mut("run").unwrap() {
        answer.headers.extend(left.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
    let metrics = of_delivery(&story).await;
    assert_eq!((&metrics["github_calls"], &metrics["github_calls_left"]), (&vec![6.0], &vec![4321.0]), "{metrics:?}");
    assert_eq!(metrics["took_ms"].len(), 1);
}

#[tokio::test]
async fn a_start_counts_the_settings_that_were_read() {
    let story = fixtures::one("approve/one-human-approved-the-gate");
    assert_eq!(of_delivery(&story).await["settings_read"], [1.0]);
}

#[tokio::test]
async fn a_reading_that_failed_is_a_problem_and_no_settings_that_were_read() {
    let (player, story) = (fixtures::player(), fixtures::one("approve/one-human-approved-the-gate"));
    let Staged { github, mut event } = Staged::new(&story).await;
    let files = Files::of_story(player, &story);
    let mut lambda = function::start(player, &files, &github.url(), &[("METRICS_NAMESPACE", NAMESPACE)]).await;
    lambda.ready().await;
    std::fs::write(files.path("policy.toml"), "pause = True\n").unwrap();
    // A wrong signature makes it read the settings again.
    event["headers"]["x-hub-signature-256"] = format!("sha256={}", "0".repeat(64)).into();
    lambda.invoke(event).await;
    let metrics = metrics(&lambda.log());
    assert_eq!((&metrics["settings_problems"], &metrics["settings_read"]), (&vec![1.0], &vec![1.0]), "{metrics:?}");
}

#[tokio::test]
async fn a_sweep_says_whether_it_was_complete_and_what_waits() {
    let schedule = json!({ "source": "aws.events", "detail-type": "Scheduled Event", "detail": {} });
    // Of the second one, GitHub does not list the failed deliveries.
    for (story, complete) in [
        (lost("approve/one-human-approved-the-gate"), 1.0),
        (fixtures::one("approve/one-human-approved-the-gate"), 0.0),
    ] {
        let Staged { github, .. } = Staged::new(&story).await;
        let metrics = of_event(&story, &github, schedule.clone()).await;
        assert_eq!((&metrics["completed"], metrics["oldest_wait_seconds"].len()), (&vec![complete], 1), "{metrics:?}");
    }
}

#[tokio::test]
async fn a_probe_finds_nothing_wrong_and_calls_nobody() {
    let story = fixtures::one("approve/one-human-approved-the-gate");
    let Staged { github, .. } = Staged::new(&story).await;
    let probe = json!({ "source": "environment-gate", "detail-type": "Probe" });
    assert_eq!(of_event(&story, &github, probe).await["wrong_decisions"], [0.0]);
    assert!(github.calls().is_empty());
}

#[tokio::test]
async fn an_event_that_the_bus_does_not_take_is_counted() {
    let (player, story) = (fixtures::player(), fixtures::one("approve/one-human-approved-the-gate"));
    let (bus, Staged { github, event }) = (Bus::start(Manner::Refuses).await, Staged::new(&story).await);
    let files = Files::of_story(player, &story);
    let variables = [bus.variables(), vec![("METRICS_NAMESPACE", NAMESPACE)]].concat();
    let mut lambda = function::start(player, &files, &github.url(), &variables).await;
    lambda.invoke(event).await;
    assert_eq!(metrics(&lambda.log())["events_lost"], [1.0]);
}

#[tokio::test]
async fn without_a_namespace_a_line_has_no_metrics() {
    let (player, story) = (fixtures::player(), fixtures::one("approve/one-human-approved-the-gate"));
    let Staged { github, event } = Staged::new(&story).await;
    let files = Files::of_story(player, &story);
    let mut lambda = function::start(player, &files, &github.url(), &[]).await;
    lambda.invoke(event).await;
    let log = lambda.log();
    assert!(log.contains("environment_gate::decision") && !log.contains("_aws"), "{log}");
}
