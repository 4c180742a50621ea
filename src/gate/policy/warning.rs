//! What a valid policy should not say without a reason.

use std::fmt;

use super::repository_pattern::RepositoryPattern;
use super::rule::{Policy, Rule};
use crate::gate::rego::{PolicyType, RegoPolicy, RegoWarning, RuleName};
use crate::model::{Login, quoted, quoted_list};

/// Bots in whose name anybody who can write to the repository can start a run.
const DRIVEN_BY_ANYBODY: [&str; 1] = ["github-actions[bot]"];
/// Characters of a standard SSM parameter.
const STANDARD_CHARS_MAX: usize = 4096;

/// A policy that is valid, but weaker than it looks, or that will not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyWarning {
    /// What it is, beginning with the rule.
    pub problem: String,
    /// What to do, in full sentences.
    pub fix: String,
}

impl fmt::Display for PolicyWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}. {}", self.problem, self.fix)
    }
}

impl Policy {
    /// What its author should think about once more, in the order of its rules.
    pub fn warnings(&self) -> Vec<PolicyWarning> {
        let rules = || (1..).zip(&self.rules);
        let mut warnings = Vec::new();
        for (number, rule) in rules() {
            warnings.extend(no_approval(number, rule));
            warnings.extend(driven_by_anybody(number, rule));
            let strict = rules().filter(|(_, strict)| *strict != rule);
            warnings.extend(strict.filter_map(|strict| more_lenient((number, rule), strict)));
        }
        warnings.extend(self.rego.iter().filter_map(|policy| self.idle(policy)));
        warnings.extend(self.rego.iter().filter_map(|policy| never_approves(policy)));
        warnings.extend(self.rego.iter().flat_map(|policy| of_text(policy)));
        warnings.extend(self.team_without_teams());
        warnings.extend(too_long(self.text()));
        warnings
    }

    /// A policy in Rego that no rule has.
    fn idle(&self, policy: &RegoPolicy) -> Option<PolicyWarning> {
        let is_attached =
            self.rules.iter().flat_map(|rule| &rule.attached).any(|attached| attached.name() == policy.name());
        (!is_attached).then(|| PolicyWarning {
            problem: format!("policy {} is attached to no rule, so it is never asked", quoted(policy.name())),
            fix: "Name it in `policies` of a rule, or set `attach` in its METADATA block.".to_owned(),
        })
    }

    /// `team`, where the gate would read `teams`.
    fn team_without_teams(&self) -> Option<PolicyWarning> {
        (self.data.contains_key("team") && !self.data.contains_key("teams")).then(|| PolicyWarning {
            problem: "`[data]` has `team` but not `teams`, so no account has a team".to_owned(),
            fix: "Rename it to `teams`, or rename it to something else if it is not a table of teams.".to_owned(),
        })
    }
}

/// What a policy in Rego may not mean.
fn of_text(policy: &RegoPolicy) -> Vec<PolicyWarning> {
    let of_policy = |RegoWarning { place, problem, fix }| PolicyWarning {
        problem: format!("policy {}, {place}: {problem}", quoted(policy.name())),
        fix,
    };
    policy.warnings().into_iter().map(of_policy).collect()
}

/// A policy of type `approval` that can only reject.
fn never_approves(policy: &RegoPolicy) -> Option<PolicyWarning> {
    let approves = policy.has(RuleName::Approve) || policy.has(RuleName::ApproveWithNote);
    (policy.policy_type() == PolicyType::Approval && !approves).then(|| PolicyWarning {
        problem: format!(
            "policy {} never approves, so every run that it does not reject waits for three days",
            quoted(policy.name())
        ),
        fix: "Add a rule `approve`, such as `approve if not reject`.".to_owned(),
    })
}

fn no_approval(number: usize, rule: &Rule) -> Option<PolicyWarning> {
    let jobs = quoted_list(rule.gates.iter().map(|gate| &gate.job));
    (rule.approvals == 0).then(|| PolicyWarning {
        problem: format!("rule {number}: with `approvals = 0` the only proof is that a job named {jobs} succeeded"),
        fix: "Require at least 1 approval.".to_owned(),
    })
}

fn driven_by_anybody(number: usize, rule: &Rule) -> Option<PolicyWarning> {
    let is_driven = |login: &&Login| DRIVEN_BY_ANYBODY.iter().any(|driven| driven.eq_ignore_ascii_case(login.as_str()));
    rule.starters.iter().find(is_driven).map(|login| {
        let login = quoted(login.as_str());
        PolicyWarning {
            problem: format!(
                "rule {number}: anybody who can write to the repository can start a run as {login}, which `starters` allows, and then approve it"
            ),
            fix: format!("Remove {login}, or have runs started by an App of your own and name its bot instead."),
        }
    })
}

/// Where a rule for every repository of an owner is more lenient than a rule for one of them: whichever passes approves.
fn more_lenient((number, rule): (usize, &Rule), (other, strict): (usize, &Rule)) -> Option<PolicyWarning> {
    let owners: Vec<&RepositoryPattern> =
        rule.repositories.iter().filter(|pattern| matches!(pattern, RepositoryPattern::AllOf(_))).collect();
    let is_covered = |one: &&RepositoryPattern| match one {
        RepositoryPattern::One(name) => owners.iter().any(|owner| owner.matches(name)),
        RepositoryPattern::AllOf(_) => false,
    };
    let repository = strict.repositories.iter().find(is_covered).filter(|_| rule.environment == strict.environment)?;
    let keys = lenient_keys(rule, strict);
    let shown = keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
    let (owners, repository) = (quoted_list(owners), quoted(&repository.to_string()).to_string());
    (!keys.is_empty()).then(|| PolicyWarning {
        problem: format!(
            "rule {number}: for {owners} it is more lenient than rule {other} for {repository} in {shown}, and either rule lets a run of {repository} in"
        ),
        fix: format!("Make rule {number} as strict, or let it name its repositories one by one."),
    })
}

/// The keys by which one rule lets in what the other does not.
fn lenient_keys(rule: &Rule, strict: &Rule) -> Vec<&'static str> {
    let allows_more = |mine: &[Login], theirs: &[Login]| mine.iter().any(|login| !theirs.contains(login));
    let approvers_more =
        !strict.approvers.is_empty() && (rule.approvers.is_empty() || allows_more(&rule.approvers, &strict.approvers));
    let refs_more = rule.refs.iter().any(|name| !strict.refs.iter().any(|other| other.includes(name)));
    let workflows_more = !strict.gate_workflows.is_empty()
        && (rule.gate_workflows.is_empty()
            || rule.gate_workflows.iter().any(|file| !strict.gate_workflows.contains(file)));
    let gates_less = strict.gates.iter().any(|gate| !rule.gates.contains(gate));
    [
        ("workflow", rule.workflow != strict.workflow),
        ("refs", refs_more),
        ("events", rule.events.iter().any(|event| !strict.events.contains(event))),
        ("approvals", rule.approvals < strict.approvals),
        ("approvers", approvers_more),
        ("starters", allows_more(&rule.starters, &strict.starters)),
        ("self_approval", rule.self_approval && !strict.self_approval),
        ("signed", strict.signed && !rule.signed),
        ("runner", strict.runner.is_some() && rule.runner != strict.runner),
        ("gate_workflows", workflows_more),
        ("max_age", rule.max_age.duration() > strict.max_age.duration()),
        ("gate", gates_less),
    ]
    .into_iter()
    .filter_map(|(key, is_lenient)| is_lenient.then_some(key))
    .collect()
}

fn too_long(text: &str) -> Option<PolicyWarning> {
    let chars = text.chars().count();
    (chars > STANDARD_CHARS_MAX).then(|| PolicyWarning {
        problem: format!("the policy has {chars} characters, and a standard SSM parameter holds {STANDARD_CHARS_MAX}"),
        fix: "Store it as an advanced parameter (`--tier Advanced`, up to 8,192 characters), or shorten it.".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::*;

    const RULE: &str = "[[rule]]\nrepositories = [\"octo-org/widgets\"]\nrefs = [\"main\"]\n";
    const OWNER: &str = "[[rule]]\nrepositories = [\"Octo-Org/*\"]\nrefs = [\"main\"]\n";

    fn warnings(policy: &str) -> Vec<String> {
        Policy::parse(policy).unwrap().warnings().iter().map(ToString::to_string).collect()
    }

    #[track_caller]
    fn one(policy: &str) -> String {
        let warnings = warnings(policy);
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        warnings.concat()
    }

    #[test]
    fn a_policy_in_rego_that_no_rule_has_is_warned_of() {
        let with = |rule: &str| {
            let policy = Policy::parse(rule).unwrap().with_rego([("p", "package p\ndeny { false }")]).unwrap();
            policy.warnings().iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        let idle = "policy `p` is attached to no rule, so it is never asked. Name it in `policies` of a rule, or set `attach` in its METADATA block.";
        assert_eq!(with(RULE), [idle]);
        assert_eq!(with(&format!("{RULE}policies = [\"p\"]\n")), Vec::<String>::new());
    }

    #[test]
    fn what_a_policy_in_rego_may_not_mean_is_warned_of_with_its_place() {
        let text = "package p\ndeny { input.reqest }";
        let policy = Policy::parse(&format!("{RULE}policies = [\"p\"]\n")).unwrap().with_rego([("p", text)]).unwrap();
        let warnings: Vec<String> = policy.warnings().iter().map(ToString::to_string).collect();
        let expected = "policy `p`, line 2, column 8: no input has `input.reqest`, so it is always undefined. Did you mean `input.request`?";
        assert_eq!(warnings, [expected]);
    }

    #[test]
    fn a_policy_in_rego_that_never_approves_is_warned_of() {
        let with = |text: &str| {
            let policy =
                Policy::parse(&format!("{RULE}policies = [\"p\"]\n")).unwrap().with_rego([("p", text)]).unwrap();
            policy.warnings().iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        let never = "policy `p` never approves, so every run that it does not reject waits for three days. Add a rule `approve`, such as `approve if not reject`.";
        assert_eq!(with("package p\nreject { false }"), [never]);
        for text in
            ["package p\nreject { false }\napprove { not reject }", "package p\napprove_with_note[\"x\"] { true }"]
        {
            assert_eq!(with(text), Vec::<String>::new());
        }
    }

    #[test]
    fn a_team_without_teams_is_warned_of() {
        let warning = one(&format!("{RULE}[data.team]\nsre = []\n"));
        assert!(
            warning.starts_with("`[data]` has `team` but not `teams`") && warning.contains("Rename it"),
            "{warning}"
        );
        assert_eq!(warnings(&format!("{RULE}[data]\nteam = 1\nteams = {{ sre = [] }}\n")), Vec::<String>::new());
    }

    #[test]
    fn a_plain_policy_has_nothing_to_warn_of() {
        assert_eq!(warnings(RULE), Vec::<String>::new());
        assert_eq!(warnings(&format!("{RULE}starters = [\"release-bot[bot]\"]\n")), Vec::<String>::new());
    }

    #[test]
    fn a_rule_without_an_approval_is_warned_of() {
        let warning = one(&format!("{RULE}approvals = 0\n"));
        assert!(
            warning.starts_with("rule 1: with `approvals = 0`") && warning.contains("Require at least"),
            "{warning}"
        );
    }

    #[test]
    fn a_bot_that_anybody_can_drive_is_warned_of() {
        let warning = one(&format!("{RULE}{RULE}starters = [\"a[bot]\", \"GitHub-Actions[bot]\"]\n"));
        assert!(warning.starts_with("rule 2: ") && warning.contains("Remove `GitHub-Actions[bot]`"), "{warning}");
    }

    #[test]
    fn a_lenient_rule_for_an_owner_beside_a_strict_one_is_warned_of() {
        let gates =
            "[[rule.gate]]\njob = \"a\"\nenvironment = \"a\"\n[[rule.gate]]\njob = \"b\"\nenvironment = \"b\"\n";
        for (lenient, strict, key) in [
            ("approvals = 0\n", "", "approvals"),
            ("", "approvers = [\"bob\"]\n", "approvers"),
            ("approvers = [\"eve\"]\n", "approvers = [\"bob\"]\n", "approvers"),
            ("starters = [\"a[bot]\"]\n", "", "starters"),
            ("self_approval = true\n", "", "self_approval"),
            ("max_age = \"4d\"\n", "max_age = \"72h\"\n", "max_age"),
            ("events = [\"push\"]\n", "", "events"),
            ("workflow = \".github/workflows/a.yml\"\n", "", "workflow"),
            ("", gates, "gate"),
        ] {
            let warnings = warnings(&format!("{OWNER}{lenient}{RULE}{strict}"));
            let expected =
                format!("rule 1: for `Octo-Org/*` it is more lenient than rule 2 for `octo-org/widgets` in `{key}`");
            assert!(warnings.iter().any(|warning| warning.starts_with(&expected)), "{key}: {warnings:?}");
        }
    }

    #[test]
    fn a_ref_that_the_strict_rule_does_not_allow_is_lenient() {
        let warned = |owner: &str, strict: &str| {
            !warnings(&format!("{}{}", OWNER.replace("main", owner), RULE.replace("main", strict))).is_empty()
        };
        assert!(warned("v*", "v1") && warned("v*", "main") && warned("develop", "main") && warned("v/x", "v*"));
        assert!(!warned("v1", "v*") && !warned("v1*", "v*") && !warned("main", "main"));
    }

    #[test]
    fn a_rule_that_is_not_more_lenient_or_about_something_else_is_not_warned_of() {
        for (owner, strict) in [
            ("", ""),
            ("", "max_age = \"4d\"\n"),
            ("approvers = [\"bob\"]\n", ""),
            ("approvers = [\"bob\"]\n", "approvers = [\"bob\", \"carol\"]\n"),
            ("environment = \"prod\"\nself_approval = true\n", ""),
        ] {
            assert_eq!(warnings(&format!("{OWNER}{owner}{RULE}{strict}")), Vec::<String>::new());
        }
        let elsewhere = RULE.replace("octo-org", "another");
        assert_eq!(warnings(&format!("{OWNER}self_approval = true\n{elsewhere}")), Vec::<String>::new());
    }

    #[test]
    fn a_policy_that_does_not_fit_a_standard_parameter_is_warned_of() {
        let filled =
            |chars: usize| format!("{RULE}#{}\n", "ä".repeat(chars.saturating_sub(RULE.len().saturating_add(2))));
        assert_eq!(warnings(&filled(STANDARD_CHARS_MAX)), Vec::<String>::new());
        let warning = one(&filled(STANDARD_CHARS_MAX.saturating_add(1)));
        assert!(warning.contains("4097 characters") && warning.contains("--tier Advanced"), "{warning}");
    }
}
