//! An answer of GitHub's: whatever it is, it is read or refused, and says how long GitHub wants to be left alone. The first line says of which call,
//! with which status and with which value in every header that is read; the rest is the body.
#![no_main]

use bytes::Bytes;
use environment_gate::github::read_answer;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some(end) = data.iter().position(|byte| *byte == b'\n') else { return };
    let Ok(line) = std::str::from_utf8(&data[..end]) else { return };
    let mut words = line.splitn(3, ' ');
    let (Some(call), Some(Ok(status)), header) = (words.next(), words.next().map(str::parse), words.next().unwrap_or_default()) else { return };
    if let Err(error) = read_answer(call, status, header, Bytes::copy_from_slice(&data[end + 1..])) {
        assert!(error.to_string().len() < 2_000, "an error is a line, not the body");
    }
});
