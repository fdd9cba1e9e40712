//! The reader of client messages under what the fuzzer thinks of.
#![no_main]

#[path = "../bodies/message.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|text: &str| {
    body::run(text);
});
