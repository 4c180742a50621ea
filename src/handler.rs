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
use crate::outcome::{DeferredReason, IgnoredReason, Outcome, Report};
use crate::review_loop::{First, Origin, RecentReviews, ReviewLoop};
use crate::time::{Clock, Deadline};
use crate::webhook::{self, Parsed, Refusal, UnverifiedDelivery, VerifiedDelivery};

/// Time from API Gateway's receipt to our answer; GitHub gives up after 10 s.
const ANSWER_TIME_MAX: SignedDuration = SignedDuration::from_secs(9);
/// The longest that API Gateway waits for an integration: an older receipt does not belong to this invocation.
const RECEIPT_AGE_MAX: SignedDuration = SignedDuration::from_secs(30);

/// How many settings a request is settled with, one after the other, if they change meanwhile.
const SETTINGS_TRIES_MAX: usize = 2;
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
        let report = |request, outcome, calls| {
            let delivery_id = delivery.id().to_owned();
            Report { delivery_id, request, outcome, calls, took: deadline.elapsed() }
        };
        let verified = match self.verify(delivery, deadline).await {
            Ok(verified) => verified,
            Err(refusal) => return report(None, Outcome::Refused(refusal), 0),
        };
        let request = match webhook::parse(&verified, self.github.api()) {
            Ok(Parsed::Request(request)) => *request,
            Ok(Parsed::NotForUs(why)) => {
                return report(None, Outcome::Ignored(IgnoredReason::NotForUs(why)), 0);
            }
            Err(refusal) => return report(None, Outcome::Refused(refusal), 0),
        };
        self.refresh_settings(deadline).await;
        let (outcome, calls) = self.settle(&request, Origin::Delivery, deadline).await;
        report(Some(request), outcome, calls)
    }

    /// Handles a request from start to finish, wherever it comes from: scope, collect, decide, review. Counts the calls. If GitHub refuses the App's token, or the
    /// request would be rejected, it first looks for newer settings.
    pub(crate) async fn settle(&self, request: &Request, origin: Origin, deadline: Deadline) -> (Outcome, u32) {
        let mut calls = 0_u32;
        let mut settings = self.settings.current();
        for _ in 1..SETTINGS_TRIES_MAX {
            let (settled, made) = self.settle_with(&settings, request, origin, deadline).await;
            calls = calls.saturating_add(made);
            match settled {
                Some(outcome) => return (outcome, calls),
                None => settings = self.settings.current(),
            }
        }
        let (settled, made) = self.settle_with(&settings, request, origin, deadline).await;
        (settled.unwrap_or(Outcome::Deferred(DeferredReason::Changed)), calls.saturating_add(made))
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
    async fn read_settings_again(&self, deadline: Deadline) {
        let _ = tokio::time::timeout_at(deadline.ends, self.settings.refresh(deadline.now)).await;
    }
}
