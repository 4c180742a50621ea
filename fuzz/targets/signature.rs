//! The signature header: a body is verified if, and only if, the header is its signature. The first line is the header, the rest the body.
#![no_main]

use environment_gate::webhook::{Event, Route, Secrets, sign};
use libfuzzer_sys::fuzz_target;
use secrecy::SecretString;
use serde_json::json;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (header, body) = text.split_once('\n').unwrap_or((text, ""));
    let secret = SecretString::from("secret");
    let signature = sign(&secret, body.as_bytes());
    // So that the fuzzer can find the good one, which it could not guess.
    let header = header.replace("GOOD", signature.trim_start_matches("sha256="));
    let event = json!({
        "version": "2.0",
        "headers": { "x-hub-signature-256": header },
        "requestContext": { "http": { "method": "POST", "path": "/github/webhook" }, "timeEpoch": 0 },
        "body": body,
        "isBase64Encoded": false,
    });
    let Ok(Event::Http(Route::Webhook(delivery))) = serde_json::from_str(&event.to_string()) else { return };
    let secrets = Secrets::parse(&secret).unwrap();
    let is_good = header.strip_prefix("sha256=").is_some_and(|digits| format!("sha256={}", digits.to_ascii_lowercase()) == signature);
    assert_eq!(delivery.verify(&secrets).is_ok(), is_good, "{header:?}");
});
