//! Which of its rules a policy is asked for, and so of which type it is. Not here: what they say.

use super::calls::RulePath;
use super::error::{Place, RegoError};
use super::metadata::{Metadata, PolicyType};
use super::paths::full_path;
use super::results::RuleName;
use super::tree::Tree;

/// A rule that a policy has, of those that are asked for.
#[derive(Debug, Clone)]
pub(super) struct AskedRule {
    pub(super) name: RuleName,
    /// Its full path.
    pub(super) path: String,
    /// Where it is defined first.
    pub(super) place: Place,
}

/// The rules that are asked for, as far as the policy has them.
///
/// # Errors
/// A function or an object of such a name: it would never be asked for, and so never hold.
pub(super) fn rules(policy: &str, tree: &Tree, package: &RulePath) -> Result<Vec<AskedRule>, RegoError> {
    let mut rules = Vec::new();
    for rule in RuleName::ALL {
        let name = rule.as_str();
        let path: RulePath = package.iter().cloned().chain([name.to_owned()]).collect();
        let part = tree.rules.iter().find(|(other, _)| other.len() > path.len() && other.starts_with(&path));
        let whole = tree.rules.get(&path).copied();
        if let Some(place) = part.map(|(_, place)| *place).or(whole.filter(|_| tree.is_function(&path))) {
            let problem = format!(
                "`{name}` is a function or an object, expected a boolean or a set (in Rego v1, write `{name} contains`)"
            );
            return Err(RegoError::at(policy, place, problem));
        }
        rules.extend(whole.map(|place| AskedRule { name: rule, path: full_path(&path), place }));
    }
    Ok(rules)
}

/// The type that the metadata names, or the one in which the policy's rules have a meaning. `package` is where a problem of the whole policy is shown.
///
/// # Errors
/// No type; a rule of another type; no rule at all, so that the policy would have no effect.
pub(super) fn policy_type(
    policy: &str,
    package: Place,
    metadata: &Metadata,
    rules: &[AskedRule],
) -> Result<PolicyType, RegoError> {
    let decides = rules.iter().find_map(|rule| rule.name.types().and_then(|types| types.first().copied()));
    let Some(policy_type) = metadata.policy_type.or(decides) else {
        let problem =
            "got neither a type in its metadata nor a rule `deny`, `approve` or `reject`, expected one of them";
        return Err(RegoError::at(policy, package, problem));
    };
    // A rule that nobody asks for would be a rule that does not hold.
    let stray = rules.iter().find_map(|rule| {
        let types = rule.name.types().filter(|types| !types.contains(&policy_type))?;
        Some((rule, types.first()?))
    });
    if let Some((rule, other)) = stray {
        let problem = format!(
            "got rule `{}`, which has no meaning in a policy of type `{}`; expected {}: rename it, or set `type: {}`",
            rule.name.as_str(),
            policy_type.as_str(),
            expected(policy_type),
            other.as_str(),
        );
        return Err(RegoError::at(policy, rule.place, problem));
    }
    if rules.is_empty() {
        let problem = format!("got no rule {}, expected at least one: is one misspelled?", expected(policy_type));
        return Err(RegoError::at(policy, package, problem));
    }
    Ok(policy_type)
}

/// The rules that have a meaning in a type: `` `deny`, `warn`, `flag` or `sample` ``.
fn expected(policy_type: PolicyType) -> String {
    let has = |rule: &RuleName| rule.types().is_none_or(|types| types.contains(&policy_type));
    let names: Vec<String> = RuleName::ALL.into_iter().filter(has).map(|rule| format!("`{}`", rule.as_str())).collect();
    match names.split_last() {
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use serde_json::Map;

    use super::super::policy::RegoPolicy;

    #[track_caller]
    fn refused(text: &str, expected: &str) {
        let error = RegoPolicy::parse("p", text, &Map::new()).unwrap_err();
        assert_eq!(error.to_string(), format!("policy `p`, {expected}"), "{text}");
    }

    fn of_type(name: &str, rules: &str) -> String {
        format!("# METADATA\n# custom: {{ type: {name} }}\npackage p\nimport rego.v1\n{rules}\n")
    }

    #[test]
    fn a_rule_of_another_type_is_refused_where_it_stands() {
        refused(
            &of_type("task", "warn contains \"x\" if false\n\n  approve if true"),
            "line 7, column 3: got rule `approve`, which has no meaning in a policy of type `task`; expected `deny`, `warn`, `flag` or `sample`: \
             rename it, or set `type: approval`",
        );
        refused(
            &of_type("approval", "deny contains \"x\" if true"),
            "line 5, column 1: got rule `deny`, which has no meaning in a policy of type `approval`; expected `approve`, `reject`, \
             `approve_with_note`, `reject_with_note`, `warn`, `flag` or `sample`: rename it, or set `type: initialization`",
        );
    }

    #[test]
    fn a_function_or_an_object_is_refused_where_it_stands() {
        for (rule, name) in [("deny[\"x\"] if true", "deny"), ("deny.x if true", "deny"), ("warn(x) := x", "warn")] {
            let expected = format!(
                "line 6, column 1: `{name}` is a function or an object, expected a boolean or a set (in Rego v1, write `{name} contains`)"
            );
            refused(&of_type("task", &format!("sample if true\n{rule}")), &expected);
        }
    }

    #[test]
    fn a_policy_without_a_rule_that_is_asked_for_is_refused_at_its_package() {
        let expected = "expected at least one: is one misspelled?";
        for policy_type in ["task", "initialization"] {
            refused(
                &of_type(policy_type, "denny contains \"x\" if true"),
                &format!("line 3, column 1: got no rule `deny`, `warn`, `flag` or `sample`, {expected}"),
            );
        }
        refused(
            &of_type("approval", "aprove if true"),
            &format!(
                "line 3, column 1: got no rule `approve`, `reject`, `approve_with_note`, `reject_with_note`, `warn`, `flag` or `sample`, {expected}"
            ),
        );
    }

    #[test]
    fn a_policy_of_no_type_is_refused_at_its_package() {
        refused(
            "# A comment.\n\npackage p\nwarn { true }\n",
            "line 3, column 1: got neither a type in its metadata nor a rule `deny`, `approve` or `reject`, expected one of them",
        );
    }
}
