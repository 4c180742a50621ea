//! What to configure so that the gate alone gets in: one file for each provider. What a provider cannot bind is refused, with the reason.

mod azure;
mod crates_io;
mod gcp;
mod npm;
mod pypi;
mod shell;
mod vault;

use serde_json::Value;

use super::facts::{Facts, Subject};
use super::subject::escaped;
use super::token::Token;

pub use azure::{azure, azure_flexible};
pub use crates_io::crates_io;
pub use gcp::gcp;
pub use npm::npm;
pub use pypi::pypi;
pub use vault::vault;

/// What to type, and the same as a document.
#[derive(Debug, Clone, PartialEq)]
pub struct Printed {
    /// Lines for a POSIX shell, or the fields of a form. Names in capitals (`PROJECT_ID`) are for the reader to fill in.
    pub text: String,
    /// What the provider then holds, in the shape in which its trust is read; `None` where no trust of it is read.
    pub document: Option<Value>,
    /// What the reader should know, such as what this provider does not bind.
    pub notes: Vec<String>,
}

/// Why nothing is printed for a provider: the gate could not be bound so that it alone gets in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("got {got}; {why}; {fix}")]
pub struct Refused {
    /// The value at fault.
    pub got: String,
    /// What the provider does with it.
    pub why: String,
    /// What to do next.
    pub fix: String,
}

impl Refused {
    fn new(got: impl Into<String>, why: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { got: got.into(), why: why.into(), fix: fix.into() }
    }
}

/// The longest name of an environment
/// (<https://docs.github.com/actions/reference/workflows-and-actions/deployments-and-environments>).
const LONGEST_ENVIRONMENT: usize = 255;

/// The names of the facts, checked: they are not empty, not too long, and without control characters.
fn checked(facts: &Facts) -> Result<(&str, &str), Refused> {
    let (owner, name) = facts.repository.split_once('/').unwrap_or_default();
    let plain =
        |text: &str| !text.is_empty() && text.chars().all(|one| one.is_ascii_alphanumeric() || "-_.".contains(one));
    if !plain(owner) || !plain(name) {
        return Err(Refused::new(
            format!("the repository `{}`", facts.repository),
            "GitHub's repositories are `OWNER/NAME` of letters, digits, `-`, `_` and `.`",
            "correct the repository",
        ));
    }
    let environment = &facts.environment;
    if environment.is_empty() || environment.chars().count() > LONGEST_ENVIRONMENT {
        return Err(Refused::new(
            format!("an environment's name of {} characters", environment.chars().count()),
            format!("GitHub takes 1 to {LONGEST_ENVIRONMENT}"),
            "correct the environment",
        ));
    }
    if environment.chars().any(char::is_control) {
        return Err(Refused::new(
            format!("the environment {environment:?}"),
            "GitHub takes no control characters in a name",
            "correct the environment",
        ));
    }
    Ok((owner, name))
}

/// The `sub` of the gate's tokens, or why it is not always the same.
fn subject(facts: &Facts) -> Result<String, Refused> {
    const FIXED: [&str; 7] =
        ["repo", "repository", "repository_id", "repository_owner", "repository_owner_id", "environment", "context"];
    if let Subject::Keys(keys) = &facts.subject
        && let Some(key) = keys.iter().find(|key| !FIXED.contains(&key.as_str()))
    {
        return Err(Refused::new(
            format!("a form of `sub` with `{key}`"),
            "its value changes from run to run, so that no exact `sub` is the gate's",
            "use a form of `sub` without it",
        ));
    }
    let (owner, _) = facts.repository.split_once('/').unwrap_or_default();
    let claims = [
        ("repository", facts.repository.clone()),
        ("repository_owner", owner.to_owned()),
        ("repository_id", facts.repository_id.to_string()),
        ("repository_owner_id", facts.owner_id.to_string()),
        ("environment", facts.environment.clone()),
    ];
    let claims = claims.into_iter().map(|(claim, value)| (claim.to_owned(), Value::from(value)));
    Ok(facts.subject.write(&Token::new(claims.collect())))
}

/// The `sub`, for a provider that binds it alone: then it must say which repository and which environment it is of, beyond doubt.
fn deciding_subject(facts: &Facts) -> Result<String, Refused> {
    let environment = &facts.environment;
    if escaped(environment) != *environment || environment.contains("%3A") {
        return Err(Refused::new(
            format!("the environment `{environment}`"),
            "in `sub` a `:` is written `%3A`, so that an environment with either has a twin of the same `sub`, and this provider binds `sub` alone",
            "name the environment without `:` and `%3A`",
        ));
    }
    if let Subject::Keys(keys) = &facts.subject {
        let has = |names: &[&str]| keys.iter().any(|key| names.contains(&key.as_str()));
        if !has(&["repo", "repository", "repository_id"]) || !has(&["environment", "context"]) {
            return Err(Refused::new(
                format!("the form of `sub` {keys:?}"),
                "it lacks the repository or the environment, and this provider binds `sub` alone",
                "use a form of `sub` with both",
            ));
        }
    }
    subject(facts)
}

/// The file of a workflow, as publishers of packages bind it.
fn workflow_file(file: &str) -> Result<&str, Refused> {
    let has_ending =
        [".yml", ".yaml"].iter().any(|ending| file.strip_suffix(ending).is_some_and(|name| !name.is_empty()));
    if has_ending && file.len() <= 255 && !file.contains(['/', '\\', '@']) && !file.chars().any(char::is_control) {
        return Ok(file);
    }
    Err(Refused::new(
        format!("the workflow's file {file:?}"),
        "publishers of packages are bound to the name of a file in `.github/workflows`, which ends in `.yml` or `.yaml`",
        "give the name of the file alone",
    ))
}

/// The environment, for registries that take no name with these characters (`_INVALID_ENVIRONMENT_CHARS` in
/// <https://github.com/pypi/warehouse/blob/main/warehouse/oidc/forms/github.py>, `validate_environment` in <https://github.com/rust-lang/crates.io>).
fn registry_environment(environment: &str) -> Result<(), Refused> {
    let around = environment.trim_matches(' ') != environment;
    if around || environment.contains(['\'', '"', '`', ',', ';', '\\']) || environment.len() > LONGEST_ENVIRONMENT {
        return Err(Refused::new(
            format!("the environment `{environment}`"),
            "the registry takes no environment that is longer than 255 bytes, begins or ends with a space, or has one of ' \" ` , ; \\",
            "name the environment without them",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
