//! `gate check`: a policy, told in sentences.

use std::fmt::Write as _;
use std::path::Path;

use environment_gate::gate::Policy;
use environment_gate::gate::policy::Rule;
use environment_gate::model::quoted;

use crate::Told;

/// Reads the policy at `path` and tells what it lets in.
pub(crate) fn check(path: &Path) -> Told {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let policy = Policy::parse(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut told = format!("{}: {}\n", path.display(), count(policy.rules.len(), "rule"));
    if policy.pause {
        told.push_str("\nPaused: every request waits, whatever the rules say.\n");
    }
    for (number, rule) in (1..).zip(&policy.rules) {
        tell(&mut told, number, rule)?;
    }
    told.push_str(
        "\nNothing else is let in: other environments of these owners are rejected, other owners are ignored.\n",
    );
    Ok((told, true))
}

fn tell(told: &mut String, number: usize, rule: &Rule) -> std::fmt::Result {
    writeln!(told, "\nRule {number}: a run of {}", names(&rule.repositories))?;
    writeln!(told, "  may enter    {}", quoted(rule.environment.as_str()))?;
    writeln!(told, "  at           {}", names(&rule.refs))?;
    writeln!(told, "  of           {}", quoted(&rule.workflow))?;
    let starters =
        rule.starters.iter().map(|login| quoted(login.as_str()).to_string()).collect::<Vec<_>>().join(" or ");
    let starters = match (rule.self_approval, rule.approvals, starters.as_str()) {
        (true, ..) | (_, 0, _) => "anybody".to_owned(),
        (false, _, "") => "a person".to_owned(),
        (false, _, named) => format!("a person, or {named}"),
    };
    writeln!(told, "  started by   {} of {starters}", names(&rule.events))?;
    for gate in &rule.gates {
        writeln!(told, "  after        job {} in {}", quoted(&gate.job), quoted(gate.environment.as_str()))?;
    }
    writeln!(told, "  approved by  {}", approvers(rule))?;
    writeln!(told, "  at most      {} before", rule.max_age)
}

fn approvers(rule: &Rule) -> String {
    if rule.approvals == 0 {
        return "nobody: a passed gate in an environment with required reviewers is enough".to_owned();
    }
    let who = if rule.approvers.is_empty() {
        "whomever GitHub lets approve".to_owned()
    } else {
        rule.approvers.iter().map(|login| quoted(login.as_str()).to_string()).collect::<Vec<_>>().join(", ")
    };
    let own = if rule.self_approval { "who started the run included" } else { "but not who started the run" };
    format!("{} of {who}, {own}", count(rule.approvals, "person"))
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
