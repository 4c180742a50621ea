//! The command line: plays stories, reads policies, examines deployments, explains decisions.

use std::io::Write as _;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

use crate::output::{CommandAnswer, CommandOutput, WrongUse};

mod check;
mod completions;
mod doctor;
mod local;
mod man;
mod output;
mod policy;
mod recover;
mod render;
mod replay;
mod role;
mod setup;
mod simulate;
mod stack;
mod trust;
mod values;
mod version;
mod workbench;

/// The exit code for incorrect usage.
const WRONG_USE: u8 = 2;
/// The exit code of an examination that found nothing wrong, but did not get to everything.
const NOT_IN_TIME: u8 = 3;

/// Environment Gate: one human approval of a gate environment counts for a whole workflow run.
#[derive(Parser)]
#[command(name = "gate", version = version::version(), about)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Play a story and show what is decided, and why
    Replay(replay::ReplayOptions),
    /// Show what a policy lets in, or what is wrong with it
    Check(check::CheckOptions),
    /// Check, test and evaluate policies in Rego
    Policy(policy::PolicyOptions),
    /// Show what would be decided about a real run, and why; posts nothing
    Simulate(simulate::SimulateOptions),
    /// Examine a deployment, and show how to fix what is wrong
    Doctor(doctor::DoctorOptions),
    /// Find jobs that are still waiting on GitHub, and show what would be decided
    Recover(recover::RecoverOptions),
    /// Open a page for trying a policy in Rego on recorded runs; reviews nothing
    Workbench(workbench::WorkbenchOptions),
    /// Show what to configure so that a cloud lets in the gate alone, and who else gets in
    Trust(trust::TrustOptions),
    /// Create the GitHub App, store its settings in AWS and connect its webhook
    Setup(setup::SetupOptions),
    /// Serve a story's GitHub on loopback until it is stopped
    Github(local::GithubOptions),
    /// Post a story's webhook to a function, signed as GitHub would sign it
    Deliver(local::DeliverOptions),
    /// Print a story's webhook as an API Gateway event
    Event(local::EventOptions),
    /// Print the completions of a shell
    Completions(completions::CompletionsOptions),
    /// Print the manual page, or write one for each command
    Man(man::ManOptions),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return stop(&error),
    };
    let command = arguments.command.unwrap_or(Command::Replay(replay::ReplayOptions::default()));
    match run(command).await {
        Ok(CommandOutput { text, answer }) => {
            // Whoever closed the pipe does not want the rest.
            let _ = anstream::stdout().write_all(text.as_bytes());
            match answer {
                CommandAnswer::Yes => ExitCode::SUCCESS,
                CommandAnswer::No => ExitCode::FAILURE,
                CommandAnswer::NotInTime => ExitCode::from(NOT_IN_TIME),
            }
        }
        Err(error) => {
            complain(&format!("{error:#}"));
            if error.is::<WrongUse>() { ExitCode::from(WRONG_USE) } else { ExitCode::FAILURE }
        }
    }
}

async fn run(command: Command) -> anyhow::Result<CommandOutput> {
    match command {
        Command::Replay(options) => replay::replay(&options).await,
        Command::Check(options) => check::check(&options),
        Command::Policy(options) => policy::policy(options).await,
        Command::Simulate(options) => simulate::simulate(options).await,
        Command::Doctor(options) => doctor::doctor(options).await,
        Command::Recover(options) => recover::recover(&options).await,
        Command::Workbench(options) => workbench::workbench(options).await,
        Command::Trust(options) => trust::trust(options).await,
        Command::Setup(options) => setup::setup(options).await,
        Command::Github(options) => local::github(&options).await,
        Command::Deliver(options) => local::deliver(&options).await,
        Command::Event(options) => local::event(&options),
        Command::Completions(options) => Ok(completions::completions(&options, Arguments::command())),
        Command::Man(options) => man::man(&options, Arguments::command()),
    }
}

/// Help and the version are printed as they are, a usage error in one line.
fn stop(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    let rendered = error.render().to_string();
    let problem = rendered.split("\n\n").next().unwrap_or_default();
    let problem = problem.strip_prefix("error: ").unwrap_or(problem);
    let mut known = Arguments::command();
    let mut command = String::new();
    for name in std::env::args().skip(1) {
        let Some(next) = known.find_subcommand(&name) else { break };
        known = next.clone();
        command = format!("{command}{name} ");
    }
    complain(&format!("{problem}; see `gate {command}--help`"));
    ExitCode::from(WRONG_USE)
}

/// Prints the text as a single line.
fn complain(problem: &str) {
    let lines: Vec<&str> = problem.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let _ = writeln!(std::io::stderr(), "gate: {}", lines.join(" "));
}
