//! Reviews until nothing new waits, and remembers for a moment what this process reviewed, so that a burst of deliveries for one run costs GitHub few calls.
//!
//! The memory belongs to one process and decides nothing: GitHub's lists lag, so a deployment that is newer than the memory is never judged by it.
//! Not here: how a request is decided (`gate`), and whether it is decided at all (`handler`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::gate::{self, Decision, Evidence, Scope};
use crate::github::{GithubError, Review, ReviewResult, Reviewer, RunReader, collect};
use crate::model::{EnvironmentName, Request, RunId};
use crate::outcome::{DeferredReason, IgnoredReason, Outcome};
use crate::time::{Clock, Deadline};

/// Reviews posted for one delivery, repeated ones and later waves of jobs included.
const REVIEW_POSTS_MAX: usize = 5;
/// The longest time between the start of a look and a further review that rests on it.
const LOOK_AGE_MAX: Duration = Duration::from_secs(2);
/// GitHub says in whole seconds when a deployment was created.
const CREATED_AT_PRECISION: SignedDuration = SignedDuration::from_secs(1);
/// How long after a review of a run and environment another delivery for them first asks whether anything is still waiting.
const REVIEW_AGE_MAX: SignedDuration = SignedDuration::from_secs(5);
/// How many runs and environments are remembered; when there are more, all are forgotten.
const REMEMBERED_MAX: usize = 256;

/// Where a request comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// GitHub has just asked. A status report may say what it waits for.
    Delivery,
    /// A sweep found it waiting.
    Sweep,
}

/// What this process reviewed and reported a moment ago.
#[derive(Debug, Default)]
pub(crate) struct RecentReviews(Mutex<BTreeMap<ReviewedKey, Remembered>>);

/// One environment of one run.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct ReviewedKey {
    repository_id: u64,
    run: RunId,
    environment: EnvironmentName,
}

#[derive(Debug, Default)]
struct Remembered {
    reviewed_at: Option<Timestamp>,
    is_reported: bool,
}

impl RecentReviews {
    /// When a review of the run and environment was last posted, if that was in the last 5 s.
    fn reviewed_at(&self, request: &Request, now: Timestamp) -> Option<Timestamp> {
        self.with(request, |memory| memory.reviewed_at).filter(|at| now.duration_since(*at).abs() <= REVIEW_AGE_MAX)
    }

    /// Remembers that a review was posted, whatever GitHub answered.
    fn remember_review(&self, request: &Request, at: Timestamp) {
        self.with(request, |memory| memory.reviewed_at = Some(at));
    }

    /// Whether this process has left a status report for the run and environment.
    pub(crate) fn is_reported(&self, request: &Request) -> bool {
        self.with(request, |memory| memory.is_reported)
    }

    /// Remembers a status report.
    pub(crate) fn remember_report(&self, request: &Request) {
        self.with(request, |memory| memory.is_reported = true);
    }

    fn with<T>(&self, request: &Request, act: impl FnOnce(&mut Remembered) -> T) -> T {
        let (repository_id, environment) = (request.repository.id, request.environment.clone());
        let key = ReviewedKey { repository_id, run: request.run, environment };
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= REMEMBERED_MAX && !all.contains_key(&key) {
            all.clear();
        }
        act(all.entry(key).or_default())
    }
}

/// A decision, and the jobs that waited when it was made: all that its review can approve or reject.
pub(crate) struct Look {
    pub(crate) decision: Decision,
    waiting: BTreeSet<u64>,
    /// Whether other jobs may begin to wait while it is reviewed.
    more_may_wait: bool,
}

impl Look {
    fn new(decision: Decision, evidence: &Evidence) -> Self {
        Self { decision, waiting: evidence.waiting_jobs(), more_may_wait: evidence.more_may_wait() }
    }

    /// A decision that rests on the policy alone.
    pub(crate) fn without_evidence(decision: Decision) -> Self {
        Self { decision, waiting: BTreeSet::new(), more_may_wait: false }
    }
}

/// Collects the evidence and decides. Where no rule covers the request there is nothing to collect. It takes a reader, so it cannot review.
pub(crate) async fn look(scope: &Scope<'_>, reader: &RunReader<'_>, now: Timestamp) -> Result<Look, GithubError> {
    match scope {
        Scope::Uncovered(rejection) => Ok(Look::without_evidence(Decision::Rejected(rejection.clone()))),
        Scope::Covered(covered) => {
            let evidence = collect(reader, covered).await?;
            Ok(Look::new(gate::decide(covered, reader.request(), &evidence, now), &evidence))
        }
    }
}

/// What a look led to.
enum Reviewed {
    /// Nothing was posted, or nothing waits any more.
    Settled(Outcome),
    /// A review was posted.
    Posted(Posted),
}

/// What followed a review.
enum Next {
    /// Nothing waits any more.
    Quiet,
    /// Something waits that is not to be reviewed again.
    StillWaits,
    /// Another review was posted.
    Posted(Posted),
}

/// A review that was posted.
struct Posted {
    outcome: Outcome,
    waiting: BTreeSet<u64>,
    more_may_wait: bool,
    /// Why it is unknown whether GitHub applied it; `None` if it did.
    unknown: Option<String>,
}

/// One request that the policy has something to say about, and everything that is needed to review it.
pub(crate) struct ReviewLoop<'a> {
    pub(crate) scope: &'a Scope<'a>,
    pub(crate) reader: RunReader<'a>,
    pub(crate) reviewer: &'a Reviewer<'a>,
    pub(crate) recent: &'a RecentReviews,
    pub(crate) clock: &'a Clock,
    pub(crate) origin: Origin,
    pub(crate) deadline: Deadline,
}

impl ReviewLoop<'_> {
    /// Looks, decides and reviews until nothing new waits. Every further review rests on evidence of its own and says the same as the one before.
    pub(crate) async fn review_until_quiet(&self) -> Result<Outcome, GithubError> {
        let request = self.reader.request();
        let first = match self.recent.reviewed_at(request, self.deadline.now) {
            None => look(self.scope, &self.reader, self.deadline.now).await?,
            // In a burst of deliveries for one run, the first review decides all that waits: the others cost one call each.
            Some(reviewed_at) => match self.look_if_pending().await? {
                Some(look) => look,
                // What began to wait after that review may not be listed yet.
                None if may_be_newer(request, reviewed_at) => {
                    return Ok(Outcome::Deferred(DeferredReason::NotListedYet));
                }
                None => return Ok(Outcome::Ignored(IgnoredReason::NothingPending)),
            },
        };
        let mut posted = match self.review(first).await? {
            Reviewed::Settled(outcome) => return Ok(outcome),
            Reviewed::Posted(posted) => posted,
        };
        for posts in 1..=REVIEW_POSTS_MAX {
            match self.review_again(&posted, posts).await {
                Ok(Next::Quiet) => return Ok(posted.outcome),
                Ok(Next::Posted(next)) => posted = next,
                Ok(Next::StillWaits) | Err(_) => break,
            }
        }
        Ok(match posted.unknown {
            None => posted.outcome,
            Some(why) => Outcome::Deferred(DeferredReason::ReviewUnknown(why)),
        })
    }

    /// Posts what was decided, if anything was, and remembers that it did.
    async fn review(&self, Look { decision, waiting, more_may_wait }: Look) -> Result<Reviewed, GithubError> {
        let posted_at = self.clock.now();
        let (result, outcome) = match decision {
            Decision::Approved(approval) => {
                (self.reviewer.review(Review::Approve(&approval)).await?, Outcome::Approved(approval))
            }
            Decision::Rejected(rejection) => {
                (self.reviewer.review(Review::Reject(&rejection)).await?, Outcome::Rejected(rejection))
            }
            Decision::Deferred(deferral) => {
                return Ok(Reviewed::Settled(Outcome::Deferred(DeferredReason::Waiting(deferral))));
            }
            // Ended, and yet pending: GitHub's answers do not agree yet.
            Decision::RunEnded if self.reader.is_pending().await? => {
                return Ok(Reviewed::Settled(Outcome::Deferred(DeferredReason::EndedButPending)));
            }
            Decision::RunEnded => return Ok(Reviewed::Settled(Outcome::Ignored(IgnoredReason::NothingPending))),
        };
        self.recent.remember_review(self.reader.request(), posted_at);
        Ok(match result {
            ReviewResult::Applied => Reviewed::Posted(Posted { outcome, waiting, more_may_wait, unknown: None }),
            ReviewResult::Unknown(why) => {
                Reviewed::Posted(Posted { outcome, waiting, more_may_wait, unknown: Some(why) })
            }
            ReviewResult::NothingPending => Reviewed::Settled(Outcome::Ignored(IgnoredReason::NothingPending)),
        })
    }

    /// Something may still wait after a review. Another one is posted if the first may be lost or new jobs wait, and if the evidence
    /// still leads to the same decision.
    async fn review_again(&self, posted: &Posted, posts: usize) -> Result<Next, GithubError> {
        // A review that was applied decided all that waited. It is followed only where other jobs were about to wait, and only for a delivery: they have
        // deliveries of their own, and a sweep has other runs to look at. A review whose outcome is unknown is given time before anything is read.
        let is_followed = posted.more_may_wait && self.origin == Origin::Delivery;
        if posted.unknown.is_none() && !(is_followed && self.reader.is_pending().await?) {
            return Ok(Next::Quiet);
        }
        if posts >= REVIEW_POSTS_MAX {
            let still_waits = self.reader.is_pending_after_a_pause().await?;
            return Ok(if still_waits { Next::StillWaits } else { Next::Quiet });
        }
        let Some(look) = self.look_after_a_pause().await? else { return Ok(Next::Quiet) };
        let says_the_same = matches!(
            (&look.decision, &posted.outcome),
            (Decision::Approved(_), Outcome::Approved(_)) | (Decision::Rejected(_), Outcome::Rejected(_))
        );
        let all_reviewed = posted.unknown.is_none() && look.waiting.is_subset(&posted.waiting);
        if !says_the_same || all_reviewed {
            return Ok(Next::StillWaits);
        }
        Ok(match self.review(look).await? {
            Reviewed::Posted(next) => Next::Posted(next),
            Reviewed::Settled(Outcome::Ignored(_)) => Next::Quiet,
            Reviewed::Settled(_) => Next::StillWaits,
        })
    }

    /// Collects and decides again, if anything is still waiting.
    async fn look_if_pending(&self) -> Result<Option<Look>, GithubError> {
        if self.reader.is_pending().await? { self.look_after_a_pause().await } else { Ok(None) }
    }

    /// Looks after a pause, if anything waits before and after the look. Other processes may be about to review the same jobs; once one of them has, this one need not.
    async fn look_after_a_pause(&self) -> Result<Option<Look>, GithubError> {
        if !self.reader.is_pending_after_a_pause().await? {
            return Ok(None);
        }
        let began = self.deadline.elapsed();
        let look = look(self.scope, &self.reader, self.deadline.now).await?;
        let still_waits = self.reader.is_pending().await?;
        if still_waits && self.deadline.elapsed().saturating_sub(began) > LOOK_AGE_MAX {
            // What waits now may belong to another attempt than the one that was looked at.
            return Err(GithubError::TimedOut { route: "a look before a further review" });
        }
        Ok(still_waits.then_some(look))
    }
}

/// Whether the deployment may have been created after that review was posted.
fn may_be_newer(request: &Request, posted_at: Timestamp) -> bool {
    request.deployment_created_at.is_some_and(|created_at| posted_at.duration_since(created_at) < CREATED_AT_PRECISION)
}
