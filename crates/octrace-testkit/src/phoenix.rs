//! Real receivers of traces, from PyPI, which the slow tests ask what they understood: Phoenix, and rotel before it.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicU16, Ordering},
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use serde_json::{Value, json};

use crate::{eventually, http, supervised::Supervised};

/// Phoenix takes its time to begin with.
const PATIENCE: Duration = Duration::from_secs(180);

/// A Phoenix with nothing in it.
pub struct Phoenix {
    address: String,
    _server: Supervised,
}

impl Phoenix {
    /// Starts one and waits until it answers.
    ///
    /// # Errors
    /// When there is none, or it does not answer.
    pub fn start() -> anyhow::Result<Self> {
        let folder = folder()?;
        let (port, grpc) = (free_port()?, free_port()?);
        let mut server = program("phoenix")?;
        server.arg("serve");
        server.env("PHOENIX_WORKING_DIR", &folder).env("HOME", &folder);
        server.env("PHOENIX_HOST", "127.0.0.1").env("PHOENIX_PORT", port.to_string());
        server.env("PHOENIX_GRPC_PORT", grpc.to_string());
        server.env("PHOENIX_TELEMETRY_ENABLED", "false");
        let server = Supervised::start(&server, &folder, "KILL")?;
        let address = format!("127.0.0.1:{port}");
        eventually(PATIENCE, || get(&address, "/healthz")?.success())
            .with_context(|| format!("Phoenix does not start: {}", Supervised::log(&folder)))?;
        Ok(Self { address, _server: server })
    }

    /// `http://127.0.0.1:<port>`
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every span of a project, as its API gives them: `name`, `span_kind`, `status_code`, `parent_id`, `context`,
    /// `attributes`, `events`, …
    ///
    /// # Errors
    /// When it does not answer, or knows no such project.
    pub fn spans(&self, project: &str) -> anyhow::Result<Vec<Value>> {
        let mut spans = Vec::new();
        let mut cursor = String::new();
        loop {
            let path = format!("/v1/projects/{project}/spans?limit=100{cursor}");
            let page = get(&self.address, &path)?.success()?.json();
            spans.extend(page["data"].as_array().cloned().unwrap_or_default());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Ok(spans),
            }
        }
    }

    /// What its GraphQL interface answers.
    ///
    /// # Errors
    /// When it does not answer, or finds fault with the query.
    pub fn query(&self, query: &str) -> anyhow::Result<Value> {
        let body = json!({"query": query});
        let reply = http::request(&self.address, "POST", "/graphql", &body, PATIENCE)?;
        let mut reply = reply.success()?.json();
        ensure!(reply["errors"].is_null(), "{}", reply["errors"]);
        Ok(reply["data"].take())
    }
}

/// An agent that takes traces and hands them on.
pub struct Rotel {
    address: String,
    folder: PathBuf,
    _server: Supervised,
}

impl Rotel {
    /// Starts one that hands everything on to the receiver at this URL, and waits until it listens.
    ///
    /// # Errors
    /// When there is none, or it does not listen.
    pub fn start(to: &str) -> anyhow::Result<Self> {
        let folder = folder()?;
        let (http, grpc) = (free_port()?, free_port()?);
        let address = format!("127.0.0.1:{http}");
        let mut server = Command::new(agent()?);
        server.arg("start").env("HOME", &folder);
        server.args(["--pid-file", &folder.join("pid").to_string_lossy()]);
        server.args(["--otlp-http-endpoint", &address]);
        server.args(["--otlp-grpc-endpoint", &format!("127.0.0.1:{grpc}")]);
        server.args(["--exporter", "otlp", "--otlp-exporter-endpoint", to]);
        server.args(["--otlp-exporter-protocol", "http"]);
        let server = Supervised::start(&server, &folder, "KILL")?;
        eventually(PATIENCE, || std::net::TcpStream::connect(&address))
            .with_context(|| format!("rotel does not start: {}", Supervised::log(&folder)))?;
        Ok(Self { address, folder, _server: server })
    }

    /// `http://127.0.0.1:<port>`
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it has said so far.
    pub fn log(&self) -> String {
        Supervised::log(&self.folder)
    }
}

fn get(address: &str, path: &str) -> anyhow::Result<http::Reply> {
    http::request(address, "GET", path, &Value::Null, PATIENCE)
}

fn folder() -> anyhow::Result<PathBuf> {
    Ok(tempfile::Builder::new().prefix("octrace-receiver-").tempdir()?.keep())
}

/// A port that nobody listens on, below those that the system gives to whoever asks for any: it takes a while until it is
/// taken.
fn free_port() -> anyhow::Result<u16> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let begin = std::process::id() % 10_000;
    let ports = std::iter::repeat_with(|| u32::from(NEXT.fetch_add(1, Ordering::Relaxed)));
    let ports =
        ports.take(1_000).filter_map(|at| u16::try_from(20_000 + (begin + at) % 10_000).ok());
    let mut free = ports.filter(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
    free.next().context("no port is free")
}

fn program(name: &str) -> anyhow::Result<Command> {
    let path = environment()?.join("bin").join(name);
    ensure!(path.is_file(), "there is no {}", path.display());
    Ok(Command::new(path))
}

/// rotel's own program starts this one and stays without a use.
fn agent() -> anyhow::Result<PathBuf> {
    let libraries = environment()?.join("lib");
    for python in fs::read_dir(&libraries)?.flatten() {
        let path = python.path().join("site-packages/rotel/rotel-agent");
        if path.is_file() {
            return Ok(path);
        }
    }
    bail!("there is no rotel in {}", libraries.display());
}

/// Python's environment with both: `OCTRACE_TEST_RECEIVERS`, else what `cargo xtask test --only receivers` makes.
fn environment() -> anyhow::Result<PathBuf> {
    if let Some(path) = std::env::var_os("OCTRACE_TEST_RECEIVERS") {
        return Ok(PathBuf::from(path));
    }
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
    let path = workspace.context("the testkit is two folders down")?.join("target/receivers");
    ensure!(
        path.is_dir(),
        "there are no receivers at {}; run `cargo xtask test --only receivers`",
        path.display()
    );
    Ok(path)
}
