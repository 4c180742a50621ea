//! Step 4: everything that a decision rests on, read at once.

use std::collections::BTreeMap;

use futures_util::future::try_join_all;

use super::artifacts::ArtifactsWire;
use super::run_reader::JobsPage;
use super::{GithubError, RunReader};
use crate::gate::signature::IssuerKeys;
use crate::gate::{Covered, Evidence, Facts, needs_permission};
use crate::model::{Environment, EnvironmentName, EnvironmentReview, WorkflowRun};

/// What was collected.
#[derive(Debug)]
pub enum Collected {
    /// Everything.
    Evidence(Box<Evidence>),
    /// There are further pages of jobs, which were not read. About so many jobs wait.
    FirstPage {
        /// How many, if those on further pages are as these.
        waiting: usize,
    },
}

/// What one round trip brings.
struct FirstTrip {
    run: WorkflowRun,
    jobs: JobsPage,
    reviews: Vec<EnvironmentReview>,
    environments: BTreeMap<EnvironmentName, Option<Environment>>,
    /// The artifacts and the provider's keys, if a rule demands signatures.
    signing: Result<Option<(ArtifactsWire, IssuerKeys)>, GithubError>,
}

/// Reads the evidence for a request: run, jobs, review history and gate environments in one round trip, further pages of
/// jobs, a re-run's earlier attempts, what a re-run or a run without a gate waits for, and the starter's permission for a policy that may look at it, in one more.
///
/// # Errors
/// Any call that fails: part of the evidence is no evidence.
pub async fn collect(reader: &RunReader<'_>, covered: &Covered<'_>) -> Result<Evidence, GithubError> {
    rest(reader, covered, first_trip(reader, covered).await?).await
}

/// The same, unless there are several pages of jobs and so many wait, by the first of them, that the rest is not worth reading.
///
/// # Errors
/// Any call that fails.
pub async fn collect_unless(
    reader: &RunReader<'_>,
    covered: &Covered<'_>,
    is_enough: impl Fn(usize, bool) -> bool,
) -> Result<Collected, GithubError> {
    let first = first_trip(reader, covered).await?;
    let waiting = first.jobs.waiting();
    if first.jobs.has_more() && is_enough(waiting, first.jobs.has_under_way()) {
        return Ok(Collected::FirstPage { waiting });
    }
    Ok(Collected::Evidence(Box::new(rest(reader, covered, first).await?)))
}

async fn first_trip(reader: &RunReader<'_>, covered: &Covered<'_>) -> Result<FirstTrip, GithubError> {
    let names = covered.gate_environments();
    let environments = try_join_all(names.iter().map(|name| reader.environment(name)));
    let signing = async {
        if covered.needs_signatures() {
            tokio::try_join!(reader.artifacts(), reader.repository().issuer_keys()).map(Some)
        } else {
            Ok(None)
        }
    };
    let (run, jobs, reviews, environments, signing) =
        tokio::join!(reader.run(), reader.first_jobs(), reader.approvals(), environments, signing);
    // The run's error first: when the run is gone, every other answer is 404 too.
    let (run, jobs) = (run?, jobs?);
    let environments = names.into_iter().cloned().zip(environments?).collect();
    Ok(FirstTrip { run, jobs, reviews: reviews?, environments, signing })
}

async fn rest(reader: &RunReader<'_>, covered: &Covered<'_>, first: FirstTrip) -> Result<Evidence, GithubError> {
    let FirstTrip { run, jobs, reviews, environments, signing } = first;
    let jobs = reader.all_jobs(jobs).await?;
    let earlier: Vec<u32> = covered.earlier_attempts(&run, &jobs).into_iter().collect();
    let needs_pending = covered.needs_pending(&run, &jobs);
    let pending = async { if needs_pending { reader.pending().await.map(Some) } else { Ok(None) } };
    let permission = async {
        match run.triggering_actor.as_ref().filter(|_| covered.needs_permission() && needs_permission(&run)) {
            Some(starter) => reader.permission(&starter.login).await.map(Some),
            None => Ok(None),
        }
    };
    let signed = covered.signed_jobs(&jobs);
    let signatures = async {
        let read = match signing {
            Ok(Some((artifacts, keys))) => reader.signatures(&signed, artifacts, keys).await,
            Ok(None) => return Ok(None),
            Err(error) => Err(error),
        };
        Ok(Some(read.unwrap_or_else(|error| reader.unread_signatures(&signed, &error))))
    };
    let (earlier_attempts, pending, starter_permission, signatures) =
        tokio::try_join!(reader.attempts(&earlier), pending, permission, signatures)?;
    let facts = Facts { run, jobs, reviews, environments, earlier_attempts, pending, starter_permission, signatures };
    Ok(Evidence::new(facts, covered)?)
}
