//! From policy, request and evidence to a decision.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::checks::{self, Case};
use super::decision::{Approval, Decision, Deferral, Judgement, Rejection};
use super::gates::{self, History};
use super::policy::{Policy, Rule};
use super::{Evidence, Verdict, people};
use crate::model::{EnvironmentName, Job, Request, RunStatus, WorkflowRun};

/// What only this file can write down, and an [`Approval`] is not made without.
#[derive(Debug)]
pub(super) struct Seal(());

/// What the policy has to say of a request that it is asked about, before anything is read from GitHub.
#[derive(Debug)]
pub enum Scope<'p> {
    /// A known owner, but no rule for this repository and environment.
    Uncovered(Rejection),
    /// These rules may let the run in.
    Covered(Covered<'p>),
}

/// Why the policy has nothing to say of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutOfScope {
    /// No rule names the repository's owner: it is not ours to decide.
    Foreign,
    /// The policy pauses everything.
    Paused,
}

/// The rules that cover a request; at least one.
#[derive(Debug, Clone)]
pub struct Covered<'p> {
    /// With their number in the policy, from 1.
    rules: Vec<(usize, &'p Rule)>,
}

/// Which rules cover the request?
pub fn scope<'p>(policy: &'p Policy, request: &Request) -> Result<Scope<'p>, OutOfScope> {
    let repository = &request.repository.name;
    // First of all: a policy that was cut down to its switch still holds everything back.
    if policy.pause {
        return Err(OutOfScope::Paused);
    }
    if !policy.knows_owner(repository.owner()) {
        return Err(OutOfScope::Foreign);
    }
    let rules: Vec<_> =
        (1..).zip(&policy.rules).filter(|(_, rule)| rule.covers(repository, &request.environment)).collect();
    if rules.is_empty() {
        let findings = vec![checks::uncovered(policy, request)];
        return Ok(Scope::Uncovered(Rejection::new(Judgement { rule: None, findings, gates: Vec::new() })));
    }
    Ok(Scope::Covered(Covered { rules }))
}

impl Covered<'_> {
    /// The environments of all gates of all rules: what has to be read to decide.
    pub fn gate_environments(&self) -> BTreeSet<&EnvironmentName> {
        self.rules.iter().flat_map(|(_, rule)| &rule.gates).map(|gate| &gate.environment).collect()
    }

    /// The attempts before the present one in which a gate ran: who started them has to be read to decide.
    pub fn earlier_attempts(&self, run: &WorkflowRun, jobs: &[Job]) -> BTreeSet<u32> {
        let is_gate = |job: &&Job| self.rules.iter().flat_map(|(_, rule)| &rule.gates).any(|gate| gate.job == job.name);
        let earlier = |attempt: &u32| run.attempt.is_some_and(|present| *attempt < present);
        jobs.iter().filter(is_gate).filter_map(|job| job.attempt).filter(earlier).collect()
    }
}

/// Decides: may the jobs of the request's run that wait for its environment enter it now?
///
/// Any rule under which every check holds approves. Else, while a rule may yet hold, it is deferred. Else it is rejected, with the
/// findings of the rule that fails least.
pub fn decide(covered: &Covered<'_>, request: &Request, evidence: &Evidence, now: Timestamp) -> Decision {
    if checks::is_ours(request, &evidence.run) && evidence.run.status == RunStatus::Completed && evidence.has_ended() {
        return Decision::RunEnded;
    }
    let mut judgements: Vec<Judgement> = Vec::new();
    for (number, rule) in &covered.rules {
        let judgement = judge(&Case { rule, request, evidence, now }, *number);
        if judgement.holds(rule.approvals) {
            return Decision::Approved(Approval::new(Seal(()), judgement));
        }
        judgements.push(judgement);
    }
    if let Some(at) = judgements.iter().position(|judgement| !judgement.has(Verdict::Fail)) {
        return Decision::Deferred(Deferral::new(judgements.swap_remove(at)));
    }
    let least = judgements.into_iter().min_by_key(Judgement::failures);
    // `rules` is never empty; a judgement without findings still rejects.
    let none = Judgement { rule: None, findings: Vec::new(), gates: Vec::new() };
    Decision::Rejected(Rejection::new(least.unwrap_or(none)))
}

/// Makes every check of one rule that can be made of the facts.
fn judge(case: &Case<'_>, number: usize) -> Judgement {
    let mut judgement = Judgement { rule: Some(number), findings: Vec::new(), gates: Vec::new() };
    judgement.findings.push(checks::covered(case.rule, case.request));
    if !checks::is_ours(case.request, &case.evidence.run) {
        // An answer about another run says nothing of ours.
        judgement.findings.push(checks::run(case));
        return judgement;
    }
    judgement.findings.extend(checks::of_the_run(case));
    if judgement.has(Verdict::Wait) {
        return judgement;
    }
    let histories: Vec<History<'_>> = case.rule.gates.iter().map(|gate| gates::history(case, gate)).collect();
    if histories.iter().any(History::is_unfinished) {
        // While a gate may still be passed nothing else about gates and approvals is judged.
        let findings = histories.into_iter().flat_map(|history| history.findings);
        judgement.findings.extend(findings.filter(|finding| finding.verdict == Verdict::Wait));
        return judgement;
    }
    for history in &histories {
        judgement.findings.extend(history.findings.iter().cloned());
        judgement.findings.extend(gates::of_finished(case, history));
    }
    let people = people::judge(case, &histories);
    judgement.findings.extend(people.findings);
    judgement.gates = people.gates;
    judgement
}
