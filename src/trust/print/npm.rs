//! npm: a trusted publisher.

use serde_json::json;

use super::{Printed, Refused, checked, registry_environment, shell, workflow_file};
use crate::trust::facts::Facts;

/// A trusted publisher of the repository, a workflow's file and the environment
/// (`npm trust github`, of npm 11.15.0 and later: <https://docs.npmjs.com/cli/v11/commands/npm-trust>). npm binds names alone: no id.
pub fn npm(facts: &Facts, package: &str, workflow: &str) -> Result<Printed, Refused> {
    checked(facts)?;
    registry_environment(&facts.environment)?;
    let workflow = workflow_file(workflow)?;
    if package.is_empty()
        || package.starts_with('-')
        || package.chars().any(|one| one.is_control() || one.is_whitespace())
    {
        return Err(Refused::new(
            format!("the package {package:?}"),
            "npm's packages are `NAME` or `@SCOPE/NAME`",
            "correct the package",
        ));
    }
    let arguments = [
        shell::option("--repository", &facts.repository),
        shell::option("--file", workflow),
        shell::option("--environment", &facts.environment),
        "--allow-publish".to_owned(),
    ];
    let text = shell::command(&format!("npm trust github {}", shell::word(package)), &arguments);
    let document = json!({
        "type": "github", "file": workflow, "repository": facts.repository, "environment": facts.environment, "permissions": ["createPackage"]
    });
    let notes = vec![
        "npm binds the repository by its name: whoever takes over the name gets in; keep the name".to_owned(),
        "a package has one trusted publisher: see `npm trust list`, and remove another by `npm trust revoke --id=ID`".to_owned(),
        "also choose \"Require two-factor authentication and disallow tokens\" in the package's settings, or a token gets in around the gate".to_owned(),
    ];
    Ok(Printed { text, document: Some(document), notes })
}
