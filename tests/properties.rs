//! Properties of the decision over random worlds: nothing unknown approves, and nothing that gets worse approves.
//!
//! A world is made from a seed, so a failure can be repeated.

use std::collections::BTreeMap;

use environment_gate::gate::signature::{Candidate, IssuerKeys, Signatures};
use environment_gate::gate::{self, Approval, Decision, Evidence, Facts, Policy, Scope};
use environment_gate::model::{
    Account, AccountType, Conclusion, Environment, EnvironmentName, EnvironmentReview, Job, JobStatus, Login,
    Permission, RefName, Repository, RepositoryName, Request, ReviewState, RunAttempt, RunId, RunStatus, Sha,
    WorkflowRun,
};
use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::ExposeSecret as _;
use serde_json::json;

use crate::support::cases;

/// How many worlds are tried.
const WORLDS: u64 = 20_000;
/// How many worlds are tried with policies in Rego.
const REGO_WORLDS: u64 = 2_000;
/// How many worlds are tried with signatures.
const SIGNED_WORLDS: u64 = 2_000;
/// Worsening steps from a world that is not approved.
const STEPS: usize = 6;

const NOW: i64 = 1_767_608_100;
/// The gates: the name of job and environment, and the environment's id.
const GATES: [(&str, u64); 2] = [("release-gate", 501), ("security-gate", 503)];
const STARTER: u64 = 11;

#[derive(Debug, Clone)]
struct World {
    policy: String,
    request: Request,
    facts: Facts,
}

fn time(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

fn account(id: u64, account_type: AccountType) -> Account {
    Account { id, login: Login::parse(&format!("user-{id}")).unwrap(), account_type }
}

fn sha(digit: &str) -> Sha {
    Sha::parse(&digit.repeat(40)).unwrap()
}

/// A world in which most things are right and some are not.
fn world(seed: u64) -> World {
    let mut rng = Rng::with_seed(seed);
    let gates = rng.usize(1..=2);
    let approvals = rng.usize(0..=gates);
    let attempts: u32 = if rng.u8(..4) == 0 { rng.u32(2..=3) } else { 1 };
    let run = WorkflowRun {
        id: RunId::new(9001).unwrap(),
        attempt: Some(attempts).filter(|_| rng.u8(..50) > 0),
        repository_id: 4242,
        head_repository_id: Some(if rng.u8(..50) == 0 { 1 } else { 4242 }),
        path: ".github/workflows/release.yml".to_owned(),
        event: if rng.u8(..50) == 0 { "push" } else { "workflow_dispatch" }.to_owned(),
        head_branch: Some(RefName::parse("main").unwrap()),
        head_sha: sha("a"),
        status: RunStatus::Open,
        actor: Some(account(STARTER, AccountType::User)).filter(|_| rng.u8(..50) > 0),
        triggering_actor: Some(account(STARTER, AccountType::User)),
        created_at: Some(time(began(1, attempts))),
        started_at: Some(time(began(attempts, attempts))),
        title: None,
        owner_id: Some(77),
    };
    let mut jobs = Vec::new();
    let mut reviews = Vec::new();
    for attempt in 1..=attempts {
        for (job, environment) in GATES.iter().take(gates) {
            // A gate that was not re-run keeps its attempt.
            if attempt > 1 && rng.bool() {
                continue;
            }
            let good = Job {
                attempt: Some(attempt),
                ..job_at(job, 7000 + u64::try_from(jobs.len()).unwrap(), began(attempt, attempts))
            };
            jobs.push(gate_job(&mut rng, good));
            reviews.extend(reviews_of(&mut rng, *environment));
        }
    }
    let environments = GATES.iter().take(gates).map(|(name, id)| {
        let name = EnvironmentName::parse(name).unwrap();
        let environment = Environment {
            id: *id,
            name: name.clone(),
            required_reviewers: usize::from(rng.u8(..30) > 0),
            node_id: None,
        };
        (name, Some(environment).filter(|_| rng.u8(..50) > 0))
    });
    let environments: BTreeMap<_, _> = environments.collect();
    jobs.push(Job { attempt: Some(attempts), status: JobStatus::Waiting, conclusion: None, ..job("publish", 7900) });
    let earlier_attempts = (1..attempts).map(|attempt| RunAttempt {
        attempt,
        triggering_actor: Some(account(STARTER, AccountType::User)),
        started_at: Some(time(began(attempt, attempts))),
    });
    let mut policy = format!(
        "[[rule]]\nrepositories = [\"octo-org/widgets\"]\nrefs = [\"main\"]\napprovals = {approvals}\nself_approval = {}\n",
        rng.u8(..8) == 0
    );
    if rng.u8(..4) == 0 {
        policy += "approvers = [\"user-22\", \"user-33\"]\n";
    }
    for (name, _) in GATES.iter().take(gates) {
        policy.extend(["[[rule.gate]]\njob = \"", name, "\"\nenvironment = \"", name, "\"\n"]);
    }
    let earlier_attempts = earlier_attempts.collect();
    let pending = Some(vec![EnvironmentName::parse("release").unwrap()]);
    let starter_permission = Some(Permission::new("write"));
    let facts =
        Facts { run, jobs, reviews, environments, earlier_attempts, pending, starter_permission, signatures: None };
    World { policy, request: request(), facts }
}

/// When an attempt began: a quarter of an hour apart, the last a quarter of an hour ago.
fn began(attempt: u32, attempts: u32) -> i64 {
    NOW - 900 * i64::from(attempts - attempt + 1)
}

fn request() -> Request {
    Request {
        installation_id: 555,
        repository: Repository { id: 4242, name: RepositoryName::parse("octo-org/widgets").unwrap() },
        run: RunId::new(9001).unwrap(),
        environment: EnvironmentName::parse("release").unwrap(),
        sha: sha("a"),
        ref_name: RefName::parse("main").unwrap(),
        event: None,
        deployment_created_at: Some(time(NOW - 600)),
    }
}

fn job(name: &str, id: u64) -> Job {
    job_at(name, id, NOW - 900)
}

/// A job that ran for a minute, five minutes after its attempt began.
fn job_at(name: &str, id: u64, began: i64) -> Job {
    Job {
        id,
        run: RunId::new(9001).unwrap(),
        attempt: Some(1),
        name: name.to_owned(),
        head_sha: sha("a"),
        status: JobStatus::Completed,
        conclusion: Some(Conclusion::Success),
        started_at: Some(time(began + 240)),
        completed_at: Some(time(began + 300)),
        has_runner: true,
    }
}

/// A gate's job. On GitHub a job that succeeded had a runner.
fn gate_job(rng: &mut Rng, good: Job) -> Job {
    match rng.u8(..20) {
        0 => Job { conclusion: Some(Conclusion::Other("failure".to_owned())), has_runner: rng.bool(), ..good },
        1 => Job { conclusion: None, status: JobStatus::UnderWay, ..good },
        2 => Job { conclusion: None, status: JobStatus::Waiting, has_runner: false, ..good },
        3 => Job { completed_at: Some(time(NOW - rng.i64(0..600_000))), ..good },
        _ => good,
    }
}

fn reviews_of(rng: &mut Rng, environment: u64) -> Vec<EnvironmentReview> {
    let count = if rng.u8(..10) == 0 { rng.usize(0..=2) } else { 1 };
    (0..count)
        .map(|_| {
            let id = [STARTER, 22, 22, 22, 33, 33, 44][rng.usize(..7)];
            let account_type = if rng.u8(..30) == 0 { AccountType::Bot } else { AccountType::User };
            let state = if rng.u8(..20) == 0 { ReviewState::Rejected } else { ReviewState::Approved };
            let environment_names = Vec::new();
            let user = Some(account(id, account_type));
            EnvironmentReview { state, user, environment_ids: vec![environment], environment_names }
        })
        .collect()
}

fn decide(world: &World) -> Option<Decision> {
    let policy = Policy::parse(&world.policy).unwrap();
    let Ok(Scope::Covered(covered)) = gate::scope(&policy, &world.request) else { panic!("the policy covers it") };
    let evidence = Evidence::new(world.facts.clone(), &covered).ok()?;
    Some(gate::decide(&covered, &world.request, &evidence, time(NOW)))
}

fn approval(world: &World) -> Option<Approval> {
    match decide(world)? {
        Decision::Approved(approval) => Some(approval),
        _ => None,
    }
}

/// What policies in Rego may say of these worlds: much, little, nothing, and what makes no sense.
const RULES: [&str; 12] = [
    "deny[\"no\"] { input.run.attempt > 1 }",
    "deny { count(input.jobs) > 3 }",
    "deny[x] { x := input.run.ref; not input.session.admin }",
    "warn[\"look\"] { true }",
    "flag[\"seen\"] { true }",
    "sample { true }",
    "approve { true }",
    "approve { count(input.reviews.current.approvals) > 1 }",
    "approve { input.run.flags[_] == \"seen\" }",
    "reject { input.checks[_].verdict == \"fail\" }",
    "approve = 1",
    "approve { to_number(input.run.ref) > 1 }",
];

/// A policy of some of these rules; those that have no meaning together are refused when they are read.
fn rego(rng: &mut Rng) -> String {
    let rules: Vec<&str> = (0..rng.usize(1..4)).map(|_| RULES[rng.usize(..RULES.len())]).collect();
    format!("package p\n{}\n", rules.join("\n"))
}

fn decide_with(world: &World, policies: &[String]) -> Option<Decision> {
    let names = ["a", "b", "c"];
    let list = names.iter().take(policies.len()).map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
    let toml = world.policy.replacen("refs =", &format!("policies = [{list}]\nrefs ="), 1);
    let texts = names.into_iter().zip(policies.iter().map(String::as_str));
    let policy = Policy::parse(&toml).unwrap().with_rego(texts).ok()?;
    let Ok(Scope::Covered(covered)) = gate::scope(&policy, &world.request) else { panic!("the policy covers it") };
    let evidence = Evidence::new(world.facts.clone(), &covered).ok()?;
    Some(gate::decide(&covered, &world.request, &evidence, time(NOW)))
}

const REVIEW_STEPS: usize = 7;
const GATE_STEPS: usize = 6;

/// Makes an approval worse in one of several ways.
fn worsen_review(world: &mut World, at: usize, way: usize) {
    let self_approval = world.policy.contains("self_approval = true");
    let review = &mut world.facts.reviews[at];
    match way {
        0 => drop(world.facts.reviews.remove(at)),
        1 => review.state = ReviewState::Rejected,
        2 => review.state = ReviewState::Unknown,
        3 => review.user.iter_mut().for_each(|user| user.account_type = AccountType::Bot),
        4 => review.user = None,
        5 => review.environment_ids = vec![999],
        _ if self_approval => review.user = Some(account(STARTER, AccountType::Unknown)),
        _ => review.user = Some(account(STARTER, AccountType::User)),
    }
}

/// Makes a gate's job worse in one of several ways.
fn worsen_gate(world: &mut World, at: usize, way: usize) {
    let gate = &mut world.facts.jobs[at];
    match way {
        0 => gate.conclusion = Some(Conclusion::Other("failure".to_owned())),
        1 => gate.conclusion = Some(Conclusion::Other("new".to_owned())),
        2 => {
            let older = |at: Timestamp| at.checked_sub(SignedDuration::from_hours(100)).unwrap();
            gate.completed_at = gate.completed_at.map(older);
        }
        3 => gate.head_sha = sha("b"),
        4 => gate.run = RunId::new(1).unwrap(),
        _ => {
            let second = Job { id: gate.id + 500, ..gate.clone() };
            world.facts.jobs.push(second);
        }
    }
}

fn gate_jobs(world: &World) -> Vec<usize> {
    let is_gate = |job: &Job| GATES.iter().any(|(name, _)| job.name == *name);
    (0..world.facts.jobs.len()).filter(|at| is_gate(&world.facts.jobs[*at])).collect()
}

/// The approvals; a rejection gets no worse.
fn approvals(world: &World) -> Vec<usize> {
    let is_approval = |at: &usize| world.facts.reviews[*at].state == ReviewState::Approved;
    (0..world.facts.reviews.len()).filter(is_approval).collect()
}

/// Makes something worse.
fn worsen(world: &mut World, rng: &mut Rng) {
    let (gates, approvals) = (gate_jobs(world), approvals(world));
    match rng.u8(..5) {
        0 | 1 if !approvals.is_empty() => {
            worsen_review(world, approvals[rng.usize(..approvals.len())], rng.usize(..REVIEW_STEPS));
        }
        2 | 3 if !gates.is_empty() => worsen_gate(world, gates[rng.usize(..gates.len())], rng.usize(..GATE_STEPS)),
        _ => {
            let at = rng.usize(..world.facts.environments.len());
            world.facts.environments.values_mut().nth(at).unwrap().iter_mut().for_each(|e| e.required_reviewers = 0);
        }
    }
}

#[test]
fn what_is_not_approved_is_not_approved_when_it_gets_worse() {
    let mut approved = 0;
    for seed in 0..cases(WORLDS) {
        let mut rng = Rng::with_seed(seed ^ u64::MAX);
        let mut world = world(seed);
        if approval(&world).is_some() {
            approved += 1;
            continue;
        }
        for step in 0..STEPS {
            worsen(&mut world, &mut rng);
            assert!(approval(&world).is_none(), "seed {seed}, step {step}: {world:#?}");
        }
    }
    assert!(approved >= cases(WORLDS) / 5, "only {approved} worlds are approved, so the property says little");
}

#[test]
fn every_fact_that_an_approval_cites_is_needed() {
    let mut ended = 0_u64;
    for seed in 0..cases(WORLDS) {
        let before = world(seed);
        let Some(approval) = approval(&before) else { continue };
        for worse in worse_in_what_is_cited(&before, &approval) {
            ended += 1;
            assert!(self::approval(&worse).is_none(), "seed {seed}: {worse:#?}");
        }
    }
    assert!(ended > cases(WORLDS), "only {ended} steps");
}

/// Every world that is one step worse in a fact that the approval rests on.
fn worse_in_what_is_cited(before: &World, approval: &Approval) -> Vec<World> {
    let mut worse = Vec::new();
    let mut step = |change: &dyn Fn(&mut World)| {
        let mut world = before.clone();
        change(&mut world);
        worse.push(world);
    };
    for gate in approval.gates() {
        let at = before.facts.jobs.iter().position(|job| Some(job.id) == gate.job_id).unwrap();
        for way in 0..GATE_STEPS {
            step(&|world| worsen_gate(world, at, way));
        }
        step(&|world| {
            world.facts.environments.values_mut().flatten().for_each(|environment| {
                if Some(environment.id) == gate.environment_id {
                    environment.required_reviewers = 0;
                }
            });
        });
        // With more approvals than attempts, no single one is needed.
        let of_gate = before.facts.jobs.iter().filter(|job| job.name == gate.job);
        let passed = of_gate.filter(|job| job.has_runner || job.conclusion == Some(Conclusion::Success)).count();
        if gate.approvers.len() > passed.max(1) {
            continue;
        }
        let cited = |review: &EnvironmentReview| {
            gate.environment_id.is_some_and(|id| review.environment_ids.contains(&id))
                && review.state == ReviewState::Approved
                && review.user.as_ref().is_some_and(|user| {
                    user.account_type == AccountType::User
                        && gate.approvers.iter().any(|approver| approver.id == user.id)
                })
        };
        for at in (0..before.facts.reviews.len()).filter(|at| cited(&before.facts.reviews[*at])) {
            for way in 0..REVIEW_STEPS {
                step(&|world| worsen_review(world, at, way));
            }
        }
    }
    worse
}

#[test]
fn without_facts_there_is_no_approval() {
    for seed in 0..cases(WORLDS) {
        let mut world = world(seed);
        match seed % 5 {
            0 => world.facts.jobs.clear(),
            1 => world.facts.reviews.clear(),
            2 => world.facts.environments.values_mut().for_each(|environment| *environment = None),
            3 => world.facts.jobs.iter_mut().for_each(|job| job.status = JobStatus::Unknown),
            _ => world.facts.environments.clear(),
        }
        let nobody_has_to_approve = world.policy.contains("approvals = 0") && seed % 5 == 1;
        assert!(nobody_has_to_approve || approval(&world).is_none(), "seed {seed}: {world:#?}");
    }
}

#[test]
fn evidence_with_a_gap_does_not_exist() {
    let mut world = world(0);
    world.facts.environments.clear();
    assert_eq!(decide(&world), None, "a gate environment was not read");
}

#[test]
fn policies_in_rego_only_take_approvals_away() {
    let (mut kept, mut taken) = (0_u64, 0_u64);
    for seed in 0..cases(REGO_WORLDS) {
        let mut rng = Rng::with_seed(seed);
        let world = world(seed);
        let policies: Vec<String> = (0..rng.usize(1..=3)).map(|_| rego(&mut rng)).collect();
        let Some(decision) = decide_with(&world, &policies) else { continue };
        match (approval(&world).is_some(), matches!(decision, Decision::Approved(_))) {
            (true, true) => kept += 1,
            (true, false) => taken += 1,
            (false, is_approved) => assert!(!is_approved, "seed {seed}: {policies:#?}\n{world:#?}"),
        }
    }
    assert!(
        kept.min(taken) > cases(20),
        "{kept} approvals were kept and {taken} taken away, so the property says little"
    );
}

/// A signature of each job of a gate, of which now and then one thing is wrong.
fn signatures(rng: &mut Rng, world: &World, key: &EncodingKey) -> Signatures {
    const ISSUER: &str = "https://token.actions.githubusercontent.com";
    let mut jwk = Jwk::from_encoding_key(key, Algorithm::RS256).unwrap();
    jwk.common.key_id = Some("key".to_owned());
    let keys = serde_json::to_vec(&JwkSet { keys: vec![jwk] }).unwrap();
    let signed = |rng: &mut Rng, job: &Job| {
        let issued_at = job.started_at.map_or(0, Timestamp::as_second);
        let mut claims = json!({
            "iss": ISSUER, "aud": "environment-gate-1", "iat": issued_at, "exp": issued_at + 300,
            "repository": "octo-org/widgets", "repository_id": "4242", "repository_owner_id": "77",
            "run_id": "9001", "run_attempt": job.attempt.unwrap_or_default().to_string(),
            "check_run_id": job.id.to_string(), "sha": world.facts.run.head_sha.as_str(),
            "event_name": world.facts.run.event, "environment": job.name, "ref": "refs/heads/main",
            "ref_type": "branch", "workflow_ref": "octo-org/widgets/.github/workflows/release.yml@refs/heads/main",
        });
        let claims = claims.as_object_mut().unwrap();
        let names: Vec<String> = claims.keys().cloned().collect();
        match rng.u8(..10) {
            0 => drop(claims.insert(names[rng.usize(..names.len())].clone(), json!("another"))),
            1 => drop(claims.remove(&names[rng.usize(..names.len())])),
            _ => {}
        }
        let header = Header { kid: Some("key".to_owned()), ..Header::new(Algorithm::RS256) };
        Candidate::Text(jsonwebtoken::encode(&header, claims, key).unwrap())
    };
    let mut of_jobs = BTreeMap::new();
    for job in &world.facts.jobs {
        let candidates = match rng.u8(..12) {
            0 => Vec::new(),
            1 => vec![Candidate::Unusable("it is a ZIP".to_owned())],
            2 => vec![Candidate::Unreachable("503".to_owned())],
            _ => vec![signed(rng, job)],
        };
        of_jobs.insert(job.id, candidates);
    }
    Signatures {
        keys: Some(IssuerKeys::parse(ISSUER, &keys).unwrap()),
        audience: "environment-gate-1".to_owned(),
        of_jobs,
    }
}

#[test]
fn signatures_only_take_approvals_away() {
    let key = environment_gate::world::Key::generate().unwrap();
    let key = EncodingKey::from_rsa_pem(key.private_pem().expose_secret().as_bytes()).unwrap();
    let (mut kept, mut taken) = (0_u64, 0_u64);
    for seed in 0..cases(SIGNED_WORLDS) {
        let world = world(seed);
        let mut signed = world.clone();
        signed.policy = signed.policy.replace("[[rule]]\n", "[[rule]]\nsigned = true\n");
        signed.facts.signatures = Some(signatures(&mut Rng::with_seed(seed), &world, &key));
        match (approval(&world).is_some(), approval(&signed).is_some()) {
            (true, true) => kept += 1,
            (true, false) => taken += 1,
            (false, is_approved) => assert!(!is_approved, "seed {seed}: {signed:#?}"),
        }
    }
    assert!(
        kept.min(taken) > cases(20),
        "{kept} approvals were kept and {taken} taken away, so the property says little"
    );
}
