//! A check, its stable id, and what it found. Each id has a heading in `docs/checks.md`.

use std::fmt;

use crate::model::quoted;

/// A check of the decision. Others rely on its id, so the id's meaning never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Check {
    /// A rule of the policy covers the repository and the environment.
    Rule,
    /// GitHub's answer is about the delivery's run, and says which attempt it is in and who started it.
    Run,
    /// The ref is the run's, and the rule allows it.
    Ref,
    /// The event is the run's, and the rule allows it.
    Event,
    /// The run is of the rule's workflow file.
    Workflow,
    /// The run's commit comes from the repository itself.
    Fork,
    /// Each attempt that ran the gate has exactly one job of its name, and no later one can still appear.
    GateJob,
    /// The gate's job concluded with success.
    GateConclusion,
    /// The gate's job proved with a token of GitHub's that it is the one, where the rule demands it.
    GateSignature,
    /// The gate was passed recently enough.
    GateAge,
    /// The gate's environment exists and has required reviewers.
    GateEnvironment,
    /// Whoever started the run is allowed to.
    Starter,
    /// The gate has an approval for each attempt that passed it.
    GateApproval,
    /// Enough different people approved.
    Approvals,
    /// No gate ran twice where the rule requires more than one approver.
    GateReruns,
    /// A policy in Rego that is attached to the rule agrees.
    Policy,
}

impl Check {
    /// All checks, in the order in which they are reported.
    pub const ALL: [Self; 16] = [
        Self::Rule,
        Self::Run,
        Self::Ref,
        Self::Event,
        Self::Workflow,
        Self::Fork,
        Self::GateJob,
        Self::GateConclusion,
        Self::GateSignature,
        Self::GateAge,
        Self::GateEnvironment,
        Self::Starter,
        Self::GateApproval,
        Self::Approvals,
        Self::GateReruns,
        Self::Policy,
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
            Self::GateSignature => "gate-signature",
            Self::GateAge => "gate-age",
            Self::GateEnvironment => "gate-environment",
            Self::Starter => "starter",
            Self::GateApproval => "gate-approval",
            Self::Approvals => "approvals",
            Self::GateReruns => "gate-reruns",
            Self::Policy => "policy",
        }
    }

    /// What to do when the check fails, in full sentences. A [`Finding`] may know better.
    pub fn fix(self) -> &'static str {
        match self {
            Self::Rule => {
                "Ask the platform team to add a rule for it to the policy, then start a new run. If it needs no protection, ask a repository admin to remove the App from the environment."
            }
            Self::Run => "Start a new run of the commit that you want to deploy.",
            Self::Ref => "Start a new run from a branch or tag that the rule allows.",
            Self::Event => "Start a new run with an event that the rule allows.",
            Self::Workflow => "Start a new run of the workflow that the rule names and have its gate approved.",
            Self::Fork => "Push the commit to this repository and start a new run there.",
            Self::GateJob => {
                "Give the workflow exactly one job with this name, in the gate's environment. Then start a new run and have its gate approved."
            }
            Self::GateConclusion => {
                "Find out why the gate's job did not succeed. Then start a new run and have its gate approved."
            }
            Self::GateSignature => {
                "Check the step with which the gate's job signs itself. Then start a new run and have its gate approved."
            }
            Self::GateAge => "Start a new run, have its gate approved, and deploy within that time.",
            Self::GateEnvironment => {
                "Ask a repository admin to create the environment with required reviewers. Then start a new run and have its gate approved."
            }
            Self::Starter => {
                "Have a person start a new run (not a re-run) and someone else approve its gate. Or ask the platform team to add the account to `starters` and let it start a new run."
            }
            Self::GateApproval => {
                "Start a new run (not a re-run) and have someone else approve its gate. If GitHub never asks for approval, the gate job is missing its `environment`."
            }
            Self::Approvals => {
                "Start a new run (not a re-run) and have enough different people approve its gates. If there are too few reviewers, ask a repository admin to add more."
            }
            Self::GateReruns => "Start a new run and have its gates approved. A re-run does not help.",
            Self::Policy => "Ask the platform team what this policy requires, then start a new run that meets it.",
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// The result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It passes.
    Pass,
    /// It does not pass yet.
    Wait,
    /// It does not pass and never will.
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

/// What to do while a finding waits for GitHub.
pub(super) const NOTHING_YET: &str = "Nothing for now; if this lasts for ten minutes, start a new run.";
/// What to do while jobs run.
pub(super) const NOTHING: &str = "Nothing for now.";

/// What one check found. Names that came from outside are code spans in all of its texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The check.
    pub check: Check,
    /// The gate's job, for a check that is made of each gate.
    pub gate: Option<String>,
    /// The policy's name, for the check `policy`.
    pub policy: Option<String>,
    /// Whether it passes.
    pub verdict: Verdict,
    /// What was observed.
    pub got: String,
    /// What passes.
    pub expected: String,
    /// Why it passes, waits or fails: one clause for people to read, without the check's name.
    pub reason: String,
    /// What to do if it fails, or while it waits, in full sentences.
    pub fix: String,
    /// What a policy wants people to read, whatever it decided.
    pub warning: Option<String>,
}

impl Finding {
    /// A finding whose reason is what was observed. If it fails, it has the check's own fix.
    pub(super) fn new(check: Check, verdict: Verdict, got: impl Into<String>, expected: impl Into<String>) -> Self {
        let got = got.into();
        let reason = got.clone();
        Self {
            check,
            gate: None,
            policy: None,
            verdict,
            got,
            expected: expected.into(),
            reason,
            fix: if verdict == Verdict::Wait { NOTHING_YET } else { check.fix() }.to_owned(),
            warning: None,
        }
    }

    /// The same, with a reason of its own.
    pub(super) fn because(self, reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), ..self }
    }

    /// The same, with a fix of its own if it fails.
    pub(super) fn fixed_by(self, fix: impl Into<String>) -> Self {
        if self.verdict == Verdict::Fail { Self { fix: fix.into(), ..self } } else { self }
    }

    /// The same; what to do while it waits, if there is anything to do.
    pub(super) fn meanwhile(self, to_do: impl Into<String>) -> Self {
        if self.verdict == Verdict::Wait { Self { fix: to_do.into(), ..self } } else { self }
    }

    /// The same, about one gate.
    pub(super) fn of_gate(self, job: &str) -> Self {
        Self { gate: Some(job.to_owned()), ..self }
    }

    /// The same, about one policy.
    pub(super) fn of_policy(self, name: &str) -> Self {
        Self { policy: Some(name.to_owned()), ..self }
    }

    /// The gate or the policy behind a check's name, where there is one: `` (`release-gate`)``.
    pub(super) fn subject(&self) -> String {
        self.gate.as_ref().or(self.policy.as_ref()).map(|name| format!(" ({})", quoted(name))).unwrap_or_default()
    }
}

/// In one line: ``gate-age (`release-gate`): ended 384h ago``.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}: {}", self.check, self.subject(), self.reason)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_check_has_an_id_of_its_own() {
        let ids: BTreeSet<&str> = Check::ALL.into_iter().map(Check::id).collect();
        assert_eq!(ids.len(), Check::ALL.len());
        assert!(ids.iter().all(|id| id.bytes().all(|b| b.is_ascii_lowercase() || b == b'-') && !id.is_empty()));
    }

    #[test]
    fn every_fix_is_made_of_full_sentences() {
        for check in Check::ALL {
            let fix = check.fix();
            assert!(fix.ends_with('.') && fix.starts_with(|c: char| c.is_ascii_uppercase()), "{check}: {fix}");
        }
    }

    #[test]
    fn a_finding_without_a_reason_says_what_was_observed() {
        let finding = Finding::new(Check::Ref, Verdict::Fail, "`x`", "`main`");
        assert_eq!((finding.to_string(), finding.fix.as_str()), ("ref: `x`".to_owned(), Check::Ref.fix()));
    }

    #[test]
    fn a_finding_of_a_gate_names_it() {
        let finding = Finding::new(Check::GateAge, Verdict::Fail, "old", "new").because("too old").of_gate("a`b");
        assert_eq!(finding.to_string(), "gate-age (`a\\u{60}b`): too old");
    }

    #[test]
    fn a_finding_may_know_a_better_fix() {
        assert_eq!(Finding::new(Check::Ref, Verdict::Fail, "", "").fixed_by("Wait.").fix, "Wait.");
    }

    #[test]
    fn a_finding_that_waits_says_what_to_do_meanwhile() {
        let waits = |finding: Finding| finding.fixed_by("Start a new run.").fix;
        assert_eq!(waits(Finding::new(Check::Ref, Verdict::Wait, "", "")), NOTHING_YET);
        assert_eq!(waits(Finding::new(Check::Ref, Verdict::Wait, "", "").meanwhile("Ask.")), "Ask.");
    }

    #[test]
    fn a_verdict_is_one_word() {
        assert_eq!([Verdict::Pass, Verdict::Wait, Verdict::Fail].map(Verdict::as_str), ["pass", "wait", "fail"]);
    }
}
