//! From request and evidence to a decision with every reason. Not here: the checks themselves, and the comment.
//!
//! [`Approval`] stands beside [`decide`], because only the code of this file can make one.

use jiff::Timestamp;

use super::check::{Check, Finding, Verdict};
use super::checks::case::Case;
use super::checks::history::History;
use super::checks::policies::{Policies, RegoReport};
use super::checks::signature::Signed;
use super::checks::{gate, history, people, run, signature};
use super::covered::Covered;
use super::evidence::Evidence;
use super::passed_gate::PassedGate;
use super::policy::Rule;
use crate::model::{Request, RunStatus, WorkflowRun};

/// What becomes of a request, now that the facts are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Every check passes under one rule.
    Approved(Approval),
    /// Under every rule a check fails that will not pass later.
    Rejected(Rejection),
    /// A fact is still missing.
    Deferred(Deferral),
    /// GitHub reports that the run has ended: nothing should be waiting in it any more.
    RunEnded,
}

impl Decision {
    /// What each check found, under the rule that decided; empty for a run that has ended.
    pub fn findings(&self) -> &[Finding] {
        match self {
            Self::Approved(approval) => approval.findings(),
            Self::Rejected(rejection) => rejection.findings(),
            Self::Deferred(deferral) => deferral.findings(),
            Self::RunEnded => &[],
        }
    }

    /// What the policies of the rule that decided said besides their findings; `None` for a run that has ended.
    pub fn rego(&self) -> Option<&RegoReport> {
        match self {
            Self::Approved(approval) => Some(approval.rego()),
            Self::Rejected(rejection) => Some(rejection.rego()),
            Self::Deferred(deferral) => Some(deferral.rego()),
            Self::RunEnded => None,
        }
    }
}

/// The waiting jobs may enter. Only [`decide`](super::decide()) can make one.
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

/// The waiting jobs may not enter, for good in this attempt of the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection(Judgement);

/// Not now: what is missing may still appear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deferral(Judgement);

impl Rejection {
    /// The rejection of a request that no rule covers.
    pub(super) fn of_uncovered(finding: Finding) -> Self {
        Self(Judgement { findings: vec![finding], ..Judgement::default() })
    }
}

macro_rules! accessors {
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

            /// The gates, and whose approvals of them count; empty where people were not judged.
            pub fn gates(&self) -> &[PassedGate] {
                &self.0.gates
            }

            /// What the policies in Rego said besides their findings.
            pub fn rego(&self) -> &RegoReport {
                &self.0.rego
            }
        }
    )*};
}

accessors!(Approval, Rejection, Deferral);

/// What was found under one rule, and who approved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Judgement {
    /// Counted from 1, in the order of the policy; `None` where no rule covers the request.
    rule: Option<usize>,
    findings: Vec<Finding>,
    gates: Vec<PassedGate>,
    rego: Box<RegoReport>,
}

impl Judgement {
    fn count(&self, verdict: Verdict) -> usize {
        self.findings.iter().filter(|finding| finding.verdict == verdict).count()
    }

    /// Whether every check was made and passes. With `approvals = 0` people are not judged; policies in Rego are those of the rule.
    fn passes(&self, rule: &Rule) -> bool {
        let made = |check: Check| self.findings.iter().any(|finding| finding.check == check);
        let people = [Check::Starter, Check::GateApproval, Check::Approvals];
        let is_needed = |check: &Check| match check {
            Check::Policy => false,
            Check::GateSignature => rule.signed,
            check => rule.approvals > 0 || !people.contains(check),
        };
        let asked = |name: &str| self.findings.iter().any(|finding| finding.policy.as_deref() == Some(name));
        let policies = rule
            .attached
            .iter()
            .map(|policy| policy.name())
            .chain(rule.policies.iter().map(|named| named.name.as_str()));
        let all_made = Check::ALL.into_iter().filter(is_needed).all(made) && policies.into_iter().all(asked);
        all_made && self.count(Verdict::Pass) == self.findings.len()
    }
}

/// Decides whether the jobs of the request's run that wait for its environment may enter it now.
///
/// Any rule under which every check passes approves. Otherwise, while a rule may still pass, the request is deferred. Otherwise it is
/// rejected, with the findings of the rule that fails least.
pub fn decide(covered: &Covered<'_>, request: &Request, evidence: &Evidence, now: Timestamp) -> Decision {
    if run::is_ours(request, &evidence.run) && evidence.run.status == RunStatus::Completed && evidence.has_ended() {
        return Decision::RunEnded;
    }
    let mut judgements: Vec<Judgement> = Vec::new();
    for (number, rule) in &covered.rules {
        let judgement = judge(&Case { rule, request, evidence, now, config: covered.config }, *number);
        if judgement.passes(rule) {
            return Decision::Approved(Approval(judgement));
        }
        judgements.push(judgement);
    }
    not_approved(judgements)
}

/// Decides by the run alone, where that is enough: it is ours, it has not ended, and under every rule it fails a check of the run. `None` if gates and people must
/// be looked at. It never approves.
pub fn decide_by_run(covered: &Covered<'_>, request: &Request, run: &WorkflowRun, now: Timestamp) -> Option<Decision> {
    if !run::is_ours(request, run) || run.status == RunStatus::Completed {
        return None;
    }
    let evidence = Evidence::of_run_alone(run.clone());
    let mut judgements: Vec<Judgement> = Vec::new();
    for (number, rule) in &covered.rules {
        let case = Case { rule, request, evidence: &evidence, now, config: covered.config };
        let findings: Vec<Finding> = [run::rule(&case)].into_iter().chain(of_run(&case)).collect();
        let judgement = Judgement { rule: Some(*number), findings, ..Judgement::default() };
        if judgement.count(Verdict::Pass) == judgement.findings.len() {
            return None;
        }
        judgements.push(judgement);
    }
    Some(not_approved(judgements))
}

/// Deferred while a rule may still pass; else rejected, with the findings of the rule that fails least.
fn not_approved(mut judgements: Vec<Judgement>) -> Decision {
    if let Some(at) = judgements.iter().position(|judgement| judgement.count(Verdict::Fail) == 0) {
        return Decision::Deferred(Deferral(judgements.swap_remove(at)));
    }
    let fails_least = judgements.into_iter().min_by_key(|judgement| judgement.count(Verdict::Fail));
    // At least one rule covers the request; without one, this still rejects.
    Decision::Rejected(Rejection(fails_least.unwrap_or_default()))
}

/// The checks of the run. An answer that contradicts the delivery proves nothing: then only what waits is reported.
fn of_run(case: &Case<'_>) -> Vec<Finding> {
    let findings = run::of_run(case);
    if run::contradicts(case) {
        return findings.into_iter().filter(|finding| finding.verdict == Verdict::Wait).collect();
    }
    findings
}

/// Makes every check of one rule that the facts allow.
fn judge(case: &Case<'_>, number: usize) -> Judgement {
    let mut judgement = Judgement { rule: Some(number), findings: vec![run::rule(case)], ..Judgement::default() };
    if !run::is_ours(case.request, &case.evidence.run) {
        // An answer about another run proves nothing about ours.
        judgement.findings.push(run::run(case));
        return judgement;
    }
    judgement.findings.extend(of_run(case));
    if judgement.count(Verdict::Wait) > 0 {
        return judgement;
    }
    let mut policies = Policies::of(case);
    let found = policies.before_gates(&judgement.findings, &mut judgement.rego);
    judgement.findings.extend(found);
    let histories: Vec<History<'_>> = case.rule.gates.iter().map(|gate| history::history(case, gate)).collect();
    if histories.iter().any(History::is_unfinished) {
        // While a gate may still be passed, nothing else about gates and approvals is judged.
        let findings = histories.into_iter().flat_map(|history| history.findings);
        judgement.findings.extend(findings.filter(|finding| finding.verdict == Verdict::Wait));
        return judgement;
    }
    for history in &histories {
        judgement.findings.extend(history.findings.iter().cloned());
        judgement.findings.extend(gate::of_finished(case, history));
    }
    let to_sign = if case.rule.signed { histories.as_slice() } else { &[] };
    let signed: Vec<Signed> = to_sign.iter().map(|history| signature::gate_signature(case, history)).collect();
    judgement.findings.extend(signed.iter().map(|signed| signed.finding.clone()));
    if judgement.count(Verdict::Wait) > 0 {
        // Where an environment or its age is not known, nobody's approval of it can be judged.
        return judgement;
    }
    let people = people::judge(case, &histories);
    judgement.findings.extend(people.findings);
    judgement.gates = people.gates;
    judgement.gates.iter_mut().zip(signed).for_each(|(gate, signed)| gate.claims = signed.claims);
    if judgement.count(Verdict::Wait) == 0 {
        let found = policies.approval(&judgement.findings, &judgement.gates, &mut judgement.rego);
        judgement.findings.extend(found);
    }
    judgement
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

    use super::*;
    use crate::gate::policy::Policy;
    use crate::gate::tests::{BOB, World};
    use crate::model::{EnvironmentName, JobStatus, RunId};

    /// A rule that the good world does not pass, because it is at another ref.
    const STRICT: &str = "[[rule]]\nrepositories = [\"octo-org/*\"]\nrefs = [\"v*\"]\n";

    fn decision(change: impl FnOnce(&mut World)) -> Decision {
        let mut world = World::new();
        change(&mut world);
        world.decision()
    }

    fn checks(decision: &Decision, verdict: Verdict) -> Vec<Check> {
        decision.findings().iter().filter(|finding| finding.verdict == verdict).map(|finding| finding.check).collect()
    }

    #[test]
    fn an_approval_names_its_rule_its_gate_and_its_approver() {
        let Decision::Approved(approval) = World::new().decision() else { panic!() };
        let gate = approval.gates().first().unwrap();
        assert_eq!((approval.rule(), approval.gates().len()), (Some(1), 1));
        assert_eq!((gate.job_id, gate.attempt, gate.environment_id), (Some(7001), Some(1), Some(501)));
        assert_eq!(gate.approvers.iter().map(|approver| approver.id).collect::<Vec<_>>(), [BOB]);
    }

    #[test]
    fn one_rule_that_passes_is_enough() {
        let decision = decision(|world| world.policy.insert_str(0, STRICT));
        let Decision::Approved(approval) = decision else { panic!("{decision:#?}") };
        assert_eq!(approval.rule(), Some(2));
    }

    #[test]
    fn a_rule_that_may_still_pass_defers() {
        let decision = decision(|world| {
            world.policy.insert_str(0, STRICT);
            world.facts.reviews.clear();
            world.gate_job().completed_at = Some(world.now);
        });
        let Decision::Deferred(deferral) = &decision else { panic!("{decision:#?}") };
        assert_eq!(deferral.rule(), Some(2));
        assert_eq!(checks(&decision, Verdict::Wait), [Check::GateApproval, Check::Approvals]);
    }

    #[test]
    fn a_rejection_shows_the_rule_that_fails_least() {
        let decision = decision(|world| {
            world.policy.insert_str(0, &STRICT.replace("refs", "events = [\"push\"]\nrefs"));
            world.facts.run.head_repository_id = None;
        });
        let Decision::Rejected(rejection) = &decision else { panic!("{decision:#?}") };
        assert_eq!(rejection.rule(), Some(2));
        assert_eq!(checks(&decision, Verdict::Fail), [Check::Fork]);
    }

    #[test]
    fn one_failure_rejects_even_if_something_else_waits() {
        let decision = decision(|world| {
            world.facts.run.head_repository_id = None;
            world.gate_job().status = JobStatus::Waiting;
        });
        assert!(matches!(decision, Decision::Rejected(_)), "{decision:#?}");
    }

    #[test]
    fn a_run_that_ended_with_all_its_jobs_is_not_decided() {
        let decision = decision(|world| {
            world.facts.run.status = RunStatus::Completed;
            world.facts.jobs.pop();
        });
        assert_eq!(decision, Decision::RunEnded);
        assert!(decision.findings().is_empty());
    }

    #[test]
    fn another_runs_end_says_nothing_about_ours() {
        let decision = decision(|world| {
            world.facts.run.status = RunStatus::Completed;
            world.facts.run.id = RunId::new(1).unwrap();
            world.facts.jobs.pop();
        });
        assert_eq!(checks(&decision, Verdict::Wait), [Check::Run]);
        assert_eq!(decision.findings().len(), 2, "nothing else is judged");
    }

    #[test]
    fn a_run_that_is_not_complete_is_not_judged_further() {
        let decision = decision(|world| world.facts.run.attempt = None);
        assert!(matches!(decision, Decision::Deferred(_)));
        assert_eq!(decision.findings().len(), 6, "{decision:#?}");
    }

    #[test]
    fn while_a_gate_may_be_passed_only_what_it_waits_for_is_reported() {
        let decision = decision(|world| {
            world.add_security_gate();
            world.gate_job().status = JobStatus::Waiting;
        });
        assert_eq!(checks(&decision, Verdict::Wait), [Check::GateConclusion]);
        assert!(!checks(&decision, Verdict::Pass).contains(&Check::GateJob));
    }

    #[test]
    fn without_required_approvals_nobody_has_to_approve() {
        let decision = decision(|world| {
            world.policy += "approvals = 0\n";
            world.facts.reviews.clear();
        });
        let Decision::Approved(approval) = decision else { panic!("{decision:#?}") };
        assert!(approval.gates().first().unwrap().approvers.is_empty());
    }

    #[test]
    fn a_judgement_with_a_check_missing_does_not_pass() {
        let finding = |check| Finding::new(check, Verdict::Pass, "", "");
        let all = || Check::ALL.into_iter().map(finding);
        let passes = |findings: Vec<Finding>, approvals| {
            let policy = Policy::parse(&format!("{STRICT}approvals = {approvals}\n")).unwrap();
            Judgement { rule: Some(1), findings, ..Judgement::default() }.passes(policy.rules.first().unwrap())
        };
        assert!(passes(all().collect(), 1));
        assert!(!passes(Vec::new(), 0) && !passes(all().skip(1).collect(), 0));
        let people = |check: Check| matches!(check, Check::Starter | Check::GateApproval | Check::Approvals);
        let without_people = || all().filter(|finding| !people(finding.check)).collect();
        assert!(passes(without_people(), 0) && !passes(without_people(), 1));
    }

    #[test]
    fn an_environment_that_no_rule_covers_is_rejected_without_a_rule() {
        let decision = decision(|world| world.request.environment = EnvironmentName::parse("staging").unwrap());
        let Decision::Rejected(rejection) = decision else { panic!("{decision:#?}") };
        assert_eq!((rejection.rule(), rejection.gates().len()), (None, 0));
    }
}
