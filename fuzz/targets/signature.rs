//! The signature header: a body is verified if, and only if, the header is its signature. The first line is the header, the rest the body.
#![no_main]

use bytes::Bytes;
use environment_gate::webhook::{Secrets, UnverifiedDelivery, sign};
use http::{HeaderMap, HeaderValue};
use libfuzzer_sys::fuzz_target;
use secrecy::SecretString;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (header, body) = text.split_once('\n').unwrap_or((text, ""));
    let secret = SecretString::from("a-webhook-secret");
    let signature = sign(&secret, body.as_bytes());
    // So that the fuzzer can find the good one, which it could not guess.
    let header = header.replace("GOOD", signature.trim_start_matches("sha256="));
    let Ok(value) = HeaderValue::from_str(&header) else { return };
    let headers = HeaderMap::from_iter([(http::HeaderName::from_static("x-hub-signature-256"), value)]);
    let Ok(delivery) = UnverifiedDelivery::new(headers, Bytes::copy_from_slice(body.as_bytes()), None) else { return };
    let secrets = Secrets::parse(&secret).unwrap();
    let digits = header.strip_prefix("sha256=");
    let is_good = digits.is_some_and(|digits| format!("sha256={}", digits.to_ascii_lowercase()) == signature);
    assert_eq!(delivery.verify(&secrets).is_ok(), is_good, "{header:?}");
});
