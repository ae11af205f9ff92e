//! Writes spools as the plugin does, for tests.

use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
};

use octrace_wire::{
    frame::{FLAG_LAST, Frame, Head, Kind},
    segment,
};
use serde_json::json;

pub(crate) struct Author {
    pub(crate) folder: PathBuf,
    /// The folder for temporary files.
    pub(crate) tmp: PathBuf,
    pid: u32,
    segment: u64,
    file: File,
    clock_us: u64,
    is_live: bool,
}

impl Author {
    /// A spool whose writer is dead: no process has the id 0.
    pub(crate) fn dead(root: &Path, name: &str) -> Self {
        Self::begin(root, name, 0)
    }

    /// A spool whose writer is this process.
    pub(crate) fn alive(root: &Path, name: &str) -> Self {
        Self::begin(root, name, std::process::id())
    }

    fn begin(root: &Path, name: &str, pid: u32) -> Self {
        let folder = root.join(name);
        let tmp = root.with_file_name("tmp");
        fs::create_dir_all(&folder).unwrap();
        fs::create_dir_all(&tmp).unwrap();
        let file = Self::segment(&folder, 1);
        let mut author =
            Self { folder, tmp, pid, segment: 1, file, clock_us: 1_000, is_live: false };
        author.hello("");
        author
    }

    fn segment(folder: &Path, number: u64) -> File {
        let path = folder.join(segment::file_name(number));
        let mut file = OpenOptions::new().create_new(true).append(true).open(path).unwrap();
        file.write_all(&segment::header(number)).unwrap();
        file
    }

    /// Begins the next segment.
    pub(crate) fn roll(&mut self) {
        self.roll_for("");
    }

    /// The same, for the tape in `home`.
    pub(crate) fn roll_for(&mut self, home: &str) {
        self.segment += 1;
        self.file = Self::segment(&self.folder, self.segment);
        self.hello(home);
    }

    fn hello(&mut self, home: &str) {
        let proc = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let stat = proc("/proc/self/stat");
        let start = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(19));
        let boot = match self.pid {
            0 => "an earlier boot".to_owned(),
            _ => proc("/proc/sys/kernel/random/boot_id").trim().to_owned(),
        };
        let hello = json!({
            "format": 1, "plugin": "0.1.0", "pid": self.pid,
            "process_start": if self.pid == 0 { "1" } else { start.unwrap_or_default() },
            "boot": boot,
            "cwd": "/project", "home": home, "run": "run-1", "salt": "00112233445566778899aabbccddeeff", "secrets": [],
            "settings": {"tmp": self.tmp},
        });
        self.json(Kind::Hello, 0, &hello);
    }

    /// From here on the time is that of now, as it is of files that are changed.
    pub(crate) fn goes_live(&mut self) {
        self.is_live = true;
        self.clock_us = super::clock::now_us().cast_unsigned();
    }

    pub(crate) fn event(&mut self, kind: &str, properties: &serde_json::Value) {
        let event = json!({"directory": "/project", "event": {"id": "evt_1", "type": kind, "properties": properties}});
        self.json(Kind::Event, 0, &event);
    }

    /// A hook was called.
    pub(crate) fn hook(&mut self, sent: &serde_json::Value) {
        self.json(Kind::Hook, 0, sent);
    }

    /// OpenCode works in a directory of a work tree.
    pub(crate) fn instance(&mut self, directory: &Path, worktree: &Path, project: &str) {
        let instance = json!({"directory": directory, "worktree": worktree, "project": project});
        self.json(Kind::Instance, 0, &instance);
    }

    /// An assistant message that answers `user`.
    pub(crate) fn assistant(&mut self, session: &str, user: &str, id: &str) {
        let created = self.clock_us / 1_000;
        self.event(
            "message.updated",
            &json!({"sessionID": session, "info": {"id": id, "sessionID": session, "role": "assistant",
                "parentID": user, "agent": "build", "time": {"created": created}}}),
        );
    }

    pub(crate) fn request(&mut self, number: u32, session: &str, message: &str, body: &str) {
        let head = json!({"method": "POST", "url": "http://127.0.0.1/v1/chat/completions",
            "headers": [["content-type", "application/json"], ["authorization", "[REDACTED]"]],
            "session": session, "message": message, "agent": "build", "provider": "mock", "model": "m1",
            "npm": "@ai-sdk/openai-compatible", "price": {"input": 3, "output": 15, "cache": {"read": 0.3, "write": 3.75}},
            "body_bytes": body.len(), "body": "text"});
        self.json(Kind::Request, number, &head);
        self.frame(Kind::RequestBody, FLAG_LAST, number, body.as_bytes());
    }

    pub(crate) fn response(&mut self, number: u32, status: u16) {
        let head = json!({"status": status, "status_text": "OK", "headers": [["content-type", "text/event-stream"]]});
        self.json(Kind::Response, number, &head);
    }

    pub(crate) fn chunk(&mut self, number: u32, text: &str) {
        self.frame(Kind::ResponseBody, 0, number, text.as_bytes());
    }

    pub(crate) fn end(&mut self, number: u32, outcome: &str) {
        self.json(Kind::End, number, &json!({"outcome": outcome, "bytes": 0, "chunks": 0}));
    }

    /// `/intercept` was typed.
    pub(crate) fn intercept(&mut self, token: &str, action: &str, session: &str) {
        let asked = json!({"token": token, "action": action, "session": session});
        self.json(Kind::Intercept, 0, &asked);
    }

    /// A file as a call of `ses_1` found it or left it; without bytes it is as `found` says.
    pub(crate) fn sees(&mut self, moment: &str, path: &str, found: &str, bytes: &[u8]) {
        let hash = if matches!(found, "bytes" | "same") { "5f" } else { "" };
        let file = json!({"directory": "/project", "session": "ses_1", "call": "call_1", "tool": "edit",
            "moment": moment, "path": path, "found": found, "size": bytes.len(), "hash": hash,
            "changed_us": 7});
        let bytes = if found == "bytes" { [b"\n", bytes].concat() } else { Vec::new() };
        self.frame(Kind::File, 0, 0, &[file.to_string().as_bytes(), &bytes].concat());
    }

    fn json(&mut self, kind: Kind, exchange: u32, payload: &serde_json::Value) {
        self.frame(kind, 0, exchange, payload.to_string().as_bytes());
    }

    pub(crate) fn frame(&mut self, kind: Kind, flags: u8, exchange: u32, payload: &[u8]) {
        self.clock_us += 1_000;
        if self.is_live {
            self.clock_us = self.clock_us.max(super::clock::now_us().cast_unsigned());
        }
        let head = Head { kind, flags, exchange, wall_us: self.clock_us, mono_us: self.clock_us };
        let mut bytes = Vec::new();
        Frame { head, payload }.encode(&mut bytes);
        self.raw(&bytes);
    }

    /// Bytes that need not be frames.
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.file.write_all(bytes).unwrap();
    }
}
