//! `gate doctor`: whether a deployment is as it should be.

use std::fmt::{self, Write as _};
use std::io::Read as _;
use std::path::PathBuf;

use anyhow::Context as _;
use environment_gate::config::person_variables;
use environment_gate::doctor::{Doctor, ExaminationInput, Line, State};
use environment_gate::github::Limits;
use environment_gate::model::RepositoryName;
use environment_gate::time::Clock;
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::output::{CommandAnswer, CommandOutput};
use crate::render::{BOLD, GREEN, RED, YELLOW};
use crate::values;

#[derive(clap::Args)]
pub(crate) struct DoctorOptions {
    /// The URL that the App's webhook must have: the stack's output `WebhookUrl`
    #[arg(long, value_name = "URL", value_parser = values::webhook_url)]
    webhook_url: Option<String>,
    /// Also examine this repository, which an `owner/*` of the policy covers; may be repeated
    #[arg(long = "repository", value_name = "OWNER/NAME", value_parser = values::repository)]
    repositories: Vec<RepositoryName>,
    /// Read the workflow from this file
    #[arg(long, value_name = "FILE", conflicts_with = "token", value_parser = values::file)]
    workflow: Option<PathBuf>,
    /// Read the workflow files from GitHub with a personal access token that can read the repositories' contents; `-` reads the token from standard input
    #[arg(long)]
    token: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Examines the deployment. The answer is no if an item failed.
pub(crate) async fn doctor(options: DoctorOptions) -> anyhow::Result<CommandOutput> {
    let read = |path: &PathBuf| std::fs::read_to_string(path).with_context(|| path.display().to_string());
    let input = ExaminationInput {
        webhook_url: options.webhook_url,
        repositories: options.repositories,
        workflow: options.workflow.as_ref().map(read).transpose()?,
        token: options.token.map(token).transpose()?,
    };
    let doctor = Doctor::new(person_variables(None).await?, Limits::default(), input);
    let lines = doctor.examine(&Clock::system()).await;
    let text = if options.json { format!("{:#}\n", in_json(&lines)) } else { in_words(&lines)? };
    let answer = if count(&lines, State::Failed) == 0 { CommandAnswer::Yes } else { CommandAnswer::No };
    Ok(CommandOutput { text, answer })
}

/// The token, or standard input if it is `-`.
fn token(given: String) -> anyhow::Result<SecretString> {
    if given != "-" {
        return Ok(given.into());
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).context("cannot read the token from standard input")?;
    Ok(text.trim().into())
}

fn count(lines: &[Line], state: State) -> usize {
    lines.iter().filter(|line| line.state == state).count()
}

fn in_json(lines: &[Line]) -> Value {
    let line = |line: &Line| {
        json!({
            "item": line.item.id(),
            "about": line.about,
            "state": line.state.as_str(),
            "got": line.got,
            "expected": line.item.expected(),
            "fix": line.item.fix(),
        })
    };
    json!({
        "failed": count(lines, State::Failed),
        "not_checked": count(lines, State::NotChecked),
        "items": lines.iter().map(line).collect::<Vec<_>>(),
    })
}

/// Columns of a state, and of an item's id.
const STATE_COLUMNS: usize = 11;
const ITEM_COLUMNS: usize = 19;

fn in_words(lines: &[Line]) -> Result<String, fmt::Error> {
    let mut text = String::new();
    for line in lines {
        let style = match line.state {
            State::Ok => GREEN,
            State::Failed => RED,
            State::NotChecked => YELLOW,
        };
        let (state, id) = (line.state.as_str(), line.item.id());
        let about = if line.about.is_empty() { String::new() } else { format!("{}: ", line.about) };
        writeln!(text, "{style}{state:<STATE_COLUMNS$}{style:#}  {id:<ITEM_COLUMNS$}  {about}{}", line.got)?;
        if line.state == State::Failed {
            let blank = " ".repeat(STATE_COLUMNS.saturating_add(ITEM_COLUMNS).saturating_add(4));
            writeln!(text, "{blank}expected {}", line.item.expected())?;
            writeln!(text, "{blank}{BOLD}Fix:{BOLD:#} {}", line.item.fix())?;
        }
    }
    let counts = [State::Failed, State::NotChecked, State::Ok].map(|state| (count(lines, state), state.as_str()));
    let counts: Vec<String> = counts.iter().map(|(count, state)| format!("{count} {state}")).collect();
    writeln!(text, "\n{}", counts.join(", "))?;
    Ok(text)
}
