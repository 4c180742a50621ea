//! The environments of one rule in one repository.

use super::branch_pattern::BranchPattern;
use super::inspector::{BranchPolicy, EnvironmentPlace, Inspector, PagedList};
use super::{Item, Line};
use crate::gate::policy::{Gate, RefPattern, Rule};
use crate::github::{AppWire, EnvironmentWire, RepositoryClient};
use crate::model::{EnvironmentName, RefName, RepositoryName, quoted, quoted_list};

/// One rule in one repository, and who looks at it.
pub(super) struct EnvironmentsOfRule<'a> {
    pub(super) inspector: &'a Inspector<'a>,
    /// Reads the repository.
    pub(super) client: &'a RepositoryClient<'a>,
    pub(super) repository: &'a RepositoryName,
    /// Who we are.
    pub(super) app: &'a AppWire,
    pub(super) rule: &'a Rule,
}

impl<'a> EnvironmentsOfRule<'a> {
    /// Examines the protected environment and those of the gates.
    pub(super) async fn examine(&self) -> Vec<Line> {
        let mut lines = self.release().await;
        for gate in &self.rule.gates {
            lines.extend(self.gate(gate).await);
        }
        lines
    }

    async fn release(&self) -> Vec<Line> {
        const ITEM: Item = Item::ReleaseEnvironment;
        let place = self.place(&self.rule.environment);
        let lines = match self.inspector.environment(self.client, place).await {
            Err(error) => vec![Line::of_error(ITEM, &error)],
            Ok(None) => vec![Line::failed(ITEM, "no such environment")],
            Ok(Some(environment)) => vec![
                Line::ok(ITEM, "exists"),
                self.own_rule(place).await,
                bypass(Item::ReleaseBypass, &environment),
                self.branches(Item::ReleaseBranches, place, &environment).await,
            ],
        };
        lines.into_iter().map(|line| line.about(about(place))).collect()
    }

    /// Whether this App is a protection rule of the environment.
    async fn own_rule(&self, place: EnvironmentPlace<'_>) -> Line {
        let rules = match self.inspector.custom_rules(self.client, place).await {
            Ok(rules) => rules,
            Err(error) => return Line::of_error(Item::ReleaseRule, &error),
        };
        let ours = rules.iter().find(|rule| rule.app.slug == self.app.slug || rule.app.id == self.app.id);
        match ours {
            Some(rule) if rule.enabled => Line::ok(Item::ReleaseRule, format!("{}, enabled", quoted(&rule.app.slug))),
            Some(rule) => Line::failed(Item::ReleaseRule, format!("{}, not enabled", quoted(&rule.app.slug))),
            None if rules.is_empty() => Line::failed(Item::ReleaseRule, "no App is set as a protection rule"),
            None => {
                let others = quoted_list(rules.iter().map(|rule| &rule.app.slug));
                Line::failed(Item::ReleaseRule, format!("only other Apps are set as protection rules: {others}"))
            }
        }
    }

    async fn gate(&self, gate: &Gate) -> Vec<Line> {
        const ITEM: Item = Item::GateEnvironment;
        let place = self.place(&gate.environment);
        let lines = match self.inspector.environment(self.client, place).await {
            Err(error) => vec![Line::of_error(ITEM, &error)],
            Ok(None) => vec![Line::failed(ITEM, "no such environment")],
            Ok(Some(environment)) => vec![
                Line::ok(ITEM, "exists"),
                match environment.required_reviewers() {
                    0 => Line::failed(Item::GateReviewers, "no required reviewers"),
                    reviewers => Line::ok(Item::GateReviewers, format!("{reviewers} users or teams")),
                },
                self.self_review(&environment),
                bypass(Item::GateBypass, &environment),
                self.branches(Item::GateBranches, place, &environment).await,
            ],
        };
        lines.into_iter().map(|line| line.about(about(place))).collect()
    }

    fn self_review(&self, environment: &EnvironmentWire) -> Line {
        const ITEM: Item = Item::GateSelfReview;
        if environment.prevents_self_review() {
            Line::ok(ITEM, "prevented")
        } else if self.rule.self_approval {
            Line::ok(ITEM, "not prevented, and the policy says `self_approval`")
        } else if environment.required_reviewers() == 0 {
            Line::not_checked(ITEM, "there are no required reviewers")
        } else {
            Line::failed(ITEM, "not prevented")
        }
    }

    /// Which branches and tags may enter an environment.
    async fn branches(&self, item: Item, place: EnvironmentPlace<'_>, environment: &EnvironmentWire) -> Line {
        match environment.deployment_branch_policy {
            None => Line::failed(item, "every branch and tag may enter"),
            Some(restriction) if restriction.protected_branches => {
                // If no branch is protected, every branch may enter, and the App may not see which ones are.
                Line::not_checked(item, "protected branches; the App cannot see whether any branch is protected")
            }
            Some(_) => match self.inspector.branch_policies(self.client, place).await {
                Ok(policies) => restricted(item, &policies, &self.rule.refs),
                Err(error) => Line::of_error(item, &error),
            },
        }
    }

    fn place(&self, environment: &'a EnvironmentName) -> EnvironmentPlace<'a> {
        EnvironmentPlace { repository: self.repository, environment }
    }
}

fn bypass(item: Item, environment: &EnvironmentWire) -> Line {
    match environment.can_admins_bypass {
        Some(true) => Line::failed(item, "admins may bypass the rules"),
        Some(false) => Line::ok(item, "nobody may bypass the rules"),
        None => Line::not_checked(item, "GitHub does not say whether admins may bypass the rules"),
    }
}

/// A run does not show whether its ref is a branch or a tag. So for each name that the rule allows, either branches or tags may pass the gate, not both.
fn restricted(item: Item, list: &PagedList<BranchPolicy>, refs: &[RefPattern]) -> Line {
    let policies = &list.entries;
    let of = |kind: &str| -> Vec<&BranchPolicy> {
        policies.iter().filter(|policy| policy.kind.as_deref().unwrap_or("branch") == kind).collect()
    };
    let (branches, tags) = (of("branch"), of("tag"));
    let is_open = |policy: &&BranchPolicy| BranchPattern::parse(&policy.name).lets_in_nearly_anything();
    if let Some(any) = policies.iter().find(is_open) {
        return Line::failed(item, format!("the pattern {} restricts next to nothing", quoted(&any.name)));
    }
    if !list.is_complete {
        return Line::not_in_time(item, format!("more than {} branch policies: only these were read", policies.len()));
    }
    let allow = |policies: &[&BranchPolicy], name| policies.iter().any(|policy| may_match(&policy.name, name));
    if !refs.iter().any(|name| allow(&branches, name) || allow(&tags, name)) {
        let names = quoted_list(policies.iter().map(|policy| &policy.name));
        let names = if names.is_empty() { "nothing".to_owned() } else { names };
        return Line::failed(item, format!("{names} may enter, but none of the policy's `refs` can"));
    }
    let both = refs.iter().find(|name| allow(&branches, name) && allow(&tags, name));
    if let (Item::GateBranches, Some(name)) = (item, both) {
        return Line::failed(item, format!("both a branch and a tag named {} may enter", quoted(&name.to_string())));
    }
    let shown = |kind: &str, policies: &[&BranchPolicy]| {
        let names = quoted_list(policies.iter().map(|policy| &policy.name));
        (!policies.is_empty()).then(|| format!("{kind} {names}"))
    };
    let all: Vec<String> = [shown("branches", &branches), shown("tags", &tags)].into_iter().flatten().collect();
    Line::ok(item, all.join(", "))
}

/// May one name match both? Where a pattern and the beginning of a name meet, only what comes before the pattern's first wildcard is compared, so that too
/// much is reported rather than too little.
fn may_match(pattern: &str, name: &RefPattern) -> bool {
    let fixed = pattern.split(['*', '?', '[', '\\']).next().unwrap_or_default();
    let is_fixed = fixed.len() == pattern.len();
    match name.exact() {
        Some(name) => BranchPattern::parse(pattern).matches(name),
        None if is_fixed => RefName::parse(pattern).is_ok_and(|pattern| name.matches(&pattern)),
        None => name.beginning().starts_with(fixed) || fixed.starts_with(name.beginning()),
    }
}

fn about(place: EnvironmentPlace<'_>) -> String {
    format!("{} of {}", quoted(place.environment.as_str()), quoted(&place.repository.to_string()))
}
