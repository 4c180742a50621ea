//! How we talk to GitHub: in parallel, over HTTP/2 where there is TLS, page by page.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use environment_gate::http::{Bounds, HttpClient};
use environment_gate::world::{Canned, FakeGithub, Player, Present, Story};
use http_body_util::Empty;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

use crate::support::authority::authority;
use crate::support::fixtures;
use crate::support::function::{self, Files};
use crate::support::github::{self, app};
use crate::support::mortal::{Connections, Death};
use crate::support::runs::{Stage, with_run};

/// Answers that are given only when all reads have come: one after the other would wait for ever.
#[tokio::test]
async fn the_evidence_is_read_in_one_round_trip_and_the_review_is_the_second() {
    let player = fixtures::player();
    let mut story = fixtures::one("approve/one-human-approved-the-gate");
    let reads = ["run", "jobs.1", "approvals", "environment.release-gate"];
    for read in reads {
        story.answers.get_mut(read).unwrap()[0].after = reads.iter().map(|name| (*name).to_owned()).collect();
    }
    let played = player.play(&story, Present::Story).await.unwrap();
    assert_eq!(played.report.outcome.name(), "approved", "{}", played.report.outcome.reason());
    let names: Vec<&str> = played.calls.iter().map(|call| call.name.as_str()).collect();
    assert_eq!(names[0], "access_tokens");
    assert_eq!(names[5], "review", "{names:?}");
}

fn many_jobs(story: &mut Story, total: usize) {
    let jobs = story.answers["jobs.1"][0].body.clone().unwrap()["jobs"].as_array().unwrap().clone();
    let mut all: Vec<Value> = (0..total - jobs.len())
        .map(|number| {
            let mut job = jobs[0].clone();
            job["id"] = (100_000 + number).into();
            job["name"] = format!("build ({number})").into();
            job
        })
        .collect();
    all.extend(jobs);
    for (page, some) in (1..).zip(all.chunks(100)) {
        let body = json!({ "total_count": total, "jobs": some });
        let canned = Canned { status: 200, body: Some(body), ..Canned::default() };
        story.answers.insert(format!("jobs.{page}"), vec![canned]);
    }
}

#[tokio::test]
async fn a_gate_on_a_later_page_is_found() {
    let player = fixtures::player();
    for total in [100, 101, 1300] {
        let mut story = fixtures::one("approve/one-human-approved-the-gate");
        many_jobs(&mut story, total);
        let played = player.play(&story, Present::Story).await.unwrap();
        assert_eq!(played.report.outcome.name(), "approved", "{total}: {}", played.report.outcome.reason());
        assert_eq!(played.violations, Vec::<String>::new());
    }
}

#[tokio::test]
async fn more_jobs_than_are_read_is_a_reason_to_wait() {
    let player = fixtures::player();
    let mut story = fixtures::one("approve/one-human-approved-the-gate");
    story.answers.get_mut("jobs.1").unwrap()[0].body.as_mut().unwrap()["total_count"] = 3001.into();
    // So many may wait that it looks first whether any still does.
    let pending = json!([{ "environment": { "id": 502, "name": "release" } }]);
    let pending = Canned { status: 200, body: Some(pending), ..Canned::default() };
    story.answers.insert("pending_deployments".to_owned(), vec![pending]);
    let played = player.play(&story, Present::Story).await.unwrap();
    assert_eq!(played.report.outcome.name(), "deferred");
}

#[tokio::test]
async fn a_job_on_two_pages_hides_another_and_is_a_reason_to_wait() {
    let player = fixtures::player();
    let mut story = fixtures::one("approve/one-human-approved-the-gate");
    many_jobs(&mut story, 150);
    let first = story.answers["jobs.1"][0].body.clone().unwrap()["jobs"][99].clone();
    story.answers.get_mut("jobs.2").unwrap()[0].body.as_mut().unwrap()["jobs"][0] = first;
    let played = player.play(&story, Present::Story).await.unwrap();
    assert_eq!(played.report.outcome.name(), "deferred");
}

/// What it takes to serve TLS.
struct Encrypted {
    player: &'static Player,
    story: Story,
    files: Files,
    /// Where the authority's certificate is.
    anchors: String,
    acceptor: TlsAcceptor,
}

impl Encrypted {
    fn new() -> Self {
        let player = fixtures::player();
        let story = fixtures::one("approve/one-human-approved-the-gate");
        let (pem, config) = authority();
        let files = Files::of_story(player, &story);
        let anchors = files.path("anchors.pem");
        std::fs::write(&anchors, pem).unwrap();
        Self { player, story, files, anchors, acceptor: TlsAcceptor::from(Arc::new(config)) }
    }
}

/// A port of ours, and its URL.
async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    (listener, url)
}

#[tokio::test]
async fn tls_speaks_http_2_and_trusts_only_whom_it_is_told_to() {
    let Encrypted { player, story, files, anchors, acceptor } = Encrypted::new();
    let (_app_id, _, _key) = player.app();
    for (more, status, calls) in [(vec![("SSL_CERT_FILE", anchors.as_str())], 204, 7), (vec![], 503, 0)] {
        let (now, acceptor, (listener, url)) = (Timestamp::now(), acceptor.clone(), listen().await);
        let answers = Player::answers(&story, now, &url);
        let wrap = move |stream| acceptor.accept(stream);
        let fake = FakeGithub::serve_wrapped(listener, answers, app(player), wrap).unwrap();
        let mut lambda = function::start(player, &files, &url, &more).await;
        let invocation = lambda.invoke(player.event(&story, now.duration_since(story.present), &url)).await;
        assert_eq!(invocation.status(), status, "{}", lambda.log());
        assert_eq!(fake.calls().len(), calls);
        assert!(fake.calls().iter().all(|call| call.version == hyper::Version::HTTP_2));
    }
}

#[tokio::test]
async fn an_http_2_connection_that_died_while_the_function_slept_costs_a_try() {
    let Encrypted { player, story, files, anchors, acceptor } = Encrypted::new();
    let (_app_id, _, _key) = player.app();
    for death in [Death::Reset, Death::Silence] {
        let (now, acceptor, (listener, url)) = (Timestamp::now(), acceptor.clone(), listen().await);
        let connections = Connections::new(death);
        let open = connections.clone();
        let wrap = move |stream| acceptor.accept(open.open(stream));
        let mut answers = Player::answers(&story, now, &url);
        let nothing = Canned { status: 200, body: Some(json!([])), ..Canned::default() };
        answers.insert("pending_deployments".to_owned(), vec![nothing]);
        let fake = FakeGithub::serve_wrapped(listener, answers, app(player), wrap).unwrap();
        let mut lambda = function::start(player, &files, &url, &[("SSL_CERT_FILE", &anchors)]).await;
        let event = player.event(&story, now.duration_since(story.present), &url);
        assert_eq!(lambda.invoke(event.clone()).await.status(), 204, "{}", lambda.log());
        let before = fake.calls().len();
        connections.die();
        // The run was reviewed a moment ago, so the second one asks only whether anything is still waiting.
        assert_eq!(lambda.invoke(event).await.status(), 204, "{}", lambda.log());
        assert_eq!(fake.calls().len(), before + 1, "{death:?}");
    }
}

#[tokio::test]
async fn a_slow_handshake_delays_no_readiness_and_the_first_call_waits_for_it() {
    let Encrypted { player, story, files, anchors, acceptor } = Encrypted::new();
    let (_app_id, _, _key) = player.app();
    let (now, (listener, url)) = (Timestamp::now(), listen().await);
    let (opened, may_open) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
    let (count, wait) = (Arc::clone(&opened), Arc::clone(&may_open));
    let wrap = move |stream| {
        count.fetch_add(1, Ordering::Relaxed);
        let (acceptor, wait) = (acceptor.clone(), Arc::clone(&wait));
        async move {
            let _open = wait.acquire().await.unwrap();
            acceptor.accept(stream).await
        }
    };
    let answers = Player::answers(&story, now, &url);
    let _fake = FakeGithub::serve_wrapped(listener, answers, app(player), wrap).unwrap();
    let mut lambda = function::start(player, &files, &url, &[("SSL_CERT_FILE", &anchors)]).await;
    lambda.ready().await;
    may_open.add_permits(1);
    let invocation = lambda.invoke(player.event(&story, now.duration_since(story.present), &url)).await;
    assert_eq!(invocation.status(), 204, "{}", lambda.log());
    assert_eq!(opened.load(Ordering::Relaxed), 1, "one connection for all");
}

/// How often a request is seen by a server that resets its first stream for `reason`, and whether it is answered.
async fn seen_and_answered(reason: h2::Reason) -> (usize, bool) {
    let (pem, config) = authority();
    let (listener, url) = listen().await;
    let seen = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&seen);
    tokio::spawn(async move {
        let stream = TlsAcceptor::from(Arc::new(config)).accept(listener.accept().await.unwrap().0).await.unwrap();
        let answer = service_fn(move |_| {
            let is_first = count.fetch_add(1, Ordering::Relaxed) == 0;
            let answer = hyper::Response::new(Empty::<Bytes>::new());
            async move { if is_first { Err(h2::Error::from(reason)) } else { Ok(answer) } }
        });
        http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), answer).await
    });
    let client = HttpClient::new(Some(pem.as_bytes())).unwrap();
    let bounds = Bounds { time: Duration::from_mins(1), body_bytes: 1_024 };
    let answer = client.send(http::Request::post(url).body("a review".into()).unwrap(), bounds).await;
    (seen.load(Ordering::Relaxed), answer.is_ok())
}

#[tokio::test]
async fn what_the_other_side_refused_to_look_at_is_sent_again() {
    assert_eq!(seen_and_answered(h2::Reason::REFUSED_STREAM).await, (2, true));
}

#[tokio::test]
async fn what_the_other_side_may_have_done_is_not_sent_again() {
    assert_eq!(seen_and_answered(h2::Reason::INTERNAL_ERROR).await, (1, false));
}

#[tokio::test]
async fn a_start_with_local_settings_calls_nobody_and_a_warm_decision_makes_five_requests() {
    let player = fixtures::player();
    let (_app_id, _, _key) = player.app();
    let mut story = fixtures::one("approve/one-human-approved-the-gate");
    let (listener, url) = github::listen().await;
    let now = Timestamp::now();
    story.answers = Player::answers(&story, now, &url);
    let stage = Stage::new(Duration::ZERO);
    let app = app(player);
    let _fake = FakeGithub::serve(listener, stage.source(&story), app).unwrap();
    let files = Files::of_story(player, &story);
    let mut lambda = function::start(player, &files, &url, &[]).await;
    lambda.ready().await;
    assert_eq!(stage.calls(), 0);
    for (run, calls) in [(1_000_001, 6), (1_000_002, 5)] {
        stage.play(&story, run);
        let mut one = story.clone();
        one.webhook = with_run(&one.webhook, run);
        let event = player.event(&one, now.duration_since(one.present), &url);
        assert_eq!(lambda.invoke(event).await.status(), 204, "{}", lambda.log());
        assert_eq!(stage.calls(), calls, "the token is kept");
    }
}
