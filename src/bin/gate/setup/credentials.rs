//! An App's credentials, and the folder in which a person may keep them, readable by that person alone.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use anyhow::{Context as _, bail};
use secrecy::{ExposeSecret as _, SecretString};

const ID: &str = "app-id.txt";
const SECRET: &str = "webhook-secret.txt";
const KEY: &str = "private-key.pem";

/// An App's id, webhook secret and key.
pub(super) struct AppCredentials {
    pub(super) id: String,
    pub(super) webhook_secret: SecretString,
    /// In PEM.
    pub(super) private_key: SecretString,
}

/// Makes the folder, and makes sure that nothing is in the way: once GitHub has shown the key, it is too late to find out.
pub(super) fn prepare(folder: &Path) -> anyhow::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).with_context(|| folder.display().to_string())?;
    if let Some(name) = [ID, SECRET, KEY].into_iter().find(|name| folder.join(name).exists()) {
        bail!("{}: exists already, without the rest of an App; choose another folder", folder.join(name).display());
    }
    Ok(())
}

/// Writes new files; an existing file is not overwritten.
pub(super) fn save(folder: &Path, app: &AppCredentials) -> anyhow::Result<()> {
    let files = [(KEY, app.private_key.expose_secret()), (SECRET, app.webhook_secret.expose_secret()), (ID, &app.id)];
    for (name, text) in files {
        let path = folder.join(name);
        let write =
            || OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?.write_all(text.as_bytes());
        write().with_context(|| path.display().to_string())?;
    }
    Ok(())
}

/// What was saved; `None` if nothing was.
pub(super) fn read(folder: &Path) -> anyhow::Result<Option<AppCredentials>> {
    if !folder.join(ID).exists() {
        return Ok(None);
    }
    let text = |name: &str| {
        let path = folder.join(name);
        fs::read_to_string(&path).with_context(|| path.display().to_string())
    };
    let (id, webhook_secret, private_key) = (text(ID)?, text(SECRET)?, text(KEY)?);
    Ok(Some(AppCredentials {
        id: id.trim().to_owned(),
        webhook_secret: webhook_secret.into(),
        private_key: private_key.into(),
    }))
}
