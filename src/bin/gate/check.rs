//! `gate check`: what a policy lets in, in plain sentences.

use std::fmt::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use environment_gate::config::policies_in;
use environment_gate::gate::Policy;
use environment_gate::gate::policy::{PolicyWarning, Rule};
use environment_gate::model::{Login, quoted};

use crate::output::{CommandAnswer, CommandOutput};
use crate::render::{BOLD, RED, YELLOW};
use crate::values;

/// Describes a policy in TOML to editors.
const POLICY_SCHEMA: &str = include_str!("../../../docs/policy.schema.json");

#[derive(clap::Args)]
pub(crate) struct CheckOptions {
    /// The policy's file, in TOML
    #[arg(required_unless_present = "schema", value_parser = values::file)]
    policy: Option<PathBuf>,
    /// The folder of its policies in Rego
    #[arg(long, value_name = "DIR", value_parser = values::folder)]
    policies: Option<PathBuf>,
    /// Treat warnings as errors: the exit code is 1 if there are any
    #[arg(long)]
    deny_warnings: bool,
    /// Print the JSON schema of policies in TOML, for editors
    #[arg(long, exclusive = true)]
    schema: bool,
}

/// Checks the policy, or prints the schema of all policies.
pub(crate) fn check(options: &CheckOptions) -> anyhow::Result<CommandOutput> {
    match &options.policy {
        Some(path) => check_policy(path, options),
        None => Ok(CommandOutput::yes(POLICY_SCHEMA.to_owned())),
    }
}

/// Reads the policy and shows what it lets in, and what to think about once more. The answer is no if there are warnings and they are denied.
fn check_policy(file: &Path, options: &CheckOptions) -> anyhow::Result<CommandOutput> {
    let path = file.display();
    let text = std::fs::read_to_string(file).with_context(|| path.to_string())?;
    let policy = Policy::parse(&text).with_context(|| path.to_string())?;
    let policy = with_rego(policy, options.policies.as_deref()).with_context(|| path.to_string())?;
    let mut text = format!("{path}: {}\n", count(policy.rules.len(), "rule"));
    if policy.pause {
        text.push_str("\nPaused: every request waits, whatever the rules say.\n");
    }
    for (number, rule) in (1..).zip(&policy.rules) {
        show(&mut text, number, rule)?;
    }
    text.push_str("\nNothing else is let in: other repositories and environments of these owners are rejected, other owners are ignored.\n");
    let warnings = policy.warnings();
    let answer = if options.deny_warnings && !warnings.is_empty() { CommandAnswer::No } else { CommandAnswer::Yes };
    warn(&mut text, &warnings, options.deny_warnings)?;
    Ok(CommandOutput { text, answer })
}

/// The policy with those in Rego; a rule may name one although there is no folder.
fn with_rego(policy: Policy, folder: Option<&Path>) -> anyhow::Result<Policy> {
    let texts = folder.map(policies_in).transpose()?.unwrap_or_default();
    Ok(policy.with_rego(texts.iter().map(|(name, text)| (name.as_str(), text.as_str())))?)
}

/// Each warning with its fix; as an error where warnings are denied.
pub(crate) fn warn(text: &mut String, warnings: &[PolicyWarning], are_denied: bool) -> fmt::Result {
    let (kind, style) = if are_denied { ("error", RED) } else { ("warning", YELLOW) };
    for PolicyWarning { problem, fix } in warnings {
        writeln!(text, "\n{style}{kind}{style:#}: {problem}\n  {BOLD}Fix:{BOLD:#} {fix}")?;
    }
    Ok(())
}

fn show(text: &mut String, number: usize, rule: &Rule) -> fmt::Result {
    writeln!(text, "\nRule {number} lets a run of {}", names(&rule.repositories))?;
    writeln!(text, "  deploy to    {}", quoted(rule.environment.as_str()))?;
    writeln!(text, "  from         {}", names(&rule.refs))?;
    writeln!(text, "  with         {}", quoted(&rule.workflow))?;
    writeln!(text, "  started via  {}, by {}", names(&rule.events), starters(rule))?;
    for gate in &rule.gates {
        writeln!(text, "  after gate   {} in environment {}", quoted(&gate.job), quoted(gate.environment.as_str()))?;
    }
    writeln!(text, "  approved by  {}", approvers(rule))?;
    writeln!(text, "  within       {} of its gates", rule.max_age)?;
    if rule.signed {
        let runner = rule.runner.map(|runner| format!(", on a {} runner", runner.as_str())).unwrap_or_default();
        writeln!(text, "  signed by    each gate's job{runner}")?;
    }
    if !rule.gate_workflows.is_empty() {
        writeln!(text, "  of workflow  {}", names(&rule.gate_workflows))?;
    }
    for policy in &rule.attached {
        writeln!(text, "  if policy    {} ({}) agrees", quoted(policy.name()), policy.policy_type().as_str())?;
    }
    Ok(())
}

fn starters(rule: &Rule) -> String {
    if rule.self_approval || rule.approvals == 0 {
        return "anyone".to_owned();
    }
    if rule.starters.is_empty() {
        "a person".to_owned()
    } else {
        format!("a person, or {}", logins(&rule.starters, " or "))
    }
}

fn approvers(rule: &Rule) -> String {
    if rule.approvals == 0 {
        return "nobody: a gate that succeeded in an environment with required reviewers is enough".to_owned();
    }
    let who = if rule.approvers.is_empty() {
        "whomever GitHub lets approve".to_owned()
    } else {
        format!("of {}", logins(&rule.approvers, ", "))
    };
    let own = if rule.self_approval { "including whoever started the run" } else { "except whoever started the run" };
    format!("{} ({who}), {own}", count(rule.approvals, "person"))
}

fn logins(logins: &[Login], separator: &str) -> String {
    logins.iter().map(|login| quoted(login.as_str()).to_string()).collect::<Vec<_>>().join(separator)
}

fn names<T: ToString>(items: &[T]) -> String {
    items.iter().map(|item| quoted(&item.to_string()).to_string()).collect::<Vec<_>>().join(" or ")
}

fn count(number: usize, noun: &str) -> String {
    match (number, noun) {
        (1, noun) => format!("1 {noun}"),
        (number, "person") => format!("{number} different people"),
        (number, noun) => format!("{number} {noun}s"),
    }
}
