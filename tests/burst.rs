//! Bursts of deliveries for one run, as a matrix release sends them, against the built function in several processes.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use environment_gate::world::Player;
use jiff::Timestamp;
use serde_json::json;

use crate::support::busy::{self, Busy, Figures, POINTS_MAX, Plan, Reviews, WRITES_MAX};
use crate::support::fixtures;
use crate::support::fleet::{Fleet, Processes};
use crate::support::lambda::Invocation;

const APPROVED: &str = "approve/one-human-approved-the-gate";

/// A burst, and how the function meets it.
#[derive(Debug, Clone)]
struct Burst {
    plan: Plan,
    spread: Duration,
    processes: Processes,
    /// Sweeps that may follow, until nothing waits.
    sweeps_max: usize,
    /// How long after the burst, and after each other.
    sweep_every: Duration,
}

/// What came of it.
#[derive(Debug, Default)]
struct Met {
    answered_204: usize,
    answered_503: usize,
    turned_away: usize,
    /// Why some are not 204.
    reasons: BTreeSet<String>,
    other: Vec<u64>,
    pending_after_burst: usize,
    sweeps: usize,
    pending_at_end: usize,
    /// Of the burst alone.
    reviews: usize,
    figures: Figures,
}

async fn meet(story: &str, burst: &Burst) -> Met {
    let player = Arc::new(Player::new(fixtures::limits()).unwrap());
    let story = fixtures::one(story);
    let (github, fake) = Busy::serve(&story, &player, burst.plan.clone()).await;
    let fleet = Fleet::new(&player, &story.policy, &fake.url(), burst.processes);
    let event = player.event(&story, busy::moved_by(&story), &fake.url());
    github.begin();
    let mut deliveries = tokio::task::JoinSet::new();
    for arrival in busy::arrivals(&burst.plan, burst.spread) {
        let (fleet, event) = (fleet.clone(), event.clone());
        deliveries.spawn(async move {
            tokio::time::sleep(arrival).await;
            fleet.invoke(event).await
        });
    }
    let mut met = Met::default();
    while let Some(answer) = deliveries.join_next().await {
        let answer = answer.unwrap();
        if let Some(Invocation::Answer(answer)) = &answer {
            met.reasons.extend(answer["body"].as_str().filter(|reason| !reason.is_empty()).map(ToOwned::to_owned));
        }
        let status = answer.map(|invocation| invocation.status());
        match status {
            Some(204) => met.answered_204 += 1,
            Some(503) => met.answered_503 += 1,
            None => met.turned_away += 1,
            Some(other) => met.other.push(other),
        }
        if status != Some(204) {
            github.failed(503, Timestamp::now());
        }
    }
    (met.pending_after_burst, met.reviews) = (github.pending(), github.figures().reviews);
    let schedule = json!({ "source": "aws.events", "detail-type": "Scheduled Event", "detail": {} });
    // What was not answered well is looked for once, whether anything waits or not.
    let all_taken = met.answered_503 + met.turned_away == 0;
    while met.sweeps < burst.sweeps_max && (github.pending() > 0 || (met.sweeps == 0 && !all_taken)) {
        tokio::time::sleep(burst.sweep_every).await;
        fleet.invoke(schedule.clone()).await.unwrap();
        met.sweeps += 1;
    }
    met.pending_at_end = github.pending();
    met.figures = github.figures();
    assert_eq!(fake.violations(), Vec::<String>::new());
    met
}

/// What holds of every burst of the approving story.
fn all_is_well(burst: &Burst, met: &Met) {
    assert_eq!(met.figures.rejections, 0, "wrong decisions: {burst:?} {met:?}");
    assert_eq!(met.pending_at_end, 0, "{burst:?} {met:?}");
    assert_eq!(met.other, Vec::<u64>::new(), "{burst:?} {met:?}");
}

/// Ten processes that GitHub limits: the rest is turned away, and a sweep follows at once.
fn few(jobs: usize, reviews: Reviews, spread: Duration) -> Burst {
    // A tenth of the jobs begin to wait later, in two waves.
    let late = jobs / 20;
    let plan = Plan {
        jobs: jobs - 2 * late,
        late: vec![(Duration::from_millis(1500), late), (Duration::from_secs(3), late)],
        reviews,
        limits: true,
        latency: Duration::from_millis(50),
        seed: 1,
    };
    Burst { plan, spread, processes: Processes::AtMost(10), sweeps_max: 1, sweep_every: Duration::ZERO }
}

/// Reserved concurrency keeps a burst within GitHub's limits, and the sweep that follows leaves nothing.
fn few_are_within_limits(burst: &Burst, met: &Met) {
    all_is_well(burst, met);
    assert_eq!(met.figures.limited, 0, "{burst:?} {met:?}");
    assert!(met.figures.points_a_minute <= POINTS_MAX, "{burst:?} {met:?}");
    assert!(met.figures.writes_a_minute <= WRITES_MAX, "{burst:?} {met:?}");
}

/// And few of them review the same jobs. How many is a matter of time: of the function as it is released, on a machine that does nothing else.
fn few_are_well(burst: &Burst, met: &Met) {
    few_are_within_limits(burst, met);
    let reviews_max = 12 + 3 * burst.plan.late.len();
    assert!(met.reviews <= reviews_max || burst.spread > Duration::ZERO, "{burst:?} {met:?}");
}

/// A process for each delivery, and no limits: every delivery is taken to its end, and nothing is left.
fn one_each(jobs: usize, reviews: Reviews, spread: Duration) -> Burst {
    let few = few(jobs, reviews, spread);
    Burst { plan: Plan { limits: false, ..few.plan }, processes: Processes::OneEach, sweeps_max: 0, ..few }
}

fn one_each_are_well(burst: &Burst, met: &Met) {
    all_is_well(burst, met);
    let jobs = burst.plan.jobs + burst.plan.late.iter().map(|(_, count)| count).sum::<usize>();
    assert_eq!((met.answered_204, met.pending_after_burst), (jobs, 0), "{burst:?} {met:?}");
}

/// A process for each delivery, with limits: some are deferred, and sweeps a minute apart leave nothing.
fn one_each_limited(jobs: usize, reviews: Reviews, spread: Duration) -> Burst {
    let few = few(jobs, reviews, spread);
    Burst { processes: Processes::OneEach, sweeps_max: 3, sweep_every: Duration::from_mins(1), ..few }
}

const MODELS: [Reviews; 2] = [Reviews::FirstTakesAll, Reviews::Collide];
const SPREADS: [Duration; 2] = [Duration::ZERO, Duration::from_secs(5)];

#[tokio::test]
async fn ten_processes_take_a_burst_within_githubs_limits_and_a_sweep_finds_the_rest() {
    for (reviews, spread) in MODELS.into_iter().flat_map(|reviews| SPREADS.map(|spread| (reviews, spread))) {
        let burst = few(256, reviews, spread);
        few_are_within_limits(&burst, &meet(APPROVED, &burst).await);
    }
}

#[tokio::test]
async fn a_process_for_each_delivery_of_a_burst_takes_it_to_its_end() {
    for reviews in MODELS {
        let burst = one_each(29, reviews, Duration::ZERO);
        one_each_are_well(&burst, &meet(APPROVED, &burst).await);
    }
}

#[tokio::test]
async fn a_burst_that_nobody_approved_lets_nothing_in() {
    let burst = few(29, Reviews::FirstTakesAll, Duration::ZERO);
    let met = meet("reject/the-starter-approved", &burst).await;
    assert!(met.figures.reviews > 0 && met.figures.rejections == met.figures.reviews, "{met:?}");
}

#[tokio::test]
async fn a_burst_that_has_to_wait_leaves_a_status_report_a_process() {
    let burst = few(29, Reviews::FirstTakesAll, Duration::ZERO);
    let met = meet("defer/the-gate-still-waits", &burst).await;
    assert_eq!((met.figures.reviews, met.answered_204), (0, 0), "{met:?}");
    assert!(met.figures.reports <= 10, "{met:?}");
}

type Kind = (&'static str, fn(usize, Reviews, Duration) -> Burst, fn(&Burst, &Met));

/// `make burst` prints it, with the function that `FUNCTION` names.
#[tokio::test]
#[ignore = "takes minutes: `make burst`"]
async fn the_report_of_bursts() {
    let kinds: [Kind; 3] = [
        ("10 processes, limits", few, few_are_well),
        ("1 each, no limits", one_each, one_each_are_well),
        ("1 each, limits", one_each_limited, all_is_well),
    ];
    println!(
        "| burst | over | reviews at once | processes | 204 | 503 | turned away | reviews | calls | points a minute | writes a minute | sweeps | left |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|---|");
    for jobs in [29, 256] {
        for (name, make, well) in kinds {
            for (reviews, spread) in MODELS.into_iter().flat_map(|reviews| SPREADS.map(|spread| (reviews, spread))) {
                let burst = make(jobs, reviews, spread);
                let met = meet(APPROVED, &burst).await;
                let Met {
                    answered_204,
                    answered_503,
                    turned_away,
                    sweeps,
                    pending_at_end,
                    reviews: posted,
                    figures,
                    ..
                } = &met;
                println!(
                    "| {jobs} | {} s | {reviews:?} | {name} | {answered_204} | {answered_503} | {turned_away} | {posted} | {} | {} | {} | {sweeps} | {pending_at_end} |",
                    spread.as_secs(),
                    figures.calls,
                    figures.points_a_minute,
                    figures.writes_a_minute
                );
                well(&burst, &met);
            }
        }
    }
    println!("seed 1, 50 ms a call, a tenth of the jobs in two later waves");
}
