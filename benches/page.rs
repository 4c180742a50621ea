//! The page that shows what was measured: docs/performance.md.

use std::path::Path;

/// Prints tables, and puts them into the page between `<!-- NAME -->` and `<!-- /NAME -->`.
pub(crate) fn write(name: &str, tables: &str) {
    println!("{tables}");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/performance.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let (before, rest) = page.split_once(&begin).unwrap_or_else(|| panic!("docs/performance.md has no {begin}"));
    let (_, after) = rest.split_once(&end).unwrap_or_else(|| panic!("docs/performance.md has no {end}"));
    std::fs::write(&path, format!("{before}{begin}{tables}{end}{after}")).unwrap();
}
