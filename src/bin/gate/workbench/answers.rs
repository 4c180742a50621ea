//! What the page asks for, and what it is answered. Not here: HTTP.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use environment_gate::gate::rego::{Input, RegoError, RegoPolicy};
use serde::Deserialize;
use serde_json::{Value, json};

use super::evaluate::{Draft, evaluate, note};
use super::in_json;
use super::policy_file::{PolicyFile, Saved};
use super::record::{Config, Record, Recorded};

/// Where there is neither a file nor a recorded text to begin with.
const FIRST_TEXT: &str = "package environment_gate\n\nimport rego.v1\n\n# What `input` holds is on the right.\ndeny contains \"no releases on weekends\" if {\n\ttime.weekday(input.request.timestamp_ns) in {\"Saturday\", \"Sunday\"}\n}\n";
const FIRST_NAME: &str = "policy";

/// What the page works on.
#[derive(Debug)]
pub(super) struct Workbench {
    pub(super) recorded: Recorded,
    pub(super) file: Option<PolicyFile>,
}

/// One recorded evaluation, with the policy and the input as they are in the editors.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EvaluateRequest {
    name: String,
    text: String,
    record: usize,
    input: String,
}

/// Several, as they were recorded.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EvaluateAllRequest {
    name: String,
    text: String,
    records: Vec<usize>,
}

/// The text to write, and the text that the file is known to have.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SaveRequest {
    text: String,
    known: Option<String>,
}

impl Workbench {
    /// Everything but inputs and texts.
    pub(super) fn state(&self) -> io::Result<Value> {
        let recorded =
            self.recorded.records.iter().find_map(|record| Some((record.policy.clone()?, record.text.clone()?)));
        let (path, known, draft) = if let Some(file) = &self.file {
            let known = file.read()?;
            (Some(file.path()), known.clone(), Draft { name: file.name().to_owned(), text: known.unwrap_or_default() })
        } else {
            let (name, text) = recorded.unwrap_or((FIRST_NAME.to_owned(), FIRST_TEXT.to_owned()));
            (None, None, Draft { name, text })
        };
        let policy_type = draft.policy(&Config::default()).ok().map(|policy| policy.policy_type().as_str());
        let policy =
            json!({ "name": draft.name, "path": path, "text": draft.text, "known": known, "type": policy_type });
        let records = self.recorded.records.iter().enumerate().map(|(id, record)| in_json::record(id, record));
        Ok(json!({
            "policy": policy,
            "records": records.collect::<Value>(),
            "unreadable": self.recorded.unreadable.iter().map(in_json::unreadable).collect::<Value>(),
        }))
    }

    /// The input and the text of a record.
    pub(super) fn record(&self, id: usize) -> Option<Value> {
        let record = self.recorded.records.get(id)?;
        Some(json!({ "input": format!("{:#}", record.input.as_json()), "text": record.text }))
    }

    /// Evaluates what is in the editors; `None` if there is no such record.
    pub(super) fn evaluate(&self, EvaluateRequest { name, text, record, input }: EvaluateRequest) -> Option<Value> {
        let record = self.recorded.records.get(record)?;
        let draft = Draft { name, text };
        let policy = draft.policy(&record.config);
        let input = read_input(&input);
        let mut answer = json!({
            "type": policy.as_ref().ok().map(|policy| policy.policy_type().as_str()),
            "problem": policy.as_ref().err().map(in_json::problem),
            "input_problem": input.as_ref().err(),
            "timeline": input.as_ref().ok().map(|input| in_json::timeline(&super::timeline::timeline(input.as_json()))),
            "difference": record.text.as_ref().map(|recorded| in_json::differences(recorded, &draft.text)),
        });
        if let (Ok(policy), Ok(input)) = (&policy, &input) {
            let evaluated = evaluate(policy, input);
            let fields = [
                ("result", in_json::evaluated(&evaluated)),
                ("note", note(policy.policy_type(), record, input).into()),
            ];
            let problem = evaluated.problem.as_ref().map(|problem| ("problem", in_json::problem(problem)));
            let fields = fields.into_iter().chain(problem).map(|(name, value)| (name.to_owned(), value));
            answer.as_object_mut().into_iter().for_each(|answer| answer.extend(fields.clone()));
        }
        Some(answer)
    }

    /// Evaluates the text on several records, as long as somebody waits for it.
    pub(super) fn evaluate_all(
        &self,
        EvaluateAllRequest { name, text, records }: EvaluateAllRequest,
        is_awaited: impl Fn() -> bool,
    ) -> Value {
        let mut policies = Policies { draft: Draft { name, text }, read: BTreeMap::new() };
        let (mut results, mut first_problem) = (Vec::new(), None);
        let records = records.into_iter().filter_map(|id| Some((id, self.recorded.records.get(id)?)));
        for (id, record) in records.take_while(|_| is_awaited()) {
            match policies.of(record) {
                Ok(policy) => {
                    let evaluated = evaluate(policy, &record.input);
                    let note = note(policy.policy_type(), record, &record.input);
                    let (outcome, reason) = (evaluated.outcome.as_str(), evaluated.reason);
                    results.push(json!({ "id": id, "outcome": outcome, "reason": reason, "note": note }));
                }
                Err(problem) => first_problem = first_problem.or(Some(in_json::problem(problem))),
            }
        }
        json!({ "problem": first_problem, "results": results })
    }

    /// Writes the policy's file; `None` if there is none.
    pub(super) fn save(&self, SaveRequest { text, known }: &SaveRequest) -> Option<io::Result<Result<Value, Value>>> {
        let saved = self.file.as_ref()?.save(text, known.as_deref());
        Some(saved.map(|saved| match saved {
            Saved::Written => Ok(json!({ "known": text })),
            Saved::Changed(present) => {
                let difference = in_json::differences(present.as_deref().unwrap_or_default(), text);
                Err(json!({ "present": present, "difference": difference }))
            }
        }))
    }
}

/// The text in the editor, read once for each table `[data]`.
struct Policies {
    draft: Draft,
    read: BTreeMap<*const serde_json::Map<String, Value>, Result<RegoPolicy, RegoError>>,
}

impl Policies {
    fn of(&mut self, record: &Record) -> Result<&RegoPolicy, &RegoError> {
        let config: &Config = &record.config;
        let read = self.read.entry(Arc::as_ptr(config));
        read.or_insert_with(|| self.draft.policy(config)).as_ref()
    }
}

/// An input that was edited by hand.
fn read_input(text: &str) -> Result<Input, Value> {
    let json: Value = serde_json::from_str(text).map_err(|error| in_json::input_problem(&error))?;
    Input::new(json).map_err(|problem| json!({ "line": null, "column": null, "text": problem }))
}
