//! `gate policy check`: what policies are, read as the function reads them.

use std::fmt::Write as _;
use std::path::PathBuf;

use environment_gate::gate::policy::PolicyWarning;
use environment_gate::gate::rego::{Attachment, Place, RegoPolicy, RegoWarning};
use environment_gate::model::quoted;
use serde_json::Map;

use super::{files, line, path};
use crate::check::warn;
use crate::output::{CommandAnswer, CommandOutput};
use crate::render::RED;

#[derive(clap::Args)]
pub(crate) struct CheckOptions {
    /// Policies, and folders of policies; files named `NAME_test.rego` are left out
    #[arg(value_name = "PATH", default_value = ".", value_parser = path)]
    paths: Vec<PathBuf>,
    /// Treat warnings as errors: the exit code is 1 if there are any
    #[arg(long)]
    deny_warnings: bool,
}

/// Reads the policies. The answer is no if any is refused, if there are none, or if there are warnings and they are denied.
pub(super) fn check(options: &CheckOptions) -> anyhow::Result<CommandOutput> {
    let mut files = files::rego_files(&options.paths)?;
    files.retain(|file| !file.is_named_as_test());
    if files.is_empty() {
        return Ok(CommandOutput { text: "There are no policies here.\n".to_owned(), answer: CommandAnswer::No });
    }
    let config = Map::new();
    let (mut text, mut warnings, mut refused) = (String::new(), Vec::new(), String::new());
    for file in &files {
        match file.policy(&config) {
            Ok(policy) => {
                show(&mut text, &policy)?;
                warnings.extend(policy.warnings().into_iter().map(|warning| in_file(&file.path, warning)));
            }
            Err(error) => writeln!(refused, "{RED}{}{RED:#}", line(&error))?,
        }
    }
    let is_denied = options.deny_warnings && !warnings.is_empty();
    let answer = if refused.is_empty() && !is_denied { CommandAnswer::Yes } else { CommandAnswer::No };
    warn(&mut text, &warnings, options.deny_warnings)?;
    if !text.is_empty() && !refused.is_empty() {
        text.push('\n');
    }
    text.push_str(&refused);
    Ok(CommandOutput { text, answer })
}

fn in_file(file: &str, RegoWarning { place: Place { line, column }, problem, fix }: RegoWarning) -> PolicyWarning {
    PolicyWarning { problem: format!("{file}:{line}:{column}: {problem}"), fix }
}

/// A policy in one line: name, type, what it attaches itself to, title.
pub(super) fn show(text: &mut String, policy: &RegoPolicy) -> std::fmt::Result {
    let metadata = policy.metadata();
    let attached: Vec<String> = metadata.attach.iter().map(attachment).collect();
    let attached = if attached.is_empty() { "by name".to_owned() } else { attached.join(", ") };
    let title = metadata.title.as_deref().map(quoted);
    let row = format!("{:<28}  {:<14}  {attached:<20}", policy.name(), policy.policy_type().as_str());
    match title {
        Some(title) => writeln!(text, "{row}  {title}"),
        None => writeln!(text, "{}", row.trim_end()),
    }
}

fn attachment(attachment: &Attachment) -> String {
    match attachment {
        Attachment::Every => "every rule".to_owned(),
        Attachment::Label(label) => format!("label:{label}"),
    }
}
