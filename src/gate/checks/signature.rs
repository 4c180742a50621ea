//! The check `gate-signature`: did the gate's job prove itself, in the gate's environment and at an allowed ref?

use super::case::{Case, lag};
use super::execution::Execution;
use super::history::History;
use super::signed_claims::{Comparison, ExpectedClaims, comparisons};
use crate::gate::check::{Check, Finding, Verdict};
use crate::gate::signature::{Candidate, Claims, Signatures, TokenError, artifact_name, verify};
use crate::model::{Job, quoted, quoted_list};

/// What was found of one gate's signature.
pub(in crate::gate) struct Signed {
    pub(in crate::gate) finding: Finding,
    /// The claims of a signature that holds.
    pub(in crate::gate) claims: Option<Claims>,
}

/// What came of one artifact, the best last.
enum Tried {
    Wrong {
        why: String,
        fix: Option<String>,
    },
    /// It may still turn out right.
    Open(String),
    Right(Box<Claims>),
}

impl Tried {
    /// Wrong, with the check's own fix.
    fn wrong(why: String) -> Self {
        Self::Wrong { why, fix: None }
    }
}

/// Looks for one signature that holds. Any job of the run can plant artifacts beside it, or delete it: that can keep a release out, never let one in.
pub(in crate::gate) fn gate_signature(case: &Case<'_>, history: &History<'_>) -> Signed {
    let expected = "a signature of the gate's job";
    let finding = |verdict, got: String| Finding::new(Check::GateSignature, verdict, got, expected);
    let none = |finding: Finding| Signed { finding: finding.of_gate(&history.gate.job), claims: None };
    let (Some(execution), Some(signatures)) = (history.executions.last(), case.evidence.signatures.as_ref()) else {
        return none(finding(Verdict::Wait, "it was not read".to_owned()));
    };
    // Of a job that is listed in many attempts, not every listing is read; the first, which signed, must be.
    if !signatures.of_jobs.contains_key(&execution.job.id) {
        return none(finding(Verdict::Wait, "it was not read".to_owned()));
    }
    let candidates = execution.listed.iter().filter_map(|job| signatures.of_jobs.get(&job.id));
    let may_appear = execution.job.completed_at.is_none_or(|ended| !case.is_settled(ended));
    let (mut open, mut wrong, mut better) = (None, None, None);
    for candidate in candidates.flatten() {
        match try_candidate(case, history, execution, signatures, candidate, may_appear) {
            Tried::Right(claims) => {
                let finding = finding(Verdict::Pass, signed_text(&claims, execution.job));
                return Signed { finding: finding.of_gate(&history.gate.job), claims: Some(*claims) };
            }
            Tried::Open(why) => open = open.or(Some(why)),
            Tried::Wrong { why, fix } => {
                wrong = wrong.or(Some(why));
                better = better.or(fix);
            }
        }
    }
    none(match (open, wrong) {
        (Some(why), _) => finding(Verdict::Wait, why),
        (None, Some(why)) if !may_appear => {
            let finding = finding(Verdict::Fail, why);
            if let Some(fix) = better { finding.fixed_by(fix) } else { finding }
        }
        (None, Some(why)) => finding(Verdict::Wait, format!("{why}; {}", lag())),
        (None, None) if may_appear => finding(Verdict::Wait, format!("{}; {}", missing(execution), lag())),
        (None, None) => finding(Verdict::Fail, missing(execution)).fixed_by(
            "Let the gate's job sign itself, as docs/signed-runs.md shows. Then start a new run and have its gate approved.",
        ),
    })
}

fn try_candidate(
    case: &Case<'_>,
    history: &History<'_>,
    execution: &Execution<'_>,
    signatures: &Signatures,
    candidate: &Candidate,
    may_appear: bool,
) -> Tried {
    let text = match candidate {
        Candidate::Text(text) => text,
        Candidate::Unusable(why) => return Tried::wrong(format!("the artifact is no signature: {why}")),
        Candidate::Unreachable(why) => return Tried::Open(format!("the signature cannot be read now: {why}")),
    };
    let Some(keys) = &signatures.keys else { return Tried::Open("the issuer's keys were not read".to_owned()) };
    let claims = match verify(text, keys) {
        Ok(claims) => claims,
        Err(error @ TokenError::UnknownKey(_)) if may_appear => {
            return Tried::Open(format!("the artifact is no signature yet: {error}; {}", lag()));
        }
        Err(error) => return Tried::wrong(format!("the artifact is no signature: {error}")),
    };
    let expected = ExpectedClaims { issuer: &keys.issuer, audience: &signatures.audience };
    let Some(comparisons) = comparisons(case, history.gate, execution, &expected, &claims) else {
        return Tried::Open("GitHub's answer lacks the id of the repository's owner".to_owned());
    };
    match comparisons.into_iter().find(|comparison| !comparison.holds) {
        Some(Comparison { claim, got, expected, .. }) => {
            let why = format!("claim `{claim}` of the signature is {got}, expected {expected}");
            let fix = (claim == "environment").then(|| {
                let environment = quoted(&format!("environment: {}", history.gate.environment.as_str())).to_string();
                format!("Give the gate's job {environment}. Then start a new run and have its gate approved.")
            });
            Tried::Wrong { why, fix }
        }
        None => Tried::Right(Box::new(claims)),
    }
}

fn missing(execution: &Execution<'_>) -> String {
    let names = quoted_list(execution.listed.iter().map(|job| artifact_name(job.id)));
    format!("the run has no artifact {names}")
}

fn signed_text(claims: &Claims, job: &Job) -> String {
    let at = claims.ref_name.as_ref().and_then(|at| at.as_str()).unwrap_or_default();
    format!("job {} signed itself at {}", job.id, quoted(at))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

    use std::sync::LazyLock;

    use base64::Engine as _;
    use jsonwebtoken::jwk::{Jwk, JwkSet};
    use jsonwebtoken::{Algorithm, EncodingKey, Header};
    use secrecy::ExposeSecret as _;
    use serde_json::{Map, Value, json};

    use super::*;
    use crate::gate::Decision;
    use crate::gate::signature::IssuerKeys;
    use crate::gate::tests::{World, ago, found, job};
    use crate::world::Key;

    const ISSUER: &str = "https://token.actions.githubusercontent.com";

    static KEY: LazyLock<EncodingKey> = LazyLock::new(|| {
        let key = Key::generate().unwrap();
        EncodingKey::from_rsa_pem(key.private_pem().expose_secret().as_bytes()).unwrap()
    });

    fn keys(id: &str) -> IssuerKeys {
        let mut jwk = Jwk::from_encoding_key(&KEY, Algorithm::RS256).unwrap();
        jwk.common.key_id = Some(id.to_owned());
        let set = serde_json::to_vec(&JwkSet { keys: vec![jwk] }).unwrap();
        IssuerKeys::parse(ISSUER, &set).unwrap()
    }

    fn header() -> Header {
        Header { kid: Some("one".to_owned()), ..Header::new(Algorithm::RS256) }
    }

    /// The claims of the good world's gate.
    fn claims() -> Map<String, Value> {
        let issued_at = ago(630).as_second();
        let Value::Object(claims) = json!({
            "iss": ISSUER, "aud": "environment-gate-123456", "iat": issued_at, "exp": issued_at.saturating_add(300),
            "repository": "octo-org/widgets", "repository_id": "4242", "repository_owner_id": "77",
            "run_id": "9001", "run_attempt": "1", "check_run_id": "7001", "sha": "a".repeat(40),
            "event_name": "workflow_dispatch", "environment": "release-gate", "environment_node_id": "EN_1",
            "ref": "refs/heads/main", "ref_type": "branch",
            "workflow_ref": "octo-org/widgets/.github/workflows/release.yml@refs/heads/main",
            "job_workflow_ref": "octo-org/widgets/.github/workflows/release.yml@refs/heads/main",
            "runner_environment": "github-hosted",
        }) else {
            panic!()
        };
        claims
    }

    fn signed(claims: &Map<String, Value>) -> Candidate {
        Candidate::Text(jsonwebtoken::encode(&header(), claims, &KEY).unwrap())
    }

    /// The good world under a signed rule, with what the gate's artifacts hold.
    fn with(candidates: Vec<Candidate>) -> impl FnOnce(&mut World) {
        |world| {
            world.policy += "signed = true\nrunner = \"github-hosted\"\ngate_workflows = [\"octo-org/widgets/.github/workflows/release.yml@refs/heads/main\"]\n";
            world.gate_environment().as_mut().unwrap().node_id = Some("EN_1".to_owned());
            let audience = Signatures::audience("123456");
            world.facts.signatures =
                Some(Signatures { keys: Some(keys("one")), audience, of_jobs: [(7001, candidates)].into() });
        }
    }

    fn verdict(candidates: Vec<Candidate>) -> (Verdict, String) {
        let finding = found(Check::GateSignature, with(candidates));
        (finding.verdict, finding.reason)
    }

    #[test]
    fn every_claim_that_is_compared_rejects_if_it_is_wrong_or_missing() {
        let may_be_missing = ["environment_node_id"];
        let wrong = |claim: &str| match claim {
            "iat" => json!(ago(800).as_second()),
            "exp" => json!(ago(630).as_second().saturating_add(901)),
            "ref_type" => json!("tag"),
            _ => json!("another"),
        };
        assert_eq!(verdict(vec![signed(&claims())]).0, Verdict::Pass);
        for claim in claims().keys() {
            // Only `workflow_ref` is compared with it.
            let named = if claim == "repository" { "workflow_ref" } else { claim.as_str() };
            let mut changed = claims();
            changed.insert(claim.clone(), wrong(claim));
            let (got, reason) = verdict(vec![signed(&changed)]);
            assert!(got == Verdict::Fail && reason.contains(&format!("`{named}`")), "{claim} wrong: {got:?}: {reason}");
            changed.remove(claim);
            let (got, reason) = verdict(vec![signed(&changed)]);
            let expected = if may_be_missing.contains(&claim.as_str()) { Verdict::Pass } else { Verdict::Fail };
            assert_eq!(got, expected, "{claim} missing: {reason}");
        }
    }

    #[test]
    fn ids_may_be_numbers() {
        let mut claims = claims();
        claims.insert("repository_id".to_owned(), json!(4242));
        assert_eq!(verdict(vec![signed(&claims)]).0, Verdict::Pass);
    }

    #[test]
    fn two_audiences_are_not_ours() {
        let mut claims = claims();
        claims.insert("aud".to_owned(), json!(["environment-gate-123456", "sts.amazonaws.com"]));
        assert_eq!(verdict(vec![signed(&claims)]).0, Verdict::Fail);
    }

    #[test]
    fn one_signature_that_holds_is_enough() {
        let mut forged = claims();
        forged.insert("environment".to_owned(), json!("another"));
        let candidates = vec![signed(&forged), Candidate::Unreachable("503".to_owned()), signed(&claims())];
        assert_eq!(verdict(candidates).0, Verdict::Pass);
    }

    #[test]
    fn what_cannot_be_fetched_waits_however_old_the_gate_is() {
        let candidates = vec![Candidate::Unusable("it is a ZIP".to_owned()), Candidate::Unreachable("503".to_owned())];
        assert_eq!(verdict(candidates).0, Verdict::Wait);
    }

    #[test]
    fn a_signature_may_appear_for_a_minute() {
        let at = |seconds: i64| {
            let finding = found(Check::GateSignature, |world| {
                with(Vec::new())(world);
                world.gate_job().completed_at = Some(ago(seconds));
            });
            finding.verdict
        };
        assert_eq!((at(59), at(60)), (Verdict::Wait, Verdict::Fail));
    }

    #[test]
    fn an_unknown_key_may_appear_for_a_minute() {
        let at = |seconds: i64| {
            let finding = found(Check::GateSignature, |world| {
                with(vec![signed(&claims())])(world);
                world.facts.signatures.as_mut().unwrap().keys = Some(keys("two"));
                world.gate_job().completed_at = Some(ago(seconds));
            });
            finding.verdict
        };
        assert_eq!((at(59), at(60)), (Verdict::Wait, Verdict::Fail));
    }

    #[test]
    fn a_job_that_is_listed_again_keeps_the_signature_of_its_first_attempt() {
        let finding = found(Check::GateSignature, |world| {
            with(vec![signed(&claims())])(world);
            world.rerun();
            let claims = {
                let mut claims = claims();
                claims.insert("iat".to_owned(), json!(ago(3030).as_second()));
                claims.insert("exp".to_owned(), json!(ago(2730).as_second()));
                claims
            };
            world.facts.jobs[1].attempt = Some(2);
            let copy = Job { id: 7101, attempt: Some(2), ..world.facts.jobs[0].clone() };
            world.facts.jobs.push(copy);
            let of_jobs = &mut world.facts.signatures.as_mut().unwrap().of_jobs;
            *of_jobs = [(7001, vec![signed(&claims)]), (7101, Vec::new())].into();
        });
        assert_eq!(
            (finding.verdict, finding.got.as_str()),
            (Verdict::Pass, "job 7001 signed itself at `refs/heads/main`")
        );
    }

    #[test]
    fn a_signed_rule_may_take_tags_alone() {
        let finding = found(Check::GateSignature, |world| {
            with(vec![signed(&claims())])(world);
            world.policy = world.policy.replace("refs = [\"main\"]", "refs = [\"refs/tags/main\"]");
        });
        assert!(finding.verdict == Verdict::Fail && finding.reason.contains("`ref`"), "{}", finding.reason);
    }

    #[test]
    fn tokens_that_are_no_signature_are_told_why() {
        let token = |header: Value, claims: &str| {
            let encode = |text: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
            Candidate::Text(format!("{}.{}.{}", encode(&header.to_string()), encode(claims), encode("x")))
        };
        let public = serde_json::to_string(&keys("one").find("one")).unwrap();
        let symmetric = EncodingKey::from_secret(public.as_bytes());
        let hs256 = Header { kid: Some("one".to_owned()), ..Header::new(Algorithm::HS256) };
        let hs256 = Candidate::Text(jsonwebtoken::encode(&hs256, &claims(), &symmetric).unwrap());
        for (candidate, why) in [
            (token(json!({"alg": "none", "kid": "one"}), "{}"), "its algorithm is `none`"),
            (hs256, "its algorithm is `HS256`"),
            (token(json!({"alg": "RS256"}), "{}"), "it does not name its key"),
            (token(json!({"alg": "RS256", "kid": "one", "crit": ["x"]}), "{}"), "its header has `crit`"),
            (token(json!({"alg": "RS256", "kid": "one"}), "{}"), "its signature is wrong"),
            (Candidate::Text("PK\u{3}\u{4}".to_owned()), "it is not a JSON Web Token"),
            (Candidate::Text("a".repeat(1024 * 1024)), "more than 16384 bytes"),
        ] {
            let (verdict, reason) = verdict(vec![candidate]);
            assert!(verdict == Verdict::Fail && reason.contains(why), "{reason}");
        }
    }

    #[test]
    fn a_claim_that_is_given_twice_is_unreadable() {
        let text = serde_json::to_string(&claims()).unwrap().replacen('{', "{\"environment\":\"another\",", 1);
        let encode = |bytes: &[u8]| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes);
        let message = format!("{}.{}", encode(&serde_json::to_vec(&header()).unwrap()), encode(text.as_bytes()));
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &KEY, Algorithm::RS256).unwrap();
        let (verdict, reason) = verdict(vec![Candidate::Text(format!("{message}.{signature}"))]);
        assert!(verdict == Verdict::Fail && reason.contains("given twice"), "{reason}");
    }

    #[test]
    fn an_approval_shows_the_claims_of_each_gate() {
        let mut world = World::new();
        with(vec![signed(&claims())])(&mut world);
        let Decision::Approved(approval) = world.decision() else { panic!("{:#?}", world.decision()) };
        let claims = approval.gates()[0].claims.as_ref().unwrap();
        assert!(claims.by_name().contains(&("environment", Some(&json!("release-gate")))));
    }

    #[test]
    fn without_the_owners_id_nothing_is_concluded() {
        let finding = found(Check::GateSignature, |world| {
            with(vec![signed(&claims())])(world);
            world.facts.run.owner_id = None;
        });
        assert_eq!(finding.verdict, Verdict::Wait);
    }

    #[test]
    fn a_second_gate_needs_a_signature_of_its_own() {
        let mut world = World::new();
        with(vec![signed(&claims())])(&mut world);
        world.add_security_gate();
        world.facts.signatures.as_mut().unwrap().of_jobs.insert(job(7003, "security-gate").id, Vec::new());
        assert!(matches!(world.decision(), Decision::Rejected(_)));
    }
}
