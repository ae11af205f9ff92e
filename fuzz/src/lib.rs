//! What must hold for any bytes whatever, as functions that panic when it does not.
//!
//! `cargo xtask fuzz` runs each of them under libFuzzer, guided by coverage, on the stable toolchain;
//! `cargo test` runs them on the seeds. So a finding becomes a regression test by becoming a seed, and a
//! case of the crate's own tests where one can say what went wrong.
//!
//! * [`frames`]: what a spool holds.
//! * [`sse`]: providers' answers, streamed or not.
//! * [`split`]: bodies on the tape, and back.
//! * [`conversation`]: what was said, as tracing backends get it.
//! * [`filter`]: what people type.
//! * [`redact`]: what may be kept.
//!
//! Inputs are text as far as possible, so that seeds can be read and written by hand.

#![warn(missing_docs)]

pub mod conversation;
pub mod filter;
pub mod frames;
pub mod redact;
pub mod split;
pub mod sse;

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    #[test]
    fn every_seed_holds() {
        let targets = [
            ("conversation", crate::conversation::holds as fn(&[u8])),
            ("filter", crate::filter::holds),
            ("frames", crate::frames::holds),
            ("redact", crate::redact::holds),
            ("split", crate::split::holds),
            ("sse", crate::sse::holds),
        ];
        for (target, holds) in targets {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target);
            let mut seeds = 0;
            for entry in fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                println!("{}", path.display());
                holds(&fs::read(path).unwrap());
                seeds += 1;
            }
            assert!(seeds > 0, "{} is empty", folder.display());
        }
    }
}
