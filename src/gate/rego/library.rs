//! The Rego library, as policies use it: how a text is parsed. The only file that makes engines.

use std::num::NonZeroU32;
use std::time::Duration;

use regorus::utils::limits::{ExecutionTimerConfig, PolicyLengthConfig};
use regorus::{Engine, Value};
use serde_json::{Map, Value as Json, json};

use super::error::{Place, RegoError};
use super::paths::place;
use super::{functions, keywords, negation};

/// Time for one rule of a policy. The library measures it.
const RULE_TIME_MAX: Duration = Duration::from_millis(50);
/// Time for one test: OPA's.
const TEST_TIME_MAX: Duration = Duration::from_secs(5);
/// Characters of a line: a test may have its input in one.
const LINE_CHARS_MAX: NonZeroU32 = NonZeroU32::MIN.saturating_add((1 << 16) - 1);
/// After so many steps it looks at the time.
const STEPS_PER_CHECK: NonZeroU32 = NonZeroU32::MIN.saturating_add(63);

/// Which version of the language a text is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    V1,
    V0,
}

/// Parses a text into an engine of its own. A text is Rego v1 if it can be read as such, or uses its keywords, else v0, in which Spacelift's policies are written.
///
/// # Errors
/// A text that is neither; the error is that of v1 if it uses keywords of v1, else that of the reading that got further.
pub(super) fn parse(policy: &str, text: &str) -> Result<Engine, RegoError> {
    parse_either(policy, text).map(|(_, engine)| engine)
}

/// The same, and in which version it was read.
pub(super) fn parse_either(policy: &str, text: &str) -> Result<(Language, Engine), RegoError> {
    match parse_as(Language::V1, policy, text) {
        // `deny["x"]` without a body adds to a set in v0, and makes an object in v1.
        Ok(engine) if !has_v0_sets(&engine) => Ok((Language::V1, engine)),
        v1 if keywords::are_of_v1(text) => v1.map(|engine| (Language::V1, engine)),
        v1 => match (parse_as(Language::V0, policy, text), v1) {
            (Ok(engine), _) => Ok((Language::V0, engine)),
            (Err(_), Ok(engine)) => Ok((Language::V1, engine)),
            (Err(v0), Err(v1)) => Err(if reached(&v0) > reached(&v1) { v0 } else { v1 }),
        },
    }
}

/// A policy's text as it stands, for what is said about it.
///
/// # Errors
/// As [`parse`].
pub(super) fn as_written(policy: &str, text: &str) -> Result<Engine, RegoError> {
    let (language, _) = parse_either(policy, text)?;
    let mut engine = new(RULE_TIME_MAX).map_err(|error| RegoError::of_library(policy, &error))?;
    add_as(language, &mut engine, policy, text)?;
    Ok(engine)
}

fn reached(error: &RegoError) -> (u32, u32) {
    error.place.map(|place| (place.line, place.column)).unwrap_or_default()
}

fn parse_as(language: Language, policy: &str, text: &str) -> Result<Engine, RegoError> {
    let read = |text: &str| {
        let mut engine = new(RULE_TIME_MAX).map_err(|error| RegoError::of_library(policy, &error))?;
        add_as(language, &mut engine, policy, text)?;
        Ok(engine)
    };
    let mut engine = read(text)?;
    // As in OPA. The library would take it for a rule that always holds.
    if let Some((name, place)) = rule_of_a_name(&engine) {
        let problem = format!("got `{name}` alone, expected a rule with a value or a body: write `{name} {{ … }}`");
        return Err(RegoError::at(policy, place, problem));
    }
    let changed = engine.get_modules().first().and_then(|module| negation::with_operands_asked_for(module));
    changed.map_or(Ok(engine), |text| read(&text))
}

/// An engine without a text, for tests: they may take longer than a policy.
pub(super) fn for_tests() -> anyhow::Result<Engine> {
    new(TEST_TIME_MAX)
}

fn new(limit: Duration) -> anyhow::Result<Engine> {
    let mut engine = Engine::new();
    engine.set_policy_length_config(PolicyLengthConfig { max_col: LINE_CHARS_MAX, ..PolicyLengthConfig::default() });
    // What a policy prints is not for the log.
    engine.set_gather_prints(true);
    engine.set_strict_builtin_errors(true);
    engine.set_execution_timer_config(ExecutionTimerConfig { limit, check_interval: STEPS_PER_CHECK });
    functions::add_to(&mut engine)?;
    Ok(engine)
}

/// Adds another text to an engine, in a version of its own.
///
/// # Errors
/// It does not parse.
pub(super) fn add_as(language: Language, engine: &mut Engine, policy: &str, text: &str) -> Result<(), RegoError> {
    engine.set_rego_v0(language == Language::V0);
    add(engine, policy, text)
}

/// Adds another text to an engine, in the version of the one before.
///
/// # Errors
/// It does not parse.
pub(super) fn add(engine: &mut Engine, policy: &str, text: &str) -> Result<(), RegoError> {
    let added = engine.add_policy(policy.to_owned(), text.to_owned());
    added.map(|_| ()).map_err(|error| RegoError::of_library(policy, &error))
}

/// Gives an engine `data.config`.
///
/// # Errors
/// A table that the library cannot take.
pub(super) fn add_config(engine: &mut Engine, config: &Map<String, Json>) -> anyhow::Result<()> {
    engine.add_data(Value::from(json!({ "config": config })))
}

/// A value as JSON, sets as arrays; `None` if it is undefined.
pub(super) fn to_json(value: &Value) -> Option<Json> {
    if *value == Value::Undefined { None } else { serde_json::to_value(value).ok() }
}

/// Whether there is a rule such as `deny["x"]`, with neither a value nor a body.
fn has_v0_sets(engine: &Engine) -> bool {
    use regorus::unstable::{Expr, Rule, RuleHead};
    let mut engine = engine.clone();
    engine.get_modules().iter().flat_map(|module| &module.policy).any(|rule| match rule.as_ref() {
        Rule::Spec { head: RuleHead::Compr { refr, assign: None, .. }, bodies, .. } => {
            bodies.is_empty() && matches!(refr.as_ref(), Expr::RefBrack { .. })
        }
        _ => false,
    })
}

/// A rule that is nothing but a name.
fn rule_of_a_name(engine: &Engine) -> Option<(String, Place)> {
    use regorus::unstable::{Expr, Rule, RuleHead};
    let mut engine = engine.clone();
    let modules = engine.get_modules();
    modules.iter().flat_map(|module| &module.policy).find_map(|rule| match rule.as_ref() {
        Rule::Spec { head: RuleHead::Compr { refr, assign: None, .. }, bodies, .. } if bodies.is_empty() => {
            match refr.as_ref() {
                Expr::Var { span, .. } => Some((span.text().to_owned(), place(span))),
                _ => None,
            }
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::*;

    fn value(text: &str, rule: &str) -> Result<Value, String> {
        let mut engine = parse("p", text).map_err(|error| error.to_string())?;
        engine.eval_rule(format!("data.p.{rule}")).map_err(|error| RegoError::of_library("p", &error).to_string())
    }

    #[test]
    fn both_versions_of_the_language_are_read() {
        for text in [
            "package p\ndeny[\"x\"] { true }",
            "package p\nimport rego.v1\ndeny contains \"x\" if { true }",
            "package p\ndeny contains \"x\" if true",
            "package p\ndeny[\"x\"]",
        ] {
            let set = Value::from(std::collections::BTreeSet::from([Value::from("x")]));
            assert_eq!(value(text, "deny"), Ok(set), "{text}");
        }
    }

    #[test]
    fn an_error_is_that_of_the_version_that_it_is_written_in() {
        let v0 = parse("p", "package p\ndeny[\"x\"] { true }\ndeny[x] { x = }\n").unwrap_err();
        assert_eq!(v0.place.unwrap().line, 3, "{v0}");
        let v1 = parse("p", "package p\ndeny contains \"x\" if true\nwarn contains if if\n").unwrap_err();
        assert_eq!(v1.place.unwrap().line, 3, "{v1}");
    }

    #[test]
    fn a_text_with_keywords_of_v1_is_not_read_as_v0() {
        for (text, line) in [
            ("package p\napprove if { input.x }\nwarn[\"a\"] { input.y }\n", 3),
            ("package p\nimport rego.v1\napprove if { input.x }\nwarn { input.y }\n", 4),
            ("package p\ndeny contains \"x\" if true\nwarn contains \"y\" { input.y }\n", 3),
        ] {
            let error = parse("p", text).unwrap_err();
            assert_eq!(error.place.unwrap().line, line, "{error}");
            assert!(error.problem.starts_with("`if` is missing"), "{error}");
        }
    }

    #[test]
    fn a_missing_keyword_is_named_first_with_what_to_write() {
        for (rule, expected) in [
            ("deny { input.x }", "line 3, column 6: `if` is missing before the rule's body: write `if {`"),
            (
                "deny contains \"x\" { input.x }",
                "line 3, column 19: `if` is missing before the rule's body: write `if {`",
            ),
            (
                "deny contains \"x\" input.x",
                "line 3, column 19: `if` is missing before `input`: write `if input`; no rule can be called `input`",
            ),
            (
                "deny contains \"x\" data.config.x",
                "line 3, column 19: `if` is missing before `data`: write `if data`; no rule can be called `data`",
            ),
            (
                "deny contains \"x\" is_late",
                "line 3, column 19: `if` is missing, or the rule has neither a value nor a body: write `NAME if …` or `NAME := …`",
            ),
            (
                "deny.x",
                "line 3, column 1: `contains` is missing: write `NAME contains \"text\"` instead of `NAME[\"text\"]`",
            ),
        ] {
            let error = parse("p", &format!("package p\nimport rego.v1\n{rule}\n"));
            let error = error.map_err(|error| error.to_string());
            assert_eq!(error.map(|_| ()), Err(format!("policy `p`, {expected}")), "{rule}");
        }
    }

    #[test]
    fn a_name_alone_is_no_rule() {
        let error = parse("p", "package p\nwarn[\"a\"] { input.y }\napprove\n").unwrap_err();
        let expected = "policy `p`, line 3, column 1: got `approve` alone, expected a rule with a value or a body: write `approve { … }`";
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn a_rule_that_takes_too_long_is_stopped() {
        let text = "package p\nx { a := numbers.range(1, 9000)[_]; b := numbers.range(1, 9000)[_]; a + b == 0 }";
        assert!(value(text, "x").unwrap_err().contains("time limit"));
    }
}
