//! `gate workbench`: a page on loopback on which a policy in Rego is tried on what runs looked like when policies were asked about them. It reviews nothing and
//! reaches no GitHub. Not here: what a policy means, which is the library's.

mod answers;
mod assets;
mod difference;
mod evaluate;
mod in_json;
mod log_lines;
mod page;
mod policy_file;
mod read;
mod record;
mod stories;
mod timeline;

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use environment_gate::gate::Policy;
use serde_json::{Map, Value};
use tokio::signal::unix::{SignalKind, signal};

use crate::output::CommandOutput;
use crate::values;
use answers::Workbench;
use policy_file::PolicyFile;
use record::Recorded;

#[derive(clap::Args)]
pub(crate) struct WorkbenchOptions {
    /// Stories, folders of stories, and files with log lines `environment_gate::sample`; without any, the story that is built in
    #[arg(value_name = "STORY|FOLDER|SAMPLES", value_parser = existing)]
    recorded: Vec<PathBuf>,
    /// The policy in Rego to work on; *Save* writes it
    #[arg(long, value_name = "FILE", value_parser = values::file)]
    edit: Option<PathBuf>,
    /// The policy in TOML whose table `[data]` is `data.config` for log lines; a story has its own
    #[arg(long, value_name = "FILE", value_parser = values::file)]
    policy: Option<PathBuf>,
    /// Where the page listens, on loopback
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0", value_parser = values::loopback)]
    listen: SocketAddr,
}

/// A file or a folder.
fn existing(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    path.metadata().map(|_| path).map_err(|error| error.to_string())
}

/// Serves the page until it is stopped.
pub(crate) async fn workbench(options: WorkbenchOptions) -> anyhow::Result<CommandOutput> {
    let file = options.edit.as_deref().map(PolicyFile::open).transpose()?;
    let data = options.policy.as_deref().map(data_of).transpose()?.unwrap_or_default();
    let listener = page::listen(options.listen).await?;
    let recorded = read::read(&options.recorded, data).await?;
    let mut out = std::io::stdout();
    writeln!(out, "{}", summary(&recorded))?;
    // Whoever reads the address may already press Ctrl-C.
    let mut interrupts = signal(SignalKind::interrupt())?;
    let page = page::Page::new(listener, Workbench { recorded, file })?;
    writeln!(out, "Open {} in a browser (Ctrl-C stops)", page.url())?;
    out.flush()?;
    tokio::select! {
        served = page.serve() => served?,
        _ = interrupts.recv() => {}
    }
    Ok(CommandOutput::yes(String::new()))
}

/// The table `[data]` of a policy in TOML.
fn data_of(path: &Path) -> anyhow::Result<Map<String, Value>> {
    let shown = || path.display().to_string();
    let text = std::fs::read_to_string(path).with_context(shown)?;
    Ok(Policy::parse(&text).with_context(shown)?.data)
}

fn summary(Recorded { records, unreadable }: &Recorded) -> String {
    let plural = |count: usize| if count == 1 { "" } else { "s" };
    let read = format!("{} recorded evaluation{}", records.len(), plural(records.len()));
    match unreadable.len() {
        0 => read,
        1 => format!("{read}; 1 more cannot be evaluated, and the page says why"),
        more => format!("{read}; {more} more cannot be evaluated, and the page says why"),
    }
}
