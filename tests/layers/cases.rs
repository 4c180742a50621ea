//! A catalogue of cases, each the difference from a baseline, played against the built function. Where it is, `CASES` says
//! (`make cases CASES=…`); without it there is nothing to play.

use std::collections::BTreeMap;

use environment_gate::world::{
    Answers, Canned, CannedFault, Delivery, FakeGithub, KnownApp, Player, Signature, Story, move_origin,
};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::support::fixtures;
use crate::support::function::{self, Files};

const ABSENT: &str = "__ABSENT__";
const PRESENT: &str = "2026-01-05T10:15:00Z";
/// The people of the catalogue, and their ids.
const LOGINS: [(&str, u64); 3] = [("alice", 11), ("bob", 22), ("carol", 33)];

fn id_of(login: &str) -> u64 {
    LOGINS.iter().find(|(known, _)| *known == login).unwrap().1
}

/// Lays a difference over a value: objects are merged, anything else replaces, `__ABSENT__` removes.
fn differ(base: &Value, differs: &Value) -> Value {
    let (Value::Object(base), Value::Object(differs)) = (base, differs) else { return differs.clone() };
    let mut merged = base.clone();
    for (key, change) in differs {
        if change == ABSENT {
            merged.remove(key);
        } else {
            let before = base.get(key).cloned().unwrap_or_default();
            merged.insert(key.clone(), differ(&before, change));
        }
    }
    Value::Object(merged)
}

fn canned(status: u16, body: Value) -> Canned {
    Canned { status, body: Some(body), ..Canned::default() }
}

/// The plain answer, or what the case has instead: one answer, or several that are given one after the other.
fn answer(facts: &Value, name: &str, plain: Canned) -> Vec<Canned> {
    match facts["github"].get(name) {
        Some(Value::Array(several)) => several.iter().map(|instead| answer_instead(instead, plain.clone())).collect(),
        Some(instead @ Value::Object(_)) => vec![answer_instead(instead, plain)],
        _ => vec![plain],
    }
}

fn answer_instead(instead: &Value, plain: Canned) -> Canned {
    let status = instead["status"].as_u64().map_or(plain.status, |status| u16::try_from(status).unwrap());
    let mut answer =
        if (200..300).contains(&status) { plain } else { canned(status, json!({ "message": "Not Found" })) };
    answer.status = status;
    if let Some(message) = instead["message"].as_str() {
        answer.body = Some(json!({ "message": message }));
    }
    if let Some(text) = instead["body"].as_str() {
        (answer.body, answer.text) = (None, Some(text.to_owned()));
    }
    if let Some(bytes) = instead["bytes"].as_u64() {
        (answer.body, answer.blanks) = (None, Some(usize::try_from(bytes).unwrap()));
    }
    if instead["error"].is_string() {
        answer.fault = Some(CannedFault::Silence);
    }
    for (name, value) in instead["headers"].as_object().into_iter().flatten() {
        let value = value.as_str().unwrap();
        let value = value.strip_prefix('+').map_or(value.to_owned(), |seconds| {
            (Timestamp::now().as_second() + seconds.parse::<i64>().unwrap()).to_string()
        });
        answer.headers.insert(name.clone(), value);
    }
    if let Some(location) = instead["location"].as_str() {
        answer.headers.insert("location".to_owned(), location.to_owned());
    }
    answer
}

fn answers(facts: &Value) -> Answers {
    let mut answers = Answers::new();
    let mut put = |name: &str, canned: Vec<Canned>| answers.entry(name.to_owned()).or_default().extend(canned);
    let repository = &facts["webhook"]["repository"];
    let token = facts["github"]["token"]["token"].as_str().unwrap_or("ghs_a.token");
    let minted = json!({ "token": token, "expires_at": "2026-01-05T11:15:00Z", "repositories": [repository] });
    put("access_tokens", answer(facts, "token", canned(201, minted)));
    put("run", answer(facts, "run", canned(200, facts["run"].clone())));
    for attempt in 1..facts["run"]["run_attempt"].as_u64().unwrap_or(1) {
        let mut run = facts["run"].clone();
        run["run_attempt"] = attempt.into();
        let key = attempt.to_string();
        run["triggering_actor"] = match facts["attempts"].get(&key) {
            Some(Value::String(login)) => json!({ "login": login, "id": id_of(login), "type": "User" }),
            Some(account) => account.clone(),
            None => facts["run"]["actor"].clone(),
        };
        if let Some(began) = facts["attempts_began"].get(&key) {
            run["run_started_at"] = began.clone();
        }
        put(&format!("attempt.{attempt}"), vec![canned(200, run)]);
    }
    let jobs = all_jobs(facts);
    let pages: Vec<&[Value]> = if jobs.is_empty() { vec![&[]] } else { jobs.chunks(100).collect() };
    for (page, some) in (1..).zip(pages) {
        let plain = canned(200, json!({ "total_count": jobs.len(), "jobs": some }));
        put(&format!("jobs.{page}"), answer(facts, "jobs", plain));
    }
    put("approvals", answer(facts, "approvals", canned(200, facts["approvals"].clone())));
    for (name, environment) in facts["environments"].as_object().into_iter().flatten() {
        let plain = canned(200, environment.clone());
        put(&format!("environment.{}", name.to_lowercase()), answer(facts, "environment", plain));
    }
    for name in ["release-gate", "release-gate-2"].iter().filter(|name| facts["environments"].get(name).is_none()) {
        put(&format!("environment.{name}"), vec![canned(404, json!({ "message": "Not Found" }))]);
    }
    put("review", answer(facts, "review", canned(204, Value::Null)));
    // For a re-run it is read before the review, too.
    if facts["run"]["run_attempt"].as_u64() > Some(1) {
        // Once for each look; before a rejection there are two.
        let looks = if facts["jobs"].to_string().contains("failure") { 2 } else { 1 };
        put("pending_deployments", vec![canned(200, facts["pending_deployments"].clone()); looks]);
    }
    let reviewed = facts["github"]["review"]["status"] == 204;
    let pending = match facts["github"].get("pending_after_review") {
        Some(pending) => pending.clone(),
        None if reviewed => json!([]),
        None => facts["pending_deployments"].clone(),
    };
    put("pending_deployments", vec![canned(200, pending)]);
    refuse_young_token(facts, &mut answers);
    answers
}

/// How many times each read is refused where a new token is.
const YOUNG_TOKEN_REFUSALS: usize = 2;

/// Lets GitHub refuse a new token for some reads, as it does for some seconds.
fn refuse_young_token(facts: &Value, answers: &mut Answers) {
    let young = &facts["github"]["young_token"];
    let Some(status) = young["status"].as_u64() else { return };
    let refusal = canned(u16::try_from(status).unwrap(), json!({ "message": young["message"] }));
    let is_read = |name: &str| ["run", "jobs", "approvals", "environment"].iter().any(|read| name.starts_with(read));
    for (_, canned) in answers.iter_mut().filter(|(name, _)| is_read(name)) {
        canned.splice(0..0, vec![refusal.clone(); YOUNG_TOKEN_REFUSALS]);
    }
}

/// The case's jobs; others before the gate where it wants more of them.
fn all_jobs(facts: &Value) -> Vec<Value> {
    let jobs = facts["jobs"].as_array().unwrap();
    let total = facts["github"]["jobs_total"].as_u64().map_or(jobs.len(), |total| usize::try_from(total).unwrap());
    let filler = (0..total - jobs.len()).map(|number| {
        let mut job = jobs[0].clone();
        job["id"] = (100_000 + number).into();
        job["name"] = format!("build ({number})").into();
        job
    });
    filler.chain(jobs.iter().cloned()).collect()
}

fn policy(policy: &Value) -> String {
    if let Some(toml) = policy["toml"].as_str() {
        return toml.to_owned();
    }
    let short = |name: &Value| name.as_str().unwrap().trim_start_matches("refs/heads/").to_owned();
    let refs: Vec<String> = policy["allowed_refs"].as_array().unwrap().iter().map(short).collect();
    let login_of = |id: &Value| LOGINS.iter().find(|(_, known)| id == known).unwrap().0;
    let approvers: Vec<&str> = policy["approver_ids"].as_array().into_iter().flatten().map(login_of).collect();
    format!(
        "[[rule]]\nrepositories = {}\nenvironment = {}\nworkflow = {}\nrefs = {refs:?}\nevents = {}\napprovers = {approvers:?}\nself_approval = {}\nmax_age = \"{}h\"\n\n[[rule.gate]]\njob = {}\nenvironment = {}\n",
        policy["repositories"],
        policy["release_environment"],
        policy["workflow_path"],
        policy["allowed_events"],
        policy["forbid_self_approval"] == false,
        policy["max_gate_age_hours"],
        policy["gate_job"],
        policy["gate_environment"],
    )
}

fn delivery(request: &Value) -> Delivery {
    let text = |value: &Value| value.as_str().map(ToOwned::to_owned);
    Delivery {
        event: Some(request["headers"]["x-github-event"].as_str().unwrap_or_default().to_owned()),
        signature: match request["signature"].as_str().unwrap() {
            "valid-sha256" => Signature::Good,
            "valid-previous-secret" => Signature::PreviousSecret,
            "invalid" => Signature::Forged,
            "malformed" => Signature::Malformed,
            "missing" => Signature::Missing,
            "sha1-only" => Signature::Sha1,
            "valid-over-other-bytes" => Signature::OtherBody,
            other => panic!("signature {other}"),
        },
        content_type: text(&request["content_type"]),
        method: text(&request["method"]),
        path: text(&request["path"]),
        base64: request["api_gateway_base64"] == true,
        bytes: request["body_bytes"].as_u64().map(|bytes| usize::try_from(bytes).unwrap()),
    }
}

fn story(facts: &Value) -> Story {
    let webhook = match facts["request"]["body_encoding"].as_str().unwrap() {
        "json" => facts["webhook"].clone(),
        "json-hostile" => {
            let text = facts["webhook"].to_string();
            Value::String(format!("{},\"environment\":\"x\"}}", text.strip_suffix('}').unwrap()))
        }
        "malformed-json" => Value::String("{\"action\":\"requested\",".to_owned()),
        other => panic!("body encoding {other}"),
    };
    Story {
        claim: String::new(),
        api: environment_gate::model::ApiUrl::parse("https://api.github.com").unwrap(),
        present: PRESENT.parse().unwrap(),
        policy: policy(&facts["policy"]),
        policies: std::collections::BTreeMap::new(),
        delivery: delivery(&facts["request"]),
        webhook,
        answers: answers(facts),
        expected: environment_gate::world::Expected::default(),
    }
}

/// Plays a case and gives the outcome and the status.
async fn play(player: &Player, facts: &Value) -> (String, u64, String) {
    let mut story = story(facts);
    let now = Timestamp::now();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let elsewhere = facts["policy"]["api_base"].as_str();
    let base = if elsewhere.is_some() { "/api/v3" } else { "" };
    let url = format!("http://{}{base}", listener.local_addr().unwrap());
    if let Some(elsewhere) = elsewhere {
        let callback = story.webhook["deployment_callback_url"].as_str().unwrap().replace(elsewhere, &url);
        story.webhook["deployment_callback_url"] = callback.into();
    }
    move_origin(&mut story.webhook, &url);
    let (app_id, _, key) = player.app();
    let answers = Player::answers(&story, now, &url);
    let fake =
        FakeGithub::serve(listener, answers, KnownApp { id: app_id, public_key: key.public_der(), base_path: base });
    let fake = fake.unwrap();
    let files = Files::new(player, &story.policy);
    let mut lambda = function::start(player, &files, &url, &[]).await;
    let invocation = lambda.invoke(player.event(&story, now.duration_since(story.present), &url)).await;
    let log = lambda.log();
    let mut lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let line = lines.rfind(|line| line["target"] == "environment_gate::decision").unwrap_or_default();
    let calls: Vec<String> = fake.calls().iter().map(|call| format!("{} {}", call.name, call.status)).collect();
    let outcome = line["outcome"].as_str().unwrap_or_default().to_owned();
    (outcome, invocation.status(), format!("{line:#} {calls:?}"))
}

#[tokio::test]
#[ignore = "plays a catalogue that is not part of the project: `make cases CASES=path`"]
async fn every_case_of_the_catalogue_comes_out_right() {
    let path = std::env::var("CASES").expect("CASES is the catalogue's path");
    let catalogue: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let player = fixtures::player();
    let outcomes: BTreeMap<&str, &str> = fixtures::OUTCOMES.into();
    let mut problems = Vec::new();
    let cases = catalogue["cases"].as_array().unwrap();
    for case in cases {
        let facts = differ(&catalogue["baseline"], &case["differs"]);
        let (outcome, status, story) = play(player, &facts).await;
        let expected = case["expect"]["outcome"].as_array().unwrap();
        let right = expected.iter().any(|right| outcomes[right.as_str().unwrap()] == outcome)
            && case["expect"]["status"].as_array().unwrap().contains(&status.into());
        if !right {
            problems.push(format!("{}: got {outcome} {status}, expected {}\n{story}", case["id"], case["expect"]));
        }
    }
    println!("{} of {} cases come out right", cases.len() - problems.len(), cases.len());
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
