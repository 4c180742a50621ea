//! The claims that are looked at (<https://docs.github.com/actions/reference/security/oidc#oidc-token-claims>).

use serde::Deserialize;
use serde_json::Value as Json;

use crate::model::quoted;

/// The claims of a token whose signature is right. Each may be missing; one that is given twice makes the token unreadable.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Claims {
    pub(in crate::gate) iss: Option<Json>,
    pub(in crate::gate) aud: Option<Json>,
    pub(in crate::gate) iat: Option<Json>,
    pub(in crate::gate) exp: Option<Json>,
    pub(in crate::gate) repository: Option<Json>,
    pub(in crate::gate) repository_id: Option<Json>,
    pub(in crate::gate) repository_owner_id: Option<Json>,
    pub(in crate::gate) run_id: Option<Json>,
    pub(in crate::gate) run_attempt: Option<Json>,
    pub(in crate::gate) check_run_id: Option<Json>,
    pub(in crate::gate) sha: Option<Json>,
    pub(in crate::gate) event_name: Option<Json>,
    pub(in crate::gate) environment: Option<Json>,
    pub(in crate::gate) environment_node_id: Option<Json>,
    #[serde(rename = "ref")]
    pub(in crate::gate) ref_name: Option<Json>,
    pub(in crate::gate) ref_type: Option<Json>,
    pub(in crate::gate) workflow_ref: Option<Json>,
    pub(in crate::gate) job_workflow_ref: Option<Json>,
    pub(in crate::gate) runner_environment: Option<Json>,
}

impl Claims {
    /// All of them, by their names in the token; `None` for one that is missing.
    pub fn by_name(&self) -> [(&'static str, Option<&Json>); 19] {
        [
            ("iss", self.iss.as_ref()),
            ("aud", self.aud.as_ref()),
            ("iat", self.iat.as_ref()),
            ("exp", self.exp.as_ref()),
            ("repository", self.repository.as_ref()),
            ("repository_id", self.repository_id.as_ref()),
            ("repository_owner_id", self.repository_owner_id.as_ref()),
            ("run_id", self.run_id.as_ref()),
            ("run_attempt", self.run_attempt.as_ref()),
            ("check_run_id", self.check_run_id.as_ref()),
            ("sha", self.sha.as_ref()),
            ("event_name", self.event_name.as_ref()),
            ("environment", self.environment.as_ref()),
            ("environment_node_id", self.environment_node_id.as_ref()),
            ("ref", self.ref_name.as_ref()),
            ("ref_type", self.ref_type.as_ref()),
            ("workflow_ref", self.workflow_ref.as_ref()),
            ("job_workflow_ref", self.job_workflow_ref.as_ref()),
            ("runner_environment", self.runner_environment.as_ref()),
        ]
    }
}

/// A claim that is text. Numbers are taken as GitHub writes ids: some as text, some as numbers.
pub(in crate::gate) fn text(claim: Option<&Json>) -> Option<String> {
    match claim? {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => number.as_u64().map(|number| number.to_string()),
        _ => None,
    }
}

/// A claim for people.
pub(in crate::gate) fn shown(claim: Option<&Json>) -> String {
    match claim {
        None | Some(Json::Null) => "nothing".to_owned(),
        Some(Json::String(text)) => quoted(text).to_string(),
        Some(other) => quoted(&other.to_string()).to_string(),
    }
}
