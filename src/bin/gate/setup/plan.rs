//! What `gate setup` would do, and why it would stop.

use environment_gate::config::Kept;
use environment_gate::model::quoted;

use super::{Done, Steps};

impl Steps<'_> {
    /// What would be done.
    pub(super) fn plan(&self, kept: &Kept, webhook_url: Option<&str>) -> Done<String> {
        let names = self.vault.names();
        let parts = (kept.app_id.is_some(), kept.webhook_secret.is_some(), kept.private_key.is_some());
        let policy = match (&kept.policy, &self.asked.policy) {
            (Some(_), _) => format!("leave SSM parameter `{}` as it is", names.policy),
            (None, Some(path)) => format!("put {} as SSM parameter `{}`", path.display(), names.policy),
            (None, None) => "stop: no policy is there, and none was given with `--policy`".to_owned(),
        };
        let app = match parts {
            (true, true, true) => "use the App whose settings are there".to_owned(),
            (false, false, false) => format!(
                "show a page that hands this manifest to {}, and put what GitHub answers as `{}`, `{}` and secret `{}`\n{:#}",
                self.new_app_url(),
                names.app_id,
                names.webhook_secret,
                names.private_key,
                serde_json::to_value(self.manifest(webhook_url, "http://127.0.0.1/created")?)?
            ),
            _ => format!("stop: {}", self.half(kept)),
        };
        let hook = webhook_url.map_or_else(
            || {
                "leave the App's webhook where it is, or nowhere: no `--stack` and no `--webhook-url` was given"
                    .to_owned()
            },
            |url| format!("let the App's webhook lead to {}", quoted(url)),
        );
        Ok(format!("Would\n1. {policy}\n2. {app}\n3. {hook}\nNothing was done.\n"))
    }

    /// Part of an App's settings are there. Which App's they are nobody knows.
    pub(super) fn half(&self, kept: &Kept) -> String {
        let names = self.vault.names();
        let parts = [
            (&kept.app_id, &names.app_id),
            (&kept.webhook_secret, &names.webhook_secret),
            (&kept.private_key, &names.private_key),
        ];
        let those = |there: bool| {
            let some = parts.iter().filter(|(part, _)| part.is_some() == there).map(|(_, name)| format!("`{name}`"));
            some.collect::<Vec<_>>().join(" and ")
        };
        format!(
            "got {} but no {}: expected all of an App's settings, or none. Put what is missing, or delete what is there and run it again",
            those(true),
            those(false)
        )
    }
}
