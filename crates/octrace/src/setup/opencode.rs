//! Which OpenCode there is, and which version.

use std::{
    env,
    ffi::OsStr,
    fmt, fs,
    io::Read,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use crate::paths::{create_folder, replace_file};

/// How long `opencode --version` may take; it takes a second.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where answers of `--version` are kept, in the cache folder.
const KNOWN: &str = "opencode-versions.json";

/// As OpenCode names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Version(String);

impl Version {
    /// The first thing in `text` that looks like a version.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        text.split_whitespace()
            .map(|word| word.trim_start_matches('v'))
            .find(|word| {
                word.len() < 64
                    && word.contains('.')
                    && word.starts_with(|char: char| char.is_ascii_digit())
            })
            .map(|word| Self(word.to_owned()))
    }

    /// The number before the first dot.
    fn major(&self) -> Option<u32> {
        self.0.split('.').next()?.parse().ok()
    }

    /// OpenCode 2 and later have another plugin interface.
    pub(crate) fn is_supported(&self) -> bool {
        self.major().is_some_and(|major| major < 2)
    }

    /// Whether it is of the kind that octrace is tested with.
    pub(crate) fn is_tested(&self) -> bool {
        self.0.starts_with("1.18.")
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The program that a shell would run for `name`.
pub(crate) fn find(name: &OsStr) -> Option<PathBuf> {
    let is_program = |path: &Path| {
        fs::metadata(path)
            .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
    };
    if Path::new(name).components().count() > 1 {
        return Some(PathBuf::from(name)).filter(|path| is_program(path));
    }
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(name)).find(|path| is_program(path))
}

/// The version of the OpenCode at `program`; `None` when it does not tell. Asked once per program, since
/// it takes a second; `cache` remembers.
pub(crate) fn version(program: &Path, cache: &Path) -> Option<Version> {
    let program = fs::canonicalize(program).ok()?;
    if let Some(version) = packaged(&program) {
        return Some(version);
    }
    let known = cache.join(KNOWN);
    let mut answers: Vec<Answer> = fs::read(&known)
        .ok()
        .and_then(|text| serde_json::from_slice(&text).ok())
        .unwrap_or_default();
    let stamp = stamp(&program)?;
    if let Some(answer) = answers.iter().find(|a| a.program == program && a.stamp == stamp) {
        return Version::parse(&answer.version);
    }
    let version = ask(&program)?;
    answers.retain(|answer| answer.program != program && answer.program.exists());
    answers.push(Answer { program, stamp, version: version.to_string() });
    // Without a cache it is asked again next time.
    if let Ok(text) = serde_json::to_vec(&answers) {
        create_folder(cache).and_then(|()| replace_file(&known, &text)).ok();
    }
    Some(version)
}

/// An answer to `--version`.
#[derive(Serialize, Deserialize)]
struct Answer {
    program: PathBuf,
    stamp: String,
    version: String,
}

/// Changes with the file.
fn stamp(program: &Path) -> Option<String> {
    let found = fs::metadata(program).ok()?;
    Some(format!("{:?} {}", found.modified().ok()?, found.len()))
}

/// What the npm package says in which the program is.
fn packaged(program: &Path) -> Option<Version> {
    let package = fs::read(program.parent()?.parent()?.join("package.json")).ok()?;
    let package: serde_json::Value = serde_json::from_slice(&package).ok()?;
    let ours = package.get("name")?.as_str()?.starts_with("opencode-");
    Version::parse(package.get("version")?.as_str()?).filter(|_| ours)
}

fn ask(program: &Path) -> Option<Version> {
    // Even for this OpenCode makes folders in the home that it finds.
    let home = tempfile::Builder::new().prefix("octrace-").tempdir().ok()?;
    let mut child = in_home(&mut Command::new(program), home.path())
        .arg("--version")
        .env("OPENCODE_DISABLE_AUTOUPDATE", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        match child.try_wait() {
            Ok(Some(_)) => break,
            Ok(None) if Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(10));
            }
            _ => {
                child.kill().ok();
                child.wait().ok();
                return None;
            }
        }
    }
    // It is gone, so what it wrote is all in the pipe; a child of its own may hold the other end.
    let mut text = vec![0; 4096];
    let length = child.stdout.take()?.read(&mut text).ok()?;
    text.truncate(length);
    Version::parse(&String::from_utf8_lossy(&text))
}

/// The command, with `home` for everything that it may keep.
pub(super) fn in_home<'c>(command: &'c mut Command, home: &Path) -> &'c mut Command {
    let folders = ["HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"];
    command.envs(folders.map(|name| (name, home)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(folder: &Path, body: &str) -> PathBuf {
        let path = folder.join("opencode");
        fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
        path
    }

    #[test]
    fn versions_are_found_in_what_programs_print() {
        let parse = |text| Version::parse(text).map(|version| version.to_string());
        assert_eq!(parse("1.18.33\n"), Some("1.18.33".into()));
        assert_eq!(parse("opencode v2.0.0-beta.1 (linux)"), Some("2.0.0-beta.1".into()));
        assert_eq!(parse("no such option"), None);
        let supported = |text| Version::parse(text).unwrap().is_supported();
        assert!(supported("1.18.33") && supported("0.9.1") && !supported("2.0.0"));
    }

    #[test]
    fn a_program_is_asked_once() {
        let dir = tempfile::tempdir().unwrap();
        let cache = dir.path().join("cache");
        let count = dir.path().join("count");
        let program = script(dir.path(), &format!("echo x >> {}; echo 1.18.40", count.display()));
        for _ in 0..2 {
            assert_eq!(version(&program, &cache).unwrap().to_string(), "1.18.40");
        }
        assert_eq!(fs::read_to_string(&count).unwrap(), "x\n");
        script(dir.path(), "echo 2.0.0 # another length");
        assert_eq!(version(&program, &cache).unwrap().to_string(), "2.0.0");
    }

    #[test]
    fn a_program_is_asked_in_a_home_of_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let seen = dir.path().join("seen");
        let program = script(
            dir.path(),
            &format!(
                "echo \"$HOME $XDG_CONFIG_HOME\" > {}; echo 1.18.40; mkdir $HOME/made",
                seen.display()
            ),
        );
        version(&program, &dir.path().join("cache")).unwrap();
        let seen = fs::read_to_string(seen).unwrap();
        for folder in seen.split_whitespace() {
            assert!(!Path::new(folder).exists(), "{folder} is gone with all in it");
            assert_ne!(env::var("HOME").ok().as_deref(), Some(folder));
        }
    }

    #[test]
    fn a_program_that_says_nothing_has_no_version() {
        let dir = tempfile::tempdir().unwrap();
        let program = script(dir.path(), "exit 3");
        assert_eq!(version(&program, &dir.path().join("cache")), None);
        assert_eq!(version(&dir.path().join("missing"), dir.path()), None);
    }

    #[test]
    fn the_package_knows_the_version() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("bin")).unwrap();
        let program = script(&dir.path().join("bin"), "exit 3");
        let package = r#"{"name":"opencode-linux-x64","version":"1.18.33"}"#;
        fs::write(dir.path().join("package.json"), package).unwrap();
        assert_eq!(version(&program, dir.path()).unwrap().to_string(), "1.18.33");
    }
}
