//! A policy in Rego, and the input after a line `---`: whatever it is, it is refused or evaluated in time, and no text of ours ends the process.
#![no_main]

use environment_gate::gate::rego::{Input, RegoPolicy};
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, json};

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (text, input) = text.split_once("\n---\n").unwrap_or((text, "{}"));
    let config = Map::from_iter([("teams".to_owned(), json!({ "sre": ["bob"] }))]);
    match RegoPolicy::parse("fuzz", text, &config) {
        Ok(policy) => {
            assert!(policy.warnings().iter().all(|warning| !warning.problem.is_empty()));
            assert!(policy.input_fields().len() <= text.len());
            let Some(input) = serde_json::from_str(input).ok().and_then(|json| Input::new(json).ok()) else { return };
            match policy.evaluate(&input) {
                // What is said is what the rules' values are.
                Ok(evaluation) => assert_eq!(evaluation.results.sample, evaluation.values.get("sample") == Some(&json!(true))),
                Err(error) => assert!(!error.to_string().is_empty()),
            }
        }
        Err(error) => assert!(!error.to_string().is_empty() && !error.to_string().contains("Stack backtrace")),
    }
});
