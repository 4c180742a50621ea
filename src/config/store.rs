//! The settings of a running process: read at cold start, and again now and then. What AWS does not give stays in use; a policy that
//! it gives and that cannot be used pauses everything.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use tracing::{error, info};

use super::ConfigError;
use super::sources::{Reading, Sources};
use crate::gate::Policy;
use crate::github::App;
use crate::model::with_causes;
use crate::webhook::Secrets;

/// Settings older than this are read again.
const SETTINGS_AGE_MAX: SignedDuration = SignedDuration::from_mins(5);
/// At most one reading in this time, whatever asks for it and however it ends: an attacker cannot make us call AWS more often.
const READING_PAUSE: SignedDuration = SignedDuration::from_secs(60);

/// What a delivery is decided with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Who we are on GitHub.
    pub app: Arc<App>,
    /// What verifies a delivery.
    pub secrets: Arc<Secrets>,
    /// What may be let in.
    pub policy: Arc<Policy>,
}

impl Settings {
    /// Writes a line for a reading that gave everything: which policy decides from now on.
    fn record(&self) {
        let Policy { pause, rules, rego, .. } = &*self.policy;
        let (rules, policies) = (rules.len(), rego.len());
        info!(target: "environment_gate::settings", policy = self.policy.hash(), rules, policies, pause, "settings read");
    }
}

/// A setting that was not read again.
struct Problem {
    reason: String,
    /// What comes of it.
    effect: &'static str,
}

const KEPT: &str = "the setting could not be read again; the last good one stays in use";
const PAUSED: &str = "the policy cannot be used; everything waits until it is fixed";

/// Keeps the last good settings.
#[derive(Debug)]
pub struct SettingsStore {
    sources: Sources,
    kept: Mutex<KeptSettings>,
}

#[derive(Debug)]
struct KeptSettings {
    settings: Settings,
    /// When a reading last gave everything.
    read_at: Timestamp,
    /// When a reading was last begun after the first one.
    tried_at: Option<Timestamp>,
}

impl SettingsStore {
    /// Reads everything for the first time.
    ///
    /// # Errors
    /// Any setting that cannot be read: without all of them nothing can be decided.
    pub async fn open(sources: Sources, now: Timestamp) -> Result<Self, ConfigError> {
        let Reading { app, secrets, policy } = sources.read(now).await;
        let settings = Settings { app: Arc::new(app?), secrets: Arc::new(secrets?), policy: Arc::new(policy?) };
        settings.record();
        Ok(Self { sources, kept: Mutex::new(KeptSettings { settings, read_at: now, tried_at: None }) })
    }

    /// The settings in use, without asking anybody.
    pub fn current(&self) -> Settings {
        self.with(|kept| kept.settings.clone())
    }

    /// Reads again what is too old.
    pub async fn refresh_if_old(&self, now: Timestamp) {
        self.refresh_if_older_than(SETTINGS_AGE_MAX, now).await;
    }

    /// Reads again what is older than `age`, as before a rejection that the policy causes: it may have been changed a moment ago.
    pub(crate) async fn refresh_if_older_than(&self, age: SignedDuration, now: Timestamp) {
        if self.with(|kept| now.duration_since(kept.read_at) > age) {
            self.refresh(now).await;
        }
    }

    /// Reads again, whatever the age: a signature or the App's token was refused. Does nothing within a minute of the last reading, however
    /// that ended. Each setting that cannot be read or used is a line of the log, and an alarm.
    pub async fn refresh(&self, now: Timestamp) {
        if !self.with(|kept| kept.begin_reading(now)) {
            return;
        }
        let reading = self.sources.read(now).await;
        let problems = self.with(|kept| kept.take(reading, now));
        if problems.is_empty() {
            self.current().record();
        }
        for Problem { reason, effect } in problems {
            error!(target: "environment_gate::config", reason, "{effect}");
        }
    }

    fn with<T>(&self, act: impl FnOnce(&mut KeptSettings) -> T) -> T {
        act(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl KeptSettings {
    /// Begins a reading, unless the last one was a moment ago.
    fn begin_reading(&mut self, now: Timestamp) -> bool {
        let may_begin = self.tried_at.is_none_or(|tried_at| now.duration_since(tried_at) >= READING_PAUSE);
        if may_begin {
            self.tried_at = Some(now);
        }
        may_begin
    }

    /// Takes what was read at `now`, and returns what could not be read.
    fn take(&mut self, reading: Reading, now: Timestamp) -> Vec<Problem> {
        let Reading { app, secrets, policy } = reading;
        // Somebody changed the policy to something that is not one, and nobody knows what it was meant to forbid.
        let policy = match policy {
            Err(error) if !error.is_unanswered() => {
                let problem = Problem { reason: with_causes(&error), effect: PAUSED };
                self.settings.policy = Arc::new(Policy::unreadable(&problem.reason));
                Some(problem)
            }
            policy => replace(&mut self.settings.policy, policy),
        };
        let app = replace(&mut self.settings.app, app);
        let secrets = replace(&mut self.settings.secrets, secrets);
        let problems: Vec<Problem> = [app, secrets, policy].into_iter().flatten().collect();
        if problems.is_empty() {
            self.read_at = now;
        }
        problems
    }
}

/// What cannot be read again stays in use.
fn replace<T>(kept: &mut Arc<T>, read: Result<T, ConfigError>) -> Option<Problem> {
    match read {
        Ok(value) => {
            *kept = Arc::new(value);
            None
        }
        Err(error) => Some(Problem { reason: with_causes(&error), effect: KEPT }),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

    use std::sync::atomic::{AtomicUsize, Ordering};

    use aws_config::retry::RetryConfig;
    use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
    use aws_config::{BehaviorVersion, Region, SdkConfig};
    use aws_credential_types::Credentials;
    use aws_credential_types::provider::SharedCredentialsProvider;
    use aws_smithy_runtime_api::client::http::{
        HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
    };
    use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
    use aws_smithy_types::body::SdkBody;
    use serde_json::{Value, json};
    use tokio::sync::Notify;

    use super::super::variables::{Place, SettingSource, Variables};
    use super::*;
    use crate::gate::policy::PauseReason;
    use crate::http::HttpClient;
    use crate::model::ApiUrl;
    use crate::world::Key;

    const POLICY: &str = "[[rule]]\nrepositories = [\"octo-org/widgets\"]\nrefs = [\"main\"]\n";
    const SECRET: &str = "0123456789abcdef";

    /// Parameter Store as a test wants it.
    #[derive(Debug, Clone, Default)]
    struct FakeAws(Arc<FakeState>);

    #[derive(Debug, Default)]
    struct FakeState {
        answer: Mutex<Answer>,
        calls: AtomicUsize,
        called: Notify,
    }

    /// What it answers.
    #[derive(Debug, Clone, Default)]
    enum Answer {
        /// This body.
        Gives(Value),
        Refuses,
        #[default]
        Hangs,
    }

    impl FakeAws {
        fn will(&self, answer: Answer) {
            *self.0.answer.lock().unwrap() = answer;
        }

        /// From now on it has these values.
        fn has(&self, policy: &str, secret: &str) {
            let parameter = |name, value| json!({ "Name": name, "Type": "String", "Value": value });
            let parameters = [parameter("/policy", policy), parameter("/secret", secret)];
            self.will(Answer::Gives(json!({ "Parameters": parameters, "InvalidParameters": [] })));
        }

        /// From now on it has the secret alone, and says or does not say that the policy is gone.
        fn has_no_policy(&self, gone: &[&str]) {
            let secret = json!({ "Name": "/secret", "Type": "SecureString", "Value": SECRET });
            self.will(Answer::Gives(json!({ "Parameters": [secret], "InvalidParameters": gone })));
        }

        fn calls(&self) -> usize {
            self.0.calls.load(Ordering::Relaxed)
        }
    }

    impl HttpConnector for FakeAws {
        fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
            let state = Arc::clone(&self.0);
            HttpConnectorFuture::new(async move {
                state.calls.fetch_add(1, Ordering::Relaxed);
                state.called.notify_one();
                let answer = state.answer.lock().unwrap().clone();
                let (status, body) = match answer {
                    Answer::Gives(body) => (200, body),
                    Answer::Refuses => (400, json!({ "__type": "AccessDeniedException", "message": "no" })),
                    Answer::Hangs => std::future::pending().await,
                };
                Ok(HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body.to_string())))
            })
        }
    }

    fn sdk(aws: &FakeAws) -> SdkConfig {
        let connector = SharedHttpConnector::new(aws.clone());
        let credentials = Credentials::new("AKIAIOSFODNN7EXAMPLE", "secret", None, None, "test");
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-central-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(http_client_fn(move |_, _| connector.clone()))
            .retry_config(RetryConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .build()
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_767_600_000).unwrap().checked_add(SignedDuration::from_secs(seconds)).unwrap()
    }

    /// A store that was opened at second 0 with good settings.
    async fn opened() -> (SettingsStore, FakeAws) {
        let aws = FakeAws::default();
        aws.has(POLICY, SECRET);
        let parameter = |variable, name: &str| SettingSource { variable, place: Place::Parameter(name.to_owned()) };
        let value = |variable, value| SettingSource { variable, place: Place::Value(value) };
        let variables = Variables {
            api: ApiUrl::parse("https://api.github.com").unwrap(),
            issuer: None,
            http: HttpClient::new(None).unwrap(),
            app_id: value("APP_ID", "123456".into()),
            webhook_secret: parameter("WEBHOOK_SECRET_PARAMETER", "/secret"),
            policy: parameter("POLICY_PARAMETER", "/policy"),
            policies: None,
            private_key: value("PRIVATE_KEY_FILE", Key::generate().unwrap().private_pem().clone()),
            aws: Some(sdk(&aws)),
            event_bus: None,
        };
        (SettingsStore::open(Sources::new(variables), at(0)).await.unwrap(), aws)
    }

    /// Why everything waits.
    fn paused(store: &SettingsStore) -> Option<String> {
        match store.current().policy.pause_reason()? {
            PauseReason::Unreadable(why) => Some(why),
            PauseReason::Switch => panic!("`pause = true`"),
        }
    }

    #[tokio::test]
    async fn a_policy_that_does_not_parse_pauses_until_it_is_fixed() {
        let (store, aws) = opened().await;
        aws.has("pause = True\n", SECRET);
        store.refresh(at(60)).await;
        let why = paused(&store).unwrap();
        assert!(why.starts_with("`POLICY_PARAMETER` (SSM parameter `/policy`): policy line 1"), "{why}");
        aws.has(POLICY, SECRET);
        store.refresh_if_old(at(360)).await;
        assert_eq!(paused(&store), None);
    }

    #[tokio::test]
    async fn a_broken_policy_is_looked_at_again_every_minute() {
        let (store, aws) = opened().await;
        aws.has("pause = True\n", SECRET);
        store.refresh_if_old(at(301)).await;
        aws.has(POLICY, SECRET);
        store.refresh_if_old(at(361)).await;
        assert_eq!(paused(&store), None);
    }

    #[tokio::test]
    async fn a_policy_that_aws_says_is_gone_pauses() {
        let (store, aws) = opened().await;
        aws.has_no_policy(&["/policy"]);
        store.refresh(at(60)).await;
        let why = paused(&store).unwrap();
        assert!(why.contains("(SSM parameter `/policy`): does not exist"), "{why}");
    }

    #[tokio::test]
    async fn a_policy_that_aws_does_not_give_stays_in_use() {
        let (store, aws) = opened().await;
        aws.will(Answer::Refuses);
        store.refresh(at(60)).await;
        assert_eq!(paused(&store), None, "refused");
        aws.has_no_policy(&[]);
        store.refresh(at(120)).await;
        assert_eq!(paused(&store), None, "not mentioned");
    }

    #[tokio::test]
    async fn a_pause_stays_when_aws_does_not_answer() {
        let (store, aws) = opened().await;
        aws.has("pause = True\n", SECRET);
        store.refresh(at(60)).await;
        aws.will(Answer::Refuses);
        store.refresh(at(120)).await;
        assert!(paused(&store).is_some());
    }

    #[tokio::test]
    async fn secrets_that_are_no_good_leave_the_old_ones_in_use() {
        let (store, aws) = opened().await;
        let before = store.current().secrets;
        aws.has("pause = true\n", &format!("{SECRET}\n# the old one"));
        store.refresh(at(60)).await;
        let now = store.current();
        assert!(Arc::ptr_eq(&before, &now.secrets));
        assert!(now.policy.pause, "the policy is taken all the same");
    }

    #[tokio::test]
    async fn only_settings_older_than_was_asked_for_are_read_again() {
        let (store, aws) = opened().await;
        store.refresh_if_older_than(SignedDuration::from_secs(10), at(10)).await;
        assert_eq!(aws.calls(), 1, "the first reading");
        store.refresh_if_older_than(SignedDuration::from_secs(10), at(11)).await;
        assert_eq!(aws.calls(), 2);
    }

    #[tokio::test]
    async fn whoever_asks_aws_is_called_at_most_once_a_minute_even_if_it_fails() {
        let (store, aws) = opened().await;
        aws.will(Answer::Refuses);
        for second in 400..520 {
            store.refresh(at(second)).await;
            store.refresh_if_old(at(second)).await;
            store.refresh_if_older_than(SignedDuration::from_secs(10), at(second)).await;
        }
        assert_eq!(aws.calls(), 1 + 2, "the first reading, and two in two minutes");
    }

    #[tokio::test]
    async fn nobody_waits_for_a_reading_that_another_began() {
        let (store, aws) = opened().await;
        aws.will(Answer::Hangs);
        // The first reading's call.
        aws.0.called.notified().await;
        tokio::select! {
            biased;
            // A wrong signature.
            () = store.refresh(at(400)) => panic!("AWS hangs"),
            // A good one, whose settings are old.
            () = async {
                aws.0.called.notified().await;
                store.refresh_if_old(at(400)).await;
                assert!(paused(&store).is_none() && store.current().secrets.count() == 1);
            } => {}
        }
        assert_eq!(aws.calls(), 2);
    }
}
