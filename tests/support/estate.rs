//! A GitHub with many repositories, runs and failed deliveries, whose answers take their time. Time stands still but for that, so it passes alike on every machine.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use environment_gate::config::{Given, Variables};
use environment_gate::github::Limits;
use environment_gate::handler::Handler;
use environment_gate::model::ApiUrl;
use environment_gate::recovery::{Sweep, SweepMode};
use environment_gate::time::Clock;
use environment_gate::world::{AnswerSource, Answers, Asked, Canned, FakeGithub, Living};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::fixtures;
use super::function::Files;
use super::github::app;

/// GitHub's pages.
const PER_PAGE: usize = 100;
/// The App's installation on `octo-org`.
pub(crate) const INSTALLATION: u64 = 555;

/// What would be decided about a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It is let in.
    Approved,
    /// Nothing can be decided: its gate still waits.
    Undecidable,
}

/// A run.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    pub(crate) kind: Kind,
    pub(crate) status: &'static str,
    /// Minutes before the story's present.
    pub(crate) created: i64,
    /// Whether it waits for `release`.
    pub(crate) waits: bool,
    /// Whether it is in the list of all runs.
    pub(crate) is_listed: bool,
    /// Whether it is in the list of waiting runs, which is stale.
    pub(crate) is_listed_as_waiting: bool,
    /// Whether GitHub answers anything but 404 about it.
    pub(crate) is_there: bool,
    /// A field of the list that is null.
    pub(crate) null: Option<&'static str>,
}

impl Run {
    /// One that waits for us, and is let in.
    pub(crate) fn waiting() -> Self {
        Self {
            kind: Kind::Approved,
            status: "waiting",
            created: 11,
            waits: true,
            is_listed: true,
            is_listed_as_waiting: false,
            is_there: true,
            null: None,
        }
    }

    pub(crate) fn undecidable() -> Self {
        Self { kind: Kind::Undecidable, ..Self::waiting() }
    }

    pub(crate) fn ended() -> Self {
        Self { status: "completed", waits: false, ..Self::waiting() }
    }
}

/// A delivery that failed.
struct Failure {
    repository: usize,
    run: u64,
    /// Seconds before the story's present.
    ago: i64,
}

struct Repository {
    name: String,
    installation: u64,
    is_installed: bool,
    runs: BTreeMap<u64, Run>,
}

/// What GitHub has.
#[derive(Default)]
pub(crate) struct World {
    repositories: Vec<Repository>,
    failures: Vec<Failure>,
    /// Installations that have used up their limit.
    limited: Vec<u64>,
    /// Calls that an installation has left in this hour, of 1,000.
    hourly: BTreeMap<u64, u64>,
    /// Runs that were let in, in their order.
    let_in: Vec<u64>,
}

impl World {
    /// A repository; its id is 1000 more than its number.
    pub(crate) fn repository(&mut self, name: &str) -> usize {
        let (name, runs) = (name.to_owned(), BTreeMap::new());
        self.repositories.push(Repository { name, installation: INSTALLATION, is_installed: true, runs });
        self.repositories.len() - 1
    }

    /// A run of a repository; its id. A later one has a higher id, as on GitHub.
    pub(crate) fn run(&mut self, repository: usize, run: Run) -> u64 {
        let id = 100_000 + self.repositories.iter().map(|repository| repository.runs.len() as u64).sum::<u64>();
        self.repositories[repository].runs.insert(id, run);
        id
    }

    /// A delivery about a run failed so many seconds ago.
    pub(crate) fn fail(&mut self, repository: usize, run: u64, ago: i64) {
        self.failures.push(Failure { repository, run, ago });
    }

    /// A run that waits and whose delivery failed eight minutes ago.
    pub(crate) fn lost(&mut self, repository: usize, run: Run) -> u64 {
        let id = self.run(repository, run);
        self.fail(repository, id, 480);
        id
    }

    pub(crate) fn install(&mut self, repository: usize, installation: u64) {
        self.repositories[repository].installation = installation;
    }

    pub(crate) fn uninstall(&mut self, repository: usize) {
        self.repositories[repository].is_installed = false;
    }

    /// GitHub answers this installation with a limit from now on.
    pub(crate) fn limit(&mut self, installation: u64) {
        self.limited.push(installation);
    }

    /// An installation has so many calls left of its 1,000 in this hour.
    pub(crate) fn leave_calls(&mut self, installation: u64, calls: u64) {
        self.hourly.insert(installation, calls);
    }

    pub(crate) fn run_mut(&mut self, id: u64) -> &mut Run {
        self.repositories.iter_mut().find_map(|repository| repository.runs.get_mut(&id)).unwrap()
    }

    pub(crate) fn let_in(&self) -> Vec<u64> {
        self.let_in.clone()
    }

    fn at(&self, path: &str) -> &Repository {
        let name = path.trim_start_matches("/repos/").splitn(3, '/').take(2).collect::<Vec<_>>().join("/");
        self.repositories.iter().find(|repository| repository.name == name).unwrap()
    }
}

/// The function, its GitHub, and the present.
pub(crate) struct Estate {
    handler: Handler,
    world: Arc<Mutex<World>>,
    pub(crate) fake: FakeGithub,
    began: Instant,
    /// The clock does not run by itself while this is held.
    _stopped: std::sync::mpsc::Sender<()>,
    _files: Files,
}

impl Estate {
    /// Starts `minutes` after the story's present, in a test whose time was paused when it began. Every answer takes `latency`, one after the other.
    pub(crate) async fn start(policy: &str, world: World, (latency, minutes): (Duration, i64)) -> Self {
        let (stopped, is_over) = std::sync::mpsc::channel::<()>();
        tokio::task::spawn_blocking(move || is_over.recv());
        let began = Instant::now();
        let start = present().checked_add(SignedDuration::from_mins(minutes)).unwrap();
        let now = move || start.checked_add(SignedDuration::try_from(began.elapsed()).unwrap()).unwrap();
        let player = fixtures::player();
        let world = Arc::new(Mutex::new(world));
        let source = source(Arc::clone(&world), latency, now);
        let fake = FakeGithub::start(source, app(player)).await.unwrap();
        let files = Files::new(player, policy);
        let (app_id, webhook_secret, key) = player.app();
        let given = Given {
            app_id: app_id.into(),
            webhook_secret,
            policy_file: files.path("policy.toml").into(),
            private_key: key.private_pem().clone(),
        };
        let variables = Variables::given(ApiUrl::parse(&fake.url()).unwrap(), given).unwrap();
        let limits = Limits { pause: Duration::ZERO, review_pause: Duration::ZERO, ..Limits::default() };
        let handler = Handler::open(variables, limits, Clock::showing(now)).await.unwrap();
        Self { handler, world, fake, began, _stopped: stopped, _files: files }
    }

    /// Sweeps, and waits for the next minute.
    pub(crate) async fn sweep(&self) -> Sweep {
        let swept = self.handler.sweep(SweepMode::Scheduled).await;
        let minute = Duration::from_mins(1);
        let over = self.began.elapsed().as_millis() % minute.as_millis();
        tokio::time::advance(minute - Duration::from_millis(over as u64)).await;
        swept
    }

    /// Sweeps twice at once.
    pub(crate) async fn sweep_twice(&self) -> (Sweep, Sweep) {
        tokio::join!(self.handler.sweep(SweepMode::Scheduled), self.handler.sweep(SweepMode::Scheduled))
    }

    /// Sweeps until `is_done`, at most so many times; how many it took, if that was enough.
    pub(crate) async fn sweep_until(&self, most: usize, is_done: impl Fn(&Self) -> bool) -> Option<usize> {
        for sweeps in 1..=most {
            self.sweep().await;
            if is_done(self) {
                return Some(sweeps);
            }
        }
        None
    }

    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut World) -> T) -> T {
        act(&mut self.world.lock().unwrap())
    }

    pub(crate) fn has_let_in(&self, run: u64) -> bool {
        self.with(|world| world.let_in.contains(&run))
    }

    /// How many calls of that name were made.
    pub(crate) fn calls(&self, name: &str) -> usize {
        self.fake.calls().iter().filter(|call| call.name == name).count()
    }
}

/// When the story takes place in which every run is let in.
fn present() -> Timestamp {
    fixtures::one("approve/one-human-approved-the-gate").present
}

fn source(
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
            tokio::time::advance(latency).await;
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
        let reset = now.as_second() + 1800;
        let headers = [("limit", 1000), ("remaining", *left as i64), ("reset", reset)];
        answer.headers.extend(headers.map(|(name, value)| (format!("x-ratelimit-{name}"), value.to_string())));
    }
    answer
}

fn of_repository(world: &mut World, stories: &[Answers; 2], asked: &Asked, (name, argument): (&str, &str)) -> Canned {
    let repository = world.at(&asked.path);
    if name == "runs" {
        return runs(repository, world.repositories_id(repository), argument);
    }
    if name == "environment" {
        return stories[0][&asked.name][0].clone();
    }
    let id: u64 = asked.path.split('/').nth(6).and_then(|id| id.split('?').next()).unwrap().parse().unwrap();
    let Some(run) = repository.runs.get(&id).filter(|run| run.is_there) else { return message(404, "Not Found") };
    let story = &stories[usize::from(run.kind == Kind::Undecidable)];
    match name {
        "run" => {
            let mut answer = story["run"][0].clone();
            let body = answer.body.as_mut().unwrap();
            body["id"] = id.into();
            body["status"] = run.status.into();
            let number = world.repositories_id(repository);
            body["repository"]["id"] = number.into();
            body["head_repository"]["id"] = number.into();
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

impl World {
    fn repositories_id(&self, repository: &Repository) -> u64 {
        1000 + self.repositories.iter().position(|one| one.name == repository.name).unwrap() as u64
    }
}

/// The log, the newest first.
fn deliveries(world: &mut World, path: &str) -> Canned {
    world.failures.sort_by_key(|failure| failure.ago);
    let first: usize = path.split("cursor=v1_").nth(1).map_or(0, |cursor| cursor.parse().unwrap());
    let page: Vec<Value> = world.failures.iter().enumerate().skip(first).take(PER_PAGE).map(|(index, failure)| {
        let repository = &world.repositories[failure.repository];
        json!({
            "id": index, "delivered_at": present().checked_sub(SignedDuration::from_secs(failure.ago)).unwrap().to_string(),
            "status_code": 503, "event": "deployment_protection_rule", "action": "requested",
            "installation_id": repository.installation, "repository_id": world.repositories_id(repository)
        })
    }).collect();
    let next = first + page.len();
    let mut answer = ok(json!(page));
    if next < world.failures.len() {
        let link = format!("<https://api.github.com/app/hook/deliveries?per_page=100&cursor=v1_{next}>; rel=\"next\"");
        answer.headers.insert("link".to_owned(), link);
    }
    answer
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
        id == Some(world.repositories_id(repository))
            || name.is_some_and(|name| repository.name.ends_with(&format!("/{name}")))
    });
    let repository = repository.unwrap();
    if !repository.is_installed {
        return message(404, "Not Found");
    }
    let mut answer = story["access_tokens"][0].clone();
    let body = answer.body.as_mut().unwrap();
    body["expires_at"] = now.checked_add(SignedDuration::from_hours(1)).unwrap().to_string().into();
    body["repositories"] = json!([{ "id": world.repositories_id(repository), "full_name": repository.name }]);
    answer
}

/// A page of runs, the newest first; of those that wait only what a stale list shows.
fn runs(repository: &Repository, id: u64, page: &str) -> Canned {
    let is_waiting = page == "waiting";
    let is_shown = |run: &Run| if is_waiting { run.is_listed_as_waiting } else { run.is_listed };
    let shown = repository.runs.iter().rev().filter(|(_, run)| is_shown(run));
    let first = (page.parse().unwrap_or(1_usize) - 1) * PER_PAGE;
    let page: Vec<Value> = shown.skip(first).take(PER_PAGE).map(|(number, run)| listed(*number, run, id)).collect();
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
