//! Where recordings are: spools, tape, disk.

use std::{fs, path::Path};

use octrace_store::Tape;

use super::Finding;
use crate::{
    paths::{Paths, is_private},
    record::{self, SpoolState},
};

/// Below this, recording may stop at any moment.
const SCARCE: u64 = 64 << 20;

/// Below this, it is time to make room.
const LITTLE: u64 = 1 << 30;

/// The folder where OpenCodes leave what they record, until it is on the tape.
pub(super) fn spool_folder(paths: &Paths) -> Finding {
    const ABOUT: &str = "spools";
    let refused =
        |path: &&std::path::PathBuf| fs::symlink_metadata(path).is_ok() && !is_private(path);
    if let Some(path) = paths.spool_candidates.iter().find(refused) {
        let place = path.display();
        return Finding::warning(ABOUT, format!("{place} is not a folder of yours alone"))
            .remedy(format!("Remove it, or: chmod 700 {place}"));
    }
    // The first one is made when it is needed.
    let roots = paths.spool_roots();
    let Some(folder) = roots.first().or(paths.spool_candidates.first()) else {
        return Finding::problem(ABOUT, "there is no place for them");
    };
    let place = folder.display();
    match existing(folder).map(is_in_memory) {
        Some(true) => Finding::ok(ABOUT, format!("in memory, {place}")),
        _ => Finding::warning(
            ABOUT,
            format!("on disk, {place}: for a moment, what is recorded is there unredacted"),
        )
        .remedy("Set XDG_RUNTIME_DIR to a folder in memory that is yours alone."),
    }
}

/// The spools, by whether their OpenCode lives.
pub(super) fn spools(paths: &Paths) -> Vec<Finding> {
    const ABOUT: &str = "recorder";
    let spools = record::spools(&paths.place());
    let count = |state| spools.iter().filter(|found| **found == state).count();
    let (read, unread, left) =
        (count(SpoolState::Read), count(SpoolState::Unread), count(SpoolState::Left));
    let mut findings = Vec::new();
    if read > 0 {
        findings.push(Finding::ok(ABOUT, format!("{read} OpenCode running, recorded")));
    }
    if unread > 0 {
        let says = format!("{unread} OpenCode running whose spool nobody reads at this moment");
        findings.push(Finding::warning(ABOUT, says).remedy(format!(
            "To put it on the tape: octrace flush; {} may say why",
            paths.log().display()
        )));
    }
    if left > 0 {
        findings.push(
            Finding::warning(ABOUT, format!("{left} spool(s) left by an OpenCode that is gone"))
                .remedy("To put them on the tape: octrace flush"),
        );
    }
    findings
}

/// Whether the tape opens, and how large it is.
pub(super) fn tape(paths: &Paths) -> Finding {
    const ABOUT: &str = "tape";
    let path = paths.tape();
    let place = path.display();
    match Tape::open_existing(&path).and_then(|tape| tape.map(|tape| tape.sessions()).transpose()) {
        Ok(None) => Finding::note(ABOUT, format!("nothing is recorded yet; it will be {place}")),
        Ok(Some(sessions)) => {
            let size = |end: &str| {
                let mut name = path.clone().into_os_string();
                name.push(end);
                fs::metadata(name).map_or(0, |found| found.len())
            };
            let mib = (size("") + size("-wal")).div_ceil(1 << 20);
            Finding::ok(ABOUT, format!("{} sessions, {mib} MiB, {place}", sessions.len()))
        }
        Err(error) => Finding::problem(ABOUT, format!("{:#}", anyhow::Error::new(error)))
            .remedy(format!("Move {place} elsewhere, or install the newest octrace.")),
    }
}

/// The room that is left.
pub(super) fn disk(paths: &Paths) -> Option<Finding> {
    const ABOUT: &str = "disk";
    let folder = existing(&paths.home)?;
    let room = rustix::fs::statvfs(folder).ok()?;
    let free = room.f_bavail.saturating_mul(room.f_frsize);
    let says = format!("{} MiB free for {}", free >> 20, paths.home.display());
    Some(match free {
        ..SCARCE => Finding::problem(ABOUT, says).remedy("Make room."),
        SCARCE..LITTLE => Finding::warning(ABOUT, says).remedy("Make room soon."),
        _ => Finding::ok(ABOUT, says),
    })
}

/// The folder, or the nearest one above it that exists.
fn existing(folder: &Path) -> Option<&Path> {
    folder.ancestors().find(|ancestor| ancestor.is_dir())
}

#[cfg(target_os = "linux")]
fn is_in_memory(folder: &Path) -> bool {
    // tmpfs and ramfs, as statfs(2) has them.
    rustix::fs::statfs(folder)
        .is_ok_and(|found| matches!(u32::try_from(found.f_type), Ok(0x0102_1994 | 0x8584_58f6)))
}

#[cfg(not(target_os = "linux"))]
fn is_in_memory(_folder: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{doctor::Verdict, record::author::Author};

    fn paths(dir: &Path) -> Paths {
        Paths {
            user: dir.join("user"),
            home: dir.join("home"),
            cache: dir.join("cache"),
            state: dir.join("state"),
            opencode_config: dir.join("config"),
            opencode_config_dir: None,
            spool_candidates: vec![dir.join("spool")],
        }
    }

    #[test]
    fn leftover_spools_are_told_from_live_ones() {
        let dir = tempfile::tempdir().unwrap();
        let paths = paths(dir.path());
        crate::paths::create_folder(&dir.path().join("spool")).unwrap();
        assert!(spools(&paths).is_empty());
        let root = dir.path().join("spool");
        let verdicts = || spools(&paths).iter().map(|finding| finding.verdict).collect::<Vec<_>>();
        Author::dead(&root, "1-gone");
        assert_eq!(verdicts(), [Verdict::Warning], "left");
        let alive = Author::alive(&root, "2-alive");
        assert_eq!(verdicts(), [Verdict::Warning, Verdict::Warning], "nobody reads it");
        let lock = fs::File::create(alive.folder.join(".lock")).unwrap();
        lock.lock().unwrap();
        assert_eq!(verdicts(), [Verdict::Ok, Verdict::Warning]);
        Author::alive(&root, "3-other").roll_for("/another/home");
        fs::remove_file(root.join("3-other/00000001.seg")).unwrap();
        assert_eq!(verdicts(), [Verdict::Ok, Verdict::Warning], "not ours to tell");
    }

    #[test]
    fn a_tape_that_is_none_is_a_problem() {
        let dir = tempfile::tempdir().unwrap();
        let paths = paths(dir.path());
        assert_eq!(tape(&paths).verdict, Verdict::Note);
        fs::create_dir(&paths.home).unwrap();
        fs::write(paths.tape(), "not a database, whatever its name may promise").unwrap();
        let finding = tape(&paths);
        assert_eq!(finding.verdict, Verdict::Problem);
        assert!(finding.remedy.is_some());
        fs::remove_file(paths.tape()).unwrap();
        Tape::open(&paths.tape()).unwrap();
        assert_eq!(tape(&paths).verdict, Verdict::Ok);
    }

    #[test]
    fn a_spool_folder_that_others_can_read_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let paths = paths(dir.path());
        std::os::unix::fs::symlink("/tmp", dir.path().join("spool")).unwrap();
        let finding = spool_folder(&paths);
        assert_eq!(finding.verdict, Verdict::Warning);
        assert!(finding.says.contains("is not a folder of yours alone"));
    }
}
