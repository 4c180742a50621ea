//! What the fake GitHub answers: each call has a name, and a story has an answer for each name.

use std::collections::{BTreeMap, BTreeSet};

use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::{Map, Value};

/// Calls by name, and the answers to each: the first call gets the first answer, and the last one is repeated.
///
/// Names: `rate_limit`, which is always answered, `deliveries`, `delivery.ID`, `installation`, `runs.PAGE`, `runs.STATUS`, `access_tokens`, `app`, `hook_config`, `set_hook`, `conversion`, `new_app` and `create_app` (GitHub's pages), `protection_rules.NAME`, `branch_policies.NAME`, `contents.PATH`, `permission`, `run`, `attempt.N`, `jobs.PAGE`, `approvals`, `environment.NAME`, `pending_deployments`,
/// `review`, `status_report`; `repository`, `oidc_subject`, `artifacts`, `artifact.ID`, and elsewhere than the API `blob.ID` and `jwks`.
pub type Answers = BTreeMap<String, Vec<Canned>>;

/// One answer.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Canned {
    /// The HTTP status.
    pub status: u16,
    /// Headers besides `content-type`.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The body, as JSON.
    pub body: Option<Value>,
    /// The body, as a text.
    pub text: Option<String>,
    /// The body, as a token that is signed when the story is played.
    pub token: Option<TokenPlan>,
    /// The body, as the provider's key under each of these ids.
    pub keys: Option<Vec<String>>,
    /// The body: this many blanks.
    pub blanks: Option<usize>,
    /// What goes wrong, if anything.
    pub fault: Option<CannedFault>,
    /// Names of calls that must arrive before this one is answered. So a story can demand that calls are made in parallel.
    #[serde(default)]
    pub after: BTreeSet<String>,
}

/// A token that is signed when the story is played, because its times move with the story's.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenPlan {
    /// All claims. `iat` and `exp` are instants in RFC 3339.
    pub claims: Map<String, Value>,
    /// The id of the key in the token's header.
    pub kid: Option<String>,
    /// Signed by a key of nobody's.
    #[serde(default)]
    pub forged: bool,
}

/// What goes wrong with an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CannedFault {
    /// It never comes; the connection stays open.
    Silence,
    /// The connection breaks.
    Reset,
}

/// A request, as needed to find its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FakeRequest {
    /// `GET` or `POST`.
    pub method: String,
    /// The path under the API, with its query.
    pub path: String,
}

impl FakeRequest {
    /// The name of the call, if it is one that the gate makes. `base` is the path of the API itself, `sent` the JSON body.
    pub fn name(&self, base: &str, sent: &Value) -> Option<String> {
        // GitHub's pages are beside the API's path, not under it.
        let is_page = ["/settings/", "/organizations/", "/favicon.ico"].iter().any(|page| self.path.starts_with(page));
        let path = if is_page { self.path.as_str() } else { self.path.strip_prefix(base)? };
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        let get = self.method == "GET";
        match parts.as_slice() {
            ["app", "installations", _, "access_tokens"] if !get => Some("access_tokens".to_owned()),
            ["app"] if get => Some("app".to_owned()),
            ["app", "hook", "config"] if get => Some("hook_config".to_owned()),
            ["app", "hook", "config"] if self.method == "PATCH" => Some("set_hook".to_owned()),
            ["app-manifests", _, "conversions"] if !get => Some("conversion".to_owned()),
            // GitHub's own pages, which are on the same host in a test.
            ["settings", "apps", "new"] | ["organizations", _, "settings", "apps", "new"] if !get => {
                Some("new_app".to_owned())
            }
            ["settings", "apps", "create"] if !get => Some("create_app".to_owned()),
            ["favicon.ico"] if get => Some("favicon".to_owned()),
            ["rate_limit"] if get => Some("rate_limit".to_owned()),
            ["app", "hook", "deliveries"] if get => Some("deliveries".to_owned()),
            ["app", "hook", "deliveries", id] if get => Some(format!("delivery.{id}")),
            ["repos", _, _] if get => Some("repository".to_owned()),
            ["repos", _, _, "actions", "oidc", "customization", "sub"] if get => Some("oidc_subject".to_owned()),
            ["repos", _, _, "installation"] if get => Some("installation".to_owned()),
            ["repos", _, _, "actions", "runs"] if get => {
                Some(format!("runs.{}", parameter(query, "status").or(parameter(query, "page"))?))
            }
            ["repos", _, _, "environments", name, rest @ ..] if get => {
                let name = percent_decode_str(name).decode_utf8().ok()?.to_lowercase();
                match rest {
                    [] => Some(format!("environment.{name}")),
                    ["deployment_protection_rules"] => Some(format!("protection_rules.{name}")),
                    ["deployment-branch-policies"] => Some(format!("branch_policies.{name}")),
                    _ => None,
                }
            }
            ["repos", _, _, "actions", "artifacts", id, "zip"] if get => Some(format!("artifact.{id}")),
            [".well-known", "jwks"] if get => Some("jwks".to_owned()),
            ["blobs", id] if get => Some(format!("blob.{id}")),
            ["repos", _, _, "collaborators", _, "permission"] if get => Some("permission".to_owned()),
            ["repos", _, _, "contents", path @ ..] if get => Some(format!("contents.{}", path.join("/"))),
            // A renamed repository: GitHub redirects a read to its id.
            ["repos", _, _, "actions", "runs", _, rest @ ..] | ["repositories", _, "actions", "runs", _, rest @ ..] => {
                match rest {
                    [] if get => Some("run".to_owned()),
                    ["attempts", number] if get => Some(format!("attempt.{number}")),
                    ["jobs"] if get => Some(format!("jobs.{}", parameter(query, "page")?)),
                    ["approvals"] if get => Some("approvals".to_owned()),
                    ["artifacts"] if get => Some("artifacts".to_owned()),
                    ["pending_deployments"] if get => Some("pending_deployments".to_owned()),
                    ["deployment_protection_rule"] if !get && sent.get("state").is_some() => Some("review".to_owned()),
                    ["deployment_protection_rule"] if !get => Some("status_report".to_owned()),
                    _ => None,
                }
            }
            _ => None,
        }
    }
}

fn parameter<'q>(query: &'q str, name: &str) -> Option<&'q str> {
    query.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// The file with the answer to a call: `github/environment.gate_prod.json` for `environment.gate/prod`.
pub(super) fn file_of(call: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '~') { c } else { '_' };
    format!("github/{}.json", call.chars().map(plain).collect::<String>())
}
