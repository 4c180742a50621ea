//! The decision core: policy and evidence in, a decision with every reason out.
//!
//! Pure, synchronous and total. Not here: I/O, GitHub's wire format, a clock (the present is an argument), logging.

mod check;
mod checks;
mod comment;
mod covered;
mod decide;
mod evidence;
mod passed_gate;
pub mod policy;
pub mod rego;
mod scope;
pub mod signature;

pub use self::check::{Check, Finding, Verdict};
pub use self::checks::policies::{RegoReport, Sample, finding as policy_finding};
pub use self::comment::{COMMENT_BYTES_MAX, Comment};
pub use self::covered::Covered;
pub use self::decide::{Approval, Decision, Deferral, Rejection, decide, decide_by_run};
pub use self::evidence::{Evidence, Facts, Incomplete, needs_permission};
pub use self::passed_gate::{Approver, PassedGate};
pub use self::policy::Policy;
pub use self::scope::{OutOfScope, Scope, scope};

#[cfg(test)]
mod tests {
    //! A world in which everything is right, for the tests of this module's files to change one thing in.

    #![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

    use jiff::{SignedDuration, Timestamp};

    use super::{Check, Decision, Evidence, Facts, Finding, Policy, Scope, Verdict, decide, scope};
    use crate::model::{
        Account, AccountType, Conclusion, Environment, EnvironmentName, EnvironmentReview, Job, JobStatus, Login,
        RefName, Repository, RepositoryName, Request, ReviewState, RunAttempt, RunId, RunStatus, Sha, WorkflowRun,
    };

    /// Who started the run.
    pub(in crate::gate) const ALICE: u64 = 11;
    /// Who approved its gate.
    pub(in crate::gate) const BOB: u64 = 22;
    /// The id of the gate's environment.
    pub(in crate::gate) const GATE_ENVIRONMENT: u64 = 501;

    pub(in crate::gate) struct World {
        /// TOML; more keys of the first rule can be added at its end.
        pub(in crate::gate) policy: String,
        /// The policies in Rego: names and texts.
        pub(in crate::gate) rego: Vec<(String, String)>,
        pub(in crate::gate) request: Request,
        pub(in crate::gate) facts: Facts,
        pub(in crate::gate) now: Timestamp,
    }

    impl World {
        /// Alice started the run of `octo-org/widgets` at `main`, and Bob approved its one gate ten minutes ago.
        pub(in crate::gate) fn new() -> Self {
            let run = WorkflowRun {
                id: RunId::new(9001).unwrap(),
                attempt: Some(1),
                repository_id: 4242,
                head_repository_id: Some(4242),
                path: ".github/workflows/release.yml".to_owned(),
                event: "workflow_dispatch".to_owned(),
                head_branch: Some(RefName::parse("main").unwrap()),
                head_sha: sha('a'),
                status: RunStatus::Open,
                actor: Some(account(ALICE)),
                triggering_actor: Some(account(ALICE)),
                created_at: Some(ago(3600)),
                started_at: Some(ago(3600)),
                title: Some("Release".to_owned()),
                owner_id: Some(77),
            };
            let waiting = Job {
                status: JobStatus::Waiting,
                conclusion: None,
                started_at: None,
                completed_at: None,
                has_runner: false,
                ..job(7002, "publish")
            };
            let environment = EnvironmentName::parse("release-gate").unwrap();
            let found =
                Environment { id: GATE_ENVIRONMENT, name: environment.clone(), required_reviewers: 1, node_id: None };
            let facts = Facts {
                run,
                jobs: vec![job(7001, "release-gate"), waiting],
                reviews: vec![approval(BOB)],
                environments: [(environment, Some(found))].into(),
                earlier_attempts: Vec::new(),
                pending: Some(vec![EnvironmentName::parse("release").unwrap()]),
                starter_permission: None,
                signatures: None,
            };
            let request = Request {
                installation_id: 555,
                repository: Repository { id: 4242, name: RepositoryName::parse("octo-org/widgets").unwrap() },
                run: RunId::new(9001).unwrap(),
                environment: EnvironmentName::parse("release").unwrap(),
                sha: sha('a'),
                ref_name: RefName::parse("main").unwrap(),
                event: Some("workflow_dispatch".to_owned()),
                deployment_created_at: Some(ago(600)),
            };
            let policy = "[[rule]]\nrepositories = [\"octo-org/widgets\"]\nrefs = [\"main\"]\n".to_owned();
            Self { policy, rego: Vec::new(), request, facts, now: ago(0) }
        }

        /// Carol re-ran jobs of the run half an hour ago: none is listed yet, and only our environment is waited for. The first attempt's gate is as it was.
        pub(in crate::gate) fn rerun(&mut self) {
            let attempt = |attempt, by, began| RunAttempt {
                attempt,
                triggering_actor: Some(account(by)),
                started_at: Some(ago(began)),
            };
            self.facts.run.attempt = Some(2);
            self.facts.run.triggering_actor = Some(account(33));
            self.facts.run.started_at = Some(ago(1800));
            self.facts.earlier_attempts = vec![attempt(1, ALICE, 3600)];
            self.facts.pending = Some(vec![self.request.environment.clone()]);
            self.facts.jobs.iter_mut().for_each(|job| {
                job.started_at = job.started_at.map(|_| ago(3060));
                job.completed_at = job.completed_at.map(|_| ago(3000));
            });
        }

        /// All jobs were re-run: the gate ran again ten minutes ago.
        pub(in crate::gate) fn rerun_with_gate(&mut self) {
            self.rerun();
            self.facts.jobs.push(Job { attempt: Some(2), ..job(7101, "release-gate") });
        }

        /// A second gate, which Carol approved; both are required.
        pub(in crate::gate) fn add_security_gate(&mut self) {
            self.policy += "approvals = 2\n[[rule.gate]]\njob = \"release-gate\"\nenvironment = \"release-gate\"\n[[rule.gate]]\njob = \"security-gate\"\nenvironment = \"security-gate\"\n";
            self.facts.jobs.push(job(7003, "security-gate"));
            self.facts.reviews.push(EnvironmentReview { environment_ids: vec![503], ..approval(33) });
            let name = EnvironmentName::parse("security-gate").unwrap();
            let found = Environment { id: 503, name: name.clone(), required_reviewers: 2, node_id: None };
            self.facts.environments.insert(name, Some(found));
        }

        pub(in crate::gate) fn gate_job(&mut self) -> &mut Job {
            self.facts.jobs.first_mut().unwrap()
        }

        pub(in crate::gate) fn gate_environment(&mut self) -> &mut Option<Environment> {
            self.facts.environments.values_mut().next().unwrap()
        }

        pub(in crate::gate) fn decision(&self) -> Decision {
            let rego = self.rego.iter().map(|(name, text)| (name.as_str(), text.as_str()));
            let policy = Policy::parse(&self.policy).unwrap().with_rego(rego).unwrap();
            match scope(&policy, &self.request).unwrap() {
                Scope::Uncovered(rejection) => Decision::Rejected(rejection),
                Scope::Covered(covered) => {
                    let evidence = Evidence::new(self.facts.clone(), &covered).unwrap();
                    decide(&covered, &self.request, &evidence, self.now)
                }
            }
        }
    }

    /// What a check finds once the good world is changed.
    pub(in crate::gate) fn found(check: Check, change: impl FnOnce(&mut World)) -> Finding {
        let mut world = World::new();
        change(&mut world);
        let decision = world.decision();
        let finding = decision.findings().iter().find(|finding| finding.check == check);
        finding.unwrap_or_else(|| panic!("{check} was not made: {decision:#?}")).clone()
    }

    /// So many seconds before the present of the good world.
    pub(in crate::gate) fn ago(seconds: i64) -> Timestamp {
        "2026-01-05T10:15:00Z".parse::<Timestamp>().unwrap().checked_sub(SignedDuration::from_secs(seconds)).unwrap()
    }

    pub(in crate::gate) fn sha(digit: char) -> Sha {
        Sha::parse(&digit.to_string().repeat(40)).unwrap()
    }

    pub(in crate::gate) fn account(id: u64) -> Account {
        let login = match id {
            ALICE => "alice",
            BOB => "bob",
            _ => "carol",
        };
        Account { id, login: Login::parse(login).unwrap(), account_type: AccountType::User }
    }

    pub(in crate::gate) fn bot() -> Account {
        Account { login: Login::parse("a-bot[bot]").unwrap(), account_type: AccountType::Bot, ..account(99) }
    }

    /// A job that succeeded ten minutes ago.
    pub(in crate::gate) fn job(id: u64, name: &str) -> Job {
        Job {
            id,
            run: RunId::new(9001).unwrap(),
            attempt: Some(1),
            name: name.to_owned(),
            head_sha: sha('a'),
            status: JobStatus::Completed,
            conclusion: Some(Conclusion::Success),
            started_at: Some(ago(660)),
            completed_at: Some(ago(600)),
            has_runner: true,
        }
    }

    /// An approval of the gate's environment.
    pub(in crate::gate) fn approval(by: u64) -> EnvironmentReview {
        EnvironmentReview {
            state: ReviewState::Approved,
            user: Some(account(by)),
            environment_ids: vec![GATE_ENVIRONMENT],
            environment_names: vec![EnvironmentName::parse("release-gate").unwrap()],
        }
    }

    #[test]
    fn the_good_world_is_approved_by_every_check_of_an_unsigned_rule() {
        let mut world = World::new();
        world.policy += "policies = [\"agrees\"]\n";
        world.rego.push(("agrees".to_owned(), "package p\napprove { true }\n".to_owned()));
        let Decision::Approved(approval) = world.decision() else { panic!("{:#?}", world.decision()) };
        let made: Vec<Check> = approval.findings().iter().map(|finding| finding.check).collect();
        assert!(Check::ALL.iter().all(|check| *check == Check::GateSignature || made.contains(check)), "{made:?}");
        assert!(approval.findings().iter().all(|finding| finding.verdict == Verdict::Pass));
    }
}
