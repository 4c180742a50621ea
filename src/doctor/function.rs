//! The function, asked as GitHub asks it: one ping, signed with the secret of the settings.

use std::time::Duration;

use super::{Item, Line};
use crate::causes::with_causes;
use crate::handler::Clock;
use crate::model::quoted;
use crate::transport::Connections;
use crate::webhook::Secrets;

/// GitHub waits no longer either.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(10);
/// Bytes of an answer that is read.
const READ_BYTES_MAX: u64 = 4096;
/// Characters of an answer that are shown.
const SHOWN_CHARS_MAX: usize = 120;

/// Sends the ping that GitHub sends to a new webhook. It changes nothing.
pub(super) async fn ping(http: &Connections, (url, secrets): (&str, &Secrets), clock: &Clock) -> Line {
    let body = format!("{{\"zen\":\"gate doctor\",\"hook_id\":1,\"asked_at\":\"{}\"}}", clock.now());
    let request = http.pool().client().post(url).timeout(ANSWER_TIME_MAX);
    let request = request
        .header("content-type", "application/json")
        .header("user-agent", "environment-gate-doctor")
        .header("x-github-event", "ping")
        .header("x-github-delivery", "gate-doctor")
        .header("x-hub-signature-256", secrets.sign(body.as_bytes()));
    match request.body(body).send().await {
        Ok(answer) if answer.status().as_u16() == 204 => Line::right(Item::Function, "204"),
        Ok(answer) => {
            let status = answer.status().as_u16();
            // Ours is one short line; whatever else answers may be long.
            let is_short = answer.content_length().is_some_and(|bytes| bytes <= READ_BYTES_MAX);
            let said = if is_short { answer.text().await.unwrap_or_default() } else { String::new() };
            let said: String = said.trim().chars().take(SHOWN_CHARS_MAX).collect();
            Line::wrong(Item::Function, format!("{status}, {}", quoted(&said)))
        }
        Err(error) => Line::wrong(Item::Function, format!("no answer: {}", with_causes(&error.without_url()))),
    }
}
