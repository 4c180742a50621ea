//! What a policy in Rego may know of a run: the document `input`, version 1.
//!
//! `docs/rego-input.schema.json` describes it. A field, once there, never leaves or changes its meaning. Nothing in it is secret: it is what GitHub shows to
//! everybody who may read the repository, and the rule.

mod gate;
mod people;
mod run;

use self::gate::{gate, signature};
use self::people::{current, review, session};
pub(super) use self::run::is_by_hand;
use self::run::{commit, instant, job, run_value};
use super::case::Case;
use super::workflow_file::workflow_file;
use crate::gate::check::Finding;
use crate::gate::evidence::Evidence;
use crate::gate::passed_gate::PassedGate;
use crate::gate::policy::Rule;
use crate::gate::rego::{Input, InputValue, object};
use crate::model::EnvironmentName;

/// The version of the document.
const VERSION: u32 = 1;

/// What was found before the policy is asked.
pub(super) struct Known<'a> {
    /// What earlier policies flagged.
    pub(super) flags: &'a [String],
    pub(super) findings: &'a [Finding],
    /// The gates, once they and their approvals were judged.
    pub(super) gates: &'a [PassedGate],
}

/// The document for one rule and one run, as far as it is the same for every policy that is asked.
pub(super) struct Document<'a> {
    case: &'a Case<'a>,
    fields: Vec<(&'static str, InputValue)>,
    run: InputValue,
    reviews: InputValue,
}

impl<'a> Document<'a> {
    pub(super) fn of(case: &'a Case<'a>) -> Self {
        // Whoever adds a fact to the evidence decides here whether policies see it.
        let Evidence {
            run,
            jobs,
            reviews,
            environments: _,
            earlier_attempts,
            pending,
            starter_permission,
            signatures: _,
        } = case.evidence;
        let session = session(case, run.triggering_actor.as_ref(), starter_permission.as_ref());
        let workflow = workflow_file(case);
        let command = is_by_hand(run).then_some(workflow);
        let pending = pending.as_ref().map(|names| names.iter().map(EnvironmentName::as_str).collect::<InputValue>());
        let fields = vec![
            ("version", VERSION.into()),
            ("request", request(case, command)),
            ("repository", repository(case)),
            ("session", session.clone()),
            ("jobs", jobs.iter().map(job).collect()),
            ("pending", pending.into()),
            ("rule", rule(case.rule)),
            // What Spacelift's policies look at besides.
            ("commit", commit(run)),
            ("stack", stack(case)),
            ("spacelift", object(vec![("request", object(vec![("timestamp_ns", instant(Some(case.now)))]))])),
        ];
        let run = run_value(run, workflow, session, command, earlier_attempts);
        Self { case, fields, run, reviews: reviews.iter().map(review).collect() }
    }

    /// What a policy sees of it, once this is known.
    ///
    /// # Errors
    /// It is too large.
    pub(super) fn input(&self, known: &Known<'_>) -> Result<Input, String> {
        let case = self.case;
        let gates = case.rule.gates.iter().map(|of_rule| gate(case, of_rule, known.gates));
        let older: [InputValue; 0] = [];
        let reviews = object(vec![
            ("current", current(case, known.gates)),
            ("older", older.into_iter().collect()),
            ("all", self.reviews.clone()),
        ]);
        let later = [
            ("run", self.run.clone().with("flags", known.flags.iter().map(String::as_str).collect())),
            ("gates", gates.collect::<Result<_, _>>()?),
            ("reviews", reviews),
            ("checks", known.findings.iter().map(check).collect()),
            ("signature", known.gates.first().map(signature).transpose()?.into()),
        ];
        Input::of(object(self.fields.iter().cloned().chain(later).collect()))
    }
}

fn request(case: &Case<'_>, command: Option<&str>) -> InputValue {
    object(vec![
        ("timestamp_ns", instant(Some(case.now))),
        ("environment", case.request.environment.as_str().into()),
        ("command", command.into()),
    ])
}

fn repository(case: &Case<'_>) -> InputValue {
    let repository = &case.request.repository;
    object(vec![
        ("id", repository.id.into()),
        ("name", repository.name.to_string().as_str().into()),
        ("owner", repository.name.owner().into()),
        ("owner_id", case.evidence.run.owner_id.into()),
    ])
}

/// The rule and the repository, by Spacelift's names.
fn stack(case: &Case<'_>) -> InputValue {
    let repository = &case.request.repository.name;
    object(vec![
        ("labels", labels(case.rule)),
        ("name", repository.to_string().as_str().into()),
        ("repository", repository.name().into()),
    ])
}

fn rule(rule: &Rule) -> InputValue {
    object(vec![
        ("labels", labels(rule)),
        ("approvals", rule.approvals.into()),
        ("self_approval", rule.self_approval.into()),
        ("max_age", rule.max_age.to_string().as_str().into()),
    ])
}

fn labels(rule: &Rule) -> InputValue {
    rule.labels.iter().map(String::as_str).collect()
}

fn check(finding: &Finding) -> InputValue {
    object(vec![
        ("id", finding.check.id().into()),
        ("gate", finding.gate.as_deref().into()),
        ("policy", finding.policy.as_deref().into()),
        ("verdict", finding.verdict.as_str().into()),
    ])
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

    use std::collections::BTreeSet;

    use serde_json::Value as Json;

    use crate::gate::Decision;
    use crate::gate::tests::{ALICE, World, account, approval, bot};
    use crate::model::{Permission, RunAttempt};

    /// A document in which every list has an entry. It was written once; what is in it stays as it is.
    const GOLDEN: &str = include_str!("../../../../tests/golden/rego-input.json");

    const SAMPLES: &str =
        "# METADATA\n# custom: { type: approval, attach: [\"*\"] }\npackage p\napprove { true }\nsample { true }\n";

    /// What a policy of type `approval` sees.
    fn input(change: impl FnOnce(&mut World)) -> Json {
        let mut world = World::new();
        change(&mut world);
        world.rego.push(("p".to_owned(), SAMPLES.to_owned()));
        let Decision::Approved(approval) = world.decision() else { panic!("{:#?}", world.decision()) };
        approval.rego().samples[0].input.as_json().clone()
    }

    /// A world with everything that a document may show.
    fn full(world: &mut World) {
        world.policy += "labels = [\"production\"]\n";
        world.policy.insert_str(0, "data = { teams = { sre = [\"Bob\"], dev = [\"alice\"] } }\n");
        world.facts.run.attempt = Some(2);
        let attempt =
            RunAttempt { attempt: 1, triggering_actor: Some(account(ALICE)), started_at: world.facts.run.created_at };
        world.facts.earlier_attempts = vec![attempt];
        world.facts.pending = Some(vec![world.request.environment.clone()]);
        world.facts.starter_permission = Some(Permission::new("admin"));
        world.facts.jobs.iter_mut().filter(|job| job.name == "publish").for_each(|job| job.attempt = Some(2));
    }

    #[test]
    fn a_field_once_there_never_leaves_or_changes() {
        let input = input(full);
        let golden: Json = serde_json::from_str(GOLDEN).unwrap();
        assert_eq!(input, golden, "{input:#}");
    }

    #[test]
    fn one_person_is_one_approval() {
        let input = input(|world| world.facts.reviews.push(approval(22)));
        assert_eq!(input["reviews"]["current"]["approvals"].as_array().unwrap().len(), 1);
        assert_eq!(input["reviews"]["all"].as_array().unwrap().len(), 2);
    }

    #[test]
    fn an_approval_that_does_not_count_is_not_a_current_one() {
        let input = input(|world| world.facts.reviews.push(approval(ALICE)));
        let logins: BTreeSet<&str> = input["reviews"]["current"]["approvals"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|one| one["author"].as_str())
            .collect();
        assert_eq!(logins, BTreeSet::from(["bob"]));
    }

    #[test]
    fn what_was_not_read_is_not_there() {
        assert!(input(|_| {})["session"].get("admin").is_none());
        assert_eq!(input(|world| world.facts.pending = None)["pending"], Json::Null);
    }

    #[test]
    fn a_machine_has_no_permission() {
        let machine = |world: &mut World| {
            world.policy += "starters = [\"a-bot[bot]\"]\n";
            world.facts.run.triggering_actor = Some(bot());
        };
        let session = input(machine)["session"].clone();
        assert_eq!((&session["permission"], &session["admin"]), (&Json::Null, &Json::Bool(false)));
    }

    #[test]
    fn the_workflow_is_the_runs_own_file() {
        let name = |world: &mut World| world.facts.run.path += "@main";
        assert_eq!(input(name)["run"]["workflow"], ".github/workflows/release.yml");
    }
}
