//! A GitHub of an enterprise's own: an API with a path, a certificate of a private authority, older answers, and more patience than github.com has.

use std::sync::Arc;

use environment_gate::recovery::{FoundEnd, SweepMode};
use environment_gate::world::{FakeGithub, KnownApp, Player};
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::support::authority::authority;
use crate::support::fixtures;
use crate::support::function::{self, Files};
use crate::support::github::{Staged, app};
use crate::support::recovery::{lost, sweep};

const STORY: &str = "approve/an-enterprise-server";

/// The status of a delivery from a server with a certificate of a private authority, and the log of the function. The function knows the authority by `variable`, if by any.
async fn deliver_over_tls(variable: Option<&str>) -> (u64, String) {
    let (player, story, now) = (fixtures::player(), fixtures::one(STORY), Timestamp::now());
    let (pem, config) = authority();
    let files = Files::of_story(player, &story);
    let anchors = files.path("authority.pem");
    std::fs::write(&anchors, pem).unwrap();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let base_path = story.api.base_path();
    let url = format!("https://localhost:{}{base_path}", listener.local_addr().unwrap().port());
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let wrap = move |stream| acceptor.accept(stream);
    let known = KnownApp { base_path, ..app(player) };
    let github = FakeGithub::serve_wrapped(listener, Player::answers(&story, now, &url), known, wrap).unwrap();
    let more: Vec<(&str, &str)> = variable.map(|variable| (variable, anchors.as_str())).into_iter().collect();
    let mut lambda = function::start(player, &files, &url, &more).await;
    let status = lambda.invoke(player.event(&story, now.duration_since(story.present), &url)).await.status();
    let expected = if variable.is_some() { story.answers.len() } else { 0 };
    let calls: Vec<String> =
        github.calls().into_iter().map(|call| call.name).filter(|name| name != "rate_limit").collect();
    assert_eq!(calls.len(), expected, "{calls:?}");
    (status, lambda.log())
}

#[tokio::test]
async fn a_server_with_a_certificate_of_a_private_authority_is_asked_under_its_path() {
    let (status, log) = deliver_over_tls(Some("SSL_CERT_FILE")).await;
    assert_eq!(status, 204, "{log}");
    assert!(log.contains("\"outcome\":\"approved\""), "{log}");
}

#[tokio::test]
async fn without_its_authority_a_server_is_not_trusted_and_the_delivery_waits() {
    let (status, log) = deliver_over_tls(None).await;
    assert_eq!(status, 503, "{log}");
    assert!(log.contains("invalid peer certificate"), "the reason is in the log: {log}");
}

#[tokio::test]
async fn what_a_server_delivered_in_vain_is_decided_by_the_next_sweep() {
    let (swept, calls) = sweep(&lost(STORY), SweepMode::Scheduled, 1).await;
    let outcomes: Vec<&str> = swept
        .found
        .iter()
        .map(|found| match &found.end {
            FoundEnd::Settled(report) => report.outcome.name(),
            FoundEnd::WouldBe(..) => "would be decided",
        })
        .collect();
    assert_eq!((outcomes.as_slice(), swept.problems.as_slice()), (&["approved"][..], &[][..]), "{swept:?}");
    assert!(calls.iter().any(|call| call.name == "review"), "{calls:?}");
}

/// The status of a delivery that API Gateway took so many seconds ago.
async fn deliver_after(seconds: i64) -> u64 {
    let (player, story) = (fixtures::player(), fixtures::one(STORY));
    let Staged { github, mut event } = Staged::new(&story).await;
    let files = Files::of_story(player, &story);
    let mut lambda = function::start(player, &files, &github.url(), &[]).await;
    lambda.ready().await;
    event["requestContext"]["timeEpoch"] = (Timestamp::now().as_millisecond() - seconds * 1000).into();
    lambda.invoke(event).await.status()
}

/// A server waits for 30 s, API Gateway for 10: nothing is reviewed after it has given up, because then nobody could tell what was answered.
#[tokio::test]
async fn a_delivery_that_api_gateway_has_given_up_waits_for_the_sweep() {
    assert_eq!(deliver_after(12).await, 503);
}

/// So old a receipt is not this invocation's.
#[tokio::test]
async fn a_receipt_of_more_than_half_a_minute_ago_takes_no_time_from_a_delivery() {
    assert_eq!(deliver_after(40).await, 204);
}
