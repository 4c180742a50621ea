//! `gate recover`: one sweep from the command line.

use std::fmt::Write as _;

use environment_gate::causes::with_causes;
use environment_gate::config::Variables;
use environment_gate::gate::{Decision, Verdict};
use environment_gate::github::Limits;
use environment_gate::handler::{Clock, Gate};
use environment_gate::model::{Request, quoted};
use environment_gate::recovery::{End, Found, Sweep, Swept};

use crate::Told;

/// Looks for what waits, and decides it if `how` says so.
pub(crate) fn recover(how: Sweep) -> Told {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let swept = runtime.block_on(async {
        let variables = Variables::from_env()?;
        let gate = Box::pin(Gate::open(variables, Limits::default(), Clock::system())).await?;
        Ok::<_, environment_gate::config::ConfigError>(Box::pin(gate.sweep(how)).await)
    })?;
    Ok((tell(&swept)?, swept.problems.is_empty()))
}

fn tell(swept: &Swept) -> Result<String, std::fmt::Error> {
    let mut told = String::new();
    if swept.paused {
        writeln!(told, "The policy pauses: nothing was looked at.")?;
    }
    writeln!(told, "{} waiting, {} left to the next sweep, {} calls", swept.found.len(), swept.left, swept.calls)?;
    for found in &swept.found {
        tell_found(&mut told, found)?;
    }
    swept.problems.iter().try_for_each(|problem| writeln!(told, "not looked into: {problem}"))?;
    Ok(told)
}

fn tell_found(told: &mut String, Found { since, end }: &Found) -> std::fmt::Result {
    let waits = |request: &Request| {
        let repository = quoted(&request.repository.name.to_string()).to_string();
        format!("run {} of {repository} for {} since {since}", request.run, quoted(request.environment.as_str()))
    };
    match end {
        End::Settled(report) => {
            let what = report.request.as_ref().map(waits).unwrap_or_default();
            writeln!(told, "{what}: {}, {}", report.outcome.name(), report.outcome.reason())
        }
        End::WouldBe(request, Err(error)) => {
            writeln!(told, "{}: would be deferred, {}", waits(request), with_causes(error))
        }
        End::WouldBe(request, Ok(decision)) => {
            let name = match decision {
                Decision::Approved(_) => "approved",
                Decision::Rejected(_) => "rejected",
                Decision::Deferred(_) => "deferred",
                Decision::RunEnded => "ignored, the run has ended",
            };
            let not_held = decision.findings().iter().filter(|finding| finding.verdict != Verdict::Pass);
            let reasons: Vec<String> = not_held.map(ToString::to_string).collect();
            writeln!(told, "{}: would be {name} {}", waits(request), reasons.join("; "))
        }
    }
}
