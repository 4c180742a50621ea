//! Which policies in Rego a rule has: those that it names, and those that attach themselves to its labels.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::rule::{self, Policy, Rule};
use super::source::PolicyError;
use crate::gate::rego::{Attachment, RegoError, RegoPolicy};
use crate::model::{quoted, quoted_list};

/// Policies in Rego.
const POLICIES_MAX: usize = 32;

/// Why policies in Rego cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AttachError {
    /// One of them.
    #[error(transparent)]
    Rego(#[from] RegoError),
    /// The rule that names them.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// There are too many.
    #[error("got {0} policies in Rego, expected at most {POLICIES_MAX}")]
    TooMany(usize),
}

impl Policy {
    /// The same policy, with these policies in Rego, each a name and a text.
    ///
    /// # Errors
    /// One that cannot be used, two of one name, a name or a label that nobody has, teams that are not lists of logins.
    pub fn with_rego<'t>(self, texts: impl IntoIterator<Item = (&'t str, &'t str)>) -> Result<Self, AttachError> {
        self.examine_teams()?;
        let read = texts.into_iter().map(|(name, text)| RegoPolicy::parse(name, text, &self.data).map(Arc::new));
        let mut rego = read.collect::<Result<Vec<_>, _>>()?;
        if rego.len() > POLICIES_MAX {
            return Err(AttachError::TooMany(rego.len()));
        }
        rego.sort_by(|one, other| one.name().cmp(other.name()));
        if let Some([one, _]) = rego.array_windows().find(|[one, other]| one.name() == other.name()) {
            return Err(RegoError::of_policy(one.name(), "got two policies of this name, expected one").into());
        }
        if let Some((policy, label)) = rego.iter().find_map(|policy| Some((policy, self.unknown_label(policy)?))) {
            let there: BTreeSet<&String> = self.rules.iter().flat_map(|rule| &rule.labels).collect();
            let there = if there.is_empty() { "none".to_owned() } else { quoted_list(there) };
            let problem = format!(
                "got attachment {}, but no rule has this label (there are: {there}): add it to `labels` of a rule, or change `attach`",
                quoted(&format!("label:{label}"))
            );
            return Err(RegoError::of_policy(policy.name(), problem).into());
        }
        let rules = self.rules.iter().map(|rule| rule.with(&rego)).collect::<Result<_, _>>()?;
        let hash = rule::hash(&self.text, &rego);
        Ok(Self { rules, rego, hash, ..self })
    }

    fn unknown_label<'p>(&self, policy: &'p RegoPolicy) -> Option<&'p str> {
        let has = |label: &String| self.rules.iter().any(|rule| rule.labels.contains(label));
        policy.metadata().attach.iter().find_map(|attachment| match attachment {
            Attachment::Label(label) if !has(label) => Some(label.as_str()),
            Attachment::Label(_) | Attachment::Every => None,
        })
    }
}

impl Rule {
    /// The rule with the policies that it has of these.
    fn with(&self, rego: &[Arc<RegoPolicy>]) -> Result<Self, PolicyError> {
        let known: BTreeSet<&str> = rego.iter().map(|policy| policy.name()).collect();
        if let Some(missing) = self.policies.iter().find(|named| !known.contains(named.name.as_str())) {
            let known = if known.is_empty() { "none".to_owned() } else { quoted_list(known) };
            let problem =
                format!("got {}, but there is no such policy in Rego (there are: {known})", quoted(&missing.name));
            return Err(PolicyError { line: missing.line, key: "rule.policies".to_owned(), problem });
        }
        let attached = rego.iter().filter(|policy| self.has(policy)).cloned().collect();
        Ok(Self { attached, ..self.clone() })
    }

    fn has(&self, policy: &RegoPolicy) -> bool {
        let attaches = |attachment: &Attachment| match attachment {
            Attachment::Every => true,
            Attachment::Label(label) => self.labels.contains(label),
        };
        self.policies.iter().any(|named| named.name == policy.name()) || policy.metadata().attach.iter().any(attaches)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

    use super::*;

    const POLICY: &str = "[[rule]]\nrepositories = [\"a/b\"]\nrefs = [\"main\"]\nlabels = [\"prod\"]\n\
        [[rule]]\nrepositories = [\"a/c\"]\nrefs = [\"main\"]\npolicies = [\"named\"]\n";

    fn text(attach: &str) -> String {
        format!("# METADATA\n# custom: {{ type: task, attach: [{attach}] }}\npackage p\ndeny[\"x\"] {{ false }}\n")
    }

    fn attached(texts: &[(&str, &str)]) -> Result<Vec<Vec<String>>, String> {
        let policy =
            Policy::parse(POLICY).unwrap().with_rego(texts.iter().copied()).map_err(|error| error.to_string())?;
        let names = |rule: &Rule| rule.attached.iter().map(|policy| policy.name().to_owned()).collect();
        Ok(policy.rules.iter().map(names).collect())
    }

    #[test]
    fn a_policy_is_attached_by_name_by_label_or_to_all() {
        let (named, label, all) = (text(""), text("\"label:prod\""), text("\"*\""));
        let attached = attached(&[("named", &named), ("label", &label), ("all", &all)]).unwrap();
        assert_eq!(attached, [vec!["all", "label"], vec!["all", "named"]]);
    }

    #[test]
    fn a_name_that_no_policy_has_is_refused_with_its_line() {
        let other = text("");
        let expected =
            "policy line 8, `rule.policies`: got `named`, but there is no such policy in Rego (there are: `other`)";
        assert_eq!(attached(&[("other", &other)]).unwrap_err(), expected);
        assert!(attached(&[]).unwrap_err().ends_with("(there are: none)"));
    }

    #[test]
    fn a_label_that_no_rule_has_is_refused() {
        let (named, stray) = (text(""), text("\"label:staging\""));
        let error = attached(&[("named", &named), ("stray", &stray)]).unwrap_err();
        let expected = "policy `stray`: got attachment `label:staging`, but no rule has this label (there are: `prod`): \
            add it to `labels` of a rule, or change `attach`";
        assert_eq!(error, expected);
    }

    #[test]
    fn two_policies_of_one_name_are_refused() {
        let named = text("");
        let error = attached(&[("named", &named), ("named", &named)]).unwrap_err();
        assert_eq!(error, "policy `named`: got two policies of this name, expected one");
    }

    #[test]
    fn there_is_a_bound_to_policies() {
        let named = text("");
        let names: Vec<String> = (0..=POLICIES_MAX).map(|number| format!("p{number}")).collect();
        let texts: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), named.as_str())).collect();
        assert_eq!(attached(&texts).unwrap_err(), "got 33 policies in Rego, expected at most 32");
    }

    #[test]
    fn a_policy_sees_the_table_data() {
        let policy = format!("{POLICY}[data]\nday = 2026-01-05\n[data.teams]\nsre = [\"bob\"]\n");
        let policy = Policy::parse(&policy).unwrap();
        assert_eq!(policy.data["day"], "2026-01-05");
        assert_eq!(policy.data["teams"]["sre"][0], "bob");
    }

    #[test]
    fn teams_that_are_not_lists_are_refused() {
        let policy = Policy::parse(&format!("{POLICY}[data.teams]\nsre = \"bob\"\n")).unwrap();
        let error = policy.with_rego([]).map(|_| ()).map_err(|error| error.to_string());
        assert_eq!(error, Err("policy line 10, `data.teams.sre`: got a string, expected a list of logins".to_owned()));
    }
}
