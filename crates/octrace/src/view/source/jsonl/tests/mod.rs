//! Files as they are and as they should not be, looked at from outside: by what is told.

mod changes;
mod figures;
mod odd;
mod stream;
mod writers;

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write as _,
    path::{Path, PathBuf},
};

use octrace_core::{
    search::Query,
    timeline::{ExchangeRow, Row, RowId},
};
use octrace_store::{
    follow::Step,
    read::{ExchangeDetail, SessionRow},
};
use octrace_view::terminal::data::{Answer, Ask};
use tempfile::TempDir;

use super::{JsonlSource, OpenError};
use crate::view::source::{Pace, Source};

/// Somebody who looks at files.
pub(super) struct Watch {
    source: JsonlSource,
    sessions: HashMap<String, SessionRow>,
    /// Of the session that was asked for.
    rows: BTreeMap<RowId, Row>,
    asked: Option<String>,
    trouble: Vec<String>,
    renewed: usize,
    found: Option<Vec<(String, i64)>>,
    is_complete: bool,
}

impl Watch {
    /// An exchange with both bodies.
    fn exchange(&mut self, id: i64) -> anyhow::Result<ExchangeDetail> {
        self.source.exchange(id, &[Step::Begin, Step::End])
    }

    pub(super) fn open(path: &Path, is_static: bool) -> Result<Self, OpenError> {
        let mut watch = Self {
            source: JsonlSource::open(path, is_static)?,
            sessions: HashMap::new(),
            rows: BTreeMap::new(),
            asked: None,
            trouble: Vec::new(),
            renewed: 0,
            found: None,
            is_complete: false,
        };
        watch.source.ask(Ask::Sessions, &mut |_| ());
        Ok(watch)
    }

    /// Everything that is there now.
    pub(super) fn of(path: &Path) -> Self {
        let mut watch = Self::open(path, true).unwrap();
        watch.settle();
        watch
    }

    /// Follows.
    pub(super) fn live(path: &Path) -> Self {
        let mut watch = Self::open(path, false).unwrap();
        watch.settle();
        watch
    }

    pub(super) fn step(&mut self) -> Pace {
        let mut answers = Vec::new();
        let pace = self.source.work(&mut |answer| answers.push(answer));
        let renewed = self.renewed;
        for answer in answers {
            self.take(answer);
        }
        // Questions were asked.
        if self.renewed > renewed { Pace::Busy } else { pace }
    }

    fn take(&mut self, answer: Answer) {
        match answer {
            Answer::Sessions { rows, gone, progress } => {
                self.sessions.extend(rows.into_iter().map(|row| (row.id.clone(), row)));
                self.sessions.retain(|id, _| !gone.contains(id));
                self.is_complete = progress.is_none();
            }
            Answer::Timeline { session, rows, gone, .. } => {
                if self.asked.as_ref() == Some(&session) {
                    self.rows.extend(rows.into_iter().map(|row| (row.id(), row)));
                    self.rows.retain(|id, _| !gone.contains(id));
                }
            }
            Answer::Page(..) => {}
            Answer::Found { places, .. } => self.found = Some(places),
            Answer::Renewed => {
                self.renewed += 1;
                self.sessions.clear();
                self.rows.clear();
                self.source.ask(Ask::Sessions, &mut |_| ());
                if let Some(session) = self.asked.clone() {
                    self.ask(&session);
                }
            }
            Answer::Trouble(trouble) => self.trouble.push(trouble),
        }
    }

    pub(super) fn settle(&mut self) {
        while self.step() == Pace::Busy {}
    }

    /// What is there now, without waiting for the next look.
    pub(super) fn look(&mut self) {
        self.source.looked = None;
        self.settle();
    }

    fn ask(&mut self, session: &str) {
        self.rows.clear();
        self.asked = Some(session.to_owned());
        self.source.ask(Ask::Timeline { session: session.to_owned() }, &mut |_| ());
    }

    pub(super) fn show(&mut self, session: &str) {
        self.ask(session);
        self.settle();
    }

    fn exchanges(&self) -> Vec<&ExchangeRow> {
        fn exchange(row: &Row) -> Option<&ExchangeRow> {
            match row {
                Row::Exchange(row) => Some(row),
                Row::Prompt(_) | Row::Tool(_) => None,
            }
        }
        self.rows.values().filter_map(exchange).collect()
    }

    fn find(&mut self, session: Option<&str>, words: &str) -> Vec<(String, i64)> {
        let ask =
            Ask::Find { session: session.map(str::to_owned), words: Query::parse(words).unwrap() };
        self.source.ask(ask, &mut |_| ());
        self.settle();
        self.found.take().unwrap()
    }

    /// What is told of the session, in a line for each row.
    pub(super) fn print(&self) -> String {
        let mut rows: Vec<_> = self.rows.values().collect();
        // A prompt, its exchange, its tools.
        let kind = |row: &Row| match row.id() {
            RowId::Prompt(_) => 0,
            RowId::Exchange(_) => 1,
            RowId::Tool(_) => 2,
        };
        rows.sort_by_key(|row| (row.at_us(), kind(row)));
        let mut out = String::new();
        for row in rows {
            out.push_str(&print(row));
            out.push('\n');
        }
        out
    }

    fn print_sessions(&self) -> String {
        let mut rows: Vec<_> = self.sessions.values().collect();
        rows.sort_by(|a, b| a.id.cmp(&b.id));
        let mut out = String::new();
        for row in rows {
            let SessionRow { id, title, models, totals, live, wire_bytes, .. } = row;
            let title = title.as_deref().unwrap_or("-");
            let (created, updated) = (row.created_us / 1_000_000, row.updated_us / 1_000_000);
            let used = (totals.usage.input, totals.usage.output);
            writeln!(
                out,
                "{id} {title:?} {created}..{updated} {models:?} {:?} {:?} {:?} requests={} errors={} used={used:?} bytes={wire_bytes} live={live}",
                row.agents, row.statuses, row.tools, totals.requests, totals.errors,
            )
            .unwrap();
        }
        out
    }
}

fn print(row: &Row) -> String {
    let at = row.at_us() / 1_000_000 % 1000;
    match row {
        Row::Prompt(row) => format!("{at} prompt {:?}", row.text.as_deref().unwrap_or("-")),
        Row::Exchange(row) => format!(
            "{at} #{} {} {} {} {:?} {} {}+{} previous={:?} {:?} try={} {:?} {:?} {:?} {:?}",
            row.ordinal,
            row.purpose.as_str(),
            row.agent.as_deref().unwrap_or("-"),
            row.model.as_deref().unwrap_or("-"),
            row.status,
            row.outcome.as_str(),
            row.request_bytes,
            row.response_bytes,
            row.previous,
            row.growth,
            row.attempt,
            row.end_after_us,
            row.usage.map(|usage| (usage.input, usage.output)),
            row.finish.as_deref().unwrap_or("-"),
            row.error.as_deref().unwrap_or("-"),
        ),
        Row::Tool(row) => format!(
            "{at} tool {} {:?} {:?} {:?}",
            row.tool,
            row.subject,
            row.status,
            row.error.as_deref().unwrap_or("-")
        ),
    }
}

/// A file in a folder of its own.
pub(super) struct Place {
    folder: TempDir,
}

impl Place {
    pub(super) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    pub(super) fn append(&self, name: &str, bytes: impl AsRef<[u8]>) {
        use std::io::Write;
        let mut file = std::fs::OpenOptions::new().append(true).open(self.path(name)).unwrap();
        file.write_all(bytes.as_ref()).unwrap();
    }
}

/// Lines as opencode-api-tracer writes them.
pub(super) mod tracer {
    use jiff::Timestamp;
    use serde_json::{Value, json};

    fn line(kind: &str, session: &str, id: u64, at: i64, more: &Value) -> String {
        let timestamp = Timestamp::from_millisecond(1_777_084_800_000 + at).unwrap();
        let mut line = json!({"kind": kind, "id": id, "timestamp": format!("{timestamp:.3}"),
            "sessionID": session, "method": "POST", "url": "https://api.example/v1/messages"});
        for (name, value) in more.as_object().unwrap() {
            line[name] = value.clone();
        }
        format!("{line}\n")
    }

    pub(in super::super) fn request(session: &str, id: u64, at: i64, body: &Value) -> String {
        let headers = json!({"authorization": "[REDACTED]", "content-type": "application/json"});
        line("request", session, id, at, &json!({"headers": headers, "body": body}))
    }

    pub(in super::super) fn response(
        session: &str,
        id: u64,
        at: i64,
        status: u16,
        body: &Value,
    ) -> String {
        let more = json!({"status": status, "statusText": "", "headers": {}, "body": body});
        line("response", session, id, at, &more)
    }

    pub(in super::super) fn error(session: &str, id: u64, at: i64, error: &str) -> String {
        line("error", session, id, at, &json!({ "error": error }))
    }

    /// A request that a user's `words` begin.
    pub(in super::super) fn asked(words: &str) -> Value {
        json!({"model": "claude-sonnet-4-5", "max_tokens": 9, "system": "You are",
            "messages": [{"role": "user", "content": words}], "tools": [{"name": "read"}]})
    }

    /// An answer of so many tokens, whole.
    pub(in super::super) fn said(text: &str, tokens: (u64, u64)) -> Value {
        json!({"type": "message", "model": "claude-sonnet-4-5", "content": [{"type": "text", "text": text}],
            "stop_reason": "end_turn", "usage": {"input_tokens": tokens.0, "output_tokens": tokens.1}})
    }
}
