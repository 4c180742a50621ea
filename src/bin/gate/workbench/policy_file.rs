//! The file of the policy that is worked on. It is written only over the text that was read from it, or where somebody says so.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use environment_gate::gate::rego::RegoPolicy;
use serde_json::Map;

/// A policy that can be read, to learn whether a name can be one's.
const ANY_POLICY: &str = "package any\n\ndeny := false\n";

/// A policy's file.
#[derive(Debug)]
pub(super) struct PolicyFile {
    path: PathBuf,
    name: String,
}

/// What came of saving.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Saved {
    Written,
    /// Somebody else has changed it since; its text now, `None` if it is gone.
    Changed(Option<String>),
}

impl PolicyFile {
    /// Looks whether the file can be a policy's. Its text may be anything: that is what the page is for.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let shown = || path.display().to_string();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = name.strip_suffix(".rego").unwrap_or(&name).to_owned();
        RegoPolicy::parse(&name, ANY_POLICY, &Map::new()).with_context(shown)?;
        let file = Self { path: path.to_owned(), name };
        file.read().with_context(shown)?;
        Ok(file)
    }

    /// The policy's name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn path(&self) -> String {
        self.path.display().to_string()
    }

    /// The file's text; `None` if it is gone.
    pub(super) fn read(&self) -> io::Result<Option<String>> {
        match fs::read_to_string(&self.path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes the file, if its text is still `known`.
    pub(super) fn save(&self, text: &str, known: Option<&str>) -> io::Result<Saved> {
        let present = self.read()?;
        if present.as_deref() != known {
            return Ok(Saved::Changed(present));
        }
        // Behind a link, where there is one; a file that is half written must not be seen.
        let path = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        let part = path.with_extension("rego.part");
        let written = fs::write(&part, text).and_then(|()| {
            if let Ok(found) = fs::metadata(&path) {
                fs::set_permissions(&part, found.permissions())?;
            }
            fs::rename(&part, &path)
        });
        if written.is_err() {
            // It is of no use to anybody.
            let _ = fs::remove_file(&part);
        }
        written.map(|()| Saved::Written)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::*;

    /// A folder with the file, which goes with it.
    struct Place(PathBuf);

    impl Place {
        fn new(name: &str) -> Self {
            let folder = std::env::temp_dir().join(format!("environment-gate-{:016x}", fastrand::u64(..)));
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join(name), "old").unwrap();
            Self(folder)
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_file_is_written_over_what_was_read() {
        let place = Place::new("a.rego");
        let file = PolicyFile::open(&place.0.join("a.rego")).unwrap();
        assert_eq!(file.name(), "a");
        assert_eq!(file.save("new", Some("old")).unwrap(), Saved::Written);
        assert_eq!(file.read().unwrap().as_deref(), Some("new"));
        assert_eq!(fs::read_dir(&place.0).unwrap().count(), 1, "nothing else is left");
    }

    #[test]
    fn a_file_that_somebody_changed_is_left_as_it_is() {
        let place = Place::new("a.rego");
        let file = PolicyFile::open(&place.0.join("a.rego")).unwrap();
        assert_eq!(file.save("new", Some("older")).unwrap(), Saved::Changed(Some("old".to_owned())));
        assert_eq!(file.read().unwrap().as_deref(), Some("old"));
    }

    #[test]
    fn a_file_that_is_gone_is_made_again_where_that_is_known() {
        let place = Place::new("a.rego");
        let file = PolicyFile::open(&place.0.join("a.rego")).unwrap();
        fs::remove_file(place.0.join("a.rego")).unwrap();
        assert_eq!(file.save("new", Some("old")).unwrap(), Saved::Changed(None));
        assert_eq!(file.save("new", None).unwrap(), Saved::Written);
    }

    #[test]
    fn a_link_stays_a_link() {
        let place = Place::new("a.rego");
        let link = place.0.join("link.rego");
        std::os::unix::fs::symlink("a.rego", &link).unwrap();
        PolicyFile::open(&link).unwrap().save("new", Some("old")).unwrap();
        assert!(link.is_symlink());
        assert_eq!(fs::read_to_string(place.0.join("a.rego")).unwrap(), "new");
    }

    #[test]
    fn a_name_that_no_policy_can_have_is_refused() {
        let place = Place::new("a policy.rego");
        let error = PolicyFile::open(&place.0.join("a policy.rego")).unwrap_err();
        assert!(format!("{error:#}").contains("got a name with other characters"), "{error:#}");
    }
}
