//! One Rego policy, read and ready to be evaluated.

use std::fmt;

use regorus::Engine;
use serde_json::{Map, Value as Json};
use sha2::{Digest as _, Sha256};

use super::asked::{self, AskedRule};
use super::calls::RulePath;
use super::error::RegoError;
use super::input::Input;
use super::metadata::{Metadata, PolicyType};
use super::paths::{full_path, place};
use super::results::{Results, RuleName};
use super::spelling::nearest;
use super::tree::{DataScope, Tree};
use super::{library, modules, nesting};

/// Characters of a policy's name.
const NAME_CHARS_MAX: usize = 64;

/// A policy that was read: whatever could be wrong with its text is known not to be.
#[derive(Clone)]
pub struct RegoPolicy {
    name: String,
    text: String,
    metadata: Metadata,
    policy_type: PolicyType,
    /// The rules that it has of those that are asked for.
    rules: Vec<AskedRule>,
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
        let package = modules::package(name, &module)?;
        let tree = modules::examine(&[(name, &module)], DataScope::OwnPackage)?;
        let rules = asked::rules(name, &tree, &package)?;
        let policy_type = asked::policy_type(name, place(&module.package.span), &metadata, &rules)?;
        if let Some(aliases) = aliases(&tree, &package) {
            library::add(&mut engine, name, &aliases)?;
        }
        library::add_config(&mut engine, config).map_err(|error| RegoError::of_library(name, &error))?;
        // The library's own preparations are made once, not for each evaluation. A variable that nothing binds is noticed only when its rule is evaluated.
        for rule in &rules {
            let compiled = engine.compile_with_entrypoint(&rule.path.as_str().into());
            compiled.map_err(|error| about_a_rule(RegoError::of_library(name, &error), &tree, &package))?;
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

    /// Evaluates every rule that is asked for. One that takes too long is tried once more: something else may have had the processor.
    ///
    /// # Errors
    /// A rule that fails, takes more than 50 ms, or has a value of the wrong type.
    pub fn evaluate(&self, input: &Input) -> Result<Evaluation, RegoError> {
        match self.evaluate_once(input) {
            Err(error) if error.is_time_limit() => self.evaluate_once(input),
            evaluated => evaluated,
        }
    }

    fn evaluate_once(&self, input: &Input) -> Result<Evaluation, RegoError> {
        let mut engine = self.engine.clone();
        engine.set_input(input.to_value());
        let mut evaluation = Evaluation { results: Results::default(), values: Map::new() };
        for AskedRule { name, path, place } in &self.rules {
            let value = engine.eval_rule(path.clone()).map_err(|error| {
                let error = RegoError::of_evaluation(&self.name, &error);
                RegoError { place: error.place.or(Some(*place)), ..error }
            })?;
            evaluation.results.take(*name, &value).map_err(|problem| RegoError::at(&self.name, *place, problem))?;
            if let Some(json) = library::to_json(&value) {
                evaluation.values.insert(name.as_str().to_owned(), json);
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

    /// Whether it has this rule.
    pub fn has(&self, rule: RuleName) -> bool {
        self.rules.iter().any(|asked| asked.name == rule)
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

/// An error of the library about a name, with the policy's rule that it is about or that may be meant.
fn about_a_rule(error: RegoError, tree: &Tree, package: &RulePath) -> RegoError {
    let name_after = |start| error.problem.strip_prefix(start).and_then(|rest| rest.split('`').next());
    let mut rules =
        tree.rules.keys().filter_map(|rule| rule.strip_prefix(package.as_slice())?.first()).map(String::as_str);
    let problem = if let Some(name) = name_after("use of undefined variable `") {
        nearest(name, rules).map(|meant| format!("nothing defines `{name}`: did you mean `{meant}`?"))
    } else {
        let variable = name_after("var `").filter(|name| rules.any(|rule| rule == *name));
        variable.map(|name| format!("`{name}` has the name of a rule, expected another"))
    };
    RegoError { problem: problem.unwrap_or(error.problem), ..error }
}

/// The short names that Spacelift's policies may use, as rules of the policy's package.
pub(super) fn aliases(tree: &Tree, package: &RulePath) -> Option<String> {
    let rules: Vec<String> = tree.aliases.iter().map(|(alias, source)| format!("{alias} = {source}\n")).collect();
    let package = full_path(package);
    let package = package.strip_prefix("data.")?;
    (!rules.is_empty()).then(|| format!("package {package}\n{}", rules.concat()))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use serde_json::json;

    use super::*;

    fn parse(text: &str) -> Result<RegoPolicy, String> {
        RegoPolicy::parse("p", text, &Map::new()).map_err(|error| error.to_string())
    }

    fn evaluate(text: &str, input: Json) -> Result<Evaluation, String> {
        let policy = parse(text)?;
        policy.evaluate(&Input::new(input).unwrap()).map_err(|error| error.to_string())
    }

    /// What is refused when it is read, and a part of why.
    fn refused(text: &str, why: &str) {
        let error = parse(text).unwrap_err();
        assert!(error.starts_with("policy `p`") && error.contains(why) && !error.contains('\n'), "{text}\n{error}");
    }

    #[test]
    fn a_policy_says_what_its_rules_say() {
        let text = "package a[\"b-c\"]\ndeny[x] { x := input.reasons[_] }\nsample { count(deny) == 2 }\n";
        let evaluation = evaluate(text, json!({ "reasons": ["one", "two"] })).unwrap();
        assert_eq!(Json::Object(evaluation.values), json!({ "deny": ["one", "two"], "sample": true }));
        assert!(evaluation.results.deny.is_said && evaluation.results.sample);
    }

    #[test]
    fn the_type_is_that_of_the_rules_if_nothing_names_it() {
        assert_eq!(parse("package p\ndeny { false }").unwrap().policy_type(), PolicyType::Initialization);
        assert_eq!(parse("package p\nreject { false }").unwrap().policy_type(), PolicyType::Approval);
        refused("package p\nwarn { true }", "got neither a type in its metadata nor a rule");
    }

    #[test]
    fn a_rule_that_would_never_be_asked_for_is_refused() {
        refused(
            "# METADATA\n# custom: { type: task }\npackage p\napprove { true }",
            "which has no meaning in a policy of type `task`",
        );
        for rule in ["deny[\"a\"] if true", "deny.a if true", "deny(x) := true"] {
            let text = format!("# METADATA\n# custom: {{ type: task }}\npackage p\nimport rego.v1\n{rule}\n");
            refused(&text, "`deny` is a function or an object");
        }
        refused(
            "package p\nimport rego.v1\nreject[\"a\"] := true\napprove if true\n",
            "`reject` is a function or an object",
        );
    }

    #[test]
    fn recursion_is_refused() {
        for text in [
            "package p\ndeny { f(1) }\nf(x) = y { y := f(x) }",
            "package p\ndeny { f(1) }\nf(x) = y { y := g(x) }\ng(x) = y { y := f(x) }",
            "package p\ndeny { a }\na { b }\nb { data.p.a }",
            "package p\ndeny { count([x | x := input.x[_]; deny]) > 0 }",
            "package p\ndeny { f(1) with count as f }\nf(x) = y { y := f(x) }",
        ] {
            refused(text, "recursion: ");
        }
    }

    #[test]
    fn what_only_has_the_name_of_a_rule_is_no_recursion() {
        parse("package p\ndeny { f(1) }\nf(x) = y { y := x }\nx { f(2) }").unwrap();
        parse("package p\ndeny { a }\na { some_name := 1; some_name == 1 }\nsome_name { a }").unwrap();
    }

    #[test]
    fn functions_that_do_not_exist_or_look_outside_are_refused() {
        for (call, why) in [
            ("foo(1)", "there is no function `foo`"),
            ("http.send({})", "`http.send` cannot be called"),
            ("time.now_ns() > 1", "`time.now_ns` cannot be called"),
            ("walk(input)[_]", "there is no function `walk`"),
            ("count(1, 2, 3)", "`count` got 3 arguments, expected 1"),
            ("x := [y | y := rand.intn(\"x\", 2)]", "`rand.intn` cannot be called"),
        ] {
            // Not even where it would never be reached.
            refused(&format!("package p\ndeny {{ false; {call} }}"), why);
        }
    }

    #[test]
    fn only_its_own_package_and_the_configuration_are_seen() {
        for reference in ["data.other.x", "data", "data[input.x]", "data.p", "data.p[input.x]"] {
            refused(&format!("package p\ndeny {{ x := {reference} }}"), "expected `data.config` or a rule of `data.p`");
        }
        refused("package p\nimport data.other\ndeny { other.x }", "expected `data.config`");
        refused("package config\ndeny { true }", "got package `config`");
        parse("package p\nimport data.config.teams\ndeny { teams.sre; data.config.x; data.p.a }\na { true }").unwrap();
    }

    #[test]
    fn a_name_that_hides_a_rule_is_refused() {
        refused(
            "package p\nflag[\"y\"] { input.x }\ndeny { some flag; input.flags[flag] }",
            "`some flag` has the name of a rule",
        );
        for (import, name) in
            [("import data.config.teams", "teams"), ("import input.x as y", "y"), ("import rego.v1", "v1")]
        {
            let text = format!("package p\n{import}\ndeny if {{ some {name}; input.x[{name}] }}");
            let text = if name == "v1" { text } else { text.replace(" if {", " {") };
            refused(&text, &format!("`some {name}` has the name of an import"));
        }
        refused("package p\ndeny { some run; input.x[run] }\nwarn { run.ref }", "`some run` has the name of a rule");
    }

    #[test]
    fn a_variable_that_nothing_binds_is_an_error_with_its_place() {
        let error = evaluate("package p\ndeny[msg] { true }", json!({})).unwrap_err();
        assert!(error.starts_with("policy `p`, line 2, column 6: "), "{error}");
    }

    #[test]
    fn a_misspelled_rule_is_named_with_the_one_that_may_be_meant() {
        let text = "package p\ndeny { not is_lst }\nis_list { input.run }\n";
        assert_eq!(
            parse(text).unwrap_err(),
            "policy `p`, line 2, column 12: nothing defines `is_lst`: did you mean `is_list`?"
        );
    }

    #[test]
    fn a_not_without_an_if_before_it_is_refused_in_these_words() {
        refused("package p\nimport rego.v1\ndeny contains \"x\" not input.run", "is an `if` missing before it?");
    }

    #[test]
    fn a_variable_of_a_loop_that_has_the_name_of_a_rule_is_refused_in_these_words() {
        refused(
            "package p\nimport rego.v1\nnow := 1\ndeny if { some now in [1]; now > 0 }",
            "`now` has the name of a rule",
        );
    }

    #[test]
    fn short_names_stand_for_parts_of_the_input() {
        let text =
            "package spacelift\ndeny[run.branch] { not session.admin; request.timestamp_ns > 0; commit.hash == \"a\" }";
        let input = json!({
            "run": { "branch": "main" }, "session": { "admin": false }, "request": { "timestamp_ns": 1 }, "commit": { "hash": "a" },
        });
        assert!(evaluate(text, input).unwrap().results.deny.texts.contains("main"));
    }

    #[test]
    fn who_looks_at_the_starters_permission_is_known() {
        for text in [
            "not input.session.admin",
            "input.session[\"permission\"] == \"write\"",
            "s := input.session; s.admin",
            "not object.get(input.session, \"admin\", false)",
            "k := concat(\"\", [\"ad\", \"min\"]); not input.session[k]",
            "some k; input.session[k] == true",
            "starter == false",
            "s := input; s.session[data.config.k]",
        ] {
            assert!(
                parse(&format!("package p\nimport input.session.admin as starter\ndeny {{ {text} }}"))
                    .unwrap()
                    .mentions_permission(),
                "{text}"
            );
        }
        assert!(!parse("package p\ndeny { input.session.login == \"x\" }").unwrap().mentions_permission());
    }

    #[test]
    fn a_value_of_the_wrong_type_is_an_error() {
        let error = evaluate("package p\napprove = input.x", json!({ "x": 1 })).unwrap_err();
        assert_eq!(error, "policy `p`, line 2, column 1: `approve` got a number, expected a boolean");
        let text =
            "package p\nimport rego.v1\n\ndeny contains sprintf(\"%v\", [x]) if some x in numbers.range(1, 51)\n";
        let error = evaluate(text, json!({})).unwrap_err();
        assert_eq!(error, "policy `p`, line 4, column 1: `deny` got 51 strings, expected at most 50");
    }

    #[test]
    fn the_deepest_policy_that_is_read_can_be_evaluated() {
        let functions: Vec<String> =
            (1..36).map(|number| format!("f{number}(x) = y {{ y := f{}(x) }}", number - 1)).collect();
        let mut text = format!("package p\nf0(x) = x {{ true }}\n{}\n", functions.join("\n"));
        text += "deny { f35(1) == 1 }\n";
        assert!(evaluate(&text, json!({})).unwrap().results.deny.is_said);
        let loops = format!("package p\ndeny {{ {} true }}\n", "input.x[_]; ".repeat(38));
        assert!(evaluate(&loops, json!({ "x": [true] })).unwrap().results.deny.is_said);
    }
}
