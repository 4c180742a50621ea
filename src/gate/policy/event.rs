//! Which events a policy may name.

use crate::model::InvalidName;

/// Events that run untrusted code, or that outsiders can trigger.
const REJECTED_EVENTS: [&str; 3] = ["merge_group", "workflow_run", "issue_comment"];
/// `pull_request`, `pull_request_target`, `pull_request_review`, …: the same, as a family.
const REJECTED_EVENT_FAMILY: &str = "pull_request";

/// Takes the name of an event that may start a run.
pub(super) fn parse(text: &str) -> Result<String, InvalidName> {
    let expected = if text.starts_with(REJECTED_EVENT_FAMILY) || REJECTED_EVENTS.contains(&text) {
        "an event that runs only the repository's own code and that outsiders cannot trigger, such as `workflow_dispatch` or `push`"
    } else if text.is_empty() || !text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') {
        "the name of an event, such as `workflow_dispatch`"
    } else {
        return Ok(text.to_owned());
    };
    Err(InvalidName::new(text, expected))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

    use super::*;

    #[test]
    fn an_event_of_the_repositorys_own_people_is_taken() {
        for event in ["workflow_dispatch", "push", "schedule", "release"] {
            assert_eq!(parse(event).as_deref(), Ok(event));
        }
    }

    #[test]
    fn an_event_that_outsiders_can_trigger_is_refused() {
        for event in [
            "pull_request",
            "pull_request_target",
            "pull_request_review",
            "merge_group",
            "workflow_run",
            "issue_comment",
        ] {
            let error = parse(event).expect_err(event).to_string();
            assert!(error.contains("that outsiders cannot trigger"), "{error}");
        }
    }

    #[test]
    fn what_is_not_an_event_is_refused() {
        for event in ["", "Push", "work flow", "push-1"] {
            let error = parse(event).expect_err(event).to_string();
            assert!(error.contains("expected the name of an event"), "{error}");
        }
    }
}
