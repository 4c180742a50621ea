//! What this GitHub answers.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use environment_gate::world::{AnswerSource, Answers, Asked, Canned, Living};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::super::fixtures;
use super::{Failure, Kind, Repository, Run, Shown, World, present};

/// GitHub's pages.
const PER_PAGE: usize = 100;

pub(super) fn source(
    world: Arc<Mutex<World>>,
    latency: Duration,
    now: impl Fn() -> Timestamp + Send + Sync + 'static,
) -> AnswerSource {
    let approved = fixtures::one("approve/one-human-approved-the-gate").answers;
    let waits = fixtures::one("defer/the-gate-still-waits").answers;
    let token = approved["access_tokens"][0].body.as_ref().unwrap()["token"].as_str().unwrap().to_owned();
    let stories = Arc::new([approved, waits]);
    let now = Arc::new(now);
    let living: Living = Arc::new(move |asked| {
        let (world, stories, now) = (Arc::clone(&world), Arc::clone(&stories), Arc::clone(&now));
        Box::pin(async move {
            let slow = world.lock().unwrap().latency(&asked.path);
            tokio::time::advance(slow.unwrap_or(latency)).await;
            answer(&mut world.lock().unwrap(), &stories, &asked, now())
        })
    });
    AnswerSource::Living(living, token)
}

fn answer(world: &mut World, stories: &[Answers; 2], asked: &Asked, now: Timestamp) -> Canned {
    let (name, argument) = asked.name.split_once('.').unwrap_or((&asked.name, ""));
    match name {
        "deliveries" => return deliveries(world, &asked.path),
        "delivery" => return delivery(world, argument.parse().unwrap()),
        "access_tokens" => return token(world, asked, &stories[0], now),
        _ => {}
    }
    let repository = world.at(&asked.path);
    let installation = repository.installation;
    if name == "installation" {
        return if repository.is_installed { ok(json!({ "id": installation })) } else { message(404, "Not Found") };
    }
    if world.limited.contains(&installation) {
        return limit();
    }
    let mut answer = of_repository(world, stories, asked, (name, argument));
    if let Some(left) = world.hourly.get_mut(&installation) {
        *left = left.saturating_sub(1);
        let reset = u64::try_from(now.as_second()).unwrap() + 1800;
        let headers = [("limit", 1000), ("remaining", *left), ("reset", reset)];
        answer.headers.extend(headers.map(|(name, value)| (format!("x-ratelimit-{name}"), value.to_string())));
    }
    answer
}

fn of_repository(world: &mut World, stories: &[Answers; 2], asked: &Asked, (name, argument): (&str, &str)) -> Canned {
    let repository = world.at(&asked.path);
    if name == "runs" {
        return runs(repository, argument);
    }
    if name == "environment" {
        return stories[0][&asked.name][0].clone();
    }
    let id: u64 = asked.path.split('/').nth(6).and_then(|id| id.split('?').next()).unwrap().parse().unwrap();
    let Some(run) = repository.runs.get(&id).filter(|run| run.shown != Shown::Gone) else {
        return message(404, "Not Found");
    };
    let story = &stories[usize::from(run.kind == Kind::Undecidable)];
    match name {
        "run" => {
            let mut answer = story["run"][0].clone();
            let body = answer.body.as_mut().unwrap();
            body["id"] = id.into();
            body["status"] = run.status.into();
            body["repository"]["id"] = repository.id.into();
            body["head_repository"]["id"] = repository.id.into();
            answer
        }
        "jobs" => {
            let mut answer = story["jobs.1"][0].clone();
            for job in answer.body.as_mut().unwrap()["jobs"].as_array_mut().unwrap() {
                job["run_id"] = id.into();
            }
            answer
        }
        "pending_deployments" => {
            let release = json!({ "environment": { "id": 502, "name": "release" } });
            ok(if run.waits { json!([release]) } else { json!([]) })
        }
        "review" if run.waits => {
            assert_eq!(asked.sent["state"], "approved");
            world.run_mut(id).waits = false;
            world.let_in.push(id);
            Canned { status: 204, ..Canned::default() }
        }
        "review" => message(422, "No pending deployment requests to approve or reject"),
        _ => story[&asked.name][0].clone(),
    }
}

/// The log, the newest first.
fn deliveries(world: &mut World, path: &str) -> Canned {
    world.failures.sort_by_key(|failure| failure.ago);
    let first: usize = path.split("cursor=v1_").nth(1).map_or(0, |cursor| cursor.parse().unwrap());
    if world.log_pages.is_some_and(|pages| first >= pages * PER_PAGE) {
        return message(502, "Bad Gateway");
    }
    let shown = world.failures.iter().enumerate().skip(first).take(PER_PAGE);
    let page: Vec<Value> =
        shown.map(|(id, failure)| failed(id, failure, &world.repositories[failure.repository])).collect();
    let next = first + page.len();
    let mut answer = ok(json!(page));
    if next < world.failures.len() {
        let link = format!("<https://api.github.com/app/hook/deliveries?per_page=100&cursor=v1_{next}>; rel=\"next\"");
        answer.headers.insert("link".to_owned(), link);
    }
    answer
}

fn failed(id: usize, failure: &Failure, repository: &Repository) -> Value {
    let delivered_at = present().checked_sub(SignedDuration::from_secs(failure.ago)).unwrap();
    let mut delivery = json!({
        "id": id, "delivered_at": delivered_at.to_string(), "status_code": 503, "event": "deployment_protection_rule",
        "action": "requested", "installation_id": repository.installation, "repository_id": repository.id
    });
    if let Some(field) = failure.null {
        delivery[field] = Value::Null;
    }
    delivery
}

fn delivery(world: &World, index: usize) -> Canned {
    let Failure { repository, run, .. } = world.failures[index];
    let name = &world.repositories[repository].name;
    let callback = format!("https://api.github.com/repos/{name}/actions/runs/{run}/deployment_protection_rule");
    ok(json!({ "request": { "payload": { "deployment_callback_url": callback } } }))
}

fn token(world: &World, asked: &Asked, story: &Answers, now: Timestamp) -> Canned {
    let id = asked.sent["repository_ids"][0].as_u64();
    let name = asked.sent["repositories"][0].as_str();
    let mut all = world.repositories.iter();
    let repository = all.find(|repository| {
        id == Some(repository.id) || name.is_some_and(|name| repository.name.ends_with(&format!("/{name}")))
    });
    let repository = repository.unwrap();
    if !repository.is_installed {
        return message(404, "Not Found");
    }
    let mut answer = story["access_tokens"][0].clone();
    let body = answer.body.as_mut().unwrap();
    body["expires_at"] = now.checked_add(SignedDuration::from_hours(1)).unwrap().to_string().into();
    body["repositories"] = json!([{ "id": repository.id, "full_name": repository.name }]);
    answer
}

/// A page of runs, the newest first; of those that wait only what a stale list shows.
fn runs(repository: &Repository, page: &str) -> Canned {
    let is_waiting = page == "waiting";
    let is_shown = |run: &Run| if is_waiting { run.shown == Shown::AlsoAsWaiting } else { run.shown <= Shown::Listed };
    let shown = repository.runs.iter().rev().filter(|(_, run)| is_shown(run));
    let first = (page.parse().unwrap_or(1_usize) - 1) * PER_PAGE;
    let page: Vec<Value> =
        shown.skip(first).take(PER_PAGE).map(|(number, run)| listed(*number, run, repository.id)).collect();
    ok(json!({ "total_count": repository.runs.len(), "workflow_runs": page }))
}

fn listed(number: u64, run: &Run, repository: u64) -> Value {
    let created_at = present().checked_sub(SignedDuration::from_mins(run.created)).unwrap().to_string();
    let mut listed = json!({
        "id": number, "run_attempt": 1, "repository": { "id": repository }, "head_repository": { "id": repository },
        "path": ".github/workflows/release.yml", "event": "workflow_dispatch", "head_branch": "main",
        "head_sha": "a".repeat(40), "status": run.status, "run_started_at": created_at, "created_at": created_at,
        "updated_at": created_at
    });
    if run.status == "completed" {
        listed["updated_at"] = present().to_string().into();
    }
    if let Some(field) = run.null {
        listed[field] = Value::Null;
    }
    listed
}

fn ok(body: Value) -> Canned {
    Canned { status: 200, body: Some(body), ..Canned::default() }
}

fn message(status: u16, text: &str) -> Canned {
    Canned { status, body: Some(json!({ "message": text })), ..Canned::default() }
}

fn limit() -> Canned {
    let mut limit = message(429, "You have exceeded a secondary rate limit.");
    limit.headers.insert("retry-after".to_owned(), "60".to_owned());
    limit
}
