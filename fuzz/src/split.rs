//! Bodies on the tape: each comes back byte for byte, whatever it is and whatever came before it.
//!
//! An input is a session: bodies with a form feed between them. Each is also read as a list that might be
//! on a damaged tape.

use std::collections::HashMap;

use octrace_core::json::Scanner;
use octrace_store::{
    body::{self, Entry, Error, MAX_CHAIN, MAX_ITEMS, Parent},
    codec::{Context, Decoder, Encoder},
};

/// The input is the bodies of a session's requests.
pub fn holds(input: &[u8]) {
    let mut ids: HashMap<Vec<u8>, i64> = HashMap::new();
    let mut parts: Vec<Vec<u8>> = Vec::new();
    let mut last: Option<(Vec<Entry>, u32)> = None;
    let mut encoder = Encoder::new().expect("zstd has memory");
    let mut decoder = Decoder::new().expect("zstd has memory");
    for body in input.split(|&byte| byte == b'\x0c') {
        let pieces = body::split(body);
        let items: usize = pieces.iter().map(|piece| 1 + piece.aside.len()).sum();
        assert!(items <= MAX_ITEMS);
        let put = |bytes: &[u8]| {
            let id = ids.entry(bytes.to_vec()).or_insert_with(|| {
                parts.push(bytes.to_vec());
                // Anything may be an id, but for what we look up.
                (parts.len() as i64).wrapping_mul(-0x1234_5678_9abc)
            });
            Ok::<_, Error>(*id)
        };
        let entries = body::entries(&pieces, put).expect("nothing fails here");
        let parent = last.as_ref().map(|(entries, chain)| Parent { entries, chain: *chain });
        let list = body::encode(&entries, parent);
        assert!(list.chain <= MAX_CHAIN);
        assert_eq!(body::is_whole(&list.bytes), Ok(list.chain == 0));
        let parent = parent.map(|parent| parent.entries).filter(|_| list.chain > 0);
        let read = body::decode(&list.bytes, parent).expect("our own list is read");
        assert!(read == entries, "the list gives its entries");
        let part = |id: i64, body: &mut Vec<u8>| {
            let found = ids.iter().find(|(_, known)| **known == id);
            body.extend_from_slice(found.map(|(bytes, _)| bytes).ok_or(Error::NoParent)?);
            Ok::<_, Error>(())
        };
        let restored = body::restore(&read, part).expect("all parts are here");
        assert!(restored == body, "byte for byte");

        event(body, &mut encoder, &mut decoder);
        any_list(body, &entries);
        tokens(body);
        last = Some((entries, list.chain));
    }
    compressed(input, &mut encoder, &mut decoder);
}

/// The same JSON as an event: its strings set aside, the rest compressed with them.
fn event(body: &[u8], encoder: &mut Encoder, decoder: &mut Decoder) {
    let piece = body::set_aside(body);
    assert!(piece.aside.len() < MAX_ITEMS);
    let mut parts: Vec<&[u8]> = Vec::new();
    let insertions = body::insertions(&piece.aside, |bytes| {
        let aside = piece.aside.iter().find(|aside| aside.bytes == bytes);
        parts.push(aside.expect("it was set aside").bytes);
        Ok::<_, Error>(parts.len() as i64)
    });
    let insertions = insertions.expect("nothing fails here");
    let context = Context::new(parts.iter().copied());
    let stored = encoder.encode_with(&piece.content, &context).expect("a small body");
    let size = piece.content.len() as u64;
    let own = decoder.decode_with(stored.codec.number(), size, &stored.data, &context);
    assert!(own.as_ref().is_ok_and(|own| piece.content == *own));
    let entries = [Entry { part: 0, comma: false, insertions }];
    let part = |id: i64, body: &mut Vec<u8>| {
        body.extend_from_slice(match usize::try_from(id - 1) {
            Ok(at) => parts.get(at).copied().ok_or(Error::NoParent)?,
            Err(_) => &piece.content,
        });
        Ok::<_, Error>(())
    };
    let restored = body::restore(&entries, part).expect("all parts are here");
    assert!(restored == body, "byte for byte");
    drop(decoder.decode_with(stored.codec.number(), size, body, &context));
}

/// What a damaged tape may give instead of a list.
fn any_list(list: &[u8], parent: &[Entry]) {
    if let Ok(entries) = body::decode(list, Some(parent)) {
        assert!(entries.len() <= MAX_ITEMS);
        drop(body::restore(&entries, |_, body| {
            body.extend_from_slice(b"part");
            Ok::<_, Error>(())
        }));
    }
}

/// What splitting and redaction stand on: tokens rise, and in JSON there is one for each thing.
fn tokens(body: &[u8]) {
    let mut before = 0;
    let mut scanner = Scanner::new(body);
    for token in scanner.by_ref() {
        assert!(token.start >= before && token.end > token.start && token.end <= body.len());
        before = token.end;
    }
    if serde_json::from_slice::<serde_json::Value>(body).is_ok() {
        assert_eq!(scanner.broken_at(), None, "JSON is not called broken");
    }
}

/// Parts come back from compression, and nonsense does not.
fn compressed(part: &[u8], encoder: &mut Encoder, decoder: &mut Decoder) {
    let stored = encoder.encode(part).expect("a small part");
    let size = part.len() as u64;
    let again = decoder.decode(stored.codec.number(), size, &stored.data);
    assert!(again.is_ok_and(|again| again == part));
    for codec in 0..4 {
        if let Ok(decoded) = decoder.decode(codec, size, part) {
            assert_eq!(decoded.len() as u64, size);
        }
    }
}
