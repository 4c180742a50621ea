//! What waits in a repository: runs that have not ended, and the environments that their jobs wait for.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use http::StatusCode;
use jiff::{SignedDuration, Timestamp};

use super::answer::Answer;
use super::call::Call;
use super::run_reader::{PENDING, RUN};
use super::wire::{ListedWire, PendingDeploymentWire, RunWire, RunsWire};
use super::{GithubError, RepositoryClient};
use crate::model::{EnvironmentName, Repository, RunId, WaitingRun, with_causes};

const RUNS: &str = "GET /repos/{owner}/{repo}/actions/runs";

/// Runs on a page; GitHub's maximum.
const PER_PAGE: usize = 100;
/// Pages that are read of one list: 1,000 runs.
const PAGES_MAX: usize = 10;
/// GitHub's clocks may differ by this much.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_secs(60);

/// Reads what waits in one repository.
#[derive(Debug)]
pub struct WaitingRuns<'a> {
    client: &'a RepositoryClient<'a>,
    repository: &'a Repository,
}

/// What the list of a repository's runs shows.
#[derive(Debug, Default)]
pub struct RunList {
    /// Runs that have not ended.
    pub open: BTreeMap<RunId, WaitingRun>,
    /// What could not be read: runs that may not have ended, and pages.
    pub problems: Vec<String>,
    /// Whether the list was read as far back as was asked for.
    pub is_complete: bool,
    /// Runs that have ended, from their creation to their last change.
    ended: BTreeMap<RunId, Option<RangeInclusive<Timestamp>>>,
    /// When each of the others was created.
    open_since: Vec<Timestamp>,
}

/// What became of a run.
#[derive(Debug)]
pub enum RunState {
    /// It has not ended.
    Open(WaitingRun),
    /// It has ended.
    Ended,
    /// GitHub answered 404, twice.
    Gone,
}

impl RunList {
    /// Whether a run is listed as ended.
    pub fn has_ended(&self, run: RunId) -> bool {
        self.ended.contains_key(&run)
    }

    /// Whether a run is listed that had been created by that time and had not ended: a delivery of that time may be about it.
    pub fn shows_a_run_of(&self, time: Timestamp) -> bool {
        let was_there = |from: Timestamp| from.duration_since(time) <= CLOCKS_DIFFER;
        let had_ended = |to: Timestamp| time.duration_since(to) > CLOCKS_DIFFER;
        self.open_since.iter().any(|from| was_there(*from))
            || self.ended.values().flatten().any(|life| was_there(*life.start()) && !had_ended(*life.end()))
    }

    /// Adds an item of the list.
    fn add(&mut self, listed: ListedWire<RunWire>) {
        let run = match listed {
            ListedWire::Read(run) => run,
            ListedWire::Named { id } => return self.problems.push(format!("run {id}: cannot be read")),
            ListedWire::Unreadable(_) => return self.problems.push("a run in the list: cannot be read".to_owned()),
        };
        let lifetime = run.lifetime();
        if run.has_ended() {
            return self.ended.extend(RunId::new(run.id).map(|id| (id, lifetime)));
        }
        self.open_since.extend(lifetime.map(|lifetime| *lifetime.start()));
        match run.into_waiting() {
            Ok(run) => drop(self.open.insert(run.id, run)),
            Err(problem) => self.problems.push(problem),
        }
    }

    /// When the oldest of its runs was created.
    fn oldest(&self) -> Option<Timestamp> {
        let ended = self.ended.values().flatten().map(|lifetime| *lifetime.start());
        self.open_since.iter().copied().chain(ended).min()
    }

    /// Adds another page.
    fn append(&mut self, page: Self) {
        self.open.extend(page.open);
        self.problems.extend(page.problems);
        self.ended.extend(page.ended);
        self.open_since.extend(page.open_since);
    }
}

impl<'a> WaitingRuns<'a> {
    /// Reads through `client` what waits in `repository`.
    pub fn new(client: &'a RepositoryClient<'a>, repository: &'a Repository) -> Self {
        Self { client, repository }
    }

    /// The runs that were created since then, whatever GitHub calls their status: its lists of one status can be stale for days. The newest come first, a page at a time, while `may_read_on`.
    ///
    /// GitHub's list of waiting runs may name older runs. It only adds to what was found.
    ///
    /// # Errors
    /// The first page cannot be read.
    pub async fn list(&self, since: Timestamp, may_read_on: impl Fn() -> bool) -> Result<RunList, GithubError> {
        let mut list = RunList::default();
        for number in 1..=PAGES_MAX {
            let (page, count) = match self.page("", number).await {
                Ok(page) => page,
                Err(error) if number == 1 => return Err(error),
                Err(error) => {
                    list.problems.push(with_causes(&error));
                    break;
                }
            };
            let (is_last, oldest) = (count < PER_PAGE, page.oldest());
            list.append(page);
            list.is_complete = is_last || oldest.is_some_and(|oldest| oldest < since);
            if is_last {
                return Ok(list);
            }
            if list.is_complete || !may_read_on() {
                break;
            }
        }
        match self.page("status=waiting&", 1).await {
            Ok((page, _)) => list.append(page),
            Err(error) => list.problems.push(with_causes(&error)),
        }
        Ok(list)
    }

    async fn page(&self, filter: &str, number: usize) -> Result<(RunList, usize), GithubError> {
        let query = format!("{filter}per_page={PER_PAGE}&page={number}&exclude_pull_requests=true");
        let path = format!("/repos/{}/actions/runs?{query}", self.repository.name);
        runs_page(&self.client.send(&Call::get(RUNS, path)).await?)
    }

    /// One run, whether it waits or not; `None` when GitHub knows no run with that id, or shows no branch or tag for it. Whether the answer is about that run is checked by the decision.
    pub async fn run(&self, id: RunId) -> Result<Option<WaitingRun>, GithubError> {
        let answer = self.client.send(&self.run_call(id)).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        Ok(answer.json::<RunWire>()?.into_waiting().ok())
    }

    /// What became of a run. A 404 is read once more.
    ///
    /// # Errors
    /// No answer, or one that cannot be read or is about another run.
    pub async fn state(&self, id: RunId) -> Result<RunState, GithubError> {
        let call = self.run_call(id);
        let mut answer = self.client.send(&call).await?;
        if answer.status == StatusCode::NOT_FOUND {
            self.client.pause(self.client.limits().pause).await;
            answer = self.client.send(&call).await?;
        }
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(RunState::Gone);
        }
        let run: RunWire = answer.json()?;
        if RunId::new(run.id) != Some(id) {
            return Err(answer.unreadable(format!("got run {}, expected run {id}", run.id)));
        }
        if run.has_ended() {
            return Ok(RunState::Ended);
        }
        run.into_waiting().map(RunState::Open).map_err(|problem| answer.unreadable(problem))
    }

    fn run_call(&self, id: RunId) -> Call {
        Call::get(RUN, format!("/repos/{}/actions/runs/{id}?exclude_pull_requests=true", self.repository.name))
    }

    /// The environments that jobs of the run wait for; `None` for one without a name that can be read.
    pub async fn environments(&self, run: RunId) -> Result<Vec<Option<EnvironmentName>>, GithubError> {
        let path = format!("/repos/{}/actions/runs/{run}/pending_deployments", self.repository.name);
        pending_environments(&self.client.send(&Call::get(PENDING, path)).await?)
    }
}

/// A page of runs, and how many there are on it.
pub(super) fn runs_page(answer: &Answer) -> Result<(RunList, usize), GithubError> {
    let RunsWire { workflow_runs } = answer.json()?;
    let (mut page, count) = (RunList::default(), workflow_runs.len());
    for listed in workflow_runs {
        page.add(listed);
    }
    Ok((page, count))
}

/// The environments that are waited for.
pub(super) fn pending_environments(answer: &Answer) -> Result<Vec<Option<EnvironmentName>>, GithubError> {
    let pending: Vec<PendingDeploymentWire> = answer.json()?;
    Ok(pending.iter().map(PendingDeploymentWire::environment).collect())
}
