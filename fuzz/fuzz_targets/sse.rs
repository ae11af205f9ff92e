#![no_main]
//! See `octrace_fuzz::sse`.

libfuzzer_sys::fuzz_target!(|input: &[u8]| octrace_fuzz::sse::holds(input));
