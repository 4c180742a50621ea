//! What was decided, with every reason. Not here: how (`decide.rs`), and how it is told (`comment.rs`).

use jiff::Timestamp;

use super::decide::Seal;
use super::{Check, Finding, Verdict};

/// What becomes of a request, now that the facts are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Every check holds under one rule.
    Approved(Approval),
    /// Under every rule a check fails that will not hold later.
    Rejected(Rejection),
    /// A fact is still missing.
    Deferred(Deferral),
    /// GitHub says that the run has ended: nothing should wait in it any more.
    RunEnded,
}

impl Decision {
    /// What each check found, of the rule that decided; none for a run that has ended.
    pub fn findings(&self) -> &[Finding] {
        match self {
            Self::Approved(approval) => approval.findings(),
            Self::Rejected(rejection) => rejection.findings(),
            Self::Deferred(deferral) => deferral.findings(),
            Self::RunEnded => &[],
        }
    }
}

/// What was found under one rule, and who approved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Judgement {
    /// Counted from 1, in the order of the policy; `None` where no rule covers the request.
    pub(super) rule: Option<usize>,
    pub(super) findings: Vec<Finding>,
    pub(super) gates: Vec<PassedGate>,
}

impl Judgement {
    pub(super) fn has(&self, verdict: Verdict) -> bool {
        self.findings.iter().any(|finding| finding.verdict == verdict)
    }

    pub(super) fn failures(&self) -> usize {
        self.findings.iter().filter(|finding| finding.verdict == Verdict::Fail).count()
    }

    /// Does everything hold? A judgement that ended early, or that rests on nothing, does not.
    pub(super) fn holds(&self, approvals_wanted: usize) -> bool {
        let made = |check: Check| self.findings.iter().any(|finding| finding.check == check);
        let people = [Check::Starter, Check::GateApproval, Check::Approvals];
        let all_made =
            Check::ALL.into_iter().all(|check| made(check) || (approvals_wanted == 0 && people.contains(&check)));
        all_made && self.findings.iter().all(|finding| finding.verdict == Verdict::Pass)
    }
}

/// Leave to enter. Only [`decide`](super::decide()) can make one.
///
/// ```
/// use environment_gate::gate::Approval;
/// fn take(approval: Approval) -> Approval { approval }
/// ```
/// ```compile_fail,E0423
/// use environment_gate::gate::Approval;
/// fn forge(approval: Approval) -> Approval { Approval(approval.0) }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval(Judgement);

/// A final no, for the present attempt of the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection(Judgement);

/// Not now: what is missing may still come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deferral(Judgement);

impl Approval {
    pub(super) fn new(_: Seal, judgement: Judgement) -> Self {
        Self(judgement)
    }

    /// The gates that the run passed, and who approved them.
    pub fn gates(&self) -> &[PassedGate] {
        &self.0.gates
    }
}

impl Rejection {
    pub(super) fn new(judgement: Judgement) -> Self {
        Self(judgement)
    }

    /// The gates, and whose approvals of them count.
    pub fn gates(&self) -> &[PassedGate] {
        &self.0.gates
    }
}

impl Deferral {
    pub(super) fn new(judgement: Judgement) -> Self {
        Self(judgement)
    }
}

macro_rules! reasons {
    ($($decision:ident),*) => {$(
        impl $decision {
            /// The rule that decided, counted from 1 in the order of the policy; `None` where none covers the request.
            pub fn rule(&self) -> Option<usize> {
                self.0.rule
            }

            /// What each check found.
            pub fn findings(&self) -> &[Finding] {
                &self.0.findings
            }
        }
    )*};
}

reasons!(Approval, Rejection, Deferral);

/// A gate, how it was passed, and by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassedGate {
    /// The job's name.
    pub job: String,
    /// The job of the newest attempt in which the gate ran.
    pub job_id: Option<u64>,
    /// That attempt.
    pub attempt: Option<u32>,
    /// The gate's environment, as the policy spells it.
    pub environment: String,
    /// Its id, if it exists.
    pub environment_id: Option<u64>,
    /// When that job ended.
    pub passed_at: Option<Timestamp>,
    /// Whose approvals count, one entry for each approval.
    pub approvers: Vec<Approver>,
}

/// A human whose approval counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approver {
    /// The account's id.
    pub id: u64,
    /// The account's login when it was read.
    pub login: String,
}
