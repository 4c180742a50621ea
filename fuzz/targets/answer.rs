//! An answer from GitHub: whatever it is, it is read or refused. The first line has the call, the status, and the value of every header that is read; the
//! rest is the body.
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
