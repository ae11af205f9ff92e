//! The throw-away home in which the demo happens: a configuration, a git project, and an environment into
//! which nothing of the user's leaks.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::Context;
use tempfile::TempDir;

use super::packages::{self, State};
use crate::paths::{create_folder, replace_file};

/// What a program needs of the user's environment to run and to print readably.
const KEPT: [&str; 9] =
    ["PATH", "TERM", "COLORTERM", "NO_COLOR", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR"];

/// `<provider>/<model>`, named so that nobody takes it for a real one.
pub(crate) const MODEL: &str = "demo/scripted-model";

/// A home that is gone when this is dropped.
pub(crate) struct Showcase {
    dir: TempDir,
    /// Apart from `dir`, since it should be in memory where the system has memory for it.
    runtime: TempDir,
    tape: PathBuf,
}

impl Showcase {
    /// Sets it up for a model server at `url`; what is recorded goes to the octrace home `tape`.
    ///
    /// # Errors
    /// When folders cannot be written.
    pub(crate) fn new(url: &str, tape: &Path) -> anyhow::Result<Self> {
        let folder = |parent: &Path| {
            tempfile::Builder::new()
                .prefix("octrace-demo-")
                .tempdir_in(parent)
                .with_context(|| format!("cannot create a folder in {}", parent.display()))
        };
        let dir = folder(&env::temp_dir())?;
        let runtime = folder(Path::new("/dev/shm")).or_else(|_| folder(&env::temp_dir()))?;
        let showcase = Self { dir, runtime, tape: tape.to_owned() };
        showcase.fill(url).context("cannot set up the demo's home")?;
        Ok(showcase)
    }

    fn fill(&self, url: &str) -> anyhow::Result<()> {
        let config = self.at("config/opencode");
        create_folder(&config)?;
        create_folder(&self.project())?;
        replace_file(&config.join("opencode.json"), configuration(url).as_bytes())?;
        if let State::Waits(missing) = packages::look(&config) {
            packages::make(&config, &missing)?;
        }
        fs::write(self.project().join("README.md"), "# Greetings\n\nScripts that greet.\n")?;
        for arguments in
            [&["init", "--quiet"][..], &["add", "--all"], &["commit", "--quiet", "--message=Begin"]]
        {
            // Without git it is a project all the same.
            self.command("git".as_ref())
                .args(["-c", "user.name=Demo", "-c", "user.email=demo@example.invalid"])
                .args(arguments)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .ok();
        }
        Ok(())
    }

    /// The project in which OpenCode works.
    pub(crate) fn project(&self) -> PathBuf {
        self.at("project")
    }

    /// Where its spools are.
    pub(crate) fn spool_root(&self) -> PathBuf {
        self.runtime.path().join("octrace")
    }

    /// A program in this home, started in the project.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .envs(KEPT.iter().filter_map(|name| Some((name, env::var_os(name)?))))
            .env("HOME", self.dir.path())
            .env("XDG_CONFIG_HOME", self.at("config"))
            .env("XDG_DATA_HOME", self.at("data"))
            .env("XDG_STATE_HOME", self.at("state"))
            .env("XDG_CACHE_HOME", self.at("cache"))
            .env("XDG_RUNTIME_DIR", self.runtime.path())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("OPENCODE_DISABLE_AUTOUPDATE", "1")
            .env("OPENCODE_DISABLE_MODELS_FETCH", "1")
            .env("OCTRACE_HOME", &self.tape)
            .env("PWD", self.project())
            .current_dir(self.project())
            .stdin(Stdio::null());
        command
    }

    fn at(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }
}

fn configuration(url: &str) -> String {
    serde_json::json!({
        "$schema": "https://opencode.ai/config.json",
        "model": MODEL,
        "small_model": MODEL,
        "share": "disabled",
        "permission": { "edit": "allow", "bash": "allow", "external_directory": "deny" },
        "provider": { "demo": {
            "name": "Demo",
            "npm": "@ai-sdk/anthropic",
            "options": { "baseURL": format!("{url}/v1"), "apiKey": "demo" },
            "models": { "scripted-model": {
                "name": "Scripted model",
                "reasoning": true,
                "limit": { "context": 200_000, "output": 16_000 },
                "cost": { "input": 3, "output": 15, "cache_read": 0.3, "cache_write": 3.75 },
            } },
        } },
    })
    .to_string()
}
