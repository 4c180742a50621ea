//! `gate doctor`: is a deployment as it should be?

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::PathBuf;

use environment_gate::config::Variables;
use environment_gate::doctor::{Doctor as Examination, Known, Line, State};
use environment_gate::github::Limits;
use environment_gate::handler::Clock;
use environment_gate::model::RepositoryName;
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::Told;
use crate::telling::{GREEN, RED, YELLOW, paint};

/// What the person who asks knows beside the settings.
#[derive(clap::Args)]
pub(crate) struct Doctor {
    /// Where the App's webhook must lead: the stack's output `WebhookUrl`.
    #[arg(long, value_name = "URL")]
    webhook_url: Option<String>,
    /// A repository of an `owner/*` of the policy; may be given several times.
    #[arg(long = "repository", value_name = "OWNER/NAME")]
    repositories: Vec<String>,
    /// The workflow file, to be examined without a token.
    #[arg(long, value_name = "FILE", conflicts_with = "token")]
    workflow: Option<PathBuf>,
    /// A person's token that may read the repositories' contents, for the workflow files; `-` reads it from standard input.
    #[arg(long)]
    token: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Examines, and tells it line by line. All is well if nothing is wrong.
pub(crate) fn doctor(asked: &Doctor, colour: bool) -> Told {
    let variables = Variables::from_env()?;
    let names = asked.repositories.iter().map(|name| RepositoryName::parse(name));
    let read = |path: &PathBuf| std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()));
    let known = Known {
        webhook_url: asked.webhook_url.clone(),
        repositories: names.collect::<Result<_, _>>()?,
        workflow: asked.workflow.as_ref().map(read).transpose()?,
        token: asked.token.clone().map(token).transpose()?,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let examination = Examination::new(variables, Limits::default(), known);
    let lines = runtime.block_on(Box::pin(examination.examine(&Clock::system())));
    let told = if asked.json { format!("{:#}\n", in_json(&lines)) } else { in_words(&lines, colour)? };
    Ok((told, count(&lines, State::Wrong) == 0))
}

/// The token, or what stands on standard input.
fn token(given: String) -> std::io::Result<SecretString> {
    if given != "-" {
        return Ok(given.into());
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
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
            "mend": line.item.mend(),
        })
    };
    json!({
        "wrong": count(lines, State::Wrong),
        "not_seen": count(lines, State::NotSeen),
        "items": lines.iter().map(line).collect::<Vec<_>>(),
    })
}

/// Columns of a state, and of an item's id.
const STATE_COLUMNS: usize = 8;
const ITEM_COLUMNS: usize = 19;

fn in_words(lines: &[Line], colour: bool) -> Result<String, std::fmt::Error> {
    let mut told = String::new();
    for line in lines {
        let style = match line.state {
            State::Right => GREEN,
            State::Wrong => RED,
            State::NotSeen => YELLOW,
        };
        let state = paint(&format!("{:<STATE_COLUMNS$}", line.state.as_str()), style, colour);
        let about = if line.about.is_empty() { String::new() } else { format!("{}: ", line.about) };
        writeln!(told, "{state}  {:<ITEM_COLUMNS$}  {about}{}", line.item.id(), line.got)?;
        if line.state == State::Wrong {
            let blank = "";
            writeln!(told, "{blank:STATE_COLUMNS$}  {blank:ITEM_COLUMNS$}  expected {}", line.item.expected())?;
            writeln!(told, "{blank:STATE_COLUMNS$}  {blank:ITEM_COLUMNS$}  to mend: {}", line.item.mend())?;
        }
    }
    let (wrong, unseen, right) = (count(lines, State::Wrong), count(lines, State::NotSeen), count(lines, State::Right));
    writeln!(told, "\n{wrong} wrong, {unseen} not seen, {right} right")?;
    Ok(told)
}
