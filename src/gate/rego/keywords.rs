//! Whether a text can only be Rego v1, by its keywords. Not here: parsing it.
//!
//! In v0, the library takes `approve if { … }` for two rules: `approve`, which always holds, and one that is called `if`. It says so on standard error alone.

use super::nesting::code;

/// Keywords of v1; in v0 they are words like any other, unless they are imported.
const KEYWORDS: [&str; 4] = ["if", "contains", "every", "in"];
/// Begins the import of a keyword in v0.
const IMPORT: &str = "import future.keywords";

/// Whether a text says that it is v1, or uses a keyword that v0 would have to import.
pub(super) fn are_of_v1(text: &str) -> bool {
    let code = code(text);
    let lines = || code.lines().map(str::trim);
    let imports_all = lines().any(|line| line == IMPORT || line.starts_with("import future.keywords "));
    let imports = |keyword: &str| {
        let one = format!("{IMPORT}.{keyword}");
        // `every` brings `in`.
        imports_all || lines().any(|line| line == one || (keyword == "in" && line == "import future.keywords.every"))
    };
    let is_v1 = lines().any(|line| line == "import rego.v1");
    is_v1 || KEYWORDS.iter().any(|keyword| uses(&code, keyword) && !imports(keyword))
}

/// Whether a text has this word as a keyword: not as a part of a name, a function or a variable.
fn uses(code: &str, keyword: &str) -> bool {
    let is_of_name = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(keyword).any(|(at, _)| {
        let before = code.get(..at).unwrap_or_default().chars().next_back();
        let after = code.get(at.saturating_add(keyword.len())..).unwrap_or_default();
        let is_word = !before.is_some_and(|c| is_of_name(c) || c == '.') && !after.starts_with(is_of_name);
        // Nothing else is called `if`. What follows the others on their line is a term.
        let follows = after.trim_start_matches([' ', '\t']);
        let has_term = follows.len() < after.len() && follows.starts_with(|c| is_of_name(c) || "\"`[{(".contains(c));
        is_word && (keyword == "if" || has_term)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keyword_that_is_not_imported_is_of_v1() {
        for text in [
            "import rego.v1",
            "approve if { true }",
            "deny contains \"x\" if\n  input.x",
            "deny contains x { true }",
            "deny[x] { every y in z { y } }",
            "deny[x] { some y in input.z }",
            "import future.keywords.in\napprove if { some x in y }",
        ] {
            assert!(are_of_v1(text), "{text}");
        }
    }

    #[test]
    fn words_that_v0_may_use_are_not() {
        for text in [
            "deny[\"if it contains x in y\"] { true } # if x contains y",
            "deny[x] { contains(input.x, \"y\"); input.if.in; notif := 1; iffy := in_list }",
            "deny[x] { in := input.x; x == in }",
            "import future.keywords\napprove if { every x in y { x } }",
            "import future.keywords.every\ndeny[x] { every x in y { x } }",
            "import future.keywords.if\nimport future.keywords.contains\ndeny contains \"x\" if { true }",
        ] {
            assert!(!are_of_v1(text), "{text}");
        }
    }
}
