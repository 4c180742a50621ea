//! A decision as the review loop needs it: what waited, how old it is, and when it is this delivery's turn to post it.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;

use crate::gate::{self, Covered, Decision, Evidence, Scope};
use crate::github::{Collected, GithubError, RunReader, collect, collect_unless};
use crate::time::Deadline;

/// So many waiting jobs are about to bring as many deliveries, each perhaps in a process of its own.
const CROWD_MIN: usize = 4;
/// Of a run with several pages of jobs, of which one was read, at least so many are taken to wait.
pub(super) const UNREAD_MIN: usize = 20;
/// By how much each waiting job lengthens the time over which a crowd's turns are spread: twice what a review takes.
const TURN_EACH: Duration = Duration::from_millis(100);

/// A decision, the jobs that waited when it was made (all that its review can approve or reject), and how old it is.
pub(crate) struct Look {
    pub(crate) decision: Decision,
    pub(super) waiting: BTreeSet<u64>,
    /// Whether jobs were read at all.
    pub(super) has_jobs: bool,
    /// Whether other jobs may begin to wait while it is reviewed.
    pub(super) more_may_wait: bool,
    /// The last moment at which something is known to have happened in the run.
    pub(super) last_change: Option<Timestamp>,
    /// When the first call of it was made, since the work began.
    pub(super) began: Duration,
}

impl Look {
    fn new(decision: Decision, evidence: &Evidence, began: Duration) -> Self {
        let (waiting, more_may_wait) = (evidence.waiting_jobs(), evidence.more_may_wait());
        Self { decision, waiting, has_jobs: true, more_may_wait, last_change: evidence.last_change(), began }
    }

    /// A decision that rests on the policy, or on the run alone.
    fn without_jobs(decision: Decision, began: Duration) -> Self {
        let waiting = BTreeSet::new();
        Self { decision, waiting, has_jobs: false, more_may_wait: false, last_change: None, began }
    }

    /// Whether its review would reject the jobs.
    pub(crate) fn rejects(&self) -> bool {
        matches!(self.decision, Decision::Rejected(_))
    }

    pub(super) fn is_reviewed(&self) -> bool {
        matches!(self.decision, Decision::Approved(_) | Decision::Rejected(_))
    }
}

/// What a first look finds.
pub(super) enum FirstLook {
    /// A decision.
    Look(Look),
    /// There are many jobs, of which so many wait: nothing was decided, because it may not be worth reading the rest.
    Partial { waiting: usize },
}

/// Collects the evidence and decides. Where no rule covers the request there is nothing to collect, and where none takes its ref or event the run is
/// enough. It takes a reader, so it cannot review.
pub(crate) async fn look(scope: &Scope<'_>, reader: &RunReader<'_>, deadline: Deadline) -> Result<Look, GithubError> {
    let began = deadline.elapsed();
    match before_evidence(scope, reader, deadline).await? {
        Before::Decided(decision) => Ok(Look::without_jobs(decision, began)),
        Before::Covered(covered) => Ok(decide(covered, reader, &collect(reader, covered).await?, deadline, began)),
    }
}

/// The same, unless there are several pages of jobs and, by the first, many of them wait, or none waits while others run: then others may decide, or have
/// decided, for all.
pub(super) async fn first_look(
    scope: &Scope<'_>,
    reader: &RunReader<'_>,
    deadline: Deadline,
) -> Result<FirstLook, GithubError> {
    let began = deadline.elapsed();
    let covered = match before_evidence(scope, reader, deadline).await? {
        Before::Decided(decision) => return Ok(FirstLook::Look(Look::without_jobs(decision, began))),
        Before::Covered(covered) => covered,
    };
    Ok(
        match collect_unless(reader, covered, |waiting, under_way| waiting >= CROWD_MIN || (waiting == 0 && under_way))
            .await?
        {
            Collected::Evidence(evidence) => FirstLook::Look(decide(covered, reader, &evidence, deadline, began)),
            Collected::FirstPage { waiting } => FirstLook::Partial { waiting },
        },
    )
}

/// What is known before evidence is collected.
enum Before<'a> {
    Decided(Decision),
    Covered(&'a Covered<'a>),
}

async fn before_evidence<'a>(
    scope: &'a Scope<'a>,
    reader: &RunReader<'_>,
    deadline: Deadline,
) -> Result<Before<'a>, GithubError> {
    let covered = match scope {
        Scope::Uncovered(rejection) => return Ok(Before::Decided(Decision::Rejected(rejection.clone()))),
        Scope::Covered(covered) => covered,
    };
    if covered.may_take(reader.request()) {
        return Ok(Before::Covered(covered));
    }
    let by_run = gate::decide_by_run(covered, reader.request(), &reader.run().await?, deadline.now);
    Ok(by_run.map_or(Before::Covered(covered), Before::Decided))
}

fn decide(
    covered: &Covered<'_>,
    reader: &RunReader<'_>,
    evidence: &Evidence,
    deadline: Deadline,
    began: Duration,
) -> Look {
    Look::new(gate::decide(covered, reader.request(), evidence, deadline.now), evidence, began)
}

/// Whether a review is posted without looking first whether anything still waits: for a few waiting jobs, not for a crowd, and not where GitHub lists none.
/// There others may have decided for all.
pub(crate) fn is_reviewed_at_once(waiting: usize) -> bool {
    (1..CROWD_MIN).contains(&waiting)
}

/// How long to wait for one's turn among the deliveries for as many waiting jobs. Each moment has more turns than the one before, by a constant factor: so about one of
/// them comes first whatever their number is, its review rarely overlaps another, and if it fails, the next ones come the
/// sooner.
pub(super) fn turn(waiting: usize, half_max: Duration) -> Duration {
    let crowd = u32::try_from(waiting).unwrap_or(u32::MAX).max(2);
    let half = TURN_EACH.saturating_mul(crowd).min(half_max);
    let share = f64::from(crowd).mul_add(fastrand::f64(), 1.0).ln() / f64::from(crowd).ln_1p();
    half.saturating_mul(2).mul_f64(share)
}
