//! `gate simulate`: what would be decided about a real run, and why.

use std::fmt::{self, Write as _};
use std::path::{Path, PathBuf};

use environment_gate::config::{LocalFiles, api_from_env, person_variables};
use environment_gate::gate::Policy;
use environment_gate::gate::policy::Rule;
use environment_gate::github::Limits;
use environment_gate::model::{ApiUrl, EnvironmentName, RunUrl};
use environment_gate::outcome::Outcome;
use environment_gate::simulation::{Simulated, Simulation, SimulationRequest};
use environment_gate::time::Clock;
use environment_gate::world::{record, recorded_policy};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::output::{CommandAnswer, CommandOutput, WrongUse};
use crate::render::{self, BOLD, Detail};
use crate::values;

#[derive(clap::Args)]
pub(crate) struct SimulateOptions {
    /// The address of the run's page, such as `https://github.com/octo-org/widgets/actions/runs/9001`
    run_url: String,
    /// The environment that the run would enter; needed if the policy protects more than one in the repository
    #[arg(long, value_name = "NAME", value_parser = values::environment)]
    environment: Option<EnvironmentName>,
    /// Decide by this policy instead of the function's
    #[arg(long, value_name = "FILE", value_parser = values::file)]
    policy: Option<PathBuf>,
    /// Decide by the policies in Rego in this folder instead of the function's
    #[arg(long, value_name = "DIR", value_parser = values::folder)]
    policies: Option<PathBuf>,
    /// Decide as of this moment, such as `2026-01-05T10:15:00Z`; by default now, or, for a run that has ended, the moment it ended
    #[arg(long, value_name = "INSTANT", value_parser = values::instant)]
    at: Option<Timestamp>,
    /// Write GitHub's answers into this new folder, as a story for `gate replay`
    #[arg(long, value_name = "DIR", value_parser = values::new_folder)]
    record: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Print what was found and expected for every check
    #[arg(long)]
    verbose: bool,
}

/// Reads the run and decides. The answer is no if no decision could be made.
pub(crate) async fn simulate(options: SimulateOptions) -> anyhow::Result<CommandOutput> {
    let api = api_from_env()?;
    let run = RunUrl::parse(&options.run_url, &api).map_err(|error| WrongUse(format!("`RUN_URL`: {error}")))?;
    let variables = person_variables(LocalFiles { policy: options.policy, policies: options.policies }).await?;
    let asked = SimulationRequest { run, environment: options.environment, at: options.at };
    let simulation = Simulation::open(variables, Limits::default(), Clock::system()).await?;
    let simulated = simulation.of(&asked).await?;
    let detail = if options.verbose { Detail::Everything } else { Detail::Reason };
    let mut text = if options.json { format!("{:#}\n", in_json(&simulated)) } else { in_words(&simulated, detail)? };
    if let Some(folder) = &options.record {
        write_story(folder, simulation, asked, &simulated, &api).await?;
        if !options.json {
            let folder = folder.display();
            writeln!(
                text,
                "\nRecorded in {folder}, for you alone to read. Read it before you share it; `gate replay {folder}` plays it."
            )?;
        }
    }
    let answer = if matches!(simulated.outcome, Outcome::Failed(_)) { CommandAnswer::No } else { CommandAnswer::Yes };
    Ok(CommandOutput { text, answer })
}

/// Records what was simulated, with the one rule that decided.
async fn write_story(
    folder: &Path,
    simulation: Simulation,
    asked: SimulationRequest,
    simulated: &Simulated,
    api: &ApiUrl,
) -> anyhow::Result<()> {
    let (request, rule) = (&simulated.request, simulated.outcome.rule());
    let recorded = recorded_policy(simulation.policy(), &request.repository.name, rule);
    let covers = |rule: &&Rule| rule.covers(&request.repository.name, &request.environment);
    if rule.is_none() || simulation.policy().rules.iter().filter(covers).count() == 1 {
        return Ok(record(folder, simulated, &recorded, api)?);
    }
    // What was read for the other rules is no part of a story of this one: it is read once more for this one alone.
    let asked = SimulationRequest { at: Some(simulated.at), environment: Some(request.environment.clone()), ..asked };
    let rego = recorded.rego.iter().map(|(name, text)| (name.as_str(), text.as_str()));
    let policy = Policy::parse(&recorded.toml)?.with_rego(rego)?;
    let simulated = simulation.by(policy).of(&asked).await?;
    Ok(record(folder, &simulated, &recorded, api)?)
}

fn in_json(simulated: &Simulated) -> Value {
    let (request, outcome) = (&simulated.request, &simulated.outcome);
    json!({
        "request": render::request_in_json(request),
        "at": simulated.at.to_string(),
        "had_ended": simulated.had_ended,
        "outcome": outcome.name(),
        "rule": outcome.rule(),
        "reason": outcome.reason(),
        "checks": render::checks_in_json(outcome),
        "comment": outcome.comment(request).map(|comment| comment.as_str().to_owned()),
        "calls": simulated.calls,
    })
}

fn in_words(simulated: &Simulated, detail: Detail) -> Result<String, fmt::Error> {
    let (request, outcome, at) = (&simulated.request, &simulated.outcome, simulated.at);
    let mut text = String::new();
    writeln!(text, "{BOLD}Simulation of {}{BOLD:#}", render::request(request))?;
    if simulated.had_ended {
        writeln!(text, "The run has ended: decided as of {at}, as if it still waited.\n")?;
    } else {
        writeln!(text, "As of {at}\n")?;
    }
    render::decision(&mut text, outcome, detail)?;
    match outcome.comment(request) {
        Some(comment) => {
            let kind = if matches!(outcome, Outcome::Deferred(_)) { "status report" } else { "review" };
            writeln!(text, "\nThe {kind} would say")?;
            render::comment(&mut text, comment.as_str())?;
        }
        None => writeln!(text, "\nNothing would be posted.")?,
    }
    writeln!(text, "\nNothing was posted. Calls to GitHub, all of them reads: {}", simulated.calls)?;
    Ok(text)
}
