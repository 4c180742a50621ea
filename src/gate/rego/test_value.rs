//! The value of a test, and how far one was evaluated that has none. Not here: what follows from it.

use regorus::unstable::{Rule, RuleBody};
use regorus::{Engine, Value};

use super::test_case::TestCase;

/// The value of a test's own rule. Other rules of its name are not asked.
pub(super) fn value_of(engine: &mut Engine, test: &TestCase) -> anyhow::Result<Value> {
    let (text, rule) = test.rule;
    let module = engine.get_modules().get(text).cloned();
    let found = module.and_then(|module| Some((module.clone(), module.policy.get(rule).cloned()?)));
    let Some((module, rule)) = found else { return Ok(Value::Undefined) };
    let data = engine.eval_rule_in_module(&module, &rule, false)?;
    Ok(test.path.iter().fold(data, |value, part| at(&value, &Value::from(part.as_str()))))
}

/// The value of a key.
pub(super) fn at(value: &Value, key: &Value) -> Value {
    let found = value.as_object().ok().and_then(|object| object.get(key));
    found.cloned().unwrap_or(Value::Undefined)
}

/// The line of the last statement that was reached: the one that is not true, as a rule. `None` where that cannot be told, such as in a rule with an `else`.
pub(super) fn last_line(engine: &Engine, test: &TestCase) -> Option<u32> {
    let mut engine = engine.clone();
    engine.set_enable_coverage(true);
    // What comes of it is known.
    let _ = value_of(&mut engine, test);
    let (text, rule) = test.rule;
    let module = engine.get_modules().get(text).cloned()?;
    let Rule::Spec { bodies, .. } = module.policy.get(rule)?.as_ref() else { return None };
    let [RuleBody { query, span, .. }] = bodies.as_slice() else { return None };
    let file = module.package.span.source.file();
    let report = engine.get_coverage_report().ok()?;
    let covered = report.files.into_iter().find(|seen| seen.path == *file)?.covered;
    let lines: Vec<u32> = query.stmts.iter().map(|statement| statement.span.line).collect();
    let last = span.source.contents().get(..usize::try_from(span.end).ok()?)?.lines().count();
    let ends = lines.iter().skip(1).copied().chain([u32::try_from(last).ok()?.saturating_add(1)]);
    let is_reached =
        |(line, next): &(u32, u32)| covered.range(*line..(*next).max(line.saturating_add(1))).next().is_some();
    lines.iter().copied().zip(ends).filter(is_reached).map(|(line, _)| line).last()
}
