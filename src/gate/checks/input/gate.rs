//! What policies see of a gate.

use super::people::teams;
use super::run::instant;
use crate::gate::checks::case::Case;
use crate::gate::passed_gate::{Approver, PassedGate};
use crate::gate::policy::Gate;
use crate::gate::rego::{InputValue, object};

pub(super) fn gate(case: &Case<'_>, gate: &Gate, judged: &[PassedGate]) -> Result<InputValue, String> {
    let environment = case.environment(gate);
    let judged = judged.iter().find(|judged| judged.job == gate.job);
    let approvers = judged.into_iter().flat_map(|gate| &gate.approvers);
    let approvers = approvers.map(|Approver { id, login }| {
        object(vec![("id", (*id).into()), ("login", login.as_str().into()), ("teams", teams(case, login))])
    });
    Ok(object(vec![
        ("job", gate.job.as_str().into()),
        ("environment", gate.environment.as_str().into()),
        ("environment_id", environment.map(|environment| environment.id).into()),
        ("required_reviewers", environment.map(|environment| environment.required_reviewers).into()),
        ("job_id", judged.and_then(|gate| gate.job_id).into()),
        ("attempt", judged.and_then(|gate| gate.attempt).into()),
        ("passed_at", instant(judged.and_then(|gate| gate.passed_at))),
        ("signature", judged.map(signature).transpose()?.into()),
        ("approvers", approvers.collect()),
    ]))
}

/// The claims of a gate's signature, if the rule demands one.
pub(super) fn signature(gate: &PassedGate) -> Result<InputValue, String> {
    let Some(claims) = &gate.claims else { return Ok(InputValue::NULL) };
    let claims = claims.by_name().map(|(name, claim)| Ok((name, claim.map(InputValue::read).transpose()?.into())));
    Ok(object(claims.into_iter().collect::<Result<_, String>>()?))
}
