//! `gate doctor`: whether a deployment is as it should be.

use std::fmt::{self, Write as _};
use std::io::Read as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use environment_gate::config::{LocalFiles, aws_for_person, http_from_env, person_variables};
use environment_gate::doctor::{Doctor, ExaminationInput, Line, State, WebhookUrl};
use environment_gate::github::Limits;
use environment_gate::model::RepositoryName;
use environment_gate::time::Clock;
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::output::{CommandAnswer, CommandOutput};
use crate::render::{BOLD, GREEN, RED, YELLOW};
use crate::role::TrustSource;
use crate::{stack, values};

/// The App's token for an examination holds for nine minutes.
const MINUTES_MAX: u64 = 8;

#[derive(clap::Args)]
pub(crate) struct DoctorOptions {
    /// The deployed stack, whose webhook the App must call
    #[arg(long, value_name = "STACK", conflicts_with = "webhook_url")]
    stack: Option<String>,
    /// The URL that the App's webhook must have, if it does not come from `--stack`
    #[arg(long, value_name = "URL", value_parser = values::webhook_url)]
    webhook_url: Option<WebhookUrl>,
    /// Also examine this repository, which an `owner/*` of the policy covers; may be repeated
    #[arg(long = "repository", value_name = "OWNER/NAME", value_parser = values::repository)]
    repositories: Vec<RepositoryName>,
    /// Read the workflow from this file
    #[arg(long, value_name = "FILE", conflicts_with = "token", value_parser = values::file)]
    workflow: Option<PathBuf>,
    /// Read the workflow files from GitHub with a personal access token that can read the repositories' contents; `-` reads the token from standard input
    #[arg(long)]
    token: Option<String>,
    /// Also examine who gets in by the trust of a cloud: a file as the provider's own command prints it, or the ARN of a role, which IAM is asked for; may be repeated
    #[arg(long = "trust", value_name = "FILE|ARN", value_parser = TrustSource::parse)]
    trust: Vec<TrustSource>,
    /// How long the examination may take
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=MINUTES_MAX))]
    minutes: u64,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Examines the deployment. The answer is no if an item failed.
pub(crate) async fn doctor(options: DoctorOptions) -> anyhow::Result<CommandOutput> {
    let read = |path: &PathBuf| std::fs::read_to_string(path).with_context(|| path.display().to_string());
    let webhook_url = match &options.stack {
        Some(name) => Some(stack::webhook_url(&aws_for_person(&http_from_env()?).await?, name).await?),
        None => options.webhook_url,
    };
    let mut trust = Vec::new();
    for source in &options.trust {
        trust.push(source.read().await?);
    }
    let input = ExaminationInput {
        webhook_url,
        repositories: options.repositories,
        workflow: options.workflow.as_ref().map(read).transpose()?,
        token: options.token.map(token).transpose()?,
        trust,
        time: Duration::from_mins(options.minutes),
    };
    let doctor = Doctor::new(person_variables(LocalFiles::default()).await?, Limits::default(), input);
    let lines = doctor.examine(&Clock::system()).await;
    let text = if options.json { format!("{:#}\n", in_json(&lines)) } else { in_words(&lines)? };
    let answer = match (count(&lines, State::Failed), count(&lines, State::NotInTime)) {
        (0, 0) => CommandAnswer::Yes,
        (0, _) => CommandAnswer::NotInTime,
        _ => CommandAnswer::No,
    };
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

/// For whatever reason.
fn not_checked(lines: &[Line]) -> usize {
    count(lines, State::NotChecked).saturating_add(count(lines, State::NotInTime))
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
        "not_checked": not_checked(lines),
        "not_in_time": count(lines, State::NotInTime),
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
            State::NotChecked | State::NotInTime => YELLOW,
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
    let (failed, ok) = (count(lines, State::Failed), count(lines, State::Ok));
    writeln!(text, "\n{failed} failed, {} not checked, {ok} ok", not_checked(lines))?;
    match count(lines, State::NotInTime) {
        0 => {}
        missed => writeln!(text, "Run it again, or with more `--minutes`: {missed} could not be checked in time.")?,
    }
    Ok(text)
}
