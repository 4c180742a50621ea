//! Google Cloud: a provider of a workload identity pool, and the binding of a service account.

use serde_json::json;

use super::{Printed, Refused, checked, shell, subject};
use crate::trust::audience::GITHUB;
use crate::trust::facts::Facts;

/// The pool, as principals name it.
const POOL: &str = "projects/PROJECT_NUMBER/locations/global/workloadIdentityPools/POOL";
/// A mapped subject may not have more bytes, nor a condition
/// (<https://cloud.google.com/iam/docs/reference/rest/v1/projects.locations.workloadIdentityPools.providers>).
const LONGEST_SUBJECT: usize = 127;
const LONGEST_CONDITION: usize = 4_096;

/// A provider whose condition demands `sub`, `repository_id` and `environment` exactly, and a service account bound to the subject.
/// Refused if `sub` is too long for Google.
pub fn gcp(facts: &Facts) -> Result<Printed, Refused> {
    checked(facts)?;
    let subject = subject(facts)?;
    if subject.len() > LONGEST_SUBJECT {
        return Err(Refused::new(
            format!("the `sub` `{subject}` of {} bytes", subject.len()),
            format!("Google takes {LONGEST_SUBJECT}"),
            "shorten the environment's name",
        ));
    }
    let condition = format!(
        "assertion.sub == {} && assertion.repository_id == '{}' && assertion.environment == {}",
        text(&subject),
        facts.repository_id,
        text(&facts.environment)
    );
    if condition.len() > LONGEST_CONDITION {
        return Err(Refused::new(
            "a condition that is too long",
            format!("Google takes {LONGEST_CONDITION} bytes"),
            "shorten the environment's name",
        ));
    }
    let member = format!("principalSet://iam.googleapis.com/{POOL}/attribute.repository_id/{}", facts.repository_id);
    let document = json!({
        "provider": {
            "name": format!("{POOL}/providers/PROVIDER"),
            "attributeCondition": condition,
            "attributeMapping": {"google.subject": "assertion.sub", "attribute.repository_id": "assertion.repository_id"},
            "oidc": {"issuerUri": GITHUB},
        },
        "policy": {"bindings": [{"role": "roles/iam.workloadIdentityUser", "members": [member]}]},
    });
    let provider = shell::command(
        "gcloud iam workload-identity-pools providers create-oidc PROVIDER",
        &[
            "--project=PROJECT_ID --location=global --workload-identity-pool=POOL".to_owned(),
            shell::option("--issuer-uri", GITHUB),
            "--attribute-mapping=google.subject=assertion.sub,attribute.repository_id=assertion.repository_id"
                .to_owned(),
            shell::option("--attribute-condition", &condition),
        ],
    );
    let binding = shell::command(
        "gcloud iam service-accounts add-iam-policy-binding SERVICE_ACCOUNT@PROJECT_ID.iam.gserviceaccount.com",
        &["--project=PROJECT_ID --role=roles/iam.workloadIdentityUser".to_owned(), shell::option("--member", &member)],
    );
    let note = "every provider of the pool leads to the same identities: use a pool for this provider alone";
    Ok(Printed { text: format!("{provider}\n{binding}"), document: Some(document), notes: vec![note.to_owned()] })
}

/// A text of CEL between single quotes; what is not printable ASCII is escaped (<https://github.com/google/cel-spec/blob/master/doc/langdef.md#string-and-bytes-values>).
fn text(value: &str) -> String {
    let written = value.chars().map(|character| match character {
        '\'' | '\\' => format!("\\{character}"),
        ' '..='~' => character.to_string(),
        other => format!("\\U{:08x}", u32::from(other)),
    });
    format!("'{}'", written.collect::<String>())
}
