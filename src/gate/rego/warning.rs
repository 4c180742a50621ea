//! What a policy that can be read may not mean: names that are nearly right, and conditions that silently have no value.

use regorus::unstable::{Module, Ref};

use super::calls::RulePath;
use super::error::{Place, RegoError};
use super::input_schema::InputSchema;
use super::metadata::unread_keys;
use super::policy::RegoPolicy;
use super::results::RuleName;
use super::spelling::nearest;
use super::tree::{DataScope, Tree};
use super::{library, modules, negation};
use crate::model::quoted;

/// Something that the author of a policy should think about once more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegoWarning {
    /// Where it stands.
    pub place: Place,
    /// What it is.
    pub problem: String,
    /// What to do, in full sentences.
    pub fix: String,
}

impl RegoPolicy {
    /// What its author should think about once more, in the order of its text.
    pub fn warnings(&self) -> Vec<RegoWarning> {
        // It was read before, so it can be read.
        let Ok((module, tree)) = self.read_again() else { return Vec::new() };
        let Ok(package) = modules::package(self.name(), &module) else { return Vec::new() };
        let mut warnings = misspelled_rules(&tree, &package);
        warnings.extend(unknown_fields(&tree));
        warnings.extend(negation::silent(&module).into_iter().map(|(place, operand)| silent(place, &operand)));
        warnings.extend(unread_keys(self.text()).into_iter().map(|(place, key, meant)| RegoWarning {
            place,
            problem: format!("METADATA: {} is not read", quoted(&format!("custom.{key}"))),
            fix: format!("Did you mean `{meant}`?"),
        }));
        warnings.sort_by_key(|warning| (warning.place.line, warning.place.column));
        warnings
    }

    /// The parts of the input that it names: `["run", "ref"]`. An empty one stands for all of it.
    pub fn input_fields(&self) -> Vec<Vec<String>> {
        let fields = self.read_again().map(|(_, tree)| tree.input_fields).unwrap_or_default();
        fields.into_iter().map(|(path, _)| path).collect()
    }

    /// The text as it stands: for its evaluation, statements were added.
    fn read_again(&self) -> Result<(Ref<Module>, Tree), RegoError> {
        let mut engine = library::as_written(self.name(), self.text())?;
        let module = engine.get_modules().first().cloned();
        let module = module.ok_or_else(|| RegoError::of_policy(self.name(), "got no package"))?;
        let tree = modules::examine(&[(self.name(), &module)], DataScope::OwnPackage)?;
        Ok((module, tree))
    }
}

/// Rules that nothing uses, with nearly the name of one that is asked for.
fn misspelled_rules(tree: &Tree, package: &RulePath) -> Vec<RegoWarning> {
    let is_used = |rule: &RulePath| tree.used.iter().any(|used| used.starts_with(rule));
    let asked = || RuleName::ALL.iter().map(|asked| asked.as_str());
    let rules = tree.rules.iter().filter(|(rule, _)| !is_used(rule));
    let misspelled = rules.filter_map(|(rule, place)| {
        let name = rule.strip_prefix(package.as_slice())?.first()?;
        let meant = nearest(name, asked()).filter(|_| !asked().any(|asked| asked == name))?;
        Some(RegoWarning {
            place: *place,
            problem: format!("nothing asks for rule {}", quoted(name)),
            fix: format!("Did you mean `{meant}`?"),
        })
    });
    misspelled.collect()
}

/// Fields that no input has.
fn unknown_fields(tree: &Tree) -> Vec<RegoWarning> {
    let schema = InputSchema::new();
    let unknown = tree.input_fields.iter().filter_map(|(path, place)| {
        let unknown = schema.unknown(path)?;
        let fix = match unknown.nearest {
            Some(meant) => format!("Did you mean `{meant}`?"),
            None => "`gate policy schema` lists the fields that there are.".to_owned(),
        };
        let problem = format!("no input has {}, so it is always undefined", quoted(&unknown.path));
        Some(RegoWarning { place: *place, problem, fix })
    });
    unknown.collect()
}

fn silent(place: Place, operand: &str) -> RegoWarning {
    RegoWarning {
        place,
        problem: format!(
            "where {} is missing, this `not` has no value, as in OPA, so its rule says nothing",
            quoted(operand)
        ),
        fix: "Put the condition into a rule of its own, and negate that: `is_listed if …`, then `not is_listed`."
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use serde_json::Map;

    use super::*;

    /// The warnings about a policy in Rego v1, a line each.
    fn warnings(rules: &str) -> Vec<String> {
        of(&format!("package p\nimport rego.v1\n{rules}\n"))
    }

    fn of(text: &str) -> Vec<String> {
        let policy = RegoPolicy::parse("p", text, &Map::new()).unwrap();
        let shown = |RegoWarning { place, problem, fix }| format!("{}:{}: {problem}. {fix}", place.line, place.column);
        policy.warnings().into_iter().map(shown).collect()
    }

    #[test]
    fn a_field_that_no_input_has_is_named_with_the_one_that_may_be_meant() {
        let expected =
            "3:26: no input has `input.repositry`, so it is always undefined. Did you mean `input.repository`?";
        assert_eq!(warnings("deny contains \"a\" if not input.repositry.name == \"x\""), [expected]);
        let expected = "3:9: no input has `input.run.reff`, so it is always undefined. Did you mean `input.run.ref`?";
        assert_eq!(warnings("deny if input[\"run\"].reff == \"x\""), [expected]);
        let [unlike] = warnings("deny if input.run.drift_detection").try_into().unwrap();
        assert!(unlike.ends_with("`gate policy schema` lists the fields that there are."), "{unlike}");
    }

    #[test]
    fn a_field_is_checked_by_its_short_name_and_by_an_import_too() {
        assert_eq!(of("package p\ndeny { run.reff == \"x\" }").len(), 1);
        assert_eq!(warnings("import input.session as s\ndeny if s.logn == \"x\"").len(), 1);
    }

    #[test]
    fn fields_that_there_are_and_names_of_its_own_raise_no_doubt() {
        assert_eq!(
            warnings(
                "deny if { some job in input.jobs; job.nobody_knows; input.session.teams[_] == \"a\"; input.signature.ref }"
            ),
            [""; 0]
        );
        assert_eq!(warnings("deny if { run := {\"reff\": 1}; run.reff == 1 }"), [""; 0]);
    }

    #[test]
    fn a_rule_with_nearly_the_name_of_one_that_is_asked_for_is_named_unless_it_is_used() {
        assert_eq!(
            warnings("denny contains \"a\"\nwarn contains \"b\"\ndeny if false"),
            ["3:1: nothing asks for rule `denny`. Did you mean `deny`?"]
        );
        assert_eq!(warnings("denied if input.run.ref == \"a\"\ndeny if denied"), [""; 0]);
    }

    #[test]
    fn a_negated_call_that_looks_at_the_configuration_is_named() {
        for condition in [
            "not is_array(data.config.freezes)",
            "not input.run.ref in data.config.refs",
            "not count(data.config.freezes) > 1",
            "not is_array(freezes)",
        ] {
            let warnings = warnings(&format!("import data.config.freezes\ndeny if {condition}"));
            let [warning] = warnings.as_slice() else { unreachable!("{condition}: {warnings:?}") };
            assert!(warning.contains("is missing, this `not` has no value, as in OPA"), "{warning}");
        }
    }

    #[test]
    fn what_a_policy_contains_is_shown_on_one_line_without_control_characters() {
        let texts =
            ["deny if input[\"req\\u001b[31m\\n\"]", "deny if not f(data.config.x,\n\t1) > 1\nf(x, y) := x + y"];
        for text in texts {
            let warnings = warnings(text);
            let [warning] = warnings.as_slice() else { unreachable!("{text}: {warnings:?}") };
            assert!(!warning.contains(char::is_control), "{warning:?}");
        }
    }

    #[test]
    fn a_negated_condition_that_has_a_value_is_not_named() {
        for condition in [
            "not data.config.freezes",
            "not data.config.x == 1",
            "not is_frozen",
            "not startswith(input.run.ref, \"a\")",
        ] {
            assert_eq!(
                warnings(&format!("is_frozen if is_array(data.config.freezes)\ndeny if {condition}")),
                [""; 0],
                "{condition}"
            );
        }
    }

    #[test]
    fn who_says_what_follows_if_it_is_missing_is_not_warned() {
        let rules = |list: &str| {
            format!(
                "deny contains \"no list\" if not data.config.{list}\ndeny contains \"not listed\" if not input.run.ref in data.config.refs"
            )
        };
        assert_eq!(warnings(&rules("refs")), [""; 0]);
        assert_eq!(warnings(&rules("ref")).len(), 1);
    }

    #[test]
    fn a_key_of_the_metadata_that_is_nearly_one_of_ours_is_named() {
        let metadata = |keys: &str| {
            of(&format!("# METADATA\n# custom:\n#   type: task\n{keys}package p\nimport rego.v1\ndeny if false\n"))
        };
        assert_eq!(
            metadata("#   attatch: [\"*\"]\n"),
            ["1:1: METADATA: `custom.attatch` is not read. Did you mean `attach`?"]
        );
        assert_eq!(metadata("#   owner: sre\n"), [""; 0]);
    }
}
