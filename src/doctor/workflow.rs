//! The workflow file: do its release jobs really wait for the gate?
//! (<https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax>)
//!
//! Not here: how the file's YAML is read (`workflow_file`).

use std::collections::BTreeSet;

use super::workflow_file::{JobEnvironment, WorkflowFile, WorkflowJob};
use super::workflow_signature;
use super::{Item, Line};
use crate::gate::policy::{Gate, Rule};
use crate::github::{GithubError, Remedy};
use crate::model::{EnvironmentName, quoted, quoted_list, with_causes};

/// Where the file's text comes from.
#[derive(Debug)]
pub(super) enum WorkflowSource {
    /// Here it is.
    Text(String),
    /// There is no such file.
    Missing,
    /// It could not be read.
    Unreadable(GithubError),
    /// The App may not read it, and there is no person's token.
    NotAsked,
    /// A person gave one file, and the policy names several.
    OneOfSeveral,
}

/// Examines the file of a rule, for the App of this id.
pub(super) fn examine(source: WorkflowSource, rule: &Rule, app_id: &str) -> Vec<Line> {
    let all = [Item::WorkflowFile, Item::WorkflowGate, Item::WorkflowRelease, Item::WorkflowDeployment];
    let all = || all.into_iter().chain(rule.signed.then_some(Item::WorkflowSignature));
    let not_checked = |why: &str| all().map(|item| Line::not_checked(item, why)).collect();
    let text = match source {
        WorkflowSource::Text(text) => text,
        WorkflowSource::Missing => {
            return vec![Line::failed(Item::WorkflowFile, "no such file, or the token may not see the repository")];
        }
        WorkflowSource::Unreadable(error) if error.remedy() == Remedy::Wait => {
            return all().map(|item| Line::of_error(item, &error)).collect();
        }
        WorkflowSource::Unreadable(error) => return not_checked(&with_causes(&error)),
        WorkflowSource::NotAsked => {
            return not_checked("the App may not read files: give a person's `--token`, or the file with `--workflow`");
        }
        WorkflowSource::OneOfSeveral => {
            return not_checked("the policy names several workflow files: give a person's `--token` to read them all");
        }
    };
    let file = match WorkflowFile::parse(&text) {
        Ok(file) => file,
        Err(problem) => return vec![Line::failed(Item::WorkflowFile, problem)],
    };
    let mut lines = vec![Line::ok(Item::WorkflowFile, format!("{} jobs", file.jobs.len()))];
    lines.extend(rule.gates.iter().map(|gate| self::gate(&file.jobs, gate)));
    lines.push(release(&file.jobs, rule));
    lines.push(deployments(&file.jobs, rule));
    lines.extend(workflow_signature::examine(&file.jobs, rule, app_id));
    lines
}

fn gate(jobs: &[WorkflowJob], gate: &Gate) -> Line {
    const ITEM: Item = Item::WorkflowGate;
    let (name, shown) = (&gate.job, quoted(&gate.job));
    let named: Vec<&WorkflowJob> = jobs.iter().filter(|job| job.name == *name).collect();
    let may_have_the_name = |job: &WorkflowJob| {
        job.has_computed_name() || (job.is_elsewhere && name.starts_with(&format!("{} / ", job.name)))
    };
    if named.is_empty() && jobs.iter().any(may_have_the_name) {
        return Line::not_checked(ITEM, format!("only a run shows which job is called {shown}"));
    }
    let [job] = named.as_slice() else {
        return Line::failed(ITEM, format!("{} jobs are called {shown}", named.len()));
    };
    if job.is_matrix {
        return Line::failed(ITEM, format!("job {shown} is a matrix, so GitHub shows its jobs under other names"));
    }
    if job.is_elsewhere {
        return Line::failed(
            ITEM,
            format!("job {shown} calls another workflow file, so GitHub shows its jobs under other names"),
        );
    }
    match &job.environment {
        JobEnvironment::Named(named) if is(named, &gate.environment) => {
            Line::ok(ITEM, format!("job {shown} is in {}", quoted(named)))
        }
        JobEnvironment::Named(named) => Line::failed(ITEM, format!("job {shown} is in {}", quoted(named))),
        JobEnvironment::None => Line::failed(ITEM, format!("job {shown} is in no environment")),
        JobEnvironment::Computed => {
            Line::not_checked(ITEM, format!("an expression decides the environment of job {shown}"))
        }
    }
}

/// Each job of the protected environment must come after every gate.
fn release(jobs: &[WorkflowJob], rule: &Rule) -> Line {
    const ITEM: Item = Item::WorkflowRelease;
    let gates: Vec<&str> = rule.gates.iter().map(|gate| gate.job.as_str()).collect();
    if !gates.iter().all(|gate| jobs.iter().any(|job| job.name == *gate)) {
        return Line::not_checked(ITEM, "at least one gate has no job");
    }
    let is_early = |job: &WorkflowJob| {
        let before = needed(jobs, job);
        !gates.iter().all(|gate| before.contains(gate))
    };
    let entering: Vec<&WorkflowJob> = jobs.iter().filter(|job| enters(job, &rule.environment)).collect();
    let early = quoted_list(entering.iter().filter(|job| is_early(job)).map(|job| &job.name));
    if !early.is_empty() {
        return Line::failed(ITEM, format!("jobs that do not need every gate: {early}"));
    }
    let may_enter = |job: &&WorkflowJob| job.is_elsewhere || matches!(job.environment, JobEnvironment::Computed);
    let unclear = quoted_list(jobs.iter().filter(may_enter).filter(|job| is_early(job)).map(|job| &job.name));
    if !unclear.is_empty() {
        let got = format!("jobs that do not need every gate, and whose environment only a run shows: {unclear}");
        return Line::not_checked(ITEM, got);
    }
    if entering.is_empty() {
        return Line::failed(ITEM, format!("no job is in {}", quoted(rule.environment.as_str())));
    }
    Line::ok(ITEM, quoted_list(entering.iter().map(|job| &job.name)))
}

fn deployments(jobs: &[WorkflowJob], rule: &Rule) -> Line {
    const ITEM: Item = Item::WorkflowDeployment;
    let is_protected = |job: &&WorkflowJob| {
        enters(job, &rule.environment)
            || rule.gates.iter().any(|gate| enters(job, &gate.environment))
            || matches!(job.environment, JobEnvironment::Computed)
    };
    let without = jobs.iter().filter(is_protected).filter(|job| job.may_create_no_deployment);
    let without = quoted_list(without.map(|job| &job.name));
    if !without.is_empty() {
        return Line::failed(ITEM, format!("jobs that say `deployment: false`, or may evaluate to it: {without}"));
    }
    let elsewhere = quoted_list(jobs.iter().filter(|job| job.is_elsewhere).map(|job| &job.name));
    if !elsewhere.is_empty() {
        return Line::not_checked(ITEM, format!("jobs in other workflow files: {elsewhere}"));
    }
    Line::ok(ITEM, "no job says `deployment: false`")
}

fn enters(job: &WorkflowJob, environment: &EnvironmentName) -> bool {
    matches!(&job.environment, JobEnvironment::Named(name) if is(name, environment))
}

/// The names of all jobs that a job waits for, and those that these wait for.
fn needed<'j>(jobs: &'j [WorkflowJob], job: &'j WorkflowJob) -> BTreeSet<&'j str> {
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let mut names = BTreeSet::new();
    let mut left: Vec<&str> = job.needs.iter().map(String::as_str).collect();
    while let Some(id) = left.pop() {
        if let Some(before) = jobs.iter().find(|other| other.id == id)
            && seen.insert(id)
        {
            names.insert(before.name.as_str());
            left.extend(before.needs.iter().map(String::as_str));
        }
    }
    names
}

fn is(named: &str, environment: &EnvironmentName) -> bool {
    EnvironmentName::parse(named).is_ok_and(|name| name == *environment)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::super::State;
    use super::*;
    use crate::gate::Policy;

    #[test]
    fn the_release_workflow_of_this_project_is_what_its_policy_asks_for() {
        let rule = Policy::parse(include_str!("../../deploy/policy.toml")).unwrap().rules.remove(0);
        let file = include_str!("../../.github/workflows/release.yml");
        for line in examine(WorkflowSource::Text(file.to_owned()), &rule, "123456") {
            // The App's id is a variable of the repository.
            let is_known_by_the_run_alone = line.item == Item::WorkflowSignature;
            let expected = if is_known_by_the_run_alone { State::NotChecked } else { State::Ok };
            assert!(line.state == expected, "{line:?}");
        }
    }
}
