//! Whatever event Lambda hands the built function, every answer has a status that we chose.

use environment_gate::world::Story;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::support::fixtures;
use crate::support::function::{self, Files};
use crate::support::lambda::Invocation;

/// Events that are neither an HTTP request nor a schedule, or that cannot be read.
fn not_events(good: &Value) -> Vec<(&'static str, Value)> {
    let with = |pointer: &str, value: Value| {
        let mut event = good.clone();
        *event.pointer_mut(pointer).unwrap() = value;
        event
    };
    vec![
        ("nothing", Value::Null),
        ("an empty object", json!({})),
        ("a list", json!([1, 2])),
        ("a text", json!("deliver")),
        ("a queue's event", json!({ "Records": [{ "eventSource": "aws:sqs", "body": "x" }] })),
        (
            "another source's event",
            json!({ "source": "aws.ec2", "detail-type": "EC2 Instance State-change Notification", "detail": {} }),
        ),
        (
            "a REST API's event",
            json!({ "resource": "/github/webhook", "path": "/github/webhook", "httpMethod": "POST", "headers": {}, "requestContext": { "httpMethod": "POST", "stage": "prod" }, "body": "{}", "isBase64Encoded": false }),
        ),
        (
            "a load balancer's event",
            json!({ "requestContext": { "elb": { "targetGroupArn": "arn" } }, "httpMethod": "POST", "path": "/", "headers": {}, "body": "" }),
        ),
        (
            "an HTTP API's event in payload format 1.0",
            json!({ "version": "1.0", "path": "/github/webhook", "httpMethod": "POST", "headers": {}, "requestContext": { "httpMethod": "POST" }, "body": "{}", "isBase64Encoded": false }),
        ),
        ("headers that are a number", with("/headers", 1.into())),
        ("a flag that is a text", with("/isBase64Encoded", "the text of an event".into())),
        ("a method that is none", with("/requestContext/http/method", "P O S T".into())),
        ("a body that is a number", with("/body", 1.into())),
        ("no request context", with("/requestContext", Value::Null)),
        ("a time of receipt that is null", with("/requestContext/timeEpoch", Value::Null)),
        ("base64 that does not decode", base64(good, "%%%")),
        ("base64 without its end", base64(good, "AAAAA")),
        ("a host with a control in it", header(good, "host", "a b\u{7f}c")),
        ("a header's name with a blank", header(good, "x y", "z")),
        ("a signature with a control in it", header(good, "x-hub-signature-256", "sha256=\u{7f}")),
    ]
}

fn base64(good: &Value, body: &str) -> Value {
    let mut event = good.clone();
    event["isBase64Encoded"] = true.into();
    event["body"] = body.into();
    event
}

fn header(good: &Value, name: &str, value: &str) -> Value {
    let mut event = good.clone();
    event["headers"][name] = value.into();
    event
}

/// HTTP requests that are answered, and the status.
fn odd_requests(good: &Value) -> Vec<(&'static str, Value, u64)> {
    let with = |pointer: &str, value: Value| {
        let mut event = good.clone();
        *event.pointer_mut(pointer).unwrap() = value;
        event
    };
    let header = |name: &str, value: &str| header(good, name, value);
    let mut without_receipt = good.clone();
    without_receipt["requestContext"].as_object_mut().unwrap().remove("timeEpoch");
    vec![
        ("more base64 than is read", base64(good, &"A".repeat(3_000_000)), 413),
        ("no body", with("/body", Value::Null), 401),
        ("a header in another script", header("x-name", "Zoë"), 204),
        ("two signatures in one header", header("x-hub-signature-256", "sha256=00,sha256=00"), 401),
        ("no time of receipt", without_receipt, 204),
        ("an empty signature", header("x-hub-signature-256", ""), 401),
        (
            "a signature with a blank before it",
            header("x-hub-signature-256", &format!(" {}", good["headers"]["x-hub-signature-256"].as_str().unwrap())),
            401,
        ),
        (
            "a signature in another algorithm's name",
            header("x-hub-signature-256", &format!("sha1={}", "0".repeat(64))),
            401,
        ),
        ("a delivery id that is a story", header("x-github-delivery", "a\tb <script>"), 204),
        ("another path", with("/requestContext/http/path", "/".into()), 404),
        ("a path with tricks", with("/requestContext/http/path", "/github/webhook/../webhook".into()), 404),
        ("another method", with("/requestContext/http/method", "PUT".into()), 405),
    ]
}

#[tokio::test]
async fn every_event_ends_in_an_error_or_in_a_status_that_we_chose() {
    let player = fixtures::player();
    let story = Story {
        delivery: environment_gate::world::Delivery { event: Some("ping".to_owned()), ..Default::default() },
        ..fixtures::one("ignore/a-ping")
    };
    let github = function::silent_github(player).await;
    let files = Files::of_story(player, &story);
    let mut lambda = function::start(player, &files, &github.url(), &[("RUST_LOG", "trace")]).await;
    let good = player.event(&story, SignedDuration::ZERO, &github.url());
    assert_eq!(lambda.invoke(good.clone()).await.status(), 204);
    for (what, event) in not_events(&good) {
        let invocation = lambda.invoke(event).await;
        assert!(matches!(invocation, Invocation::Error(_)), "{what}: got {invocation:?}, expected an error");
    }
    for (what, event, status) in odd_requests(&good) {
        let invocation = lambda.invoke(event).await;
        assert_eq!(invocation.status(), status, "{what}: got {invocation:?}");
    }
    assert!(!lambda.log().contains("the text of an event"), "{}", lambda.log());
    assert!(lambda.log().contains("set `PayloadFormatVersion`"), "the log says what to do: {}", lambda.log());
    assert!(github.calls().is_empty(), "none of them reaches GitHub");
}

#[tokio::test]
async fn health_and_schedule_are_answered() {
    let player = fixtures::player();
    let story = fixtures::one("ignore/a-ping");
    let github = function::silent_github(player).await;
    let files = Files::of_story(player, &story);
    let mut lambda = function::start(player, &files, &github.url(), &[]).await;
    let mut health = player.event(&story, SignedDuration::ZERO, &github.url());
    health["requestContext"]["http"]["method"] = "GET".into();
    health["requestContext"]["http"]["path"] = "/health".into();
    assert_eq!(lambda.invoke(health).await.status(), 200);
    let schedule = json!({ "version": "0", "id": "53dc4d37", "detail-type": "Scheduled Event", "source": "aws.events", "account": "123456789012", "time": "2026-01-05T10:15:00Z", "region": "eu-central-1", "resources": ["arn:aws:events:eu-central-1:123456789012:rule/sweep"], "detail": {} });
    assert_eq!(lambda.invoke(schedule).await, Invocation::Answer(Value::Null));
}
