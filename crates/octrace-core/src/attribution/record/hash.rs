//! The hash of a range's lines. The specification leaves open what is hashed; this is said in `docs/agent-trace.md`, and
//! anybody can compute it again.

use blake2::{Blake2s256, Digest};

/// `blake2s:` and the BLAKE2s-256 of these lines, in hex: the bytes of each without its line end, joined with `\n`. So
/// the hash of lines is the same in a file with `\r\n`, and whether the last line has an end or not.
pub fn content_hash<'a>(lines: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hasher = Blake2s256::new();
    for (place, line) in lines.into_iter().enumerate() {
        if place > 0 {
            hasher.update(b"\n");
        }
        hasher.update(line);
    }
    let hex: String = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("blake2s:{hex}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribution::line;

    /// Expectations are of Python's `hashlib.blake2s`.
    #[test]
    fn it_is_what_another_implementation_computes() {
        let of = |text: &[u8]| content_hash(line::contents(text));
        let nothing = "blake2s:69217a3079908094e11121d042354a7c1f55b6482ca1a51e1b250dfd1ed0eef9";
        assert_eq!(of(b""), nothing);
        assert_eq!(of(b"\n"), nothing);
        let lines = "blake2s:e6372549b4271e7dd651808d966f053622cdb9493b943ebd98c22e05ddd6e2a9";
        assert_eq!(of(b"let a = 1;\n\n\xff\xfe b"), lines);
        assert_eq!(of(b"let a = 1;\r\n\r\n\xff\xfe b\r\n"), lines);
        assert_ne!(of(b"let a = 1;\n\n\xff\xfe b \n"), lines);
    }
}
