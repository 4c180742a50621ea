//! `gate simulate`: why a real run is let in or not, asked from outside.

use std::fmt::Write as _;
use std::path::PathBuf;

use environment_gate::config::Variables;
use environment_gate::github::Limits;
use environment_gate::handler::Clock;
use environment_gate::model::{EnvironmentName, RunUrl, quoted};
use environment_gate::report::Outcome;
use environment_gate::simulation::{Asked, Simulated, Simulation};
use environment_gate::world::record;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::Told;
use crate::telling::{BOLD, findings_in_json, paint, tell_checks, tell_decision};

/// What to simulate.
#[derive(clap::Args)]
pub(crate) struct Simulate {
    /// The run's page, such as `https://github.com/octo-org/widgets/actions/runs/9001`.
    run_url: String,
    /// The environment that it would enter; not needed where the policy protects one of that repository.
    #[arg(long)]
    environment: Option<String>,
    /// What if: a policy in a file, instead of the function's.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// The present to decide in, such as `2026-01-05T10:15:00Z`; now, or for a run that has ended the moment at which it did.
    #[arg(long, value_name = "INSTANT")]
    at: Option<Timestamp>,
    /// Write what GitHub answered into a new folder, as a story for `gate replay`, without tokens, e-mail addresses and faces.
    #[arg(long, value_name = "DIR")]
    record: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Reads the run, decides, and tells it. All is well if a decision could be made.
pub(crate) fn simulate(asked: &Simulate, colour: bool) -> Told {
    let variables = Variables::from_env_with(asked.policy.clone())?;
    let api = variables.api.clone();
    let environment = asked.environment.as_deref().map(EnvironmentName::parse).transpose()?;
    let what = Asked { run: RunUrl::parse(&asked.run_url, &api)?, environment, at: asked.at };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (simulated, policy) = runtime.block_on(async {
        let simulation = Box::pin(Simulation::open(variables, Limits::default(), Clock::system())).await?;
        let simulated = Box::pin(simulation.of(&what)).await?;
        Ok::<_, environment_gate::simulation::SimulationError>((simulated, simulation.policy().text().to_owned()))
    })?;
    let mut told = if asked.json { format!("{:#}\n", in_json(&simulated)) } else { in_words(&simulated, colour)? };
    if let Some(folder) = &asked.record {
        record(folder, &simulated, &policy, &api)?;
        if !asked.json {
            let folder = folder.display();
            writeln!(told, "\nRecorded in {folder}: read it before you pass it on; `gate replay {folder}` plays it")?;
        }
    }
    Ok((told, !matches!(simulated.outcome, Outcome::Failed(_))))
}

fn in_json(simulated: &Simulated) -> Value {
    let (request, outcome) = (&simulated.request, &simulated.outcome);
    json!({
        "request": {
            "repository": request.repository.name.to_string(),
            "run_id": request.run.to_string(),
            "environment": request.environment.as_str(),
            "ref": request.ref_name.as_str(),
            "sha": request.sha.as_str(),
        },
        "at": simulated.at.to_string(),
        "had_ended": simulated.had_ended,
        "outcome": outcome.name(),
        "rule": outcome.rule(),
        "reason": outcome.reason(),
        "checks": findings_in_json(outcome),
        "comment": outcome.comment(request).map(|comment| comment.as_str().to_owned()),
        "calls": simulated.calls,
    })
}

fn in_words(simulated: &Simulated, colour: bool) -> Result<String, std::fmt::Error> {
    let (request, outcome, at) = (&simulated.request, &simulated.outcome, simulated.at);
    let mut told = String::new();
    let what = format!(
        "Run {} of {} and environment {}, with {} at {}",
        request.run,
        quoted(&request.repository.name.to_string()),
        quoted(request.environment.as_str()),
        quoted(request.ref_name.as_str()),
        quoted(request.sha.as_str())
    );
    writeln!(told, "{}", paint(&what, BOLD, colour))?;
    if simulated.had_ended {
        writeln!(told, "(the run has ended: this is what would be decided at {at} if it still waited)")?;
    } else {
        writeln!(told, "(as of {at})")?;
    }
    tell_decision(&mut told, outcome, colour)?;
    tell_checks(&mut told, outcome, colour)?;
    match outcome.comment(request) {
        Some(comment) => {
            let kind = if matches!(outcome, Outcome::Deferred(_)) { "status report" } else { "review" };
            writeln!(told, "\nThe {kind} would say")?;
            comment.as_str().lines().try_for_each(|line| writeln!(told, "  {line}"))?;
        }
        None => writeln!(told, "\nNothing would be posted")?,
    }
    writeln!(told, "\nNothing was posted: this only read, with {} calls", simulated.calls)?;
    Ok(told)
}
