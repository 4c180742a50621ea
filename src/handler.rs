//! The six steps: a delivery is verified; a request is parsed from it; the policy scopes it; evidence is collected; the gate decides; the deployment is
//! reviewed.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;

use crate::config::{ConfigError, Settings, SettingsStore, Sources, Variables};
use crate::gate::{self, OutOfScope};
use crate::github::{
    AppClient, GithubClient, GithubError, Limits, RepositoryClient, RepositoryRef, Reviewer, RunReader,
};
use crate::model::Request;
use crate::outcome::{DeferredReason, IgnoredReason, Outcome, Report, Settled};
use crate::review_loop::{First, Origin, RecentReviews, ReviewLoop};
use crate::time::{Clock, Deadline};
use crate::webhook::{self, Parsed, Refusal, UnverifiedDelivery, VerifiedDelivery};

/// Time from API Gateway's receipt to our answer; GitHub gives up after 10 s.
const ANSWER_TIME_MAX: SignedDuration = SignedDuration::from_secs(9);
/// The longest that API Gateway waits for an integration: an older receipt does not belong to this invocation.
const RECEIPT_AGE_MAX: SignedDuration = SignedDuration::from_secs(30);

/// Before a rejection, settings that are older are read again.
const REJECTION_SETTINGS_AGE_MAX: SignedDuration = SignedDuration::from_secs(10);

/// One process of the function: its settings, its client for GitHub, its clock.
#[derive(Debug)]
pub struct Handler {
    pub(crate) settings: SettingsStore,
    pub(crate) github: GithubClient,
    pub(crate) clock: Clock,
    recent: RecentReviews,
}

impl Handler {
    /// Reads the settings and is ready.
    ///
    /// # Errors
    /// A setting that cannot be read: the function cannot start.
    pub async fn open(variables: Variables, limits: Limits, clock: Clock) -> Result<Self, ConfigError> {
        let github = GithubClient::new(variables.http.clone(), variables.api.clone(), limits);
        let mut github = github.believing(variables.issuer.clone());
        // While settings are read; the first call to GitHub comes later still.
        github.begin_to_connect();
        let settings = SettingsStore::open(Sources::new(variables), clock.now()).await?;
        Ok(Self { settings, github, clock, recent: RecentReviews::default() })
    }

    /// Handles one delivery from start to finish: verify, parse, settle.
    pub async fn deliver(&self, delivery: &UnverifiedDelivery) -> Report {
        let deadline = self.deadline_for(delivery);
        let unasked = |outcome| Report::unasked(delivery.id(), outcome, deadline.elapsed());
        let verified = match self.verify(delivery, deadline).await {
            Ok(verified) => verified,
            Err(refusal) => return unasked(Outcome::Refused(refusal)),
        };
        let request = match webhook::parse(&verified, self.github.api()) {
            Ok(Parsed::Request(request)) => *request,
            Ok(Parsed::NotForUs(why)) => return unasked(Outcome::Ignored(IgnoredReason::NotForUs(why))),
            Err(refusal) => return unasked(Outcome::Refused(refusal)),
        };
        self.refresh_settings(deadline).await;
        let settled = self.settle(&request, Origin::Delivery, deadline).await;
        Report::new(delivery.id(), request, settled, deadline.elapsed())
    }

    /// Handles a request from start to finish, wherever it comes from: scope, collect, decide, review. If GitHub refuses the App's token, or the
    /// request would be rejected, it first looks for newer settings, and begins again if there are any.
    pub(crate) async fn settle(&self, request: &Request, origin: Origin, deadline: Deadline) -> Settled {
        let mut settings = self.settings.current();
        let (mut outcome, mut calls) = self.settle_with(&settings, request, origin, deadline).await;
        if outcome.is_none() {
            settings = self.settings.current();
            let (again, made) = self.settle_with(&settings, request, origin, deadline).await;
            (outcome, calls) = (again, calls.saturating_add(made));
        }
        let outcome = outcome.unwrap_or(Outcome::Deferred(DeferredReason::Changed));
        let calls_left = self.github.calls_left(request.installation_id, deadline.now);
        let (policy, time_left) = (settings.policy.hash().to_owned(), deadline.time_left());
        Settled { outcome, policy, calls, calls_left, time_left }
    }

    /// What becomes of the request under these settings, and the calls that it took; `None` if there are newer ones.
    async fn settle_with(
        &self,
        settings: &Settings,
        request: &Request,
        origin: Origin,
        deadline: Deadline,
    ) -> (Option<Outcome>, u32) {
        let scope = match gate::scope(&settings.policy, request) {
            Ok(scope) => scope,
            // A delivery that is ignored does not come back.
            Err(OutOfScope::Foreign) if self.has_newer_policy(settings, deadline).await => return (None, 0),
            Err(why) => return (Some(Outcome::out_of_scope(why, request)), 0),
        };
        let app = AppClient::new(&self.github, &settings.app, deadline);
        let repository = RepositoryRef::Id(request.repository.id);
        let repository = RepositoryClient::new(&app, request.installation_id, repository);
        let reviewer = Reviewer::new(&repository, request);
        let settled = async {
            // One token for all reads, which are made in parallel.
            repository.authorize().await?;
            let reader = RunReader::new(&repository, request);
            let (recent, clock) = (&self.recent, &self.clock);
            let review_loop =
                ReviewLoop { scope: &scope, reader, reviewer: &reviewer, recent, clock, origin, deadline };
            // Collect and decide.
            let mut look = match review_loop.first_look().await? {
                First::Look(look) => look,
                First::Settled(outcome) => return Ok(Some(outcome)),
            };
            if look.rejects() {
                if self.has_newer_policy(settings, deadline).await {
                    return Ok(None);
                }
                // One answer, or one that lacks something, is no fact.
                look = review_loop.look_again(look).await?;
            }
            // Review, and again while something new waits.
            review_loop.review_until_quiet(look).await.map(Some)
        };
        let outcome = match settled.await {
            Ok(outcome) => outcome,
            Err(GithubError::AppRefused { .. }) if self.has_newer_app(settings, deadline).await => None,
            Err(error) => Some(Outcome::of_error(error, request, deadline.now)),
        };
        if let (Some(Outcome::Deferred(DeferredReason::Waiting(deferral))), Origin::Delivery) = (&outcome, origin)
            && !self.recent.is_reported(request)
        {
            self.recent.remember_report(request);
            reviewer.report(deferral).await;
        }
        (outcome, app.calls())
    }

    /// Whether the policy has changed since. A rejection is final, so settings that are older than a few seconds are read again before one.
    async fn has_newer_policy(&self, settings: &Settings, deadline: Deadline) -> bool {
        let refresh = self.settings.refresh_if_older_than(REJECTION_SETTINGS_AGE_MAX, deadline.present());
        let _ = tokio::time::timeout_at(deadline.ends, refresh).await;
        self.settings.current().policy != settings.policy
    }

    /// Whether there is a newer key or id of the App.
    async fn has_newer_app(&self, settings: &Settings, deadline: Deadline) -> bool {
        self.read_settings_again(deadline).await;
        !Arc::ptr_eq(&settings.app, &self.settings.current().app)
    }

    /// If the signature does not verify, looks once for newer secrets; a valid signature causes no wait.
    async fn verify<'d>(
        &self,
        delivery: &'d UnverifiedDelivery,
        deadline: Deadline,
    ) -> Result<VerifiedDelivery<'d>, Refusal> {
        match delivery.verify(&self.settings.current().secrets) {
            Err(Refusal::Signature { .. }) => {
                self.read_settings_again(deadline).await;
                delivery.verify(&self.settings.current().secrets)
            }
            verified => verified,
        }
    }

    /// The deadline of work that begins now.
    pub(crate) fn deadline(&self) -> Deadline {
        Deadline::begin(&self.clock, self.github.limits().delivery)
    }

    /// The deadline of a delivery, earlier if API Gateway has had the request for a while.
    fn deadline_for(&self, delivery: &UnverifiedDelivery) -> Deadline {
        let deadline = self.deadline();
        let waited = delivery.received_at().map(|received_at| deadline.now.duration_since(received_at));
        let waited = waited.filter(|waited| !waited.is_negative() && *waited < RECEIPT_AGE_MAX);
        let left = waited.map(|waited| Duration::try_from(ANSWER_TIME_MAX.saturating_sub(waited)).unwrap_or_default());
        left.map_or(deadline, |left| deadline.at_most(left))
    }

    /// Reads old settings again. A setting that cannot be read before the deadline keeps its value.
    pub(crate) async fn refresh_settings(&self, deadline: Deadline) {
        let refresh = self.settings.refresh_if_old(deadline.now);
        let _ = tokio::time::timeout_at(deadline.ends, refresh).await;
    }

    /// Reads settings again because a signature or the App's token was refused.
    pub(crate) async fn read_settings_again(&self, deadline: Deadline) {
        let _ = tokio::time::timeout_at(deadline.ends, self.settings.refresh(deadline.now)).await;
    }
}
