//! `gate policy new`: a policy of the library and its tests, in new files.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::builder::PossibleValuesParser;

use super::library::{TEMPLATES, Template};
use super::shown;
use crate::output::{CommandOutput, WrongUse};
use crate::render::BOLD;

#[derive(clap::Args)]
pub(crate) struct NewOptions {
    /// The library policy to copy; `--list` shows them all
    #[arg(value_name = "TEMPLATE", required_unless_present = "list", value_parser = PossibleValuesParser::new(TEMPLATES.iter().map(|template| template.name)), hide_possible_values = true)]
    template: Option<String>,
    /// The folder to write to
    #[arg(long, value_name = "DIR", default_value = ".")]
    to: PathBuf,
    /// Show the library: name, type, title and keywords
    #[arg(long, conflicts_with_all = ["template", "to"])]
    list: bool,
}

/// Writes a policy and its tests, or shows the library.
pub(super) fn new(options: &NewOptions) -> anyhow::Result<CommandOutput> {
    let template = TEMPLATES.iter().find(|template| options.template.as_deref() == Some(template.name));
    match template.filter(|_| !options.list) {
        Some(template) => write(template, &options.to),
        None => list(),
    }
}

fn list() -> anyhow::Result<CommandOutput> {
    let mut text = String::new();
    for template in &TEMPLATES {
        let policy = template.read()?;
        let metadata = policy.metadata();
        writeln!(text, "{BOLD}{}{BOLD:#}", template.name)?;
        let title = metadata.title.as_deref().unwrap_or_default();
        writeln!(text, "  {:<14}  {title}", policy.policy_type().as_str())?;
        if !metadata.labels.is_empty() {
            writeln!(text, "  {:14}  [{}]", "", metadata.labels.join(", "))?;
        }
    }
    Ok(CommandOutput::yes(text))
}

fn write(template: &Template, folder: &Path) -> anyhow::Result<CommandOutput> {
    let name = template.file_name();
    let files = [
        (folder.join(format!("{name}.rego")), template.policy),
        (folder.join(format!("{name}_test.rego")), template.tests),
    ];
    if let Some((path, _)) = files.iter().find(|(path, _)| path.exists()) {
        return Err(WrongUse(format!("{}: exists already, and is not overwritten", path.display())).into());
    }
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let mut text = String::new();
    for (path, content) in &files {
        // Whoever made it meanwhile keeps it.
        let written = fs::File::create_new(path).and_then(|mut file| file.write_all(content.as_bytes()));
        written.with_context(|| path.display().to_string())?;
        writeln!(text, "Written: {}", shown(path))?;
    }
    writeln!(text, "\nNext: `gate policy test {}`", shown(folder))?;
    Ok(CommandOutput::yes(text))
}
