//! The step with which a gate's job signs itself, for a signed rule. Whatever else runs in that job can fetch tokens in its name.

use super::workflow_file::{TokenPermission, WorkflowJob, WorkflowStep};
use super::{Item, Line};
use crate::gate::policy::{Gate, Rule};
use crate::model::quoted;

/// Where the action lies in its repository.
const ACTION: &str = "/action/sign";
const ITEM: Item = Item::WorkflowSignature;

/// One line for each gate of a signed rule.
pub(super) fn examine(jobs: &[WorkflowJob], rule: &Rule, app_id: &str) -> Vec<Line> {
    if !rule.signed {
        return Vec::new();
    }
    rule.gates.iter().map(|gate| examine_gate(jobs, gate, app_id)).collect()
}

fn examine_gate(jobs: &[WorkflowJob], gate: &Gate, app_id: &str) -> Line {
    let shown = quoted(&gate.job);
    let Some(job) = jobs.iter().find(|job| job.name == gate.job && !job.is_elsewhere) else {
        return Line::not_checked(ITEM, format!("only a run shows which job is called {shown}"));
    };
    if job.tokens == TokenPermission::Missing {
        return Line::failed(ITEM, format!("job {shown} has no permission `id-token: write`"));
    }
    let signs = |step: &&WorkflowStep| step.uses.split('@').next().is_some_and(|action| action.ends_with(ACTION));
    let Some(step) = job.steps.iter().find(signs) else {
        let uploads = job.steps.iter().any(|step| step.uses.starts_with("actions/upload-artifact@"));
        let got = format!("job {shown} has no step that uses `action/sign`");
        return if uploads { Line::not_checked(ITEM, got) } else { Line::failed(ITEM, got) };
    };
    if !is_pinned(&step.uses) {
        return Line::failed(ITEM, format!("job {shown} uses {}, which is not pinned to a commit", quoted(&step.uses)));
    }
    match step.app_id.as_deref() {
        Some(id) if id.contains("${{") => {
            Line::not_checked(ITEM, format!("an expression decides the `app-id` of job {shown}"))
        }
        Some(id) if id == app_id => others(job, &gate.job),
        id => {
            let got = id.map_or_else(|| "nothing".to_owned(), |id| quoted(id).to_string());
            Line::failed(
                ITEM,
                format!("job {shown} signs itself for `app-id` {got}, and the App is {}", quoted(app_id)),
            )
        }
    }
}

/// Whether only a change of the workflow file can change the action: it is named by a commit, or lies in the file's own repository (`$/`), where GitHub takes it
/// from the commit that the file itself is from.
/// (<https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idstepsuses>)
fn is_pinned(action: &str) -> bool {
    let pin = action.rsplit_once('@').map(|(_, pin)| pin).unwrap_or_default();
    action.starts_with("$/") || (pin.len() == 40 && pin.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn others(job: &WorkflowJob, name: &str) -> Line {
    match job.steps.len() {
        1 => Line::ok(ITEM, format!("job {} signs itself, and does nothing else", quoted(name))),
        steps => Line::failed(ITEM, format!("job {} has {steps} steps, and any of them can sign", quoted(name))),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::super::State;
    use super::super::workflow_file::WorkflowFile;
    use super::*;
    use crate::gate::Policy;

    const SIGNED: &str = "    environment: release-gate\n    permissions: { id-token: write }\n    steps:\n      - uses: octo-org/environment-gate/action/sign@0123456789012345678901234567890123456789\n        with: { app-id: 123456 }\n";

    fn examined(gate: &str) -> (State, String) {
        let policy = "[[rule]]\nrepositories = [\"octo-org/widgets\"]\nrefs = [\"main\"]\nsigned = true\n";
        let rule = Policy::parse(policy).unwrap().rules.remove(0);
        let file = WorkflowFile::parse(&format!("jobs:\n  release-gate:\n    runs-on: x\n{gate}")).unwrap();
        let line = examine(&file.jobs, &rule, "123456").remove(0);
        (line.state, line.got)
    }

    #[test]
    fn a_job_that_signs_itself_and_does_nothing_else_is_right() {
        assert_eq!(examined(SIGNED).0, State::Ok);
    }

    #[test]
    fn an_action_of_the_files_own_repository_is_pinned_by_the_files_own_commit() {
        let own =
            SIGNED.replace("octo-org/environment-gate/", "$/").replace("@0123456789012345678901234567890123456789", "");
        assert_eq!(examined(&own).0, State::Ok);
        assert_eq!(examined(&own.replace("$/", "./")).0, State::Failed, "a file of the workspace, whatever that is");
    }

    #[test]
    fn each_defect_is_named() {
        let pin = "@0123456789012345678901234567890123456789";
        for (from, to, got) in [
            ("    permissions: { id-token: write }\n", "", "has no permission `id-token: write`"),
            ("id-token: write", "contents: read", "has no permission `id-token: write`"),
            (pin, "@v1", "is not pinned to a commit"),
            ("123456", "654321", "signs itself for `app-id` `654321`"),
            ("        with: { app-id: 123456 }\n", "", "signs itself for `app-id` nothing"),
            ("    steps:\n", "    steps:\n      - run: make\n", "has 2 steps, and any of them can sign"),
            ("/action/sign", "/action/other", "has no step that uses `action/sign`"),
        ] {
            let (state, found) = examined(&SIGNED.replace(from, to));
            assert!(state == State::Failed && found.contains(got), "{to}: {found}");
        }
    }

    #[test]
    fn what_only_a_run_shows_is_not_checked() {
        assert_eq!(examined(&SIGNED.replace("app-id: 123456", "app-id: \"${{ vars.APP_ID }}\"")).0, State::NotChecked);
        assert_eq!(examined("    name: another\n").0, State::NotChecked);
    }
}
