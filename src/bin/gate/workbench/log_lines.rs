//! Recorded evaluations from the function's log: lines of `environment_gate::sample`, as they are or as AWS exports them.

use environment_gate::gate::Verdict;
use environment_gate::gate::rego::{Input, PolicyType};
use serde_json::{Map, Value};

use super::record::{Config, EvaluationOutcome, Record, Unreadable};

/// The lines that hold an evaluation.
const TARGET: &str = "environment_gate::sample";
/// A field that only they have, for those whose end, where the target stands, was cut off.
const FIELD: &str = "policy_type";
/// Where AWS puts a line: in its console's export and in its API's answers.
const LINE_KEYS: [&str; 2] = ["@message", "message"];
/// Where its API's answers have their list of lines.
const LIST_KEYS: [&str; 2] = ["events", "results"];
/// How deep a line may be wrapped.
const WRAPPERS_MAX: usize = 6;

/// Reads a file's text: JSON lines, or one JSON document. Other lines of a log are passed over.
pub(super) fn read(file: &str, text: &str, config: &Config) -> (Vec<Record>, Vec<Unreadable>) {
    let mut found = Found { file, config, line: None, records: Vec::new(), unreadable: Vec::new() };
    let whole = serde_json::from_str::<Value>(text);
    match &whole {
        Ok(document) => found.document(document, 0),
        Err(_) => found.lines(text),
    }
    if found.records.is_empty() && found.unreadable.is_empty() {
        let problem = match whole {
            Err(error) if text.trim_start().starts_with(['[', '{']) => format!("; as one JSON document: {error}"),
            _ => String::new(),
        };
        found.unreadable.push(Unreadable::new(file, &format!("got no log line of `{TARGET}`{problem}")));
    }
    (found.records, found.unreadable)
}

struct Found<'a> {
    file: &'a str,
    config: &'a Config,
    line: Option<usize>,
    records: Vec<Record>,
    unreadable: Vec<Unreadable>,
}

impl Found<'_> {
    fn lines(&mut self, text: &str) {
        for (number, line) in (1..).zip(text.lines()) {
            self.line = Some(number);
            self.text(line, 0);
        }
    }

    /// One line. Tools write the time and the name of the log stream before it.
    fn text(&mut self, line: &str, depth: usize) {
        let Some(json) = line.find('{').and_then(|start| line.get(start..)) else { return };
        match serde_json::from_str::<Value>(json) {
            Ok(document) => self.document(&document, depth),
            Err(error) if line.contains(TARGET) || line.contains(FIELD) => {
                self.refuse(&format!("it is cut off, or is not JSON: {error}"));
            }
            Err(_) => {}
        }
    }

    fn document(&mut self, document: &Value, depth: usize) {
        if depth >= WRAPPERS_MAX {
            return;
        }
        let deeper = depth.saturating_add(1);
        match document {
            Value::Array(items) => items.iter().for_each(|item| self.document(item, deeper)),
            Value::Object(fields) if fields.get("target").is_some_and(|target| target == TARGET) => self.sample(fields),
            Value::Object(fields) => {
                // An answer of Logs Insights names each of a line's fields.
                let field = fields.get("field").filter(|field| *field == "@message").and_then(|_| fields.get("value"));
                let line = LINE_KEYS.iter().find_map(|key| fields.get(*key)).or(field);
                match line {
                    Some(Value::String(line)) => self.text(line, deeper),
                    Some(other) => self.document(other, deeper),
                    None => {
                        LIST_KEYS
                            .iter()
                            .filter_map(|key| fields.get(*key))
                            .for_each(|list| self.document(list, deeper));
                    }
                }
            }
            _ => {}
        }
    }

    fn sample(&mut self, fields: &Map<String, Value>) {
        match sample(fields) {
            Ok(Sample { policy, policy_type, text, outcome, input }) => self.records.push(Record {
                source: self.source(),
                claim: None,
                policy: Some(policy),
                policy_type,
                text,
                outcome,
                input,
                config: self.config.clone(),
            }),
            Err(reason) => self.refuse(&reason),
        }
    }

    fn refuse(&mut self, reason: &str) {
        self.unreadable.push(Unreadable::new(self.source(), reason));
    }

    /// The line, or the number of the sample in a document.
    fn source(&self) -> String {
        let count = self.records.len().saturating_add(self.unreadable.len()).saturating_add(1);
        match self.line {
            Some(line) => format!("{}, line {line}", self.file),
            None => format!("{}, sample {count}", self.file),
        }
    }
}

struct Sample {
    policy: String,
    policy_type: PolicyType,
    text: Option<String>,
    outcome: Option<EvaluationOutcome>,
    input: Input,
}

fn sample(fields: &Map<String, Value>) -> Result<Sample, String> {
    let word = |name: &str| fields.get(name).and_then(Value::as_str);
    let policy = word("policy").ok_or("got no `policy`, expected the policy's name")?.to_owned();
    let named = word("policy_type").unwrap_or_default();
    let types = PolicyType::ALL;
    let policy_type = types.into_iter().find(|known| known.as_str() == named).ok_or_else(|| {
        format!("got `policy_type` `{named}`, expected one of {}", types.map(PolicyType::as_str).join(", "))
    })?;
    let outcome = word("verdict").map(outcome).transpose()?;
    let input = match fields.get("input") {
        Some(Value::String(json)) => {
            serde_json::from_str(json).map_err(|error| format!("its `input` is cut off: {error}"))?
        }
        Some(json) if !json.is_null() => json.clone(),
        _ => return Err(no_input(fields)),
    };
    let input = Input::new(input)?;
    Ok(Sample { policy, policy_type, text: word("text").map(ToOwned::to_owned), outcome, input })
}

fn outcome(word: &str) -> Result<EvaluationOutcome, String> {
    let verdicts = [Verdict::Pass, Verdict::Wait, Verdict::Fail];
    let verdict = verdicts.into_iter().find(|verdict| verdict.as_str() == word);
    let expected = "expected `pass`, `wait` or `fail`";
    verdict.map(EvaluationOutcome::Verdict).ok_or_else(|| format!("got `verdict` `{word}`, {expected}"))
}

fn no_input(fields: &Map<String, Value>) -> String {
    match fields.get("input_bytes_omitted").and_then(Value::as_u64) {
        Some(bytes) => format!("it has no `input`: its {bytes} bytes did not fit into a log line"),
        None => "it has no `input`".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

    use serde_json::json;

    use super::*;

    fn line() -> Value {
        json!({
            "timestamp": "2026-01-05T10:15:01Z", "level": "INFO", "policy": "business-hours", "policy_type": "initialization",
            "hash": "00", "text": "package p\n", "input": json!({ "version": 1 }).to_string(), "result": "{}",
            "verdict": "fail", "delivery": "d", "message": "sample", "target": TARGET,
        })
    }

    fn read(text: &str) -> (Vec<Record>, Vec<String>) {
        let (records, unreadable) = super::read("log", text, &Config::default());
        (records, unreadable.into_iter().map(|entry| format!("{}: {}", entry.source, entry.reason)).collect())
    }

    /// The only thing that is wrong with the line.
    fn wrong(change: impl FnOnce(&mut Map<String, Value>)) -> String {
        let mut line = line();
        change(line.as_object_mut().unwrap());
        let (records, mut unreadable) = read(&format!("{line}\n"));
        assert_eq!((records.len(), unreadable.len()), (0, 1), "{unreadable:?}");
        unreadable.remove(0)
    }

    #[test]
    fn a_line_of_the_log_is_an_evaluation() {
        let (records, unreadable) =
            read(&format!("{}\n{}\n", json!({ "target": "environment_gate::decision" }), line()));
        assert_eq!((records.len(), unreadable.len()), (1, 0), "{unreadable:?}");
        let record = &records[0];
        assert_eq!((record.source.as_str(), record.policy.as_deref()), ("log, line 2", Some("business-hours")));
        assert_eq!(record.text.as_deref(), Some("package p\n"));
        assert_eq!(record.outcome, Some(EvaluationOutcome::Verdict(Verdict::Fail)));
        assert_eq!(record.input.as_json(), &json!({ "version": 1 }));
    }

    #[test]
    fn cloudwatchs_forms_are_taken_apart() {
        let line = line().to_string();
        for (form, text) in [
            ("an API's answer", json!({ "events": [{ "timestamp": 1, "message": line }] }).to_string()),
            (
                "of Logs Insights",
                json!({ "results": [[{ "field": "@message", "value": line }, { "field": "@ptr", "value": "x" }]] })
                    .to_string(),
            ),
            ("its console's export", json!([{ "@timestamp": "x", "@message": line }]).to_string()),
            ("with the line taken apart", json!([{ "@message": self::line() }]).to_string()),
            ("an array of lines", json!([self::line()]).to_string()),
            ("an event on each line", format!("{}\n{}\n", json!({ "message": line }), json!({ "message": "START" }))),
            ("with the time before it", format!("2026-01-05T10:15:01 2026/01/05/[$LATEST]0f {line}\nREPORT x\n")),
        ] {
            let (records, unreadable) = read(&text);
            assert_eq!((records.len(), unreadable.len()), (1, 0), "{form}: {unreadable:?}");
        }
    }

    #[test]
    fn a_line_that_is_cut_off_says_so() {
        // Its end, where the target stands, is what is lost.
        let cut = r#"{"timestamp":"x","level":"INFO","policy":"p","policy_type":"task","input":"{\"run\""#;
        let (records, unreadable) = read(&format!("{}\n{cut}\n", line()));
        assert_eq!(records.len(), 1);
        assert!(unreadable[0].starts_with("log, line 2: it is cut off, or is not JSON: "), "{unreadable:?}");
    }

    #[test]
    fn a_line_without_an_input_says_why() {
        let too_large = wrong(|fields| {
            fields.remove("input");
            fields.insert("input_bytes_omitted".to_owned(), 123_456.into());
        });
        assert_eq!(
            too_large,
            "log, line 1: it has no `input`: its 123456 bytes did not fit into a log line"
                .replace("line 1", "sample 1")
        );
        assert!(
            wrong(|fields| {
                fields.remove("input");
            })
            .ends_with("it has no `input`")
        );
        assert!(
            wrong(|fields| {
                fields["input"] = "{\"run\": ".into();
            })
            .contains("its `input` is cut off: EOF")
        );
        assert!(
            wrong(|fields| {
                fields["input"] = "7".into();
            })
            .contains("got JSON that is not an object")
        );
    }

    #[test]
    fn what_is_not_as_the_function_writes_it_says_what_was_expected() {
        assert!(
            wrong(|fields| {
                fields.remove("policy");
            })
            .contains("got no `policy`")
        );
        assert!(
            wrong(|fields| {
                fields["policy_type"] = "plan".into();
            })
            .contains("got `policy_type` `plan`, expected one of initialization")
        );
        assert!(
            wrong(|fields| {
                fields["verdict"] = "maybe".into();
            })
            .contains("got `verdict` `maybe`, expected `pass`")
        );
    }

    #[test]
    fn a_file_without_any_such_line_says_so() {
        assert_eq!(read("hello\n").1, ["log: got no log line of `environment_gate::sample`"]);
        assert!(read("[{\"message\": ").1[0].contains("as one JSON document: EOF"));
    }
}
