//! The App's id, secret and key in a folder, where a person asked for it: readable by that person alone.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use secrecy::{ExposeSecret as _, SecretString};

use super::{Done, Known};

const ID: &str = "app-id.txt";
const SECRET: &str = "webhook-secret.txt";
const KEY: &str = "private-key.pem";

/// Makes the folder, and sees that nothing is in the way: once there is a key it is too late to find out.
pub(crate) fn prepare(folder: &Path) -> Done<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|error| at(folder, &error))?;
    let in_the_way = [ID, SECRET, KEY].into_iter().find(|name| folder.join(name).exists());
    match in_the_way {
        Some(name) => Err(format!(
            "{}: is there already, without the rest of an App: give another folder",
            folder.join(name).display()
        )
        .into()),
        None => Ok(()),
    }
}

/// Writes new files; one that is there is not overwritten.
pub(crate) fn write(folder: &Path, app: &Known) -> Done<()> {
    let files = [(KEY, app.key.expose_secret()), (SECRET, app.secret.expose_secret()), (ID, app.id.as_str())];
    for (name, text) in files {
        let path = folder.join(name);
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .map_err(|error| at(&path, &error))?;
        file.write_all(text.as_bytes()).map_err(|error| at(&path, &error))?;
    }
    Ok(())
}

/// What was saved; `None` where nothing was.
pub(crate) fn read(folder: Option<&Path>) -> Done<Option<Known>> {
    let Some(folder) = folder.filter(|folder| folder.join(ID).exists()) else { return Ok(None) };
    let text = |name: &str| fs::read_to_string(folder.join(name)).map_err(|error| at(&folder.join(name), &error));
    let secret = SecretString::from(text(SECRET)?);
    Ok(Some(Known { id: text(ID)?.trim().to_owned(), secret, key: text(KEY)?.into() }))
}

fn at(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.display())
}
