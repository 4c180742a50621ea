//! Which rules of a text are tests, by OPA's conventions: `test_*` is one, `todo_test_*` is one that waits for its policy. Not here: how tests are evaluated.
//!
//! A rule such as `test_sum[note] if { … }` is a test for each `note`. A case that fails is not in the rule's value, so a statement that prints the case's
//! name is put into the text where the name is known.

use std::collections::BTreeSet;

use regorus::unstable::{Expr, LiteralStmt, Module, Rule, RuleBody, RuleHead};
use serde_json::Value as Json;

use super::calls::RulePath;
use super::error::Place;
use super::paths::{self, full_path};
use super::results::RuleName;
use super::spans::{whole_range, whole_text};

const TEST: &str = "test_";
const SKIPPED: &str = "todo_test_";
/// Stands before the name of a case in what the inserted statement prints. No policy prints it by chance.
const CASE_MARK: &str = "\u{2}environment-gate case\u{3}";

/// A test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestCase {
    /// The text that it is in.
    pub file: String,
    /// Where its rule begins.
    pub place: Place,
    /// `data.example`.
    pub package: String,
    /// `test_ok`.
    pub name: String,
    /// Whether its name begins with `todo_`: it is not evaluated.
    pub is_skipped: bool,
    /// The index of its engine.
    pub(super) engine: usize,
    pub(super) form: TestForm,
    /// Where its value is, in `data`.
    pub(super) path: RulePath,
    /// The index of its text, and of its rule there: several rules of one name are tests of their own.
    pub(super) rule: (usize, usize),
}

/// What kind of rule a test is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TestForm {
    /// Passes if it is true.
    Rule,
    /// Has a value for each case.
    Cases,
    /// Cannot be evaluated.
    Function,
}

impl TestCase {
    /// `data.example.test_ok`.
    pub fn full_name(&self) -> String {
        format!("{}.{}", self.package, self.name)
    }
}

/// The tests of a text, in their order. `number` is its index among the texts.
pub(super) fn tests_of(file: &str, number: usize, package: &RulePath, module: &Module) -> Vec<TestCase> {
    let rules = module.policy.iter().enumerate();
    let tests = rules.filter_map(|(index, rule)| {
        let Rule::Spec { span, head, .. } = rule.as_ref() else { return None };
        let (name, has_tail) = test_name(head)?;
        let form = match head {
            RuleHead::Func { .. } => TestForm::Function,
            RuleHead::Compr { .. } if has_tail => TestForm::Cases,
            RuleHead::Compr { .. } | RuleHead::Set { .. } => TestForm::Rule,
        };
        Some(TestCase {
            file: file.to_owned(),
            place: Place { line: span.line, column: span.col },
            package: full_path(package),
            is_skipped: name.last().is_some_and(|last| last.starts_with(SKIPPED)),
            engine: 0,
            form,
            path: package.iter().chain(&name).cloned().collect(),
            rule: (number, index),
            name: name.join("."),
        })
    });
    tests.collect()
}

/// Lines of rules that are tests, the first and the one after the last.
pub(super) fn test_lines(module: &Module) -> Vec<(u32, u32)> {
    let first = |rule: &Rule| rule.span().line;
    let next = module.policy.iter().skip(1).map(|rule| first(rule)).chain([u32::MAX]);
    let is_test = |rule: &Rule| matches!(rule, Rule::Spec { head, .. } if test_name(head).is_some());
    module.policy.iter().zip(next).filter(|(rule, _)| is_test(rule)).map(|(rule, next)| (first(rule), next)).collect()
}

/// Whether a text has one of the rules that a policy is asked for.
pub(super) fn decides(module: &Module) -> bool {
    let is_asked = |rule: &Rule| {
        let head = match rule {
            Rule::Spec { head, .. } => head_reference(head),
            Rule::Default { refr, .. } => refr,
        };
        let name = paths::path(head).and_then(|(path, _)| path.into_iter().next());
        RuleName::ALL.iter().any(|asked| name.as_deref() == Some(asked.as_str()))
    };
    module.policy.iter().any(|rule| is_asked(rule))
}

/// A rule's name as far as the part that makes it a test, and whether anything follows.
fn test_name(head: &RuleHead) -> Option<(RulePath, bool)> {
    let (path, is_constant) = paths::path(head_reference(head))?;
    let is_test = |part: &String| part.starts_with(TEST) || part.starts_with(SKIPPED);
    let end = path.iter().position(is_test)?.saturating_add(1);
    Some((path.get(..end)?.to_vec(), !is_constant || path.len() > end))
}

fn head_reference(head: &RuleHead) -> &Expr {
    let (RuleHead::Compr { refr, .. } | RuleHead::Set { refr, .. } | RuleHead::Func { refr, .. }) = head;
    refr
}

/// The text with a statement in each test with cases that prints the name of every case that is reached.
pub(super) fn with_cases_printed(module: &Module) -> String {
    let mut printed = module.package.span.source.contents().clone();
    let statements = module.policy.iter().filter_map(|rule| match rule.as_ref() {
        Rule::Spec { head: head @ RuleHead::Compr { .. }, bodies, .. } => {
            test_name(head).filter(|(_, has_tail)| *has_tail)?;
            print_statement(head_reference(head), bodies)
        }
        _ => None,
    });
    let mut statements: Vec<(usize, String)> = statements.collect();
    statements.sort();
    for (at, statement) in statements.iter().rev() {
        printed.insert_str(*at, statement);
    }
    printed
}

/// The statement, and the offset at which it is put: before the one that follows the last that binds a part of the name.
fn print_statement(head: &Expr, bodies: &[RuleBody]) -> Option<(usize, String)> {
    let parts = name_parts(head);
    let [RuleBody { query, .. }] = bodies else { return None };
    let mut missing: BTreeSet<&str> = parts.iter().flat_map(|part| identifiers(part)).collect();
    // A part may be a name that no statement binds, such as a rule's.
    let mentioned: BTreeSet<&str> = query.stmts.iter().flat_map(names_in).collect();
    missing.retain(|name| mentioned.contains(name));
    let mut statements = query.stmts.iter();
    for statement in statements.by_ref() {
        names_in(statement).for_each(|name| {
            missing.remove(name);
        });
        if missing.is_empty() {
            break;
        }
    }
    let next = statements.next()?;
    let print = format!("print({}, json.marshal([{}])); ", Json::from(CASE_MARK), parts.join(", "));
    Some((whole_range(&next.span)?.start, print))
}

/// The text of what stands in the brackets after a test's name.
fn name_parts(head: &Expr) -> Vec<String> {
    match head {
        Expr::RefBrack { refr, index, .. } if !ends_the_name(head) => {
            let mut parts = name_parts(refr);
            parts.push(whole_text(index.span()).to_owned());
            parts
        }
        Expr::RefDot { refr, field, .. } if !ends_the_name(head) => {
            let mut parts = name_parts(refr);
            parts.push(Json::from(field.0.text()).to_string());
            parts
        }
        _ => Vec::new(),
    }
}

/// Whether a reference's last part is the one that makes the rule a test.
fn ends_the_name(head: &Expr) -> bool {
    let is_test = |part: &String| part.starts_with(TEST) || part.starts_with(SKIPPED);
    paths::path(head).is_some_and(|(path, is_constant)| is_constant && path.last().is_some_and(is_test))
}

fn names_in(statement: &LiteralStmt) -> impl Iterator<Item = &str> {
    identifiers(statement.span.text())
}

fn identifiers(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

/// The name of a case, if that is what a text printed.
pub(super) fn printed_case(printed: &str) -> Option<Vec<Json>> {
    let (_, name) = printed.split_once(CASE_MARK)?;
    serde_json::from_str(name.trim_start()).ok()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::super::library;
    use super::*;

    fn tests(text: &str) -> Vec<(String, bool, TestForm)> {
        let module = library::parse("p", text).unwrap().get_modules().first().unwrap().clone();
        let tests = tests_of("p", 0, &vec!["p".to_owned()], &module);
        tests.into_iter().map(|test| (test.name, test.is_skipped, test.form)).collect()
    }

    fn printed(text: &str) -> String {
        let module = library::parse("p", text).unwrap().get_modules().first().unwrap().clone();
        with_cases_printed(&module)
    }

    #[test]
    fn a_test_is_a_rule_whose_name_says_so() {
        let text = "package p\ntest_a if true\ntodo_test_b if true\nother if true\na.test_c if true\ntest_a if false\n";
        let named = |name: &str, is_skipped| (name.to_owned(), is_skipped, TestForm::Rule);
        let expected =
            [named("test_a", false), named("todo_test_b", true), named("a.test_c", false), named("test_a", false)];
        assert_eq!(tests(text), expected);
        assert_eq!(tests("package p\ntest_a { true }"), [named("test_a", false)]);
    }

    #[test]
    fn functions_and_tests_with_cases_are_told_apart() {
        let text = "package p\ntest_a(x) if x\ntest_b[n] if { some n in [1]; n > 0 }\ntest_c contains 1 if true\n";
        assert_eq!(
            tests(text).into_iter().map(|test| test.2).collect::<Vec<_>>(),
            [TestForm::Function, TestForm::Cases, TestForm::Rule]
        );
    }

    #[test]
    fn a_case_is_printed_where_its_name_is_known() {
        let text =
            "package p\ntest_a[x][y] if {\n\tsome x in [1]\n\tsome y, z in {\"b\": 2} with input as 1\n\tx == z\n}\n";
        let changed = printed(text);
        assert!(changed.contains("as 1\n\tprint(\""), "{changed}");
        assert!(changed.contains("json.marshal([x, y])); x == z\n"), "{changed}");
        library::parse("p", &changed).unwrap();
    }

    #[test]
    fn what_has_no_cases_stays_as_it_is() {
        for text in [
            "package p\ntest_a if true",
            "package p\na[x] if { some x in [1]; x > 0 }",
            "package p\ntest_a[x] if some x in [1]",
        ] {
            assert_eq!(printed(text), text);
        }
    }
}
