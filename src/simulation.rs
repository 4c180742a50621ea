//! A simulation: what would be decided of a run, by the very same reads and the very same code as for a delivery.
//!
//! There is nothing here that could post a review: whoever asks why a run was turned away changes nothing by asking.

use jiff::Timestamp;

use crate::config::{ConfigError, Settings, SettingsStore, Sources, Variables};
use crate::gate::{self, Covered, Evidence, Scope};
use crate::github::{
    Client, Exchange, GithubError, Installation, Limits, Lost, Of, Reader, Tape, Tokens, Waiting, WaitingRun, collect,
};
use crate::handler::{Clock, Moment};
use crate::model::{EnvironmentName, InvalidName, RefName, Request, RunId, RunStatus, RunUrl, Sha, listed, quoted};
use crate::recovery::request_of;
use crate::report::Outcome;

/// What is to be simulated.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The run.
    pub run: RunUrl,
    /// The environment that it would enter; `None` for the one that the policy's rules for its repository name.
    pub environment: Option<EnvironmentName>,
    /// The present to decide in; `None` for now, or for a run that has ended the moment at which it did.
    pub at: Option<Timestamp>,
}

/// What came of it.
#[derive(Debug)]
pub struct Simulated {
    /// What a delivery would have asked.
    pub request: Request,
    /// The present that it was decided in.
    pub at: Timestamp,
    /// The run had ended: it was decided as if it still waited.
    pub had_ended: bool,
    /// What would have become of the delivery.
    pub outcome: Outcome,
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
    /// A setting that cannot be had.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// GitHub did not give what is needed to ask.
    #[error(transparent)]
    Github(#[from] GithubError),
    /// The App may not read the repository.
    #[error("got no installation of the App on {0}, expected one: is it the App's repository, and the right App?")]
    NotInstalled(String),
    /// There is no such run.
    #[error(
        "got no run {0} with a branch or tag, expected one in that repository: GitHub deletes runs after some time"
    )]
    NoRun(String),
    /// The attempt is over.
    #[error(
        "got attempt {asked}, but the run is in attempt {present}: GitHub shows jobs and reviews as they are now; leave `/attempts/{asked}` out"
    )]
    OtherAttempt {
        /// The attempt that was asked for.
        asked: u32,
        /// The run's.
        present: u32,
    },
    /// A name that is none.
    #[error(transparent)]
    Name(#[from] InvalidName),
    /// The policy names several environments for the repository.
    #[error("the policy protects {0} of this repository: say which with `--environment`")]
    Environments(String),
}

fn no_run(asked: &Asked) -> SimulationError {
    SimulationError::NoRun(asked.run.run.to_string())
}

/// A run of which nothing is known. Nothing is decided of it.
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
    client: Client,
    tape: Tape,
    tokens: Tokens,
    settings: Settings,
    clock: Clock,
}

impl Simulation {
    /// Reads the settings.
    ///
    /// # Errors
    /// A setting that cannot be had.
    pub async fn open(variables: Variables, limits: Limits, clock: Clock) -> Result<Self, SimulationError> {
        let tape = Tape::default();
        let client = Client::new(variables.http.clone(), variables.api.clone(), limits).taped(tape.clone());
        let store = SettingsStore::open(Sources::new(variables), clock.now()).await?;
        Ok(Self { client, tape, tokens: Tokens::default(), settings: store.current(), clock })
    }

    /// The policy that is asked.
    pub fn policy(&self) -> &gate::Policy {
        &self.settings.policy
    }

    /// Reads the run and decides.
    ///
    /// # Errors
    /// What stands in the way of asking at all. Once it can be asked, whatever goes wrong is an outcome, as for a delivery.
    pub async fn of(&self, asked: &Asked) -> Result<Simulated, SimulationError> {
        let began = Moment::begin(&self.clock, self.client.limits().delivery);
        let lost = Lost::new((&self.client, &self.settings.app), began.now, began.deadline);
        let name = &asked.run.repository;
        let id = lost.installation(name).await?;
        let id = id.ok_or_else(|| SimulationError::NotInstalled(quoted(&name.to_string()).to_string()))?;
        let app = (&self.client, &*self.settings.app, &self.tokens);
        let installation = Installation::new(app, (id, Of::Name(name.clone())), began.now, began.deadline);
        let repository = installation.repository().await?;
        let environment = self.environment(asked)?;
        let read = Waiting::new(&installation, &repository).run(asked.run.run).await;
        let read = read.map_err(SimulationError::from).and_then(|run| run.ok_or_else(|| no_run(asked)));
        let run = read.as_ref().map_or_else(|_| unknown(asked.run.run, began.now), |run| Ok(run.clone()))?;
        if let (Some(asked), Some(present)) = (asked.run.attempt, run.attempt)
            && asked != present
        {
            return Err(SimulationError::OtherAttempt { asked, present });
        }
        let request = Request { run: asked.run.run, ..request_of(id, &repository, &run, environment) };
        let had_ended = run.status == RunStatus::Completed;
        let at = asked.at.unwrap_or(if had_ended { run.updated_at } else { began.now });
        let before = self.tape.exchanges();
        let (outcome, evidence) = self.decide(&Reader::new(&installation, &request), (at, had_ended)).await;
        // A run that could not be read may not be readable for a delivery either: that is an outcome. A decision on it would be none.
        if let Err(error) = read
            && evidence.is_some()
        {
            return Err(error);
        }
        Ok(Simulated {
            more_may_wait: evidence.is_some_and(|evidence| evidence.more_may_wait()),
            calls: lost.calls().saturating_add(installation.calls()),
            // What the policy has nothing to say of is not asked about.
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
    fn environment(&self, asked: &Asked) -> Result<EnvironmentName, SimulationError> {
        if let Some(environment) = &asked.environment {
            return Ok(environment.clone());
        }
        let ours = |rule: &&gate::policy::Rule| rule.repositories.iter().any(|one| one.matches(&asked.run.repository));
        let rules = self.settings.policy.rules.iter();
        let mut named: Vec<&EnvironmentName> = rules.clone().filter(ours).map(|rule| &rule.environment).collect();
        if named.is_empty() {
            // No rule for this repository: what is protected elsewhere shows that.
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

    async fn decide(&self, reader: &Reader<'_>, (at, had_ended): (Timestamp, bool)) -> (Outcome, Option<Evidence>) {
        let request = reader.request();
        let covered = match gate::scope(&self.settings.policy, request) {
            Ok(Scope::Covered(covered)) => covered,
            Ok(Scope::Uncovered(rejection)) => return (Outcome::Rejected(rejection), None),
            Err(why) => return (Outcome::out_of_scope(why, request), None),
        };
        match self.evidence(reader, &covered, had_ended).await {
            Ok(evidence) => (gate::decide(&covered, request, &evidence, at).into(), Some(evidence)),
            Err(error) => (error.into(), None),
        }
    }

    async fn evidence(
        &self,
        reader: &Reader<'_>,
        covered: &Covered<'_>,
        had_ended: bool,
    ) -> Result<Evidence, GithubError> {
        let evidence = collect(reader, covered).await?;
        Ok(if had_ended { evidence.as_if_it_waited() } else { evidence })
    }

    /// What was asked to decide, and the last token before it.
    fn exchanges(&self, before: &[Exchange]) -> Vec<Exchange> {
        let token = before.iter().rfind(|exchange| exchange.path.ends_with("/access_tokens"));
        token.into_iter().chain(self.tape.exchanges().iter().skip(before.len())).cloned().collect()
    }
}
