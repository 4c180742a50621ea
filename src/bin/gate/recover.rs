//! `gate recover`: one sweep by hand.

use std::fmt::{self, Write as _};

use environment_gate::config::{LocalFiles, person_variables};
use environment_gate::gate::{Decision, Verdict};
use environment_gate::github::Limits;
use environment_gate::handler::Handler;
use environment_gate::model::{Request, quoted, with_causes};
use environment_gate::recovery::{Found, FoundEnd, Sweep, SweepMode};
use environment_gate::time::Clock;

use crate::output::{CommandAnswer, CommandOutput};

#[derive(clap::Args)]
pub(crate) struct RecoverOptions {
    /// Also decide what waits
    #[arg(long)]
    apply: bool,
}

/// Looks for what waits. The answer is no if something could not be checked.
pub(crate) async fn recover(options: &RecoverOptions) -> anyhow::Result<CommandOutput> {
    let mode = if options.apply { SweepMode::ByHand } else { SweepMode::DryRun };
    let variables = person_variables(LocalFiles::default()).await?;
    let handler = Handler::open(variables, Limits::default(), Clock::system()).await?;
    let sweep = handler.sweep(mode).await;
    let answer = if sweep.problems.is_empty() { CommandAnswer::Yes } else { CommandAnswer::No };
    Ok(CommandOutput { text: in_words(&sweep)?, answer })
}

fn in_words(sweep: &Sweep) -> Result<String, fmt::Error> {
    let mut text = String::new();
    if sweep.paused {
        writeln!(text, "The policy says `pause = true`: nothing was checked.")?;
    }
    let (waiting, left, calls) = (sweep.found.len(), sweep.left, sweep.calls);
    writeln!(text, "waiting: {waiting}, left for the next sweep: {left}, calls to GitHub: {calls}")?;
    for found in &sweep.found {
        writeln!(text, "{}", line(found))?;
    }
    sweep.problems.iter().try_for_each(|problem| writeln!(text, "not looked into: {problem}"))?;
    Ok(text)
}

fn line(Found { since, end }: &Found) -> String {
    let what = |request: &Request| {
        let repository = quoted(&request.repository.name.to_string()).to_string();
        let environment = quoted(request.environment.as_str());
        format!("run {} of {repository}, waiting for {environment} since {since}", request.run)
    };
    match end {
        FoundEnd::Settled(report) => {
            let what = report.request.as_ref().map(what).unwrap_or_default();
            format!("{what}: {}: {}", report.outcome.name(), report.outcome.reason())
        }
        FoundEnd::WouldBe(request, Err(error)) => {
            format!("{}: would be deferred: {}", what(request), with_causes(error))
        }
        FoundEnd::WouldBe(request, Ok(decision)) => format!("{}: would be {}", what(request), would_be(decision)),
    }
}

fn would_be(decision: &Decision) -> String {
    let not_passed = decision.findings().iter().filter(|finding| finding.verdict != Verdict::Pass);
    let reasons: Vec<String> = not_passed.map(ToString::to_string).collect();
    match decision {
        Decision::Approved(_) => "approved".to_owned(),
        Decision::Rejected(_) => format!("rejected: {}", reasons.join("; ")),
        Decision::Deferred(_) => format!("deferred: {}", reasons.join("; ")),
        Decision::RunEnded => "ignored: the run has ended".to_owned(),
    }
}
