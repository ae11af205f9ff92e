//! Items as rows of `COPY` in its binary format, and what else is blanked in them before.

use octrace_core::redact::Redactor;

use super::{Item, document::storable};

/// What an item becomes: a row of one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Table {
    /// `agent_trace_events`.
    Events,
    /// Where records wait to be taken apart.
    Records,
}

impl Table {
    /// What takes its rows, with the columns in their order.
    pub(super) fn copy(self) -> &'static str {
        match self {
            Self::Events => {
                "COPY agent_trace_events \
                 (event_id, event_name, session_id, message_id, call_id, at, payload, altered) \
                 FROM STDIN (FORMAT binary)"
            }
            Self::Records => {
                "COPY pg_temp.agent_trace_incoming (id, root, document, altered) \
                 FROM STDIN (FORMAT binary)"
            }
        }
    }
}

/// What `COPY` begins with: its signature, no flags, no extension.
pub(super) const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

/// What it ends with.
pub(super) const TRAILER: [u8; 2] = (-1_i16).to_be_bytes();

/// 1 January 2000, µs since the Unix epoch: where Postgres begins to count.
const POSTGRES_EPOCH_US: i64 = 946_684_800_000_000;

/// The version of the binary format of `jsonb`, which is its text.
const JSONB: &[u8] = &[1];

/// An item as it is sent.
pub(super) struct Row {
    pub(super) id: u128,
    pub(super) table: Table,
    pub(super) bytes: Vec<u8>,
}

/// An item's row. `redactor` looks through what it says once more.
///
/// # Errors
/// Where its id is no UUID, in words.
pub(super) fn row(item: &Item, redactor: Option<&Redactor>) -> Result<Row, String> {
    let id = uuid(item.id()).ok_or_else(|| "its id is no UUID".to_owned())?;
    let (table, fields) = match item {
        Item::Event(_) => (Table::Events, 8_i16),
        Item::Record(_) => (Table::Records, 4),
    };
    let mut row = Fields(fields.to_be_bytes().to_vec());
    row.bytes(&[&id.to_be_bytes()]);
    match item {
        Item::Record(record) => {
            match redactor {
                _ if record.root.is_empty() => row.null(),
                Some(redactor) => row.text(redactor.text(&record.root).get()),
                None => row.text(&record.root),
            }
            row.document(&record.json, redactor);
        }
        Item::Event(event) => {
            row.text(&event.name);
            for id in [&event.session, &event.message, &event.call] {
                match id {
                    Some(id) => row.text(id),
                    None => row.null(),
                }
            }
            // The least number of all would be taken for minus infinity.
            let at_us = event.at_us.saturating_sub(POSTGRES_EPOCH_US).max(i64::MIN + 1);
            row.bytes(&[&at_us.to_be_bytes()]);
            row.document(&event.payload, redactor);
        }
    }
    Ok(Row { id, table, bytes: row.0 })
}

/// A UUID as it is written: 32 digits in five groups.
pub(super) fn uuid(text: &str) -> Option<u128> {
    let is_dash = |at: usize| matches!(at, 8 | 13 | 18 | 23);
    let is_uuid = text.len() == 36
        && text
            .bytes()
            .enumerate()
            .all(|(at, byte)| if is_dash(at) { byte == b'-' } else { byte.is_ascii_hexdigit() });
    is_uuid.then(|| u128::from_str_radix(&text.replace('-', ""), 16).ok())?
}

/// Fields with the length of each before it.
struct Fields(Vec<u8>);

impl Fields {
    fn null(&mut self) {
        self.0.extend((-1_i32).to_be_bytes());
    }

    /// A field of these pieces. One that is too long for any is refused by the server.
    fn bytes(&mut self, pieces: &[&[u8]]) {
        let length: usize = pieces.iter().map(|piece| piece.len()).sum();
        self.0.extend(i32::try_from(length).unwrap_or(i32::MAX).to_be_bytes());
        for piece in pieces {
            self.0.extend_from_slice(piece);
        }
    }

    fn text(&mut self, text: &str) {
        // No text in Postgres has it.
        self.bytes(&[text.replace('\0', "\u{fffd}").as_bytes()]);
    }

    /// The document, and whether it was altered.
    fn document(&mut self, json: &str, redactor: Option<&Redactor>) {
        let redacted = redactor.map(|redactor| redactor.json(json.as_bytes()).into_inner());
        let redacted = redacted.as_deref().map(String::from_utf8_lossy);
        let (document, altered) = storable(redacted.as_deref().unwrap_or(json));
        self.bytes(&[JSONB, document.as_bytes()]);
        self.bytes(&[&[u8::from(altered)]]);
    }
}

#[cfg(test)]
mod tests {
    use octrace_core::redact::Patterns;

    use super::*;
    use crate::postgres::{Event, Record};

    /// The row without its length prefixes, as text.
    fn told(item: &Item, redactor: Option<&Redactor>) -> String {
        String::from_utf8_lossy(&row(item, redactor).unwrap().bytes).into_owned()
    }

    const ID: &str = "00000000-0000-8000-8000-00000000002a";

    fn event() -> Item {
        Item::Event(Event {
            id: ID.to_owned(),
            name: "a\tb\\N".to_owned(),
            session: Some("s\0\r".to_owned()),
            at_us: POSTGRES_EPOCH_US - 7,
            payload: r#"{"text":"line\nACME-17\u0000"}"#.to_owned(),
            ..Event::default()
        })
    }

    #[test]
    fn a_row_has_a_length_before_each_field() {
        let row = row(&event(), None).unwrap();
        assert_eq!((row.id, row.table), (0x8000_8000_0000_0000_002a, Table::Events));
        let mut fields = vec![row.id.to_be_bytes().to_vec(), b"a\tb\\N".to_vec()];
        fields.push("s\u{fffd}\r".into());
        let null = (-1_i32).to_be_bytes();
        let mut expected = 8_i16.to_be_bytes().to_vec();
        let add = |expected: &mut Vec<u8>, field: &[u8]| {
            expected.extend(i32::try_from(field.len()).unwrap().to_be_bytes());
            expected.extend_from_slice(field);
        };
        for field in &fields {
            add(&mut expected, field);
        }
        expected.extend([null, null].concat());
        add(&mut expected, &(-7_i64).to_be_bytes());
        add(&mut expected, b"\x01{\"text\":\"line\\nACME-17\\ufffd\"}");
        add(&mut expected, &[1]);
        assert_eq!(row.bytes, expected);
    }

    #[test]
    fn what_is_no_uuid_is_no_id() {
        assert_eq!(uuid("00000000-0000-8000-8000-0000000000fF"), Some(0x8000_8000_0000_0000_00ff));
        for text in [
            "",
            "no uuid",
            "0000000000000-8000-8000-0000000000ff",
            "+0000000-0000-8000-8000-0000000000ff",
        ] {
            assert_eq!(uuid(text), None, "{text}");
        }
    }

    #[test]
    fn a_record_goes_with_its_root() {
        let record = Record { id: ID.into(), json: "{}".into(), root: "/repo".into() };
        assert!(
            told(&Item::Record(record.clone()), None)
                .contains("\0\0\0\u{5}/repo\0\0\0\u{3}\u{1}{}")
        );
        let record = Record { root: String::new(), ..record };
        let bytes = row(&Item::Record(record), None).unwrap().bytes;
        assert!(bytes.ends_with(b"\xff\xff\xff\xff\0\0\0\x03\x01{}\0\0\0\x01\0"));
    }

    #[test]
    fn what_the_users_patterns_match_is_blanked_and_a_record_stays_a_record() {
        let patterns = Patterns::new(&[r"ACME-\d+".to_owned()]).0;
        let redactor = Redactor::new("").with_patterns(&patterns);
        assert!(told(&event(), Some(&redactor)).contains(r"line\n[REDACTED]\ufffd"));
        let json = r#"{"version":"0.1.0","id":"a3b9936f-9dde-889d-ba0f-93dd2bf1dd43","vcs":{"type":"git","revision":"9b1deb4d3b7d4bad9bdd2b0d7b3dcb6d00000000"},"files":[{"path":"src/a.rs","conversations":[{"contributor":{"type":"ai","model_id":"anthropic/claude-sonnet-4-5"},"ranges":[{"start_line":2,"end_line":4,"content_hash":"blake2s:80f43456f4e6972269d5eff2d2c86ec5ddcde67476a62a951f99bee953a6b697"}]}]}],"metadata":{"io.opencode.session_id":"ses_6c1c3f5d9ffe8aEBxK9FbF3VvC","io.opencode.call_id":"call_9f2b","io.opencode.exchange_ids":[7]}}"#;
        let record = Record { id: ID.into(), json: json.into(), root: "/ACME-1/repo".into() };
        let sent = told(&Item::Record(record), Some(&redactor));
        assert!(sent.contains(json), "{sent}");
        assert!(sent.contains("/[REDACTED]/repo"));
    }
}
