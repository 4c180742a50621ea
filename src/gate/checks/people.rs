//! Who approved what, as far as the rule asks for it. Not here: who may start a run, and whose approvals count.

use super::approval::{approvals, gate_approval};
use super::case::Case;
use super::execution::Execution;
use super::history::History;
use super::reviews::Reviews;
use super::starter::{starter, starters, unknown_starter};
use crate::gate::check::Finding;
use crate::gate::passed_gate::{Approver, PassedGate};

/// What the checks of people found, and who approved what.
pub(in crate::gate) struct People {
    pub(in crate::gate) findings: Vec<Finding>,
    pub(in crate::gate) gates: Vec<PassedGate>,
}

/// Judges who started the run and who approved its finished gates. With `approvals = 0` nobody has to.
pub(in crate::gate) fn judge(case: &Case<'_>, histories: &[History<'_>]) -> People {
    if case.rule.approvals == 0 {
        let gates = histories.iter().map(|history| passed(case, history, Vec::new())).collect();
        return People { findings: Vec::new(), gates };
    }
    let starters = match starters(case, histories) {
        Ok(starters) => starters,
        Err(attempt) => return People { findings: vec![unknown_starter(attempt)], gates: Vec::new() },
    };
    let mut findings = vec![starter(case, &starters)];
    let mut gates = Vec::new();
    for history in histories {
        let reviews = Reviews::count(case, history, &starters);
        findings.push(gate_approval(case, history, &reviews).of_gate(&history.gate.job));
        gates.push(passed(case, history, reviews.approvers));
    }
    findings.push(approvals(case, histories, &gates));
    People { findings, gates }
}

fn passed(case: &Case<'_>, history: &History<'_>, approvers: Vec<Approver>) -> PassedGate {
    PassedGate {
        job: history.gate.job.clone(),
        job_id: history.newest().map(|job| job.id),
        attempt: history.executions.last().map(Execution::attempt),
        environment: history.gate.environment.as_str().to_owned(),
        environment_id: case.environment(history.gate).map(|environment| environment.id),
        passed_at: history.completed_at(),
        approvers,
        claims: None,
    }
}
