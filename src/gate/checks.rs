//! The checks of the run itself: is it the delivery's, and one that the rule lets start? Not here: gates and people.

use jiff::Timestamp;

use super::policy::{Policy, RefPattern, Rule};
use super::{Check, Evidence, Finding, Verdict};
use crate::model::{Request, RunStatus, WorkflowRun, listed, quoted};

/// What one rule is judged by.
#[derive(Clone, Copy)]
pub(super) struct Case<'a> {
    pub(super) rule: &'a Rule,
    pub(super) request: &'a Request,
    pub(super) evidence: &'a Evidence,
    pub(super) now: Timestamp,
}

pub(super) fn covered(rule: &Rule, request: &Request) -> Finding {
    Finding::new(
        Check::Rule,
        Verdict::Pass,
        format!("{} to enter {}", quoted(&request.repository.name.to_string()), quoted(request.environment.as_str())),
        format!("{} to enter {}", list(&rule.repositories), quoted(rule.environment.as_str())),
    )
}

pub(super) fn uncovered(policy: &Policy, request: &Request) -> Finding {
    let environments = policy
        .rules
        .iter()
        .filter(|rule| rule.repositories.iter().any(|pattern| pattern.matches(&request.repository.name)))
        .map(|rule| rule.environment.as_str())
        .collect::<Vec<_>>();
    let expected = if environments.is_empty() {
        "a repository that a rule of the policy names".to_owned()
    } else {
        format!("an environment that a rule of the policy protects: {}", list(&environments))
    };
    let is_gate = policy.rules.iter().flat_map(|rule| &rule.gates).any(|gate| gate.environment == request.environment);
    let gate = if is_gate { ", which is a gate's: its reviewers protect it" } else { "" };
    let (repository, environment) = (request.repository.name.to_string(), request.environment.as_str());
    let got = format!("{} to enter {}{gate}", quoted(&repository), quoted(environment));
    Finding::new(Check::Rule, Verdict::Fail, got, expected)
        .mended_if(is_gate, "an admin of the repository takes the App off this environment")
}

/// Is the answer about our run at all? If not, nothing in it may be judged.
pub(super) fn is_ours(request: &Request, run: &WorkflowRun) -> bool {
    run.id == request.run && run.repository_id == request.repository.id
}

/// The checks that no waiting can change, but for what [`run`] finds missing.
pub(super) fn of_the_run(case: &Case<'_>) -> Vec<Finding> {
    vec![run(case), ref_name(case), event(case), workflow(case), fork(case)]
}

/// Is the run the delivery's, and do we know its attempt and who started it?
pub(super) fn run(case: &Case<'_>) -> Finding {
    let (request, run) = (case.request, &case.evidence.run);
    let newest_job = case.evidence.jobs.iter().filter_map(|job| job.attempt).max();
    let (verdict, got) = if !is_ours(request, run) {
        (Verdict::Wait, format!("run {} of repository {}", run.id, run.repository_id))
    } else if run.head_sha != request.sha {
        (Verdict::Fail, format!("run {} at SHA {}", run.id, quoted(run.head_sha.as_str())))
    } else if let Some(missing) = missing_identity(run) {
        (Verdict::Wait, format!("a run without its {missing}"))
    } else if run.status == RunStatus::Completed {
        (Verdict::Wait, "a run that has ended and jobs that have not".to_owned())
    } else if newest_job > run.attempt {
        (Verdict::Wait, format!("attempt {} of the run and jobs of a later one", run.attempt.unwrap_or_default()))
    } else {
        (Verdict::Pass, format!("run {}, SHA {}", run.id, quoted(run.head_sha.as_str())))
    };
    let expected = format!(
        "run {} of repository {}, not ended, at SHA {}, which is to be deployed",
        request.run,
        request.repository.id,
        quoted(request.sha.as_str())
    );
    Finding::new(Check::Run, verdict, got, expected)
}

fn missing_identity(run: &WorkflowRun) -> Option<&'static str> {
    match run {
        WorkflowRun { attempt: None, .. } => Some("`run_attempt`"),
        WorkflowRun { actor: None, .. } => Some("`actor`"),
        WorkflowRun { triggering_actor: None, .. } => Some("`triggering_actor`"),
        _ => None,
    }
}

fn ref_name(case: &Case<'_>) -> Finding {
    let asked = &case.request.ref_name;
    let ran = case.evidence.run.head_branch.as_ref();
    let allowed = case.rule.refs.iter().any(|pattern: &RefPattern| pattern.matches(asked));
    let got = if ran == Some(asked) {
        quoted(asked.as_str()).to_string()
    } else {
        let ran = ran.map_or_else(|| "no ref".to_owned(), |name| quoted(name.as_str()).to_string());
        format!("{} in GitHub's request and {ran} in the run itself", quoted(asked.as_str()))
    };
    let verdict = if allowed && ran == Some(asked) { Verdict::Pass } else { Verdict::Fail };
    Finding::new(Check::Ref, verdict, got, one_of(&list(&case.rule.refs)))
}

fn event(case: &Case<'_>) -> Finding {
    let ran = &case.evidence.run.event;
    let agrees = case.request.event.as_ref().is_none_or(|asked| asked == ran);
    let got = match &case.request.event {
        Some(asked) if asked != ran => {
            format!("{} in GitHub's request and {} in the run itself", quoted(asked), quoted(ran))
        }
        _ => quoted(ran).to_string(),
    };
    let allowed = case.rule.events.contains(ran);
    let verdict = if allowed && agrees { Verdict::Pass } else { Verdict::Fail };
    Finding::new(Check::Event, verdict, got, one_of(&list(&case.rule.events)))
}

fn workflow(case: &Case<'_>) -> Finding {
    let path = &case.evidence.run.path;
    let verdict = if file_of(path, case.request) == case.rule.workflow { Verdict::Pass } else { Verdict::Fail };
    Finding::new(
        Check::Workflow,
        verdict,
        quoted(path).to_string(),
        format!("{} of {} itself", quoted(&case.rule.workflow), quoted(&case.request.repository.name.to_string())),
    )
}

/// The workflow file in a run's `path`: the repository's own name before it and the run's own ref behind it are
/// taken off. Anything else stays, and so is another workflow's.
fn file_of<'p>(path: &'p str, request: &Request) -> &'p str {
    let own = format!("{}/", request.repository.name);
    let file = match path.split_at_checked(own.len()) {
        Some((before, file)) if before.eq_ignore_ascii_case(&own) => file,
        _ => path,
    };
    let ref_name = request.ref_name.as_str();
    ["@", "@refs/heads/", "@refs/tags/"]
        .iter()
        .find_map(|at| file.strip_suffix(ref_name)?.strip_suffix(at))
        .unwrap_or(file)
}

fn fork(case: &Case<'_>) -> Finding {
    let run = &case.evidence.run;
    let verdict = if run.head_repository_id == Some(run.repository_id) { Verdict::Pass } else { Verdict::Fail };
    let got = run.head_repository_id.map_or_else(
        || "a commit of a repository that is gone".to_owned(),
        |id| format!("a commit of repository {id}"),
    );
    Finding::new(Check::Fork, verdict, got, format!("a commit of repository {}", run.repository_id))
}

fn one_of(list: &str) -> String {
    if list.contains(", ") { format!("one of {list}") } else { list.to_owned() }
}

fn list<T: ToString>(items: &[T]) -> String {
    listed(items.iter().map(|item| quoted(&item.to_string()).to_string()))
}
