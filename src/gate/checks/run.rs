//! The checks of the run itself: is it the delivery's, and does the rule allow it? Not here: gates and people.

use super::case::Case;
use super::workflow_file::{is_at_an_unknown_ref, is_workflow_file, workflow_file};
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

/// Whether GitHub's answer about our run is at another commit than the delivery: then nothing in it proves anything.
pub(in crate::gate) fn contradicts(case: &Case<'_>) -> bool {
    case.evidence.run.head_sha != case.request.sha
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
        return wait(got.clone()).because(format!("GitHub answered about another run ({got})"));
    }
    if run.head_sha != request.sha {
        let got = format!("run {} at SHA {}", run.id, quoted(run.head_sha.as_str()));
        let reason = format!("GitHub shows the run at SHA {}, the deployment at {sha}", quoted(run.head_sha.as_str()));
        return wait(got).because(reason);
    }
    if let Some(missing) = missing_identity(run) {
        return wait(format!("GitHub's answer lacks the run's {missing}"));
    }
    if run.status == RunStatus::Completed {
        return wait("GitHub reports that the run has ended, but also that some of its jobs have not".to_owned());
    }
    if newest_job > run.attempt {
        let (run, job) = (run.attempt.unwrap_or_default(), newest_job.unwrap_or_default());
        return wait(format!("GitHub still shows the run in attempt {run}, but already shows jobs of attempt {job}"));
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
    let allowed = quoted_list(&case.rule.refs);
    let name = quoted(requested.as_str());
    let finding = |verdict, got: String| Finding::new(Check::Ref, verdict, got, one_of(&allowed));
    let Some(ran) = &case.evidence.run.head_branch else {
        return finding(Verdict::Wait, "GitHub's answer lacks the run's `head_branch`".to_owned());
    };
    if ran != requested {
        let got = format!("GitHub's request names {name}, but the run is at {}", quoted(ran.as_str()));
        return finding(Verdict::Wait, got);
    }
    if case.rule.refs.iter().any(|pattern| pattern.matches(ran)) {
        return finding(Verdict::Pass, name.to_string());
    }
    let finding = finding(Verdict::Fail, name.to_string());
    if ran.as_str().starts_with("refs/") {
        return finding
            .because(format!("the run is at a branch or tag that is itself called {name}; the rule allows {allowed}"));
    }
    finding.because(format!("the run is at {name}; the rule allows {allowed}"))
}

fn event(case: &Case<'_>) -> Finding {
    let ran = &case.evidence.run.event;
    let allowed = quoted_list(&case.rule.events);
    let name = quoted(ran);
    let finding = |verdict, got: String| Finding::new(Check::Event, verdict, got, one_of(&allowed));
    if let Some(requested) = case.request.event.as_ref().filter(|requested| *requested != ran) {
        let got = format!("GitHub's request names {}, but {name} started the run", quoted(requested));
        return finding(Verdict::Wait, got);
    }
    if case.rule.events.contains(ran) {
        return finding(Verdict::Pass, name.to_string());
    }
    finding(Verdict::Fail, name.to_string()).because(format!("{name} started the run; the rule allows {allowed}"))
}

fn workflow(case: &Case<'_>) -> Finding {
    let path = &case.evidence.run.path;
    let (got, allowed) = (quoted(path), quoted(&case.rule.workflow));
    let expected = format!("{allowed} of {}", quoted(&case.request.repository.name.to_string()));
    if workflow_file(case) == case.rule.workflow {
        return Finding::new(Check::Workflow, Verdict::Pass, got.to_string(), expected);
    }
    if is_at_an_unknown_ref(path, case) {
        let got = format!("{got}, and GitHub does not say for certain which ref the run is at");
        return Finding::new(Check::Workflow, Verdict::Wait, got, expected);
    }
    let reason = format!("the run uses workflow {got}; the rule allows {expected}");
    let finding = Finding::new(Check::Workflow, Verdict::Fail, got.to_string(), expected).because(reason);
    if case.evidence.run.head_branch.as_ref().is_some_and(|at| is_workflow_file(at.as_str())) {
        // GitHub's path could be of a file or of a ref.
        return finding.fixed_by("Start a new run from a branch or tag whose name does not end in `.yml` or `.yaml`.");
    }
    finding
}

fn fork(case: &Case<'_>) -> Finding {
    let run = &case.evidence.run;
    let expected = format!("a commit of repository {}", run.repository_id);
    match run.head_repository_id {
        Some(id) if id == run.repository_id => Finding::new(Check::Fork, Verdict::Pass, expected.clone(), expected),
        Some(id) => Finding::new(Check::Fork, Verdict::Fail, format!("a commit of repository {id}"), expected)
            .because(format!("the run's commit is from repository {id}, not from this one ({})", run.repository_id)),
        None => Finding::new(Check::Fork, Verdict::Fail, "a commit of a deleted repository", expected)
            .because("the repository that the run's commit came from no longer exists")
            .fixed_by("Push the commit from a local clone to this repository and start a new run there."),
    }
}

fn one_of(list: &str) -> String {
    if list.contains(", ") { format!("one of {list}") } else { list.to_owned() }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::*;
    use crate::gate::tests::{World, bot, found, sha};
    use crate::model::{RefName, RunId};

    fn verdict(check: Check, change: impl FnOnce(&mut World)) -> Verdict {
        found(check, change).verdict
    }

    #[test]
    fn the_rule_that_is_judged_is_shown() {
        let finding = found(Check::Rule, |world| world.policy = world.policy.replace("widgets", "*"));
        assert_eq!(finding.got, "`octo-org/widgets`, environment `release`");
        assert_eq!(finding.expected, "`octo-org/*`, environment `release`");
    }

    #[test]
    fn an_answer_about_another_run_waits() {
        let finding = found(Check::Run, |world| world.facts.run.id = RunId::new(9002).unwrap());
        assert_eq!(finding.verdict, Verdict::Wait);
        assert_eq!(finding.reason, "GitHub answered about another run (run 9002 of repository 4242)");
    }

    #[test]
    fn an_answer_about_another_repository_waits() {
        assert_eq!(verdict(Check::Run, |world| world.facts.run.repository_id = 1), Verdict::Wait);
    }

    #[test]
    fn a_run_at_another_sha_than_the_deliverys_waits() {
        let finding = found(Check::Run, |world| world.request.sha = sha('b'));
        assert_eq!(finding.verdict, Verdict::Wait);
        assert!(finding.reason.starts_with("GitHub shows the run at SHA `aaaa"), "{finding}");
    }

    #[test]
    fn a_run_without_its_attempt_waits() {
        let finding = found(Check::Run, |world| world.facts.run.attempt = None);
        assert_eq!(
            (finding.verdict, finding.reason.as_str()),
            (Verdict::Wait, "GitHub's answer lacks the run's `run_attempt`")
        );
    }

    #[test]
    fn a_run_that_nobody_started_waits() {
        let finding = found(Check::Run, |world| world.facts.run.actor = None);
        assert_eq!(
            (finding.verdict, finding.reason.as_str()),
            (Verdict::Wait, "GitHub's answer lacks the run's `actor`")
        );
    }

    #[test]
    fn an_attempt_that_nobody_started_waits() {
        let finding = found(Check::Run, |world| world.facts.run.triggering_actor = None);
        let reason = "GitHub's answer lacks the run's `triggering_actor`";
        assert_eq!((finding.verdict, finding.reason.as_str()), (Verdict::Wait, reason));
    }

    #[test]
    fn a_run_that_ended_before_its_jobs_waits() {
        assert_eq!(verdict(Check::Run, |world| world.facts.run.status = RunStatus::Completed), Verdict::Wait);
    }

    #[test]
    fn jobs_of_a_later_attempt_than_the_runs_wait() {
        let finding = found(Check::Run, |world| world.gate_job().attempt = Some(2));
        let reason = "GitHub still shows the run in attempt 1, but already shows jobs of attempt 2";
        assert_eq!((finding.verdict, finding.reason.as_str()), (Verdict::Wait, reason));
    }

    #[test]
    fn a_ref_that_the_rule_does_not_allow_fails() {
        let finding = found(Check::Ref, |world| world.policy = world.policy.replace("\"main\"", "\"v*\", \"next\""));
        assert_eq!((finding.verdict, finding.expected.as_str()), (Verdict::Fail, "one of `v*`, `next`"));
        assert_eq!(finding.reason, "the run is at `main`; the rule allows `v*`, `next`");
    }

    #[test]
    fn a_ref_other_than_the_deliverys_waits() {
        let finding = found(Check::Ref, |world| world.facts.run.head_branch = RefName::parse("next").ok());
        let reason = "GitHub's request names `main`, but the run is at `next`";
        assert_eq!((finding.verdict, finding.reason.as_str()), (Verdict::Wait, reason));
    }

    #[test]
    fn a_branch_named_like_a_full_ref_is_another_one() {
        let named = |world: &mut World| {
            world.facts.run.head_branch = RefName::parse("refs/heads/main").ok();
            world.request.ref_name = RefName::parse("refs/heads/main").unwrap();
        };
        assert_eq!(
            found(Check::Ref, named).reason,
            "the run is at a branch or tag that is itself called `refs/heads/main`; the rule allows `main`"
        );
    }

    #[test]
    fn a_run_without_a_ref_waits() {
        let finding = found(Check::Ref, |world| world.facts.run.head_branch = None);
        let reason = "GitHub's answer lacks the run's `head_branch`";
        assert_eq!((finding.verdict, finding.reason.as_str()), (Verdict::Wait, reason));
    }

    #[test]
    fn an_event_that_the_rule_does_not_allow_fails() {
        let finding = found(Check::Event, |world| {
            world.facts.run.event = "push".to_owned();
            world.request.event = None;
        });
        let reason = "`push` started the run; the rule allows `workflow_dispatch`";
        assert_eq!((finding.verdict, finding.reason.as_str()), (Verdict::Fail, reason));
    }

    #[test]
    fn an_event_other_than_the_deliverys_waits_even_if_the_rule_allows_it() {
        let finding = found(Check::Event, |world| world.request.event = Some("push".to_owned()));
        let reason = "GitHub's request names `push`, but `workflow_dispatch` started the run";
        assert_eq!((finding.verdict, finding.reason.as_str()), (Verdict::Wait, reason));
    }

    #[test]
    fn a_delivery_need_not_name_the_event() {
        assert_eq!(verdict(Check::Event, |world| world.request.event = None), Verdict::Pass);
    }

    #[test]
    fn another_workflow_fails() {
        let finding = found(Check::Workflow, |world| world.facts.run.path = "ci.yml".to_owned());
        let reason =
            "the run uses workflow `ci.yml`; the rule allows `.github/workflows/release.yml` of `octo-org/widgets`";
        assert_eq!((finding.verdict, finding.reason.as_str()), (Verdict::Fail, reason));
    }

    /// Whether a path is read as that file, of a run at `main`.
    fn is_file(path: &str, file: &str) -> bool {
        is_file_at("main", path, file)
    }

    fn is_file_at(own_ref: &str, path: &str, file: &str) -> bool {
        let finding = found(Check::Workflow, |world| {
            world.policy.extend(["workflow = \"", file, "\"\n"]);
            world.facts.run.path = path.to_owned();
            world.facts.run.head_branch = RefName::parse(own_ref).ok();
        });
        finding.verdict == Verdict::Pass
    }

    /// The rule's file.
    const FILE: &str = ".github/workflows/x.yml";

    #[test]
    fn a_workflow_path_is_the_file() {
        assert!(is_file(FILE, FILE));
    }

    #[test]
    fn the_repositorys_own_name_before_the_file_is_ignored() {
        assert!(is_file(&format!("Octo-Org/Widgets/{FILE}"), FILE));
    }

    #[test]
    fn another_repositorys_name_before_the_file_stays() {
        for name in ["octo-org/gadgets", "octo-org/widgets2"] {
            assert!(!is_file(&format!("{name}/{FILE}"), FILE));
        }
    }

    #[test]
    fn the_runs_own_ref_behind_the_file_is_ignored() {
        for own_ref in ["main", "refs/heads/main", "refs/tags/main"] {
            assert!(is_file(&format!("{FILE}@{own_ref}"), FILE));
        }
    }

    #[test]
    fn whatever_else_follows_an_at_sign_is_part_of_the_file() {
        for rest in ["@next", "@refs/pull/main", "@main.yml", "main"] {
            assert!(!is_file(&format!("{FILE}{rest}"), FILE), "{rest}");
        }
    }

    #[test]
    fn a_ref_that_ends_as_a_file_does_is_part_of_the_file() {
        for own_ref in ["v1.yml", "v1.yaml", "v1.YML"] {
            assert!(!is_file_at(own_ref, &format!("{FILE}@{own_ref}"), FILE), "{own_ref}");
        }
    }

    #[test]
    fn a_ref_behind_the_file_waits_while_the_runs_own_is_not_known() {
        let with = |head_branch: Option<&str>| {
            verdict(Check::Workflow, |world| {
                world.facts.run.head_branch = head_branch.map(|name| RefName::parse(name).unwrap());
                world.facts.run.path = "octo-org/widgets/.github/workflows/release.yml@main".to_owned();
            })
        };
        assert_eq!([with(None), with(Some("x")), with(Some("main"))], [Verdict::Wait, Verdict::Wait, Verdict::Pass]);
    }

    #[test]
    fn a_path_shorter_than_the_repositorys_name_is_the_file() {
        assert!(!is_file("ä.yml", FILE));
    }

    #[test]
    fn a_commit_of_another_repository_fails() {
        let finding = found(Check::Fork, |world| world.facts.run.head_repository_id = Some(1));
        let reason = "the run's commit is from repository 1, not from this one (4242)";
        assert_eq!((finding.verdict, finding.reason.as_str()), (Verdict::Fail, reason));
    }

    #[test]
    fn a_commit_of_a_deleted_repository_fails() {
        assert_eq!(verdict(Check::Fork, |world| world.facts.run.head_repository_id = None), Verdict::Fail);
    }

    #[test]
    fn who_started_the_run_is_not_judged_here() {
        assert_eq!(verdict(Check::Run, |world| world.facts.run.actor = Some(bot())), Verdict::Pass);
    }
}
