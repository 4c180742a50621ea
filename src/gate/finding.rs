//! One check, one stable id, one heading in the README; and what a check found.

use std::fmt;

/// A check of the decision. Its id is relied on from outside: it never changes its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Check {
    /// A rule of the policy covers repository and environment.
    Rule,
    /// The run is the delivery's, in an attempt and by people that are known.
    Run,
    /// The ref is the run's and the rule's.
    Ref,
    /// The event is the run's and the rule's.
    Event,
    /// The workflow file is the rule's.
    Workflow,
    /// The run's commit comes from the repository itself.
    Fork,
    /// The gate's job is there, once in every attempt, and of the present attempt if that may still bring one.
    GateJob,
    /// The gate's job ended in success.
    GateConclusion,
    /// The gate was passed not too long ago.
    GateAge,
    /// The gate's environment exists and asks for a reviewer.
    GateEnvironment,
    /// Who started the run may start it.
    Starter,
    /// The gate has an approval for each attempt that passed it.
    GateApproval,
    /// Enough different humans approved.
    Approvals,
    /// Where more than one human is wanted, no gate ran twice.
    GateReruns,
}

impl Check {
    /// All checks, in the order in which they are reported.
    pub const ALL: [Self; 14] = [
        Self::Rule,
        Self::Run,
        Self::Ref,
        Self::Event,
        Self::Workflow,
        Self::Fork,
        Self::GateJob,
        Self::GateConclusion,
        Self::GateAge,
        Self::GateEnvironment,
        Self::Starter,
        Self::GateApproval,
        Self::Approvals,
        Self::GateReruns,
    ];

    /// The stable id.
    pub fn id(self) -> &'static str {
        match self {
            Self::Rule => "rule",
            Self::Run => "run",
            Self::Ref => "ref",
            Self::Event => "event",
            Self::Workflow => "workflow",
            Self::Fork => "fork",
            Self::GateJob => "gate-job",
            Self::GateConclusion => "gate-conclusion",
            Self::GateAge => "gate-age",
            Self::GateEnvironment => "gate-environment",
            Self::Starter => "starter",
            Self::GateApproval => "gate-approval",
            Self::Approvals => "approvals",
            Self::GateReruns => "gate-reruns",
        }
    }

    /// What to do when it fails: one clause, who does what.
    pub fn mend(self) -> &'static str {
        match self {
            Self::Rule => {
                "the platform team adds a rule for it to the policy, and somebody starts a new run; only where nothing is to be protected an admin takes the App off"
            }
            Self::Run => "somebody starts a new run of the commit that is to be deployed",
            Self::Ref => "somebody starts a new run from a ref that the rule lists",
            Self::Event => "somebody starts a new run by an event that the rule lists",
            Self::Workflow => {
                "somebody starts a new run of the workflow file that the rule names, in this repository, and its gate is approved"
            }
            Self::Fork => "somebody pushes the commit to the repository itself and starts a new run there",
            Self::GateJob => {
                "the workflow's owners give it one job of that name, in the gate's environment, then somebody starts a new run, and its gate is approved"
            }
            Self::GateConclusion => {
                "the workflow's owners look why the gate's job ended so, then somebody starts a new run, and its gate is approved"
            }
            Self::GateAge => "somebody starts a new run, its gate is approved, and it enters within that time",
            Self::GateEnvironment => {
                "an admin of the repository makes the environment with required reviewers, then somebody starts a new run, and its gate is approved"
            }
            Self::Starter => {
                "a person starts a new run (no re-run), and another one approves its gate; or the platform team adds the account to `starters`, and it starts a new run"
            }
            Self::GateApproval => {
                "somebody starts a new run (no re-run), and such a person approves its gate; if GitHub asks nobody, the workflow's owners put the gate's job into that environment"
            }
            Self::Approvals => {
                "somebody starts a new run (no re-run), and as many different people approve its gates; an admin adds reviewers if there are too few"
            }
            Self::GateReruns => "somebody starts a new run; a re-run does not help",
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// What a check found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It holds.
    Pass,
    /// It does not hold, and may yet.
    Wait,
    /// It does not hold and will not.
    Fail,
}

impl Verdict {
    /// One word for people and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Wait => "wait",
            Self::Fail => "fail",
        }
    }
}

/// What one check observed and what it wanted. Names of others stand in both as code spans.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The check.
    pub check: Check,
    /// The gate's job, for a check that is made for each gate.
    pub gate: Option<String>,
    /// Does it hold?
    pub verdict: Verdict,
    /// What was observed.
    pub got: String,
    /// What would hold.
    pub expected: String,
    /// What to do when it fails: one clause, who does what. The check's own, unless what was observed asks for another.
    pub mend: &'static str,
}

impl Finding {
    pub(super) fn new(check: Check, verdict: Verdict, got: String, expected: String) -> Self {
        Self { check, gate: None, verdict, got, expected, mend: check.mend() }
    }

    pub(super) fn mended_if(self, holds: bool, mend: &'static str) -> Self {
        Self { mend: if holds { mend } else { self.mend }, ..self }
    }

    pub(super) fn of_gate(self, job: &str) -> Self {
        Self { gate: Some(job.to_owned()), ..self }
    }
}
