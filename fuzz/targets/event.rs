//! An event that Lambda hands over: whatever it is, it is told apart without a panic.
#![no_main]

use environment_gate::webhook::{Event, Route};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(event) = std::str::from_utf8(data) else { return };
    match serde_json::from_str(event) {
        Ok(Event::Http(Route::Webhook(delivery))) => assert!(delivery.delivery_id().len() <= 64),
        Ok(Event::Http(Route::Refused(refusal))) => assert!((400..500).contains(&refusal.status())),
        Ok(_) => {}
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
