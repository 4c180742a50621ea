//! Azure: a federated identity credential, classic and flexible.

use serde_json::{Value, json};

use super::{Printed, Refused, checked, deciding_subject, shell};
use crate::trust::audience::GITHUB;
use crate::trust::facts::Facts;

/// The audience that Azure demands.
const AUDIENCE: &str = "api://AzureADTokenExchange";
/// `subject` and the expression may not be longer (<https://learn.microsoft.com/graph/api/resources/federatedidentitycredential>).
const LONGEST: usize = 600;

/// A classic credential: `sub` alone, exactly. Refused if the environment has a colon twin, or `sub` lacks something.
pub fn azure(facts: &Facts) -> Result<Printed, Refused> {
    checked(facts)?;
    let subject = fitting(deciding_subject(facts)?)?;
    let document = json!({"name": "gate", "issuer": GITHUB, "subject": subject, "audiences": [AUDIENCE]});
    let parameters = format!("--parameters {}", shell::word(&document.to_string()));
    let text = shell::command("az ad app federated-credential create", &["--id APPLICATION_ID".to_owned(), parameters]);
    let note = "it binds the repository as `sub` names it: if `sub` has its name alone, whoever takes over the name gets in; a flexible credential binds `repository_id` too";
    Ok(printed(text, document, note))
}

/// A flexible credential, still a preview: `sub` and `repository_id`. Refused if the environment has a colon twin, or `sub` has a quote or a backslash, which the
/// language escapes in a way that is not documented
/// (<https://learn.microsoft.com/entra/workload-id/workload-identities-flexible-federated-identity-credentials>).
pub fn azure_flexible(facts: &Facts) -> Result<Printed, Refused> {
    checked(facts)?;
    let subject = deciding_subject(facts)?;
    if subject.contains(['\'', '\\']) {
        return Err(Refused::new(
            format!("the `sub` `{subject}`"),
            "how a quote or a backslash is written in an expression is not documented",
            "name the environment without them, or use a classic credential",
        ));
    }
    let id = facts.repository_id;
    let expression = fitting(format!("claims['sub'] eq '{subject}' and claims['repository_id'] eq '{id}'"))?;
    let document = json!({
        "name": "gate", "issuer": GITHUB, "audiences": [AUDIENCE],
        "claimsMatchingExpression": {"value": expression, "languageVersion": 1}
    });
    let arguments = [
        "--url https://graph.microsoft.com/beta/applications/OBJECT_ID/federatedIdentityCredentials".to_owned(),
        "--headers Content-Type=application/json".to_owned(),
        format!("--body {}", shell::word(&document.to_string())),
    ];
    let text = shell::command("az rest --method post", &arguments);
    Ok(printed(
        text,
        document,
        "flexible credentials are a preview of Azure's, for applications; `az ad app federated-credential` does not show them",
    ))
}

fn printed(text: String, document: Value, note: &str) -> Printed {
    Printed { text, document: Some(document), notes: vec![note.to_owned()] }
}

fn fitting(text: String) -> Result<String, Refused> {
    let length = text.chars().count();
    if length <= LONGEST {
        return Ok(text);
    }
    Err(Refused::new(
        format!("a subject or expression of {length} characters"),
        format!("Azure takes {LONGEST}"),
        "shorten the environment's name",
    ))
}
