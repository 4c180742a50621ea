//! Trust policies of IAM roles: who may assume a role with a token of GitHub's
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create_for-idp_oidc.html>).
//!
//! Not here: what the role may do once assumed, service and resource control policies, and the provider's list of audiences.

mod condition;
mod operator;
mod policy;
mod principal;
mod print;
mod read;
mod value;

#[cfg(test)]
mod fuzz_tests;
#[cfg(test)]
mod print_tests;
#[cfg(test)]
mod read_tests;
#[cfg(test)]
mod tests;

pub use policy::TrustPolicy;
pub use print::{PrintError, cloudformation, trust_policy};
pub use read::{AwsError, MAX_BYTES, read};

/// The claims of GitHub's tokens that AWS documents as condition keys
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-wif>,
/// <https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecuritytokenservice.html>).
pub const CLAIMS: [&str; 12] = [
    "aud",
    "sub",
    "actor",
    "actor_id",
    "enterprise_id",
    "environment",
    "job_workflow_ref",
    "ref",
    "repository",
    "repository_id",
    "repository_owner_id",
    "workflow",
];

/// GitHub's other claims. AWS does not document keys for them, and may offer them all the same: whoever gets in by one of them gets in, and nobody is alone by it.
const UNDOCUMENTED: [&str; 24] = [
    "base_ref",
    "check_run_id",
    "enterprise",
    "environment_node_id",
    "event_name",
    "head_ref",
    "iss",
    "job_workflow_sha",
    "ref_protected",
    "ref_type",
    "repository_owner",
    "repository_visibility",
    "run_attempt",
    "run_id",
    "run_number",
    "runner_environment",
    "sha",
    "workflow_ref",
    "workflow_sha",
    "jti",
    "iat",
    "nbf",
    "exp",
    "issuer_scope",
];

/// Whether GitHub's tokens have the claim, or may have it, though AWS does not document a key for it.
fn is_undocumented(claim: &str) -> bool {
    UNDOCUMENTED.contains(&claim) || claim.starts_with(crate::trust::alphabet::PROPERTY)
}

/// The host of GitHub's provider. An enterprise's own issuer adds `/` and its name.
const HOST: &str = "token.actions.githubusercontent.com";
