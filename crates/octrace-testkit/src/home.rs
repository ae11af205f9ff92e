//! A throw-away home with OpenCode set up for the scripted server.

use std::{
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::{
    eventually,
    opencode::{OpenCode, VERSION},
    process::{Run, git},
};

/// A provider in the home's configuration.
#[derive(Clone, Copy, Debug)]
pub struct Provider {
    /// OpenCode's id for it.
    pub id: &'static str,
    /// `<provider>/<model>`, as `--model` takes it.
    pub model: &'static str,
    /// Its API key, a different one for each provider: what must turn up nowhere.
    pub key: &'static str,
    /// Below the server's URL.
    base: &'static str,
    /// The SDK package, where OpenCode does not know the id.
    npm: Option<&'static str>,
}

/// One provider for each dialect: OpenAI chat, OpenAI responses, Anthropic messages, Gemini.
pub const PROVIDERS: [Provider; 4] = [
    Provider {
        id: "mock",
        model: "mock/scripted",
        key: "testkey-chat-5d0f7a91c3e84b26",
        base: "/v1",
        npm: Some("@ai-sdk/openai-compatible"),
    },
    Provider {
        id: "openai",
        model: "openai/scripted",
        key: "testkey-responses-b83e16fa70d24c95",
        base: "/v1",
        npm: None,
    },
    Provider {
        id: "anthropic",
        model: "anthropic/scripted",
        key: "testkey-messages-27c9e4508ab16df3",
        base: "/v1",
        npm: None,
    },
    Provider {
        id: "google",
        model: "google/scripted",
        key: "testkey-gemini-e61d3b9f5c0a8247",
        base: "/v1beta",
        npm: None,
    },
];

/// A home folder of its own. When it is dropped, programs that still run in it are killed and the folder
/// is removed. Nothing of the environment reaches programs in it
/// but `PATH`.
pub struct Home {
    dir: TempDir,
    /// Apart from `dir`, since it should be RAM-backed where the machine has that.
    runtime: TempDir,
    opencode: OpenCode,
}

impl Home {
    /// A home whose providers are at `url` (of [`octrace_script::Server`]), with a git project, and
    /// with the configuration folder prepared so that OpenCode does not wait for a package registry.
    ///
    /// # Errors
    /// When there is no OpenCode, no git, or the folders cannot be written.
    pub fn new(url: &str) -> anyhow::Result<Self> {
        let home = Self::unprepared(url)?;
        prepare(&home.config())?;
        Ok(home)
    }

    /// The same, as a user has it who never had a plugin: once one is configured, OpenCode installs
    /// packages from the registry at its start and waits for that.
    ///
    /// # Errors
    /// As [`Home::new`].
    pub fn unprepared(url: &str) -> anyhow::Result<Self> {
        let opencode = OpenCode::find()?;
        let dir = tempfile::Builder::new().prefix("octrace-home-").tempdir()?;
        let shared_memory = Path::new("/dev/shm");
        let parent = if shared_memory.is_dir() { shared_memory } else { dir.path() };
        let runtime = tempfile::Builder::new().prefix("octrace-run-").tempdir_in(parent)?;
        let home = Self { dir, runtime, opencode };
        for folder in ["tmp", "bin", "output"] {
            fs::create_dir(home.path().join(folder))?;
        }
        fs::create_dir_all(home.config())?;
        std::os::unix::fs::symlink(home.opencode.path(), home.path().join("bin/opencode"))?;
        fs::write(home.config().join("opencode.jsonc"), configuration(url))?;
        home.add_project("project")?;
        Ok(home)
    }

    /// The folder that programs see as `HOME`.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// OpenCode's configuration folder.
    pub fn config(&self) -> PathBuf {
        self.path().join(".config/opencode")
    }

    /// What programs see as `XDG_DATA_HOME`.
    pub fn data(&self) -> PathBuf {
        self.path().join(".local/share")
    }

    /// What programs see as `XDG_STATE_HOME`.
    pub fn state(&self) -> PathBuf {
        self.path().join(".local/state")
    }

    /// What programs see as `XDG_RUNTIME_DIR`.
    pub fn runtime(&self) -> &Path {
        self.runtime.path()
    }

    /// What programs see as `TMPDIR`.
    pub fn tmp(&self) -> PathBuf {
        self.path().join("tmp")
    }

    /// The git project in which programs start.
    pub fn project(&self) -> PathBuf {
        self.path().join("project")
    }

    /// The OpenCode that runs here, also as `opencode` on `PATH`.
    pub fn opencode_program(&self) -> &OpenCode {
        &self.opencode
    }

    /// Adds a git project with one commit: `README.md` and `notes.txt` of three lines.
    ///
    /// # Errors
    /// When the folder exists, or without git.
    pub fn add_project(&self, name: &str) -> anyhow::Result<PathBuf> {
        let project = self.path().join(name);
        fs::create_dir(&project).with_context(|| format!("project {name}"))?;
        fs::write(project.join("README.md"), "# A project\n\nFor trying things out.\n")?;
        fs::write(project.join("notes.txt"), "alpha\nbeta\ngamma\n")?;
        for arguments in [
            &["init", "--quiet", "--initial-branch=main"][..],
            &["add", "--all"],
            &["commit", "--quiet", "--message=Begin"],
        ] {
            git(self, &project, arguments)?;
        }
        Ok(project)
    }

    /// The programs that run in this home at this moment, as process id and command line: those that
    /// outlive what started them, too. Always empty on systems without `/proc`.
    pub fn processes(&self) -> Vec<(Pid, String)> {
        let mut home = b"HOME=".to_vec();
        home.extend_from_slice(self.path().as_os_str().as_encoded_bytes());
        let lives_here = |process: &Path| {
            let environment = fs::read(process.join("environ")).unwrap_or_default();
            environment.split(|byte| *byte == 0).any(|variable| variable == home)
        };
        let found = fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(|entry| {
            let pid = Pid::from_raw(entry.file_name().to_str()?.parse().ok()?)?;
            let process = entry.path();
            let arguments = fs::read(process.join("cmdline")).ok()?;
            let line = String::from_utf8_lossy(&arguments).replace('\0', " ");
            lives_here(&process).then(|| (pid, line.trim_end().to_owned()))
        });
        found.collect()
    }

    /// Any program in this home, started in [`Home::project`].
    pub fn command(&self, program: impl AsRef<OsStr>) -> Run {
        let search = std::env::var_os("PATH").unwrap_or_default();
        let mut path = self.path().join("bin").into_os_string();
        path.push(":");
        path.push(search);
        Run::new(program.as_ref(), &self.project(), &self.path().join("output"))
            .env("PATH", path)
            .env("HOME", self.path())
            .env("XDG_CONFIG_HOME", self.path().join(".config"))
            .env("XDG_DATA_HOME", self.data())
            .env("XDG_STATE_HOME", self.state())
            .env("XDG_CACHE_HOME", self.path().join(".cache"))
            .env("XDG_RUNTIME_DIR", self.runtime())
            .env("TMPDIR", self.tmp())
            .env("SHELL", "/bin/sh")
            .env("LANG", "C.UTF-8")
            .env("TZ", "UTC")
            .env("USER", "tester")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_AUTHOR_NAME", "Tester")
            .env("GIT_AUTHOR_EMAIL", "tester@example.invalid")
            .env("GIT_COMMITTER_NAME", "Tester")
            .env("GIT_COMMITTER_EMAIL", "tester@example.invalid")
            .env("OPENCODE_DISABLE_AUTOUPDATE", "1")
            .env("OPENCODE_DISABLE_MODELS_FETCH", "1")
    }

    /// OpenCode with these arguments.
    pub fn opencode<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Run {
        self.command(self.opencode.path()).args(arguments)
    }

    /// `opencode run` with a prompt, on the model `<provider>/<model>`.
    pub fn opencode_run(&self, model: &str, prompt: &str) -> Run {
        self.opencode(["run", "--model", model, prompt])
    }

    /// octrace with these arguments. `program` is `env!("CARGO_BIN_EXE_octrace")`, which is known to
    /// the tests of the crate `octrace` only.
    pub fn octrace<A: AsRef<OsStr>>(
        &self,
        program: &str,
        arguments: impl IntoIterator<Item = A>,
    ) -> Run {
        self.command(program).args(arguments)
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // Until they are gone they may write into what is to be removed.
        let alone = eventually(Duration::from_secs(5), || {
            let left = self.processes();
            for (pid, _) in &left {
                // An error means that it is gone.
                kill_process(*pid, Signal::KILL).ok();
            }
            if left.is_empty() { Ok(()) } else { Err(format!("still running: {left:?}")) }
        });
        // A test that fails should say why, and not that its home cannot be removed.
        alone.ok();
    }
}

/// Makes OpenCode believe that the packages of the configuration folder `config` (a project's `.opencode`,
/// too) are installed, so that it does not ask the registry and does not wait for it. Creates the
/// folder; does nothing to a lock file that is there already.
///
/// # Errors
/// When the folder cannot be written.
pub fn prepare(config: &Path) -> io::Result<()> {
    fs::create_dir_all(config.join("node_modules"))?;
    let lock = format!(
        r#"{{"packages":{{"":{{"dependencies":{{"@opencode-ai/plugin":"{VERSION}"}}}}}}}}"#
    );
    match fs::File::create_new(config.join("package-lock.json")) {
        Ok(mut file) => io::Write::write_all(&mut file, lock.as_bytes()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// A configuration as a person writes it: with comments, and with a comma too many.
fn configuration(url: &str) -> String {
    let providers = PROVIDERS.map(|provider| {
        let Provider { id, key, base, npm, .. } = provider;
        let npm = npm.map(|npm| format!("\n      \"npm\": \"{npm}\",")).unwrap_or_default();
        format!(
            r#"    "{id}": {{{npm}
      "options": {{ "baseURL": "{url}{base}", "apiKey": "{key}" }},
      "models": {{
        "scripted": {{
          "name": "Scripted",
          "limit": {{ "context": 200000, "output": 16000 }},
          "cost": {{ "input": 3, "output": 15, "cache_read": 0.3, "cache_write": 3.75 }}, // $ per million
        }},
        "gpt-scripted": {{ "name": "Scripted, with apply_patch", "limit": {{ "context": 200000, "output": 16000 }} }},
      }},
    }},
"#
        )
    });
    format!(
        r#"{{
  // My settings. Please keep these comments.
  "$schema": "https://opencode.ai/config.json",
  "model": "mock/scripted", // the one I use every day
  "autoupdate": false,
  "share": "disabled",
  /* Let tools work without asking. */
  "permission": {{ "edit": "allow", "bash": "allow", "webfetch": "allow", "external_directory": "allow" }},
  "provider": {{
{}  }},
}}
"#,
        providers.concat()
    )
}
