//! Servers that end with whoever started them.
//!
//! Nothing is run when a static goes, or a test process is killed. So a server's parent is a shell that reads from a pipe
//! of ours: whenever that ends, however we ended, it ends the server and removes its folder.

use std::{
    fs,
    io::Write as _,
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Child, Command, Stdio},
};

use anyhow::Context;

/// Reads `keep` when the server is only to stop.
const SUPERVISOR: &str = r#"
folder=$1; signal=$2; shift 2
"$@" >>"$folder/log" 2>&1 &
server=$!
read -r word
kill -"$signal" "$server" 2>/dev/null
wait "$server"
[ "$word" = keep ] || rm -rf "$folder"
"#;

/// A server at work. Dropping it ends it and removes its folder.
pub(crate) struct Supervised {
    shell: Child,
}

impl Supervised {
    /// Starts the server with what it prints in `folder`, which is its own. `signal` is what ends it at once: `KILL`, but for
    /// those that have children.
    pub(crate) fn start(server: &Command, folder: &Path, signal: &str) -> anyhow::Result<Self> {
        let mut shell = Command::new("sh");
        shell.args(["-c", SUPERVISOR, "sh"]).arg(folder).arg(signal);
        shell.arg(server.get_program()).args(server.get_args());
        for (name, value) in server.get_envs() {
            if let Some(value) = value {
                shell.env(name, value);
            }
        }
        // An interrupt at the keyboard is for us; the shell has to outlive it.
        shell.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(Self { shell: shell.spawn().context("sh does not start")? })
    }

    /// Stops the server at once, as a crash does; its folder stays.
    pub(crate) fn stop(mut self) -> anyhow::Result<()> {
        self.shell.stdin.take().context("no pipe")?.write_all(b"keep\n")?;
        self.shell.wait()?;
        Ok(())
    }

    /// What the server of this folder has said so far.
    pub(crate) fn log(folder: &Path) -> String {
        fs::read_to_string(folder.join("log")).unwrap_or_default()
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        self.shell.stdin = None;
        // An error means that it is gone.
        self.shell.wait().ok();
    }
}
