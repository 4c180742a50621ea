//! Goes through the syntax tree of one text. What the evaluation could not survive, or would notice only when it gets there, is refused here.

use std::collections::{BTreeMap, BTreeSet};

use regorus::unstable::{Expr, Import, Literal, LiteralStmt, Query, Ref, Rule, RuleBody, RuleHead, Span};

use super::builtins;
use super::calls::{RulePath, RuleUses, Uses};
use super::error::RegoError;
use super::paths::{at, constant_path, declared, is_reference, names_of, path, place, start, text_of};
use super::tree::{DataScope, Tree};

/// How deep an expression may nest.
const NESTING_MAX: usize = 48;
/// This many levels of an expression need as much stack as one rule that uses another.
const NESTING_PER_RULE: usize = 4;

/// The library replaces a function only where it is called by its full name, and in its own package nobody does.
const NOT_REPLACED: &str = "got `with` and a function of a policy, expected `input`, `data`, a rule or a function of Rego: replace what the function looks at";

/// Goes through a module once.
pub(super) struct Reader<'a> {
    policy: &'a str,
    package: &'a RulePath,
    scope: DataScope,
    tree: &'a mut Tree,
    /// What each import's name stands for.
    imports: BTreeMap<String, RulePath>,
    /// The names of the language's own imports: `v1` of `rego.v1`.
    language: BTreeSet<String>,
    /// The names that are declared where the reader is, the innermost last.
    locals: Vec<BTreeSet<String>>,
    /// What was found of the current definition.
    here: RuleUses,
    nesting: usize,
    deepest: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(policy: &'a str, package: &'a RulePath, scope: DataScope, tree: &'a mut Tree) -> Self {
        let (imports, language, locals, here) = (BTreeMap::new(), BTreeSet::new(), Vec::new(), RuleUses::default());
        Self { policy, package, scope, tree, imports, language, locals, here, nesting: 0, deepest: 0 }
    }

    fn refuse<T>(&self, span: &Span, problem: impl Into<String>) -> Result<T, RegoError> {
        Err(at(self.policy, span, problem.into()))
    }

    pub(super) fn import(&mut self, import: &Import) -> Result<(), RegoError> {
        let Some(path) = constant_path(&import.refr) else {
            return self.refuse(&import.span, "got an import that is no path".to_owned());
        };
        let name = import.r#as.as_ref().map(|name| name.text().to_owned()).or_else(|| path.last().cloned());
        match path.first().map(String::as_str) {
            Some("rego" | "future") => {
                self.language.extend(name);
                return Ok(());
            }
            Some("input") => {}
            Some("data") => self.data(&import.span, &path, true)?,
            _ => {
                return self.refuse(
                    &import.span,
                    format!("got an import of `{}`, expected `input`, `data.config` or `rego.v1`", path.join(".")),
                );
            }
        }
        self.imports.extend(name.map(|name| (name, path)));
        Ok(())
    }

    pub(super) fn rule(&mut self, rule: &Rule, uses: &mut Uses) -> Result<(), RegoError> {
        let head = match rule {
            Rule::Spec {
                head: RuleHead::Func { refr, .. } | RuleHead::Compr { refr, .. } | RuleHead::Set { refr, .. },
                ..
            }
            | Rule::Default { refr, .. } => refr,
        };
        let name = path(head).map(|(path, _)| path).unwrap_or_default();
        self.here = RuleUses::default();
        self.deepest = 0;
        match rule {
            Rule::Default { args, value, .. } => {
                self.locals.push(names_of(args.iter().map(AsRef::as_ref)));
                self.expr(value)?;
                self.locals.pop();
            }
            Rule::Spec { head, bodies, .. } => self.spec(head, bodies)?,
        }
        let RuleUses { depth, uses: used, .. } = std::mem::take(&mut self.here);
        let depth = depth.saturating_add(1).saturating_add(self.deepest.div_euclid(NESTING_PER_RULE));
        let known = uses.entry(self.of_package(name)).or_default();
        known.place.get_or_insert_with(|| (self.policy.to_owned(), place(rule.span())));
        known.depth = known.depth.max(depth);
        known.uses.extend(used);
        Ok(())
    }

    /// The loops of each body count apart: only one of them is evaluated at a time.
    fn spec(&mut self, head: &RuleHead, bodies: &[RuleBody]) -> Result<(), RegoError> {
        let arguments: &[Ref<Expr>] = match head {
            RuleHead::Func { args, .. } => args,
            _ => &[],
        };
        self.locals.push(names_of(arguments.iter().map(AsRef::as_ref)));
        for argument in arguments {
            self.expr(argument)?;
        }
        if bodies.is_empty() {
            self.head(head)?;
        }
        let mut deepest = self.here.depth;
        for body in bodies {
            let outside = std::mem::take(&mut self.here.depth);
            self.locals.push(declared(&body.query));
            self.statements(&body.query)?;
            if let Some(assign) = &body.assign {
                self.expr(&assign.value)?;
            }
            self.head(head)?;
            self.locals.pop();
            deepest = deepest.max(outside.saturating_add(self.here.depth));
            self.here.depth = outside;
        }
        self.here.depth = deepest;
        self.locals.pop();
        Ok(())
    }

    /// What a head says besides its name.
    fn head(&mut self, head: &RuleHead) -> Result<(), RegoError> {
        let (refr, key, assign) = match head {
            RuleHead::Compr { refr, assign, .. } | RuleHead::Func { refr, assign, .. } => (refr, None, assign.as_ref()),
            RuleHead::Set { refr, key, .. } => (refr, key.as_ref(), None),
        };
        self.indices(refr)?;
        if let Some(key) = key {
            self.expr(key)?;
        }
        assign.map_or(Ok(()), |assign| self.expr(&assign.value))
    }

    fn query(&mut self, query: &Query) -> Result<(), RegoError> {
        self.locals.push(declared(query));
        self.statements(query)?;
        self.locals.pop();
        Ok(())
    }

    fn statements(&mut self, query: &Query) -> Result<(), RegoError> {
        query.stmts.iter().try_for_each(|statement| self.statement(statement))
    }

    fn statement(&mut self, statement: &LiteralStmt) -> Result<(), RegoError> {
        match &statement.literal {
            Literal::SomeVars { vars, .. } => self.some_names(vars)?,
            Literal::SomeIn { key, value, collection, .. } => {
                self.loops();
                for expr in key.iter().chain([value, collection]) {
                    self.expr(expr)?;
                }
            }
            Literal::Expr { expr, .. } | Literal::NotExpr { expr, .. } => self.expr(expr)?,
            Literal::Every { key, value, domain, query, .. } => {
                self.loops();
                self.expr(domain)?;
                self.locals.push(key.iter().chain([value]).map(|name| name.text().to_owned()).collect());
                self.query(query)?;
                self.locals.pop();
            }
        }
        for with in &statement.with_mods {
            self.with_target(&with.refr)?;
            self.expr(&with.r#as)?;
        }
        Ok(())
    }

    fn some_names(&mut self, names: &[Span]) -> Result<(), RegoError> {
        for name in names {
            if self.imports.contains_key(name.text()) || self.language.contains(name.text()) {
                return self
                    .refuse(name, format!("`some {}` has the name of an import, expected another", name.text()));
            }
            let problem = format!("`some {0}` has the name of a rule or a short name, expected another", name.text());
            let full = self.of_package(vec![name.text().to_owned()]);
            self.tree.some_names.push((full, RegoError::at(self.policy, place(name), problem)));
        }
        Ok(())
    }

    /// What `with` replaces: part of the input, of `data`, or a function.
    fn with_target(&mut self, target: &Expr) -> Result<(), RegoError> {
        let Some((path, is_constant)) = path(target) else {
            return self.refuse(target.span(), "got `with` and no path".to_owned());
        };
        let path = self.resolved(path);
        let of_data = path.get(1..).unwrap_or_default();
        match path.first().map(String::as_str) {
            Some("input") => Ok(()),
            Some("data") if self.tree.functions.contains_key(of_data) => self.refuse(target.span(), NOT_REPLACED),
            Some("data") => self.data(target.span(), &path, is_constant),
            _ if self.tree.functions.contains_key(&self.of_package(path.clone())) => {
                self.refuse(target.span(), NOT_REPLACED)
            }
            // A test may replace what it could not call.
            _ if self.scope == DataScope::Everything => Ok(()),
            _ => {
                builtins::arguments(&path.join(".")).map(|_| ()).or_else(|problem| self.refuse(target.span(), problem))
            }
        }
    }

    fn loops(&mut self) {
        self.here.depth = self.here.depth.saturating_add(1);
    }

    fn exprs<'e>(&mut self, exprs: impl IntoIterator<Item = &'e Ref<Expr>>) -> Result<(), RegoError> {
        exprs.into_iter().try_for_each(|expr| self.expr(expr))
    }

    fn expr(&mut self, expr: &Expr) -> Result<(), RegoError> {
        if self.nesting >= NESTING_MAX {
            return self
                .refuse(expr.span(), format!("expressions nest too deep, expected at most {NESTING_MAX} levels"));
        }
        self.nesting = self.nesting.saturating_add(1);
        self.deepest = self.deepest.max(self.nesting);
        self.inner(expr)?;
        self.nesting = self.nesting.saturating_sub(1);
        Ok(())
    }

    fn inner(&mut self, expr: &Expr) -> Result<(), RegoError> {
        match expr {
            Expr::String { value, .. } | Expr::RawString { value, .. } => {
                self.tree.take_mention(text_of(value).as_slice());
                Ok(())
            }
            Expr::Number { .. } | Expr::Bool { .. } | Expr::Null { .. } => Ok(()),
            Expr::Var { .. } | Expr::RefDot { .. } | Expr::RefBrack { .. } => self.reference(expr),
            Expr::Array { items, .. } | Expr::Set { items, .. } => self.exprs(items),
            Expr::Object { fields, .. } => self.exprs(fields.iter().flat_map(|(_, key, value)| [key, value])),
            Expr::ArrayCompr { term, query, .. } | Expr::SetCompr { term, query, .. } => {
                self.comprehension(&[term], query)
            }
            Expr::ObjectCompr { key, value, query, .. } => self.comprehension(&[key, value], query),
            Expr::Call { fcn, params, .. } => self.call(fcn, params),
            Expr::UnaryExpr { expr, .. } => self.expr(expr),
            Expr::BinExpr { lhs, rhs, .. }
            | Expr::BoolExpr { lhs, rhs, .. }
            | Expr::ArithExpr { lhs, rhs, .. }
            | Expr::AssignExpr { lhs, rhs, .. } => self.exprs([lhs, rhs]),
            Expr::Membership { key, value, collection, .. } => self.exprs(key.iter().chain([value, collection])),
        }
    }

    fn comprehension(&mut self, terms: &[&Ref<Expr>], query: &Query) -> Result<(), RegoError> {
        self.loops();
        self.locals.push(declared(query));
        self.statements(query)?;
        for term in terms {
            self.expr(term)?;
        }
        self.locals.pop();
        Ok(())
    }

    fn call(&mut self, function: &Expr, arguments: &[Ref<Expr>]) -> Result<(), RegoError> {
        let Some(written) = constant_path(function) else {
            return self.refuse(function.span(), "got a call of something that is not a function".to_owned());
        };
        let path = self.resolved(written);
        let name = path.join(".");
        let rule = if path.first().is_some_and(|root| root == "data") {
            self.data(function.span(), &path, true)?;
            path.get(1..).unwrap_or_default().to_vec()
        } else {
            self.of_package(path)
        };
        let expected = match self.tree.functions.get(&rule) {
            Some(expected) => {
                self.here.uses.push(rule);
                Ok(Some(*expected))
            }
            None => builtins::arguments_beside(&name, &self.tree.functions_of(self.package)),
        };
        if let Err(problem) = expected.and_then(|expected| builtins::fits(&name, expected, arguments.len())) {
            return self.refuse(function.span(), problem);
        }
        self.exprs(arguments)
    }

    /// A reference: to a local name, the input, `data`, a rule.
    fn reference(&mut self, expr: &Expr) -> Result<(), RegoError> {
        self.indices(expr)?;
        let Some((written, is_constant)) = path(expr) else { return self.root(expr) };
        let root = written.first().cloned().unwrap_or_default();
        let path = self.resolved(written);
        self.tree.take_mention(&path);
        if self.locals.iter().any(|names| names.contains(&root)) {
            return Ok(());
        }
        match path.first().map(String::as_str) {
            Some("input") => {
                self.tree.input_fields.push((path.get(1..).unwrap_or_default().to_vec(), start(expr)));
                Ok(())
            }
            Some("data") => self.data(expr.span(), &path, is_constant),
            Some(root) if self.defines(root) => {
                let rule = self.of_package(path);
                self.here.uses.push(rule);
                Ok(())
            }
            _ => {
                self.tree.take_unknown(self.policy, &path, start(expr));
                Ok(())
            }
        }
    }

    /// What a reference that is not to a name refers to: a call's result, a comprehension's.
    fn root(&mut self, expr: &Expr) -> Result<(), RegoError> {
        match expr {
            Expr::RefDot { refr, field, .. } => {
                self.tree.take_mention(text_of(&field.1).as_slice());
                self.expr(refr)
            }
            Expr::RefBrack { refr, .. } => self.expr(refr),
            _ => Ok(()),
        }
    }

    /// What stands between the brackets of a reference. One that is not constant may loop.
    fn indices(&mut self, expr: &Expr) -> Result<(), RegoError> {
        match expr {
            Expr::RefDot { refr, .. } if is_reference(refr) => self.nested_indices(refr),
            Expr::RefBrack { refr, index, .. } => {
                if let Expr::String { value, .. } | Expr::RawString { value, .. } = index.as_ref() {
                    self.tree.take_mention(text_of(value).as_slice());
                } else {
                    self.loops();
                    self.expr(index)?;
                }
                if is_reference(refr) { self.nested_indices(refr) } else { Ok(()) }
            }
            _ => Ok(()),
        }
    }

    fn nested_indices(&mut self, expr: &Expr) -> Result<(), RegoError> {
        if self.nesting >= NESTING_MAX {
            return self.refuse(expr.span(), format!("a reference has more than {NESTING_MAX} parts"));
        }
        self.nesting = self.nesting.saturating_add(1);
        self.indices(expr)?;
        self.nesting = self.nesting.saturating_sub(1);
        Ok(())
    }

    /// A path whose first part is an import's name, in full.
    fn resolved(&self, path: RulePath) -> RulePath {
        match path.split_first().and_then(|(name, rest)| self.imports.get(name).map(|full| (full, rest))) {
            Some((full, rest)) => full.iter().chain(rest).cloned().collect(),
            None => path,
        }
    }

    /// A name of this package, in full.
    fn of_package(&self, name: RulePath) -> RulePath {
        self.package.iter().cloned().chain(name).collect()
    }

    /// Whether this package has a rule of this name.
    fn defines(&self, name: &str) -> bool {
        let name = self.of_package(vec![name.to_owned()]);
        self.tree.rules.keys().any(|rule| rule.starts_with(&name))
    }

    /// Whether this part of `data` may be looked at.
    fn data(&mut self, span: &Span, path: &RulePath, is_constant: bool) -> Result<(), RegoError> {
        let rest = path.get(1..).unwrap_or_default();
        if rest.first().is_some_and(|first| first == "config") {
            return Ok(());
        }
        let is_own = rest.starts_with(self.package) && (rest.len() > self.package.len());
        if is_own || self.scope == DataScope::Everything {
            self.here.uses.push(rest.to_vec());
            return Ok(());
        }
        let (got, own) = (path.join("."), self.package.join("."));
        let rest = if is_constant { "" } else { "[…]" };
        self.refuse(
            span,
            format!("got `{got}{rest}`, expected `data.config` or a rule of `data.{own}`: a policy sees nothing else"),
        )
    }
}
