//! The function, asked as GitHub asks it: one ping, signed with the secret of the settings.

use std::time::Duration;

use http::{Request, StatusCode};

use super::{Item, Line};
use crate::http::{Bounds, HttpClient};
use crate::model::{quoted, with_causes};
use crate::time::Clock;
use crate::webhook::Secrets;

/// GitHub does not wait any longer, either. The function answers with one short line; whatever else is at that URL may send more.
const PING_BOUNDS: Bounds = Bounds { time: Duration::from_secs(10), body_bytes: 1024 * 1024 };
/// Characters of an answer that are shown.
const SHOWN_CHARS_MAX: usize = 120;

/// Sends the ping that GitHub sends to a new webhook. It changes nothing.
pub(super) async fn ping(http: &HttpClient, url: &str, secrets: &Secrets, clock: &Clock) -> Line {
    let body = format!("{{\"zen\":\"gate doctor\",\"hook_id\":1,\"asked_at\":\"{}\"}}", clock.now());
    let request = Request::post(url)
        .header("content-type", "application/json")
        .header("user-agent", "environment-gate-doctor")
        .header("x-github-event", "ping")
        .header("x-github-delivery", "gate-doctor")
        .header("x-hub-signature-256", secrets.sign(body.as_bytes()))
        .body(body.into());
    let no_answer = |why: &str| Line::failed(Item::Function, format!("no answer: {why}"));
    let Ok(request) = request else { return no_answer("the request could not be built") };
    match http.send(request, PING_BOUNDS).await {
        Ok(answer) if answer.status() == StatusCode::NO_CONTENT => Line::ok(Item::Function, "204"),
        Ok(answer) => {
            let said = String::from_utf8_lossy(answer.body());
            let said: String = said.trim().chars().take(SHOWN_CHARS_MAX).collect();
            Line::failed(Item::Function, format!("{}, {}", answer.status().as_u16(), quoted(&said)))
        }
        Err(error) => no_answer(&with_causes(&error)),
    }
}
