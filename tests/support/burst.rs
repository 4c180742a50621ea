//! Bursts of deliveries for one run, as a matrix release sends them, against the built function in several processes.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use super::busy::{self, Busy, Figures, POINTS_MAX, Plan, Reviews, WRITES_MAX};
use super::fixtures;
use super::fleet::{Fleet, Processes};
use super::lambda::Invocation;

/// The story that lets every job in.
pub(crate) const APPROVED: &str = "approve/one-human-approved-the-gate";
/// How GitHub may take reviews that overlap.
pub(crate) const MODELS: [Reviews; 3] = [Reviews::FirstTakesAll, Reviews::Collide, Reviews::CollideAndFail];

/// A burst, and how the function meets it.
#[derive(Debug, Clone)]
pub(crate) struct Burst {
    pub(crate) plan: Plan,
    pub(crate) spread: Duration,
    pub(crate) processes: Processes,
    /// Sweeps that may follow, until nothing waits.
    pub(crate) sweeps_max: usize,
    /// How long after the burst, and after each other.
    pub(crate) sweep_every: Duration,
}

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Met {
    pub(crate) answered_204: usize,
    pub(crate) answered_503: usize,
    pub(crate) turned_away: usize,
    /// Why some are not 204.
    pub(crate) reasons: BTreeSet<String>,
    pub(crate) other: Vec<u64>,
    pub(crate) pending_after_burst: usize,
    pub(crate) sweeps: usize,
    pub(crate) pending_at_end: usize,
    /// Of the burst alone.
    pub(crate) reviews: usize,
    /// Of the burst alone, too.
    pub(crate) calls: usize,
    pub(crate) figures: Figures,
}

pub(crate) async fn meet(story: &str, burst: &Burst) -> Met {
    let story = fixtures::one(story);
    let (github, fake) = Busy::serve(&story, burst.plan.clone()).await;
    let fleet = Fleet::new(&story.policy, &fake.url(), burst.processes);
    let event = fixtures::player().event(&story, busy::moved_by(&story), &fake.url());
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
    let figures = github.figures();
    (met.pending_after_burst, met.reviews, met.calls) = (github.pending(), figures.reviews, figures.calls);
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

impl Burst {
    /// Ten processes that GitHub limits: the rest is turned away, and sweeps follow at once.
    pub(crate) fn few(jobs: usize, reviews: Reviews, spread: Duration) -> Self {
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
        // One is enough where the machine is quick.
        Self { plan, spread, processes: Processes::AtMost(10), sweeps_max: 5, sweep_every: Duration::ZERO }
    }

    /// A process for each delivery, and no limits; a sweep may find the rest.
    pub(crate) fn one_each(jobs: usize, reviews: Reviews, spread: Duration) -> Self {
        let few = Self::few(jobs, reviews, spread);
        Self { plan: Plan { limits: false, ..few.plan }, processes: Processes::OneEach, sweeps_max: 1, ..few }
    }

    /// A process for each delivery, with limits: some are deferred, and sweeps follow a minute apart.
    pub(crate) fn one_each_limited(jobs: usize, reviews: Reviews, spread: Duration) -> Self {
        let few = Self::few(jobs, reviews, spread);
        Self { processes: Processes::OneEach, sweeps_max: 3, sweep_every: Duration::from_mins(1), ..few }
    }

    /// One for each job.
    pub(crate) fn deliveries(&self) -> usize {
        self.plan.jobs + self.plan.late.iter().map(|(_, count)| count).sum::<usize>()
    }
}

/// Nobody was rejected, every answer is 204 or 503, and at the end nothing waits.
pub(crate) fn all_are_let_in(burst: &Burst, met: &Met) {
    assert_eq!(met.figures.rejections, 0, "wrong decisions: {burst:?} {met:?}");
    assert_eq!(met.pending_at_end, 0, "{burst:?} {met:?}");
    assert_eq!(met.other, Vec::<u64>::new(), "{burst:?} {met:?}");
}

/// Reserved concurrency keeps a burst within GitHub's limits, and sweeps leave nothing.
pub(crate) fn all_are_let_in_within_limits(burst: &Burst, met: &Met) {
    all_are_let_in(burst, met);
    assert_eq!(met.figures.limited, 0, "{burst:?} {met:?}");
    assert!(met.figures.points_a_minute <= POINTS_MAX, "{burst:?} {met:?}");
    assert!(met.figures.writes_a_minute <= WRITES_MAX, "{burst:?} {met:?}");
}

/// Reviews and calls that a burst may take without any limit, however many deliveries it has.
const REVIEWS_MAX: usize = 30;
const CALLS_MAX: usize = 1600;

/// Deliveries that know nothing of each other give way: few review, and one sweep leaves nothing.
pub(crate) fn few_review(burst: &Burst, met: &Met) {
    all_are_let_in(burst, met);
    assert!(met.reviews <= REVIEWS_MAX && met.calls <= CALLS_MAX, "{burst:?} {met:?}");
}
