//! `gate replay`: plays a story and tells it.

use std::fmt::Write as _;
use std::path::Path;

use environment_gate::github::Limits;
use environment_gate::handler::Clock;
use environment_gate::model::quoted;
use environment_gate::world::{Call, Played, Player, Present, Story};
use serde_json::{Value, json};

use crate::Told;
use crate::telling::{BOLD, RED, findings_in_json, paint, tell_checks, tell_decision};

/// Plays the story in `folder`, or the one that is built in.
pub(crate) fn replay(folder: Option<&Path>, json: bool, colour: bool) -> Told {
    let story = folder.map_or_else(Story::embedded, Story::read)?;
    let player = Player::new(Limits::default()).ok_or("no randomness for a key")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let played = runtime.block_on(player.play(&story, Present::Now(Clock::system().now())))?;
    let well = played.violations.is_empty();
    let told = if json { format!("{:#}\n", in_json(&story, &played)) } else { in_words(&story, &played, colour)? };
    Ok((told, well))
}

fn in_json(story: &Story, played: &Played) -> Value {
    let report = &played.report;
    let call = |call: &Call| {
        json!({
            "method": call.method,
            "path": call.path,
            "status": call.status,
            "after_ms": u64::try_from(call.at.as_millis()).unwrap_or(u64::MAX),
        })
    };
    json!({
        "claim": story.claim,
        "present": story.present.to_string(),
        "moved_by_seconds": played.moved_by.as_secs(),
        "delivery": report.delivery_id,
        "request": report.request.as_ref().map(|request| json!({
            "repository": request.repository.name.to_string(),
            "run_id": request.run.to_string(),
            "environment": request.environment.as_str(),
            "ref": request.ref_name.as_str(),
            "sha": request.sha.as_str(),
        })),
        "calls": played.calls.iter().map(call).collect::<Vec<_>>(),
        "outcome": report.outcome.name(),
        "status": report.outcome.status(),
        "rule": report.outcome.rule(),
        "reason": report.outcome.reason(),
        "checks": findings_in_json(&report.outcome),
        "reviews": sent(played, "review").collect::<Vec<_>>(),
        "status_reports": sent(played, "status_report").collect::<Vec<_>>(),
        "violations": played.violations,
    })
}

fn in_words(story: &Story, played: &Played, colour: bool) -> Result<String, std::fmt::Error> {
    let report = &played.report;
    let outcome = &report.outcome;
    let mut told = String::new();
    writeln!(told, "{}", paint(&story.claim, BOLD, colour))?;
    let (present, moved) = (story.present, played.moved_by.as_secs());
    writeln!(told, "(a story of {present}; all times below are moved {moved} s forward, so that it happens now)")?;
    tell_decision(&mut told, outcome, colour)?;
    writeln!(told, "  the delivery is answered with HTTP {}", outcome.status())?;
    tell_delivery(&mut told, played)?;
    tell_checks(&mut told, outcome, colour)?;
    let text = |sent: &Value, name| sent.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    for review in sent(played, "review") {
        writeln!(told, "\nReview posted to the pretend GitHub: {}", text(review, "state"))?;
        text(review, "comment").lines().try_for_each(|line| writeln!(told, "  {line}"))?;
    }
    for report in sent(played, "status_report") {
        writeln!(told, "\nStatus report left at the pretend GitHub, which decides nothing")?;
        text(report, "comment").lines().try_for_each(|line| writeln!(told, "  {line}"))?;
    }
    if sent(played, "review").next().is_none() {
        writeln!(told, "\nNo review was posted: what waits at GitHub waits on")?;
    }
    for violation in &played.violations {
        writeln!(told, "\n{}: {violation}", paint("the story was not played as written", RED, colour))?;
    }
    Ok(told)
}

fn tell_delivery(told: &mut String, played: &Played) -> std::fmt::Result {
    let report = &played.report;
    writeln!(told, "\nDelivery {}", report.delivery_id)?;
    match &report.request {
        Some(request) => writeln!(
            told,
            "  run {} of {} wants to enter environment {} with {} at {}",
            request.run,
            quoted(&request.repository.name.to_string()),
            quoted(request.environment.as_str()),
            quoted(request.ref_name.as_str()),
            quoted(request.sha.as_str())
        )?,
        None => writeln!(told, "  asks for nothing that could be decided")?,
    }
    writeln!(told, "\nCalls to the pretend GitHub: {}", played.calls.len())?;
    for call in &played.calls {
        let status = if call.status == 0 { "no answer".to_owned() } else { call.status.to_string() };
        writeln!(told, "  +{:<3} ms  {:<4} {} → {status}", call.at.as_millis(), call.method, call.path)?;
    }
    Ok(())
}

/// What was sent with each call of that name.
fn sent<'p>(played: &'p Played, name: &'p str) -> impl Iterator<Item = &'p Value> {
    played.calls.iter().filter(move |call| call.name == name).map(|call| &call.sent)
}
