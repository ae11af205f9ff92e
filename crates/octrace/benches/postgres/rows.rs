//! Events as a recording has them, and the same as rows of `COPY BINARY`.

use anyhow::Context;
use octrace_export::postgres::{Event, Item, event_id};
use serde_json::json;

/// Where a bare client puts them: the columns of `agent_trace_events` that say something, and no index.
pub(crate) const BARE_TABLE: &str = "CREATE TABLE bare (event_id uuid, event_name text, session_id text, message_id text, \
    call_id text, at timestamptz, payload jsonb)";

pub(crate) const BARE_COPY: &str = "COPY bare FROM STDIN (FORMAT binary)";

/// What tools give: source code.
const TEXT: &str = include_str!("main.rs");

/// 1 January 2000, µs since the Unix epoch: where Postgres begins to count.
const POSTGRES_EPOCH_US: i64 = 946_684_800_000_000;

/// So many events of a tool that has ended, of about 0.9 kB each; in each round others.
pub(crate) fn events(round: usize, count: usize) -> Vec<Item> {
    (0..count).map(|number| event(round, number)).collect()
}

fn event(round: usize, number: usize) -> Item {
    let lines: Vec<_> = TEXT.lines().cycle().skip(number % 60).take(12).collect();
    let id = |prefix: &str| format!("{prefix}_{:026x}", round * 1_000_000 + number);
    let payload = json!({"sessionID": "ses_0123456789abcdefghijklmnop", "time": 1_795_164_560_576_u64, "part": {
        "id": id("prt"), "messageID": id("msg"), "sessionID": "ses_0123456789abcdefghijklmnop", "type": "tool",
        "tool": "bash", "callID": id("call"), "state": {"status": "completed", "input": {"command": "cargo test"},
            "output": lines.join("\n"), "title": "cargo test", "metadata": {"exit": 0, "truncated": false},
            "time": {"start": 1_795_164_560_576_u64, "end": 1_795_164_560_616_u64}}}});
    Item::Event(Event {
        id: event_id(&format!("{round}-bench"), number as i64),
        name: "message.part.updated".to_owned(),
        session: Some("ses_0123456789abcdefghijklmnop".to_owned()),
        message: Some(id("msg")),
        call: Some(id("call")),
        at_us: 1_795_164_560_576_000 + number as i64,
        payload: payload.to_string(),
    })
}

/// Bytes of what such an event says, on average.
pub(crate) fn payload_bytes(count: usize) -> usize {
    let bytes = events(0, count).into_iter().map(|item| match item {
        Item::Event(event) => event.payload.len(),
        Item::Record(record) => record.json.len(),
    });
    bytes.sum::<usize>() / count.max(1)
}

/// What `COPY BINARY` takes for these.
pub(crate) fn binary(items: &[Item]) -> anyhow::Result<Vec<u8>> {
    let mut rows = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0".to_vec();
    for item in items {
        let Item::Event(event) = item else { continue };
        rows.extend(7_i16.to_be_bytes());
        let id = u128::from_str_radix(&event.id.replace('-', ""), 16).context("a UUID")?;
        field(&mut rows, &[&id.to_be_bytes()])?;
        field(&mut rows, &[event.name.as_bytes()])?;
        for text in [&event.session, &event.message, &event.call] {
            field(&mut rows, &[text.as_deref().unwrap_or_default().as_bytes()])?;
        }
        field(&mut rows, &[&(event.at_us - POSTGRES_EPOCH_US).to_be_bytes()])?;
        // The version of the binary format of jsonb.
        field(&mut rows, &[&[1], event.payload.as_bytes()])?;
    }
    rows.extend((-1_i16).to_be_bytes());
    Ok(rows)
}

fn field(rows: &mut Vec<u8>, pieces: &[&[u8]]) -> anyhow::Result<()> {
    let bytes: usize = pieces.iter().map(|piece| piece.len()).sum();
    rows.extend(i32::try_from(bytes)?.to_be_bytes());
    for piece in pieces {
        rows.extend_from_slice(piece);
    }
    Ok(())
}
