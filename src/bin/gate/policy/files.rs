//! The files in Rego under some paths.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use environment_gate::gate::rego::RegoFile;

use super::shown;
use crate::output::WrongUse;

/// How deep folders are looked into.
const FOLDERS_DEEP_MAX: usize = 32;
/// Ends the name of a file in Rego.
const REGO: &str = ".rego";

/// The files in Rego among these paths and in the folders among them, each once, by name. Hidden folders are left out, and so are links to folders.
pub(super) fn rego_files(paths: &[PathBuf]) -> anyhow::Result<Vec<RegoFile>> {
    let mut found = BTreeSet::new();
    for path in paths {
        if path.is_dir() {
            look_into(path, FOLDERS_DEEP_MAX, &mut found)?;
        } else {
            found.insert(path.clone());
        }
    }
    found.iter().map(|path| rego_file(path)).collect()
}

/// Reads one file.
pub(super) fn rego_file(path: &Path) -> anyhow::Result<RegoFile> {
    if !has_name(path, |name| name.ends_with(REGO)) {
        return Err(WrongUse(format!("{}: expected a file `NAME{REGO}`", path.display())).into());
    }
    let text = fs::read_to_string(path).with_context(|| shown(path))?;
    Ok(RegoFile { path: shown(path), text })
}

fn look_into(folder: &Path, levels: usize, found: &mut BTreeSet<PathBuf>) -> anyhow::Result<()> {
    let Some(levels) = levels.checked_sub(1) else {
        anyhow::bail!("{}: folders nest too deep, expected at most {FOLDERS_DEEP_MAX} levels", shown(folder));
    };
    for entry in fs::read_dir(folder).with_context(|| shown(folder))? {
        let entry = entry.with_context(|| shown(folder))?;
        let (path, is_folder) = (entry.path(), entry.file_type()?.is_dir());
        if is_folder && !has_name(&path, |name| name.starts_with('.')) {
            look_into(&path, levels, found)?;
        } else if !is_folder && has_name(&path, |name| name.ends_with(REGO)) {
            found.insert(path);
        }
    }
    Ok(())
}

fn has_name(path: &Path, fits: impl Fn(&str) -> bool) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(fits)
}
