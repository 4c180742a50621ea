//! The check `policy`: does every policy in Rego that is attached to the rule agree?

use serde_json::{Map, Value as Json};

use super::case::Case;
use super::input::{Document, Known, is_by_hand};
use crate::gate::check::{Check, Finding, Verdict};
use crate::gate::passed_gate::PassedGate;
use crate::gate::rego::{Evaluation, Input, PolicyType, RegoError, RegoPolicy, Texts};
use crate::model::{listed, quoted, quoted_sentence};

/// What the policies of a rule said, besides their findings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RegoReport {
    /// What policies flagged, for those of later types.
    pub flags: Vec<String>,
    /// The evaluations that a policy wants to see in the log.
    pub samples: Vec<Sample>,
    /// The policies that could not be evaluated: an operator has to look.
    pub errors: Vec<RegoError>,
}

/// An evaluation, for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// The policy.
    pub policy: String,
    /// Its type.
    pub policy_type: PolicyType,
    /// Its text.
    pub text: String,
    /// The SHA-256 of the text, in hexadecimal digits.
    pub hash: String,
    /// What it saw as `input`.
    pub input: Input,
    /// The values of its rules.
    pub result: Map<String, Json>,
    /// What followed.
    pub verdict: Verdict,
}

/// The policies that are attached to a case's rule.
pub(in crate::gate) struct Policies<'a> {
    case: &'a Case<'a>,
    /// Made when the first of them is asked.
    document: Option<Document<'a>>,
}

impl<'a> Policies<'a> {
    pub(in crate::gate) fn of(case: &'a Case<'a>) -> Self {
        Self { case, document: None }
    }

    /// Asks the policies that are asked before gates are judged: first those of type `initialization`, then those of type `task`, which see what the first flagged.
    pub(in crate::gate) fn before_gates(&mut self, findings: &[Finding], report: &mut RegoReport) -> Vec<Finding> {
        let mut found = missing(self.case);
        for policy_type in [PolicyType::Initialization, PolicyType::Task] {
            found.extend(self.of_type(policy_type, findings, &[], report));
        }
        found
    }

    /// Asks the policies of type `approval`, when everything else is known.
    pub(in crate::gate) fn approval(
        &mut self,
        findings: &[Finding],
        gates: &[PassedGate],
        report: &mut RegoReport,
    ) -> Vec<Finding> {
        self.of_type(PolicyType::Approval, findings, gates, report)
    }

    /// Policies of one type do not see each other's flags.
    fn of_type(
        &mut self,
        policy_type: PolicyType,
        findings: &[Finding],
        gates: &[PassedGate],
        report: &mut RegoReport,
    ) -> Vec<Finding> {
        let case = self.case;
        let policies = case.rule.attached.iter().filter(|policy| policy.policy_type() == policy_type);
        if policies.clone().next().is_none() {
            return Vec::new();
        }
        if policy_type == PolicyType::Task && !is_by_hand(&case.evidence.run) {
            let got = "no person started the run by hand, so it was not asked";
            return policies
                .map(|policy| Finding::new(Check::Policy, Verdict::Pass, got, NO_DENY).of_policy(policy.name()))
                .collect();
        }
        let document = self.document.get_or_insert_with(|| Document::of(case));
        let input = document.input(&Known { flags: &report.flags, findings, gates });
        let mut flags = report.flags.clone();
        let found = policies.map(|policy| {
            let evaluated = input.clone().map_err(|problem| RegoError::of_policy(policy.name(), problem));
            let evaluated = evaluated.and_then(|input| Ok((policy.evaluate(&input)?, input)));
            let (evaluation, input) = match evaluated {
                Ok(evaluated) => evaluated,
                Err(error) => {
                    let finding =
                        Finding::new(Check::Policy, Verdict::Wait, "it could not be evaluated", expected(policy_type));
                    let finding =
                        finding.because(format!("it could not be evaluated: {error}")).of_policy(policy.name());
                    let finding = finding.meanwhile("Ask the platform team to correct the policy.");
                    report.errors.push(error);
                    return finding;
                }
            };
            let finding = finding(policy, &evaluation);
            flags.extend(evaluation.results.flag.iter().cloned());
            if evaluation.results.sample {
                report.samples.push(sample(policy, input, evaluation, finding.verdict));
            }
            finding
        });
        let found = found.collect();
        flags.sort();
        flags.dedup();
        report.flags = flags;
        found
    }
}

/// A policy that the rule names must be there. Reading the policies ensures that; this is for callers that forget to.
fn missing(case: &Case<'_>) -> Vec<Finding> {
    let is_missing = |name: &&String| !case.rule.attached.iter().any(|policy| policy.name() == name.as_str());
    let names = case.rule.policies.iter().map(|named| &named.name).filter(is_missing);
    names
        .map(|name| {
            Finding::new(Check::Policy, Verdict::Wait, "it was not read", "a policy that agrees").of_policy(name)
        })
        .collect()
}

const NO_DENY: &str = "no `deny`";
/// The fix of a policy that gave a reason, which may say what to do.
const AS_THE_POLICY_SAYS: &str = "Do what the policy asks, or ask the platform team, then start a new run.";

fn expected(policy_type: PolicyType) -> &'static str {
    match policy_type {
        PolicyType::Initialization | PolicyType::Task => NO_DENY,
        PolicyType::Approval => "`approve`, and no `reject`",
    }
}

/// What follows from an evaluation of a policy.
pub fn finding(policy: &RegoPolicy, Evaluation { results, .. }: &Evaluation) -> Finding {
    let (verdict, got) = match policy.policy_type() {
        PolicyType::Initialization | PolicyType::Task if results.deny.is_said => {
            (Verdict::Fail, said("denied", &results.deny))
        }
        PolicyType::Initialization | PolicyType::Task => (Verdict::Pass, NO_DENY.to_owned()),
        PolicyType::Approval if results.reject.is_said => (Verdict::Fail, said("rejected", &results.reject)),
        PolicyType::Approval if results.approve.is_said => (Verdict::Pass, said("approved", &results.approve)),
        PolicyType::Approval => (Verdict::Wait, "it has not approved yet".to_owned()),
    };
    let has_reason = [&results.deny, &results.reject].iter().any(|said| !said.texts.is_empty());
    let warning = results.warn.is_said.then(|| said("warning", &results.warn));
    let finding = Finding::new(Check::Policy, verdict, got, expected(policy.policy_type())).of_policy(policy.name());
    let finding = if has_reason { finding.fixed_by(AS_THE_POLICY_SAYS) } else { finding };
    Finding {
        warning,
        ..finding.meanwhile(format!("Ask the platform team what policy {} waits for.", quoted(policy.name())))
    }
}

/// `` denied: `no releases on weekends` ``.
fn said(what: &str, said: &Texts) -> String {
    if said.texts.is_empty() {
        return format!("{what}, without a reason");
    }
    format!("{what}: {}", listed(said.texts.iter().map(|text| quoted_sentence(text).to_string())))
}

fn sample(policy: &RegoPolicy, input: Input, evaluation: Evaluation, verdict: Verdict) -> Sample {
    Sample {
        policy: policy.name().to_owned(),
        policy_type: policy.policy_type(),
        text: policy.text().to_owned(),
        hash: policy.hash(),
        input,
        result: evaluation.values,
        verdict,
    }
}
