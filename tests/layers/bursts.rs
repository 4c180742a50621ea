//! The largest burst that there is: a matrix of 256 jobs, GitHub's most, sends 256 deliveries.

use std::time::Duration;

use crate::support::burst::{APPROVED, Burst, MODELS, all_are_let_in_within_limits, meet};

#[tokio::test]
async fn ten_processes_take_the_deliveries_of_the_largest_matrix_within_githubs_limits() {
    for reviews in MODELS {
        let burst = Burst::few(256, reviews, Duration::ZERO);
        all_are_let_in_within_limits(&burst, &meet(APPROVED, &burst).await);
    }
}
