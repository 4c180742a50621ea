//! A GitHub with one run in which many jobs wait: it changes while it is asked, takes its time, and has limits.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::fixtures;
use super::github::{app, listen};
use environment_gate::world::{AnswerSource, Answers, Asked, Canned, FakeGithub, Living, Player, Story};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// GitHub's limits (<https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api>).
const CONCURRENT_MAX: usize = 100;
pub(crate) const POINTS_MAX: u32 = 900;
pub(crate) const WRITES_MAX: usize = 80;
const MINUTE: Duration = Duration::from_mins(1);
/// What every delivery of the burst is about.
const CALLBACK: &str = "https://api.github.com/repos/octo-org/widgets/actions/runs/9001/deployment_protection_rule";
/// GitHub's pages.
const PER_PAGE: usize = 100;

/// How GitHub takes reviews of one run that come at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reviews {
    /// The first one lets in all that wait; those after it find nothing.
    FirstTakesAll,
    /// Those that overlap are all answered with a problem. By chance each lets in all, some or none of what waits.
    Collide,
    /// Those that overlap are all answered with a problem, and none lets anything in.
    CollideAndFail,
}

/// What kind of day it is.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// Jobs that wait from the beginning on.
    pub(crate) jobs: usize,
    /// Jobs that begin to wait later, and when.
    pub(crate) late: Vec<(Duration, usize)>,
    pub(crate) reviews: Reviews,
    /// Are there limits?
    pub(crate) limits: bool,
    /// How long a call takes.
    pub(crate) latency: Duration,
    pub(crate) seed: u64,
}

/// Such a GitHub.
#[derive(Clone)]
pub(crate) struct Busy(Arc<World>);

struct World {
    plan: Plan,
    answers: Answers,
    state: Mutex<State>,
}

struct State {
    began: Instant,
    /// Of each job, when it began to wait and whether it was let in.
    jobs: Vec<(Duration, bool)>,
    chance: fastrand::Rng,
    in_flight: usize,
    /// Reviews that are being taken now, and whether they have met another one.
    reviewing: Vec<(u64, bool)>,
    next_review: u64,
    /// What was asked in the last minute: when, points, and whether it wrote.
    asked: VecDeque<(Instant, u32, bool)>,
    failed: Vec<Value>,
    broken: Option<(String, Canned)>,
    headers: Vec<(String, String)>,
    /// Pages of jobs as they were last written, and what they were written of: how many jobs were shown, and how many let in.
    pages: BTreeMap<usize, ([usize; 2], Arc<str>)>,
    figures: Figures,
}

/// What was seen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Figures {
    pub(crate) calls: usize,
    pub(crate) reviews: usize,
    pub(crate) reports: usize,
    /// Reviews that said no.
    pub(crate) rejections: usize,
    /// Calls that a limit turned away.
    pub(crate) limited: usize,
    /// The most that was asked in any minute, turned away or not.
    pub(crate) points_a_minute: u32,
    pub(crate) writes_a_minute: usize,
}

impl Busy {
    /// The world of a story, with more jobs.
    pub(crate) fn new(story: &Story, now: Timestamp, url: &str, plan: Plan) -> Self {
        let mut jobs = vec![(Duration::ZERO, false); plan.jobs];
        jobs.extend(plan.late.iter().flat_map(|(from, count)| vec![(*from, false); *count]));
        let state = State {
            began: Instant::now(),
            jobs,
            chance: fastrand::Rng::with_seed(plan.seed),
            in_flight: 0,
            reviewing: Vec::new(),
            next_review: 0,
            asked: VecDeque::new(),
            failed: Vec::new(),
            broken: None,
            headers: Vec::new(),
            pages: BTreeMap::new(),
            figures: Figures::default(),
        };
        let mut answers = Player::answers(story, now, url);
        let token = answers.get_mut("access_tokens").unwrap()[0].body.as_mut().unwrap();
        token["repositories"][0]["full_name"] = "octo-org/widgets".into();
        answers.insert("installation".to_owned(), vec![ok(json!({ "id": 555 }))]);
        Self(Arc::new(World { plan, answers, state: Mutex::new(state) }))
    }

    /// The answers, for a fake to give.
    pub(crate) fn source(&self) -> AnswerSource {
        let world = Arc::clone(&self.0);
        let token = world.answers["access_tokens"][0].body.as_ref().unwrap()["token"].as_str().unwrap().to_owned();
        let living: Living = Arc::new(move |asked| {
            let world = Arc::clone(&world);
            Box::pin(async move { world.answer(asked).await })
        });
        AnswerSource::Living(living, token)
    }

    /// Serves it on loopback.
    pub(crate) async fn serve(story: &Story, plan: Plan) -> (Self, FakeGithub) {
        let (listener, url) = listen().await;
        let busy = Self::new(story, Timestamp::now(), &url, plan);
        let fake = FakeGithub::serve(listener, busy.source(), app(fixtures::player())).unwrap();
        (busy, fake)
    }

    /// The burst begins now.
    pub(crate) fn begin(&self) {
        self.with(|state| state.began = Instant::now());
    }

    /// A delivery failed: GitHub lists it.
    pub(crate) fn failed(&self, status: u16, at: Timestamp) {
        self.with(|state| {
            let delivery = json!({
                "id": state.failed.len() + 1, "guid": "0b989ba4-242f-11e5-81e1-c7b6966d2516", "delivered_at": at.to_string(),
                "redelivery": false, "duration": 0.3, "status": "failed", "status_code": status,
                "event": "deployment_protection_rule", "action": "requested", "installation_id": 555, "repository_id": 4242,
                "throttled_at": null
            });
            state.failed.insert(0, delivery);
        });
    }

    /// From now on this is the answer to the calls of that name.
    pub(crate) fn break_route(&self, name: &str, fault: Canned) {
        self.with(|state| state.broken = Some((name.to_owned(), fault)));
    }

    /// All is well again.
    pub(crate) fn mend(&self) {
        self.with(|state| state.broken = None);
    }

    /// Every answer has these headers.
    pub(crate) fn say_with_every_answer(&self, headers: &[(&str, i64)]) {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), value.to_string()));
        self.with(|state| state.headers = headers.collect());
    }

    /// All jobs wait once more.
    pub(crate) fn wait_again(&self) {
        self.with(|state| state.jobs.iter_mut().for_each(|(_, is_in)| *is_in = false));
    }

    /// So many more jobs begin to wait now.
    pub(crate) fn more_wait(&self, count: usize) {
        self.with(|state| {
            let now = state.began.elapsed();
            state.jobs.extend(vec![(now, false); count]);
        });
    }

    /// Jobs that wait now.
    pub(crate) fn pending(&self) -> usize {
        self.with(|state| state.waiting().count())
    }

    pub(crate) fn figures(&self) -> Figures {
        self.with(|state| state.figures.clone())
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.0.state.lock().unwrap())
    }
}

impl State {
    /// The jobs that wait now.
    fn waiting(&self) -> impl Iterator<Item = usize> + '_ {
        let now = self.began.elapsed();
        self.jobs.iter().enumerate().filter(move |(_, (from, is_in))| !is_in && *from <= now).map(|(job, _)| job)
    }

    /// Counts a call; does a limit turn it away?
    fn is_over(&mut self, writes: bool, limits: bool) -> bool {
        let now = Instant::now();
        self.asked.retain(|(at, ..)| now.duration_since(*at) < MINUTE);
        self.asked.push_back((now, if writes { 5 } else { 1 }, writes));
        let points = self.asked.iter().map(|(_, points, _)| points).sum();
        let written = self.asked.iter().filter(|(.., writes)| *writes).count();
        let figures = &mut self.figures;
        figures.calls += 1;
        figures.points_a_minute = figures.points_a_minute.max(points);
        figures.writes_a_minute = figures.writes_a_minute.max(written);
        let over = limits && (self.in_flight > CONCURRENT_MAX || points > POINTS_MAX || written > WRITES_MAX);
        figures.limited += usize::from(over);
        over
    }

    fn let_in(&mut self, part: f64) {
        let waiting: Vec<usize> = self.waiting().collect();
        for job in waiting {
            if self.chance.f64() < part {
                self.jobs[job].1 = true;
            }
        }
    }
}

impl World {
    async fn answer(&self, asked: Asked) -> Canned {
        let writes = matches!(asked.name.as_str(), "access_tokens" | "review" | "status_report");
        let (over, review) = {
            let mut state = self.state.lock().unwrap();
            state.in_flight += 1;
            let over = state.is_over(writes, self.plan.limits);
            let review = (asked.name == "review" && !over).then(|| state.begin_review());
            (over, review)
        };
        tokio::time::sleep(self.plan.latency).await;
        let mut state = self.state.lock().unwrap();
        state.in_flight -= 1;
        if let Some((_, fault)) = state.broken.as_ref().filter(|(name, _)| *name == asked.name) {
            let fault = fault.clone();
            state.reviewing.retain(|(id, _)| Some(*id) != review);
            return fault;
        }
        if over {
            return limit();
        }
        let mut answer = match review {
            Some(review) => self.end_review(&mut state, review, &asked.sent),
            None => self.read(&mut state, &asked),
        };
        answer.headers.extend(state.headers.iter().cloned());
        answer
    }

    fn end_review(&self, state: &mut State, review: u64, sent: &Value) -> Canned {
        let met = state.reviewing.iter().any(|(id, met)| *id == review && *met);
        state.reviewing.retain(|(id, _)| *id != review);
        state.figures.rejections += usize::from(sent["state"] != "approved");
        if met && self.plan.reviews != Reviews::FirstTakesAll {
            let part = [0.0, 0.5, 1.0][state.chance.usize(..3)];
            state.let_in(if self.plan.reviews == Reviews::CollideAndFail { 0.0 } else { part });
            return message(422, "There was a problem approving one of the gates");
        }
        if state.waiting().next().is_none() {
            return message(422, "No pending deployment requests to approve or reject");
        }
        state.let_in(1.1);
        Canned { status: 204, ..Canned::default() }
    }

    fn read(&self, state: &mut State, asked: &Asked) -> Canned {
        let (name, argument) = asked.name.split_once('.').unwrap_or((&asked.name, ""));
        match name {
            "jobs" => {
                let text = Some(self.jobs(state, argument.parse().unwrap()).to_string());
                Canned { status: 200, text, ..Canned::default() }
            }
            "pending_deployments" => ok(pending(state.waiting().next().is_some())),
            "status_report" => {
                state.figures.reports += 1;
                Canned { status: 204, ..Canned::default() }
            }
            "deliveries" => deliveries(state, &asked.path),
            "delivery" => ok(json!({ "request": { "payload": { "deployment_callback_url": CALLBACK } } })),
            "runs" => {
                let is_listed = argument == "1";
                let runs: Vec<&Value> = self.answers["run"][0].body.iter().filter(|_| is_listed).collect();
                ok(json!({ "total_count": runs.len(), "workflow_runs": runs }))
            }
            _ => self.answers[&asked.name][0].clone(),
        }
    }

    /// A page of the story's other jobs, and ours, all made of its `publish`.
    fn jobs(&self, state: &mut State, page: usize) -> Arc<str> {
        let now = state.began.elapsed();
        let shown = state.jobs.iter().filter(|(from, _)| *from <= now);
        let key = shown.fold([0, 0], |[shown, let_in], (_, is_in)| [shown + 1, let_in + usize::from(*is_in)]);
        let written = state.pages.get(&page).filter(|(of, _)| *of == key).map(|(_, text)| Arc::clone(text));
        written.unwrap_or_else(|| {
            let text: Arc<str> = self.write_jobs(state, (page, now)).to_string().into();
            state.pages.insert(page, (key, Arc::clone(&text)));
            text
        })
    }

    fn write_jobs(&self, state: &State, (page, now): (usize, Duration)) -> Value {
        let written = self.answers["jobs.1"][0].body.as_ref().unwrap()["jobs"].as_array().unwrap();
        let (waits, ended): (Vec<&Value>, Vec<&Value>) = written.iter().partition(|job| job["status"] == "waiting");
        let ours = state.jobs.iter().enumerate().filter(|(_, (from, _))| *from <= now).map(|(number, (_, is_in))| {
            let mut job = waits[0].clone();
            job["id"] = (100_000 + number).into();
            job["name"] = format!("publish ({number})").into();
            if *is_in {
                job["status"] = "in_progress".into();
            }
            job
        });
        let all: Vec<Value> = ended.into_iter().cloned().chain(ours).collect();
        let some: Vec<&Value> = all.iter().skip((page - 1) * PER_PAGE).take(PER_PAGE).collect();
        json!({ "total_count": all.len(), "jobs": some })
    }
}

impl State {
    fn begin_review(&mut self) -> u64 {
        self.figures.reviews += 1;
        self.next_review += 1;
        let met = !self.reviewing.is_empty();
        self.reviewing.iter_mut().for_each(|(_, met)| *met = true);
        self.reviewing.push((self.next_review, met));
        self.next_review
    }
}

/// The App's failed deliveries, the newest first, a page at a time.
fn deliveries(state: &State, path: &str) -> Canned {
    let first: usize = path.split("cursor=v1_").nth(1).map_or(0, |cursor| cursor.parse().unwrap());
    let page: Vec<&Value> = state.failed.iter().skip(first).take(PER_PAGE).collect();
    let next = first + page.len();
    let mut answer = ok(json!(page));
    if next < state.failed.len() {
        let link = format!("<https://api.github.com/app/hook/deliveries?per_page=100&cursor=v1_{next}>; rel=\"next\"");
        answer.headers.insert("link".to_owned(), link);
    }
    answer
}

fn pending(waits: bool) -> Value {
    let one = json!({
        "environment": { "id": 502, "name": "release" }, "wait_timer": 0, "wait_timer_started_at": null,
        "current_user_can_approve": false, "reviewers": []
    });
    if waits { json!([one]) } else { json!([]) }
}

fn ok(body: Value) -> Canned {
    Canned { status: 200, body: Some(body), ..Canned::default() }
}

fn message(status: u16, text: &str) -> Canned {
    Canned { status, body: Some(json!({ "message": text })), ..Canned::default() }
}

fn limit() -> Canned {
    let mut limit =
        message(403, "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.");
    limit.headers.insert("retry-after".to_owned(), "60".to_owned());
    limit
}

/// When a delivery of the burst comes, after its beginning.
pub(crate) fn arrivals(plan: &Plan, spread: Duration) -> Vec<Duration> {
    let mut chance = fastrand::Rng::with_seed(plan.seed);
    let first = (0..plan.jobs).map(|_| spread.mul_f64(chance.f64()));
    let first: Vec<Duration> = first.collect();
    let late = plan.late.iter().flat_map(|(from, count)| vec![*from; *count]);
    let mut all: Vec<Duration> = first.into_iter().chain(late).collect();
    all.sort_unstable();
    all
}

/// By how much a story's times are moved to now.
pub(crate) fn moved_by(story: &Story) -> SignedDuration {
    Timestamp::now().duration_since(story.present)
}
