//! Judging values: drawn by a machine, a password, or a word of ordinary code.

use crate::redact::{encoded, hit::MARK, key};

/// So much of a value is looked at.
pub(super) const LONGEST_LOOK: usize = 256;

/// Shorter values are never taken for random.
const SHORTEST_RANDOM: usize = 12;

/// Whether a value looks drawn by a machine.
///
/// Names, sentences and versions fall into words of several letters that one can pronounce; what is random
/// changes between small letters, capital letters and digits every other character, or strings letters
/// together as no language does.
pub(in crate::redact) fn is_random(value: &[u8]) -> bool {
    let value = &value[..value.len().min(LONGEST_LOOK)];
    if value.len() < SHORTEST_RANDOM {
        return false;
    }
    let mut seen = [false; 256];
    let (mut words, mut letters, mut digits, mut distinct) = (0_usize, 0_usize, 0_usize, 0);
    let (mut pairs, mut usual) = (0_usize, 0_usize);
    let mut last = Kind::Other;
    for (at, &byte) in value.iter().enumerate() {
        if !std::mem::replace(&mut seen[usize::from(byte)], true) {
            distinct += 1;
        }
        let kind = Kind::of(byte);
        // A capital letter and the small ones after it are one word.
        let capital = last == Kind::Upper
            && kind == Kind::Lower
            && at.checked_sub(2).is_none_or(|before| Kind::of(value[before]) != Kind::Upper);
        if kind != Kind::Other {
            words += usize::from(kind != last && !capital);
            letters += usize::from(kind != Kind::Digit);
            digits += usize::from(kind == Kind::Digit);
        }
        if let Some(&before) = at.checked_sub(1).and_then(|before| value.get(before))
            && before.is_ascii_alphabetic()
            && byte.is_ascii_alphabetic()
        {
            pairs += 1;
            usual += usize::from(is_usual([before, byte]));
        }
        last = kind;
    }
    let counted = letters + digits;
    let hex = value.iter().all(u8::is_ascii_hexdigit);
    if hex && value.len() >= 20 && letters >= 3 && digits >= 3 && distinct >= 7 {
        return true;
    }
    if letters == 0 || distinct < 7 || counted < SHORTEST_RANDOM - 2 {
        return false;
    }
    let short_words = counted < 3 * words && (digits > 0 || usual * 2 < pairs);
    let strange_words = pairs >= 10 && usual * 3 < pairs && (words > 1 || counted >= 16);
    short_words || strange_words
}

/// Whether a value looks drawn by a machine, or is the base64 of a login, `user:password`.
pub(in crate::redact) fn is_drawn(value: &[u8]) -> bool {
    let value = value.strip_prefix(b"base64:").unwrap_or(value);
    let path = value.starts_with(b"/")
        && value.iter().filter(|byte| **byte == b'/').count() > 2
        && !value.iter().any(|byte| b"+=".contains(byte));
    // Few draws of hexadecimal digits fall into runs as long as words.
    let digits = value.len() >= 32
        && value.iter().all(u8::is_ascii_hexdigit)
        && value.iter().any(u8::is_ascii_digit)
        && value.iter().any(u8::is_ascii_alphabetic);
    is_random(value) && !path || digits || encoded::is_login(value)
}

/// Pairs of letters that make up most of English, and of the names that programmers give.
fn is_usual(pair: [u8; 2]) -> bool {
    const USUAL: &[u8] = b"th he in er an re nd at on nt ha es st en ed to it ou ea hi is or ti as te et ng of al \
        de se le sa si ar ve ra ld ur el ro ri io ic ne me li co ma ce ch ta la om ho ll ge ee ec us ut il ac \
        em no so pa pe po pr ot wo rd lo ad ck id ke ey ok ss pt ct nf ig un ui ex tr ss up po op ap di do fo fi \
        fr im am be bl by cl cr da ef ai ag ab ca ir iv ef ie ow ol os pl qu rt rs ry sh su ts ty ul um ub we wi";
    const ROWS: [u32; 26] = {
        let mut rows = [0; 26];
        let mut at = 0;
        while at + 1 < USUAL.len() {
            if USUAL[at] == b' ' {
                at += 1;
            } else {
                rows[(USUAL[at] - b'a') as usize] |= 1 << (USUAL[at + 1] - b'a');
                at += 2;
            }
        }
        rows
    };
    let [first, second] = pair.map(|letter| letter.to_ascii_lowercase() - b'a');
    ROWS[usize::from(first)] & (1 << second) != 0
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Lower,
    Upper,
    Digit,
    Other,
}

impl Kind {
    fn of(byte: u8) -> Self {
        match byte {
            b'a'..=b'z' => Self::Lower,
            b'A'..=b'Z' => Self::Upper,
            b'0'..=b'9' => Self::Digit,
            _ => Self::Other,
        }
    }
}

/// Whether a value could be a password that a person chose: one word, and not letters alone.
pub(super) fn is_password(value: &[u8]) -> bool {
    let letters = value.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    let odd = |&byte: &u8| byte.is_ascii_digit() || b"!@#$%^&*+=~?".contains(&byte);
    (5..=LONGEST_LOOK).contains(&value.len())
        && letters > 0
        && value.iter().any(odd)
        && value.iter().all(u8::is_ascii_graphic)
        && !is_placeholder(value)
        && !value.iter().any(|byte| b"()[]{}<>,;`\\".contains(byte))
        && !matches!(value.first(), Some(b'/' | b'.' | b'#' | b'?' | b'&' | b'%' | b'*' | b'='))
        && !value.windows(3).any(|three| three == b"://")
}

/// Whether a value is words that are joined as those of a name in a program are not:
/// `correct-horse-battery-staple`.
pub(super) fn is_joined(value: &[u8]) -> bool {
    (10..=LONGEST_LOOK).contains(&value.len())
        && value.contains(&b'-')
        && value.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
        && value.iter().any(u8::is_ascii_alphabetic)
}

/// Whether a value is characters in their order, as people type them when something has to be there:
/// `abcdefgh12345678`.
pub(super) fn is_typed(value: &[u8]) -> bool {
    let steps = value.windows(2).filter(|two| two[0].checked_add(1) == Some(two[1])).count();
    value.len() >= SHORTEST_RANDOM && 3 * steps >= 2 * value.len()
}

/// Whether a value stands for one that is elsewhere, or is our own mark.
pub(super) fn is_placeholder(value: &[u8]) -> bool {
    let braces = value.windows(2).any(|two| matches!(two, b"${" | b"{{" | b"#{" | b"%(" | b"$("));
    value.is_empty()
        || braces
        || key::is_reference(value)
        || is_marked(value)
        || matches!(value[0], b'$' | b'<' | b'{' | b'%')
        || is_masked(value)
        || is_filler(value)
}

/// Whether our mark stands there already, behind quotation marks that are escaped or left over, too.
pub(super) fn is_marked(value: &[u8]) -> bool {
    let quotes = value.iter().take_while(|byte| b"\\\"'`".contains(byte)).count();
    value[quotes..].starts_with(MARK.as_bytes())
}

/// Whether a value is written over: `***`, `xxxx`, `…`.
pub(super) fn is_masked(value: &[u8]) -> bool {
    value.iter().all(|byte| b"*xX.-_?#\xe2\x80\xa2\xa6".contains(byte))
}

/// Whether a value only shows where one belongs: `your-api-key-here`, `0000000000`, `sk-xxxxxxxxxxxx`, `sk-...`.
pub(super) fn is_filler(value: &[u8]) -> bool {
    let value = &value[..value.len().min(LONGEST_LOOK)];
    let words = || value.split(|byte| b"-_ ".contains(byte));
    let your = words().any(|word| word.eq_ignore_ascii_case(b"your")) && words().count() > 1;
    let body = words().max_by_key(|word| word.len()).unwrap_or_default();
    let same = body.len() >= 8 && body.iter().all(|byte| *byte == body[0]);
    let elided = value.ends_with(b"...") || value.ends_with("…".as_bytes());
    your || elided || same && matches!(body[0], b'x' | b'X' | b'*' | b'0')
}

/// Whether a value only names what belongs there, as user interfaces and constants do:
/// `password: "Password"`, `ACCESS_TOKEN = "access_token"`, `"password": "Enter your password"`.
pub(in crate::redact) fn is_label(name: &[u8], value: &[u8]) -> bool {
    if value.len() > LONGEST_LOOK || value.iter().any(u8::is_ascii_digit) {
        return is_version(value);
    }
    if value.iter().any(|byte| b"@#$%^&+=~|;/\\".contains(byte)) {
        return false;
    }
    let fold = |text: &[u8]| -> Vec<u8> {
        text.iter().filter(|byte| byte.is_ascii_alphabetic()).map(u8::to_ascii_lowercase).collect()
    };
    let (name, folded) = (fold(name), fold(value));
    if folded.is_empty() {
        return false;
    }
    if name == folded || name.ends_with(&folded) && folded.len() >= 4 {
        return true;
    }
    let shared = name.iter().zip(&folded).take_while(|(one, other)| one == other).count();
    let begins = value.trim_ascii_start().first().is_some_and(|byte| !byte.is_ascii_lowercase());
    let alike = begins && shared >= 6 && folded.len().abs_diff(name.len()) <= 3;
    let sentence = begins
        && value.contains(&b' ')
        && !value.starts_with(b"-----")
        && WORDS.iter().any(|word| {
            folded.windows(word.len()).any(|part| part == *word)
                && name.windows(word.len()).any(|part| part == *word)
        });
    alike || sentence
}

/// Whether a value is a version or a range of them: `"cookie": "^0.7.1"` in a list of packages.
fn is_version(value: &[u8]) -> bool {
    let number = value.trim_ascii_start();
    let number = number.strip_prefix(b"v").unwrap_or(number);
    let sign = number.iter().take_while(|byte| b"^~<>= ".contains(byte)).count();
    let mut parts = number[sign..].splitn(3, |&byte| byte == b'.');
    let mut is_number = || {
        let part = parts.next().unwrap_or_default();
        (1..=4).contains(&part.len()) && part.iter().all(u8::is_ascii_digit)
    };
    value.len() <= 24 && is_number() && is_number()
}

/// What labels of secrets are called after.
const WORDS: [&[u8]; 7] =
    [b"passwor", b"token", b"secret", b"passphrase", b"key", b"credential", b"cookie"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines_and_people_are_told_apart() {
        for value in [
            "x7Gq2LmZ9tRk",
            "3f9a1c07b2e84d65a0",
            "aa0f22faeee2260318fa4949fef54048520fc759",
            "dXNlcjpwYXNz",
            "wJq8/rXU7t+FEMi/K7MD1NG/bPx",
            "k3v9-q2x8-m1z7-p0w4",
            "KbcPeLlxaVtGydtwxoPu",
        ] {
            assert!(is_random(value.as_bytes()), "{value}");
        }
        for value in [
            "identifier",
            "getNextTokenFromScanner",
            "getIdOfTheMapItIsIn",
            "xmlHttpRequestUpload",
            "access-token-value",
            "X-Requested-With",
            "SOME_CONSTANT_NAME",
            "application/x-www-form-urlencoded",
            "aaaaaaaaaaaaaaaa",
            "123456789012",
            "short1",
            "keyword.operator.new.ts",
        ] {
            assert!(!is_random(value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn labels_are_not_secrets() {
        for (name, value) in [
            ("password", "Password"),
            ("password", "Passwort"),
            ("password", "Enter your password"),
            ("forgotPassword", "Forgot your password?"),
            ("ACCESS_TOKEN", "access_token"),
            ("auth_token", "token"),
            ("cookie", "^0.7.1"),
            ("token", "1.0.0-beta.2"),
        ] {
            assert!(is_label(name.as_bytes(), value.as_bytes()), "{name}: {value}");
        }
        for (name, value) in [
            ("password", "correct horse battery staple"),
            ("password", "password1"),
            ("password", "postgres"),
            ("token", "x"),
            ("secret", "hunter"),
            ("password", "passwore"),
            ("password", "password@"),
            ("client_secret", "my secret words"),
            ("password", "mypassword"),
        ] {
            assert!(!is_label(name.as_bytes(), value.as_bytes()), "{name}: {value}");
        }
    }
}
