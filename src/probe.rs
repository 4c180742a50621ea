//! The probe: the shipped code decides built-in runs, of which one must be approved and the others never. It reaches no GitHub and posts nothing; a wrong
//! answer is an alarm. Not here: its schedule (`lambda`, the template).

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::gate::rego::RegoPolicy;
use crate::gate::{Decision, Evidence, Facts, Policy, Scope, Verdict, decide, scope};
use crate::model::{
    Account, AccountType, Conclusion, Environment, EnvironmentName, EnvironmentReview, InvalidName, Job, JobStatus,
    Login, Permission, RefName, Repository, RepositoryName, Request, ReviewState, RunId, RunStatus, Sha, WorkflowRun,
};

/// Who started the built-in run.
const STARTER: u64 = 1;
/// Who approved it.
const APPROVER: u64 = 2;
const GATE_ENVIRONMENT: u64 = 3;
const REPOSITORY: u64 = 4;
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const OTHER_COMMIT: &str = "89abcdef0123456789abcdef0123456789abcdef";
const POLICY: &str = "[[rule]]\nrepositories = [\"environment-gate/probe\"]\nrefs = [\"main\"]\n";

/// What the probe found.
#[derive(Debug, Default)]
pub struct Probe {
    /// How many decisions were made.
    pub decisions: usize,
    /// What was decided wrongly, or could not be decided, a sentence each; empty if all is well.
    pub wrong: Vec<String>,
}

/// What makes a run that must be approved one that must not be.
struct Flaw {
    /// What is wrong with the run.
    what: &'static str,
    /// Makes it so.
    make: fn(&mut Facts) -> Result<(), InvalidName>,
}

const FLAWS: [Flaw; 4] = [
    Flaw {
        what: "that nobody approved",
        make: |facts| {
            facts.reviews.clear();
            Ok(())
        },
    },
    Flaw {
        what: "that only its starter approved",
        make: |facts| {
            let starter = facts.run.actor.clone();
            facts.reviews.iter_mut().for_each(|review| review.user.clone_from(&starter));
            Ok(())
        },
    },
    Flaw {
        what: "whose gate failed",
        make: |facts| {
            let gates = facts.jobs.iter_mut().filter(|job| job.status == JobStatus::Completed);
            gates.for_each(|gate| gate.conclusion = Some(Conclusion::parse("failure")));
            Ok(())
        },
    },
    Flaw {
        what: "of another commit",
        make: |facts| {
            facts.run.head_sha = Sha::parse(OTHER_COMMIT)?;
            Ok(())
        },
    },
];

impl Probe {
    /// Decides the built-in runs under a rule of the probe's own: alone, and together with the policies in Rego that are in use. Those may deny the good run, but let in none of the others.
    pub fn of(policy: &Policy, now: Timestamp) -> Self {
        let mut probe = Self::default();
        if let Err(error) = probe.run(policy, now) {
            probe.wrong.push(format!("the probe could not be made: {error}"));
        }
        probe
    }

    fn run(&mut self, policy: &Policy, now: Timestamp) -> anyhow::Result<()> {
        let alone = of_the_probe(&[], policy)?;
        let with_rego = of_the_probe(&policy.rego, policy)?;
        let good = facts(now)?;
        let decision = self.decide(&alone, good.clone(), now)?;
        if !matches!(decision, Decision::Approved(_)) {
            let failed = decision.findings().iter().filter(|finding| finding.verdict != Verdict::Pass);
            let failed: Vec<String> = failed.map(ToString::to_string).collect();
            self.wrong.push(format!("a run that nothing is wrong with was not approved: {}", failed.join("; ")));
        }
        for Flaw { what, make } in FLAWS {
            let mut flawed = good.clone();
            make(&mut flawed)?;
            if matches!(self.decide(&with_rego, flawed.clone(), now)?, Decision::Approved(_)) {
                self.wrong.push(format!("a run {what} was approved"));
            }
            if !matches!(self.decide(&alone, flawed, now)?, Decision::Rejected(_) | Decision::Deferred(_)) {
                self.wrong.push(format!("a run {what} was neither rejected nor deferred"));
            }
        }
        Ok(())
    }

    fn decide(&mut self, policy: &Policy, facts: Facts, now: Timestamp) -> anyhow::Result<Decision> {
        self.decisions = self.decisions.saturating_add(1);
        let request = request(&facts)?;
        match scope(policy, &request) {
            Ok(Scope::Covered(covered)) => Ok(decide(&covered, &request, &Evidence::new(facts, &covered)?, now)),
            other => anyhow::bail!("its own rule does not cover it: {other:?}"),
        }
    }
}

/// The probe's own rule, with these policies in Rego and the data that they read.
fn of_the_probe(rego: &[Arc<RegoPolicy>], in_use: &Policy) -> anyhow::Result<Policy> {
    let mut policy = Policy::parse(POLICY)?;
    policy.data.clone_from(&in_use.data);
    policy.rules.iter_mut().for_each(|rule| rule.attached = rego.to_vec());
    Ok(policy)
}

fn request(facts: &Facts) -> Result<Request, InvalidName> {
    Ok(Request {
        installation_id: 1,
        repository: Repository { id: REPOSITORY, name: RepositoryName::parse("environment-gate/probe")? },
        run: facts.run.id,
        environment: EnvironmentName::parse("release")?,
        sha: Sha::parse(COMMIT)?,
        ref_name: RefName::parse("main")?,
        event: Some("workflow_dispatch".to_owned()),
        deployment_created_at: facts.run.created_at,
    })
}

/// A run of half an hour ago, whose gate somebody else approved; its job `publish` waits.
fn facts(now: Timestamp) -> anyhow::Result<Facts> {
    let ago = |minutes| now.checked_sub(SignedDuration::from_mins(minutes)).ok();
    let starter = account(STARTER, "starter")?;
    let environment = EnvironmentName::parse("release-gate")?;
    let run = WorkflowRun {
        id: RunId::parse("1")?,
        attempt: Some(1),
        repository_id: REPOSITORY,
        head_repository_id: Some(REPOSITORY),
        path: ".github/workflows/release.yml".to_owned(),
        event: "workflow_dispatch".to_owned(),
        head_branch: Some(RefName::parse("main")?),
        head_sha: Sha::parse(COMMIT)?,
        status: RunStatus::Open,
        actor: Some(starter.clone()),
        triggering_actor: Some(starter),
        created_at: ago(30),
        started_at: ago(30),
        title: Some("Release".to_owned()),
        owner_id: Some(1),
    };
    let gate = Job {
        id: 1,
        run: run.id,
        attempt: Some(1),
        name: "release-gate".to_owned(),
        head_sha: run.head_sha.clone(),
        status: JobStatus::Completed,
        conclusion: Some(Conclusion::Success),
        started_at: ago(11),
        completed_at: ago(10),
        has_runner: true,
    };
    let (conclusion, started_at, completed_at, has_runner) = (None, None, None, false);
    let (name, status) = ("publish".to_owned(), JobStatus::Waiting);
    let waiting = Job { id: 2, name, status, conclusion, started_at, completed_at, has_runner, ..gate.clone() };
    let review = EnvironmentReview {
        state: ReviewState::Approved,
        user: Some(account(APPROVER, "approver")?),
        environment_ids: vec![GATE_ENVIRONMENT],
        environment_names: vec![environment.clone()],
    };
    let found = Environment { id: GATE_ENVIRONMENT, name: environment.clone(), required_reviewers: 1, node_id: None };
    Ok(Facts {
        run,
        jobs: vec![gate, waiting],
        reviews: vec![review],
        environments: [(environment, Some(found))].into(),
        earlier_attempts: Vec::new(),
        pending: None,
        starter_permission: Some(Permission::new("write")),
        signatures: None,
    })
}

fn account(id: u64, login: &str) -> Result<Account, InvalidName> {
    Ok(Account { id, login: Login::parse(login)?, account_type: AccountType::User })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::*;

    fn probe(rego: &[(&str, &str)]) -> Probe {
        let policy = Policy::parse("[[rule]]\nrepositories = [\"octo-org/widgets\"]\nrefs = [\"main\"]\n").unwrap();
        Probe::of(&policy.with_rego(rego.iter().copied()).unwrap(), "2026-01-05T10:15:00Z".parse().unwrap())
    }

    #[test]
    fn nothing_is_wrong_with_the_shipped_code() {
        let probe = probe(&[]);
        assert_eq!((probe.decisions, probe.wrong), (9, Vec::new()));
    }

    #[test]
    fn policies_in_rego_may_deny_the_good_run() {
        let denies = "package p\nimport rego.v1\ndeny contains \"never\" if true\n";
        assert_eq!(probe(&[("denies", denies)]).wrong, Vec::<String>::new());
    }

    #[test]
    fn policies_in_rego_that_approve_everything_let_in_no_other_run() {
        let approves = "package p\nimport rego.v1\napprove if true\n";
        assert_eq!(probe(&[("approves", approves)]).wrong, Vec::<String>::new());
    }

    #[test]
    fn each_flaw_changes_the_run() {
        let good = facts("2026-01-05T10:15:00Z".parse().unwrap()).unwrap();
        for Flaw { what, make } in FLAWS {
            let mut flawed = good.clone();
            make(&mut flawed).unwrap();
            assert_ne!(flawed, good, "{what}");
        }
    }
}
