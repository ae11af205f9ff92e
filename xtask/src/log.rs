//! A step's log file: what its child processes print goes there, and to the
//! terminal only when somebody needs to see it.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

/// The log of one step, `target/xtask/<step>.log`.
pub(crate) struct Log {
    path: PathBuf,
    file: File,
}

impl Log {
    pub(crate) fn create(target: &Path, step: &str) -> anyhow::Result<Self> {
        let folder = target.join("xtask");
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
        let path = folder.join(format!("{step}.log"));
        let file =
            File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self { path, file })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Everything logged so far; output that is not UTF-8 is replaced.
    pub(crate) fn text(&self) -> anyhow::Result<String> {
        Ok(String::from_utf8_lossy(&std::fs::read(&self.path)?).into_owned())
    }

    pub(crate) fn line(&mut self, text: &str) -> anyhow::Result<()> {
        writeln!(self.file, "{text}")
            .with_context(|| format!("cannot write {}", self.path.display()))
    }

    /// Runs a command with its output in the log; whether it succeeded.
    pub(crate) fn succeeds(&mut self, command: &mut Command) -> anyhow::Result<bool> {
        self.line(&format!("$ {}", shown(command)))?;
        let status = command
            .stdout(self.file.try_clone()?)
            .stderr(self.file.try_clone()?)
            .status()
            .with_context(|| format!("cannot start `{}`", shown(command)))?;
        self.line(&format!("({status})"))?;
        Ok(status.success())
    }

    /// Runs a command that has to succeed.
    pub(crate) fn run(&mut self, command: &mut Command) -> anyhow::Result<()> {
        if !self.succeeds(command)? {
            bail!("`{}` failed", shown(command));
        }
        Ok(())
    }

    /// Runs a command that has to succeed and gives what it printed to stdout.
    pub(crate) fn read(&mut self, command: &mut Command) -> anyhow::Result<String> {
        self.line(&format!("$ {}", shown(command)))?;
        let output = command
            .stdout(Stdio::piped())
            .stderr(self.file.try_clone()?)
            .output()
            .with_context(|| format!("cannot start `{}`", shown(command)))?;
        if !output.status.success() {
            bail!("`{}` failed ({})", shown(command), output.status);
        }
        String::from_utf8(output.stdout)
            .with_context(|| format!("`{}` printed something that is not UTF-8", shown(command)))
    }
}

/// A command as a person would type it, with the program's name only.
fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let mut text = program.to_string_lossy().into_owned();
    for argument in command.get_args() {
        text.push(' ');
        text.push_str(&argument.to_string_lossy());
    }
    text
}
