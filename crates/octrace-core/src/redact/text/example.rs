//! Examples of rules, in which secrets are made up anew each time: `<20w>` is 20 random characters of the
//! kind `w`, and what is between `«` and `»` is secret.

use crate::redact::hit::MARK;

/// Numbers that look random and are the same in every run.
#[derive(Default)]
pub(super) struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((word ^ (word >> 31)) >> 33).unwrap() % limit
    }

    /// So many characters of a kind; `s` are those that people type, one after the other.
    fn text(&mut self, length: usize, kind: char) -> String {
        if kind == 's' {
            const TYPED: &str = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
            return TYPED.chars().cycle().take(length).collect();
        }
        const ALL: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_+/";
        let alphabet = match kind {
            'd' => &ALL[..10],
            'h' => &ALL[..16],
            'l' => &ALL[..36],
            'a' => &ALL[..62],
            'w' => &ALL[..64],
            'u' => b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
            'b' => b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+/",
            other => panic!("no characters are of the kind {other}"),
        };
        let mut text: String =
            (0..length).map(|_| char::from(alphabet[self.below(alphabet.len())])).collect();
        // Not at its ends, where words would end.
        if kind == 'w' && length > 1 {
            text.replace_range(..1, "x");
            text.replace_range(length - 1.., "7");
        }
        text
    }
}

/// An example with its secrets made up.
pub(super) struct Example {
    pub(super) before: String,
    pub(super) after: String,
    pub(super) secrets: Vec<String>,
}

impl Example {
    pub(super) fn new(template: &str, random: &mut Random) -> Self {
        let mut filled = String::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('<') {
            filled.push_str(before);
            let letter = after.find(|letter: char| !letter.is_ascii_digit());
            let (number, tail) = after.split_at(letter.unwrap_or(after.len()));
            let mut letters = tail.chars();
            match (number.parse(), letters.next(), letters.next()) {
                (Ok(length), Some(kind), Some('>')) => {
                    filled.push_str(&random.text(length, kind));
                    rest = letters.as_str();
                }
                _ => {
                    filled.push('<');
                    rest = after;
                }
            }
        }
        filled.push_str(rest);
        let mut example = Self { before: String::new(), after: String::new(), secrets: Vec::new() };
        for (index, piece) in filled.split(['«', '»']).enumerate() {
            example.before.push_str(piece);
            if index % 2 == 1 {
                example.after.push_str(MARK);
                example.secrets.push(piece.to_owned());
            } else {
                example.after.push_str(piece);
            }
        }
        example
    }
}
