//! `gate policy`: policies in Rego, read, tested and evaluated by the code that decides. Not here: which rules of a TOML policy they are attached to, which
//! `gate check` shows.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use environment_gate::gate::Policy;
use environment_gate::gate::rego::{INPUT_SCHEMA, Place, RegoError};
use serde_json::{Map, Value};

use crate::output::CommandOutput;

mod check;
mod eval;
mod files;
pub(crate) mod input_fields;
mod junit;
mod library;
mod new;
mod report;
mod story_input;
mod test;
mod test_json;
mod test_report;

#[derive(clap::Args)]
#[command(arg_required_else_help = false)]
pub(crate) struct PolicyOptions {
    #[command(subcommand)]
    command: PolicyCommand,
}

#[derive(clap::Subcommand)]
enum PolicyCommand {
    /// Show what each policy is, or what is wrong with it
    Check(check::CheckOptions),
    /// Run the tests of policies
    Test(test::TestOptions),
    /// Evaluate a policy on an input
    Eval(eval::EvalOptions),
    /// Write a policy of the library, and its tests, into new files
    New(new::NewOptions),
    /// Print the JSON schema of the document that policies see as `input`
    Schema,
}

pub(crate) async fn policy(options: PolicyOptions) -> anyhow::Result<CommandOutput> {
    match options.command {
        PolicyCommand::Check(options) => check::check(&options),
        PolicyCommand::Test(options) => test::test(&options),
        PolicyCommand::Eval(options) => eval::eval(&options).await,
        PolicyCommand::New(options) => new::new(&options),
        PolicyCommand::Schema => Ok(CommandOutput::yes(INPUT_SCHEMA.to_owned())),
    }
}

/// What policies see as `data.config`: the table `[data]` of this policy in TOML.
fn config(policy: Option<&PathBuf>) -> anyhow::Result<Map<String, Value>> {
    let Some(path) = policy else { return Ok(Map::new()) };
    let read = || {
        let policy = Policy::parse(&std::fs::read_to_string(path)?)?;
        policy.examine_teams()?;
        anyhow::Ok(policy.data)
    };
    read().with_context(|| shown(path))
}

/// `FILE:LINE:COLUMN: problem`.
fn line(RegoError { policy: file, place, problem }: &RegoError) -> String {
    let Place { line, column } = place.unwrap_or(Place { line: 1, column: 1 });
    format!("{file}:{line}:{column}: {problem}")
}

/// A path as people write it.
fn shown(path: &Path) -> String {
    let text = path.display().to_string();
    text.strip_prefix("./").map(str::to_owned).unwrap_or(text)
}

/// A file or a folder.
fn path(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    path.metadata().map(|_| path).map_err(|error| error.to_string())
}
