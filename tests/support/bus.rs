//! An event bus of the tests' own: it takes `PutEvents` as `EventBridge` does, refuses it, or never answers.
//! (<https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html>)

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// How it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    Takes,
    /// The role lacks the permission.
    Refuses,
    /// The call is answered, its events are not taken.
    RefusesEach,
    Hangs,
}

/// A running bus. Its name is `releases`.
pub(crate) struct Bus {
    url: String,
    calls: Calls,
    server: tokio::task::JoinHandle<()>,
}

/// The entries of each call.
type Calls = Arc<Mutex<Vec<Vec<Value>>>>;

impl Bus {
    pub(crate) async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let calls = Calls::default();
        let router = Router::new().fallback(put_events).with_state((manner, Arc::clone(&calls)));
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, calls, server }
    }

    /// The variables of a function that sends its events there.
    pub(crate) fn variables(&self) -> Vec<(&'static str, &str)> {
        vec![
            ("EVENT_BUS_NAME", "releases"),
            ("AWS_ENDPOINT_URL_EVENTBRIDGE", &self.url),
            ("AWS_REGION", "eu-central-1"),
            ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
        ]
    }

    /// The entries of each call so far.
    pub(crate) fn calls(&self) -> Vec<Vec<Value>> {
        self.calls.lock().unwrap().clone()
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn put_events(State((manner, calls)): State<(Manner, Calls)>, body: String) -> (StatusCode, String) {
    let sent: Value = serde_json::from_str(&body).unwrap();
    let entries = sent["Entries"].as_array().unwrap().clone();
    let count = entries.len();
    calls.lock().unwrap().push(entries);
    match manner {
        Manner::Takes => {
            let ids: Vec<Value> = (0..count).map(|id| json!({ "EventId": id.to_string() })).collect();
            (StatusCode::OK, json!({ "FailedEntryCount": 0, "Entries": ids }).to_string())
        }
        Manner::Refuses => {
            let message =
                "User: arn:aws:sts::123456789012:assumed-role/gate/gate is not authorized to perform: events:PutEvents";
            (StatusCode::BAD_REQUEST, json!({ "__type": "AccessDeniedException", "message": message }).to_string())
        }
        Manner::RefusesEach => {
            let refused = json!({ "ErrorCode": "NotAuthorizedForSourceException", "ErrorMessage": "Not authorized for the source." });
            (StatusCode::OK, json!({ "FailedEntryCount": count, "Entries": vec![refused; count] }).to_string())
        }
        Manner::Hangs => std::future::pending().await,
    }
}
