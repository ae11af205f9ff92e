//! Writes spools as the plugin does, for what reads them: frame for frame, in segments of the same length.
//!
//! It panics where a file cannot be written.

use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use octrace_store::Position;
use octrace_wire::{
    frame::{FLAG_LAST, Frame, Head, Kind, MAX_PAYLOAD},
    payload::{SecretPrint, Secrets},
    segment,
};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::session::{Session, Turn};

/// Of every spool that is written here.
const SALT: [u8; 16] =
    [0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff];

/// A spool, and who writes it.
pub struct Author {
    /// The spool's folder.
    pub folder: PathBuf,
    /// The folder for temporary files.
    pub tmp: PathBuf,
    pid: u32,
    /// Whose tape it is for; empty: anybody's.
    home: String,
    /// What OpenCode has credentials of.
    secrets: Vec<SecretPrint>,
    file: File,
    /// Behind the last frame.
    position: Position,
    clock_us: u64,
    is_live: bool,
}

impl Author {
    /// A spool whose writer is dead: no process has the id 0.
    pub fn dead(root: &Path, name: &str) -> Self {
        Self::begin(root, name, 0)
    }

    /// A spool whose writer is this process.
    pub fn alive(root: &Path, name: &str) -> Self {
        Self::begin(root, name, std::process::id())
    }

    fn begin(root: &Path, name: &str, pid: u32) -> Self {
        let folder = root.join(name);
        let tmp = root.with_file_name("tmp");
        fs::create_dir_all(&folder).expect("the spool's folder can be made");
        fs::create_dir_all(&tmp).expect("the folder for temporary files can be made");
        let position = Position { segment: 1, offset: segment::HEADER as u64 };
        let file = Self::segment(&folder, position.segment);
        let mut author = Self {
            folder,
            tmp,
            pid,
            home: String::new(),
            secrets: Vec::new(),
            file,
            position,
            clock_us: 1_000,
            is_live: false,
        };
        author.hello();
        author
    }

    fn segment(folder: &Path, number: u64) -> File {
        let path = folder.join(segment::file_name(number));
        let new = OpenOptions::new().create_new(true).append(true).open(path);
        let mut file = new.expect("a segment can be made");
        file.write_all(&segment::header(number)).expect("a segment can be written");
        file
    }

    /// Where what is written next will begin.
    pub fn position(&self) -> Position {
        self.position
    }

    /// Begins the next segment. Else that happens where the plugin would do it.
    pub fn roll(&mut self) {
        let segment = self.position.segment + 1;
        self.position = Position { segment, offset: segment::HEADER as u64 };
        self.file = Self::segment(&self.folder, segment);
        self.hello();
    }

    /// The same; from here on it is for the tape in `home`.
    pub fn roll_for(&mut self, home: &str) {
        home.clone_into(&mut self.home);
        self.roll();
    }

    fn hello(&mut self) {
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
            "cwd": "/project", "home": self.home, "run": "run-1", "salt": hex(&SALT), "secrets": self.secrets,
            "settings": {"tmp": self.tmp},
        });
        self.json(Kind::Hello, 0, &hello);
    }

    /// OpenCode has these credentials.
    pub fn knows(&mut self, credentials: &[&str]) {
        let secrets: Vec<_> = credentials.iter().map(|value| print(value)).collect();
        self.secrets.extend_from_slice(&secrets);
        self.json(Kind::Secrets, 0, &json!(Secrets { secrets }));
    }

    /// From here on the time is that of now, as it is of files that are changed.
    pub fn goes_live(&mut self) {
        self.is_live = true;
        self.clock_us = now_us();
    }

    /// OpenCode says something.
    pub fn event(&mut self, kind: &str, properties: &serde_json::Value) {
        let event = json!({"directory": "/project", "event": {"id": "evt_1", "type": kind, "properties": properties}});
        self.json(Kind::Event, 0, &event);
    }

    /// A hook was called.
    pub fn hook(&mut self, sent: &serde_json::Value) {
        self.json(Kind::Hook, 0, sent);
    }

    /// OpenCode works in a directory of a work tree.
    pub fn instance(&mut self, directory: &Path, worktree: &Path, project: &str) {
        let instance = json!({"directory": directory, "worktree": worktree, "project": project});
        self.json(Kind::Instance, 0, &instance);
    }

    /// An assistant message that answers `user`.
    pub fn assistant(&mut self, session: &str, user: &str, id: &str) {
        let created = self.clock_us / 1_000;
        self.event(
            "message.updated",
            &json!({"sessionID": session, "info": {"id": id, "sessionID": session, "role": "assistant",
                "parentID": user, "agent": "build", "time": {"created": created}}}),
        );
    }

    /// A turn of a long session begins: what OpenCode says before it asks, and the request.
    pub fn asks(&mut self, number: u32, session: &Session, turn: &Turn) {
        for (kind, properties) in &turn.before {
            self.event(kind, properties);
        }
        let head = json!({"method": "POST", "url": session.url(),
            "headers": [["content-type", "application/json"], ["user-agent", "opencode/1.18.33"],
                ["authorization", "[REDACTED]"]],
            "session": Session::ID, "message": turn.message, "agent": "build", "provider": "p", "model": "m",
            "npm": session.npm(), "price": {"input": 3, "output": 15, "cache": {"read": 0.3, "write": 3.75}},
            "body_bytes": turn.request.len(), "body": "text"});
        self.json(Kind::Request, number, &head);
        let mut frames = turn.request.as_bytes().chunks(MAX_PAYLOAD).peekable();
        while let Some(bytes) = frames.next() {
            let flags = if frames.peek().is_none() { FLAG_LAST } else { 0 };
            self.frame(Kind::RequestBody, flags, number, bytes);
        }
    }

    /// The turn is answered: the answer in its chunks, and what OpenCode says after it.
    pub fn is_answered(&mut self, number: u32, turn: &Turn) {
        self.response(number, 200);
        for chunk in &turn.answer {
            self.chunk(number, chunk);
        }
        self.end(number, "complete");
        for (kind, properties) in &turn.after {
            self.event(kind, properties);
        }
    }

    /// A request with this body; `number` goes up from 1 in a spool.
    pub fn request(&mut self, number: u32, session: &str, message: &str, body: &str) {
        let head = json!({"method": "POST", "url": "http://127.0.0.1/v1/chat/completions",
            "headers": [["content-type", "application/json"], ["authorization", "[REDACTED]"]],
            "session": session, "message": message, "agent": "build", "provider": "mock", "model": "m1",
            "npm": "@ai-sdk/openai-compatible", "price": {"input": 3, "output": 15, "cache": {"read": 0.3, "write": 3.75}},
            "body_bytes": body.len(), "body": "text"});
        self.json(Kind::Request, number, &head);
        self.frame(Kind::RequestBody, FLAG_LAST, number, body.as_bytes());
    }

    /// Status and headers of its answer, which is streamed.
    pub fn response(&mut self, number: u32, status: u16) {
        let head = json!({"status": status, "status_text": "OK", "headers": [["content-type", "text/event-stream"]]});
        self.json(Kind::Response, number, &head);
    }

    /// The next piece of the answer.
    pub fn chunk(&mut self, number: u32, text: &str) {
        self.frame(Kind::ResponseBody, 0, number, text.as_bytes());
    }

    /// The exchange is over; `outcome` is one of the wire's words.
    pub fn end(&mut self, number: u32, outcome: &str) {
        self.json(Kind::End, number, &json!({"outcome": outcome, "bytes": 0, "chunks": 0}));
    }

    /// `/intercept` was typed.
    pub fn intercept(&mut self, token: &str, action: &str, session: &str) {
        let asked = json!({"token": token, "action": action, "session": session});
        self.json(Kind::Intercept, 0, &asked);
    }

    /// A file as a call of `ses_1` found it or left it; without bytes it is as `found` says.
    pub fn sees(&mut self, moment: &str, path: &str, found: &str, bytes: &[u8]) {
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

    /// Any frame.
    pub fn frame(&mut self, kind: Kind, flags: u8, exchange: u32, payload: &[u8]) {
        if self.position.offset >= segment::ROLL_AT {
            self.roll();
        }
        self.clock_us += 1_000;
        if self.is_live {
            self.clock_us = self.clock_us.max(now_us());
        }
        let head = Head { kind, flags, exchange, wall_us: self.clock_us, mono_us: self.clock_us };
        let mut bytes = Vec::new();
        Frame { head, payload }.encode(&mut bytes);
        self.raw(&bytes);
    }

    /// Bytes that need not be frames.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.file.write_all(bytes).expect("a segment can be written");
        self.position.offset += bytes.len() as u64;
    }
}

fn now_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// As the plugin tells of a credential.
fn print(value: &str) -> SecretPrint {
    let [first, second, third, fourth, ..] = SALT;
    let base = u32::from_le_bytes([first, second, third, fourth]) & !3 | 1;
    let step = |hash: u32, byte| hash.wrapping_mul(base).wrapping_add(u32::from(byte));
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    SecretPrint {
        length: u32::try_from(value.len()).unwrap_or(u32::MAX),
        rolling: value.bytes().fold(0, step),
        sha256: hex(&Sha256::new().chain_update(SALT).chain_update(value).finalize()),
        token: value.bytes().all(is_token),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
