//! The doubtful answers of GitHub, for each call that a decision rests on: missing once or for ever, empty, with a field that is null, refused for three
//! seconds, or older than the delivery.

use environment_gate::world::{Canned, Story};
use serde_json::{Value, json};

const FIRST: &str = "approve/one-human-approved-the-gate";
/// The gate was passed in the first attempt, and only a failed job was run again.
const RERUN: &str = "approve/the-gate-is-listed-under-the-old-attempt";

/// How many times a call is made in the first three seconds while its token is refused: at once, and after 0.4, 0.8 and 1.6 s.
const REFUSALS: usize = 4;
/// When a fact that GitHub does not show counts as absent, in seconds.
const ABSENT_AFTER: i64 = 60;
/// The same for a whole run.
const GONE_AFTER: i64 = 3600;

/// Whether a doubt goes away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Within the delivery.
    Passes,
    /// It lasts, and the decision rests on the answer.
    Stays,
    /// It lasts, but only after the decision: the review's outcome is unknown.
    AfterReview,
}

/// One doubtful answer.
pub(crate) struct Doubt {
    /// The name of the answer, as stories have it.
    pub(crate) route: &'static str,
    /// The call, as the page calls it.
    pub(crate) call: &'static str,
    /// What it answers, in words.
    pub(crate) answer: String,
    pub(crate) story: &'static str,
    pub(crate) kind: Kind,
    /// The age of the deployment, in seconds, from which on it may end the delivery; `None` for never.
    pub(crate) fact_after: Option<i64>,
    pub(crate) change: Box<dyn Fn(&mut Story)>,
}

impl Doubt {
    fn new(route: &'static str, answer: &str, kind: Kind, change: impl Fn(&mut Story) + 'static) -> Self {
        let call = CALLS.iter().find(|(name, ..)| *name == route).unwrap();
        let (answer, change) = (answer.to_owned(), Box::new(change));
        Self { route, call: call.1, answer, story: call.2, kind, fact_after: None, change }
    }

    fn stays(route: &'static str, answer: &str, change: impl Fn(&mut Story) + 'static) -> Self {
        Self::new(route, answer, Kind::Stays, change)
    }

    fn of(self, story: &'static str) -> Self {
        Self { story, ..self }
    }

    fn fact_after(self, seconds: i64) -> Self {
        Self { fact_after: Some(seconds), ..self }
    }
}

/// The calls: the answer's name in a story, the name in the page, and the story that makes it.
const CALLS: [(&str, &str, &str); 8] = [
    ("access_tokens", "token", FIRST),
    ("run", "run", FIRST),
    ("attempt.1", "earlier attempt", RERUN),
    ("jobs.1", "jobs", FIRST),
    ("approvals", "approvals", FIRST),
    ("environment.release-gate", "gate's environment", FIRST),
    ("pending_deployments", "pending deployments of a re-run", RERUN),
    ("review", "review", FIRST),
];

/// All of them, by call.
pub(crate) fn doubts() -> Vec<Doubt> {
    let mut all: Vec<Doubt> = CALLS.iter().flat_map(|(route, ..)| of_every_call(route)).collect();
    all.extend(null_fields());
    all.extend(old_answers());
    all.extend(reviews());
    let place = |doubt: &Doubt| CALLS.iter().position(|(route, ..)| *route == doubt.route);
    all.sort_by_key(place);
    all.extend([401, 403].map(every_read_refused));
    all
}

fn status(status: u16, body: Value) -> Canned {
    Canned { status, body: Some(body), ..Canned::default() }
}

fn message(code: u16, text: &str) -> Canned {
    status(code, json!({ "message": text }))
}

fn not_found() -> Canned {
    message(404, "Not Found")
}

fn refusal(code: u16) -> Canned {
    message(code, if code == 401 { "Bad credentials" } else { "Resource not accessible by integration" })
}

/// Puts answers before the story's.
fn before(story: &mut Story, route: &str, answers: Vec<Canned>) {
    story.answers.get_mut(route).unwrap().splice(0..0, answers);
}

fn instead(story: &mut Story, route: &str, answer: Canned) {
    story.answers.insert(route.to_owned(), vec![answer]);
}

fn body<'s>(story: &'s mut Story, route: &str) -> &'s mut Value {
    story.answers.get_mut(route).unwrap()[0].body.as_mut().unwrap()
}

/// What still waits.
fn pending(story: &mut Story, names: &[&str]) {
    instead(story, "pending_deployments", pending_of(names));
}

fn pending_of(names: &[&str]) -> Canned {
    let names: Vec<Value> = names.iter().map(|name| json!({ "environment": { "name": name } })).collect();
    status(200, names.into())
}

/// Where the gate's job is missing, it is asked what waits.
fn pending_where_asked(story: &mut Story) {
    story.answers.entry("pending_deployments".to_owned()).or_insert_with(|| vec![pending_of(&["release"])]);
}

/// Missing, empty and refused.
fn of_every_call(route: &'static str) -> Vec<Doubt> {
    let once = Doubt::new(route, "404 once", Kind::Passes, move |story| {
        before(story, route, vec![not_found()]);
        if route == "review" {
            pending(story, &["release"]);
        }
    });
    let refused = move |code: u16| {
        let answer = format!("{code} for 3 s");
        Doubt::new(route, &answer, Kind::Passes, move |story| before(story, route, vec![refusal(code); REFUSALS]))
    };
    let mut all = vec![once, refused(401), refused(403)];
    if route == "review" {
        return all;
    }
    let for_ever = Doubt::stays(route, "404 for ever", move |story| instead(story, route, not_found()));
    all.insert(1, if route == "run" { for_ever.fact_after(GONE_AFTER) } else { for_ever });
    let (words, empty) = match route {
        "jobs.1" => ("an empty list", json!({ "total_count": 0, "jobs": [] })),
        "approvals" | "pending_deployments" => ("an empty list", json!([])),
        _ => ("`{}`", json!({})),
    };
    let code = if route == "access_tokens" { 201 } else { 200 };
    let empty = Doubt::stays(route, words, move |story| {
        instead(story, route, status(code, empty.clone()));
        pending_where_asked(story);
    });
    all.insert(2, if route == "approvals" { empty.fact_after(ABSENT_AFTER) } else { empty });
    all
}

/// The fields that a decision rests on.
fn null_fields() -> Vec<Doubt> {
    let run = ["head_branch", "head_sha", "run_attempt", "actor", "triggering_actor", "event", "path", "repository"];
    let of_run = run.map(|field| null("run", field, move |run| run[field] = Value::Null));
    let deleted = null("run", "head_repository", |run| run["head_repository"] = Value::Null).fact_after(0);
    let job = ["run_attempt", "status", "conclusion", "completed_at", "head_sha", "name"];
    let of_gate = job.map(|field| null("jobs.1", field, move |jobs| gate(jobs)[field] = Value::Null));
    let token = ["token", "expires_at", "repositories"];
    let of_token = token.map(|field| null("access_tokens", field, move |token| token[field] = Value::Null));
    let environment = ["id", "name", "protection_rules"];
    let route = "environment.release-gate";
    let of_environment = environment.map(|field| null(route, field, move |found| found[field] = Value::Null));
    let approval = ["state", "environments"];
    let of_approval = approval.map(|field| null("approvals", field, move |all| all[0][field] = Value::Null));
    let mut all: Vec<Doubt> = of_run.into_iter().chain([deleted]).chain(of_gate).chain(of_token).collect();
    all.extend(of_environment.into_iter().chain(of_approval));
    all.extend([
        null(route, "reviewers", |found| found["protection_rules"][0]["reviewers"] = Value::Null),
        null("approvals", "user", |all| all[0]["user"] = Value::Null).fact_after(ABSENT_AFTER),
        null("attempt.1", "triggering_actor", |run| run["triggering_actor"] = Value::Null),
        null("attempt.1", "triggering_actor.type", |run| run["triggering_actor"]["type"] = Value::Null),
        null("pending_deployments", "environment.name", |all| all[0]["environment"]["name"] = Value::Null),
        null("jobs.1", "jobs", |jobs| jobs["jobs"] = Value::Null),
    ]);
    all
}

fn null(route: &'static str, field: &str, change: impl Fn(&mut Value) + 'static) -> Doubt {
    Doubt::stays(route, &format!("`{field}` null"), move |story| change(body(story, route)))
}

/// The gate's job, which the stories list second.
fn gate(jobs: &mut Value) -> &mut Value {
    jobs["jobs"].as_array_mut().unwrap().iter_mut().find(|job| job["name"] == "release-gate").unwrap()
}

fn keep_jobs(story: &mut Story, keep: impl Fn(&Value) -> bool) {
    let jobs = body(story, "jobs.1");
    jobs["jobs"].as_array_mut().unwrap().retain(keep);
    jobs["total_count"] = jobs["jobs"].as_array().unwrap().len().into();
    pending_where_asked(story);
}

/// The run of a re-run, as it was before.
fn attempt_before(story: &mut Story, status: &str) {
    let run = body(story, "run");
    run["triggering_actor"] = run["actor"].clone();
    run["run_started_at"] = run["created_at"].clone();
    (run["run_attempt"], run["status"]) = (1.into(), status.into());
}

/// Answers that are older than the delivery.
fn old_answers() -> Vec<Doubt> {
    let ended_before = |story: &mut Story| {
        attempt_before(story, "completed");
        keep_jobs(story, |job| job["run_attempt"] == 1);
    };
    vec![
        Doubt::stays("run", "old: as ended", |story| body(story, "run")["status"] = "completed".into()),
        Doubt::stays("run", "old: as before the re-run", |story| attempt_before(story, "waiting")).of(RERUN),
        Doubt::stays("run", "old, and the jobs: as ended before the re-run", ended_before).of(RERUN),
        Doubt::stays("run", "old, and the jobs and what is pending: as ended before the re-run", move |story| {
            ended_before(story);
            pending(story, &[]);
        })
        .of(RERUN)
        .fact_after(ABSENT_AFTER),
        Doubt::stays("jobs.1", "old: the gate is in progress", |story| {
            let gate = gate(body(story, "jobs.1"));
            (gate["status"], gate["conclusion"], gate["completed_at"]) =
                ("in_progress".into(), Value::Null, Value::Null);
        }),
        Doubt::stays("jobs.1", "old: without the gate", |story| keep_jobs(story, |job| job["name"] != "release-gate"))
            .fact_after(ABSENT_AFTER),
        Doubt::stays("jobs.1", "old: without the jobs of the re-run", |story| {
            keep_jobs(story, |job| job["run_attempt"] == 1);
        })
        .of(RERUN),
        Doubt::stays("environment.release-gate", "old: without required reviewers", |story| {
            body(story, "environment.release-gate")["protection_rules"] = json!([]);
        })
        .fact_after(ABSENT_AFTER),
        Doubt::stays("environment.release-gate", "404 for ever, and no review names it", |story| {
            instead(story, "environment.release-gate", not_found());
            *body(story, "approvals") = json!([]);
        })
        .fact_after(ABSENT_AFTER),
    ]
}

/// A review of which nobody knows whether it was applied.
fn reviews() -> Vec<Doubt> {
    let review = |answer: &str, canned: Canned, waiting: &'static [&'static str]| {
        Doubt::new("review", answer, Kind::AfterReview, move |story| {
            instead(story, "review", canned.clone());
            pending(story, waiting);
        })
    };
    let nothing = message(422, "No pending deployment requests to approve or reject");
    let reviewed = message(422, "Deployment protection rule has already been reviewed");
    vec![
        review("404 for ever, still pending", not_found(), &["release"]),
        review("404 for ever, nothing pending", not_found(), &[]).fact_after(ABSENT_AFTER),
        review("200 and `{}`, still pending", status(200, json!({})), &["release"]),
        review("200 and `{}`, nothing pending", status(200, json!({})), &[]),
        review("422 *No pending deployment requests*", nothing, &[]).fact_after(ABSENT_AFTER),
        review("422 *already been reviewed*", reviewed, &[]).fact_after(ABSENT_AFTER),
    ]
}

/// A new token that GitHub does not know yet.
fn every_read_refused(code: u16) -> Doubt {
    let doubt = Doubt::new("run", &format!("{code} for 3 s"), Kind::Passes, move |story| {
        for read in ["run", "jobs.1", "approvals", "environment.release-gate"] {
            before(story, read, vec![refusal(code); REFUSALS]);
        }
    });
    Doubt { call: "every read", ..doubt }
}
