//! One Rego policy, read and ready to be evaluated.

use std::fmt;

use regorus::Engine;
use serde_json::{Map, Value as Json};
use sha2::{Digest as _, Sha256};

use super::calls::RulePath;
use super::error::RegoError;
use super::input::Input;
use super::metadata::{Metadata, PolicyType};
use super::results::{Results, RuleName};
use super::tree::{self, DataScope, Tree};
use super::{library, nesting};

/// Characters of a policy's name.
const NAME_CHARS_MAX: usize = 64;

/// A policy that was read: whatever could be wrong with its text is known not to be.
#[derive(Clone)]
pub struct RegoPolicy {
    name: String,
    text: String,
    metadata: Metadata,
    policy_type: PolicyType,
    /// The rules that it has of those that are asked for, and their full paths.
    rules: Vec<(RuleName, String)>,
    mentions_permission: bool,
    engine: Engine,
}

/// What came of one evaluation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evaluation {
    /// What the rules said.
    pub results: Results,
    /// The rules' values, by their names; one that is undefined is not there.
    pub values: Map<String, Json>,
}

impl RegoPolicy {
    /// Reads a policy. `config` is the table `[data]` of the TOML policy.
    ///
    /// # Errors
    /// Whatever would make it fail, hang or mean something else than it says, with its place.
    pub fn parse(name: &str, text: &str, config: &Map<String, Json>) -> Result<Self, RegoError> {
        let of_policy = |problem: &str| RegoError::of_policy(name, problem);
        if !is_name(name) {
            return Err(of_policy(
                "got a name with other characters than letters, digits, `-`, `_` and `.`, or more than 64",
            ));
        }
        nesting::examine(name, text)?;
        let metadata = Metadata::read(name, text)?;
        let mut engine = library::parse(name, text)?;
        let module = engine.get_modules().first().cloned().ok_or_else(|| of_policy("got no package"))?;
        let package = tree::package(name, &module)?;
        let tree = tree::examine(&[(name, &module)], DataScope::OwnPackage)?;
        let rules = rules(&tree, &package);
        let policy_type = policy_type(name, &metadata, &rules)?;
        if let Some(aliases) = aliases(&tree, &package) {
            library::add(&mut engine, name, &aliases)?;
        }
        library::add_config(&mut engine, config).map_err(|error| RegoError::of_library(name, &error))?;
        // Makes the library look at every rule now: a variable that nothing binds is an error here.
        for (_, path) in &rules {
            let compiled = engine.compile_with_entrypoint(&path.as_str().into());
            compiled.map_err(|error| RegoError::of_library(name, &error))?;
        }
        let mentions_permission = tree.mentions_permission;
        Ok(Self {
            name: name.to_owned(),
            text: text.to_owned(),
            metadata,
            policy_type,
            rules,
            mentions_permission,
            engine,
        })
    }

    /// Evaluates every rule that is asked for.
    ///
    /// # Errors
    /// A rule that fails, takes more than 50 ms, or has a value of the wrong type.
    pub fn evaluate(&self, input: &Input) -> Result<Evaluation, RegoError> {
        let mut engine = self.engine.clone();
        engine.set_input(input.to_value());
        let mut evaluation = Evaluation { results: Results::default(), values: Map::new() };
        for (rule, path) in &self.rules {
            let value = engine.eval_rule(path.clone()).map_err(|error| RegoError::of_library(&self.name, &error))?;
            evaluation.results.take(*rule, &value).map_err(|problem| RegoError::of_policy(&self.name, problem))?;
            if let Some(json) = library::to_json(&value) {
                evaluation.values.insert(rule.as_str().to_owned(), json);
            }
        }
        Ok(evaluation)
    }

    /// Its name: the last part of its parameter's, or its file's without `.rego`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// As it was read.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The SHA-256 of its text, in hexadecimal digits.
    pub fn hash(&self) -> String {
        hex::encode(Sha256::digest(self.text.as_bytes()))
    }

    /// What it says about itself.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// When it is evaluated: as its metadata says, or by its rules.
    pub fn policy_type(&self) -> PolicyType {
        self.policy_type
    }

    /// Whether it may look at `session.admin` or `session.permission`, which cost a call.
    pub fn mentions_permission(&self) -> bool {
        self.mentions_permission
    }
}

/// Two policies are the same if they have the same name and text.
impl PartialEq for RegoPolicy {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.text == other.text
    }
}

impl Eq for RegoPolicy {}

impl fmt::Debug for RegoPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegoPolicy").field("name", &self.name).finish_non_exhaustive()
    }
}

fn is_name(name: &str) -> bool {
    (1..=NAME_CHARS_MAX).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

/// The rules that are asked for, as far as the policy has them.
fn rules(tree: &Tree, package: &RulePath) -> Vec<(RuleName, String)> {
    let path = |rule: RuleName| -> RulePath { package.iter().cloned().chain([rule.as_str().to_owned()]).collect() };
    let has = |rule: &RuleName| tree.rules.contains(&path(*rule));
    RuleName::ALL.into_iter().filter(has).map(|rule| (rule, full_path(&path(rule)))).collect()
}

/// `data.acme["my-package"].deny`.
fn full_path(path: &RulePath) -> String {
    let parts = path
        .iter()
        .map(|part| if is_identifier(part) { format!(".{part}") } else { format!("[{}]", Json::from(part.as_str())) });
    std::iter::once("data".to_owned()).chain(parts).collect()
}

fn is_identifier(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && text.starts_with(|c: char| !c.is_ascii_digit())
}

/// The type that the metadata names, or the one in which the policy's rules have a meaning.
fn policy_type(name: &str, metadata: &Metadata, rules: &[(RuleName, String)]) -> Result<PolicyType, RegoError> {
    let decides = rules.iter().find_map(|(rule, _)| rule.types().and_then(|types| types.first().copied()));
    let Some(policy_type) = metadata.policy_type.or(decides) else {
        let problem =
            "got neither a type in its metadata nor a rule `deny`, `approve` or `reject`, expected one of them";
        return Err(RegoError::of_policy(name, problem));
    };
    // A rule that nobody asks for would be a rule that does not hold.
    let stray = rules.iter().find(|(rule, _)| rule.types().is_some_and(|types| !types.contains(&policy_type)));
    if let Some((rule, _)) = stray {
        let (rule, policy_type) = (rule.as_str(), policy_type.as_str());
        let problem = format!("got rule `{rule}`, which has no meaning in a policy of type `{policy_type}`");
        return Err(RegoError::of_policy(name, problem));
    }
    Ok(policy_type)
}

/// The short names that Spacelift's policies may use, as rules of the policy's package.
fn aliases(tree: &Tree, package: &RulePath) -> Option<String> {
    let rules: String = tree.aliases.iter().map(|(alias, source)| format!("{alias} = {source}\n")).collect();
    let package = full_path(package);
    let package = package.strip_prefix("data.")?;
    (!rules.is_empty()).then(|| format!("package {package}\n{rules}"))
}
