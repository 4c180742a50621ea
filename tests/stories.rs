//! Every story in `fixtures/` comes out as its folder says, for the reasons that are written down there.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    reason = "a test that cannot go on fails; it has a clock of its own"
)]

#[expect(dead_code, reason = "the other tests need more of it")]
mod support;

use std::fs;

use environment_gate::world::{Played, Player, Present};
use serde_json::{Value, json};

use support::fixtures::{self, Fixture};

/// What came of a story, as it is written down in its `expected.json`.
fn told(played: &Played) -> Value {
    let outcome = &played.report.outcome;
    let findings: Vec<Value> = outcome
        .findings()
        .iter()
        .map(|finding| {
            json!({
                "check": finding.check.id(),
                "gate": finding.gate,
                "verdict": finding.verdict.as_str(),
                "got": finding.got,
                "expected": finding.expected,
            })
        })
        .collect();
    let sent = |name: &str| -> Vec<Value> {
        played.calls.iter().filter(|call| call.name == name).map(|call| call.sent.clone()).collect()
    };
    let mut calls: Vec<&str> = played.calls.iter().map(|call| call.name.as_str()).collect();
    // Reads are made at once: in which order they arrive is chance.
    calls.sort_unstable();
    let mut told = json!({
        "outcome": outcome.name(),
        "status": outcome.status(),
        "rule": outcome.rule(),
        "reason": without_port(&outcome.reason()),
        "findings": findings,
        "calls": calls,
        "reviews": sent("review"),
    });
    let reports = sent("status_report");
    if !reports.is_empty() {
        told["status_reports"] = reports.into();
    }
    told
}

/// The fake listens on a port by chance.
fn without_port(text: &str) -> String {
    const FAKE: &str = "http://127.0.0.1:";
    let mut parts = text.split(FAKE);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + FAKE + "PORT" + part.trim_start_matches(|c: char| c.is_ascii_digit()))
}

async fn play(player: &Player, fixture: &Fixture) -> Vec<String> {
    let played = match player.play(&fixture.story, Present::Story).await {
        Ok(played) => played,
        Err(error) => return vec![error.to_string()],
    };
    let outcome = &played.report.outcome;
    let expected = &fixture.story.expected;
    let mut problems = played.violations.clone();
    if outcome.name() != fixture.outcome || outcome.status() != expected.status {
        problems.push(format!(
            "got {} {}, expected {} {}: {}",
            outcome.name(),
            outcome.status(),
            fixture.outcome,
            expected.status,
            outcome.reason()
        ));
    }
    let because: Vec<&str> = outcome
        .findings()
        .iter()
        .filter(|finding| finding.verdict.as_str() != "pass")
        .map(|finding| finding.check.id())
        .collect();
    if because != expected.because {
        problems.push(format!("got {because:?}, expected {:?}", expected.because));
    }
    let path = fixture.folder.join("expected.json");
    let told = format!("{:#}\n", told(&played));
    // `make bless` writes anew what came out; outcome, status and reasons above stay as a person wrote them.
    if std::env::var_os("BLESS").is_some_and(|bless| !bless.is_empty()) {
        fs::write(&path, &told).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    if told != written {
        problems.push(format!("got\n{told}expected, by its expected.json,\n{written}"));
    }
    problems
}

#[tokio::test]
async fn every_story_comes_out_as_written() {
    let player = Player::new(fixtures::limits()).unwrap();
    let mut problems = Vec::new();
    let all = fixtures::all();
    for fixture in &all {
        let found = play(&player, fixture).await;
        problems.extend(found.into_iter().map(|problem| format!("{}: {problem}", fixture.name)));
    }
    assert!(all.len() > 100, "only {} stories", all.len());
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
