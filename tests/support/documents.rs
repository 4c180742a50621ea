//! What people read: the README and the pages behind it.

use std::fs;
use std::path::Path;

/// A page and its text.
pub(crate) type Document = (String, String);

/// One page, by its path in the repository.
pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path))
        .unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every page for users and contributors.
pub(crate) fn all() -> Vec<Document> {
    let pages = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs")).unwrap();
    let pages = pages.map(|entry| format!("docs/{}", entry.unwrap().file_name().to_string_lossy()));
    let pages = pages.filter(|page| Path::new(page).extension().is_some_and(|kind| kind == "md"));
    let mut all: Vec<String> = pages.chain(["README.md", "CONTRIBUTING.md"].map(ToOwned::to_owned)).collect();
    all.sort();
    all.into_iter().map(|page| (page.clone(), read(&page))).collect()
}

/// The Rust files of a folder, one after the other.
pub(crate) fn sources(folder: &str) -> String {
    let files = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap();
    files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap()).collect()
}
