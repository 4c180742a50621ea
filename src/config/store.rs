//! The settings of a running process: read at cold start, read again now and then, never lost.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::sources::{Reading, Sources};
use super::variables::ConfigError;
use crate::gate::Policy;
use crate::github::App;
use crate::webhook::Secrets;

/// Settings older than this are read again.
const SETTINGS_AGE_MAX: SignedDuration = SignedDuration::from_mins(5);
/// At most one reading in this time, whatever asks for it and however it ends: an attacker cannot make us call AWS.
const READING_PAUSE: SignedDuration = SignedDuration::from_secs(60);

/// What a delivery is decided with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Who we are at GitHub.
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
    kept: Mutex<Kept>,
}

#[derive(Debug)]
struct Kept {
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
    /// Any setting that cannot be had: without all of them nothing can be decided.
    pub async fn open(sources: Sources, now: Timestamp) -> Result<Self, ConfigError> {
        let Reading { app, secrets, policy } = sources.read(now).await;
        let settings = Settings { app: Arc::new(app?), secrets: Arc::new(secrets?), policy: Arc::new(policy?) };
        Ok(Self { sources, kept: Mutex::new(Kept { settings, read_at: now, tried_at: None }) })
    }

    /// What is known, without asking anybody.
    pub fn current(&self) -> Settings {
        self.with(|kept| kept.settings.clone())
    }

    /// Reads again what is too old; gives what could not be read.
    pub async fn refresh_if_old(&self, now: Timestamp) -> Vec<ConfigError> {
        let is_old = self.with(|kept| now.duration_since(kept.read_at) > SETTINGS_AGE_MAX);
        if is_old { self.refresh(now).await } else { Vec::new() }
    }

    /// Reads again because a signature or the App's token was refused; gives what could not be read. Does nothing within a minute of
    /// the last reading.
    pub async fn refresh(&self, now: Timestamp) -> Vec<ConfigError> {
        let may_try = self.with(|kept| {
            let may_try = kept.tried_at.is_none_or(|tried_at| now.duration_since(tried_at) >= READING_PAUSE);
            if may_try {
                kept.tried_at = Some(now);
            }
            may_try
        });
        if !may_try {
            return Vec::new();
        }
        let Reading { app, secrets, policy } = self.sources.read(now).await;
        let mut errors = Vec::new();
        self.with(|kept| {
            replace(&mut kept.settings.app, app, &mut errors);
            replace(&mut kept.settings.secrets, secrets, &mut errors);
            replace(&mut kept.settings.policy, policy, &mut errors);
            if errors.is_empty() {
                kept.read_at = now;
            }
        });
        errors
    }

    fn with<T>(&self, act: impl FnOnce(&mut Kept) -> T) -> T {
        act(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What cannot be read again stays in use.
fn replace<T>(kept: &mut Arc<T>, read: Result<T, ConfigError>, errors: &mut Vec<ConfigError>) {
    match read {
        Ok(value) => *kept = Arc::new(value),
        Err(error) => errors.push(error),
    }
}
