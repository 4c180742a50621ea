//! What `gate setup` would do, and why it would stop.

use environment_gate::config::{KeyPlace, Names};
use environment_gate::model::quoted;

use super::context::SetupContext;
use super::manifest::{Manifest, new_app_url};
use super::vault::StoredSettings;

/// What would be done.
pub(super) fn plan(context: &SetupContext, stored: &StoredSettings, rego: usize) -> anyhow::Result<String> {
    let names = &context.vault.names;
    let policy = match (&stored.policy, &context.options.policy) {
        (Some(_), _) => format!("leave SSM parameter `{}` as it is", names.policy),
        (None, Some(path)) => format!("store {} as SSM parameter `{}`", path.display(), names.policy),
        (None, None) => "stop: there is no policy in AWS, and none was given with `--policy`".to_owned(),
    };
    let policy = match rego {
        0 => policy,
        rego => format!("{policy}; store {rego} in Rego under `{}`, but for those that are there", names.policies),
    };
    let is_whole = stored.app_id.is_some() && stored.webhook_secret.is_some() && stored.private_key.is_some();
    let app = match (is_whole, stored.have_an_app()) {
        _ if context.options.private_key.is_some() => import_of(context),
        (true, _) => "use the App whose settings already exist".to_owned(),
        (false, true) => format!("stop: {}", half_an_app(names, stored)),
        (false, false) => format!(
            "show a page that sends this manifest to {}, and store GitHub's answer as `{}`, `{}` and {}\n{:#}",
            new_app_url(context),
            names.app_id,
            names.webhook_secret,
            names.private_key,
            serde_json::to_value(Manifest::new(context, "http://127.0.0.1/created".to_owned())?)?
        ),
    };
    let webhook = match &context.webhook_url {
        Some(url) => format!("point the App's webhook at {}", quoted(&url.to_string())),
        None => "leave the App's webhook as it is: neither `--stack` nor `--webhook-url` was given".to_owned(),
    };
    Ok(format!("It would:\n1. {policy}\n2. {app}\n3. {webhook}\nNothing was done.\n"))
}

/// Another key of the App.
fn import_of(context: &SetupContext) -> String {
    let path = context.options.private_key.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
    let name = context.vault.names.private_key.name();
    format!("import {path} as a new KMS key and, if GitHub accepts what that signs, point `{name}` at it")
}

/// Only some of an App's settings exist. Nobody knows which App's they are.
pub(super) fn half_an_app(names: &Names, stored: &StoredSettings) -> String {
    let key = match &names.private_key {
        KeyPlace::Secret(name) => format!("`{name}`"),
        KeyPlace::KmsKey(name) => format!("KMS key `{name}` (`--private-key FILE` imports one)"),
    };
    let parts = [
        (stored.app_id.is_some(), format!("`{}`", names.app_id)),
        (stored.webhook_secret.is_some(), format!("`{}`", names.webhook_secret)),
        (stored.private_key.is_some(), key),
    ];
    let listed = |wanted: bool| {
        let names = parts.iter().filter(|(exists, _)| *exists == wanted).map(|(_, name)| name.as_str());
        names.collect::<Vec<_>>().join(" and ")
    };
    format!(
        "got {} but no {}, expected all of an App's settings or none; add what is missing, or delete what is there, and run it again",
        listed(true),
        listed(false)
    )
}
