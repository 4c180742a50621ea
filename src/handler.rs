//! The sentence: a delivery is verified, a request is parsed from it, evidence is collected, the gate decides, the deployment
//! is reviewed. The only file that knows all five, and the only one that reads a clock.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::time::Instant;

use crate::config::{ConfigError, Settings, SettingsStore, Sources, Variables};
use crate::gate::{self, Decision, Scope};
use crate::github::{
    Client, GithubError, Installation, Limits, Of, Reader, Reviewed, Reviewer, Tokens, Verdict, collect,
};
use crate::model::Request;
use crate::recent::Recent;
use crate::recovery::{Sweep, Swept};
use crate::report::{NotNow, NothingToDo, Outcome, Report, http_answer};
use crate::telemetry;
use crate::webhook::{self, Event, Parsed, Refusal, Route, UnverifiedDelivery, VerifiedDelivery};

/// Reviews posted for one delivery, retries and later waves of jobs included.
const REVIEW_POSTS_MAX: usize = 5;
/// Time from the beginning of a look to a further review that rests on it.
const LOOK_AGE_MAX: Duration = Duration::from_secs(2);
/// GitHub tells when a deployment was created in whole seconds.
const CREATED_AT_PRECISION: SignedDuration = SignedDuration::from_secs(1);
/// Time from API Gateway's receipt to our answer; GitHub gives up after 10 s.
const ANSWER_TIME_MAX: SignedDuration = SignedDuration::from_secs(9);
/// API Gateway waits no longer for an integration: a receipt older than this is no receipt of this invocation.
const RECEIPT_AGE_MAX: SignedDuration = SignedDuration::from_secs(30);

/// Tells the present. Passed in, so that a story can be played in its own.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        #[expect(clippy::disallowed_methods, reason = "time enters here, and is an argument everywhere else")]
        Self(Arc::new(Timestamp::now))
    }

    /// A clock that tells what `now` says.
    pub fn telling(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The present.
    pub fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// The gate, ready to be asked: settings, a client for GitHub, tokens that still hold, a clock.
#[derive(Debug)]
pub struct Gate {
    pub(crate) settings: SettingsStore,
    pub(crate) client: Client,
    pub(crate) tokens: Tokens,
    recent: Recent,
    clock: Clock,
}

/// What became of an event.
#[derive(Debug)]
pub enum Answer {
    /// A schedule: what waited at GitHub was looked for.
    Swept(Box<Swept>),
    /// `GET /health`.
    Healthy,
    /// A delivery, whatever became of it.
    Delivery(Box<Report>),
}

/// When something began, and until when it must be done: for a delivery, when it came, and until when it must be answered.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// The present.
    pub now: Timestamp,
    /// Until when it must be done.
    pub deadline: Instant,
}

impl Moment {
    /// Now, and until when whatever begins now must be done.
    pub fn begin(clock: &Clock, time_max: Duration) -> Self {
        #[expect(clippy::disallowed_methods, reason = "time enters here, and is an argument everywhere else")]
        let began = Instant::now();
        Self { now: clock.now(), deadline: began.checked_add(time_max).unwrap_or(began) }
    }
}

/// A request, and where it comes from.
#[derive(Debug, Clone, Copy)]
struct Ask<'a> {
    request: &'a Request,
    origin: Origin,
    at: Moment,
}

/// Where a request comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// GitHub has just asked. What it has to wait for may be told.
    Delivery,
    /// A sweep found it waiting.
    Sweep,
}

/// What is asked, once the delivery is known to be GitHub's, and how many calls it took.
#[derive(Debug, Default)]
struct Asked {
    request: Option<Request>,
    calls: u32,
}

impl Gate {
    /// Reads the settings and is ready.
    ///
    /// # Errors
    /// A setting that cannot be had: the function cannot start.
    pub async fn open(variables: Variables, limits: Limits, clock: Clock) -> Result<Self, ConfigError> {
        let mut client = Client::new(variables.http.clone(), variables.api.clone(), limits);
        // Meanwhile settings are read; the first call to GitHub comes later still.
        client.begin_to_connect();
        let settings = SettingsStore::open(Sources::new(variables), clock.now()).await?;
        Ok(Self { settings, client, tokens: Tokens::default(), recent: Recent::default(), clock })
    }

    /// Answers one invocation of the Lambda function.
    pub async fn invoke(&self, event: Event) -> Value {
        match self.answer(event).await {
            Answer::Swept(swept) => {
                telemetry::record_sweep(&swept, self.clock.now());
                Value::Null
            }
            Answer::Healthy => http_answer(200, "ok"),
            Answer::Delivery(report) => {
                telemetry::record(&report);
                let outcome = &report.outcome;
                http_answer(outcome.status(), &format!("{}: {}", outcome.name(), outcome.reason()))
            }
        }
    }

    /// Does what an event asks for.
    pub async fn answer(&self, event: Event) -> Answer {
        match event {
            Event::Scheduled => Answer::Swept(Box::new(self.sweep(Sweep::Scheduled).await)),
            Event::Http(Route::Health) => Answer::Healthy,
            Event::Http(Route::Webhook(delivery)) => Answer::Delivery(Box::new(self.deliver(&delivery).await)),
            Event::Http(Route::Refused(refusal)) => Answer::Delivery(Box::new(Report::refused(refusal))),
        }
    }

    /// Takes one delivery to its end.
    async fn deliver(&self, delivery: &UnverifiedDelivery) -> Report {
        let began = self.moment();
        let received_at = delivery.received_at();
        let at = Moment { deadline: self.answer_by(received_at, began), ..began };
        let mut asked = Asked::default();
        let outcome = self.take(delivery, at, &mut asked).await.unwrap_or_else(Outcome::Refused);
        let delivery_id = delivery.delivery_id().to_owned();
        Report { delivery_id, request: asked.request, outcome, calls: asked.calls, took: self.since(began) }
    }

    /// Takes a request that a sweep found to its end.
    pub(crate) async fn settle_found(&self, request: Request, at: Moment) -> Report {
        let began = self.moment();
        let (outcome, calls) = self.settle(Ask { request: &request, origin: Origin::Sweep, at }).await;
        let took = self.since(began);
        Report { delivery_id: "a sweep".to_owned(), request: Some(request), outcome, calls, took }
    }

    /// What would be decided of a request, and the calls that it took. There is nothing here to review it with.
    pub(crate) async fn look_at(
        &self,
        request: &Request,
        settings: &Settings,
        at: Moment,
    ) -> (Result<Decision, GithubError>, u32) {
        let of = (request.installation_id, Of::Id(request.repository.id));
        let app = (&self.client, &*settings.app, &self.tokens);
        let installation = Installation::new(app, of, at.now, at.deadline);
        let looked = match gate::scope(&settings.policy, request) {
            Ok(scope) => look(&scope, &Reader::new(&installation, request), at.now).await,
            // Nobody asks for what is out of scope.
            Err(_) => Ok(Look::without_evidence(Decision::RunEnded)),
        };
        (looked.map(|look| look.decision), installation.calls())
    }

    /// Now, and until when whatever begins now must be done.
    pub(crate) fn moment(&self) -> Moment {
        Moment::begin(&self.clock, self.client.limits().delivery)
    }

    /// How much of its time is left.
    pub(crate) fn time_left(&self, began: Moment) -> Duration {
        self.client.limits().delivery.saturating_sub(self.since(began))
    }

    /// How long ago that was.
    fn since(&self, began: Moment) -> Duration {
        self.moment().deadline.saturating_duration_since(began.deadline)
    }

    /// Verified, parsed, and then settled.
    async fn take(&self, delivery: &UnverifiedDelivery, at: Moment, asked: &mut Asked) -> Result<Outcome, Refusal> {
        let verified = self.verify(delivery, at).await?;
        let request = match webhook::parse(&verified, self.client.api())? {
            Parsed::Request(request) => asked.request.insert(*request),
            Parsed::Ignored(why) => return Ok(Outcome::Ignored(NothingToDo::NotForUs(why))),
        };
        self.refresh_settings(at).await;
        let (outcome, calls) = self.settle(Ask { request, origin: Origin::Delivery, at }).await;
        asked.calls = calls;
        Ok(outcome)
    }

    /// A refused signature looks once for newer secrets; a good one waits for nobody.
    async fn verify<'d>(&self, delivery: &'d UnverifiedDelivery, at: Moment) -> Result<VerifiedDelivery<'d>, Refusal> {
        match delivery.verify(&self.settings.current().secrets) {
            Err(Refusal::Signature { .. }) => {
                self.read_settings_again(at).await;
                delivery.verify(&self.settings.current().secrets)
            }
            verified => verified,
        }
    }

    /// Takes a request to its end, wherever it comes from, and counts the calls. An App's token that GitHub refuses looks once for a
    /// newer key.
    async fn settle(&self, ask: Ask<'_>) -> (Outcome, u32) {
        let before = self.settings.current();
        let (outcome, calls) = self.settle_with(&before, ask).await;
        if !matches!(outcome, Outcome::Failed(GithubError::AppRefused { .. })) {
            return (outcome, calls);
        }
        self.read_settings_again(ask.at).await;
        let newer = self.settings.current();
        if Arc::ptr_eq(&before.app, &newer.app) {
            return (outcome, calls);
        }
        let (outcome, more) = self.settle_with(&newer, ask).await;
        (outcome, calls.saturating_add(more))
    }

    async fn settle_with(&self, settings: &Settings, ask: Ask<'_>) -> (Outcome, u32) {
        let Ask { request, origin, at } = ask;
        let scope = match gate::scope(&settings.policy, request) {
            Ok(scope) => scope,
            Err(why) => return (Outcome::out_of_scope(why, request), 0),
        };
        let app = (&self.client, &*settings.app, &self.tokens);
        let installation =
            Installation::new(app, (request.installation_id, Of::Id(request.repository.id)), at.now, at.deadline);
        let case = Case {
            gate: self,
            origin,
            scope: &scope,
            reader: Reader::new(&installation, request),
            reviewer: Reviewer::new(&installation, request),
            now: at.now,
        };
        let settled = match installation.authorize().await {
            Ok(()) => case.converge().await,
            Err(error) => Err(error),
        };
        let outcome = settled.unwrap_or_else(Outcome::from);
        if let (Outcome::Deferred(NotNow::Waiting(deferral)), Origin::Delivery) = (&outcome, origin)
            && self.recent.may_report(request)
        {
            case.reviewer.report(deferral).await;
        }
        (outcome, installation.calls())
    }

    /// Until when GitHub waits for the answer, if API Gateway has had the request for a while.
    fn answer_by(&self, received_at: Option<Timestamp>, began: Moment) -> Instant {
        let most = self.client.limits().delivery;
        let waited = received_at.map(|received_at| began.now.duration_since(received_at));
        let Some(waited) = waited.filter(|waited| !waited.is_negative() && *waited < RECEIPT_AGE_MAX) else {
            return began.deadline;
        };
        let left = Duration::try_from(ANSWER_TIME_MAX.saturating_sub(waited)).unwrap_or_default();
        began.deadline.checked_sub(most.saturating_sub(left)).unwrap_or(began.deadline)
    }

    /// Reads settings again that are old. Not to be had before the deadline, the present ones stay in use.
    pub(crate) async fn refresh_settings(&self, at: Moment) {
        let read = tokio::time::timeout_at(at.deadline, self.settings.refresh_if_old(at.now)).await;
        read.unwrap_or_default().iter().for_each(telemetry::record_setting);
    }

    /// Reads settings again because a signature or the App's token was refused.
    async fn read_settings_again(&self, at: Moment) {
        let read = tokio::time::timeout_at(at.deadline, self.settings.refresh(at.now)).await;
        read.unwrap_or_default().iter().for_each(telemetry::record_setting);
    }
}

/// A request that the policy covers, and all that is needed to settle it.
struct Case<'a> {
    gate: &'a Gate,
    origin: Origin,
    scope: &'a Scope<'a>,
    reader: Reader<'a>,
    reviewer: Reviewer<'a>,
    now: Timestamp,
}

/// A decision, and the jobs that waited when it was made: all that its review can let in or turn away.
struct Look {
    decision: Decision,
    waiting: BTreeSet<u64>,
    /// May other jobs begin to wait while it is reviewed?
    more_may_wait: bool,
}

impl Look {
    fn without_evidence(decision: Decision) -> Self {
        Self { decision, waiting: BTreeSet::new(), more_may_wait: false }
    }
}

/// What a look led to.
enum Step {
    /// Nothing was posted, or nothing waits any more.
    Settled(Outcome),
    /// A review was posted.
    Posted(Posted),
}

/// What followed a review.
enum Next {
    /// Nothing waits any more.
    Quiet,
    /// Something waits that is not to be reviewed again.
    StillWaits,
    /// Another review was posted.
    Posted(Posted),
}

/// A review that was posted.
struct Posted {
    outcome: Outcome,
    waiting: BTreeSet<u64>,
    more_may_wait: bool,
    /// Why nobody knows whether GitHub took it; `None` when it did.
    unknown: Option<String>,
}

/// Collects evidence and decides. Where no rule covers the request there is nothing to collect. It takes a reader, so it cannot review.
async fn look(scope: &Scope<'_>, reader: &Reader<'_>, now: Timestamp) -> Result<Look, GithubError> {
    let covered = match scope {
        Scope::Covered(covered) => covered,
        Scope::Uncovered(rejection) => {
            return Ok(Look::without_evidence(Decision::Rejected(rejection.clone())));
        }
    };
    let evidence = collect(reader, covered).await?;
    let decision = gate::decide(covered, reader.request(), &evidence, now);
    Ok(Look { decision, waiting: evidence.waiting_jobs(), more_may_wait: evidence.more_may_wait() })
}

/// May the deployment have been created after GitHub was asked to take a review?
fn may_be_newer(request: &Request, asked_at: Timestamp) -> bool {
    request.deployment_created_at.is_some_and(|created_at| asked_at.duration_since(created_at) < CREATED_AT_PRECISION)
}

impl Case<'_> {
    /// Looks, decides and reviews, until nothing new waits. Every further review rests on evidence of its own and says the same as the one before.
    async fn converge(&self) -> Result<Outcome, GithubError> {
        let request = self.reader.request();
        let first = match self.gate.recent.reviewed_at(request, self.now) {
            None => look(self.scope, &self.reader, self.now).await?,
            // Of a burst of deliveries for one run the first review decides all that waits: the others cost one call each.
            Some(reviewed_at) => match self.look_again().await? {
                Some(look) => look,
                // What began to wait after that review may only not be shown yet.
                None if may_be_newer(request, reviewed_at) => return Ok(Outcome::Deferred(NotNow::NotShown)),
                None => return Ok(Outcome::Ignored(NothingToDo::NothingWaits)),
            },
        };
        let mut posted = match self.review(first).await? {
            Step::Settled(outcome) => return Ok(outcome),
            Step::Posted(posted) => posted,
        };
        for posts in 1..=REVIEW_POSTS_MAX {
            match self.review_again(&posted, posts).await {
                Ok(Next::Quiet) => return Ok(posted.outcome),
                Ok(Next::Posted(next)) => posted = next,
                Ok(Next::StillWaits) | Err(_) => break,
            }
        }
        match posted.unknown {
            None => Ok(posted.outcome),
            Some(why) => Ok(Outcome::Deferred(NotNow::ReviewUnknown(why))),
        }
    }

    /// Posts what was decided, if anything was, and remembers that it did.
    async fn review(&self, Look { decision, waiting, more_may_wait }: Look) -> Result<Step, GithubError> {
        let asked_at = self.gate.clock.now();
        let (reviewed, outcome) = match decision {
            Decision::Approved(approval) => {
                (self.reviewer.review(Verdict::Approve(&approval)).await?, Outcome::Approved(approval))
            }
            Decision::Rejected(rejection) => {
                (self.reviewer.review(Verdict::Reject(&rejection)).await?, Outcome::Rejected(rejection))
            }
            Decision::Deferred(deferral) => return Ok(Step::Settled(Outcome::Deferred(NotNow::Waiting(deferral)))),
            // Ended, and yet waiting: GitHub's answers do not fit each other yet.
            Decision::RunEnded if self.reader.is_pending().await? => {
                return Ok(Step::Settled(Outcome::Deferred(NotNow::EndedButPending)));
            }
            Decision::RunEnded => return Ok(Step::Settled(Outcome::Ignored(NothingToDo::NothingWaits))),
        };
        self.gate.recent.reviewed(self.reader.request(), asked_at);
        Ok(match reviewed {
            Reviewed::Applied => Step::Posted(Posted { outcome, waiting, more_may_wait, unknown: None }),
            Reviewed::Unknown(why) => Step::Posted(Posted { outcome, waiting, more_may_wait, unknown: Some(why) }),
            Reviewed::NothingWaits => Step::Settled(Outcome::Ignored(NothingToDo::NothingWaits)),
        })
    }

    /// Something may still wait after a review. Another one is posted if the first may be lost or new jobs wait, and if the facts
    /// still say the same.
    async fn review_again(&self, posted: &Posted, posts: usize) -> Result<Next, GithubError> {
        // A review that was taken decided all that waited, and is followed only where other jobs were about to wait: they have deliveries of
        // their own, and a sweep has others to look at. One whose outcome is unknown is given time before anything is read.
        let is_followed = posted.more_may_wait && self.origin == Origin::Delivery;
        if posted.unknown.is_none() && !(is_followed && self.reader.is_pending().await?) {
            return Ok(Next::Quiet);
        }
        if posts >= REVIEW_POSTS_MAX {
            let still_waits = self.reader.is_pending_after_a_pause().await?;
            return Ok(if still_waits { Next::StillWaits } else { Next::Quiet });
        }
        let Some(look) = self.look_after_a_pause().await? else { return Ok(Next::Quiet) };
        let same = matches!(
            (&look.decision, &posted.outcome),
            (Decision::Approved(_), Outcome::Approved(_)) | (Decision::Rejected(_), Outcome::Rejected(_))
        );
        let all_reviewed = posted.unknown.is_none() && look.waiting.is_subset(&posted.waiting);
        if !same || all_reviewed {
            return Ok(Next::StillWaits);
        }
        Ok(match self.review(look).await? {
            Step::Posted(next) => Next::Posted(next),
            Step::Settled(Outcome::Ignored(_)) => Next::Quiet,
            Step::Settled(_) => Next::StillWaits,
        })
    }

    /// Looks if anything still waits.
    async fn look_again(&self) -> Result<Option<Look>, GithubError> {
        if self.reader.is_pending().await? { self.look_after_a_pause().await } else { Ok(None) }
    }

    /// Looks after a pause, if anything waits before and after the look. Others may be about to review the same jobs: whoever sees it done
    /// need not.
    async fn look_after_a_pause(&self) -> Result<Option<Look>, GithubError> {
        if !self.reader.is_pending_after_a_pause().await? {
            return Ok(None);
        }
        let looked_at = self.gate.moment();
        let look = look(self.scope, &self.reader, self.now).await?;
        let still_waits = self.reader.is_pending().await?;
        if still_waits && self.gate.since(looked_at) > LOOK_AGE_MAX {
            // What waits now may be of another attempt than what was looked at.
            return Err(GithubError::TimedOut { route: "a look before a further review" });
        }
        Ok(still_waits.then_some(look))
    }
}
