#![no_main]
//! See `octrace_fuzz::split`.

libfuzzer_sys::fuzz_target!(|input: &[u8]| octrace_fuzz::split::holds(input));
