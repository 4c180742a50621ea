//! The built function, started as Lambda starts it, reaches the same outcomes as the handler in this process.

use serde_json::Value;

use crate::support::fixtures::{self, Fixture};
use crate::support::function::{self, Files};
use crate::support::github::Staged;

async fn play(fixture: Fixture) -> Vec<String> {
    let Staged { github, event } = Staged::new(&fixture.story).await;
    let files = Files::of_story(fixtures::player(), &fixture.story);
    let mut lambda = function::start(fixtures::player(), &files, &github.url(), &[]).await;
    let invocation = lambda.invoke(event).await;
    let mut problems = github.violations();
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
    problems.into_iter().map(|problem| format!("{}: {problem}", fixture.name)).collect()
}

#[tokio::test]
async fn the_built_function_plays_every_story() {
    let problems = fixtures::each(play).await.concat();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
