//! `gate man`: the manual, as pages of section 1 in roff.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap_mangen::Man;

use crate::output::CommandOutput;

#[derive(clap::Args)]
pub(crate) struct ManOptions {
    /// The folder for one page for each command; without it, the main page is printed
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
}

/// Prints the main page, or writes `gate.1`, `gate-check.1`, `gate-policy-test.1` and so on into the folder. Pages that are there are replaced.
pub(crate) fn man(options: &ManOptions, command: clap::Command) -> anyhow::Result<CommandOutput> {
    match &options.folder {
        Some(folder) => write_pages(folder, command).with_context(|| folder.display().to_string()),
        None => main_page(command),
    }
}

fn main_page(command: clap::Command) -> anyhow::Result<CommandOutput> {
    let mut page = Vec::new();
    Man::new(command).render(&mut page)?;
    Ok(CommandOutput::yes(String::from_utf8(page)?))
}

fn write_pages(folder: &Path, command: clap::Command) -> anyhow::Result<CommandOutput> {
    std::fs::create_dir_all(folder)?;
    clap_mangen::generate_to(command, folder)?;
    Ok(CommandOutput::yes(format!(
        "The manual is in {}; `man -l {}` shows it.\n",
        folder.display(),
        folder.join("gate.1").display()
    )))
}
