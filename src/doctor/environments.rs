//! The environments of one rule in one repository.

use super::inspector::{BranchPolicy, EnvironmentPlace, Inspector};
use super::{Item, Line};
use crate::gate::policy::{Gate, RefPattern, Rule};
use crate::github::{AppWire, EnvironmentWire, GithubError, RepositoryClient};
use crate::model::{RefName, RepositoryName, listed, quoted};

/// Who looks, and through which installation.
type Through<'a> = (&'a Inspector<'a>, &'a RepositoryClient<'a>);

/// Examines the protected environment and those of the gates.
pub(super) async fn examine(
    through: Through<'_>,
    (repository, app): (&RepositoryName, &AppWire),
    rule: &Rule,
) -> Result<Vec<Line>, GithubError> {
    let mut lines = release(through, (repository, app), rule).await?;
    for gate in &rule.gates {
        lines.extend(self::gate(through, repository, (rule, gate)).await?);
    }
    Ok(lines)
}

async fn release(
    (inspector, installation): Through<'_>,
    (repository, app): (&RepositoryName, &AppWire),
    rule: &Rule,
) -> Result<Vec<Line>, GithubError> {
    let place = EnvironmentPlace { repository, environment: &rule.environment };
    let about = about(place);
    let Some(environment) = inspector.environment(installation, place).await? else {
        return Ok(vec![Line::wrong(Item::ReleaseEnvironment, "no such environment").about(about)]);
    };
    let rules = inspector.custom_rules(installation, place).await?;
    let ours = rules.iter().find(|rule| rule.app.slug == app.slug || rule.app.id == app.id);
    let own = match ours {
        Some(rule) if rule.enabled => Line::right(Item::ReleaseRule, format!("{}, enabled", quoted(&rule.app.slug))),
        Some(rule) => Line::wrong(Item::ReleaseRule, format!("{}, not enabled", quoted(&rule.app.slug))),
        None if rules.is_empty() => Line::wrong(Item::ReleaseRule, "no App's rule"),
        None => {
            let others = rules.iter().map(|rule| quoted(&rule.app.slug).to_string());
            Line::wrong(Item::ReleaseRule, format!("rules of other Apps: {}", listed(others)))
        }
    };
    let lines = [
        Line::right(Item::ReleaseEnvironment, "exists"),
        own,
        bypass(Item::ReleaseBypass, &environment),
        branches((inspector, installation), (place, &environment), (Item::ReleaseBranches, rule)).await?,
    ];
    Ok(lines.into_iter().map(|line| line.about(&about)).collect())
}

async fn gate(
    (inspector, installation): Through<'_>,
    repository: &RepositoryName,
    (rule, gate): (&Rule, &Gate),
) -> Result<Vec<Line>, GithubError> {
    let place = EnvironmentPlace { repository, environment: &gate.environment };
    let about = about(place);
    let Some(environment) = inspector.environment(installation, place).await? else {
        return Ok(vec![Line::wrong(Item::GateEnvironment, "no such environment").about(about)]);
    };
    let reviewers = environment.required_reviewers();
    let prevented = environment.prevents_self_review();
    let self_review = match (reviewers, prevented, rule.self_approval) {
        (_, true, _) => Line::right(Item::GateSelfReview, "prevented"),
        (_, false, true) => Line::right(Item::GateSelfReview, "not prevented, as the policy's `self_approval` says"),
        (0, ..) => Line::not_seen(Item::GateSelfReview, "needs required reviewers"),
        _ => Line::wrong(Item::GateSelfReview, "not prevented"),
    };
    let lines = [
        Line::right(Item::GateEnvironment, "exists"),
        Line::holds(Item::GateReviewers, reviewers > 0, format!("users and teams: {reviewers}")),
        self_review,
        bypass(Item::GateBypass, &environment),
        branches((inspector, installation), (place, &environment), (Item::GateBranches, rule)).await?,
    ];
    Ok(lines.into_iter().map(|line| line.about(&about)).collect())
}

fn bypass(item: Item, environment: &EnvironmentWire) -> Line {
    match environment.can_admins_bypass {
        Some(may) => Line::holds(item, !may, if may { "admins may bypass" } else { "nobody may bypass" }),
        None => Line::not_seen(item, "GitHub does not say whether admins may bypass"),
    }
}

/// Which branches and tags may enter an environment.
async fn branches(
    (inspector, installation): Through<'_>,
    (place, environment): (EnvironmentPlace<'_>, &EnvironmentWire),
    (item, rule): (Item, &Rule),
) -> Result<Line, GithubError> {
    Ok(match environment.deployment_branch_policy {
        None => Line::wrong(item, "every branch and tag"),
        Some(restriction) if restriction.protected_branches => {
            // Where no branch is protected every branch may enter, and which are the App may not see.
            Line::not_seen(item, "protected branches: whether any branch is protected the App cannot see")
        }
        Some(_) => restricted(&inspector.branch_policies(installation, place).await?, (item, &rule.refs)),
    })
}

/// A run shows a tag and a branch of one name alike: so of each name that the rule lets in either branches or tags may pass the gate, not both.
fn restricted(policies: &[BranchPolicy], (item, refs): (Item, &[RefPattern])) -> Line {
    let of = |kind: &str| -> Vec<&BranchPolicy> {
        policies.iter().filter(|policy| policy.kind.as_deref().unwrap_or("branch") == kind).collect()
    };
    let (branches, tags) = (of("branch"), of("tag"));
    if let Some(any) = policies.iter().find(|policy| policy.name.starts_with('*')) {
        return Line::wrong(item, format!("the pattern {}, which is hardly a restriction", quoted(&any.name)));
    }
    let let_in = |policies: &[&BranchPolicy], name| policies.iter().any(|policy| may_match(&policy.name, name));
    if !refs.iter().any(|name| let_in(&branches, name) || let_in(&tags, name)) {
        let names = listed(policies.iter().map(|policy| quoted(&policy.name).to_string()));
        let names = if names.is_empty() { "none".to_owned() } else { names };
        return Line::wrong(item, format!("{names} may enter, none of the policy's `refs` among them"));
    }
    let both = refs.iter().find(|name| let_in(&branches, name) && let_in(&tags, name));
    if let (Item::GateBranches, Some(name)) = (item, both) {
        return Line::wrong(item, format!("branches and tags under the name {}", quoted(&name.to_string())));
    }
    let shown = |kind: &str, policies: &[&BranchPolicy]| {
        let names = policies.iter().map(|policy| quoted(&policy.name).to_string());
        if policies.is_empty() { None } else { Some(format!("{kind} {}", listed(names))) }
    };
    let all: Vec<String> = [shown("branches", &branches), shown("tags", &tags)].into_iter().flatten().collect();
    Line::right(item, all.join(", "))
}

/// May one name match both? GitHub's patterns are those of Ruby's `fnmatch`; where a pattern has a wildcard, what stands before it decides, so
/// that rather too much is found than too little.
fn may_match(pattern: &str, name: &RefPattern) -> bool {
    let fixed = pattern.split(['*', '?', '[', '\\']).next().unwrap_or_default();
    let is_fixed = fixed.len() == pattern.len();
    match name {
        RefPattern::Exact(name) if is_fixed => name == pattern,
        RefPattern::Exact(name) => name.starts_with(fixed),
        RefPattern::Prefix(_) if is_fixed => RefName::parse(pattern).is_ok_and(|pattern| name.matches(&pattern)),
        RefPattern::Prefix(prefix) => prefix.starts_with(fixed) || fixed.starts_with(prefix.as_str()),
    }
}

fn about(place: EnvironmentPlace<'_>) -> String {
    format!("{} of {}", quoted(place.environment.as_str()), quoted(&place.repository.to_string()))
}
