//! Every story in `fixtures/` comes out as its folder says, for the reasons that are written down there. Each is a test of its own:
//! `cargo test the-starter-approved` plays one.
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

use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

use environment_gate::world::{Played, Present, Story};
use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::{Value, json};

use support::fixtures::{self, Place};

/// With fewer than this, stories were lost on the way.
const STORIES_MIN: usize = 100;

fn main() -> ExitCode {
    let places = fixtures::places();
    let count = places.len();
    let mut trials: Vec<Trial> =
        places.into_iter().map(|place| Trial::test(place.name.clone(), move || play(&place))).collect();
    trials.push(Trial::test("there_are_more_than_a_hundred_stories", move || {
        if count > STORIES_MIN { Ok(()) } else { Err(format!("got {count} stories").into()) }
    }));
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn play(place: &Place) -> Result<(), Failed> {
    let story = Story::read(&place.folder)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let played = runtime.block_on(fixtures::player().play(&story, Present::Story))?;
    let expected = &story.expected;
    let problems = [
        violations(&played),
        outcome((place.outcome, expected.status), &played),
        because(&expected.because, &played),
        whole(&place.folder, &played),
    ];
    let problems: Vec<String> = problems.into_iter().flatten().collect();
    if problems.is_empty() { Ok(()) } else { Err(problems.join("\n").into()) }
}

/// What GitHub would not have taken, and answers that were never asked for.
fn violations(played: &Played) -> Vec<String> {
    played.violations.clone()
}

/// Outcome and status, as the folder and `story.toml` say.
fn outcome(expected: (&str, u16), played: &Played) -> Vec<String> {
    let outcome = &played.report.outcome;
    let came = (outcome.name(), outcome.status());
    if came == expected {
        Vec::new()
    } else {
        vec![format!("got {came:?}, expected {expected:?}: {}", outcome.reason())]
    }
}

/// The checks that did not pass: no other ones, and in their order.
fn because(expected: &[String], played: &Played) -> Vec<String> {
    let findings = played.report.outcome.findings().iter();
    let failed = findings.filter(|finding| finding.verdict.as_str() != "pass");
    let because: Vec<&str> = failed.map(|finding| finding.check.id()).collect();
    if because == expected { Vec::new() } else { vec![format!("got {because:?}, expected {expected:?}")] }
}

/// Everything else, as `expected.json` has it. `make bless` writes it anew; what [`outcome`] and [`because`] hold stays as a person wrote it.
fn whole(folder: &Path, played: &Played) -> Vec<String> {
    let path = folder.join("expected.json");
    let came = format!("{:#}\n", told(played));
    if env::var_os("BLESS").is_some_and(|bless| !bless.is_empty()) {
        return fs::write(&path, came).err().map(|error| format!("{}: {error}", path.display())).into_iter().collect();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    if came == written {
        return Vec::new();
    }
    vec![format!("got\n{came}expected, by its expected.json,\n{written}")]
}

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

/// The fake listens on a random port.
fn without_port(text: &str) -> String {
    const FAKE: &str = "http://127.0.0.1:";
    let mut parts = text.split(FAKE);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + FAKE + "PORT" + part.trim_start_matches(|c: char| c.is_ascii_digit()))
}
