//! Hostile text made harmless: what a terminal would obey instead of show is shown.
//!
//! Text from models, tools and files can carry escape sequences (which move the cursor, change the
//! title, or answer in the user's name), bidirectional overrides (which make text read as what it is
//! not) and invisible characters (which hide instructions). Each becomes something visible: `␛`,
//! `\u{202e}`. Ordinary text in any script passes as it is.

use std::borrow::Cow;

/// Whether a terminal shows this character and does nothing else on seeing it.
pub fn is_harmless(char: char) -> bool {
    !matches!(char,
        // C0 controls, DEL, C1 controls (of which U+009B begins an escape sequence).
        '\0'..='\x1f' | '\x7f'..='\u{9f}'
        // Soft hyphen, Arabic letter mark, Mongolian vowel separator, Hangul fillers.
        | '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}'
        // Zero-width space, marks of direction, line separators, overrides and embeddings.
        | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
        // Invisible operators, isolates, deprecated format characters, byte order mark.
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}'
        // Tags and the variation selectors that no font needs: both smuggle text.
        | '\u{e0000}'..='\u{e0fff}')
}

/// Text for one line: white space runs are one space, controls are visible.
pub fn line(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_harmless) && !text.contains("  ") {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len());
    for char in text.chars() {
        if matches!(char, ' ' | '\t' | '\n' | '\r') {
            if !safe.ends_with(' ') {
                safe.push(' ');
            }
        } else {
            push(&mut safe, char);
        }
    }
    Cow::Owned(safe)
}

/// Text for many lines: line ends stay, tabs are four spaces, other controls are visible.
pub fn block(text: &str) -> Cow<'_, str> {
    if text.chars().all(|char| char == '\n' || is_harmless(char)) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '\n' => safe.push('\n'),
            // The two characters of a Windows line end; alone it would overwrite the line.
            '\r' if chars.peek() == Some(&'\n') => {}
            '\t' => safe.push_str("    "),
            _ => push(&mut safe, char),
        }
    }
    Cow::Owned(safe)
}

/// JSON text that is harmless on a terminal too: characters that JSON leaves as they are but a
/// terminal obeys are escaped the JSON way, so its meaning is the same. Only for well-formed JSON, where
/// such characters stand in strings only.
pub fn json(text: &str) -> Cow<'_, str> {
    // A pretty printer's own line ends are no part of any string.
    if text.chars().all(|char| char == '\n' || is_harmless(char)) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len());
    let mut units = [0; 2];
    for char in text.chars() {
        if is_harmless(char) || matches!(char, '\n' | '\r' | '\t') {
            safe.push(char);
        } else {
            for unit in char.encode_utf16(&mut units) {
                safe.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    Cow::Owned(safe)
}

fn push(safe: &mut String, char: char) {
    match char {
        char if is_harmless(char) => safe.push(char),
        // The control pictures, one for each.
        '\0'..='\x1f' => safe.extend(char::from_u32(0x2400 + u32::from(char))),
        '\x7f' => safe.push('␡'),
        _ => safe.push_str(&format!("\\u{{{:x}}}", u32::from(char))),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_shown() {
        for (hostile, shown) in [
            ("\x1b]0;owned\x07\x1b[2J", "␛]0;owned␇␛[2J"),
            ("a\u{9b}31mb", r"a\u{9b}31mb"),
            ("cat \u{202e}txt.exe", r"cat \u{202e}txt.exe"),
            ("zero\u{200b}width\u{e0041}", r"zero\u{200b}width\u{e0041}"),
            ("over\rwrite", "over write"),
            ("two\r\n\t lines  here", "two lines here"),
            ("naïve 文字 👩‍💻 العربية", "naïve 文字 👩‍💻 العربية"),
        ] {
            assert_eq!(line(hostile), shown);
        }
        assert_eq!(block("a\r\nb\rc\td\x08"), "a\nb␍c    d␈");
    }

    #[test]
    fn json_means_the_same() {
        let hostile = "\u{9b}31m \u{202e} \u{e0041} ä \u{7f}";
        let text = serde_json::to_string_pretty(&[hostile]).unwrap();
        let safe = json(&text);
        assert!(safe.chars().all(|char| char == '\n' || is_harmless(char)), "{safe:?}");
        assert_eq!(serde_json::from_str::<Vec<String>>(&safe).unwrap(), [hostile]);
    }

    proptest! {
        #[test]
        fn nothing_harmful_passes(text in "\\PC*|[\\x00-\\x{ff}]*|[\\x{2000}-\\x{2070}]*") {
            prop_assert!(line(&text).chars().all(is_harmless));
            prop_assert!(block(&text).chars().all(|char| char == '\n' || is_harmless(char)));
        }
    }
}
