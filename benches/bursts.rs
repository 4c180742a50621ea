//! `make burst`: bursts of deliveries for one run against the function as it is released, which `FUNCTION` names. It fails where a decision is wrong,
//! anything is left at the end, or ten processes go over one of GitHub's limits. The table goes into docs/performance.md.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a benchmark that cannot go on fails; it has a clock of its own"
)]

mod page;
#[expect(dead_code, reason = "the tests need more of it")]
#[path = "../tests/support/mod.rs"]
mod support;

use std::time::Duration;

use support::burst::{APPROVED, Burst, MODELS, Met, all_are_let_in, all_are_let_in_within_limits, few_review, meet};
use support::busy::Reviews;

const JOBS: [usize; 2] = [29, 256];
const SPREADS: [Duration; 2] = [Duration::ZERO, Duration::from_secs(5)];

/// How the function is run: its name in the table, the burst it meets, and what must come of it.
struct Kind {
    name: &'static str,
    burst: fn(usize, Reviews, Duration) -> Burst,
    check: fn(&Burst, &Met),
}

const KINDS: [Kind; 3] = [
    Kind { name: "10 processes, limits", burst: Burst::few, check: all_are_let_in_within_limits },
    Kind { name: "1 each, no limits", burst: Burst::one_each, check: few_review },
    Kind { name: "1 each, limits", burst: Burst::one_each_limited, check: all_are_let_in },
];

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut lines = vec![
        "| burst | over | overlapping reviews | processes | 204 | 503 | turned away | reviews | calls | points a minute | writes a minute | sweeps | left |".to_owned(),
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|".to_owned(),
    ];
    for jobs in JOBS {
        for kind in &KINDS {
            for (reviews, spread) in MODELS.into_iter().flat_map(|reviews| SPREADS.map(|spread| (reviews, spread))) {
                let burst = (kind.burst)(jobs, reviews, spread);
                let met = meet(APPROVED, &burst).await;
                let line = row(kind.name, &burst, &met);
                println!("{line}");
                (kind.check)(&burst, &met);
                lines.push(line);
            }
        }
    }
    page::write("burst", &(lines.join("\n") + "\n"));
}

fn row(name: &str, burst: &Burst, met: &Met) -> String {
    let reviews = match burst.plan.reviews {
        Reviews::FirstTakesAll => "the first takes all",
        Reviews::Collide => "they collide",
        Reviews::CollideAndFail => "they collide, none is applied",
    };
    let figures = &met.figures;
    format!(
        "| {} | {} s | {reviews} | {name} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
        burst.deliveries(),
        burst.spread.as_secs(),
        met.answered_204,
        met.answered_503,
        met.turned_away,
        met.reviews,
        figures.calls,
        figures.points_a_minute,
        figures.writes_a_minute,
        met.sweeps,
        met.pending_at_end,
    )
}
