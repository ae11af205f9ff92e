#![no_main]
//! See `octrace_fuzz::frames`.

libfuzzer_sys::fuzz_target!(|input: &[u8]| octrace_fuzz::frames::holds(input));
