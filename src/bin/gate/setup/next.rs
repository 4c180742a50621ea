//! What is left to do when `gate setup` is done.

use std::fmt::Write as _;

use environment_gate::config::Names;
use environment_gate::model::quoted;

/// The commands, ready to be copied.
pub(crate) fn told(names: &Names, app_id: &str, (slug, install): (&str, &str), is_connected: bool) -> String {
    let Names { app_id: id, webhook_secret, policy, private_key } = names;
    let mut told = String::from("\nNext\n");
    if !is_connected {
        // Writing to a `String` cannot fail.
        let _ = writeln!(
            told,
            "- deploy the function, then run `gate setup --stack STACK`:\n    sam build && sam deploy --stack-name STACK --parameter-overrides AppIdParameter={id} \\\n      WebhookSecretParameter={webhook_secret} PolicyParameter={policy} PrivateKeySecret={private_key}"
        );
    }
    let _ = writeln!(told, "- install the App {} on the policy's repositories: {install}", quoted(slug));
    let _ = writeln!(
        told,
        "- protect the environments, as an admin of each repository:\n    gh api -X POST repos/OWNER/REPO/environments/release/deployment_protection_rules -F integration_id={app_id}\n  and required reviewers for `release-gate` (the README says how)"
    );
    let _ = writeln!(
        told,
        "- see that all is well:\n    export APP_ID_PARAMETER={id} WEBHOOK_SECRET_PARAMETER={webhook_secret} POLICY_PARAMETER={policy} PRIVATE_KEY_SECRET={private_key}\n    gate doctor"
    );
    told
}
