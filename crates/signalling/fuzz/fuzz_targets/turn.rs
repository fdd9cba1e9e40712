//! The TURN engine under what the fuzzer thinks of.
#![no_main]

#[path = "../bodies/turn.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    body::run(data);
});
