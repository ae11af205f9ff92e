//! Where words begin and end, and their spelling in an index.

/// The longest word that is kept, in characters. What is longer is a hash or a token, and is known by its
/// beginning.
pub(super) const LONGEST: usize = 32;

/// Shows each word of a text, in its order and as often as it occurs: in lower case, and at most its first 32
/// characters.
pub fn words(text: &str, mut visit: impl FnMut(&str)) {
    let mut word = String::new();
    let mut length = 0;
    let mut before = None;
    for char in text.chars().flat_map(char::to_lowercase) {
        if before.is_some_and(|before| is_boundary(before, char)) && !word.is_empty() {
            visit(&word);
            word.clear();
            length = 0;
        }
        if is_letter(char) && length < LONGEST {
            word.push(char);
            length += 1;
        }
        before = Some(char);
    }
    if !word.is_empty() {
        visit(&word);
    }
}

/// Whether a word ends between these two characters, or may begin there. Both are in lower case.
pub(super) fn is_boundary(before: char, after: char) -> bool {
    !(is_letter(before) && is_letter(after)) || stands_alone(before) || stands_alone(after)
}

/// A letter or a digit, of any script.
pub(super) fn is_letter(char: char) -> bool {
    char.is_alphanumeric()
}

/// Letters of scripts where spaces do not show the words.
fn stands_alone(char: char) -> bool {
    matches!(char,
        // Thai, Lao, Myanmar, Hangul's letters, Khmer.
        '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1100}'..='\u{11ff}' | '\u{1780}'..='\u{17ff}'
        // Han's radicals, Kana, Bopomofo, Hangul's letters again, Han.
        | '\u{2e80}'..='\u{9fff}'
        // Hangul's syllables, Han for compatibility, half-width forms.
        | '\u{ac00}'..='\u{d7ff}' | '\u{f900}'..='\u{faff}' | '\u{ff66}'..='\u{ffdc}'
        // Further Kana, and Han beyond the basic plane.
        | '\u{1aff0}'..='\u{1b16f}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    fn words(text: &str) -> String {
        let mut words = Vec::new();
        super::words(text, |word| words.push(word.to_owned()));
        words.join(" ")
    }

    #[test]
    fn words_are_runs_of_letters_and_digits_in_lower_case() {
        for (text, expected) in [
            ("Hello, World!", "hello world"),
            ("foo_bar a.b.c getUserName2", "foo bar a b c getusername2"),
            ("Ünïcode Straße İ ΣΊΣΥΦΟΣ", "ünïcode straße i σίσυφοσ"),
            ("修复日期test测试", "修 复 日 期 test 测 试"),
            ("カタカナ 한국어 ไทย", "カ タ カ ナ 한 국 어 ไ ท ย"),
            ("привет العربية हिन्दी", "привет العربية हिन दी"),
            ("", ""),
            ("\0 --- \u{1b}[2J", "2j"),
        ] {
            assert_eq!(words(text), expected);
        }
        assert_eq!(words(&"x".repeat(100)), "x".repeat(super::LONGEST));
    }
}
