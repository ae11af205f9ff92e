//! Text in other letters: runs that are base64 or hex of something readable, and percent signs in text.
//!
//! A secret in base64 looks different by where it begins: `user:token`, `token` and `{"token":…}` share no
//! letters. So what can be base64 is decoded and searched like any text. Nearly every name in source code
//! *can* be base64; what tells is whether its bytes are readable. A letter's upper bits say whether the
//! byte it begins is ASCII, so one pass with a counter for each of the four places where a group of
//! letters may begin finds the readable stretches, and only those are decoded: a picture, a hash or source
//! code hardly costs more than that pass. The same pass has two more counters for hex.
//!
//! What is found blanks its whole run. Secrets beyond ASCII are not found in base64.

use std::ops::Range;

use super::hit::Hit;

/// Base64 of eight readable bytes has at least this many letters in a row that say so.
const LETTERS: usize = 10;

/// Lines of wrapped base64 have at least this many letters, in whole groups.
const LINE: usize = 60;

/// Counters of readable letters, a byte each: four of base64 by the place where its groups begin, two of
/// hex by the place of its pairs.
const LANES: usize = 6;
const ONE_EACH: u64 = 0x0101_0101_0101;
/// Brings a counter's upper bit up when it has reached [`LETTERS`], or twice eight digits.
const TO_ENOUGH: u64 = 0x7070_7676_7676;
const ENOUGH: u64 = 0x8080_8080_8080;

/// By the place of a letter (modulo four) and the letter: 0xff for each counter that it keeps alive.
static KEEPS: [[u64; 256]; 4] = keeps();

/// The six bits of each letter of base64, standard or for URLs; [`NO_LETTER`] for other bytes.
static BITS: [u8; 256] = bits();
const NO_LETTER: u8 = 0xff;

const fn bits() -> [u8; 256] {
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bits = [NO_LETTER; 256];
    let mut value = 0_u8;
    while value < 64 {
        bits[letters[value as usize] as usize] = value;
        value += 1;
    }
    bits[b'-' as usize] = 62;
    bits[b'_' as usize] = 63;
    bits
}

const fn keeps() -> [[u64; 256]; 4] {
    let mut keeps = [[0; 256]; 4];
    let mut place = 0;
    while place < 4 {
        let mut letter = 0;
        while letter < 256 {
            let mut lane = 0;
            while lane < LANES {
                if is_readable(bits()[letter], letter as u8, (place + 4 - lane % 4) % 4, lane < 4) {
                    keeps[place][letter] |= 0xff << (lane * 8);
                }
                lane += 1;
            }
            letter += 1;
        }
        place += 1;
    }
    keeps
}

/// Whether a letter at this place of its group can stand in the encoding of printed text.
const fn is_readable(bits: u8, letter: u8, place: usize, base64: bool) -> bool {
    match (base64, place) {
        // All but its lowest two bits: line ends and tabs, or from the space on.
        (true, 0) => matches!(bits, 2 | 3 | 8..32),
        // Its upper four bits.
        (true, 1) => bits != NO_LETTER && matches!(bits & 15, 0 | 2..8),
        // Its upper two bits.
        (true, 2) => bits != NO_LETTER && bits & 2 == 0,
        (true, _) => bits != NO_LETTER,
        (false, 0 | 2) => matches!(letter, b'2'..=b'7'),
        (false, _) => letter.is_ascii_hexdigit(),
    }
}

/// Finds what may be base64 or hex of readable text, decodes it and shows it to `is_secret`; adds the runs
/// in which that found something.
pub(super) fn find_runs(
    text: &[u8],
    mut is_secret: impl FnMut(&[u8]) -> bool,
    hits: &mut Vec<Hit>,
) {
    let mut at = 0;
    // A run that is long enough covers every tenth byte: most of the text is never looked at.
    while at + LETTERS <= text.len() {
        let ahead = &text[at..at + LETTERS];
        if let Some(other) = ahead.iter().rposition(|&byte| BITS[usize::from(byte)] == NO_LETTER) {
            at += other + 1;
            continue;
        }
        // The two digits of a percent sign are not of the run behind it.
        let is_percent = text[..at].ends_with(b"%") && ahead[..2].iter().all(u8::is_ascii_hexdigit);
        let start = if is_percent { at + 2 } else { at };
        at = run_end(text, at + LETTERS);
        let mut lines = Vec::new();
        while let Some(next) = next_line(text, start, at, lines.len()) {
            if lines.is_empty() {
                lines.extend_from_slice(&text[start..at]);
            }
            at = run_end(text, next);
            lines.extend_from_slice(&text[next..at]);
        }
        let run = if lines.is_empty() { &text[start..at] } else { &lines };
        if in_run(run, &mut is_secret) {
            let padding = text[at..].iter().take(2).take_while(|&&byte| byte == b'=').count();
            hits.push(Hit::text(start, at + padding));
        }
    }
}

fn run_end(text: &[u8], at: usize) -> usize {
    let rest = text[at..].iter().position(|&byte| BITS[usize::from(byte)] == NO_LETTER);
    rest.map_or(text.len(), |length| at + length)
}

/// Where a wrapped run goes on that has got from `start` to `at`; `lines` letters of it, if it is more
/// than a line already.
fn next_line(text: &[u8], start: usize, at: usize, lines: usize) -> Option<usize> {
    let letters = if lines == 0 { at - start } else { lines };
    let space = text[at..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let next = at + space;
    (letters >= LINE
        && letters.is_multiple_of(4)
        && text[at..next].contains(&b'\n')
        && text.get(next).is_some_and(|&byte| BITS[usize::from(byte)] != NO_LETTER))
    .then_some(next)
}

/// Whether one of the readable stretches of `run`, letters only, holds a secret.
fn in_run(run: &[u8], is_secret: &mut impl FnMut(&[u8]) -> bool) -> bool {
    let mut counters = 0_u64;
    let mut done = [0; LANES];
    for (at, &letter) in run.iter().enumerate() {
        counters = (counters + ONE_EACH) & KEEPS[at % 4][usize::from(letter)];
        let mut enough = (counters + TO_ENOUGH) & ENOUGH;
        while enough != 0 {
            let lane = enough.trailing_zeros() as usize / 8;
            let counted = usize::from((counters >> (lane * 8)) as u8);
            enough &= enough - 1;
            counters &= !(0xff << (lane * 8));
            if at < done[lane] {
                continue;
            }
            let first = at + 1 - counted;
            let is_on = |(at, letter): (usize, &u8)| {
                KEEPS[at % 4][usize::from(*letter)] >> (lane * 8) & 0xff == 0
            };
            let rest = (at..).zip(&run[at..]).position(is_on);
            let end = rest.map_or(run.len(), |length| at + length);
            done[lane] = end;
            if is_secret(&decoded(run, first..end, lane)) {
                return true;
            }
        }
    }
    false
}

/// The bytes that begin in the stretch.
fn decoded(run: &[u8], stretch: Range<usize>, lane: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(stretch.len());
    // The last one may end in the letter behind it.
    let end = run.len().min(stretch.end + 1);
    let letters = &run[stretch.start..end];
    for (at, pair) in (stretch.start + 1..).zip(letters.windows(2)) {
        let [before, letter] = [pair[0], pair[1]];
        let place = (at + 4 - lane % 4) % 4;
        if lane < 4 {
            let [before, letter] = [before, letter].map(|letter| BITS[usize::from(letter)]);
            match place {
                1 => bytes.push(before << 2 | letter >> 4),
                2 => bytes.push(before << 4 | letter >> 2),
                3 => bytes.push(before << 6 | letter),
                _ => {}
            }
        } else if place % 2 == 1 && at < stretch.end {
            let digit = |letter: u8| char::from(letter).to_digit(16).unwrap_or_default() as u8;
            bytes.push(digit(before) << 4 | digit(letter));
        }
    }
    bytes
}

/// Whether a value is the base64 of `user:password`, and of nothing else.
pub(super) fn is_login(value: &[u8]) -> bool {
    let letters = value.iter().position(|&byte| byte == b'=').unwrap_or(value.len());
    let whole = value.len().is_multiple_of(4) && value.len() - letters <= 2;
    let known = |byte: &u8| BITS[usize::from(*byte)] != NO_LETTER;
    if !(8..=1024).contains(&value.len()) || !whole || !value[..letters].iter().all(known) {
        return false;
    }
    let text = decoded(&value[..letters], 0..letters, 0);
    let mut halves = text.splitn(2, |&byte| byte == b':');
    let user = halves.next().unwrap_or_default();
    let in_user = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.@+".contains(byte);
    !user.is_empty()
        && user.iter().all(in_user)
        && halves
            .next()
            .is_some_and(|rest| !rest.is_empty() && rest.iter().all(u8::is_ascii_graphic))
}

/// The words of `text` in which something is percent-encoded.
pub(super) fn percent_words(text: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let is_encoded = |sign: &usize| {
            let digits = text.get(sign + 1..sign + 3);
            digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
        };
        let sign = memchr::memchr_iter(b'%', &text[at..]).map(|sign| at + sign).find(is_encoded)?;
        // Signs that encode nothing are of the word too.
        let before = text[at..sign].iter().rposition(ends_word);
        let start = before.map_or(at, |before| at + before + 1);
        let length = text[sign..].iter().position(ends_word);
        at = length.map_or(text.len(), |length| sign + length);
        Some(start..at)
    })
}

fn ends_word(byte: &u8) -> bool {
    *byte <= b' ' || matches!(byte, b'"' | b'\'' | b'<' | b'>' | b'`' | b'\\')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::redact::{Redactor, literal::tests as literal};

    const LITERAL: &str = "plain-canary/1";

    fn clean(text: &str) -> String {
        let mut redactor = Redactor::new(literal::SALT);
        redactor.learn(&[literal::print(LITERAL), literal::print("x4815162")]);
        redactor.text(text).into_inner()
    }

    fn base64(bytes: &[u8], url: bool, pad: bool) -> String {
        let letters: &[u8; 64] = if url {
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        } else {
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        };
        let mut out = String::new();
        for group in bytes.chunks(3) {
            let byte = |at: usize| u32::from(group.get(at).copied().unwrap_or_default());
            let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
            for place in 0..=group.len() {
                out.push(char::from(letters[(bits >> (18 - 6 * place)) as usize & 63]));
            }
            if pad {
                out.push_str("=".repeat(3 - group.len()).as_str());
            }
        }
        out
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn percent(text: &str) -> String {
        text.bytes().map(|byte| format!("%{byte:02X}")).collect()
    }

    proptest! {
        #[test]
        fn a_known_value_in_base64_is_found_wherever_it_begins(
            before in prop::collection::vec(any::<u8>(), 0..7),
            literal in prop::sample::select(vec![LITERAL, "x4815162"]),
            after in prop::collection::vec(any::<u8>(), 0..7),
            glued in "[a-z/]{0,5}",
            url: bool,
            pad: bool,
        ) {
            let bytes = [&before, literal.as_bytes(), &after].concat();
            let text = format!("a {glued}{} b", base64(&bytes, url, pad));
            prop_assert_eq!(clean(&text), "a [REDACTED] b");
            let text = format!("a {glued}:{} b", hex(&bytes));
            prop_assert_eq!(clean(&text), format!("a {glued}:[REDACTED] b"));
        }

        #[test]
        fn wrapped_lines_are_one_run(
            before in "[ -~]{0,200}", after in "[ -~]{0,200}", width in prop::sample::select(vec![60, 64, 76])
        ) {
            let run = base64(format!("{before}{LITERAL}{after}").as_bytes(), false, true);
            let lines: Vec<_> = run.as_bytes().chunks(width).map(|line| str::from_utf8(line).unwrap()).collect();
            for end in ["\n", "\r\n", "\n    "] {
                prop_assert_eq!(clean(&format!("a: {}", lines.join(end))), "a: [REDACTED]");
            }
        }

        #[test]
        fn what_is_no_secret_stays(bytes in prop::collection::vec(any::<u8>(), 0..300), words in "[a-zA-Z0-9_/+% -]{0,300}") {
            // `7z -pA` has a password.
            prop_assume!(!words.contains("-p"));
            for text in [base64(&bytes, false, true), hex(&bytes), words] {
                prop_assert_eq!(clean(&text), text);
            }
        }

        #[test]
        fn a_known_value_in_percent_signs(before in "[a-z%/]{0,5}", after in "[a-z%/]{0,5}", some: bool) {
            let value = if some { "pl%61in%2Dcanary%2f1".to_owned() } else { percent(LITERAL) };
            prop_assert_eq!(clean(&format!("a {before}{value}{after} b")), format!("a {before}[REDACTED]{after} b"));
        }
    }

    #[test]
    fn encodings_in_encodings() {
        let once = base64(LITERAL.as_bytes(), false, true);
        for text in [
            base64(once.as_bytes(), false, true),
            base64(percent(LITERAL).as_bytes(), false, true),
            base64(br#"{"auths":{"h":{"password":"hunter2"}}}"#, false, true),
            base64(b"see https://u:p@host/", true, false),
            percent(&percent(LITERAL)),
            hex(once.as_bytes()),
            base64(br"\u0070lain-canary\/1", false, false),
        ] {
            assert_eq!(clean(&text), "[REDACTED]");
        }
        assert_eq!(clean(&percent(&once)), "[REDACTED]");
        // Five deep is followed no more, and blanked.
        let deep = (0..5).fold(LITERAL.to_owned(), |text, _| percent(&text));
        assert_eq!(clean(&deep), "[REDACTED]");
        let deep = (0..5)
            .fold("hello world, hello".to_owned(), |text, _| base64(text.as_bytes(), false, true));
        assert_eq!(clean(&deep), "[REDACTED]");
    }

    #[test]
    fn logins_in_base64() {
        for value in ["dXNlcjpwYXNzd29yZDEyMw==", "bWU6aHVudGVyMnBhc3N3b3Jk", "bWU6aHVudGVyMjI="] {
            assert!(super::is_login(value.as_bytes()), "{value}");
        }
        for value in ["required", "dXNlcg==", "OmFiYw==", "not base64!!", "AAAAAAAA", ""] {
            assert!(!super::is_login(value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn signs_that_encode_nothing_hide_nothing() {
        for (text, expected) in [
            ("http://h/%zz?x=%3Ftoken%3Dplum-tree", "http://h/%zz?x=%3Ftoken%3D[REDACTED]"),
            ("see http://u:%@h/%3Ftoken%3Dplum", "see http://u:%@h/%3Ftoken%3D[REDACTED]"),
            ("o://%@%3Ftoken%3Dplum%", "o://%@%3Ftoken%3D[REDACTED]"),
            ("100% of it %%41", "100% of it %%41"),
        ] {
            assert_eq!(clean(text), expected);
            assert_eq!(clean(expected), expected, "a second time");
        }
    }

    #[test]
    fn percent_signs_keep_their_digits() {
        let text = format!("a%22{}", hex(LITERAL.as_bytes()));
        assert_eq!(clean(&text), "a%22[REDACTED]");
    }

    #[test]
    fn the_work_is_linear_whatever_the_text() {
        for text in ["QUFB", "%25", "%2525", "a%20", "VVVV", "3031", "YWFh", "\\u0041", "41%41"] {
            let text = text.repeat(50_000);
            clean(&text);
        }
    }
}
