//! Events by way of a bus (moto) to a queue, by the rule that docs/operations.md shows.

use serde_json::{Value, json};

use crate::support::function::{self, Files};
use crate::support::github::Staged;
use crate::support::moto::Moto;
use crate::support::{PATIENCE, documents, fixtures};

/// The event pattern of the page: the first JSON of its section on notifications.
fn pattern() -> String {
    let page = documents::read("docs/operations.md");
    let section = page.split("\n## Notifications\n").nth(1).unwrap();
    section.split("```json\n").nth(1).unwrap().split("```").next().unwrap().to_owned()
}

/// Delivers a story to a function that sends its events to moto's bus.
async fn deliver(name: &str, moto: &Moto) {
    let (player, story) = (fixtures::player(), fixtures::one(name));
    let Staged { github, event } = Staged::new(&story).await;
    let files = Files::of_story(player, &story);
    let variables = [&moto.variables()[..], &[("EVENT_BUS_NAME", "releases")]].concat();
    let mut lambda = function::start(player, &files, &github.url(), &variables).await;
    assert_eq!(lambda.invoke(event).await.status(), 204, "{}", lambda.log());
}

#[tokio::test]
async fn the_rule_of_the_page_routes_rejections_and_nothing_else() {
    let moto = Moto::start().await;
    moto.route_events("releases", &pattern()).await;
    let arrived = async {
        loop {
            deliver("approve/one-human-approved-the-gate", &moto).await;
            deliver("reject/the-starter-approved", &moto).await;
            let events: Vec<Value> = moto.routed_events().await;
            // A machine that is too busy loses events, as the function may.
            if !events.is_empty() {
                return events;
            }
        }
    };
    let events = tokio::time::timeout(PATIENCE, arrived).await.expect("an event");
    let [event] = events.as_slice() else { panic!("{events:#?}") };
    assert_eq!((&event["source"], &event["detail-type"]), (&json!("environment-gate"), &json!("Decision")));
    let detail = &event["detail"];
    assert_eq!((&detail["outcome"], &detail["repository"]), (&json!("rejected"), &json!("octo-org/widgets")));
    assert_eq!(detail["checks_failed"], json!(["gate-approval", "approvals"]));
}
