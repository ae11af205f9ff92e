//! Items as rows of `COPY` in its text format, and what else is blanked in them before.

use octrace_core::redact::Redactor;

use super::{Item, document::storable};

/// The columns, in the order of a row.
pub(super) const COPY: &str = "COPY pg_temp.agent_trace_incoming \
    (kind, id, name, session_id, message_id, call_id, at_us, root, document, altered) FROM STDIN";

/// An item's row, with its line end. `redactor` looks through what it says once more.
pub(super) fn row(item: &Item, redactor: Option<&Redactor>) -> Vec<u8> {
    let mut row = Row(Vec::new());
    match item {
        Item::Record(record) => {
            row.field("record");
            row.field(&record.id);
            for _name_to_time in 0..5 {
                row.null();
            }
            match redactor {
                _ if record.root.is_empty() => row.null(),
                Some(redactor) => row.field(redactor.text(&record.root).get()),
                None => row.field(&record.root),
            }
            row.document(&record.json, redactor);
        }
        Item::Event(event) => {
            row.field("event");
            row.field(&event.id);
            row.field(&event.name);
            for id in [&event.session, &event.message, &event.call] {
                match id {
                    Some(id) => row.field(id),
                    None => row.null(),
                }
            }
            row.field(&event.at_us.to_string());
            row.null();
            row.document(&event.payload, redactor);
        }
    }
    row.0
}

/// Fields with a tab after each.
struct Row(Vec<u8>);

impl Row {
    fn null(&mut self) {
        self.0.extend_from_slice(br"\N");
        self.0.push(b'\t');
    }

    fn field(&mut self, text: &str) {
        self.text(text);
        self.0.push(b'\t');
    }

    /// The document, whether it was altered, and the end.
    fn document(&mut self, json: &str, redactor: Option<&Redactor>) {
        let redacted = redactor.map(|redactor| redactor.json(json.as_bytes()).into_inner());
        let redacted = redacted.as_deref().map(String::from_utf8_lossy);
        let (document, altered) = storable(redacted.as_deref().unwrap_or(json));
        self.field(&document);
        self.text(if altered { "t" } else { "f" });
        self.0.push(b'\n');
    }

    fn text(&mut self, text: &str) {
        for byte in text.bytes() {
            match byte {
                b'\\' => self.0.extend_from_slice(br"\\"),
                b'\t' => self.0.extend_from_slice(br"\t"),
                b'\n' => self.0.extend_from_slice(br"\n"),
                b'\r' => self.0.extend_from_slice(br"\r"),
                // No text in Postgres has it.
                0 => self.0.extend_from_slice("\u{fffd}".as_bytes()),
                byte => self.0.push(byte),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use octrace_core::redact::Patterns;

    use super::*;
    use crate::postgres::{Event, Record};

    fn told(item: &Item, redactor: Option<&Redactor>) -> String {
        String::from_utf8(row(item, redactor)).unwrap()
    }

    fn event() -> Item {
        Item::Event(Event {
            id: "e1".to_owned(),
            name: "a\tb\\N".to_owned(),
            session: Some("s\0\r".to_owned()),
            at_us: -7,
            payload: r#"{"text":"line\nACME-17\u0000"}"#.to_owned(),
            ..Event::default()
        })
    }

    #[test]
    fn what_copy_would_take_for_its_own_is_escaped() {
        insta::assert_snapshot!(told(&event(), None), @r#"
        event	e1	a\tb\\N	s�\r	\N	\N	-7	\N	{"text":"line\\nACME-17\\ufffd"}	t
        "#);
    }

    #[test]
    fn a_record_goes_with_its_root() {
        let record = Record { id: "r1".into(), json: "{}".into(), root: "/repo".into() };
        insta::assert_snapshot!(told(&Item::Record(record.clone()), None), @r"
        record	r1	\N	\N	\N	\N	\N	/repo	{}	f
        ");
        let record = Record { root: String::new(), ..record };
        assert!(told(&Item::Record(record), None).contains("\\N\t{}\tf\n"));
    }

    #[test]
    fn what_the_users_patterns_match_is_blanked_and_a_record_stays_a_record() {
        let patterns = Patterns::new(&[r"ACME-\d+".to_owned()]).0;
        let redactor = Redactor::new("").with_patterns(&patterns);
        assert!(told(&event(), Some(&redactor)).contains(r"line\\n[REDACTED]\\ufffd"));
        let json = r#"{"version":"0.1.0","id":"a3b9936f-9dde-889d-ba0f-93dd2bf1dd43","vcs":{"type":"git","revision":"9b1deb4d3b7d4bad9bdd2b0d7b3dcb6d00000000"},"files":[{"path":"src/a.rs","conversations":[{"contributor":{"type":"ai","model_id":"anthropic/claude-sonnet-4-5"},"ranges":[{"start_line":2,"end_line":4,"content_hash":"blake2s:80f43456f4e6972269d5eff2d2c86ec5ddcde67476a62a951f99bee953a6b697"}]}]}],"metadata":{"io.opencode.session_id":"ses_6c1c3f5d9ffe8aEBxK9FbF3VvC","io.opencode.call_id":"call_9f2b","io.opencode.exchange_ids":[7]}}"#;
        let record = Record { id: "r1".into(), json: json.into(), root: "/ACME-1/repo".into() };
        let sent = told(&Item::Record(record), Some(&redactor));
        assert!(sent.contains(json), "{sent}");
        assert!(sent.contains("\t/[REDACTED]/repo\t"));
    }
}
