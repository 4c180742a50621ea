//! The built function, started as Lambda starts it, comes to the same ends as the handler in this process.

use environment_gate::world::{FakeGithub, KnownApp, Player};
use jiff::Timestamp;
use serde_json::Value;

use crate::support::fixtures::{self, Fixture};
use crate::support::function::{self, Files};

async fn play(player: &Player, fixture: &Fixture) -> Vec<String> {
    let (app_id, _, key) = player.app();
    let now = Timestamp::now();
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answers = Player::answers(&fixture.story, now, &url);
    let wrap = |stream| async { Ok(stream) };
    let fake = FakeGithub::serve_wrapped(
        listener,
        answers,
        KnownApp { id: app_id, public_key: key.public_der(), base_path: "" },
        wrap,
    )
    .unwrap();
    let files = Files::new(player, &fixture.story.policy);
    let mut lambda = function::start(player, &files, &fake.url(), &[]).await;
    let event = player.event(&fixture.story, now.duration_since(fixture.story.present), &url);
    let invocation = lambda.invoke(event).await;
    let mut problems = fake.violations();
    if invocation.status() != u64::from(fixture.story.expected.status) {
        problems.push(format!("got {invocation:?}, expected {}", fixture.story.expected.status));
    }
    let log = lambda.log();
    let decision = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .find(|line| line["target"] == "environment_gate::decision");
    match decision {
        Some(line)
            if line["outcome"] == fixture.outcome
                && line["checks_failed"] == fixture.story.expected.because.join(",") => {}
        other => problems.push(format!(
            "got the line {other:?}, expected {} because of {:?}",
            fixture.outcome, fixture.story.expected.because
        )),
    }
    problems
}

#[tokio::test]
async fn the_built_function_plays_every_story() {
    let player = Player::new(fixtures::limits()).unwrap();
    let mut problems = Vec::new();
    for fixture in fixtures::all() {
        let found = play(&player, &fixture).await;
        problems.extend(found.into_iter().map(|problem| format!("{}: {problem}", fixture.name)));
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
