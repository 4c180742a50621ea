//! `gate policy eval`: what a policy says of an input. Not here: where the input of a story comes from.

use std::fmt::{self, Write as _};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use environment_gate::gate::rego::{Evaluation, Input, RegoError, RegoPolicy};
use environment_gate::gate::{Finding, Verdict, policy_finding};
use serde_json::{Map, Value};

use super::{config, files, input_fields, line, story_input};
use crate::output::{CommandAnswer, CommandOutput, WrongUse};
use crate::render::{GREEN, RED, YELLOW};
use crate::values;

/// Bytes of an input that are read. The engine takes fewer.
const INPUT_BYTES_MAX: u64 = 16 * 1024 * 1024;

#[derive(clap::Args)]
pub(crate) struct EvalOptions {
    /// The policy, `NAME.rego`
    #[arg(value_name = "POLICY", value_parser = values::file)]
    rego: PathBuf,
    /// The input as JSON, `-` for standard input, or a story's folder for what the policy would see of its run
    #[arg(long, value_name = "FILE|STORY|-", value_parser = input)]
    input: Source,
    /// The policy in TOML whose `[data]` is seen as `data.config` and gives the accounts of a story their `teams`; by default that of the story, if there is one
    #[arg(long, value_name = "FILE", value_parser = values::file)]
    policy: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Print the input as JSON instead of evaluating the policy
    #[arg(long, conflicts_with = "json")]
    show_input: bool,
}

#[derive(Debug, Clone)]
enum Source {
    StandardInput,
    File(PathBuf),
    Story(PathBuf),
}

/// A policy that was asked.
struct Asked {
    finding: Finding,
    evaluation: Evaluation,
    /// What to know before trusting it.
    warnings: Vec<String>,
}

/// Evaluates the policy. The answer is no if it could not be evaluated, whatever it would have said.
pub(super) async fn eval(options: &EvalOptions) -> anyhow::Result<CommandOutput> {
    let file = files::rego_file(&options.rego)?;
    let config = match (&options.policy, &options.input) {
        (None, Source::Story(story)) => story_input::config(story)?,
        (policy, _) => config(policy.as_ref())?,
    };
    let said = match file.policy(&config) {
        Ok(policy) => {
            let input = input_of(&options.input, &config, &policy).await?;
            if options.show_input {
                return Ok(CommandOutput::yes(format!("{:#}\n", input.as_json())));
            }
            evaluate(&policy, &input).map_err(|error| RegoError { policy: file.path.clone(), ..error })
        }
        Err(error) => Err(error),
    };
    let answer = if said.is_ok() { CommandAnswer::Yes } else { CommandAnswer::No };
    let text = if options.json { format!("{:#}\n", in_json(said)) } else { in_words(&said)? };
    Ok(CommandOutput { text, answer })
}

async fn input_of(source: &Source, config: &Map<String, Value>, policy: &RegoPolicy) -> anyhow::Result<Input> {
    match source {
        Source::StandardInput => read("standard input", std::io::stdin()),
        Source::File(path) => {
            let name = path.display().to_string();
            read(&name, std::fs::File::open(path).with_context(|| name.clone())?)
        }
        Source::Story(story) => story_input::of(story, config, policy).await,
    }
}

fn evaluate(policy: &RegoPolicy, input: &Input) -> Result<Asked, RegoError> {
    let evaluation = policy.evaluate(input)?;
    let finding = policy_finding(policy, &evaluation);
    Ok(Asked { finding, evaluation, warnings: input_fields::warnings(input, policy) })
}

fn in_words(said: &Result<Asked, RegoError>) -> Result<String, fmt::Error> {
    let mut text = String::new();
    match said {
        Ok(Asked { finding, evaluation, warnings }) => {
            let verdict = finding.verdict.as_str();
            match finding.verdict {
                Verdict::Pass => writeln!(text, "{GREEN}{verdict}{GREEN:#}")?,
                Verdict::Wait => writeln!(text, "{YELLOW}{verdict}{YELLOW:#}: {}", finding.reason)?,
                Verdict::Fail => writeln!(text, "{RED}{verdict}{RED:#}")?,
            }
            for (rule, value) in &evaluation.values {
                writeln!(text, "  {rule:<18}  {value}")?;
            }
            for warning in warnings {
                writeln!(text, "{YELLOW}warning{YELLOW:#}: {warning}")?;
            }
        }
        Err(error) => writeln!(text, "{RED}error{RED:#}\n  {}", line(error))?,
    }
    Ok(text)
}

/// One flat object: the rules' values by their names, and what follows from them.
fn in_json(said: Result<Asked, RegoError>) -> Value {
    let (mut told, outcome) = match said {
        Ok(Asked { finding, evaluation, .. }) => (evaluation.values, finding.verdict.as_str()),
        Err(error) => (Map::from_iter([("error".to_owned(), line(&error).into())]), "error"),
    };
    told.insert("outcome".to_owned(), outcome.into());
    Value::Object(told)
}

/// Reads an input. What is not a JSON object is not of its kind, as a wrong argument is.
fn read(name: &str, from: impl std::io::Read) -> anyhow::Result<Input> {
    let mut bytes = Vec::new();
    from.take(INPUT_BYTES_MAX).read_to_end(&mut bytes).with_context(|| name.to_owned())?;
    let json = serde_json::from_slice(&bytes).map_err(|error| format!("got no JSON ({error}), expected an object"));
    let input = json.and_then(Input::new);
    Ok(input.map_err(|problem| WrongUse(format!("{name}: {problem}")))?)
}

fn input(text: &str) -> Result<Source, String> {
    if text == "-" {
        return Ok(Source::StandardInput);
    }
    if Path::new(text).is_dir() { values::story(text).map(Source::Story) } else { values::file(text).map(Source::File) }
}
