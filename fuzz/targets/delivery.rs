//! The body of a delivery that GitHub signed: what is read as a request says what the body says, and its URL is the callback's.
#![no_main]

use bytes::Bytes;
use environment_gate::model::ApiUrl;
use environment_gate::webhook::{Parsed, Secrets, UnverifiedDelivery, parse, sign};
use http::{HeaderMap, HeaderValue};
use libfuzzer_sys::fuzz_target;
use secrecy::SecretString;
use serde_json::Value;

fuzz_target!(|data: &[u8]| {
    let secret = SecretString::from("a-webhook-secret");
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    headers.insert("x-github-event", HeaderValue::from_static("deployment_protection_rule"));
    headers.insert("x-hub-signature-256", sign(&secret, data).parse().unwrap());
    let Ok(delivery) = UnverifiedDelivery::new(headers, Bytes::copy_from_slice(data), None) else { return };
    let secrets = Secrets::parse(&secret).unwrap();
    let verified = delivery.verify(&secrets).expect("it is well signed");
    let api = ApiUrl::parse("https://api.github.com").unwrap();
    match parse(&verified, &api) {
        Ok(Parsed::Request(request)) => {
            let body: Value = serde_json::from_slice(data).expect("a request is JSON");
            let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
            let rebuilt = api.join(&(ApiUrl::run_path(&request) + "/deployment_protection_rule"));
            let path = rebuilt.trim_start_matches("https://api.github.com");
            assert!(text("/deployment_callback_url").ends_with(path), "{rebuilt}");
            // Of a field that is given twice this reader keeps the last value; ours must have refused it.
            assert_eq!(text("/action"), "requested");
            assert_eq!(body["installation"]["id"], request.installation_id);
            assert_eq!(body["repository"]["id"], request.repository.id);
            assert_eq!(text("/repository/full_name"), request.repository.name.to_string());
            assert_eq!(text("/environment"), request.environment.as_str());
        }
        Ok(Parsed::NotForUs(_)) => {}
        Err(refusal) => {
            assert!((400..500).contains(&refusal.status()));
            assert!(refusal.to_string().len() < 2_000, "a refusal is a line, not the body");
        }
    }
});
