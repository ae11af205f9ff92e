//! Names of folders and files, safe on every file system whatever a session calls itself.

use octrace_store::codec;

/// The longest name that is taken as it is, in bytes.
const LONGEST: usize = 96;

/// The name of a session's folder: its id, where `is_session` says so. Anything else keeps what is harmless of it and
/// gets its hash, so that no two sessions share a folder, and so that each folder is known for a session's.
pub fn session_name(session: &str) -> String {
    if is_session(session) {
        return session.to_owned();
    }
    let hash = codec::address(session.as_bytes());
    let hash: String = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let kept: String =
        session.chars().take(48).map(|c| if is_harmless(c) { c } else { '_' }).collect();
    if kept.is_empty() { format!("session-{hash}") } else { format!("{kept}-{hash}") }
}

/// Whether [`session_name`] makes such names: `ses_…` and `run_…`, as OpenCode and the plugin call sessions, and what
/// ends with a hash.
pub(super) fn is_session(name: &str) -> bool {
    let follows = |prefix| name.strip_prefix(prefix).is_some_and(|rest: &str| !rest.is_empty());
    let is_hash =
        |end: &str| end.len() == 16 && end.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
    let ends_with_hash =
        || name.rsplit_once('-').is_some_and(|(kept, hash)| !kept.is_empty() && is_hash(hash));
    name.len() <= LONGEST
        && name.chars().all(is_harmless)
        && (follows("ses_") || follows("run_") || ends_with_hash())
}

fn is_harmless(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-')
}

/// What the names of a trio's three files begin with: `001-anthropic-2026-11-20T14-04-16-123Z`.
pub fn stem(number: u32, kind: &str, sent_us: i64) -> String {
    format!("{number:03}-{kind}-{}", timestamp(sent_us).replace([':', '.'], "-"))
}

/// The number in the name of one of our files, `<stem>.request.json` and the like, or of a half-written one.
pub(super) fn number_of(file: &str) -> Option<u32> {
    let file = match file.strip_suffix(NEW) {
        Some(unfinished) => unfinished.strip_prefix('.')?,
        None => file,
    };
    let ends = [".request.json", ".response.json", ".meta.json"];
    let stem = ends.into_iter().find_map(|end| file.strip_suffix(end))?;
    let (number, rest) = stem.split_once('-')?;
    let is_number = number.len() >= 3 && number.bytes().all(|byte| byte.is_ascii_digit());
    if is_number && rest.contains('-') { number.parse().ok() } else { None }
}

/// What the name of a file ends with that is being written.
pub(super) const NEW: &str = ".new";

/// As in JSON: UTC with milliseconds.
pub(super) fn timestamp(at_us: i64) -> String {
    jiff::Timestamp::from_microsecond(at_us)
        .map_or_else(|_| "unknown".to_owned(), |at| format!("{at:.3}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sessions_id_is_its_own_name_and_nothing_else_is_taken_as_it_is() {
        assert_eq!(session_name("ses_06fA-7d"), "ses_06fA-7d");
        assert_eq!(session_name("run_12_a1"), "run_12_a1");
        let long = "x".repeat(4_000);
        let odd = [
            "",
            ".",
            "..",
            "../../etc",
            "/etc/passwd",
            "a\0b",
            "a.b",
            "ä",
            "a b",
            "mine",
            "ses_",
            "\u{202e}",
            &long,
        ];
        let mut names: Vec<_> = odd.iter().map(|id| session_name(id)).collect();
        for name in &names {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
            assert!(!name.is_empty() && name.len() < 100 && name.bytes().all(plain), "{name}");
            assert!(is_session(name), "{name}");
            assert_eq!(&session_name(name), name, "a name names itself");
        }
        names.sort();
        names.dedup();
        assert_eq!(names.len(), odd.len());
    }

    #[test]
    fn our_files_are_known_by_their_names() {
        let stem = stem(7, "openai", 1_795_183_456_123_456);
        assert_eq!(stem, "007-openai-2026-11-20T14-04-16-123Z");
        assert_eq!(number_of(&format!("{stem}.request.json")), Some(7));
        assert_eq!(number_of(&format!(".{stem}.meta.json{NEW}")), Some(7));
        assert_eq!(number_of("1234-generic-t.response.json"), Some(1234));
        for foreign in [
            "notes.txt",
            "001-x.request.json",
            "a-b-c.meta.json",
            "01-a-b.meta.json",
            "001-a-b.json",
        ] {
            assert_eq!(number_of(foreign), None, "{foreign}");
        }
    }
}
