//! `gate replay`: plays a story and tells it.

use std::fmt::Write as _;
use std::path::Path;

use environment_gate::gate::{Finding, Verdict};
use environment_gate::github::Limits;
use environment_gate::handler::Clock;
use environment_gate::model::quoted;
use environment_gate::report::Outcome;
use environment_gate::world::{Call, Played, Player, Present, Story};
use serde_json::{Value, json};

use crate::Told;

/// Columns of a check's name, with its gate.
const NAME_COLUMNS: usize = 16;

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
    let finding = |finding: &Finding| {
        json!({
            "check": finding.check.id(),
            "gate": finding.gate,
            "verdict": finding.verdict.as_str(),
            "got": finding.got,
            "expected": finding.expected,
            "mend": finding.check.mend(),
        })
    };
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
        "checks": report.outcome.findings().iter().map(finding).collect::<Vec<_>>(),
        "reviews": sent(played, "review").collect::<Vec<_>>(),
        "status_reports": sent(played, "status_report").collect::<Vec<_>>(),
        "violations": played.violations,
    })
}

fn in_words(story: &Story, played: &Played, colour: bool) -> Result<String, std::fmt::Error> {
    let report = &played.report;
    let outcome = &report.outcome;
    let style = match outcome.name() {
        "approved" => GREEN,
        "rejected" | "refused" | "failed" => RED,
        _ => YELLOW,
    };
    let verdict = paint(outcome.name(), style, colour);
    let mut told = String::new();
    writeln!(told, "{}", paint(&story.claim, BOLD, colour))?;
    let (present, moved) = (story.present, played.moved_by.as_secs());
    writeln!(told, "(a story of {present}; all times below are moved {moved} s forward, so that it happens now)")?;
    let failed = failed_checks(played);
    let by = if failed.is_empty() { String::new() } else { format!(" by {failed}") };
    writeln!(told, "\nDecision: {verdict}{by}; the delivery is answered with HTTP {}", outcome.status())?;
    writeln!(told, "  {}", why(played))?;
    tell_delivery(&mut told, played)?;
    tell_checks(&mut told, played, colour)?;
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

/// The ids of the checks that do not hold.
fn failed_checks(played: &Played) -> String {
    let findings = played.report.outcome.findings().iter();
    let failed = findings.filter(|finding| finding.verdict != Verdict::Pass).map(|finding| finding.check.id());
    failed.collect::<Vec<_>>().join(", ")
}

/// Why, in one line: for an approval, who let it in.
fn why(played: &Played) -> String {
    let outcome = &played.report.outcome;
    let Outcome::Approved(approval) = outcome else { return outcome.reason() };
    let gates = approval.gates().iter().map(|gate| {
        let who = gate.approvers.iter().map(|approver| quoted(&approver.login).to_string()).collect::<Vec<_>>();
        let who =
            if who.is_empty() { "nobody had to approve".to_owned() } else { format!("{} approved", who.join(" and ")) };
        format!("{who} {} of this run", quoted(&gate.environment))
    });
    format!("{}; every check holds, and nothing is left to do", gates.collect::<Vec<_>>().join(", "))
}

fn tell_checks(told: &mut String, played: &Played, colour: bool) -> std::fmt::Result {
    let outcome = &played.report.outcome;
    let findings = outcome.findings();
    if findings.is_empty() {
        return writeln!(told, "\nChecks: none was made");
    }
    match outcome.rule() {
        Some(rule) => writeln!(told, "\nChecks of the policy's rule {rule}")?,
        None => writeln!(told, "\nChecks")?,
    }
    for finding in findings {
        let style = match finding.verdict {
            Verdict::Pass => GREEN,
            Verdict::Wait => YELLOW,
            Verdict::Fail => RED,
        };
        let verdict = paint(finding.verdict.as_str(), style, colour);
        let gate = finding.gate.as_ref().map(|job| format!("of {}: ", quoted(job))).unwrap_or_default();
        writeln!(told, "  {verdict}  {:<NAME_COLUMNS$}  {gate}got {}", finding.check.id(), finding.got)?;
        let blank = "";
        writeln!(told, "  {blank:4}  {blank:NAME_COLUMNS$}  expected {}", finding.expected)?;
        if finding.verdict == Verdict::Fail {
            writeln!(told, "  {blank:4}  {blank:NAME_COLUMNS$}  to mend: {}", finding.check.mend())?;
        }
    }
    Ok(())
}

/// What was sent with each call of that name.
fn sent<'p>(played: &'p Played, name: &'p str) -> impl Iterator<Item = &'p Value> {
    played.calls.iter().filter(move |call| call.name == name).map(|call| &call.sent)
}

const BOLD: &str = "1";
const RED: &str = "31";
const GREEN: &str = "32";
const YELLOW: &str = "33";

/// ANSI's "select graphic rendition", on a terminal only.
fn paint(text: &str, style: &str, colour: bool) -> String {
    if colour { format!("\u{1b}[{style}m{text}\u{1b}[0m") } else { text.to_owned() }
}
