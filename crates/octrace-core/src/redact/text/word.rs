//! Values that are words of code or of prose: types, paths, names of names, what follows an option in a
//! sentence.

use super::value::is_random;

/// `a.b.c` of names without anything drawn by a machine.
pub(super) fn is_path_of_names(value: &[u8]) -> bool {
    value.contains(&b'.')
        && !value.split(|&byte| byte == b'.').any(is_random)
        && value.iter().all(|byte| byte.is_ascii_alphanumeric() || b"._$?!".contains(byte))
}

/// Whether a value is where a file is.
pub(super) fn is_path(value: &[u8]) -> bool {
    value.starts_with(b"/") || value.starts_with(b"./") || value.starts_with(b"~/")
}

/// Whether a value is a type's name, as `Uint8Array`.
pub(super) fn is_name_of_type(value: &[u8]) -> bool {
    value.first().is_some_and(u8::is_ascii_uppercase) && value.iter().all(u8::is_ascii_alphanumeric)
}

/// Whether a value is a word that follows the name of an option in a sentence, or in the help of a tool.
pub(super) fn is_ordinary(value: &[u8]) -> bool {
    const WORDS: [&[u8]; 40] = [
        b"flag",
        b"option",
        b"options",
        b"argument",
        b"parameter",
        b"value",
        b"switch",
        b"file",
        b"path",
        b"name",
        b"to",
        b"and",
        b"or",
        b"is",
        b"was",
        b"are",
        b"for",
        b"with",
        b"without",
        b"from",
        b"in",
        b"on",
        b"if",
        b"as",
        b"the",
        b"a",
        b"an",
        b"of",
        b"when",
        b"must",
        b"can",
        b"should",
        b"will",
        b"instead",
        b"needs",
        b"your",
        b"here",
        b"stringarray",
        b"fd",
        b"env",
    ];
    let word = value.strip_suffix(b".").unwrap_or(value);
    WORDS.iter().any(|known| word.eq_ignore_ascii_case(known))
}

/// Words that say of what kind a value is.
pub(super) fn is_type(value: &[u8]) -> bool {
    const TYPES: [&[u8]; 39] = [
        b"bearer",
        b"basic",
        b"same-origin",
        b"base64",
        b"sha1",
        b"sha256",
        b"sha512",
        b"md5",
        b"utf8",
        b"utf-8",
        b"oauth2",
        b"hs256",
        b"rs256",
        b"ed25519",
        b"uint8array",
        b"string",
        b"str",
        b"number",
        b"boolean",
        b"bool",
        b"int",
        b"integer",
        b"any",
        b"unknown",
        b"text",
        b"varchar",
        b"bytes",
        b"none",
        b"null",
        b"nil",
        b"true",
        b"false",
        b"undefined",
        b"required",
        b"optional",
        b"object",
        b"yes",
        b"no",
        b"never",
    ];
    let word = value.strip_suffix(b"?").unwrap_or(value);
    TYPES.iter().any(|known| word.eq_ignore_ascii_case(known))
}
