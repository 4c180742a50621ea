//! Reads a policy's syntax tree before anything is evaluated: what it defines, calls and refers to. What the evaluation could not survive (recursion that
//! overflows the stack), or would notice only when it gets there (functions that do not exist), is refused here.

use regorus::unstable::{Module, Rule, RuleHead};

use super::calls::{self, RulePath, Uses};
use super::error::RegoError;
use super::paths::{at, constant_path, path, place};
use super::reader::Reader;
use super::tree::{DataScope, Tree};

/// Reads the trees of texts that are evaluated together, each with its name.
///
/// # Errors
/// The first thing that they may not contain, with its place.
pub(super) fn examine(modules: &[(&str, &Module)], scope: DataScope) -> Result<Tree, RegoError> {
    let mut tree = Tree::default();
    let mut packages = Vec::new();
    for (policy, module) in modules {
        let package = package(policy, module)?;
        module.policy.iter().try_for_each(|rule| define(policy, &package, rule, &mut tree))?;
        packages.push(package);
    }
    let mut uses = Uses::new();
    for ((policy, module), package) in modules.iter().zip(&packages) {
        let mut reader = Reader::new(policy, package, scope, &mut tree);
        module.imports.iter().try_for_each(|import| reader.import(import))?;
        module.policy.iter().try_for_each(|rule| reader.rule(rule, &mut uses))?;
    }
    calls::examine(&uses)?;
    tree.used = uses.into_values().flat_map(|rule| rule.uses).collect();
    match tree.hidden_name() {
        Some(error) => Err(error.clone()),
        None => Ok(tree),
    }
}

/// The path of a module's package.
pub(super) fn package(policy: &str, module: &Module) -> Result<RulePath, RegoError> {
    let span = &module.package.span;
    let package = constant_path(&module.package.refr);
    let package = package.ok_or_else(|| at(policy, span, "got a package that is not a path".to_owned()))?;
    if package.first().is_some_and(|first| first == "config") {
        let problem = "got package `config`, expected another name: `data.config` is the policy's `[data]`";
        return Err(at(policy, span, problem.to_owned()));
    }
    Ok(package)
}

/// Notes what a rule defines, before any is read.
fn define(policy: &str, package: &RulePath, rule: &Rule, tree: &mut Tree) -> Result<(), RegoError> {
    let (head, arguments) = match rule {
        Rule::Spec { head: RuleHead::Func { refr, args, .. }, .. } => (refr, Some(args.len())),
        Rule::Spec { head: RuleHead::Compr { refr, .. } | RuleHead::Set { refr, .. }, .. } => (refr, None),
        Rule::Default { refr, args, .. } => (refr, (!args.is_empty()).then_some(args.len())),
    };
    let Some((name, _)) = path(head) else {
        return Err(at(policy, rule.span(), "got a rule without a name".to_owned()));
    };
    let path: RulePath = package.iter().chain(&name).cloned().collect();
    if let Some(arguments) = arguments {
        tree.functions.insert(path.clone(), arguments);
    }
    tree.rules.entry(path).or_insert(place(rule.span()));
    Ok(())
}
