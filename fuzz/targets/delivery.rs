//! The body of a delivery that GitHub signed: what is taken for a request is one, and its parts are those of its callback URL.
#![no_main]

mod keys;

use environment_gate::model::ApiUrl;
use environment_gate::webhook::{Event, Parsed, Route, Secrets, parse, sign};
use libfuzzer_sys::fuzz_target;
use secrecy::SecretString;
use serde_json::{Value, json};

fuzz_target!(|data: &[u8]| {
    let Ok(body) = std::str::from_utf8(data) else { return };
    let secret = SecretString::from("secret");
    let event = json!({
        "version": "2.0",
        "headers": {
            "content-type": "application/json",
            "x-github-event": "deployment_protection_rule",
            "x-hub-signature-256": sign(&secret, data),
        },
        "requestContext": { "http": { "method": "POST", "path": "/github/webhook" }, "timeEpoch": 0 },
        "body": body,
        "isBase64Encoded": false,
    });
    let Ok(Event::Http(Route::Webhook(delivery))) = serde_json::from_str(&event.to_string()) else { return };
    let secrets = Secrets::parse(&secret).unwrap();
    let verified = delivery.verify(&secrets).expect("it is well signed");
    let api = ApiUrl::parse("https://api.github.com").unwrap();
    match parse(&verified, &api) {
        Ok(Parsed::Request(request)) => {
            let text = body;
            let body: Value = serde_json::from_str(text).expect("a request is JSON");
            let callback = body["deployment_callback_url"].as_str().unwrap();
            let rebuilt = api.join(&(ApiUrl::run_path(&request) + "/deployment_protection_rule"));
            let (scheme_and_host, path) = (rebuilt.len() - rebuilt.trim_start_matches("https://api.github.com").len(), &rebuilt);
            assert!(callback.ends_with(&path[scheme_and_host..]), "{callback} is not {rebuilt}");
            assert!(!rebuilt.contains("..") || request.repository.name.to_string().contains(".."));
            assert!(request.installation_id > 0);
            assert_eq!(body["action"], "requested");
            assert_eq!(keys::given(text), keys::kept(&body), "a key given twice");
        }
        Ok(Parsed::Ignored(_)) => {}
        Err(refusal) => {
            assert!((400..500).contains(&refusal.status()));
            assert!(refusal.to_string().len() < 2_000, "a refusal is a line, not the body");
        }
    }
});
