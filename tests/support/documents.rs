//! What people read: the README and the pages behind it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// A page and its text.
pub(crate) type Document = (String, String);

/// One page, by its path in the repository.
pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path))
        .unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Checks that a page shows `table` between `<!-- NAME -->` and `<!-- /NAME -->`; with `BLESS` it is written there.
pub(crate) fn shows(path: &str, name: &str, table: &str) {
    let page = read(path);
    let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let (before, rest) = page.split_once(&begin).unwrap_or_else(|| panic!("{path} has no {begin}"));
    let (shown, after) = rest.split_once(&end).unwrap_or_else(|| panic!("{path} has no {end}"));
    if std::env::var_os("BLESS").is_some_and(|bless| !bless.is_empty()) {
        let page = format!("{before}{begin}{table}{end}{after}");
        return fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join(path), page).unwrap();
    }
    assert_eq!(shown, table, "`make bless` writes the table of {path} anew");
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

/// The queries of the log: of each file its name without its ending, and its text.
pub(crate) fn queries() -> BTreeMap<String, String> {
    let files = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("queries")).unwrap();
    let names = files.map(|file| file.unwrap().file_name().to_string_lossy().into_owned());
    let query = |name: String| {
        let stem = name.strip_suffix(".logs-insights").unwrap_or_else(|| panic!("queries/{name} is not a query"));
        (stem.to_owned(), read(&format!("queries/{name}")))
    };
    names.map(query).collect()
}

/// The Rust files of a folder, one after the other.
pub(crate) fn sources(folder: &str) -> String {
    let files = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap();
    files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap()).collect()
}
