//! Every call that we make, and every answer that the fake gives, is of the shape that GitHub publishes.
//!
//! `make test` fetches the description (npm package `@octokit/openapi`, pinned) into `target/`; nothing of it is part of the project.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;

use environment_gate::config::{Given, Variables};
use environment_gate::doctor::{Doctor, ExaminationInput};
use environment_gate::github::{App, AppClient, GithubClient};
use environment_gate::http::HttpClient;
use environment_gate::model::ApiUrl;
use environment_gate::recovery::SweepMode;
use environment_gate::time::{Clock, Deadline};
use environment_gate::world::{FakeCall, FakeGithub, KnownApp, PERSONS_TOKEN, Player, Present, Story};
use serde_json::{Value, json};

use crate::support::deployment::{Deployment, POLICY, delivery};
use crate::support::function::Files;
use crate::support::recovery;
use crate::support::simulation::World;
use crate::support::{PATIENCE, fixtures};

/// Where GitHub's answers are known not to be what it publishes: the field, as the end of a JSON pointer, and why.
const DEVIATIONS: [(&str, &str); 4] = [
    ("/started_at", "null while a job waits"),
    ("/user", "null in a review history when the account is gone"),
    ("/state", "states that may come"),
    ("/conclusion", "conclusions that may come"),
];

/// Stories that are about answers which GitHub should never give. Those of an enterprise server are not checked either: its answers are of an older shape.
const NOT_OF_GITHUB: [&str; 2] = ["defer/a-run-without-its-attempt", "reject/the-head-repository-is-gone"];

struct Description {
    components: Value,
    paths: BTreeMap<&'static str, Value>,
    /// By their schema: each is made once.
    validators: RefCell<BTreeMap<String, jsonschema::Validator>>,
}

impl Description {
    fn read() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/openapi/api.github.com.json");
        let text = std::fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{}: {error}: run `make test`", path.display()));
        let mut all: Value = serde_json::from_str(&text).unwrap();
        let run = "/repos/{owner}/{repo}/actions/runs/{run_id}";
        let environment = "/repos/{owner}/{repo}/environments/{environment_name}";
        let names = [
            ("access_tokens", "/app/installations/{installation_id}/access_tokens".to_owned(), "post"),
            ("run", run.to_owned(), "get"),
            ("attempt", format!("{run}/attempts/{{attempt_number}}"), "get"),
            ("jobs", format!("{run}/jobs"), "get"),
            ("approvals", format!("{run}/approvals"), "get"),
            ("environment", environment.to_owned(), "get"),
            ("artifacts", format!("{run}/artifacts"), "get"),
            ("artifact", "/repos/{owner}/{repo}/actions/artifacts/{artifact_id}/{archive_format}".to_owned(), "get"),
            ("repository", "/repos/{owner}/{repo}".to_owned(), "get"),
            ("oidc_subject", "/repos/{owner}/{repo}/actions/oidc/customization/sub".to_owned(), "get"),
            ("permission", "/repos/{owner}/{repo}/collaborators/{username}/permission".to_owned(), "get"),
            ("pending_deployments", format!("{run}/pending_deployments"), "get"),
            ("review", format!("{run}/deployment_protection_rule"), "post"),
            ("status_report", format!("{run}/deployment_protection_rule"), "post"),
            ("deliveries", "/app/hook/deliveries".to_owned(), "get"),
            ("delivery", "/app/hook/deliveries/{delivery_id}".to_owned(), "get"),
            ("installation", "/repos/{owner}/{repo}/installation".to_owned(), "get"),
            ("runs", "/repos/{owner}/{repo}/actions/runs".to_owned(), "get"),
            ("app", "/app".to_owned(), "get"),
            ("hook_config", "/app/hook/config".to_owned(), "get"),
            ("set_hook", "/app/hook/config".to_owned(), "patch"),
            ("conversion", "/app-manifests/{code}/conversions".to_owned(), "post"),
            ("protection_rules", format!("{environment}/deployment_protection_rules"), "get"),
            ("branch_policies", format!("{environment}/deployment-branch-policies"), "get"),
            ("contents", "/repos/{owner}/{repo}/contents/{path}".to_owned(), "get"),
        ];
        let paths = names.into_iter().map(|(name, path, method)| {
            let mut operation = all["paths"][path.as_str()][method].clone();
            assert!(operation.is_object(), "{method} {path} is published");
            operation["path"] = path.into();
            operation["method"] = method.to_uppercase().into();
            null_types(&mut operation);
            (name, operation)
        });
        let paths = paths.collect();
        let mut components = all["components"].take();
        null_types(&mut components);
        Self { components, paths, validators: RefCell::default() }
    }

    /// What is wrong with a value, by the schema.
    fn problems(&self, schema: &Value, value: &Value) -> Vec<String> {
        let mut validators = self.validators.borrow_mut();
        let validator = validators.entry(schema.to_string()).or_insert_with(|| {
            let whole = json!({ "allOf": [schema], "components": self.components });
            jsonschema::options().with_draft(jsonschema::Draft::Draft4).build(&whole).unwrap()
        });
        let known = |pointer: &str| DEVIATIONS.iter().any(|(field, _)| pointer.ends_with(field));
        let errors = validator.iter_errors(value).map(|error| (error.instance_path().to_string(), error.to_string()));
        errors
            .filter(|(pointer, _)| !known(pointer))
            .map(|(pointer, error)| format!("{pointer}: {}", error.chars().take(300).collect::<String>()))
            .collect()
    }

    fn check(&self, call: &FakeCall) -> Vec<String> {
        let Some(operation) = self.paths.get(call.name.split('.').next().unwrap()) else {
            return vec![format!("{} is not published", call.name)];
        };
        let (path, query) = call.path.split_once('?').unwrap_or((&call.path, ""));
        let mut problems = Vec::new();
        let published = operation["path"].as_str().unwrap();
        let redirected = path.starts_with("/repositories/");
        // Its `path` has slashes of its own.
        let is_file = published.ends_with("/contents/{path}") && path.contains("/contents/");
        if !redirected
            && !is_file
            && (published.split('/').count() != path.split('/').count() || operation["method"] != call.method.as_str())
        {
            problems.push(format!("{} {path} is not {published}", call.method));
        }
        problems.extend(self.unknown_parameters(operation, query));
        if !call.sent.is_null() {
            problems
                .extend(self.problems(&operation["requestBody"]["content"]["application/json"]["schema"], &call.sent));
        }
        let answer = &operation["responses"][call.status.to_string()]["content"]["application/json"]["schema"];
        if answer.is_object() && !call.answered.is_null() {
            problems.extend(self.problems(answer, &call.answered));
        }
        problems
    }

    fn unknown_parameters(&self, operation: &Value, query: &str) -> Vec<String> {
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let named: Vec<&str> = parameters
            .map(|parameter| match parameter["$ref"].as_str() {
                Some(reference) => self.components.pointer(reference.trim_start_matches("#/components")).unwrap(),
                None => parameter,
            })
            .filter(|parameter| parameter["in"] == "query")
            .map(|parameter| parameter["name"].as_str().unwrap())
            .collect();
        let sent = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split('=').next().unwrap());
        sent.filter(|name| !named.contains(name)).map(|name| format!("the parameter {name} is not published")).collect()
    }
}

/// `OpenAPI` 3.0 says `nullable`, JSON Schema lists `null` among the types.
fn null_types(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(null_types),
        Value::Object(entries) => {
            if entries.remove("nullable") == Some(Value::Bool(true)) {
                if let Some(kind) = entries.get_mut("type") {
                    *kind = json!([kind.take(), "null"]);
                }
                if let Some(Value::Array(values)) = entries.get_mut("enum") {
                    values.push(Value::Null);
                }
            }
            entries.values_mut().for_each(null_types);
        }
        _ => {}
    }
}

#[tokio::test]
async fn every_call_and_every_answer_is_as_github_publishes_it() {
    let description = Description::read();
    let player = Player::new(fixtures::limits()).unwrap();
    let mut problems = Vec::new();
    let mut checked = BTreeMap::<String, u32>::new();
    let is_checked =
        |fixture: &fixtures::Fixture| !NOT_OF_GITHUB.contains(&fixture.name.as_str()) && !fixture.story.api.is_server();
    for fixture in fixtures::all().into_iter().filter(is_checked) {
        let played = player.play(&fixture.story, Present::Story).await.unwrap();
        // Keys and files of artifacts are not the API's.
        for call in played.calls.iter().filter(|call| call.name != "jwks" && !call.name.starts_with("blob.")) {
            *checked.entry(call.name.split('.').next().unwrap().to_owned()).or_default() += 1;
            problems.extend(
                description.check(call).into_iter().map(|problem| format!("{}: {} {problem}", fixture.name, call.name)),
            );
        }
    }
    let lost = recovery::lost("approve/one-human-approved-the-gate");
    for call in recovery::sweep(&lost, SweepMode::Scheduled, 15).await.1 {
        *checked.entry(call.name.split('.').next().unwrap().to_owned()).or_default() += 1;
        problems
            .extend(description.check(&call).into_iter().map(|problem| format!("a sweep: {} {problem}", call.name)));
    }
    for call in calls_of_setup_and_doctor(&description).await {
        *checked.entry(call.name.split('.').next().unwrap().to_owned()).or_default() += 1;
        problems.extend(
            description.check(&call).into_iter().map(|problem| format!("a deployment: {} {problem}", call.name)),
        );
    }
    assert_eq!(checked.len(), description.paths.len(), "every operation is called: {checked:?}");
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[tokio::test]
async fn what_is_recorded_of_a_run_keeps_githubs_shape() {
    let description = Description::read();
    let world = World::of(&fixtures::one("reject/the-starter-approved")).await;
    let folder = world.folder.join("recorded");
    let output = world.gate(&["simulate", &world.run_url(), "--record", &folder.to_string_lossy()]).await;
    assert!(output.status.success(), "{output:?}");
    let story = Story::read(&folder).unwrap();
    let played = Player::new(fixtures::limits()).unwrap().play(&story, Present::Story).await.unwrap();
    let problems: Vec<String> = played.calls.iter().flat_map(|call| description.check(call)).collect();
    assert!(played.calls.len() >= 6 && problems.is_empty(), "{}", problems.join("\n"));
}

/// What `gate setup` and `gate doctor` ask of GitHub.
async fn calls_of_setup_and_doctor(description: &Description) -> Vec<FakeCall> {
    let player = Player::new(fixtures::limits()).unwrap();
    let files = Files::new(&player, POLICY);
    let (app_id, webhook_secret, key) = player.app();
    let mut deployment = Deployment::healthy("http://127.0.0.1:9/github/webhook");
    *deployment.body("deliveries") = json!([delivery(503)]);
    let hook = deployment.body("hook_config").clone();
    let mut app = deployment.body("app").clone();
    for (name, value) in [("client_secret", "c"), ("webhook_secret", "w"), ("pem", "p")] {
        app[name] = value.into();
    }
    deployment.0.extend([("set_hook", (200, hook)), ("conversion", (201, app))]);
    let mut repository = description.components["examples"]["full-repository-default-response"]["value"].clone();
    // GitHub's own example lacks what its schema requires.
    repository["language"] = Value::Null;
    repository["source"]["language"] = Value::Null;
    let subject = json!({ "use_default": true, "use_immutable_subject": true, "sub_claim_prefix": "repo:octo-org@77/widgets@4242" });
    deployment.0.extend([("repository", (200, repository)), ("oidc_subject", (200, subject))]);
    let fake =
        FakeGithub::start(deployment.answers(), KnownApp { id: app_id, public_key: key.public_der(), base_path: "" })
            .await
            .unwrap();
    let api = ApiUrl::parse(&fake.url()).unwrap();
    let given = Given {
        app_id: app_id.into(),
        webhook_secret: webhook_secret.clone(),
        policy_file: files.path("policy.toml").into(),
        policies_dir: None,
        private_key: key.private_pem().clone(),
        issuer: None,
    };
    let deadline = Deadline::begin(&Clock::system(), PATIENCE);
    let client = GithubClient::new(HttpClient::new(None).unwrap(), api.clone(), fixtures::limits());
    let path = "/app-manifests/a-code/conversions".to_owned();
    client.post_anonymously::<Value>("POST /app-manifests/{code}/conversions", path, deadline).await.unwrap();
    let app = App::new(app_id, key.private_pem()).unwrap();
    let hook = json!({ "url": "https://example.com/github/webhook", "content_type": "json", "secret": "s", "insecure_ssl": "0" });
    let path = "/app/hook/config".to_owned();
    AppClient::new(&client, &app, deadline).patch("PATCH /app/hook/config", path, &hook).await.unwrap();
    let role =
        json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Deny", "Principal": "*", "Action": "sts:*" }] });
    let input = ExaminationInput {
        token: Some(PERSONS_TOKEN.into()),
        trust: vec![role.to_string()],
        ..ExaminationInput::default()
    };
    Doctor::new(Variables::given(api, given).unwrap(), fixtures::limits(), input).examine(&Clock::system()).await;
    assert_eq!(fake.violations(), Vec::<String>::new());
    fake.calls()
}

#[test]
fn a_shape_that_github_does_not_publish_is_noticed() {
    let description = Description::read();
    let review = &description.paths["review"]["requestBody"]["content"]["application/json"]["schema"];
    assert_eq!(
        description.problems(review, &json!({ "environment_name": "release", "state": "approved", "comment": "x" })),
        Vec::<String>::new()
    );
    assert!(!description.problems(review, &json!({ "environment": "release", "state": "approved" })).is_empty());
    let run = &description.paths["run"]["responses"]["200"]["content"]["application/json"]["schema"];
    assert!(!description.problems(run, &json!({ "id": 9001 })).is_empty());
}
