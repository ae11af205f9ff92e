//! Redaction: no input is too strange, none needs a second run, JSON stays JSON, and a known value does not
//! survive, wherever it stands.
//!
//! An input is a content type, a line feed, and a body. A `~` in the body is a place where a known value is
//! planted.

use octrace_core::{
    exchange::{RequestHead, ResponseHead},
    redact::Redactor,
};
use octrace_wire::payload::SecretPrint;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The value that must not survive: it looks like nothing that a rule would find.
const PLANTED: &str = "plum-Tree/9 under+snow";

const SALT: [u8; 4] = [0x13, 0x57, 0x9b, 0xdf];

/// The input is a content type and a body.
pub fn holds(input: &[u8]) {
    let line_end = input.iter().position(|&byte| byte == b'\n').unwrap_or(input.len());
    let (content_type, body) = input.split_at(line_end);
    let content_type = String::from_utf8_lossy(content_type);
    let body = body.strip_prefix(b"\n").unwrap_or(body);
    let body = planted(body);

    let mut redactor = Redactor::new("13579bdf");
    redactor.learn(&[print(PLANTED)]);
    let once = redactor.body(&content_type, body.clone()).into_inner();
    assert!(!shows(&once), "a known value survived in a body");
    // Where a known value is taken out of the middle of something, what remains may be something else.
    if !shows(&body) {
        let twice = redactor.body(&content_type, once.clone()).into_inner();
        assert!(once == twice, "a body is clean after one run");
    }

    let json = redactor.json(&body).into_inner();
    assert!(!shows(&json), "a known value survived in JSON");
    if is_json(&body) {
        assert!(is_json(&json), "JSON stays JSON");
    }

    let text = String::from_utf8_lossy(&body).into_owned();
    let clean = redactor.text(&text).into_inner();
    assert!(!shows(clean.as_bytes()), "a known value survived in a text");
    if !shows(&body) {
        assert!(redactor.text(&clean).get() == &clean, "a text is clean after one run");
    }
    let head = redactor.request_head(RequestHead {
        url: text.clone(),
        headers: vec![(content_type.into_owned(), text.clone())],
        session: text.clone(),
        ..RequestHead::default()
    });
    for text in [&head.get().url, &head.get().headers[0].1, &head.get().session] {
        assert!(!shows(text.as_bytes()), "a known value survived in a request's head");
    }
    let headers = vec![("content-type".to_owned(), text)];
    let head = redactor.response_head(ResponseHead { headers, ..ResponseHead::default() });
    assert!(!shows(head.get().headers[0].1.as_bytes()), "a known value survived in a header");
}

fn planted(body: &[u8]) -> Vec<u8> {
    let places: Vec<&[u8]> = body.split(|&byte| byte == b'~').collect();
    places.join(PLANTED.as_bytes())
}

fn shows(bytes: &[u8]) -> bool {
    bytes.windows(PLANTED.len()).any(|window| window == PLANTED.as_bytes())
}

fn is_json(text: &[u8]) -> bool {
    serde_json::from_slice::<Value>(text).is_ok()
}

/// What the plugin says of a credential.
fn print(value: &str) -> SecretPrint {
    let base = u32::from_le_bytes(SALT) & !3 | 1;
    let rolling = value
        .bytes()
        .fold(0_u32, |hash, byte| hash.wrapping_mul(base).wrapping_add(u32::from(byte)));
    let digest = Sha256::new().chain_update(SALT).chain_update(value).finalize();
    SecretPrint {
        length: u32::try_from(value.len()).unwrap_or(u32::MAX),
        rolling,
        sha256: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
        token: value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte)),
    }
}
