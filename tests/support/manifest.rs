//! GitHub's pages and calls around an App that is being made: the manifest, the button, the code that is good once, the webhook. For the rest it is
//! the GitHub of a deployment.

use std::sync::{Arc, Mutex};

use environment_gate::world::{APP_ID, AnswerSource, Asked, Canned, FakeGithub, KnownApp, Living, Player};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::deployment::Deployment;
use super::github::app;

/// The webhook secret that GitHub makes.
pub(crate) const SECRET: &str = "a-secret-that-github-made-0123456789";

/// A GitHub on which an App can be made.
pub(crate) struct Makeable {
    pub(crate) fake: FakeGithub,
    pub(crate) made: Arc<Mutex<Made>>,
}

/// What was made so far.
#[derive(Default)]
pub(crate) struct Made {
    /// Each manifest that a browser brought, with the page that took it.
    pub(crate) manifests: Vec<(String, Value)>,
    /// The codes that are still good.
    pub(crate) codes: Vec<String>,
    /// The webhook of the App.
    pub(crate) hook: Value,
    /// The next answer to a code is this one.
    pub(crate) trouble: Option<u16>,
    /// The App has no webhook whose settings could be changed.
    pub(crate) has_no_hook: bool,
}

impl Makeable {
    pub(crate) async fn start(player: &Player) -> Self {
        Self::start_under(player, "").await
    }

    /// Its API has a path, its pages have none.
    pub(crate) async fn start_under(player: &Player, base_path: &str) -> Self {
        let made = Arc::<Mutex<Made>>::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (_app_id, _, key) = player.app();
        let pem = key.private_pem().expose_secret().to_owned();
        let shared = Arc::clone(&made);
        let living: Living = Arc::new(move |asked: Asked| {
            let canned = answer(&mut shared.lock().unwrap(), &asked, &pem);
            Box::pin(async move { canned })
        });
        let token = Deployment::healthy("").body("access_tokens")["token"].as_str().unwrap().to_owned();
        let source = AnswerSource::Living(living, token);
        let fake = FakeGithub::serve(listener, source, KnownApp { base_path, ..app(player) });
        Self { fake: fake.unwrap(), made }
    }
}

fn answer(made: &mut Made, asked: &Asked, pem: &str) -> Canned {
    let json = |status, body| Canned { status, body: Some(body), ..Canned::default() };
    match asked.name.as_str() {
        "new_app" => new_app(made, asked),
        "create_app" => {
            let field = |name: &str| asked.sent[name].as_str().unwrap().to_owned();
            let code = format!("code{:016x}", fastrand::u64(..));
            made.codes.push(code.clone());
            let location = format!("{}?code={code}&state={}", field("redirect_url"), field("state"));
            Canned { status: 302, headers: [("location".to_owned(), location)].into(), ..Canned::default() }
        }
        "conversion" => {
            let code = asked.path.split('/').nth(2).unwrap();
            let is_good = made.codes.iter().any(|good| good == code);
            made.codes.retain(|good| good != code);
            match made.trouble.take() {
                Some(status) => json(status, json!({ "message": "trouble" })),
                None if is_good => json(201, conversion(&made.manifests, pem)),
                None => json(404, json!({ "message": "Not Found" })),
            }
        }
        "set_hook" | "hook_config" if made.has_no_hook => json(404, json!({ "message": "Not Found" })),
        "set_hook" => {
            let mut hook = asked.sent.clone();
            hook["secret"] = "********".into();
            made.hook = hook.clone();
            json(200, hook)
        }
        "hook_config" => json(200, made.hook.clone()),
        other => {
            let answers = Deployment::healthy("").answers();
            answers.get(other).map_or_else(|| json(404, json!({ "message": "Not Found" })), |canned| canned[0].clone())
        }
    }
}

/// The page that shows what the manifest asks for, and asks once more. GitHub refuses a manifest without a URL or a webhook's URL.
fn new_app(made: &mut Made, asked: &Asked) -> Canned {
    let manifest: Value = serde_json::from_str(asked.sent["manifest"].as_str().unwrap()).unwrap();
    for needed in ["/url", "/hook_attributes/url", "/redirect_url"] {
        assert!(manifest.pointer(needed).is_some_and(Value::is_string), "{needed} is not in {manifest:#}");
    }
    let (path, state) = asked.path.split_once("?state=").expect("a state");
    let field = |name: &str, value: &str| format!("<input type=\"hidden\" name=\"{name}\" value=\"{value}\">");
    let html = format!(
        "<!doctype html><title>GitHub</title><form method=\"post\" action=\"/settings/apps/create\"><input name=\"name\" value=\"{}\">{}{}<button id=\"create\">Create GitHub App</button></form>",
        manifest["name"].as_str().unwrap(),
        field("redirect_url", manifest["redirect_url"].as_str().unwrap()),
        field("state", state)
    );
    made.hook = json!({ "url": manifest["hook_attributes"]["url"], "content_type": "form", "insecure_ssl": "0", "secret": "********" });
    made.manifests.push((path.to_owned(), manifest));
    Canned {
        status: 200,
        headers: [("content-type".to_owned(), "text/html; charset=utf-8".to_owned())].into(),
        text: Some(html),
        ..Canned::default()
    }
}

/// The App, with what is shown once.
fn conversion(manifests: &[(String, Value)], pem: &str) -> Value {
    let mut app = Deployment::healthy("").body("app").clone();
    let (_, manifest) = manifests.last().unwrap();
    app["name"] = manifest["name"].clone();
    app["client_secret"] = "a-client-secret".into();
    app["webhook_secret"] = SECRET.into();
    app["pem"] = pem.into();
    assert_eq!(app["id"].to_string(), APP_ID);
    app
}
