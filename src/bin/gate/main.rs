//! The command line: play a story, check a policy, simulate a run, be GitHub for a function that runs locally, recover.

use std::io::{IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use environment_gate::causes::with_causes;
use environment_gate::config::colour_is_unwanted;
use environment_gate::recovery::Sweep;

mod check;
mod doctor;
mod local;
mod recover;
mod replay;
mod setup;
mod simulate;
mod telling;

/// Environment Gate: one human approval of a gate environment counts for a whole workflow run.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Play a story: one delivery, a fake GitHub on loopback, and the handler that the Lambda function runs.
    Replay(Replay),
    /// Read a policy and say what it lets in, or what is wrong with it.
    Check {
        /// The policy, in TOML.
        policy: PathBuf,
    },
    /// Serve a story's GitHub on loopback until it is stopped, and leave settings for a function that is to meet it.
    Github {
        #[command(flatten)]
        local: Local,
        /// Where to listen.
        #[arg(long, default_value = "127.0.0.1:9124")]
        listen: SocketAddr,
    },
    /// Sign a story's webhook and post it as GitHub would, with its headers.
    Deliver {
        #[command(flatten)]
        local: Local,
        /// The function's webhook.
        #[arg(long, default_value = "http://127.0.0.1:9123/github/webhook")]
        url: String,
    },
    /// Make the GitHub App and put its settings into AWS, step by step; goes on where it stopped, and overwrites nothing.
    Setup(setup::Setup),
    /// Examine a deployment: the settings, the App, the environments, the workflow files. Says what is wrong and how to mend it.
    Doctor(doctor::Doctor),
    /// Read a real run and say what would be decided of it, and why. Nothing is posted.
    Simulate(simulate::Simulate),
    /// Look once for what still waits at GitHub, with the function's settings, and say what would be decided.
    Recover {
        /// Decide it, too.
        #[arg(long)]
        apply: bool,
    },
    /// Print the API Gateway event of a story's webhook, for `cargo lambda invoke`.
    Event(Local),
}

/// A story, and the folder in which a local world keeps its settings.
#[derive(clap::Args)]
struct Local {
    /// The story's folder.
    story: PathBuf,
    /// Where `gate github` leaves the function's settings for the others: a key, a policy, and a file of variables.
    #[arg(long, default_value = "target/local")]
    folder: PathBuf,
}

#[derive(clap::Args, Default)]
struct Replay {
    /// The story's folder, such as `fixtures/reject/the-starter-approved`; without one, an approving story that is built in.
    story: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// What is printed, and whether all is well.
type Told = Result<(String, bool), Box<dyn std::error::Error + Send + Sync>>;

fn main() -> ExitCode {
    let colour = std::io::stdout().is_terminal() && !colour_is_unwanted();
    let told = match Arguments::parse().command.unwrap_or(Command::Replay(Replay::default())) {
        Command::Replay(Replay { story, json }) => replay::replay(story.as_deref(), json, colour),
        Command::Check { policy } => check::check(&policy),
        Command::Github { local, listen } => local::github(&local, listen),
        Command::Deliver { local, url } => local::deliver(&local, &url),
        Command::Setup(asked) => setup::setup(&asked),
        Command::Doctor(asked) => doctor::doctor(&asked, colour),
        Command::Simulate(asked) => simulate::simulate(&asked, colour),
        Command::Recover { apply: false } => recover::recover(Sweep::Look),
        Command::Recover { apply: true } => recover::recover(Sweep::ByHand),
        Command::Event(local) => local::event(&local),
    };
    // Whoever closed the pipe does not want the rest.
    match told {
        Ok((text, well)) => {
            let _ = std::io::stdout().write_all(text.as_bytes());
            if well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "gate: {}", with_causes(&*error));
            ExitCode::FAILURE
        }
    }
}
