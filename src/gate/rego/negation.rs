//! What OPA makes of `not startswith(input.x, "a")` where `input.x` is undefined: not true, but undefined, because what a negated call looks at must be
//! there. The library makes it true, so a policy could approve what it knows nothing about. Each such operand is therefore also asked for by a statement
//! of its own, which is put into the text after the negated one.
//!
//! As in OPA, a negated reference (`not input.x`) and the sides of `==` may be undefined.
//!
//! The same is done for the value of a function that has an `else`: where it is undefined, OPA goes on to the `else`, and the library does not.

use std::ops::Range;

use regorus::unstable::{AssignOp, BUILTINS, BoolOp, Expr, Literal, LiteralStmt, Module, Query, Rule, RuleHead};

use super::error::Place;
use super::functions;
use super::paths;
use super::spans::{whole_range, whole_text};

/// What nests deeper is refused later, when the tree is examined.
const NESTING_MAX: usize = 64;
/// Begins the names of what is asked for. No policy has such a name by chance.
const NAME: &str = "__asked_for_by_not_";

/// The text with the statements that OPA would add, if there are any.
pub(super) fn with_operands_asked_for(module: &Module) -> Option<String> {
    let mut insertions = Finder::through(module).insertions;
    if insertions.is_empty() {
        return None;
    }
    insertions.sort_by_key(|(at, _)| *at);
    let mut text = module.package.span.source.contents().clone();
    for (at, inserted) in insertions.iter().rev() {
        text.insert_str(*at, inserted);
    }
    Some(text)
}

/// The operands of negated statements that have no value where a part of `data.config` is missing, and where each stands. Not if the module says elsewhere
/// what follows then.
pub(super) fn silent(module: &Module) -> Vec<(Place, String)> {
    let Finder { operands, references, .. } = Finder::through(module);
    let imports = module.imports.iter().filter_map(|import| {
        let path = paths::constant_path(&import.refr)?;
        let name = import.r#as.as_ref().map(|name| name.text().to_owned()).or_else(|| path.last().cloned())?;
        path.starts_with(&["data".to_owned(), "config".to_owned()]).then_some(name)
    });
    let imports: Vec<String> = imports.collect();
    let is_of_config = |text: &str| has_word(text, "data.config") || imports.iter().any(|name| has_word(text, name));
    let said: Vec<&String> = references.iter().filter(|reference| is_of_config(reference)).collect();
    let is_said = |operand: &str| said.iter().any(|reference| has_word(operand, reference));
    operands.into_iter().filter(|(_, operand)| is_of_config(operand) && !is_said(operand)).collect()
}

/// Whether a text has these words, and neither begins nor ends within a longer one.
fn has_word(text: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, _)| {
        let (before, after) = (text.get(..at), text.get(at.saturating_add(word.len())..));
        !before.is_some_and(|before| before.ends_with(is_part))
            && !after.is_some_and(|after| after.starts_with(is_part))
    })
}

/// Whether statements stand in brackets of any kind, so that another can follow.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Around {
    Brackets,
    Nothing,
}

struct Finder<'m> {
    /// Offsets, and what is put there.
    insertions: Vec<(usize, String)>,
    /// What negated statements ask for, each with the statement's place.
    operands: Vec<(Place, String)>,
    /// What is negated and no more than a reference.
    references: Vec<String>,
    module: &'m Module,
    names: usize,
}

impl<'m> Finder<'m> {
    fn through(module: &'m Module) -> Self {
        let mut finder =
            Self { insertions: Vec::new(), operands: Vec::new(), references: Vec::new(), module, names: 0 };
        for rule in &module.policy {
            finder.rule(rule);
        }
        finder
    }

    fn rule(&mut self, rule: &Rule) {
        let Rule::Spec { head, bodies, .. } = rule else { return };
        let (refr, key, assign) = match head {
            RuleHead::Compr { refr, assign, .. } | RuleHead::Func { refr, assign, .. } => (refr, None, assign.as_ref()),
            RuleHead::Set { refr, key, .. } => (refr, key.as_ref(), None),
        };
        for expr in [Some(refr), key, assign.map(|assign| &assign.value)].into_iter().flatten() {
            self.expr(expr, 0);
        }
        let has_else = matches!(head, RuleHead::Func { .. }) && bodies.iter().any(|body| body.is_else);
        for body in bodies {
            let is_alone = body.query.stmts.first().is_some_and(|first| first.span.start == body.query.span.start);
            let around = if is_alone { Around::Nothing } else { Around::Brackets };
            let value = body.assign.as_ref().or(assign.filter(|_| !body.is_else)).map(|assign| &assign.value);
            let mut operands = Vec::new();
            if let Some(value) = value.filter(|_| has_else) {
                self.operand(value, &mut operands, 0);
            }
            self.query(&body.query, around, &operands, 0);
            if let Some(assign) = &body.assign {
                self.expr(&assign.value, 0);
            }
        }
    }

    /// `last` are operands that the last statement asks for besides its own.
    fn query(&mut self, query: &Query, around: Around, last: &[String], depth: usize) {
        for (number, statement) in query.stmts.iter().enumerate() {
            let is_last = number.saturating_add(1) == query.stmts.len();
            let mut operands = Vec::new();
            match &statement.literal {
                Literal::SomeVars { .. } => {}
                Literal::SomeIn { key, value, collection, .. } => {
                    key.iter().chain([value, collection]).for_each(|expr| self.expr(expr, depth));
                }
                Literal::Expr { expr, .. } => self.expr(expr, depth),
                Literal::NotExpr { expr, .. } => {
                    self.expr(expr, depth);
                    self.negated(expr, &mut operands, depth);
                    let place = paths::place(&statement.span);
                    self.operands.extend(operands.iter().map(|operand| (place, operand.clone())));
                    if matches!(expr.as_ref(), Expr::Var { .. } | Expr::RefDot { .. } | Expr::RefBrack { .. }) {
                        self.references.push(whole_text(expr.span()).to_owned());
                    }
                }
                Literal::Every { domain, query, .. } => {
                    self.expr(domain, depth);
                    self.query(query, Around::Brackets, &[], depth.saturating_add(1));
                }
            }
            self.ask_for(&operands, if is_last { last } else { &[] }, statement, around);
            statement.with_mods.iter().for_each(|with| self.expr(&with.r#as, depth));
        }
    }

    /// Looks for queries in an expression.
    fn expr(&mut self, expr: &Expr, depth: usize) {
        if depth > NESTING_MAX {
            return;
        }
        let deeper = depth.saturating_add(1);
        if let Expr::ArrayCompr { query, .. } | Expr::SetCompr { query, .. } | Expr::ObjectCompr { query, .. } = expr {
            self.query(query, Around::Brackets, &[], deeper);
        }
        for part in parts(expr) {
            self.expr(part, deeper);
        }
    }

    /// The operands that a negated expression asks for: as texts.
    fn negated(&self, expr: &Expr, operands: &mut Vec<String>, depth: usize) {
        match expr {
            Expr::Var { .. } | Expr::RefDot { .. } | Expr::RefBrack { .. } => self.indices(expr, operands, depth),
            Expr::BoolExpr { op: BoolOp::Eq, lhs, rhs, .. } | Expr::AssignExpr { op: AssignOp::Eq, lhs, rhs, .. } => {
                for side in [lhs, rhs] {
                    match side.as_ref() {
                        Expr::Var { .. } | Expr::RefDot { .. } | Expr::RefBrack { .. } => {
                            self.indices(side, operands, depth);
                        }
                        side => self.operand(side, operands, depth),
                    }
                }
            }
            expr => parts(expr).into_iter().for_each(|part| self.operand(part, operands, depth)),
        }
    }

    fn operand(&self, expr: &Expr, operands: &mut Vec<String>, depth: usize) {
        if depth > NESTING_MAX {
            return;
        }
        let deeper = depth.saturating_add(1);
        match expr {
            Expr::Var { span, .. } if span.text() == "_" => {}
            Expr::Var { span, .. } | Expr::RefDot { span, .. } | Expr::RefBrack { span, .. } => {
                operands.push(whole_text(span).to_owned());
            }
            // A call over several lines would move those after it. Most functions of the library are defined wherever their arguments are.
            Expr::Call { span, fcn, .. } if !self.is_builtin(fcn) || !whole_text(span).contains('\n') => {
                operands.push(whole_text(span).to_owned());
            }
            // What they make is always defined.
            Expr::ArrayCompr { .. } | Expr::SetCompr { .. } | Expr::ObjectCompr { .. } => {}
            expr => parts(expr).into_iter().for_each(|part| self.operand(part, operands, deeper)),
        }
    }

    /// What stands between the brackets of a reference, and what it is a part of if that is not a name.
    fn indices(&self, expr: &Expr, operands: &mut Vec<String>, depth: usize) {
        if depth > NESTING_MAX {
            return;
        }
        let deeper = depth.saturating_add(1);
        match expr {
            Expr::Var { .. } => {}
            Expr::RefDot { refr, .. } => self.indices(refr, operands, deeper),
            Expr::RefBrack { refr, index, .. } => {
                self.indices(refr, operands, deeper);
                // A variable is bound, or the loop binds it.
                if !matches!(index.as_ref(), Expr::Var { .. }) {
                    self.operand(index, operands, deeper);
                }
            }
            expr => self.operand(expr, operands, deeper),
        }
    }

    /// Whether a call is of the library's function.
    fn is_builtin(&self, function: &Expr) -> bool {
        let Some((path, true)) = paths::path(function) else { return false };
        let defines = |rule: &Rule| matches!(rule, Rule::Spec { head: RuleHead::Func { refr, .. }, .. } if paths::path(refr).is_some_and(|(name, _)| name == path));
        let name = path.join(".");
        let is_known = BUILTINS.contains_key(name.as_str()) || functions::arguments(&name).is_some();
        is_known && !self.module.policy.iter().any(|rule| defines(rule))
    }

    /// `operands` are asked for under the statement's own `with`, `others` are not.
    fn ask_for(&mut self, operands: &[String], others: &[String], statement: &LiteralStmt, around: Around) {
        let Some(Range { start, end }) = whole_range(&statement.span) else { return };
        let with: Vec<String> = statement.with_mods.iter().map(with_text).collect();
        let mut asked = String::new();
        for (operands, with) in [(operands, with.concat()), (others, String::new())] {
            if !operands.is_empty() {
                // An array, because the library would take a name for a function if the next line begins with `(`.
                asked = format!("{asked}; {NAME}{} := [{}]{with}", self.names, operands.join(", "));
                self.names = self.names.saturating_add(1);
            }
        }
        if asked.is_empty() {
            return;
        }
        if around == Around::Nothing {
            self.insertions.push((start, "{ ".to_owned()));
            asked.push_str(" }");
        }
        self.insertions.push((end, asked));
    }
}

fn with_text(with: &regorus::unstable::WithModifier) -> String {
    format!(" with {} as {}", whole_text(with.refr.span()), whole_text(with.r#as.span()))
}

/// What an expression is made of. What a comprehension has in it is a query of its own.
fn parts(expr: &Expr) -> Vec<&Expr> {
    match expr {
        Expr::String { .. }
        | Expr::RawString { .. }
        | Expr::Number { .. }
        | Expr::Bool { .. }
        | Expr::Null { .. }
        | Expr::Var { .. } => Vec::new(),
        Expr::Array { items, .. } | Expr::Set { items, .. } => items.iter().map(AsRef::as_ref).collect(),
        Expr::Object { fields, .. } => {
            fields.iter().flat_map(|(_, key, value)| [key.as_ref(), value.as_ref()]).collect()
        }
        Expr::ArrayCompr { term, .. } | Expr::SetCompr { term, .. } => vec![term.as_ref()],
        Expr::ObjectCompr { key, value, .. } => vec![key.as_ref(), value.as_ref()],
        Expr::Call { params, .. } => params.iter().map(AsRef::as_ref).collect(),
        Expr::UnaryExpr { expr, .. } => vec![expr.as_ref()],
        Expr::RefDot { refr, .. } => vec![refr.as_ref()],
        Expr::RefBrack { refr, index, .. } => vec![refr.as_ref(), index.as_ref()],
        Expr::BinExpr { lhs, rhs, .. }
        | Expr::BoolExpr { lhs, rhs, .. }
        | Expr::ArithExpr { lhs, rhs, .. }
        | Expr::AssignExpr { lhs, rhs, .. } => vec![lhs.as_ref(), rhs.as_ref()],
        Expr::Membership { key, value, collection, .. } => {
            key.iter().chain([value, collection]).map(AsRef::as_ref).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

    use regorus::Value;

    use super::super::library;

    /// Whether a rule is true on this input.
    fn holds(body: &str, input: &str) -> bool {
        let text = format!(
            "package p\nimport rego.v1\nown(x) := x\nis_one(x) if x == 1\nlimit := 3 if input.limited\nx if {body}\n"
        );
        let mut engine = library::parse("p", &text).unwrap_or_else(|error| panic!("{error}: {body}"));
        engine.set_input(Value::from_json_str(input).unwrap());
        engine.eval_rule("data.p.x".to_owned()).unwrap() == Value::from(true)
    }

    #[test]
    fn what_a_negated_call_looks_at_must_be_there() {
        for body in [
            "not startswith(input.a, \"x\")",
            "{ not startswith(input.a, \"x\") }",
            "not input.a > 3",
            "not input.a != 3",
            "not \"x\" in input.a",
            "not count(input.a) == 3",
            "not startswith(concat(\"\", [\"x\", input.a]), \"x\")",
            "not is_one(input.a)",
            "not 1 == own(input.a)",
            "not {\"a\": input.a} == {\"a\": 1}",
            "not input.b[count(input.a)]",
            "not data.config[input.a]",
            "not input.b > limit",
            "not input.a > 3 with input.z as 1",
            "count([1 | not input.a > 3]) == 1",
            "every z in [1] { not input.a > z }",
            "{ z := 3; not input.a > z }",
            "not max([]) == 3",
            "not max([]) > 3",
        ] {
            assert!(!holds(body, "{\"b\": {}}"), "{body}");
        }
    }

    #[test]
    fn a_negated_reference_or_equality_may_be_undefined() {
        for body in [
            "not input.a",
            "not input.a.b",
            "not input.a == 3",
            "not input.a == input.c",
            "not input.a = 1",
            "not limit",
            "not limit == input.c",
        ] {
            assert!(holds(body, "{\"b\": {}}"), "{body}");
        }
    }

    #[test]
    fn what_is_there_is_negated() {
        for body in [
            "not startswith(input.a, \"x\")",
            "not input.a > \"x\"",
            "{ z := \"x\"; not input.a > z; z == \"x\" }",
            "not \"x\" in input.b",
            "not is_one(input.a)",
            "not startswith(input.n, \"y\") with input.n as \"x\"",
            "count([1 | not startswith(input.a, \"x\"); true]) == 1",
            "not count([y | some y in input.b]) > 0",
            "not own(input.a) == \"x\"",
            "not input.b[count(input.a)]",
            "not not_a_rule(input.a)",
        ] {
            let body = body.replace("not_a_rule", "is_one");
            assert!(holds(&body, "{\"a\": \"a\", \"b\": {}}"), "{body}");
        }
    }

    #[test]
    fn both_versions_and_else_are_read() {
        let text = "package p\nx { not input.a > 1 } else = 2 { not input.b > 1; true }\n";
        let mut engine = library::parse("p", text).unwrap();
        engine.set_input(Value::from_json_str("{\"b\": 1}").unwrap());
        assert_eq!(engine.eval_rule("data.p.x".to_owned()).unwrap(), Value::from(2));
        let text = "package p\nimport rego.v1\nx := 1 if not input.a > 1\nelse := 2 if not input.b > 1\n";
        let mut engine = library::parse("p", text).unwrap();
        engine.set_input(Value::from_json_str("{\"b\": 1}").unwrap());
        assert_eq!(engine.eval_rule("data.p.x".to_owned()).unwrap(), Value::from(2));
    }

    #[test]
    fn a_function_without_a_value_goes_on_to_its_else() {
        for body in ["f(4) == 7", "f(5) == 8", "f(1) == 9"] {
            let text = "f(x) := input.none if x == 4\nelse := 7 if x == 4\nelse := max(input.empty) if { x == 5 }\nelse := 8 if { x == 5 }\nelse := 9\n";
            assert!(holds(&format!("{body}\n{text}"), "{\"empty\": []}"), "{body}");
        }
    }

    #[test]
    fn the_next_line_may_begin_with_a_bracket() {
        for next in ["(1) == 1", "[1] == [1]", "{1} == {1}"] {
            assert!(holds(&format!("{{\n\tnot input.a > 3\n\t{next}\n}}"), "{\"a\": 1}"), "{next}");
        }
    }
}
