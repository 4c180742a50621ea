//! `gate replay`: plays a story and shows what is decided.

use std::fmt::{self, Write as _};
use std::path::PathBuf;

use anyhow::Context as _;
use environment_gate::github::Limits;
use environment_gate::time::Clock;
use environment_gate::world::{FakeCall, Played, Player, Present, Story};
use serde_json::{Value, json};

use crate::output::{CommandAnswer, CommandOutput};
use crate::render::{self, BOLD, Detail, RED};
use crate::values;

#[derive(clap::Args, Default)]
pub(crate) struct ReplayOptions {
    /// The story's folder, such as `fixtures/reject/the-starter-approved`; without one, the approving story that is built in
    #[arg(value_parser = values::story)]
    story: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Print what was found and expected for every check
    #[arg(long)]
    verbose: bool,
}

/// Plays the story. The answer is no if it did not play as written.
pub(crate) async fn replay(options: &ReplayOptions) -> anyhow::Result<CommandOutput> {
    let story = options.story.as_deref().map_or_else(Story::embedded, Story::read)?;
    let player = Player::new(Limits::default()).context("this machine's random number generator failed, so no key could be made")?;
    let played = player.play(&story, Present::Now(Clock::system().now())).await.map_err(anyhow::Error::from_boxed)?;
    let detail = if options.verbose { Detail::Everything } else { Detail::Reason };
    let text =
        if options.json { format!("{:#}\n", in_json(&story, &played)) } else { in_words(&story, &played, detail)? };
    let answer = if played.violations.is_empty() { CommandAnswer::Yes } else { CommandAnswer::No };
    Ok(CommandOutput { text, answer })
}

fn in_json(story: &Story, played: &Played) -> Value {
    let report = &played.report;
    let call = |call: &FakeCall| {
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
        "request": report.request.as_ref().map(render::request_in_json),
        "calls": played.calls.iter().map(call).collect::<Vec<_>>(),
        "outcome": report.outcome.name(),
        "status": report.outcome.status(),
        "rule": report.outcome.rule(),
        "reason": report.outcome.reason(),
        "checks": render::checks_in_json(&report.outcome),
        "reviews": sent(played, "review").collect::<Vec<_>>(),
        "status_reports": sent(played, "status_report").collect::<Vec<_>>(),
        "violations": played.violations,
    })
}

fn in_words(story: &Story, played: &Played, detail: Detail) -> Result<String, fmt::Error> {
    let mut text = String::new();
    writeln!(text, "{BOLD}{}{BOLD:#}\n", story.claim)?;
    render::decision(&mut text, &played.report.outcome, detail)?;
    posted(&mut text, played)?;
    delivery(&mut text, story, played)?;
    for violation in &played.violations {
        writeln!(text, "\n{RED}The story did not play as written{RED:#}: {violation}")?;
    }
    Ok(text)
}

/// What was posted to GitHub.
fn posted(text: &mut String, played: &Played) -> fmt::Result {
    let field = |sent: &Value, name| sent.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    for review in sent(played, "review") {
        writeln!(text, "\nReview posted: {}", field(review, "state"))?;
        render::comment(text, &field(review, "comment"))?;
    }
    for report in sent(played, "status_report") {
        writeln!(text, "\nStatus report posted (it decides nothing)")?;
        render::comment(text, &field(report, "comment"))?;
    }
    if sent(played, "review").next().is_none() {
        writeln!(text, "\nNo review was posted.")?;
    }
    Ok(())
}

/// The delivery, and the calls that it led to.
fn delivery(text: &mut String, story: &Story, played: &Played) -> fmt::Result {
    let report = &played.report;
    writeln!(text, "\nDelivery {}, answered with HTTP {}", report.delivery_id, report.outcome.status())?;
    match &report.request {
        Some(request) => writeln!(text, "  {}", render::request(request))?,
        None => writeln!(text, "  asks for nothing")?,
    }
    writeln!(text, "  written for {}, played as if it happened now", story.present)?;
    writeln!(text, "\nCalls to the fake GitHub: {}", played.calls.len())?;
    for call in &played.calls {
        let status = if call.status == 0 { "no answer".to_owned() } else { call.status.to_string() };
        writeln!(text, "  {:>5} ms  {:<4} {} → {status}", call.at.as_millis(), call.method, call.path)?;
    }
    Ok(())
}

/// What was sent with each call of that name.
fn sent<'p>(played: &'p Played, name: &'p str) -> impl Iterator<Item = &'p Value> {
    played.calls.iter().filter(move |call| call.name == name).map(|call| &call.sent)
}
