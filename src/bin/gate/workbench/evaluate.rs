//! Evaluates the text in the editor, with the code that decides.

use environment_gate::gate::rego::{Evaluation, Input, PolicyType, RegoError, RegoPolicy};
use environment_gate::gate::{Finding, policy_finding};
use serde_json::{Map, Value};

use super::record::{Config, EvaluationOutcome, Record};
use crate::policy::input_fields;

/// The text in the editor.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    pub(super) name: String,
    pub(super) text: String,
}

/// What came of evaluating it.
#[derive(Debug)]
pub(super) struct Evaluated {
    pub(super) outcome: EvaluationOutcome,
    /// Why, in one line.
    pub(super) reason: String,
    pub(super) warning: Option<String>,
    /// The rules' values, by their names.
    pub(super) values: Map<String, Value>,
    /// What went wrong, and where.
    pub(super) problem: Option<RegoError>,
}

impl Draft {
    /// Reads the text as a policy.
    pub(super) fn policy(&self, config: &Config) -> Result<RegoPolicy, RegoError> {
        RegoPolicy::parse(&self.name, &self.text, config)
    }
}

/// Asks the policy.
pub(super) fn evaluate(policy: &RegoPolicy, input: &Input) -> Evaluated {
    match policy.evaluate(input) {
        Ok(evaluation) => {
            let Finding { verdict, reason, warning, .. } = policy_finding(policy, &evaluation);
            let Evaluation { values, .. } = evaluation;
            Evaluated { outcome: EvaluationOutcome::Verdict(verdict), reason, warning, values, problem: None }
        }
        Err(error) => Evaluated {
            outcome: EvaluationOutcome::Error,
            reason: error.to_string(),
            warning: None,
            values: Map::new(),
            problem: Some(error),
        },
    }
}

/// What to know before trusting the result: the policy would have seen another input, or would not have been asked.
pub(super) fn note(policy_type: PolicyType, record: &Record, input: &Input) -> Option<String> {
    let (this, that) = (policy_type.as_str(), record.policy_type.as_str());
    if policy_type != record.policy_type {
        return Some(format!(
            "This input is one that policies of type {that} see; this policy is of type {this}, which is asked at another moment and sees other facts."
        ));
    }
    let by_hand = input.as_json().pointer("/run/type").and_then(Value::as_str) == Some("TASK");
    if policy_type == PolicyType::Task && !by_hand {
        return Some("No person started this run by hand, so a policy of type task would not be asked.".to_owned());
    }
    let unknown = input_fields::unknown(input);
    (!unknown.is_empty()).then(|| format!("{}.", unknown.join("; ")))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use environment_gate::gate::Verdict;
    use serde_json::json;

    use super::*;

    fn evaluated(text: &str, input: Value) -> Evaluated {
        let draft = Draft { name: "p".to_owned(), text: text.to_owned() };
        evaluate(&draft.policy(&Config::default()).unwrap(), &Input::new(input).unwrap())
    }

    #[test]
    fn each_type_of_policy_decides_as_it_does_in_the_function() {
        let outcome = |text: &str| evaluated(text, json!({ "x": 1 })).outcome;
        let verdict = EvaluationOutcome::Verdict;
        assert_eq!(outcome("package p\ndeny[\"no\"] { input.x == 1 }"), verdict(Verdict::Fail));
        assert_eq!(outcome("package p\ndeny[\"no\"] { input.x == 2 }"), verdict(Verdict::Pass));
        assert_eq!(outcome("package p\napprove { input.x == 1 }"), verdict(Verdict::Pass));
        assert_eq!(outcome("package p\napprove { input.x == 2 }"), verdict(Verdict::Wait));
        assert_eq!(outcome("package p\nreject { input.x == 1 }"), verdict(Verdict::Fail));
    }

    #[test]
    fn a_policy_that_fails_is_an_error_with_its_place() {
        let evaluated = evaluated("package p\n\ndeny[\"no\"] { 1 / input.x == 1 }\n", json!({ "x": 0 }));
        assert_eq!(evaluated.outcome, EvaluationOutcome::Error);
        assert_eq!(evaluated.problem.and_then(|problem| problem.place).map(|place| place.line), Some(3));
    }

    #[test]
    fn another_type_of_policy_sees_something_else() {
        let record = |policy_type| Record {
            source: String::new(),
            claim: None,
            policy: None,
            policy_type,
            text: None,
            outcome: None,
            input: Input::new(json!({ "run": { "type": "TRACKED" } })).unwrap(),
            config: Config::default(),
        };
        let note = |this, that| {
            let record = record(that);
            super::note(this, &record, &record.input)
        };
        assert_eq!(note(PolicyType::Approval, PolicyType::Approval), None);
        assert!(note(PolicyType::Approval, PolicyType::Task).unwrap().contains("sees other facts"));
        assert!(note(PolicyType::Task, PolicyType::Task).unwrap().starts_with("No person started"));
    }

    #[test]
    fn a_field_that_no_policy_sees_is_noted() {
        let input = |json: Value| Input::new(json).unwrap();
        let record = |input: &Input| Record {
            source: String::new(),
            claim: None,
            policy: None,
            policy_type: PolicyType::Approval,
            text: None,
            outcome: None,
            input: input.clone(),
            config: Config::default(),
        };
        let note = |input: &Input| note(PolicyType::Approval, &record(input), input);
        assert_eq!(note(&input(json!({ "reqest": 1 }))), Some("input.reqest: not in the schema.".to_owned()));
        assert_eq!(note(&input(json!({ "request": {} }))), None);
    }
}
