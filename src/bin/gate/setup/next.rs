//! What is left to do when `gate setup` is done.

use environment_gate::config::Names;
use environment_gate::model::quoted;

use super::context::SetupContext;
use super::webhook::{ACTIVATE, ConnectedApp};

/// The commands, ready to copy.
/// `key` is the stack's parameter for the place of the key, and its value.
pub(super) fn steps(
    context: &SetupContext,
    app_id: &str,
    app: &ConnectedApp,
    (key_parameter, key): &(&str, String),
) -> String {
    let Names { app_id: id, webhook_secret, policy, policies, private_key } = &context.vault.names;
    let (key_variable, key_name) = (private_key.variable(), private_key.name());
    let rego = context.options.policies.as_ref().map(|_| policies);
    let (parameter, variable) =
        rego.map(|path| (format!(" PoliciesPath={path}"), format!(" POLICIES_PATH={path}"))).unwrap_or_default();
    let deploy = if context.webhook_url.is_some() {
        String::new()
    } else {
        format!(
            "- Deploy the function, then run `gate setup --stack STACK`:\n    sam build && sam deploy --stack-name STACK --parameter-overrides AppIdParameter={id} \\\n      WebhookSecretParameter={webhook_secret} PolicyParameter={policy} {key_parameter}={key}{parameter}\n"
        )
    };
    let activate = if app.may_be_inactive {
        format!("- Activate the App's webhook, which GitHub's API cannot: {ACTIVATE}\n")
    } else {
        String::new()
    };
    let (slug, url) = (quoted(&app.slug), &app.url);
    let doctor = match &context.options.stack {
        Some(stack) => format!("gate doctor --stack {stack}"),
        None => "gate doctor".to_owned(),
    };
    format!(
        "\nNext\n{deploy}{activate}\
         - Install the App {slug} on the policy's repositories: {url}/installations/new\n\
         - Protect the environments, as an admin of each repository:\n    gh api -X POST repos/OWNER/REPO/environments/release/deployment_protection_rules -F integration_id={app_id}\n  and give `release-gate` required reviewers (docs/deploy.md shows how)\n\
         - If a rule has `signed = true`, let its gates' jobs sign themselves with `app-id: {app_id}` (docs/signed-runs.md)\n\
         - Check that everything is set up right:\n    export APP_ID_PARAMETER={id} WEBHOOK_SECRET_PARAMETER={webhook_secret} POLICY_PARAMETER={policy} {key_variable}={key_name}{variable}\n    {doctor}\n"
    )
}
