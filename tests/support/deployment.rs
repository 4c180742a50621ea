//! GitHub around a deployment as it should be: the App, its webhook, two environments, a workflow file.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use environment_gate::world::{Answers, Canned};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::fixtures;

/// The policy of the deployment.
pub(crate) const POLICY: &str = "[[rule]]\nrepositories = [\"octo-org/widgets\"]\nrefs = [\"main\", \"v*\"]\n";

/// Its workflow file.
pub(crate) const WORKFLOW: &str = r#"
on: workflow_dispatch
jobs:
  test:
    runs-on: ubuntu-latest
    steps: [{ run: make test }]
  release-gate:
    needs: test
    runs-on: ubuntu-latest
    environment: release-gate
    steps: [{ run: "true" }]
  build:
    needs: [test, release-gate]
    runs-on: ubuntu-latest
    steps: [{ run: make }]
  publish:
    needs: build
    runs-on: ubuntu-latest
    environment: { name: Release, url: "https://example.com" }
    steps: [{ run: ./publish }]
"#;

/// Answers of GitHub by the names of their calls; a test changes what it is about.
#[derive(Clone)]
pub(crate) struct Deployment(pub(crate) BTreeMap<&'static str, (u16, Value)>);

impl Deployment {
    pub(crate) fn healthy(hook_url: &str) -> Self {
        let environment = |id: u64, name: &str, rules: Value| {
            json!({
                "id": id, "node_id": "EN_1", "name": name, "can_admins_bypass": false, "protection_rules": rules,
                "url": format!("https://api.github.com/repos/octo-org/widgets/environments/{name}"),
                "html_url": "https://github.com/octo-org/widgets/deployments/activity_log",
                "created_at": "2025-11-01T00:00:00Z", "updated_at": "2025-11-01T00:00:00Z",
                "deployment_branch_policy": { "protected_branches": false, "custom_branch_policies": true },
            })
        };
        let reviewers = json!([{
            "id": 1, "node_id": "GA_1", "type": "required_reviewers", "prevent_self_review": true,
            "reviewers": [{ "type": "User", "reviewer": account("bob", 22) }],
        }, { "id": 2, "node_id": "GA_2", "type": "branch_policy" }]);
        let permissions = json!({ "actions": "read", "deployments": "write", "metadata": "read" });
        let mut token = story("access_tokens");
        token["expires_at"] = "2999-01-01T00:00:00Z".into();
        token["repositories"][0]["full_name"] = "octo-org/widgets".into();
        let branches = json!({ "total_count": 2, "branch_policies": [
            { "id": 1, "node_id": "P_1", "name": "main", "type": "branch" },
            { "id": 2, "node_id": "P_2", "name": "v*", "type": "tag" },
        ]});
        let rules = json!({ "total_count": 1, "custom_deployment_protection_rules": [{
            "id": 3, "node_id": "R_3", "enabled": true,
            "app": { "id": 123_456, "slug": "the-gate", "node_id": "A_1", "integration_url": "https://api.github.com/apps/the-gate" },
        }]});
        let app = json!({
            "id": 123_456, "slug": "the-gate", "node_id": "A_1", "client_id": "Iv1.0123456789abcdef", "owner": account("octo-org", 7),
            "name": "The gate", "description": "", "external_url": "https://example.com",
            "html_url": "https://github.com/apps/the-gate", "created_at": "2025-11-01T00:00:00Z",
            "updated_at": "2025-11-01T00:00:00Z", "permissions": permissions, "events": ["deployment_protection_rule"],
        });
        let hook = json!({ "url": hook_url, "content_type": "json", "secret": "********", "insecure_ssl": "0" });
        let installation = json!({
            "id": 77, "account": account("octo-org", 7), "repository_selection": "selected", "app_id": 123_456,
            "access_tokens_url": "https://api.github.com/app/installations/77/access_tokens",
            "repositories_url": "https://api.github.com/installation/repositories",
            "html_url": "https://github.com/organizations/octo-org/settings/installations/77", "app_slug": "the-gate",
            "target_id": 7, "target_type": "Organization", "permissions": permissions,
            "events": ["deployment_protection_rule"], "created_at": "2025-11-01T00:00:00Z",
            "updated_at": "2025-11-01T00:00:00Z", "single_file_name": null, "suspended_by": null, "suspended_at": null,
        });
        Self(BTreeMap::from([
            ("app", (200, app)),
            ("hook_config", (200, hook)),
            ("deliveries", (200, json!([]))),
            ("installation", (200, installation)),
            ("access_tokens", (201, token)),
            ("environment.release", (200, environment(1, "release", json!([])))),
            ("protection_rules.release", (200, rules)),
            ("environment.release-gate", (200, environment(2, "release-gate", reviewers))),
            ("branch_policies.release", (200, branches.clone())),
            ("branch_policies.release-gate", (200, branches)),
            ("contents..github/workflows/release.yml", (200, contents(WORKFLOW))),
        ]))
    }

    /// One call's answer, to be changed.
    pub(crate) fn body(&mut self, name: &str) -> &mut Value {
        &mut self.0.get_mut(name).unwrap().1
    }

    pub(crate) fn answers(&self) -> Answers {
        let canned =
            |(status, body): &(u16, Value)| Canned { status: *status, body: Some(body.clone()), ..Canned::default() };
        self.0.iter().map(|(name, answer)| ((*name).to_owned(), vec![canned(answer)])).collect()
    }
}

/// A file, as the Contents API shows it: base64 in lines.
pub(crate) fn contents(text: &str) -> Value {
    let encoded = STANDARD.encode(text);
    let lines: Vec<&str> = encoded.as_bytes().chunks(60).map(|line| std::str::from_utf8(line).unwrap()).collect();
    let url = "https://api.github.com/repos/octo-org/widgets/contents/.github/workflows/release.yml";
    json!({
        "type": "file", "encoding": "base64", "content": lines.join("\n"), "size": text.len(), "name": "release.yml",
        "path": ".github/workflows/release.yml", "sha": "3d21ec53a331a6f037a91c368710b99387d012c1", "url": url,
        "git_url": url, "html_url": url, "download_url": url, "_links": { "git": url, "html": url, "self": url },
    })
}

/// A delivery that GitHub sent an hour ago.
pub(crate) fn delivery(status: u16) -> Value {
    let at = (Timestamp::now() - SignedDuration::from_hours(1)).to_string();
    json!({
        "id": 1, "guid": "0b989ba4-242f-11e5-81e1-c7b6966d2516", "delivered_at": at, "redelivery": false, "duration": 0.5,
        "status": "", "status_code": status, "event": "deployment_protection_rule", "action": "requested",
        "installation_id": 77, "repository_id": 4242, "throttled_at": null,
    })
}

fn account(login: &str, id: u64) -> Value {
    let mut account = story("run")["actor"].take();
    account["login"] = login.into();
    account["id"] = id.into();
    account
}

/// An answer of the approving story.
fn story(call: &str) -> Value {
    fixtures::one("approve/one-human-approved-the-gate").answers[call][0].body.clone().unwrap()
}
