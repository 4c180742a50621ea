//! The settings of a running process: read at cold start, read again now and then, never lost.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use tracing::warn;

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
        let Reading { app, secrets, policy } = sources.read().await;
        let settings = Settings { app: Arc::new(app?), secrets: Arc::new(secrets?), policy: Arc::new(policy?) };
        Ok(Self { sources, kept: Mutex::new(KeptSettings { settings, read_at: now, tried_at: None }) })
    }

    /// The settings in use, without asking anybody.
    pub fn current(&self) -> Settings {
        self.with(|kept| kept.settings.clone())
    }

    /// Reads again what is too old.
    pub async fn refresh_if_old(&self, now: Timestamp) {
        if self.with(|kept| now.duration_since(kept.read_at) > SETTINGS_AGE_MAX) {
            self.refresh(now).await;
        }
    }

    /// Reads again what is older than `age`.
    pub(crate) async fn refresh_if_older_than(&self, age: jiff::SignedDuration, now: Timestamp) {
        if self.with(|kept| now.duration_since(kept.read_at) > age) {
            self.refresh(now).await;
        }
    }

    /// Reads again because a signature or the App's token was refused. Does nothing within a minute of the last reading. What cannot be read
    /// stays in use as it was, and a line of the log says so.
    pub async fn refresh(&self, now: Timestamp) {
        if !self.with(|kept| kept.begin_reading(now)) {
            return;
        }
        let Reading { app, secrets, policy } = self.sources.read().await;
        let mut errors = Vec::new();
        self.with(|kept| {
            replace(&mut kept.settings.app, app, &mut errors);
            replace(&mut kept.settings.secrets, secrets, &mut errors);
            replace(&mut kept.settings.policy, policy, &mut errors);
            if errors.is_empty() {
                kept.read_at = now;
            }
        });
        for error in errors {
            let reason = with_causes(&error);
            warn!(target: "environment_gate::config", reason, "the setting could not be read again; the last good one stays in use");
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
}

/// What cannot be read again stays in use.
fn replace<T>(kept: &mut Arc<T>, read: Result<T, ConfigError>, errors: &mut Vec<ConfigError>) {
    match read {
        Ok(value) => *kept = Arc::new(value),
        Err(error) => errors.push(error),
    }
}
