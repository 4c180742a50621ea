//! The Python Package Index: the fields of a trusted publisher.

use super::{Printed, Refused, checked, registry_environment, workflow_file};
use crate::trust::facts::Facts;

/// The form's fields (<https://docs.pypi.org/trusted-publishers/adding-a-publisher/>). The index keeps the owner's id when the form is sent, and compares the workflow
/// that runs the job (`job_workflow_ref`), names without regard to case (`warehouse/oidc/models/github.py` of <https://github.com/pypi/warehouse>).
pub fn pypi(facts: &Facts, workflow: &str) -> Result<Printed, Refused> {
    let (owner, name) = checked(facts)?;
    registry_environment(&facts.environment)?;
    let fields = [
        ("Owner", owner),
        ("Repository name", name),
        ("Workflow name", workflow_file(workflow)?),
        ("Environment name", &facts.environment),
    ];
    let lines: Vec<String> = fields.iter().map(|(field, value)| format!("{field}: {value}")).collect();
    let notes = vec![
        "PyPI binds the owner by id and the repository by its name: keep the name".to_owned(),
        "a publisher without an environment beside this one takes every job of the workflow: remove it".to_owned(),
    ];
    Ok(Printed { text: lines.join("\n"), document: None, notes })
}
