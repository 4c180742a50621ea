//! A policy: one that is taken keeps its own rules, and one that is not says why in a line or two.
#![no_main]

use environment_gate::gate::Policy;
use libfuzzer_sys::fuzz_target;

const REFUSED_EVENTS: [&str; 5] = ["pull_request", "pull_request_target", "merge_group", "workflow_run", "issue_comment"];

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match Policy::parse(text) {
        Ok(policy) => {
            assert!(policy.pause || !policy.rules.is_empty());
            for rule in &policy.rules {
                assert!(!rule.repositories.is_empty() && !rule.refs.is_empty() && !rule.events.is_empty() && !rule.gates.is_empty());
                assert!(rule.approvals <= rule.gates.len());
                assert!(rule.events.iter().all(|event| !REFUSED_EVENTS.contains(&event.as_str())));
                for (number, gate) in rule.gates.iter().enumerate() {
                    assert!(gate.environment != rule.environment);
                    let others = rule.gates.iter().skip(number + 1);
                    others.for_each(|other| assert!(other.job != gate.job && other.environment != gate.environment));
                }
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
