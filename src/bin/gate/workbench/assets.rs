//! The page's files, compiled in. Nothing is loaded from anywhere else.

/// A file of the page.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asset {
    /// The last part of its address; empty for the page itself.
    pub(super) name: &'static str,
    pub(super) content_type: &'static str,
    pub(super) text: &'static str,
}

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

macro_rules! asset {
    ($name:literal, $content_type:expr) => {
        Asset { name: $name, content_type: $content_type, text: include_str!(concat!("assets/", $name)) }
    };
}

/// All of them.
pub(super) const ASSETS: [Asset; 16] = [
    Asset { name: "", content_type: "text/html; charset=utf-8", text: include_str!("assets/index.html") },
    asset!("colors.css", STYLE),
    asset!("layout.css", STYLE),
    asset!("parts.css", STYLE),
    asset!("all.js", SCRIPT),
    asset!("api.js", SCRIPT),
    asset!("app.js", SCRIPT),
    asset!("bench.js", SCRIPT),
    asset!("difference.js", SCRIPT),
    asset!("dom.js", SCRIPT),
    asset!("editor.js", SCRIPT),
    asset!("keys.js", SCRIPT),
    asset!("list.js", SCRIPT),
    asset!("save.js", SCRIPT),
    asset!("selected.js", SCRIPT),
    asset!("timeline.js", SCRIPT),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_loaded_from_outside_and_nothing_stands_inline() {
        for Asset { name, text, .. } in ASSETS {
            let outside = text.replace("http://www.w3.org/2000/svg", "");
            for forbidden in ["http:", "https:", "<style", " style=", "onclick", "innerHTML", "eval("] {
                assert!(!outside.contains(forbidden), "{name}: {forbidden}");
            }
            assert!(text.lines().count() <= 400, "{name}: {} lines", text.lines().count());
        }
    }

    #[test]
    fn every_file_that_is_named_is_there() {
        for Asset { name, text, .. } in ASSETS {
            let quoted = text.split('"').filter(|word| matches!(word.rsplit_once('.'), Some((_, "js" | "css"))));
            for word in quoted {
                assert!(ASSETS.iter().any(|asset| asset.name == word.trim_start_matches("./")), "{name} names {word}");
            }
        }
    }
}
