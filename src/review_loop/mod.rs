//! Reviews until nothing new waits, and remembers for a moment what this process reviewed, so that a burst of deliveries for one run costs GitHub few calls.
//!
//! The memory belongs to one process and decides nothing: GitHub's lists lag, so a deployment that is newer than the memory is never judged by it.
//! Not here: how a request is decided (`gate`), and whether it is decided at all (`handler`).

mod look;
mod recent_reviews;

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::gate::{Decision, Scope};
use crate::github::{GithubError, Review, ReviewResult, Reviewer, RunReader};
use crate::outcome::{DeferredReason, IgnoredReason, Outcome};
use crate::time::{Clock, Deadline};

use self::look::{FirstLook, UNREAD_MIN, first_look, turn};
pub(crate) use self::look::{Look, is_reviewed_at_once, look};
pub(crate) use self::recent_reviews::RecentReviews;

/// Reviews posted for one delivery, repeated ones and later waves of jobs included.
const REVIEW_POSTS_MAX: usize = 5;
/// The longest time between the start of a look and a review that rests on it.
const LOOK_AGE_MAX: Duration = Duration::from_secs(2);
/// How many times the evidence is collected for one review before GitHub is too slow to rest one on it.
const LOOKS_MAX: usize = 3;
/// GitHub's data lags by seconds: that nothing is pending says nothing before the deployment is this old.
const YOUNG_AGE_MAX: SignedDuration = SignedDuration::from_secs(60);

/// Where a request comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// GitHub has just asked. A status report may say what it waits for.
    Delivery,
    /// A sweep found it waiting.
    Sweep,
}

/// What a delivery or a sweep finds at first.
pub(crate) enum First {
    /// Something to review, or to wait for.
    Look(Look),
    /// Another delivery for the run was reviewed a moment ago, and there is nothing more to do.
    Settled(Outcome),
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
    last_change: Option<Timestamp>,
    applied: Applied,
}

/// Whether GitHub applied a review.
enum Applied {
    Yes,
    /// It may have: why that is not known.
    Unknown(String),
    /// GitHub does not show what was to be reviewed.
    NotFound,
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
    /// Looks and decides. In a burst of deliveries for one run, the first review decides all that waits: the others cost a few calls each.
    pub(crate) async fn first_look(&self) -> Result<First, GithubError> {
        let request = self.reader.request();
        if self.recent.reviewed_at(request, self.deadline.now).is_some() {
            return Ok(match self.look_if_pending().await? {
                Some(look) => First::Look(look),
                None => First::Settled(self.nothing_pending(None)),
            });
        }
        if self.origin == Origin::Sweep {
            return self.look().await.map(First::Look);
        }
        let (look, had_turn) = match first_look(self.scope, &self.reader, self.deadline).await? {
            FirstLook::Look(look) => (look, false),
            FirstLook::Partial { waiting } if self.take_turn(waiting.max(UNREAD_MIN)).await? => {
                (self.look().await?, true)
            }
            FirstLook::Partial { .. } => return Ok(First::Settled(self.nothing_listed(None).await?)),
        };
        let waiting = look.waiting.len();
        let needs_turn = look.is_reviewed() && look.has_jobs && !had_turn && !is_reviewed_at_once(waiting);
        Ok(if needs_turn && !self.take_turn(waiting).await? {
            First::Settled(self.nothing_listed(look.last_change).await?)
        } else {
            First::Look(look)
        })
    }

    /// Waits for this delivery's turn among those for as many waiting jobs, and says whether anything still waits then: whoever had a turn before may have
    /// decided for all.
    async fn take_turn(&self, waiting: usize) -> Result<bool, GithubError> {
        let turn = tokio::time::sleep(turn(waiting, self.reader.half_turn_max()));
        // The next call finds out that the time is over.
        let _ = tokio::time::timeout_at(self.deadline.ends, turn).await;
        self.reader.is_pending().await
    }

    /// Reviews what was decided until nothing new waits. Every review rests on evidence of its own that is at most two seconds old, and every further one says
    /// the same as the one before.
    pub(crate) async fn review_until_quiet(&self, first: Look) -> Result<Outcome, GithubError> {
        let mut posted = match self.review(first).await? {
            Reviewed::Settled(outcome) => return Ok(outcome),
            Reviewed::Posted(posted) => posted,
        };
        for posts in 1..=REVIEW_POSTS_MAX {
            match self.review_again(&posted, posts).await {
                Ok(Next::Quiet) => return Ok(self.outcome_of_quiet(posted)),
                Ok(Next::Posted(next)) => posted = next,
                Ok(Next::StillWaits) | Err(_) => break,
            }
        }
        Ok(match posted.applied {
            Applied::Yes => posted.outcome,
            Applied::Unknown(why) => Outcome::Deferred(DeferredReason::ReviewUnknown(why)),
            Applied::NotFound => Outcome::Deferred(DeferredReason::NotListedYet),
        })
    }

    /// What became of the request if nothing waits after a review.
    fn outcome_of_quiet(&self, posted: Posted) -> Outcome {
        match posted.applied {
            Applied::Yes => posted.outcome,
            Applied::Unknown(_) if self.is_settled(posted.last_change) => posted.outcome,
            Applied::Unknown(why) => Outcome::Deferred(DeferredReason::ReviewUnknown(why)),
            Applied::NotFound => self.nothing_pending(posted.last_change),
        }
    }

    /// What becomes of the request if GitHub lists nothing that waits for it.
    fn nothing_pending(&self, last_change: Option<Timestamp>) -> Outcome {
        if self.is_settled(last_change) {
            Outcome::Ignored(IgnoredReason::NothingPending)
        } else {
            Outcome::Deferred(DeferredReason::NotListedYet)
        }
    }

    /// The same, if nothing but a list says so: before it ends a delivery, it is read once more.
    async fn nothing_listed(&self, last_change: Option<Timestamp>) -> Result<Outcome, GithubError> {
        let outcome = self.nothing_pending(last_change);
        let ends_a_delivery = matches!(outcome, Outcome::Ignored(_)) && self.origin == Origin::Delivery;
        if ends_a_delivery && self.reader.is_pending_after_a_pause().await? {
            return Ok(Outcome::Deferred(DeferredReason::Changed));
        }
        Ok(outcome)
    }

    /// Whether GitHub has had the time to list what waits. A sweep has seen it listed.
    fn is_settled(&self, last_change: Option<Timestamp>) -> bool {
        let since = self.reader.request().deployment_created_at.or(last_change);
        let is_old = since.is_some_and(|since| self.deadline.present().duration_since(since) >= YOUNG_AGE_MAX);
        self.origin == Origin::Sweep || is_old
    }

    /// Posts what was decided, if there is anything to post; once more, if that took a new token and a new look says the same.
    async fn review(&self, look: Look) -> Result<Reviewed, GithubError> {
        let first = std::mem::discriminant(&look.decision);
        match self.review_once(look).await {
            Err(GithubError::TokenRenewed { .. }) => {
                let look = self.look().await?;
                if std::mem::discriminant(&look.decision) != first {
                    return Ok(Reviewed::Settled(Outcome::Deferred(DeferredReason::Changed)));
                }
                self.review_once(look).await
            }
            reviewed => reviewed,
        }
    }

    async fn review_once(&self, look: Look) -> Result<Reviewed, GithubError> {
        let Some(look) = self.fresh(look).await? else {
            return Ok(Reviewed::Settled(Outcome::Deferred(DeferredReason::Changed)));
        };
        let Look { decision, waiting, more_may_wait, last_change, .. } = look;
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
            Decision::RunEnded => return Ok(Reviewed::Settled(self.nothing_listed(last_change).await?)),
        };
        let request = self.reader.request();
        self.recent.remember_review(request, posted_at);
        let applied = match result {
            ReviewResult::Applied => Applied::Yes,
            ReviewResult::Unknown(why) => Applied::Unknown(why),
            ReviewResult::NotFound => Applied::NotFound,
            ReviewResult::NothingPending => return Ok(Reviewed::Settled(self.nothing_pending(last_change))),
        };
        Ok(Reviewed::Posted(Posted { outcome, waiting, more_may_wait, last_change, applied }))
    }

    /// The look, or a newer one that says the same if it is too old to rest a review on; `None` if what it says has changed.
    async fn fresh(&self, mut look: Look) -> Result<Option<Look>, GithubError> {
        let first = std::mem::discriminant(&look.decision);
        for _ in 1..=LOOKS_MAX {
            if !look.is_reviewed() || self.deadline.elapsed().saturating_sub(look.began) <= LOOK_AGE_MAX {
                return Ok((std::mem::discriminant(&look.decision) == first || !look.is_reviewed()).then_some(look));
            }
            look = self.look().await?;
        }
        Err(GithubError::TimedOut { route: "the evidence, which must not be older than 2 s for a review" })
    }

    /// Something may still wait after a review. Another one is posted if the first may be lost or new jobs wait, and if the evidence
    /// still leads to the same decision.
    async fn review_again(&self, posted: &Posted, posts: usize) -> Result<Next, GithubError> {
        // A review that was applied decided all that waited. It is followed only where other jobs were about to wait, and only for a delivery: they have
        // deliveries of their own, and a sweep has other runs to look at. A review whose outcome is unknown is given time before anything is read.
        let is_applied = matches!(posted.applied, Applied::Yes);
        let is_followed = posted.more_may_wait && self.origin == Origin::Delivery;
        if is_applied && !(is_followed && self.reader.is_pending().await?) {
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
        let all_reviewed = is_applied && look.waiting.is_subset(&posted.waiting);
        if !says_the_same || all_reviewed {
            return Ok(Next::StillWaits);
        }
        Ok(match self.review(look).await? {
            Reviewed::Posted(next) => Next::Posted(next),
            Reviewed::Settled(Outcome::Ignored(_)) => Next::Quiet,
            Reviewed::Settled(_) => Next::StillWaits,
        })
    }

    /// Looks once more after a pause, where what was decided rests on GitHub's lists.
    pub(crate) async fn look_again(&self, look: Look) -> Result<Look, GithubError> {
        if !look.has_jobs {
            return Ok(look);
        }
        self.reader.pause().await;
        self.look().await
    }

    async fn look(&self) -> Result<Look, GithubError> {
        look(self.scope, &self.reader, self.deadline).await
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
        let look = self.look().await?;
        Ok(self.reader.is_pending().await?.then_some(look))
    }
}
