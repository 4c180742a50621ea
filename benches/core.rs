//! The parts of a decision that need no network: a signature over a delivery, and the decision over its evidence.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Instant;

use environment_gate::gate::{self, Decision, Evidence, Facts, Policy, Scope};
use environment_gate::model::{
    Account, AccountType, ApiUrl, Conclusion, Environment, EnvironmentName, EnvironmentReview, Job, JobStatus, Login,
    Request, ReviewState, RunStatus, WorkflowRun,
};
use environment_gate::webhook::{Parsed, Secrets, UnverifiedDelivery, parse};
use environment_gate::world::Player;
use jiff::SignedDuration;

use crate::support::fixtures;

const ROUNDS: u32 = 2_000;
/// Jobs of a large run.
const JOBS: u64 = 256;

pub(crate) fn measure() -> String {
    let player = Player::new(fixtures::limits()).unwrap();
    let story = fixtures::one("approve/one-human-approved-the-gate");
    let api = "https://api.github.com";
    let event = player.event(&story, SignedDuration::ZERO, api).to_string();
    let (parts, body) = lambda_http::request::from_str(&event).unwrap().into_parts();
    let delivery = UnverifiedDelivery::new(parts.headers, body.to_vec().into(), None).unwrap();
    let (_, secrets, _) = player.app();
    let secrets = Secrets::parse(&secrets).unwrap();
    let signature = time(|| {
        black_box(delivery.verify(&secrets).unwrap());
    });
    let request = request(&delivery, &secrets, &ApiUrl::parse(api).unwrap());
    let parsing = time(|| {
        black_box(self::request(&delivery, &secrets, &ApiUrl::parse(api).unwrap()));
    });
    let policy = Policy::parse(&story.policy).unwrap();
    let Ok(Scope::Covered(covered)) = gate::scope(&policy, &request) else { panic!("a rule covers it") };
    let evidence = Evidence::new(facts(&request, story.present), &covered).unwrap();
    let decide = || gate::decide(&covered, &request, &evidence, story.present);
    assert!(matches!(decide(), Decision::Approved(_)), "{:?}", decide());
    let decision = time(|| {
        black_box(decide());
    });
    format!(
        "| without the network, mean of {ROUNDS} | µs |\n|---|---|\n\
         | verify a delivery's signature, under two secrets | {signature:.1} |\n\
         | parse a delivery | {parsing:.1} |\n\
         | decide over {JOBS} jobs | {decision:.1} |\n"
    )
}

/// The mean time of an act, in microseconds.
fn time(act: impl Fn()) -> f64 {
    let began = Instant::now();
    (0..ROUNDS).for_each(|_| act());
    began.elapsed().as_secs_f64() * 1e6 / f64::from(ROUNDS)
}

fn request(delivery: &UnverifiedDelivery, secrets: &Secrets, api: &ApiUrl) -> Request {
    match parse(&delivery.verify(secrets).unwrap(), api).unwrap() {
        Parsed::Request(request) => *request,
        Parsed::NotForUs(why) => panic!("{why:?}"),
    }
}

/// What GitHub says of a run of which one human approved the gate.
fn facts(request: &Request, now: jiff::Timestamp) -> Facts {
    let account = |id, login| Account { id, login: Login::parse(login).unwrap(), account_type: AccountType::User };
    let alice = account(11, "alice");
    let job = |id: u64, name: &str, gate: bool| Job {
        id,
        run: request.run,
        attempt: Some(1),
        name: name.to_owned(),
        head_sha: request.sha.clone(),
        status: if gate { JobStatus::Completed } else { JobStatus::Waiting },
        conclusion: gate.then_some(Conclusion::Success),
        started_at: None,
        completed_at: gate.then_some(now.checked_sub(SignedDuration::from_mins(10)).unwrap()),
        has_runner: gate,
    };
    let others = (1..JOBS).map(|number| job(8_000 + number, &format!("publish ({number})"), false));
    let gate = EnvironmentName::parse("release-gate").unwrap();
    let bob = Some(account(22, "bob"));
    Facts {
        run: WorkflowRun {
            id: request.run,
            attempt: Some(1),
            repository_id: request.repository.id,
            head_repository_id: Some(request.repository.id),
            path: ".github/workflows/release.yml".to_owned(),
            event: "workflow_dispatch".to_owned(),
            head_branch: Some(request.ref_name.clone()),
            head_sha: request.sha.clone(),
            status: RunStatus::Open,
            actor: Some(alice.clone()),
            triggering_actor: Some(alice),
            created_at: None,
            started_at: Some(now.checked_sub(SignedDuration::from_hours(1)).unwrap()),
            title: None,
            owner_id: None,
        },
        jobs: others.chain([job(7_001, "release-gate", true)]).collect(),
        reviews: vec![EnvironmentReview {
            state: ReviewState::Approved,
            user: bob,
            environment_ids: vec![501],
            environment_names: Vec::new(),
        }],
        environments: BTreeMap::from([(
            gate.clone(),
            Some(Environment { id: 501, name: gate, required_reviewers: 1, node_id: None }),
        )]),
        earlier_attempts: Vec::new(),
        pending: None,
        starter_permission: None,
        signatures: None,
    }
}
