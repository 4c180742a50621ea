//! Which events a policy may name.

use crate::model::InvalidName;

/// Events that only someone who can write to the repository causes, and that run the repository's own code. Any other event is refused: a list of bad ones would
/// miss the next that strangers can cause (`issues`, `discussion`, `fork`, `watch`, …).
const ALLOWED_EVENTS: [&str; 7] =
    ["workflow_dispatch", "repository_dispatch", "push", "release", "schedule", "create", "deployment"];

/// Takes the name of an event that may start a run.
pub(super) fn parse(text: &str) -> Result<String, InvalidName> {
    if ALLOWED_EVENTS.contains(&text) {
        return Ok(text.to_owned());
    }
    let allowed = ALLOWED_EVENTS.map(|event| format!("`{event}`")).join(", ");
    let expected = format!(
        "one of {allowed}: people who cannot write to the repository can cause other events, or have them run code that is not the repository's"
    );
    Err(InvalidName::new(text, expected))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

    use super::*;

    #[test]
    fn an_event_of_the_repositorys_own_people_is_taken() {
        for event in ALLOWED_EVENTS {
            assert_eq!(parse(event).as_deref(), Ok(event));
        }
    }

    #[test]
    fn any_other_event_is_refused_with_those_that_are_allowed_and_why() {
        for event in [
            "pull_request",
            "pull_request_target",
            "merge_group",
            "workflow_run",
            "issue_comment",
            "issues",
            "discussion",
            "fork",
            "watch",
            "delete",
            "",
            "Push",
            "push ",
        ] {
            let error = parse(event).expect_err(event).to_string();
            assert!(error.starts_with(&format!("got `{event}`, expected one of `workflow_dispatch`, ")), "{error}");
            assert!(error.contains("people who cannot write to the repository"), "{error}");
        }
    }
}
