//! What the tests have in common: a scripted server, a home, and the commands.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, ensure};
use octrace_testkit::{
    Home, Output, Run,
    script::{Script, Seen, Server},
};
use serde_json::Value;

/// The binary under test.
pub(crate) const OCTRACE: &str = env!("CARGO_BIN_EXE_octrace");

pub(crate) struct Stage {
    pub(crate) server: Server,
    pub(crate) home: Home,
}

impl Stage {
    pub(crate) fn new(script: Script) -> anyhow::Result<Self> {
        let server = Server::start(script)?;
        let home = Home::new(&server.url())?;
        Ok(Self { server, home })
    }

    /// octrace with these arguments.
    pub(crate) fn octrace<const N: usize>(&self, arguments: [&str; N]) -> Run {
        self.home.octrace(OCTRACE, arguments)
    }

    /// `octrace run -- opencode run …`
    pub(crate) fn run(&self, model: &str, prompt: &str) -> Run {
        self.octrace(["run", "--", "opencode", "run", "--model", model, prompt])
    }

    /// `octrace run -- opencode serve` on a free port, for [`octrace_testkit::Serve::of`].
    pub(crate) fn serve(&self) -> Run {
        let port = ["--hostname", "127.0.0.1", "--port", "0"];
        self.octrace(["run", "--", "opencode", "serve"]).args(port)
    }

    /// Waits until everything is on the tape.
    pub(crate) fn flush(&self) -> anyhow::Result<()> {
        self.octrace(["flush"]).output()?.success()?;
        Ok(())
    }

    /// `octrace … --json`
    pub(crate) fn json<const N: usize>(&self, arguments: [&str; N]) -> anyhow::Result<Value> {
        let output = self.octrace(arguments).arg("--json").output()?.success()?;
        serde_json::from_str(&output.stdout).with_context(|| output.stdout)
    }

    /// The ids of the sessions that are no sub-agents', oldest first.
    pub(crate) fn sessions(&self) -> anyhow::Result<Vec<String>> {
        let rows = self.json(["sessions"])?;
        let rows = rows.as_array().context("a list")?.iter().rev();
        let roots = rows.filter(|row| row["parent"].is_null());
        Ok(roots.filter_map(|row| row["id"].as_str()).map(str::to_owned).collect())
    }

    /// A session as `show --json` gives it.
    pub(crate) fn show(&self, session: &str) -> anyhow::Result<Value> {
        Ok(self.json(["show", session])?["session"].take())
    }

    /// The only session.
    pub(crate) fn only(&self) -> anyhow::Result<Value> {
        let sessions = self.sessions()?;
        ensure!(sessions.len() == 1, "{sessions:?}");
        self.show(&sessions[0])
    }

    /// A request's body as recorded: `request ID --raw --body`.
    pub(crate) fn body(&self, exchange: &Value) -> anyhow::Result<String> {
        let id = exchange["id"].to_string();
        Ok(self.octrace(["request", &id, "--raw"]).output()?.success()?.stdout)
    }

    /// What the server received, apart from titles, in order.
    pub(crate) fn asked(&self) -> Vec<Seen> {
        self.server.requests().into_iter().filter(|seen| !seen.is_title).collect()
    }

    /// Every file that octrace keeps, with its bytes: tape, its log and index, logs; not the spool.
    pub(crate) fn kept(&self) -> anyhow::Result<Vec<(PathBuf, Vec<u8>)>> {
        let mut files = Vec::new();
        for folder in [self.home.data().join("octrace"), self.home.state().join("octrace")] {
            collect(&folder, &mut files)?;
        }
        Ok(files)
    }

    /// The spools that are there.
    pub(crate) fn spools(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.home.runtime().join("octrace"));
        entries.into_iter().flatten().flatten().map(|entry| entry.path()).collect()
    }
}

/// All regular files under `folder`.
pub(crate) fn collect(folder: &Path, files: &mut Vec<(PathBuf, Vec<u8>)>) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.is_file() {
            files.push((path.clone(), fs::read(&path)?));
        }
    }
    Ok(())
}

/// Fails where one of `secrets` is in one of these files.
pub(crate) fn ensure_hidden(files: &[(PathBuf, Vec<u8>)], secrets: &[&str]) -> anyhow::Result<()> {
    for (path, bytes) in files {
        for secret in secrets {
            let found = memchr::memmem::find(bytes, secret.as_bytes());
            ensure!(found.is_none(), "{secret} in {}", path.display());
        }
    }
    Ok(())
}

/// The model calls of a session, turn after turn.
pub(crate) fn calls(session: &Value) -> Vec<&Value> {
    let turns = session["turns"].as_array().into_iter().flatten();
    turns.flat_map(|turn| turn["calls"].as_array().into_iter().flatten()).collect()
}

/// Those that serve the conversation.
pub(crate) fn main_calls(session: &Value) -> Vec<&Value> {
    calls(session).into_iter().filter(|call| call["purpose"] == "main").collect()
}

/// The attempts of a call.
pub(crate) fn attempts(call: &Value) -> Vec<&Value> {
    call["attempts"].as_array().into_iter().flatten().collect()
}

/// The tools of a session, in order.
pub(crate) fn tools(session: &Value) -> Vec<&Value> {
    let tools = calls(session).into_iter().map(|call| call["tools"].as_array());
    tools.flatten().flatten().collect()
}

/// Whether `octrace run` ended as it should, and recorded something.
pub(crate) fn recorded(output: &Output) -> bool {
    output.stderr.contains("octrace: recorded")
}
