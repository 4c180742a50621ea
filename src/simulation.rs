//! A simulation: what would be decided about a run, by the very same reads and the very same code as for a delivery.
//!
//! Nothing here can post a review: asking why a run was rejected changes nothing.

use jiff::Timestamp;

use crate::config::{ConfigError, Settings, SettingsStore, Sources, Variables};
use crate::gate::{self, Evidence, Scope};
use crate::github::{
    AppClient, Exchange, GithubClient, GithubError, Limits, Recording, RepositoryClient, RepositoryRef, RunReader,
    WaitingRuns, collect,
};
use crate::model::{
    EnvironmentName, InvalidName, RefName, Request, RunId, RunStatus, RunUrl, Sha, WaitingRun, WorkflowRun, listed,
    quoted,
};
use crate::outcome::Outcome;
use crate::recovery::request_of;
use crate::review_loop::is_reviewed_at_once;
use crate::time::{Clock, Deadline};

/// What is to be simulated.
#[derive(Debug, Clone)]
pub struct SimulationRequest {
    /// The run.
    pub run: RunUrl,
    /// The environment that it would deploy to; `None` for the one that the policy's rules for its repository name.
    pub environment: Option<EnvironmentName>,
    /// The moment as of which to decide; `None` for now or, if the run has ended, the moment when it ended.
    pub at: Option<Timestamp>,
}

/// What came of a simulation.
#[derive(Debug)]
pub struct Simulated {
    /// What a delivery would have asked.
    pub request: Request,
    /// The moment as of which it was decided.
    pub at: Timestamp,
    /// The run had ended: it was decided as if it still waited.
    pub had_ended: bool,
    /// What would have become of the delivery.
    pub outcome: Outcome,
    /// Does a delivery look whether anything still waits before it reviews?
    pub looks_first: bool,
    /// May other jobs begin to wait after it? Then a delivery looks once more.
    pub more_may_wait: bool,
    /// Calls to GitHub.
    pub calls: u32,
    /// The calls that a delivery would have made too.
    pub exchanges: Vec<Exchange>,
}

/// Why there is nothing to simulate.
#[derive(Debug, thiserror::Error)]
pub enum SimulationError {
    /// A setting that cannot be read.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// GitHub did not answer with what is needed.
    #[error(transparent)]
    Github(#[from] GithubError),
    /// The App may not read the repository.
    #[error(
        "the App is not installed on {0}: check the repository's name, and that the settings belong to the right App"
    )]
    NotInstalled(String),
    /// There is no such run.
    #[error("there is no run {0} of a branch or tag in that repository: GitHub deletes runs after some time")]
    NoRun(String),
    /// The attempt is over.
    #[error(
        "got attempt {asked}, but the run is in attempt {present}, and GitHub shows only its current state: leave out `/attempts/{asked}`"
    )]
    OtherAttempt {
        /// The attempt that was asked for.
        asked: u32,
        /// The run's.
        present: u32,
    },
    /// Text that is not a name.
    #[error(transparent)]
    Name(#[from] InvalidName),
    /// The policy names several environments for the repository.
    #[error("the policy protects {0} of this repository: choose one with `--environment`")]
    Environments(String),
}

fn no_run(asked: &SimulationRequest) -> SimulationError {
    SimulationError::NoRun(asked.run.run.to_string())
}

/// A run about which nothing is known. Nothing is decided about it.
fn unknown(id: RunId, now: Timestamp) -> Result<WaitingRun, InvalidName> {
    Ok(WaitingRun {
        id,
        sha: Sha::parse(&"0".repeat(40))?,
        ref_name: RefName::parse("unknown")?,
        event: "unknown".to_owned(),
        started_at: now,
        updated_at: now,
        attempt: None,
        status: RunStatus::Open,
    })
}

/// Everything that is needed to simulate, and nothing to review with.
#[derive(Debug)]
pub struct Simulation {
    github: GithubClient,
    recording: Recording,
    settings: Settings,
    clock: Clock,
}

impl Simulation {
    /// Reads the settings.
    ///
    /// # Errors
    /// A setting that cannot be read.
    pub async fn open(variables: Variables, limits: Limits, clock: Clock) -> Result<Self, SimulationError> {
        let recording = Recording::default();
        let github = GithubClient::new(variables.http.clone(), variables.api.clone(), limits);
        let github = github.believing(variables.issuer.clone()).recorded(recording.clone());
        let store = SettingsStore::open(Sources::new(variables), clock.now()).await?;
        Ok(Self { github, recording, settings: store.current(), clock })
    }

    /// The policy that is asked.
    pub fn policy(&self) -> &gate::Policy {
        &self.settings.policy
    }

    /// The same, with another policy.
    #[must_use]
    pub fn by(mut self, policy: gate::Policy) -> Self {
        self.settings.policy = policy.into();
        self
    }

    /// Reads the run and decides.
    ///
    /// # Errors
    /// Whatever prevents asking at all. Once it can be asked, whatever goes wrong is an outcome, as for a delivery.
    pub async fn of(&self, asked: &SimulationRequest) -> Result<Simulated, SimulationError> {
        let deadline = Deadline::begin(&self.clock, self.github.limits().delivery);
        let app = AppClient::new(&self.github, &self.settings.app, deadline);
        let name = &asked.run.repository;
        let installation = app.installation(name).await?;
        let installation =
            installation.ok_or_else(|| SimulationError::NotInstalled(quoted(&name.to_string()).to_string()))?;
        let client = RepositoryClient::new(&app, installation.id, RepositoryRef::Name(name.clone()));
        let repository = client.repository().await?;
        let environment = self.environment(asked)?;
        let read = WaitingRuns::new(&client, &repository).run(asked.run.run).await;
        let read = read.map_err(SimulationError::from).and_then(|run| run.ok_or_else(|| no_run(asked)));
        let run = read.as_ref().map_or_else(|_| unknown(asked.run.run, deadline.now), |run| Ok(run.clone()))?;
        if let (Some(asked), Some(present)) = (asked.run.attempt, run.attempt)
            && asked != present
        {
            return Err(SimulationError::OtherAttempt { asked, present });
        }
        let request = Request { run: asked.run.run, ..request_of(installation.id, &repository, &run, environment) };
        let had_ended = run.status == RunStatus::Completed;
        let at = asked.at.unwrap_or(if had_ended { run.updated_at } else { deadline.now });
        let before = self.recording.exchanges();
        let (outcome, evidence) = self.decide(&RunReader::new(&client, &request), run.status, at).await;
        // A run that cannot be read would stop a delivery too: that is an outcome. A decision about it would not be one.
        if let Err(error) = read
            && evidence.is_some()
        {
            return Err(error);
        }
        Ok(Simulated {
            looks_first: evidence.as_ref().is_some_and(|evidence| !is_reviewed_at_once(evidence.waiting_jobs().len())),
            more_may_wait: evidence.is_some_and(|evidence| evidence.more_may_wait()),
            calls: app.calls(),
            // Where the policy says nothing, nothing would be read.
            exchanges: if gate::scope(&self.settings.policy, &request).is_ok() {
                self.exchanges(&before)
            } else {
                Vec::new()
            },
            request,
            at,
            had_ended,
            outcome,
        })
    }

    /// The environment that was asked for, or the one that the policy protects.
    fn environment(&self, asked: &SimulationRequest) -> Result<EnvironmentName, SimulationError> {
        if let Some(environment) = &asked.environment {
            return Ok(environment.clone());
        }
        let ours = |rule: &&gate::policy::Rule| rule.repositories.iter().any(|one| one.matches(&asked.run.repository));
        let rules = self.settings.policy.rules.iter();
        let mut named: Vec<&EnvironmentName> = rules.clone().filter(ours).map(|rule| &rule.environment).collect();
        if named.is_empty() {
            // No rule for this repository: the environments of the others show that.
            named = rules.map(|rule| &rule.environment).collect();
        }
        named.sort();
        named.dedup();
        match named.as_slice() {
            [one] => Ok((*one).clone()),
            several => {
                let names = several.iter().map(|name| quoted(name.as_str()).to_string());
                let names = listed(names);
                Err(SimulationError::Environments(if names.is_empty() { "no environment".to_owned() } else { names }))
            }
        }
    }

    /// Decides, and shows the evidence where a decision rests on any. A run that has ended is decided as if it still waited.
    async fn decide(&self, reader: &RunReader<'_>, status: RunStatus, at: Timestamp) -> (Outcome, Option<Evidence>) {
        let request = reader.request();
        let covered = match gate::scope(&self.settings.policy, request) {
            Ok(Scope::Covered(covered)) => covered,
            Ok(Scope::Uncovered(rejection)) => return (Outcome::Rejected(rejection), None),
            Err(why) => return (Outcome::out_of_scope(why, request), None),
        };
        if !covered.may_take(request) {
            // As for a delivery, the run is enough.
            let run = match reader.run().await {
                Ok(run) => WorkflowRun { status: RunStatus::Open, ..run },
                Err(error) => return (error.into(), None),
            };
            if let Some(decision) = gate::decide_by_run(&covered, request, &run, at) {
                return (decision.into(), None);
            }
        }
        let evidence = match collect(reader, &covered).await {
            Ok(evidence) if status == RunStatus::Completed => evidence.as_if_it_waited(),
            Ok(evidence) => evidence,
            Err(error) => return (error.into(), None),
        };
        (gate::decide(&covered, request, &evidence, at).into(), Some(evidence))
    }

    /// The calls that were made to decide, and the last token before them.
    fn exchanges(&self, before: &[Exchange]) -> Vec<Exchange> {
        let token = before.iter().rfind(|exchange| exchange.path.ends_with("/access_tokens"));
        token.into_iter().chain(self.recording.exchanges().iter().skip(before.len())).cloned().collect()
    }
}
