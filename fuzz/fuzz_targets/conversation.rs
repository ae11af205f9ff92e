#![no_main]
//! See `octrace_fuzz::conversation`.

libfuzzer_sys::fuzz_target!(|input: &[u8]| octrace_fuzz::conversation::holds(input));
