//! What grows unnoticed unless somebody counts: locked packages, long files,
//! and things in the tree that do not belong into a commit.

use anyhow::Context;

use crate::checkout::Checkout;
use crate::log::Log;
use crate::modules;
use crate::summary::Report;

/// Packages in `Cargo.lock`. octrace sits beside people's prompts and keys, so
/// every dependency is somebody who has to be trusted.
const PACKAGES: usize = 320;

/// A source file longer than this is more than one room.
const LINES: usize = 600;

/// Longer files that are meant to be, each with its reason.
const LONG_FILES: &[(&str, &str)] = &[];

/// Binary files that are meant to be in the repository, by the folder they are in.
const BINARY_FOLDERS: &[&str] = &["fixtures/"];

/// Endings and folders of files that a tool made and can make again.
const GENERATED: &[&str] =
    &[".db", ".pending-snap", ".profraw", ".snap.new", ".tgz", "/dist/", "/node_modules/"];

pub(crate) fn check(checkout: &Checkout, log: &mut Log) -> anyhow::Result<Report> {
    let tracked = log.read(checkout.command("git").args(["ls-files", "-z"]))?;
    let files: Vec<&str> = tracked.split_terminator('\0').collect();
    let pending = log.read(checkout.command("git").args([
        "ls-files",
        "-z",
        "--others",
        "--",
        "*.snap.new",
        "*.pending-snap",
        ":!target",
    ]))?;

    let mut problems = Vec::new();
    let packages = packages(&read(checkout, "Cargo.lock")?);
    if packages > PACKAGES {
        problems.push(format!("Cargo.lock holds {packages} packages; the budget is {PACKAGES}"));
    }
    problems.extend(
        pending
            .split_terminator('\0')
            .map(|path| format!("{path} is a snapshot nobody has reviewed")),
    );
    problems.extend(modules::two_test_binaries(&files));
    problems.extend(modules::forgotten(checkout, &files));
    let mut long = Vec::new();
    for path in &files {
        // A file may be deleted and not yet committed so.
        let Ok(content) = std::fs::read(checkout.root.join(path)) else { continue };
        problems.extend(unwanted(path, &content));
        let lines = content.iter().filter(|byte| **byte == b'\n').count();
        if is_source(path) && lines > LINES && !LONG_FILES.iter().any(|(known, _)| known == path) {
            long.push(format!("{path} has {lines} lines"));
        }
    }

    for line in problems.iter().chain(&long) {
        log.line(line)?;
    }
    let mut note = format!("{packages} of {PACKAGES} packages");
    if !long.is_empty() {
        note.push_str(&format!("; over {LINES} lines: {}", long.join(", ")));
    }
    Ok(Report::of_problems(&problems, note))
}

fn read(checkout: &Checkout, path: &str) -> anyhow::Result<String> {
    std::fs::read_to_string(checkout.root.join(path)).with_context(|| format!("cannot read {path}"))
}

fn packages(lock: &str) -> usize {
    lock.lines().filter(|line| *line == "[[package]]").count()
}

fn is_source(path: &str) -> bool {
    [".rs", ".ts", ".sql"].iter().any(|ending| path.ends_with(ending))
}

/// Why a file does not belong into the repository, if it does not.
fn unwanted(path: &str, content: &[u8]) -> Option<String> {
    let rooted = format!("/{path}");
    if GENERATED.iter().any(|mark| {
        if mark.starts_with('.') { path.ends_with(mark) } else { rooted.contains(mark) }
    }) {
        return Some(format!("{path} is made by a tool and must not be committed"));
    }
    let start = content.get(..8192).unwrap_or(content);
    if start.contains(&0) && !BINARY_FOLDERS.iter().any(|folder| path.starts_with(folder)) {
        return Some(format!("{path} is a binary file; test data belongs into fixtures/"));
    }
    let resolved = br#""resolved": "http"#;
    if path.ends_with("package-lock.json")
        && content.windows(resolved.len()).any(|window| window == resolved)
    {
        return Some(format!(
            "{path} names a registry's host; npm config omit-lockfile-registry-resolved"
        ));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_must_not_be_committed_is_seen() {
        for (path, content) in [
            ("crates/octrace/tests/x.snap.new", "a".as_bytes()),
            ("plugin/node_modules/a.js", b"a"),
            ("logo.png", b"PNG\0"),
            ("plugin/package-lock.json", br#"{"resolved": "https://example.org"}"#),
        ] {
            assert!(unwanted(path, content).is_some(), "{path} passed");
        }
        for (path, content) in [
            ("crates/octrace/src/setup/target.rs", "a".as_bytes()),
            ("fixtures/spool/torn.seg", b"a\0"),
            ("plugin/package-lock.json", br#"{"integrity": "sha512-0"}"#.as_slice()),
        ] {
            assert_eq!(unwanted(path, content), None, "{path}");
        }
    }
}
