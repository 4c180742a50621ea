//! The checks of the run itself: is it the delivery's, and does the rule allow it? Not here: gates and people.

use super::case::Case;
use crate::gate::check::{Check, Finding, Verdict};
use crate::model::{Request, RunStatus, WorkflowRun, quoted, quoted_list};

/// A rule is judged only if it covers the request: it is shown, so that nobody has to guess which one was.
pub(in crate::gate) fn rule(case: &Case<'_>) -> Finding {
    let repository = quoted(&case.request.repository.name.to_string()).to_string();
    let environment = quoted(case.request.environment.as_str());
    Finding::new(
        Check::Rule,
        Verdict::Pass,
        format!("{repository}, environment {environment}"),
        format!("{}, environment {}", quoted_list(&case.rule.repositories), quoted(case.rule.environment.as_str())),
    )
}

/// Whether GitHub's answer is about our run. If it is not, nothing in it may be judged.
pub(in crate::gate) fn is_ours(request: &Request, run: &WorkflowRun) -> bool {
    run.id == request.run && run.repository_id == request.repository.id
}

/// Waiting changes none of these checks, except for what [`run`] finds missing.
pub(in crate::gate) fn of_run(case: &Case<'_>) -> Vec<Finding> {
    vec![run(case), ref_name(case), event(case), workflow(case), fork(case)]
}

/// Is the run the delivery's, and do we know its attempt and who started it?
pub(in crate::gate) fn run(case: &Case<'_>) -> Finding {
    let (request, run) = (case.request, &case.evidence.run);
    let newest_job = case.evidence.jobs.iter().filter_map(|job| job.attempt).max();
    let sha = quoted(request.sha.as_str());
    let expected = format!("run {} of repository {}, not ended, at SHA {sha}", request.run, request.repository.id);
    let wait = |got: String| Finding::new(Check::Run, Verdict::Wait, got, &*expected);
    if !is_ours(request, run) {
        let got = format!("run {} of repository {}", run.id, run.repository_id);
        return wait(got.clone()).because(format!("GitHub answered with {got}"));
    }
    if run.head_sha != request.sha {
        let got = format!("run {} at SHA {}", run.id, quoted(run.head_sha.as_str()));
        let reason = format!("the run is at SHA {}, the deployment at {sha}", quoted(run.head_sha.as_str()));
        return Finding::new(Check::Run, Verdict::Fail, got, expected).because(reason);
    }
    if let Some(missing) = missing_identity(run) {
        return wait(format!("GitHub's answer lacks the run's {missing}"));
    }
    if run.status == RunStatus::Completed {
        return wait("GitHub reports that the run has ended, but not all of its jobs".to_owned());
    }
    if newest_job > run.attempt {
        let (run, job) = (run.attempt.unwrap_or_default(), newest_job.unwrap_or_default());
        return wait(format!("GitHub reports attempt {run} of the run, but jobs of attempt {job}"));
    }
    Finding::new(Check::Run, Verdict::Pass, format!("run {} at SHA {sha}", run.id), expected)
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
    let requested = &case.request.ref_name;
    let ran = case.evidence.run.head_branch.as_ref();
    let allowed = quoted_list(&case.rule.refs);
    let is_allowed = case.rule.refs.iter().any(|pattern| pattern.matches(requested));
    let name = quoted(requested.as_str());
    match ran {
        Some(ran) if ran == requested && is_allowed => {
            Finding::new(Check::Ref, Verdict::Pass, name.to_string(), one_of(&allowed))
        }
        Some(ran) if ran == requested => Finding::new(Check::Ref, Verdict::Fail, name.to_string(), one_of(&allowed))
            .because(format!("the run is at {name}; the rule allows {allowed}")),
        _ => {
            let ran = ran.map_or_else(|| "no branch or tag".to_owned(), |ran| quoted(ran.as_str()).to_string());
            Finding::new(
                Check::Ref,
                Verdict::Fail,
                format!("{name} in GitHub's request, {ran} in the run"),
                one_of(&allowed),
            )
            .because(format!("GitHub's request names {name}, but the run is at {ran}; the rule allows {allowed}"))
        }
    }
}

fn event(case: &Case<'_>) -> Finding {
    let ran = &case.evidence.run.event;
    let allowed = quoted_list(&case.rule.events);
    let name = quoted(ran);
    if let Some(requested) = case.request.event.as_ref().filter(|requested| *requested != ran) {
        let requested = quoted(requested);
        let got = format!("{requested} in GitHub's request, {name} in the run");
        return Finding::new(Check::Event, Verdict::Fail, got, one_of(&allowed)).because(format!(
            "GitHub's request names {requested}, but {name} started the run; the rule allows {allowed}"
        ));
    }
    if case.rule.events.contains(ran) {
        return Finding::new(Check::Event, Verdict::Pass, name.to_string(), one_of(&allowed));
    }
    Finding::new(Check::Event, Verdict::Fail, name.to_string(), one_of(&allowed))
        .because(format!("{name} started the run; the rule allows {allowed}"))
}

fn workflow(case: &Case<'_>) -> Finding {
    let path = &case.evidence.run.path;
    let (got, allowed) = (quoted(path), quoted(&case.rule.workflow));
    let expected = format!("{allowed} of {}", quoted(&case.request.repository.name.to_string()));
    if file_of(path, case.request) == case.rule.workflow {
        return Finding::new(Check::Workflow, Verdict::Pass, got.to_string(), expected);
    }
    let reason = format!("the run is of workflow {got}; the rule allows {expected}");
    Finding::new(Check::Workflow, Verdict::Fail, got.to_string(), expected).because(reason)
}

/// The workflow file in a run's `path`, without the repository's own name before it and the run's own ref behind it. Anything else stays:
/// it names another workflow.
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
    let expected = format!("a commit of repository {}", run.repository_id);
    match run.head_repository_id {
        Some(id) if id == run.repository_id => Finding::new(Check::Fork, Verdict::Pass, expected.clone(), expected),
        Some(id) => Finding::new(Check::Fork, Verdict::Fail, format!("a commit of repository {id}"), expected)
            .because(format!("the run's commit is from repository {id}, not from this one ({})", run.repository_id)),
        None => Finding::new(Check::Fork, Verdict::Fail, "a commit of a deleted repository", expected)
            .because("the repository that the run's commit came from no longer exists"),
    }
}

fn one_of(list: &str) -> String {
    if list.contains(", ") { format!("one of {list}") } else { list.to_owned() }
}
