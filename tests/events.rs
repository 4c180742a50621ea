//! One event for each decision: what it says, and that it never stands in the way of the decision.

use std::collections::BTreeSet;
use std::sync::Arc;

use environment_gate::notification::{DETAIL_BYTES_MAX, detail};
use environment_gate::world::{AnswerSource, FakeGithub, Living, Player, Present};
use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::support::bus::{Bus, Manner};
use crate::support::fixtures::Place;
use crate::support::function::{self, Files};
use crate::support::github::{Staged, app, listen};
use crate::support::lambda::Lambda;
use crate::support::recovery::{canned, lost};
use crate::support::runs::with_run;
use crate::support::{PATIENCE, documents, fixtures};

const WEB: &str = "https://github.com";
const APPROVED: &str = "approve/one-human-approved-the-gate";
const REJECTED: &str = "reject/the-starter-approved";
const DEFERRED: &str = "defer/the-gate-still-waits";

/// The event of a story, as text; none where there is none.
async fn event_of(name: &str) -> Option<String> {
    let played = fixtures::player().play(&fixtures::one(name), Present::Story).await.unwrap();
    detail(&played.report, WEB)
}

/// A story that was played, and its event.
struct Told {
    name: String,
    outcome: &'static str,
    event: Option<String>,
}

/// All stories. They are played once.
async fn stories() -> &'static [Told] {
    static STORIES: OnceCell<Vec<Told>> = OnceCell::const_new();
    let play = || async {
        let mut told = Vec::new();
        for Place { name, outcome, .. } in fixtures::places() {
            told.push(Told { event: event_of(&name).await, name, outcome });
        }
        told
    };
    STORIES.get_or_init(play).await
}

/// The events of those that have one, by the stories' names.
async fn events() -> impl Iterator<Item = (&'static str, &'static str)> {
    stories().await.iter().filter_map(|told| Some((told.name.as_str(), told.event.as_deref()?)))
}

fn validator() -> jsonschema::Validator {
    let schema: Value = serde_json::from_str(&documents::read("docs/event.schema.json")).unwrap();
    jsonschema::options().with_draft(jsonschema::Draft::Draft202012).build(&schema).unwrap()
}

fn problems(validator: &jsonschema::Validator, event: &Value) -> Vec<String> {
    validator.iter_errors(event).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[tokio::test]
async fn the_event_of_every_story_is_as_the_schema_says() {
    let validator = validator();
    for (name, event) in events().await {
        let event = serde_json::from_str(event).unwrap();
        assert_eq!(problems(&validator, &event), Vec::<String>::new(), "{name}: {event:#}");
    }
}

#[tokio::test]
async fn there_is_an_event_of_what_was_decided_and_of_nothing_else() {
    for Told { name, outcome, event } in stories().await {
        let is_decided = ["approved", "rejected", "deferred", "failed"].contains(outcome);
        assert_eq!(event.is_some(), is_decided, "{name}");
    }
}

#[tokio::test]
async fn ten_events_of_any_story_fit_into_one_call() {
    for (name, event) in events().await {
        assert!(event.len() <= DETAIL_BYTES_MAX, "{name}: {} bytes", event.len());
    }
}

#[tokio::test]
async fn no_secret_token_key_or_body_is_in_an_event() {
    let (_, secrets, key) = fixtures::player().app();
    let mut forbidden: Vec<String> = secrets.expose_secret().lines().map(ToOwned::to_owned).collect();
    forbidden.extend(key.private_pem().expose_secret().lines().map(ToOwned::to_owned));
    forbidden.extend(["ghs_", "Bearer", "eyJ", "sha256=", "node_id", "Widgets for everyone"].map(ToOwned::to_owned));
    for (name, event) in events().await {
        for text in &forbidden {
            assert!(!event.contains(text.as_str()), "{name}: `{text}` is in {event}");
        }
    }
}

/// Each field, as a path, with the type of its value. All entries of a list have one path.
fn fields(path: &str, value: &Value, found: &mut BTreeSet<String>) {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(items) => {
            for item in items {
                fields(&format!("{path}/*"), item, found);
            }
            "list"
        }
        Value::Object(object) => {
            object.iter().for_each(|(name, value)| fields(&format!("{path}/{name}"), value, found));
            "object"
        }
    };
    found.insert(format!("{path} {kind}"));
}

/// The golden file is never written by a program. A field that is added may be added there too; nothing in it changes.
#[tokio::test]
async fn no_field_of_an_event_leaves_or_changes_its_type() {
    let golden: Value = serde_json::from_str(&documents::read("tests/golden/event.json")).unwrap();
    for (name, golden) in golden.as_object().unwrap() {
        let event: Value = serde_json::from_str(&event_of(name).await.unwrap()).unwrap();
        let (mut had, mut has) = (BTreeSet::new(), BTreeSet::new());
        fields("", golden, &mut had);
        fields("", &event, &mut has);
        let gone: Vec<&String> = had.difference(&has).collect();
        assert_eq!(gone, Vec::<&String>::new(), "{name}: {event:#}");
    }
}

#[test]
fn what_was_sent_once_is_still_as_the_schema_says() {
    let golden: Value = serde_json::from_str(&documents::read("tests/golden/event.json")).unwrap();
    for (name, event) in golden.as_object().unwrap() {
        assert_eq!(problems(&validator(), event), Vec::<String>::new(), "{name}");
    }
}

/// The status of a story's delivery to a function with this bus, the states of the reviews that it posted, and its lines about events.
async fn deliver(name: &str, bus: &Bus, deliveries: usize) -> (u64, Vec<Value>, Vec<Value>) {
    let (player, story) = (fixtures::player(), fixtures::one(name));
    let Staged { github, event } = Staged::new(&story).await;
    let files = Files::of_story(player, &story);
    let mut lambda = function::start(player, &files, &github.url(), &bus.variables()).await;
    let mut status = 0;
    for _ in 0..deliveries {
        status = lambda.invoke(event.clone()).await.status();
    }
    let reviews = github.calls().into_iter().filter(|call| call.name == "review");
    (status, reviews.map(|call| call.sent["state"].clone()).collect(), lines(&lambda))
}

/// The lines of the log about events.
fn lines(lambda: &Lambda) -> Vec<Value> {
    let log = lambda.log();
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["target"] == "environment_gate::events").collect()
}

#[tokio::test]
async fn the_event_of_a_delivery_gets_to_the_bus() {
    for (name, outcome) in [(APPROVED, "approved"), (REJECTED, "rejected"), (DEFERRED, "deferred")] {
        let bus = Bus::start(Manner::Takes).await;
        let arrives = async {
            // A machine that is too busy loses an event, as the function may.
            while bus.calls().is_empty() {
                deliver(name, &bus, 1).await;
            }
        };
        tokio::time::timeout(PATIENCE, arrives).await.expect("an event");
        let entry = &bus.calls()[0][0];
        let [bus, source, kind] = ["EventBusName", "Source", "DetailType"].map(|field| entry[field].as_str().unwrap());
        assert_eq!([bus, source, kind], ["releases", "environment-gate", "Decision"]);
        let detail: Value = serde_json::from_str(entry["Detail"].as_str().unwrap()).unwrap();
        assert_eq!((&detail["outcome"], &detail["run_id"]), (&json!(outcome), &json!("9001")), "{detail:#}");
    }
}

#[tokio::test]
async fn a_bus_that_never_answers_changes_no_decision() {
    let bus = Bus::start(Manner::Hangs).await;
    let (status, reviews, lines) = deliver(APPROVED, &bus, 1).await;
    assert_eq!((status, reviews), (204, vec![json!("approved")]));
    let reason = lines[0]["reason"].as_str().unwrap();
    assert!(reason.starts_with("`EVENT_BUS_NAME` (event bus `releases`): no answer from AWS"), "{reason}");
}

#[tokio::test]
async fn a_bus_that_refuses_changes_no_decision_and_one_line_says_why() {
    for (manner, why) in [
        (Manner::Refuses, "AWS says AccessDeniedException: User: arn:aws:sts::"),
        (Manner::RefusesEach, "AWS says NotAuthorizedForSourceException: Not authorized for the source."),
    ] {
        let bus = Bus::start(manner).await;
        let (status, reviews, lines) = deliver(REJECTED, &bus, 1).await;
        assert_eq!((status, reviews, lines.len()), (204, vec![json!("rejected")], 1));
        let reason = lines[0]["reason"].as_str().unwrap();
        // On a machine that is busy with other things, even a bus that answers may be too slow.
        assert!(reason.contains(why) || reason.contains("no answer from AWS"), "{reason}");
    }
}

#[tokio::test]
async fn a_bus_that_takes_nothing_floods_no_log() {
    let (bus, began) = (Bus::start(Manner::Refuses).await, Timestamp::now());
    let (status, _, lines) = deliver(DEFERRED, &bus, 5).await;
    assert_eq!((status, lines[0]["events_lost"].as_u64()), (503, Some(1)), "{lines:#?}");
    // One a minute, on a machine that is slow enough.
    let more = usize::try_from(Timestamp::now().duration_since(began).as_mins()).unwrap();
    assert!(lines.len() <= 1 + more, "{lines:#?}");
}

/// A GitHub on which many runs wait for the same gate: each answer is of the run that was asked about.
async fn github_with_runs(runs: std::ops::Range<u64>) -> FakeGithub {
    let mut story = lost(DEFERRED);
    let run = story.answers["run"][0].body.clone().unwrap();
    let listed: Vec<Value> = runs.map(|id| with_run(&run, id)).collect();
    let listed = json!({ "total_count": listed.len(), "workflow_runs": listed });
    story.answers.insert("runs.1".to_owned(), canned(listed));
    let (listener, url) = listen().await;
    let answers = Player::answers(&story, Timestamp::now(), &url);
    let token = answers["access_tokens"][0].body.as_ref().unwrap()["token"].as_str().unwrap().to_owned();
    let living: Living = Arc::new(move |asked| {
        let run = asked.path.split("/runs/").nth(1).and_then(|rest| rest.split(['/', '?']).next());
        let mut answer = answers.get(&asked.name).map(|answers| answers[0].clone()).unwrap_or_default();
        if let (Some(run), Some(body)) = (run.and_then(|run| run.parse().ok()), &mut answer.body) {
            *body = with_run(body, run);
        }
        Box::pin(async move { answer })
    });
    FakeGithub::serve(listener, AnswerSource::Living(living, token), app(fixtures::player())).unwrap()
}

#[tokio::test]
async fn the_events_of_a_sweep_come_ten_at_a_time() {
    let (player, bus) = (fixtures::player(), Bus::start(Manner::Takes).await);
    let github = github_with_runs(9001..9014).await;
    let files = Files::of_story(player, &fixtures::one(DEFERRED));
    let mut lambda = function::start(player, &files, &github.url(), &bus.variables()).await;
    let schedule = json!({ "version": "0", "source": "aws.events", "detail-type": "Scheduled Event", "detail": {} });
    // A slow machine may need more than one sweep for them all.
    let swept = async {
        while !bus.calls().iter().any(|call| call.len() == 10) {
            lambda.invoke(schedule.clone()).await;
        }
    };
    tokio::time::timeout(PATIENCE, swept).await.expect("a call with ten events");
    assert!(bus.calls().iter().all(|call| (1..=10).contains(&call.len())), "{:?}", bus.calls());
}

#[tokio::test]
async fn a_name_that_is_not_one_of_a_bus_stops_the_start() {
    let (player, story) = (fixtures::player(), fixtures::one(APPROVED));
    let files = Files::of_story(player, &story);
    let github = function::silent_github(player).await;
    let mut lambda = function::start(player, &files, &github.url(), &[("EVENT_BUS_NAME", "a bus")]).await;
    assert!(!lambda.end().await.success());
    let expected = "`EVENT_BUS_NAME`: got `a bus`, expected the name of an event bus, such as `default`, or its ARN";
    assert!(lambda.log().contains(expected), "{}", lambda.log());
}
