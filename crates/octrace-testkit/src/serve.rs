//! `opencode serve` and its HTTP interface.

use std::path::Path;

use anyhow::Context;
use serde_json::{Value, json};

use crate::{
    PATIENCE,
    home::Home,
    http::{self, Reply},
    process::{Run, Running},
};

/// What OpenCode prints before its address.
const LISTENING: &str = "opencode server listening on http://";

/// A running `opencode serve`. Dropping it kills it.
pub struct Serve {
    running: Running,
    address: String,
}

impl Serve {
    /// Starts `opencode serve` on a free port and waits until it listens.
    ///
    /// # Errors
    /// When it does not listen in time.
    pub fn start(home: &Home) -> anyhow::Result<Self> {
        Self::of(home.opencode(["serve", "--hostname", "127.0.0.1", "--port", "0"]))
    }

    /// The same for a command of one's own that ends in `opencode serve`.
    ///
    /// # Errors
    /// When it does not print an address in time.
    pub fn of(command: Run) -> anyhow::Result<Self> {
        let mut running = command.spawn()?;
        let printed = running.wait_for_stdout(LISTENING)?;
        let address = printed
            .split(LISTENING)
            .nth(1)
            .and_then(|rest| rest.split_whitespace().next())
            .context("no address printed")?
            .to_owned();
        Ok(Self { running, address })
    }

    /// The process, to look at or to kill.
    pub fn process(&mut self) -> &mut Running {
        &mut self.running
    }

    /// Any request for the project in `dir`. `path` begins with `/` and has no query; a null body is
    /// no body.
    ///
    /// # Errors
    /// When no answer comes; an error status is none.
    pub fn request(
        &self,
        method: &str,
        dir: &Path,
        path: &str,
        body: &Value,
    ) -> anyhow::Result<Reply> {
        let path = format!("{path}?directory={}", escaped(dir));
        http::request(&self.address, method, &path, body, PATIENCE)
    }

    /// Creates a session and gives its id.
    ///
    /// # Errors
    /// When OpenCode does not answer with one.
    pub fn session(&self, dir: &Path) -> anyhow::Result<String> {
        let reply = self.request("POST", dir, "/session", &json!({}))?.success()?.json();
        Ok(reply["id"].as_str().context("a session without an id")?.to_owned())
    }

    /// Sends a prompt and waits for the answer: `{info, parts}` of the assistant's message.
    ///
    /// # Errors
    /// When OpenCode answers with an error or not in time. A model's error is in the message.
    pub fn prompt(
        &self,
        dir: &Path,
        session: &str,
        model: &str,
        prompt: &str,
    ) -> anyhow::Result<Value> {
        let path = format!("/session/{session}/message");
        Ok(self.request("POST", dir, &path, &message(model, prompt))?.success()?.json())
    }

    /// Sends a prompt and does not wait for the answer.
    ///
    /// # Errors
    /// When OpenCode does not accept it.
    pub fn send(&self, dir: &Path, session: &str, model: &str, prompt: &str) -> anyhow::Result<()> {
        let path = format!("/session/{session}/prompt_async");
        self.request("POST", dir, &path, &message(model, prompt))?.success()?;
        Ok(())
    }

    /// Aborts what the session is doing, as the user does with Escape.
    ///
    /// # Errors
    /// When OpenCode does not accept it.
    pub fn abort(&self, dir: &Path, session: &str) -> anyhow::Result<()> {
        let path = format!("/session/{session}/abort");
        self.request("POST", dir, &path, &json!({}))?.success()?;
        Ok(())
    }

    /// All messages of a session: `[{info, parts}]`.
    ///
    /// # Errors
    /// When OpenCode does not know the session.
    pub fn messages(&self, dir: &Path, session: &str) -> anyhow::Result<Value> {
        let path = format!("/session/{session}/message");
        Ok(self.request("GET", dir, &path, &Value::Null)?.success()?.json())
    }
}

fn message(model: &str, prompt: &str) -> Value {
    let (provider, model) = model.split_once('/').unwrap_or(("mock", model));
    json!({
        "model": {"providerID": provider, "modelID": model},
        "parts": [{"type": "text", "text": prompt}],
    })
}

/// A path in a query: everything but letters, digits, `/`, `-`, `_` and `.` in per cent.
fn escaped(path: &Path) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/-_.".contains(byte);
    let bytes = path.as_os_str().as_encoded_bytes().iter();
    bytes
        .map(|byte| match plain(byte) {
            true => char::from(*byte).to_string(),
            false => format!("%{byte:02X}"),
        })
        .collect()
}
