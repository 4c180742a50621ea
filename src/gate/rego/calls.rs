//! Which rule of a policy uses which: no recursion, and no path so deep that the evaluation's stack would not hold it.

use std::collections::BTreeMap;

use super::error::{Place, RegoError};

/// The longest way through rules that use each other, each counted with its loops: the evaluation nests as deep. Twice as much was seen to fit into two
/// megabytes of stack in a build without optimisation.
const DEPTH_MAX: usize = 40;

/// A rule's package and its name: `["spacelift", "deny"]`, `["acme", "team", "sre"]`.
pub(super) type RulePath = Vec<String>;

/// All definitions of one rule together.
#[derive(Debug, Default)]
pub(super) struct RuleUses {
    /// The text and the place where it is defined first.
    pub(super) place: Option<(String, Place)>,
    /// How deep its own evaluation nests.
    pub(super) depth: usize,
    /// What it uses.
    pub(super) uses: Vec<RulePath>,
}

/// Every rule, by its path.
pub(super) type Uses = BTreeMap<RulePath, RuleUses>;

/// Looks for recursion, and for a chain of rules that is too long.
///
/// # Errors
/// The rules on it.
pub(super) fn examine(uses: &Uses) -> Result<(), RegoError> {
    let mut depths = BTreeMap::new();
    for rule in uses.keys() {
        depth_of(uses, rule, &mut Vec::new(), &mut depths)?;
    }
    Ok(())
}

/// How deep a rule nests with all that it uses. `way` leads to it.
fn depth_of<'u>(
    uses: &'u Uses,
    rule: &'u RulePath,
    way: &mut Vec<&'u RulePath>,
    depths: &mut BTreeMap<&'u RulePath, usize>,
) -> Result<usize, RegoError> {
    if let Some(depth) = depths.get(rule) {
        return Ok(*depth);
    }
    let Some(here) = uses.get(rule) else { return Ok(0) };
    let refuse = |problem: String| match &here.place {
        Some((policy, place)) => Err(RegoError::at(policy, *place, problem)),
        None => Err(RegoError::of_policy(&rule.join("."), problem)),
    };
    let shown = |way: &[&RulePath]| {
        way.iter().copied().chain([rule]).map(|rule| format!("`{}`", rule.join("."))).collect::<Vec<_>>().join(" → ")
    };
    if let Some(at) = way.iter().position(|other| *other == rule) {
        let problem = format!(
            "recursion: {}: expected rules that do not need themselves",
            shown(way.get(at..).unwrap_or_default())
        );
        return refuse(problem);
    }
    // Each rule adds at least one, so the way stays short.
    if way.len() > DEPTH_MAX {
        return refuse(too_deep());
    }
    way.push(rule);
    let mut deepest = 0;
    for used in &here.uses {
        for other in uses.keys().filter(|other| other.starts_with(used) || used.starts_with(other)) {
            deepest = depth_of(uses, other, way, depths)?.max(deepest);
        }
    }
    way.pop();
    let depth = here.depth.saturating_add(deepest);
    if depth > DEPTH_MAX {
        return refuse(too_deep());
    }
    depths.insert(rule, depth);
    Ok(depth)
}

fn too_deep() -> String {
    format!(
        "rules and loops nest too deep, expected at most {DEPTH_MAX} inside each other: split the rule, or the policy"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uses(rules: &[(&str, &[&str])]) -> Uses {
        let path = |name: &str| name.split('.').map(str::to_owned).collect::<RulePath>();
        let of = |uses: &[&str]| RuleUses { place: None, depth: 1, uses: uses.iter().map(|name| path(name)).collect() };
        rules.iter().map(|(name, uses)| (path(name), of(uses))).collect()
    }

    #[test]
    fn rules_may_use_each_other_without_a_circle() {
        assert_eq!(examine(&uses(&[("deny", &["a", "b"]), ("a", &["b"]), ("b", &[])])), Ok(()));
    }

    #[test]
    fn a_circle_is_named() {
        let problem = examine(&uses(&[("a", &["b"]), ("b", &["c"]), ("c", &["b"])])).map_err(|error| error.problem);
        assert_eq!(problem, Err("recursion: `b` → `c` → `b`: expected rules that do not need themselves".to_owned()));
    }

    #[test]
    fn a_part_of_a_rule_that_uses_another_part_is_no_circle() {
        assert_eq!(examine(&uses(&[("team.sre", &["team.all"]), ("team.all", &[])])), Ok(()));
    }

    #[test]
    fn whoever_uses_a_whole_uses_each_part() {
        assert!(examine(&uses(&[("team.sre", &["team"]), ("team.all", &[])])).is_err());
    }

    #[test]
    fn a_way_that_is_too_long_is_refused() {
        let names: Vec<String> = (0..=DEPTH_MAX).map(|number| format!("r{number}")).collect();
        let chain = |length: usize| -> Uses {
            let of = |(rule, next): (&String, Option<&String>)| {
                (
                    vec![rule.clone()],
                    RuleUses { place: None, depth: 1, uses: next.map(|next| vec![next.clone()]).into_iter().collect() },
                )
            };
            let names = names.iter().take(length);
            names.clone().zip(names.skip(1).map(Some).chain([None])).map(of).collect()
        };
        assert_eq!(examine(&chain(DEPTH_MAX)), Ok(()));
        assert!(
            examine(&chain(DEPTH_MAX + 1))
                .is_err_and(|error| error.problem.starts_with("rules and loops nest too deep"))
        );
    }
}
