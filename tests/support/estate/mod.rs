//! A GitHub with many repositories, runs and failed deliveries, whose answers take their time. Time stands still but for that, so it passes alike on every machine.

mod answers;

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use environment_gate::config::{Given, Variables};
use environment_gate::github::Limits;
use environment_gate::handler::Handler;
use environment_gate::model::ApiUrl;
use environment_gate::recovery::{Sweep, SweepMode};
use environment_gate::time::Clock;
use environment_gate::world::FakeGithub;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::fixtures;
use super::function::Files;
use super::github::app;

/// The App's installation on `octo-org`.
pub(crate) const INSTALLATION: u64 = 555;

/// Every repository of the owner, none of them named.
pub(crate) const ALL: &str = "[[rule]]\nrepositories = [\"octo-org/*\"]\nrefs = [\"main\"]\n";
pub(crate) const QUICK: Duration = Duration::from_millis(1);
/// Nothing is left, and nothing went wrong.
pub(crate) const NOTHING: (usize, &[String]) = (0, &[]);

/// A policy that names repositories one by one.
pub(crate) fn naming(names: &[String]) -> String {
    format!("[[rule]]\nrepositories = {names:?}\nrefs = [\"main\"]\n")
}

/// What is left, and what went wrong.
pub(crate) fn unfinished(swept: &Sweep) -> (usize, &[String]) {
    (swept.left, &swept.problems)
}

/// A world with one repository, and its number.
pub(crate) fn one() -> (World, usize) {
    let mut world = World::default();
    let widgets = world.repository("octo-org/widgets");
    (world, widgets)
}

/// What would be decided about a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It is let in.
    Approved,
    /// Nothing can be decided: its gate still waits.
    Undecidable,
}

/// Where GitHub shows a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Shown {
    /// In the list of all runs, and in that of waiting runs, which is stale.
    AlsoAsWaiting,
    /// In the list of all runs.
    Listed,
    /// In no list.
    Unlisted,
    /// Nowhere: GitHub answers 404.
    Gone,
}

/// A run.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    pub(crate) kind: Kind,
    pub(crate) status: &'static str,
    /// Minutes before the story's present.
    pub(crate) created: i64,
    /// Whether it waits for `release`.
    pub(crate) waits: bool,
    /// Where it is shown.
    pub(crate) shown: Shown,
    /// A field of the list that is null.
    pub(crate) null: Option<&'static str>,
}

impl Run {
    /// One that waits for us, and is let in.
    pub(crate) fn waiting() -> Self {
        Self { kind: Kind::Approved, status: "waiting", created: 11, waits: true, shown: Shown::Listed, null: None }
    }

    pub(crate) fn undecidable() -> Self {
        Self { kind: Kind::Undecidable, ..Self::waiting() }
    }

    pub(crate) fn ended() -> Self {
        Self { status: "completed", waits: false, ..Self::waiting() }
    }
}

/// A delivery that failed.
struct Failure {
    repository: usize,
    run: u64,
    /// Seconds before the story's present.
    ago: i64,
    /// A field of the list that is null.
    null: Option<&'static str>,
}

struct Repository {
    id: u64,
    name: String,
    installation: u64,
    is_installed: bool,
    latency: Option<Duration>,
    runs: BTreeMap<u64, Run>,
}

/// What GitHub has.
#[derive(Default)]
pub(crate) struct World {
    repositories: Vec<Repository>,
    failures: Vec<Failure>,
    /// Installations that have used up their limit.
    limited: Vec<u64>,
    /// Calls that an installation has left in this hour, of 1,000.
    hourly: BTreeMap<u64, u64>,
    /// Pages of the log that can be read, if not all can.
    log_pages: Option<usize>,
    /// Runs that were let in, in their order.
    let_in: Vec<u64>,
}

impl World {
    /// A repository; its number.
    pub(crate) fn repository(&mut self, name: &str) -> usize {
        let (number, name, runs) = (self.repositories.len(), name.to_owned(), BTreeMap::new());
        let (id, latency) = (1000 + u64::try_from(number).unwrap(), None);
        self.repositories.push(Repository { id, name, installation: INSTALLATION, is_installed: true, latency, runs });
        number
    }

    /// A run of a repository; its id. A later one has a higher id, as on GitHub.
    pub(crate) fn run(&mut self, repository: usize, run: Run) -> u64 {
        let runs = self.repositories.iter().map(|repository| repository.runs.len()).sum::<usize>();
        let id = 100_000 + u64::try_from(runs).unwrap();
        self.repositories[repository].runs.insert(id, run);
        id
    }

    /// A delivery about a run failed so many seconds ago.
    pub(crate) fn fail(&mut self, repository: usize, run: u64, ago: i64) {
        self.failures.push(Failure { repository, run, ago, null: None });
    }

    /// The same, but the list does not say all of it.
    pub(crate) fn fail_without(&mut self, field: &'static str, repository: usize, run: u64) {
        self.failures.push(Failure { repository, run, ago: 480, null: Some(field) });
    }

    /// Pages of the log after the first so many cannot be read.
    pub(crate) fn break_log_after(&mut self, pages: usize) {
        self.log_pages = Some(pages);
    }

    /// Every call about a repository takes so long.
    pub(crate) fn slow_down(&mut self, repository: usize, latency: Duration) {
        self.repositories[repository].latency = Some(latency);
    }

    /// A run that waits and whose delivery failed eight minutes ago.
    pub(crate) fn lost(&mut self, repository: usize, run: Run) -> u64 {
        let id = self.run(repository, run);
        self.fail(repository, id, 480);
        id
    }

    pub(crate) fn install(&mut self, repository: usize, installation: u64) {
        self.repositories[repository].installation = installation;
    }

    pub(crate) fn uninstall(&mut self, repository: usize) {
        self.repositories[repository].is_installed = false;
    }

    /// GitHub answers this installation with a limit from now on.
    pub(crate) fn limit(&mut self, installation: u64) {
        self.limited.push(installation);
    }

    /// An installation has so many calls left of its 1,000 in this hour.
    pub(crate) fn leave_calls(&mut self, installation: u64, calls: u64) {
        self.hourly.insert(installation, calls);
    }

    pub(crate) fn run_mut(&mut self, id: u64) -> &mut Run {
        self.repositories.iter_mut().find_map(|repository| repository.runs.get_mut(&id)).unwrap()
    }

    pub(crate) fn let_in(&self) -> Vec<u64> {
        self.let_in.clone()
    }

    fn at(&self, path: &str) -> &Repository {
        self.find(path).unwrap()
    }

    /// The repository of a call, if it is about one.
    fn find(&self, path: &str) -> Option<&Repository> {
        let name = path.strip_prefix("/repos/")?.splitn(3, '/').take(2).collect::<Vec<_>>().join("/");
        self.repositories.iter().find(|repository| repository.name == name)
    }

    fn latency(&self, path: &str) -> Option<Duration> {
        self.find(path)?.latency
    }
}

/// The function, its GitHub, and the present.
pub(crate) struct Estate {
    handler: Handler,
    world: Arc<Mutex<World>>,
    pub(crate) fake: FakeGithub,
    began: Instant,
    /// The clock does not run by itself while this is held.
    _stopped: std::sync::mpsc::Sender<()>,
    _files: Files,
}

impl Estate {
    /// Starts `minutes` after the story's present, in a test whose time was paused when it began. Every answer takes `latency`, one after the other.
    pub(crate) async fn start(policy: &str, world: World, (latency, minutes): (Duration, i64)) -> Self {
        let (stopped, is_over) = std::sync::mpsc::channel::<()>();
        tokio::task::spawn_blocking(move || is_over.recv());
        let began = Instant::now();
        let start = present().checked_add(SignedDuration::from_mins(minutes)).unwrap();
        let now = move || start.checked_add(SignedDuration::try_from(began.elapsed()).unwrap()).unwrap();
        let player = fixtures::player();
        let world = Arc::new(Mutex::new(world));
        let source = answers::source(Arc::clone(&world), latency, now);
        let fake = FakeGithub::start(source, app(player)).await.unwrap();
        let files = Files::new(player, policy);
        let (app_id, webhook_secret, key) = player.app();
        let given = Given {
            app_id: app_id.into(),
            webhook_secret,
            policy_file: files.path("policy.toml").into(),
            policies_dir: None,
            private_key: key.private_pem().clone(),
            issuer: None,
        };
        let variables = Variables::given(ApiUrl::parse(&fake.url()).unwrap(), given).unwrap();
        let limits = Limits { pause: Duration::ZERO, review_pause: Duration::ZERO, ..Limits::default() };
        let handler = Handler::open(variables, limits, Clock::showing(now)).await.unwrap();
        Self { handler, world, fake, began, _stopped: stopped, _files: files }
    }

    /// Sweeps, and waits for the next minute.
    pub(crate) async fn sweep(&self) -> Sweep {
        let swept = self.handler.sweep(SweepMode::Scheduled).await;
        let over = Duration::from_secs(self.began.elapsed().as_secs() / 60 * 60 + 60);
        tokio::time::advance(over.saturating_sub(self.began.elapsed())).await;
        swept
    }

    /// Sweeps twice at once.
    pub(crate) async fn sweep_twice(&self) -> (Sweep, Sweep) {
        tokio::join!(self.handler.sweep(SweepMode::Scheduled), self.handler.sweep(SweepMode::Scheduled))
    }

    /// Sweeps until `is_done`, at most so many times; how many it took, if that was enough.
    pub(crate) async fn sweep_until(&self, most: usize, is_done: impl Fn(&Self) -> bool) -> Option<usize> {
        for sweeps in 1..=most {
            self.sweep().await;
            if is_done(self) {
                return Some(sweeps);
            }
        }
        None
    }

    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut World) -> T) -> T {
        act(&mut self.world.lock().unwrap())
    }

    pub(crate) fn has_let_in(&self, run: u64) -> bool {
        self.with(|world| world.let_in.contains(&run))
    }

    /// How many calls of that name were made.
    pub(crate) fn calls(&self, name: &str) -> usize {
        self.fake.calls().iter().filter(|call| call.name == name).count()
    }
}

/// When the story takes place in which every run is let in.
fn present() -> Timestamp {
    static PRESENT: LazyLock<Timestamp> =
        LazyLock::new(|| fixtures::one("approve/one-human-approved-the-gate").present);
    *PRESENT
}
