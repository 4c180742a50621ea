//! What the README and the pages behind it say is true.

use std::collections::BTreeSet;
use std::path::Path;

use environment_gate::gate::Policy;
use serde_json::Value;

use crate::support::{documents, fixtures};

#[test]
fn every_policy_that_is_shown_is_one() {
    let mut policies = 0;
    for (page, text) in documents::all() {
        for policy in text.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()) {
            Policy::parse(policy).unwrap_or_else(|error| panic!("{page}: {error}\n{policy}"));
            policies += 1;
        }
    }
    assert!(policies >= 4, "got {policies}");
}

#[test]
fn every_story_that_is_named_exists() {
    let mut named = 0;
    for (page, text) in documents::all() {
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && !"/-.~_".contains(c));
        // Names in capitals are for the reader to fill in.
        let stories = words.filter(|word| word.starts_with("fixtures/") && !word.contains(char::is_uppercase));
        for story in stories.map(|story| story.trim_end_matches('.')).filter(|story| !story.ends_with("-in-words")) {
            assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join(story).exists(), "{page} names {story}");
            named += 1;
        }
    }
    assert!(named >= 5, "got {named}");
}

/// Every comment that a story posts: with a review, or as a status report.
fn comments() -> BTreeSet<String> {
    let mut comments = BTreeSet::new();
    for place in fixtures::places() {
        let expected = std::fs::read_to_string(place.folder.join("expected.json")).unwrap();
        let expected: Value = serde_json::from_str(&expected).unwrap();
        for kind in ["reviews", "status_reports"] {
            let posts = expected[kind].as_array().into_iter().flatten();
            comments.extend(posts.map(|post| post["comment"].as_str().unwrap().to_owned()));
        }
    }
    comments
}

#[test]
fn every_comment_that_is_shown_is_one_that_is_posted() {
    let posted = comments();
    let mut shown = 0;
    for (page, text) in documents::all() {
        for quoted in text.split("\n\n").filter(|block| block.starts_with("> **")) {
            let comment = quoted.lines().map(|line| line.trim_start_matches('>').trim_start()).collect::<Vec<_>>();
            assert!(posted.contains(&comment.join("\n")), "{page} shows a comment that no story posts:\n{quoted}");
            shown += 1;
        }
    }
    assert!(shown >= 5, "got {shown}");
}

#[test]
fn every_variable_that_is_read_is_documented_and_no_other() {
    let is_variable =
        |text: &&str| text.len() > 5 && text.bytes().all(|b| b.is_ascii_uppercase() || b == b'_') && text.contains('_');
    let source: String = documents::sources("src/config");
    let read: BTreeSet<&str> = source.split('"').filter(is_variable).collect();
    let page = documents::read("docs/configuration.md");
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    let documented: BTreeSet<&str> = rows.flat_map(|row| row.split('`')).filter(is_variable).collect();
    assert_eq!(read.difference(&documented).collect::<Vec<_>>(), Vec::<&&str>::new(), "not documented");
    // AWS's libraries read these themselves.
    let unread = documented.difference(&read).filter(|name| !name.starts_with("AWS_ENDPOINT_URL"));
    assert_eq!(unread.collect::<Vec<_>>(), Vec::<&&str>::new(), "documented, and nothing reads them");
}
