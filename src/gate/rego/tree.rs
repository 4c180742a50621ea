//! What the syntax trees of policies contain. Not here: how it is found.

use std::collections::{BTreeMap, BTreeSet};

use super::calls::RulePath;
use super::error::{Place, RegoError};
use super::results::RuleName;

/// Parts of the input that Spacelift's policies know by a short name.
pub(super) const ALIASES: [(&str, &str); 6] = [
    ("commit", "input.commit"),
    ("request", "input.request"),
    ("run", "input.run"),
    ("runtime_config", "input.run.runtime_config"),
    ("session", "input.session"),
    ("stack", "input.stack"),
];

/// What of `data` a text may refer to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DataScope {
    /// A policy: its own package, and `data.config`.
    OwnPackage,
    /// A test: everything.
    Everything,
}

/// What the texts contain.
#[derive(Debug, Default)]
pub(super) struct Tree {
    /// Their rules, each with its package before its name, and where each is defined first.
    pub(super) rules: BTreeMap<RulePath, Place>,
    /// The functions among them, with the number of their arguments.
    pub(super) functions: BTreeMap<RulePath, usize>,
    /// The short names that they use and do not define, and what each stands for.
    pub(super) aliases: BTreeMap<&'static str, &'static str>,
    /// Whether they may look at what the starter may do in the repository.
    pub(super) mentions_permission: bool,
    /// What `some NAME` declares, each with its package before it, and where.
    pub(super) some_names: Vec<(RulePath, RegoError)>,
    /// The rules that others use: each may be longer than the rule's own path.
    pub(super) used: BTreeSet<RulePath>,
    /// The parts of the input that they name, as far as they are constant, and where.
    pub(super) input_fields: Vec<(RulePath, Place)>,
    /// The rules of a policy that they look at and do not define.
    pub(super) missing: Vec<MissingRule>,
}

/// A name such as `deny` that nothing defines.
#[derive(Debug)]
pub(super) struct MissingRule {
    pub(super) name: RuleName,
    /// The text and the place where it is used.
    pub(super) policy: String,
    pub(super) place: Place,
}

impl Tree {
    /// Whether this rule is a function.
    pub(super) fn is_function(&self, rule: &RulePath) -> bool {
        self.functions.contains_key(rule)
    }

    /// Takes a name that is neither a rule nor declared: a short name of Spacelift's, a rule of a policy that is not there, or a variable.
    pub(super) fn take_unknown(&mut self, policy: &str, path: &[String], place: Place) {
        let (name, rest) = path.split_first().map(|(name, rest)| (name.as_str(), rest)).unwrap_or_default();
        if let Some((alias, source)) = ALIASES.into_iter().find(|(alias, _)| name == *alias) {
            self.aliases.insert(alias, source);
            self.input_fields
                .push((source.split('.').skip(1).map(str::to_owned).chain(rest.iter().cloned()).collect(), place));
        }
        let asked = RuleName::ALL.into_iter().find(|rule| rule.as_str() == name);
        self.missing.extend(asked.map(|name| MissingRule { name, policy: policy.to_owned(), place }));
    }

    /// Takes the constant part of a reference, or a text. A policy that takes the whole session, or a field of it whose name is not written there, may look at
    /// the permission, too.
    pub(super) fn take_mention(&mut self, path: &[String]) {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let within = path.strip_prefix(&["input"]).unwrap_or(&path);
        let is_whole = path == ["input"] || matches!(within, ["session" | "run"] | ["run", "creator_session"]);
        self.mentions_permission |= is_whole || path.iter().any(|part| ["admin", "permission"].contains(part));
    }

    /// The names of a package's own functions.
    pub(super) fn functions_of(&self, package: &RulePath) -> Vec<String> {
        let functions = self.functions.keys().filter_map(|path| path.strip_prefix(package.as_slice()));
        functions.map(|name| name.join(".")).collect()
    }

    /// The library takes `some run` for the rule or the short name `run`, and finds nothing.
    pub(super) fn hidden_name(&self) -> Option<&RegoError> {
        let is_alias = |name: &RulePath| name.last().is_some_and(|name| self.aliases.contains_key(name.as_str()));
        let is_hidden = |name: &RulePath| self.rules.keys().any(|rule| rule.starts_with(name)) || is_alias(name);
        self.some_names.iter().find(|(name, _)| is_hidden(name)).map(|(_, error)| error)
    }
}
