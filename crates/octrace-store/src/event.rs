//! Events on the tape: their bodies, without the long strings, which are parts.
//!
//! OpenCode tells in events what it sends to the model as well: prompts, answers, what tools gave. Both are printed
//! by the same `JSON.stringify`, so that the strings are the same bytes and are stored once. What was set aside from
//! a body stands in its row's `layout`: a list as of a request's body ([`crate::body`]), with one entry, whose part
//! is the row's own `body`.
//!
//! What only people are shown (`metadata`) stays in the body: it is the same text again, without line numbers, as a
//! preview, as a difference. So the body is compressed with what was set aside as its context
//! ([`crate::codec::Context`]).

use std::collections::{HashMap, hash_map::Entry};

use rusqlite::{Connection, Row, params};

use crate::{
    Error,
    body::{self, Insertion},
    codec::{Codec, MAX_SIZE},
    part::{Content, PartReader},
};

/// In a layout, the row's own body. No part has this id.
const OWN: i64 = 0;

/// The layout of a body from which this was set aside.
pub(crate) fn layout(insertions: Vec<Insertion>) -> Option<Vec<u8>> {
    if insertions.is_empty() {
        return None;
    }
    let own = body::Entry { part: OWN, comma: false, insertions };
    Some(body::encode(&[own], None).bytes)
}

/// A body as its row has it.
pub(crate) struct Stored {
    codec: i64,
    size: i64,
    body: Content,
    layout: Option<Vec<u8>>,
}

impl Stored {
    /// The columns that [`Stored::read`] wants.
    pub(crate) const COLUMNS: &str = "codec, size, body, layout";

    pub(crate) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let body = Content::read(row.get_ref("body")?);
        let layout = match row.get_ref("layout")? {
            rusqlite::types::ValueRef::Null => None,
            layout => Some(layout.as_blob().unwrap_or_default().to_vec()),
        };
        Ok(Self { codec: row.get("codec")?, size: row.get("size")?, body, layout })
    }

    fn entries(&self) -> Result<Vec<body::Entry>, Error> {
        Ok(match &self.layout {
            Some(layout) => body::decode(layout, None)?,
            None => vec![body::Entry { part: OWN, ..body::Entry::default() }],
        })
    }

    /// The parts that were set aside, with repetitions.
    pub(crate) fn parts(&self) -> Result<Vec<i64>, Error> {
        let entries = self.entries()?;
        let insertions = entries.iter().flat_map(|entry| &entry.insertions);
        Ok(insertions.map(|insertion| insertion.part).collect())
    }

    /// Whether it is as small as it is because of what was set aside.
    pub(crate) fn leans_on_its_parts(&self) -> bool {
        Codec::has_context(self.codec)
    }

    /// What is left of the body, without what was set aside.
    pub(crate) fn own(&self, parts: &mut PartReader<'_>) -> Result<Vec<u8>, Error> {
        let aside = self.parts()?.into_iter().map(|part| parts.get(part));
        let aside = aside.collect::<Result<Vec<_>, _>>()?;
        parts.decode((self.codec, self.size, &self.body), aside.iter().map(Vec::as_slice))
    }

    /// The body, as it was recorded.
    pub(crate) fn body(&self, parts: &mut PartReader<'_>) -> Result<Vec<u8>, Error> {
        if self.layout.is_none() {
            return parts.decode((self.codec, self.size, &self.body), []);
        }
        let entries = self.entries()?;
        let mut aside: HashMap<i64, Vec<u8>> = HashMap::new();
        let mut total = 0;
        for part in entries.iter().flat_map(|entry| &entry.insertions).map(|one| one.part) {
            if let Entry::Vacant(place) = aside.entry(part) {
                let bytes = place.insert(parts.get(part)?);
                total += bytes.len();
                if total > MAX_SIZE {
                    return Err(body::Error::TooBig.into());
                }
            }
        }
        let get = |part: i64| aside.get(&part).map(Vec::as_slice);
        let own = parts.decode(
            (self.codec, self.size, &self.body),
            entries.iter().flat_map(|entry| &entry.insertions).filter_map(|one| get(one.part)),
        )?;
        body::restore(&entries, |part, body| {
            body.extend_from_slice(if part == OWN { &own } else { get(part).unwrap_or_default() });
            Ok(())
        })
    }
}

/// Notes that the event has these parts.
pub(crate) fn note(
    tape: &Connection,
    event: i64,
    parts: impl IntoIterator<Item = i64>,
) -> Result<(), Error> {
    let mut insert =
        tape.prepare_cached("INSERT OR IGNORE INTO event_uses (part, event) VALUES (?1, ?2)")?;
    for part in parts {
        insert.execute(params![part, event])?;
    }
    Ok(())
}
