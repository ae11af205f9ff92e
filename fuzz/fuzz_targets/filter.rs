#![no_main]
//! See `octrace_fuzz::filter`.

libfuzzer_sys::fuzz_target!(|input: &[u8]| octrace_fuzz::filter::holds(input));
