//! crates.io: a trusted publisher, by its API.

use serde_json::json;

use super::{Printed, Refused, checked, registry_environment, shell, workflow_file};
use crate::trust::facts::Facts;

/// The call of `POST /api/v1/trusted_publishing/github_configs` (<https://crates.io/docs/trusted-publishing>, `NewGitHubConfig` of
/// <https://github.com/rust-lang/crates.io>), which has the form's fields. crates.io keeps the owner's id, and compares the environment without regard to case.
pub fn crates_io(facts: &Facts, package: &str, workflow: &str) -> Result<Printed, Refused> {
    let (owner, name) = checked(facts)?;
    registry_environment(&facts.environment)?;
    let plain = |one: char| one.is_ascii_alphanumeric() || one == '-' || one == '_';
    if package.is_empty() || package.len() > 64 || !package.chars().all(plain) {
        return Err(Refused::new(
            format!("the crate {package:?}"),
            "crates have 1 to 64 letters, digits, `-` and `_`",
            "correct the crate",
        ));
    }
    let config = json!({"github_config": {
        "crate": package,
        "repository_owner": owner,
        "repository_name": name,
        "workflow_filename": workflow_file(workflow)?,
        "environment": facts.environment,
    }});
    let arguments = [
        "--header \"Authorization: $CRATES_IO_TOKEN\"".to_owned(),
        "--header 'Content-Type: application/json'".to_owned(),
        format!("--data-binary {}", shell::word(&config.to_string())),
    ];
    let text = shell::command("curl --fail https://crates.io/api/v1/trusted_publishing/github_configs", &arguments);
    let notes = vec![
        "crates.io binds the owner by id and the repository by its name: keep the name".to_owned(),
        "a publisher without an environment beside this one takes every job of the workflow: remove it".to_owned(),
        "also choose to require trusted publishing in the crate's settings, or a token gets in around the gate"
            .to_owned(),
    ];
    Ok(Printed { text, document: None, notes })
}
