//! Each claim of a gate's signature, and what it must be. Neither `sub`, which repositories can rewrite, nor `exp` is compared with anything: a gate is passed
//! once, and `max_age` says for how long that counts.

use jiff::Timestamp;
use serde_json::Value as Json;

use super::case::Case;
use super::execution::Execution;
use crate::gate::policy::{Gate, Runner};
use crate::gate::signature::{Claims, shown, text};
use crate::model::{EnvironmentName, Job, RefName, quoted, quoted_list};

/// Seconds by which GitHub's clocks may differ.
const CLOCK_SECONDS: i64 = 60;
/// Seconds for which a token of GitHub's is valid, at most.
const LIFETIME_SECONDS_MAX: i64 = 900;

/// What is the same for all tokens of the App.
pub(super) struct ExpectedClaims<'a> {
    pub(super) issuer: &'a str,
    pub(super) audience: &'a str,
}

/// One claim.
pub(super) struct Comparison {
    /// Its name in the token.
    pub(super) claim: &'static str,
    pub(super) got: String,
    pub(super) expected: String,
    pub(super) holds: bool,
}

/// Every claim that is compared. `None` if a fact is missing to compare one with.
pub(super) fn comparisons(
    case: &Case<'_>,
    gate: &Gate,
    execution: &Execution<'_>,
    expected: &ExpectedClaims<'_>,
    claims: &Claims,
) -> Option<Vec<Comparison>> {
    let run = &case.evidence.run;
    let owner_id = run.owner_id?;
    let exactly = |claim, got: &Option<Json>, expected: String| Comparison {
        claim,
        got: shown(got.as_ref()),
        holds: text(got.as_ref()).as_deref() == Some(expected.as_str()),
        expected: quoted(&expected).to_string(),
    };
    let mut compared = vec![
        exactly("iss", &claims.iss, expected.issuer.to_owned()),
        exactly("aud", &claims.aud, expected.audience.to_owned()),
        exactly("repository_id", &claims.repository_id, run.repository_id.to_string()),
        exactly("repository_owner_id", &claims.repository_owner_id, owner_id.to_string()),
        exactly("run_id", &claims.run_id, run.id.to_string()),
        job(execution, claims),
        exactly("sha", &claims.sha, run.head_sha.as_str().to_owned()),
        exactly("event_name", &claims.event_name, run.event.clone()),
        environment(gate, claims),
        ref_name(case, claims),
        ref_type(claims),
        workflow(case, claims),
        issued_at(execution, claims),
        lifetime(claims),
    ];
    compared.extend(run_attempt(execution, claims));
    let node_id = case.environment(gate).and_then(|environment| environment.node_id.as_ref());
    if let (Some(node_id), Some(_)) = (node_id, &claims.environment_node_id) {
        compared.push(exactly("environment_node_id", &claims.environment_node_id, node_id.clone()));
    }
    if !case.rule.gate_workflows.is_empty() {
        let got = text(claims.job_workflow_ref.as_ref());
        compared.push(Comparison {
            claim: "job_workflow_ref",
            got: shown(claims.job_workflow_ref.as_ref()),
            holds: got.is_some_and(|got| case.rule.gate_workflows.contains(&got)),
            expected: quoted_list(&case.rule.gate_workflows),
        });
    }
    if let Some(runner) = case.rule.runner {
        compared.push(exactly("runner_environment", &claims.runner_environment, Runner::as_str(runner).to_owned()));
    }
    Some(compared)
}

/// GitHub lists a job that was carried over once more, with another id. The token has that of the attempt in which it ran.
fn job(execution: &Execution<'_>, claims: &Claims) -> Comparison {
    let got = text(claims.check_run_id.as_ref());
    let ids: Vec<String> = execution.listed.iter().map(|job| job.id.to_string()).collect();
    Comparison {
        claim: "check_run_id",
        got: shown(claims.check_run_id.as_ref()),
        holds: got.is_some_and(|got| ids.contains(&got)),
        expected: quoted_list(&ids),
    }
}

/// The attempt under which the token's job is listed.
fn run_attempt(execution: &Execution<'_>, claims: &Claims) -> Option<Comparison> {
    let id = text(claims.check_run_id.as_ref());
    let job = execution.listed.iter().find(|job| id.as_deref() == Some(job.id.to_string().as_str()))?;
    let expected = job.attempt.map(|attempt| attempt.to_string()).unwrap_or_default();
    Some(Comparison {
        claim: "run_attempt",
        got: shown(claims.run_attempt.as_ref()),
        holds: text(claims.run_attempt.as_ref()).is_some_and(|got| got == expected),
        expected: quoted(&expected).to_string(),
    })
}

fn environment(gate: &Gate, claims: &Claims) -> Comparison {
    let got = text(claims.environment.as_ref());
    Comparison {
        claim: "environment",
        got: shown(claims.environment.as_ref()),
        holds: got.is_some_and(|got| EnvironmentName::parse(&got).is_ok_and(|got| got == gate.environment)),
        expected: quoted(gate.environment.as_str()).to_string(),
    }
}

/// The full ref: it is the run's, and one of the rule's.
fn ref_name(case: &Case<'_>, claims: &Claims) -> Comparison {
    let got = text(claims.ref_name.as_ref());
    let own = case.evidence.run.head_branch.as_ref();
    let is_allowed = |full: &str| case.rule.refs.iter().any(|pattern| pattern.matches_full(full));
    let is_own = |full: &str| {
        let short = full.strip_prefix("refs/heads/").or_else(|| full.strip_prefix("refs/tags/"));
        short.is_some() && short == own.map(RefName::as_str)
    };
    Comparison {
        claim: "ref",
        got: shown(claims.ref_name.as_ref()),
        holds: got.is_some_and(|got| is_own(&got) && is_allowed(&got)),
        expected: format!("the full name of the run's branch or tag, as one of {}", quoted_list(&case.rule.refs)),
    }
}

fn ref_type(claims: &Claims) -> Comparison {
    let full = text(claims.ref_name.as_ref()).unwrap_or_default();
    let expected = if full.starts_with("refs/tags/") { "tag" } else { "branch" };
    Comparison {
        claim: "ref_type",
        got: shown(claims.ref_type.as_ref()),
        holds: text(claims.ref_type.as_ref()).is_some_and(|got| got == expected),
        expected: quoted(expected).to_string(),
    }
}

/// `OWNER/NAME/.github/workflows/FILE@REF`: of the token's own repository and ref.
fn workflow(case: &Case<'_>, claims: &Claims) -> Comparison {
    let (repository, ref_name) = (text(claims.repository.as_ref()), text(claims.ref_name.as_ref()));
    let expected = repository.zip(ref_name).map(|(repository, ref_name)| {
        let file = &case.rule.workflow;
        format!("{repository}/{file}@{ref_name}")
    });
    Comparison {
        claim: "workflow_ref",
        got: shown(claims.workflow_ref.as_ref()),
        holds: expected.is_some() && text(claims.workflow_ref.as_ref()) == expected,
        expected: format!("{} of the repository, at the claim `ref`", quoted(&case.rule.workflow)),
    }
}

/// The job fetched it while it ran.
fn issued_at(execution: &Execution<'_>, claims: &Claims) -> Comparison {
    let Job { started_at, completed_at, .. } = execution.job;
    let got = claims.iat.as_ref().and_then(Json::as_i64);
    let (began, ended) = (seconds(*started_at), seconds(*completed_at));
    let is_between = |got: i64| {
        let after = began.is_some_and(|began| began.saturating_sub(CLOCK_SECONDS) <= got);
        after && ended.is_some_and(|ended| got <= ended.saturating_add(CLOCK_SECONDS))
    };
    let shown_at = |instant: Option<i64>| instant.map_or_else(|| "nothing".to_owned(), |second| second.to_string());
    Comparison {
        claim: "iat",
        got: shown(claims.iat.as_ref()),
        holds: got.is_some_and(is_between),
        expected: format!("{} to {}, give or take {CLOCK_SECONDS}", shown_at(began), shown_at(ended)),
    }
}

fn lifetime(claims: &Claims) -> Comparison {
    let second = |claim: &Option<Json>| claim.as_ref().and_then(Json::as_i64);
    let lifetime = second(&claims.exp).zip(second(&claims.iat)).map(|(exp, iat)| exp.saturating_sub(iat));
    Comparison {
        claim: "exp",
        got: shown(claims.exp.as_ref()),
        holds: lifetime.is_some_and(|lifetime| (0..=LIFETIME_SECONDS_MAX).contains(&lifetime)),
        expected: format!("at most {LIFETIME_SECONDS_MAX} s after `iat`"),
    }
}

/// Seconds since 1970, as a token has them.
fn seconds(instant: Option<Timestamp>) -> Option<i64> {
    instant.map(Timestamp::as_second)
}
