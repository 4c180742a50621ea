//! What every check looks at.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value as Json};

use crate::gate::evidence::Evidence;
use crate::gate::policy::{Gate, Rule};
use crate::model::{Environment, EnvironmentName, EnvironmentReview, Request, ReviewState, quoted};

/// GitHub's own data lags by seconds (20 s has been reported): what is still missing after this long counts as missing.
const LAG_MAX: SignedDuration = SignedDuration::from_secs(60);

/// One rule, and what it is applied to.
#[derive(Clone, Copy)]
pub(in crate::gate) struct Case<'a> {
    pub(in crate::gate) rule: &'a Rule,
    pub(in crate::gate) request: &'a Request,
    pub(in crate::gate) evidence: &'a Evidence,
    pub(in crate::gate) now: Timestamp,
    /// The table `[data]` of the policy.
    pub(in crate::gate) config: &'a Map<String, Json>,
}

impl<'a> Case<'a> {
    /// The gate's environment, if it exists.
    pub(super) fn environment(&self, gate: &Gate) -> Option<&'a Environment> {
        self.evidence.environments.get(&gate.environment).and_then(Option::as_ref)
    }

    /// The reviews of the gate's environment. Its id tells it from one of the same name that was deleted.
    pub(super) fn reviews_of(&self, gate: &Gate) -> impl Iterator<Item = &'a EnvironmentReview> {
        let id = self.environment(gate).map(|environment| environment.id);
        self.evidence.reviews.iter().filter(move |review| id.is_some_and(|id| review.environment_ids.contains(&id)))
    }

    /// The reviews that name the gate's environment, whatever its id was then.
    pub(super) fn reviews_by_name(&self, gate: &'a Gate) -> impl Iterator<Item = &'a EnvironmentReview> {
        self.evidence.reviews.iter().filter(|review| review.environment_names.contains(&gate.environment))
    }

    /// How many times a reviewer rejected the gate.
    pub(super) fn rejections(&self, gate: &Gate) -> usize {
        self.evidence.reviews.iter().filter(|review| self.is_rejection_of(gate, review)).count()
    }

    /// Whether a reviewer rejected the gate, also under an earlier id of its environment.
    pub(super) fn is_rejection_of(&self, gate: &Gate, review: &EnvironmentReview) -> bool {
        let id = self.environment(gate).map(|environment| environment.id);
        let is_of_gate = id.is_some_and(|id| review.environment_ids.contains(&id))
            || review.environment_names.contains(&gate.environment);
        is_of_gate && review.state == ReviewState::Rejected
    }

    /// Another environment than ours that the run waits for, if that was read.
    pub(super) fn other_pending(&self) -> Option<&'a EnvironmentName> {
        self.evidence.pending.iter().flatten().find(|name| **name != self.request.environment)
    }

    /// Whether GitHub has had time to show what happened at `since`.
    pub(super) fn is_settled(&self, since: Timestamp) -> bool {
        self.now.duration_since(since) >= LAG_MAX
    }
}

/// Why something that is missing may still appear.
pub(super) fn lag() -> String {
    format!("GitHub's data can lag by up to {} s", LAG_MAX.as_secs())
}

/// What to do while a job waits for the reviewers of an environment.
pub(super) fn ask_reviewers(environment: &EnvironmentName) -> String {
    format!("Have {} approved or rejected on the run's page.", quoted(environment.as_str()))
}

/// What to do when a reviewer rejected a gate.
pub(super) const SETTLE: &str = "Talk to the person who rejected the gate. If the deployment should go ahead, start a new run and have its gate approved.";
