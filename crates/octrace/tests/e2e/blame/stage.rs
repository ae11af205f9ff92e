//! A work tree, an agent, a person, and what `octrace blame` says.

use std::{fs, path::PathBuf, process::Command};

use anyhow::{Context, ensure};
use octrace_testkit::{Coder, Output, Run};
use serde_json::Value;
use tempfile::TempDir;

/// A folder with a work tree in it, and a home for the tape.
pub(crate) struct Stage {
    folder: TempDir,
    pub(crate) coder: Coder,
}

impl Stage {
    /// A folder that is in no repository.
    pub(crate) fn bare() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        for name in ["work", "home", "output"] {
            fs::create_dir(folder.path().join(name))?;
        }
        let work = folder.path().join("work").canonicalize()?;
        let coder = Coder::new(&folder.path().join("home/tape.db"), &work)?;
        Ok(Self { folder, coder })
    }

    /// A repository with a first commit of `a.txt`.
    pub(crate) fn new() -> anyhow::Result<Self> {
        let stage = Self::bare()?;
        stage.git(["init", "--quiet", "--initial-branch=main"])?;
        stage.git(["config", "user.name", "Ada"])?;
        stage.git(["config", "user.email", "ada@example.invalid"])?;
        stage.write("a.txt", &person("begin", 12))?;
        stage.git(["add", "a.txt"])?;
        // Long before anything was recorded.
        let mut git = stage.git_command("", &["commit", "--quiet", "--message", "begin"]);
        for name in ["GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"] {
            git.env(name, "2026-11-02T08:00:00Z");
        }
        ensure!(git.status()?.success(), "the first commit");
        Ok(stage)
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("work").join(name)
    }

    pub(crate) fn read(&self, name: &str) -> anyhow::Result<String> {
        Ok(fs::read_to_string(self.path(name))?)
    }

    /// By hand.
    pub(crate) fn write(&self, name: &str, text: &str) -> anyhow::Result<()> {
        let path = self.path(name);
        fs::create_dir_all(path.parent().context("a folder")?)?;
        Ok(fs::write(path, text)?)
    }

    /// The agent puts these lines behind line `after` of the file.
    pub(crate) fn agent(&mut self, name: &str, after: usize, lines: &str) -> anyhow::Result<()> {
        let text = inserted(&self.read(name).unwrap_or_default(), after, lines);
        self.coder.writes("edit", &self.folder.path().join("work").join(name), &text)?;
        Ok(())
    }

    /// A person does.
    pub(crate) fn hand(&self, name: &str, after: usize, lines: &str) -> anyhow::Result<()> {
        self.write(name, &inserted(&self.read(name).unwrap_or_default(), after, lines))
    }

    pub(crate) fn git<const N: usize>(&self, arguments: [&str; N]) -> anyhow::Result<String> {
        self.git_in("", arguments)
    }

    /// The same in a folder of the work tree, or beside it.
    pub(crate) fn git_in<const N: usize>(
        &self,
        folder: &str,
        arguments: [&str; N],
    ) -> anyhow::Result<String> {
        let output = self.git_command(folder, &arguments).output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "git {arguments:?}: {said}");
        Ok(String::from_utf8(output.stdout)?)
    }

    /// The same where git may stop, at a conflict say.
    pub(crate) fn git_stops<const N: usize>(&self, arguments: [&str; N]) -> anyhow::Result<()> {
        let output = self.git_command("", &arguments).output()?;
        ensure!(!output.status.success(), "git {arguments:?} went well");
        Ok(())
    }

    fn git_command(&self, folder: &str, arguments: &[&str]) -> Command {
        let mut git = Command::new("git");
        git.current_dir(self.path(folder))
            .args(["-c", "commit.gpgsign=false", "-c", "core.editor=true"])
            .args(arguments)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1");
        git
    }

    pub(crate) fn commit(&self, message: &str) -> anyhow::Result<()> {
        self.git(["add", "--all"])?;
        self.git(["commit", "--quiet", "--message", message]).map(drop)
    }

    /// What `octrace blame` says of something in the work tree.
    pub(crate) fn run(&self, arguments: &[&str]) -> anyhow::Result<Output> {
        self.run_in("", arguments)
    }

    pub(crate) fn run_in(&self, folder: &str, arguments: &[&str]) -> anyhow::Result<Output> {
        let (home, output) = (self.home(), self.folder.path().join("output"));
        let program = env!("CARGO_BIN_EXE_octrace");
        Run::new(program.as_ref(), &self.path(folder), &output)
            .env("PATH", std::env::var_os("PATH").context("a PATH")?)
            .env("HOME", &home)
            .env("OCTRACE_HOME", &home)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("TZ", "UTC")
            .arg("blame")
            .args(arguments)
            .output()
    }

    pub(crate) fn json(&self, name: &str) -> anyhow::Result<Value> {
        Ok(serde_json::from_str(&self.run(&[name, "--json"])?.success()?.stdout)?)
    }

    /// Checks each line of a file against what it says itself, and that at most so many are unknown. What each is said to
    /// be, a letter for each line: `a`gent, `p`erson or `?`.
    pub(crate) fn check(&self, name: &str, unknown: usize) -> anyhow::Result<String> {
        let blamed = self.json(name)?;
        let lines = blamed["lines"].as_array().context("lines")?;
        ensure!(lines.len() == fs::read(self.path(name))?.split_inclusive(|b| *b == b'\n').count());
        let mut letters = String::new();
        for line in lines {
            let text = line["text"].as_str().context("a text")?;
            let who = line["who"].as_str().context("who")?;
            let truth = text.split(' ').next().unwrap_or_default();
            ensure!(who == "unknown" || who == truth, "{who} is wrong: {line:#}");
            ensure!((who == "agent") == line["call"].is_object(), "{line:#}");
            ensure!((who == "unknown") == line["why"].is_string(), "{line:#}");
            letters.push(match who {
                "agent" => 'a',
                "person" => 'p',
                _ => '?',
            });
        }
        let marks = letters.matches('?').count();
        ensure!(marks <= unknown, "{marks} unknown of {letters}: {}", whys(lines));
        Ok(letters)
    }
}

/// Lines that a person wrote, each with a mark of its own.
pub(crate) fn person(mark: &str, lines: usize) -> String {
    marked("person", mark, lines)
}

/// Lines that the agent wrote.
pub(crate) fn agent(mark: &str, lines: usize) -> String {
    marked("agent", mark, lines)
}

fn marked(who: &str, mark: &str, lines: usize) -> String {
    (0..lines).map(|line| format!("{who} wrote {mark} {line}\n")).collect()
}

fn inserted(text: &str, after: usize, lines: &str) -> String {
    let at: usize = text.split_inclusive('\n').take(after).map(str::len).sum();
    let (before, behind) = text.split_at(at);
    format!("{before}{lines}{behind}")
}

/// Why lines are unknown.
fn whys(lines: &[Value]) -> String {
    let whys = lines
        .iter()
        .filter_map(|line| Some(format!("\n{}: {}", line["line"], line["why"].as_str()?)));
    whys.collect()
}

/// A repository in which the agent has put three lines behind the second of `a.txt`.
pub(crate) fn edited() -> anyhow::Result<Stage> {
    let mut stage = Stage::new()?;
    stage.agent("a.txt", 2, &agent("one", 3))?;
    Ok(stage)
}

/// Who wrote the lines of `a.txt` then.
pub(crate) const EDITED: &str = "ppaaapppppppppp";
