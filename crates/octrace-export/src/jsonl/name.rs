//! The names of files: when the session began, and what was asked, as far as every file system can take it.

use jiff::{Timestamp, tz::TimeZone};

/// How much of the prompt, in characters.
const LONGEST: usize = 80;

/// And in bytes, so that the whole name has less than 255 with any suffix.
const LONGEST_BYTES: usize = 200;

/// `2026-04-25-10-41-09-Reply exactly OK.jsonl`, for a session whose first request was sent then, on the clock of
/// `zone`. `words` are its first prompt, or else its id. Characters that some file system refuses are left out, and
/// white space becomes one space.
pub fn file_name(sent_us: i64, zone: &TimeZone, words: &str) -> String {
    let sent = Timestamp::from_microsecond(sent_us).unwrap_or(Timestamp::UNIX_EPOCH);
    let when = sent.to_zoned(zone.clone()).strftime("%Y-%m-%d-%H-%M-%S").to_string();
    match safe(words).as_str() {
        "" => format!("{when}.jsonl"),
        words => format!("{when}-{words}.jsonl"),
    }
}

/// The same name for the `count`th file that would have it, from 2.
pub fn numbered(name: &str, count: usize) -> String {
    let stem = name.strip_suffix(".jsonl").unwrap_or(name);
    format!("{stem}-{count}.jsonl")
}

fn safe(words: &str) -> String {
    let mut safe = String::new();
    let mut length = 0;
    for character in words.chars() {
        let character = if character.is_whitespace() { ' ' } else { character };
        let is_repeated = character == ' ' && (safe.is_empty() || safe.ends_with(' '));
        if is_repeated || is_refused(character) {
            continue;
        }
        if length == LONGEST || safe.len() + character.len_utf8() > LONGEST_BYTES {
            break;
        }
        safe.push(character);
        length += 1;
    }
    // With the time before it, nothing is hidden, reserved, or a way up; but an end must not be lost on Windows.
    safe.trim_end_matches(['.', ' ']).to_owned()
}

/// Path separators, what Windows forbids, and what nobody sees or what turns text round.
fn is_refused(character: char) -> bool {
    character.is_control()
        || matches!(character, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|')
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffd}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SENT_US: i64 = 1_777_084_869_000_000;

    fn name(words: &str) -> String {
        file_name(SENT_US, &TimeZone::fixed(jiff::tz::offset(8)), words)
    }

    #[test]
    fn a_name_says_when_and_what() {
        for (words, expect) in [
            ("Reply exactly: OK", "-Reply exactly OK"),
            ("  a\r\n\tb  ", "-a b"),
            ("../../etc/passwd", "-....etcpasswd"),
            ("ends in dots. . .", "-ends in dots"),
            ("CON", "-CON"),
            ("\u{1b}[31mred\u{202e}txt", "-[31mredtxt"),
            ("日本語で", "-日本語で"),
            ("???", ""),
            ("run_1_ab", "-run_1_ab"),
        ] {
            assert_eq!(name(words), format!("2026-04-25-10-41-09{expect}.jsonl"), "{words:?}");
        }
        assert_eq!(name(&"é".repeat(500)).chars().count(), 20 + 80 + 6);
        assert_eq!(numbered("2026-a.jsonl", 2), "2026-a-2.jsonl");
        assert_eq!(file_name(i64::MAX, &TimeZone::UTC, "x"), "1970-01-01-00-00-00-x.jsonl");
    }

    proptest! {
        #[test]
        fn every_name_is_one_for_every_file_system(words in "(\\PC|[\\x00-\\x40]|.){0,300}") {
            let name = name(&words);
            prop_assert!(name.len() <= 240, "{}", name.len());
            prop_assert!(name.starts_with("2026-04-25-10-41-09") && name.ends_with(".jsonl"));
            let stem = name.strip_suffix(".jsonl").unwrap();
            prop_assert!(!stem.ends_with(['.', ' ', '-']) || words.contains('-'));
            prop_assert!(!name.contains(['/', '\\', ':', '*', '?', '"', '<', '>', '|', '\0']));
            prop_assert!(!name.contains(char::is_control));
        }
    }
}
