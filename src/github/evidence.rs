//! Step 4: everything that a decision rests on, read at once.

use std::collections::BTreeMap;

use futures_util::future::try_join_all;

use super::{GithubError, RunReader};
use crate::gate::{Covered, Evidence, Facts, needs_pending};

/// Reads the evidence for a request: run, jobs, review history and gate environments in one round trip, further pages of
/// jobs, and for a re-run its earlier attempts and what it waits for, in one more.
///
/// # Errors
/// Any call that fails: part of the evidence is no evidence.
pub async fn collect(reader: &RunReader<'_>, covered: &Covered<'_>) -> Result<Evidence, GithubError> {
    let names = covered.gate_environments();
    let environments = try_join_all(names.iter().map(|name| reader.environment(name)));
    let (run, jobs, reviews, environments) =
        tokio::join!(reader.run(), reader.jobs(), reader.approvals(), environments);
    // The run's error first: when the run is gone, every other answer is 404 too.
    let (run, jobs) = (run?, jobs?);
    let earlier: Vec<u32> = covered.earlier_attempts(&run, &jobs).into_iter().collect();
    let pending = async { if needs_pending(&run) { reader.pending().await.map(Some) } else { Ok(None) } };
    let (earlier_attempts, pending) = tokio::try_join!(reader.attempts(&earlier), pending)?;
    let environments: BTreeMap<_, _> = names.into_iter().cloned().zip(environments?).collect();
    let facts = Facts { run, jobs, reviews: reviews?, environments, earlier_attempts, pending };
    Ok(Evidence::new(facts, covered)?)
}
