//! A burst of deliveries for one run is decided once for all, and nothing is lost.

use std::time::Duration;

use crate::support::burst::{APPROVED, Burst, MODELS, all_are_let_in_within_limits, few_review, meet};
use crate::support::busy::Reviews;

/// Few enough that every process can finish a delivery in time on a busy machine.
const JOBS: usize = 20;

#[tokio::test]
async fn ten_processes_take_a_burst_within_githubs_limits_and_a_sweep_finds_the_rest() {
    let burst = Burst::few(2 * JOBS, Reviews::Collide, Duration::ZERO);
    all_are_let_in_within_limits(&burst, &meet(APPROVED, &burst).await);
}

#[tokio::test]
async fn of_a_process_for_each_delivery_of_a_burst_few_review() {
    for reviews in MODELS {
        let burst = Burst::one_each(JOBS / 2, reviews, Duration::ZERO);
        few_review(&burst, &meet(APPROVED, &burst).await);
    }
}

#[tokio::test]
async fn a_burst_that_nobody_approved_lets_nothing_in() {
    let burst = Burst::few(JOBS, Reviews::FirstTakesAll, Duration::ZERO);
    let met = meet("reject/the-starter-approved", &burst).await;
    assert!(met.figures.reviews > 0 && met.figures.rejections == met.figures.reviews, "{met:?}");
}

#[tokio::test]
async fn a_burst_that_has_to_wait_leaves_a_status_report_a_process() {
    let burst = Burst::few(JOBS, Reviews::FirstTakesAll, Duration::ZERO);
    let met = meet("defer/the-gate-still-waits", &burst).await;
    assert_eq!((met.figures.reviews, met.answered_204), (0, 0), "{met:?}");
    assert!(met.figures.reports <= 10, "{met:?}");
}
