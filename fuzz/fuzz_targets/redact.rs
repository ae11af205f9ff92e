#![no_main]
//! See `octrace_fuzz::redact`.

libfuzzer_sys::fuzz_target!(|input: &[u8]| octrace_fuzz::redact::holds(input));
