//! Ids that other systems take for UUIDs and that are the same whenever they are made: of version 8 (RFC 9562), from
//! a hash of what they stand for.

/// The id of what these words name together: from the BLAKE3 hash of `subject` and the words, each followed by a zero
/// byte. `subject` says what kind of thing it is, so that no two kinds share ids.
pub fn version_8(subject: &str, words: &[&str]) -> String {
    let mut hasher = blake3::Hasher::new();
    for word in std::iter::once(&subject).chain(words) {
        hasher.update(word.as_bytes());
        hasher.update(&[0]);
    }
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let id = u128::from_be_bytes(bytes);
    let group = |bits: u32, digits: u32| (id >> bits) & ((1 << (4 * digits)) - 1);
    let (time, middle, version) = (group(96, 8), group(80, 4), group(64, 4));
    let (variant, node) = (group(48, 4), group(0, 12));
    format!("{time:08x}-{middle:04x}-{version:04x}-{variant:04x}-{node:012x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_uuid_of_version_8_and_the_same_for_the_same_words() {
        insta::assert_snapshot!(version_8("event", &["4711-0a1b", "7"]), @"bd2986a7-17cf-8021-8c26-340f1f38906c");
        assert_ne!(version_8("event", &["a", "b"]), version_8("event", &["ab", ""]));
        assert_ne!(version_8("event", &["a"]), version_8("record", &["a"]));
        let id = version_8("", &[]);
        assert_eq!((id.len(), &id.as_bytes()[14..15]), (36, &b"8"[..]), "the version");
        assert!(b"89ab".contains(&id.as_bytes()[19]), "the variant");
    }
}
