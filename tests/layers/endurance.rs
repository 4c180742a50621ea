//! Ten thousand deliveries of all kinds through one process of the program that is deployed: it comes to the same ends, and keeps nothing of them.
//!
//! It takes the longest and keeps little more than one processor busy. Tests start in the order of their names; this name makes it start early.

use std::time::Duration;

use environment_gate::world::{FakeGithub, Player, Story};
use jiff::Timestamp;
use serde_json::Value;

use crate::support::fixtures;
use crate::support::function::{self, Files};
use crate::support::github::{app, listen};
use crate::support::lambda::Lambda;
use crate::support::runs::{Stage, with_run};
use crate::template::built;

const DELIVERIES: u64 = 10_000;
/// Deliveries after which the process should have all that it needs.
const WARM: u64 = 1_000;
/// What it may hold on to after that.
const GROWTH_KB_MAX: u64 = 512;

/// One of each outcome that takes no pause, under one policy.
const STORIES: [&str; 12] = [
    "approve/one-human-approved-the-gate",
    "approve/the-environment-in-another-case",
    "reject/a-ref-that-only-begins-alike",
    "reject/an-event-that-the-rule-does-not-list",
    "reject/names-that-want-to-mention-people",
    "ignore/a-ping",
    "ignore/already-reviewed",
    "ignore/an-owner-that-no-rule-names",
    "refuse/signature-forged",
    "refuse/a-key-given-twice",
    "defer/the-gate-still-waits",
    "fail/github-does-not-understand-the-review",
];

/// Resident memory in kB, and open sockets.
fn held(lambda: &Lambda) -> (u64, usize) {
    let process = format!("/proc/{}", lambda.child.id().unwrap());
    let status = std::fs::read_to_string(format!("{process}/status")).unwrap();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")).unwrap();
    let files = std::fs::read_dir(format!("{process}/fd")).unwrap();
    let sockets = files.filter(|file| {
        std::fs::read_link(file.as_ref().unwrap().path()).is_ok_and(|to| to.to_string_lossy().starts_with("socket:"))
    });
    (resident.parse().unwrap(), sockets.count())
}

#[tokio::test]
async fn ten_thousand_deliveries_leave_nothing_behind() {
    let player = fixtures::player();
    let (listener, url) = listen().await;
    let stage = Stage::new(Duration::ZERO);
    let _fake = FakeGithub::serve(listener, stage.source(&fixtures::one(STORIES[0])), app(player)).unwrap();
    let now = Timestamp::now();
    let stories: Vec<Story> = STORIES
        .map(|name| {
            let mut story = fixtures::one(name);
            story.answers = Player::answers(&story, now, &url);
            story
        })
        .into();
    let files = Files::new(player, &stories[0].policy);
    let mut lambda = function::start_program(built(), player, &files, &url).await;
    let mut warm = (0, 0);
    let mut expected = Vec::new();
    for (number, index) in (1..=DELIVERIES).zip((0..stories.len()).cycle()) {
        let mut story = stories[index].clone();
        stage.play(&story, 1_000_000 + number);
        story.webhook = with_run(&story.webhook, 1_000_000 + number);
        let event = player.event(&story, now.duration_since(story.present), &url);
        let status = lambda.invoke(event).await.status();
        assert_eq!(status, u64::from(story.expected.status), "{}", STORIES[index]);
        expected.push(outcome_of(STORIES[index]));
        if number == WARM {
            warm = held(&lambda);
        }
    }
    let (resident, sockets) = held(&lambda);
    println!(
        "after {WARM}: {} kB and {} sockets, after {DELIVERIES}: {resident} kB and {sockets} sockets",
        warm.0, warm.1
    );
    assert!(resident <= warm.0 + GROWTH_KB_MAX, "{warm:?} kB and sockets grew to {resident} kB");
    assert_eq!(sockets, warm.1);
    assert_eq!(outcomes(&lambda.log()), expected);
}

/// What the folder's name says must come of a story.
fn outcome_of(story: &str) -> String {
    let folder = story.split('/').next().unwrap();
    let (_, outcome) = fixtures::OUTCOMES.into_iter().find(|(name, _)| *name == folder).unwrap();
    outcome.to_owned()
}

/// The outcome of every delivery, in their order, by the log.
fn outcomes(log: &str) -> Vec<String> {
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let decisions = lines.filter(|line| line["target"] == "environment_gate::decision");
    decisions.map(|line| line["outcome"].as_str().unwrap().to_owned()).collect()
}
