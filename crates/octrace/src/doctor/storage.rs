//! Where recordings are: spools, tape, disk.

use std::{
    fs::{self, OpenOptions},
    io,
    path::{Path, PathBuf},
};

use octrace_store::{Error, Tape};
use octrace_view::text::{counted, sized};

use super::Finding;
use crate::{
    config::{HOME_VARIABLE, Settings},
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
    let candidates = &paths.spool_candidates;
    let Some(at) = (0..candidates.len()).find(|at| is_usable(candidates, *at)) else {
        return Finding::problem(ABOUT, "there is no safe place for them, so nothing is recorded")
            .remedy("Set XDG_RUNTIME_DIR to a folder in memory that is yours alone.");
    };
    let place = candidates[at].display();
    if let Some(refused) = candidates[..at].iter().find(|path| fs::symlink_metadata(path).is_ok()) {
        let refused = refused.display();
        let says = format!("{refused} is not a folder of yours alone, so {place} is used");
        return Finding::warning(ABOUT, says).remedy(format!("Remove it, or: chmod 700 {refused}"));
    }
    match existing(&candidates[at]).map(is_in_memory) {
        Some(true) => Finding::ok(ABOUT, format!("in memory, {place}")),
        _ => Finding::warning(
            ABOUT,
            format!("on disk, {place}: for a moment, what is recorded is there unredacted"),
        )
        .remedy("Set XDG_RUNTIME_DIR to a folder in memory that is yours alone."),
    }
}

/// Whether the plugin would take this candidate, as `plugin/root.ts` has it: one that is ours alone, or
/// that can be made. The folders above it are made for the last one only.
fn is_usable(candidates: &[PathBuf], at: usize) -> bool {
    let path = &candidates[at];
    if fs::symlink_metadata(path).is_ok() {
        return is_private(path);
    }
    let last = at + 1 == candidates.len();
    (last || path.parent().is_some_and(Path::is_dir)) && can_write(path).is_ok()
}

/// Whether files can be made in octrace's own folder, or the folder itself; nothing where they can.
pub(super) fn home(paths: &Paths, settings: &Settings) -> Option<Finding> {
    let (place, error) = can_write(&paths.home).err()?;
    let what = if error.kind() == io::ErrorKind::NotADirectory {
        "Move it away"
    } else {
        "Make it writable for you"
    };
    let for_whom = if place == paths.home {
        String::new()
    } else {
        format!(", where {} is to be", paths.home.display())
    };
    let place = place.display();
    let says = format!("cannot write in {place}{for_whom}: {error}; so nothing gets on the tape");
    Some(Finding::problem("home", says).remedy(format!(
        "{what}, or name another folder with {HOME_VARIABLE} or in {}.",
        settings.file.display()
    )))
}

/// The spools, by whether their OpenCode lives.
pub(super) fn spools(paths: &Paths, settings: &Settings) -> Vec<Finding> {
    const ABOUT: &str = "recorder";
    let spools = record::spools(&paths.place(settings));
    let count = |state| spools.iter().filter(|found| found.state == state).count();
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
            Finding::warning(
                ABOUT,
                format!("{} left by an OpenCode that is gone", counted(left as u64, "spool")),
            )
            .remedy("To put on the tape what is there: octrace flush"),
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
            if let Err(error) = OpenOptions::new().write(true).open(&path) {
                return Finding::problem(ABOUT, format!("cannot write {place}: {error}"))
                    .remedy("Make it writable.");
            }
            let size = |end: &str| {
                let mut name = path.clone().into_os_string();
                name.push(end);
                fs::metadata(name).map_or(0, |found| found.len())
            };
            let (count, size) =
                (counted(sessions.len() as u64, "session"), sized(size("") + size("-wal")));
            Finding::ok(ABOUT, format!("{count}, {size}, {place}"))
        }
        Err(error) => {
            let remedy = match &error {
                Error::Newer { .. } => "Install the newest octrace.".to_owned(),
                Error::NotATape { .. } => {
                    format!("Move {place} elsewhere; octrace then begins a new tape.")
                }
                _ if can_write(&paths.home).is_err() => {
                    "First see to the folder, as above.".to_owned()
                }
                Error::Open { .. } => format!("Make {place} readable and writable."),
                _ => format!("Move {place} elsewhere, or install the newest octrace."),
            };
            Finding::problem(ABOUT, format!("{:#}", anyhow::Error::new(error))).remedy(remedy)
        }
    }
}

/// The room that is left, where the file system says.
pub(super) fn disk(paths: &Paths) -> Option<Finding> {
    const ABOUT: &str = "disk";
    let room = rustix::fs::statvfs(existing(&paths.home)?).ok()?;
    // Those that are no disk, such as /proc, have no size.
    if room.f_blocks == 0 {
        return None;
    }
    let free = room.f_bavail.saturating_mul(room.f_frsize);
    let says = format!("{} free for {}", sized(free), paths.home.display());
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

/// Tries whether files can be made in the folder, or the folder itself if it is not there; else where they
/// cannot, and what the system says. Nothing is left of the try.
fn can_write(folder: &Path) -> Result<(), (&Path, io::Error)> {
    let is_there = |path: &&Path| fs::symlink_metadata(path).is_ok();
    let place = folder.ancestors().find(is_there).unwrap_or(folder);
    if !place.is_dir() {
        return Err((place, io::ErrorKind::NotADirectory.into()));
    }
    // Has no name, where the system can do that.
    tempfile::tempfile_in(place).map(drop).map_err(|error| (place, error))
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
    use octrace_testkit::Author;

    use super::*;
    use crate::doctor::Verdict;

    fn paths(dir: &Path) -> Paths {
        Paths {
            user: dir.join("user"),
            home: dir.join("home"),
            cache: dir.join("cache"),
            state: dir.join("state"),
            opencode_config: dir.join("config"),
            opencode_data: PathBuf::new(),
            opencode_config_dir: None,
            spool_candidates: vec![dir.join("spool")],
        }
    }

    fn defaults(dir: &Path) -> Settings {
        crate::config::load(&dir.join("config.toml"), dir, &crate::config::Options::new(), |_| None)
    }

    #[test]
    fn leftover_spools_are_told_from_live_ones() {
        let dir = tempfile::tempdir().unwrap();
        let paths = paths(dir.path());
        let settings = defaults(dir.path());
        crate::paths::create_folder(&dir.path().join("spool")).unwrap();
        assert!(spools(&paths, &settings).is_empty());
        let root = dir.path().join("spool");
        let verdicts =
            || spools(&paths, &settings).iter().map(|finding| finding.verdict).collect::<Vec<_>>();
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
    fn the_spool_folder_is_the_one_that_the_plugin_takes() {
        let dir = tempfile::tempdir().unwrap();
        let mut paths = paths(dir.path());
        let [first, second, last] = ["runtime/octrace", "second", "state/octrace/spool"]
            .map(|candidate| dir.path().join(candidate));
        paths.spool_candidates = vec![first.clone(), second.clone(), last.clone()];
        let place = || {
            let says = spool_folder(&paths).says;
            ["runtime/octrace", "second", "spool"]
                .into_iter()
                .find(|place| says.contains(&format!("{place}:")) || says.ends_with(place))
                .unwrap_or_else(|| panic!("{says}"))
        };
        // Without a runtime folder to make it in, the next one; one that is there already later is no better.
        crate::paths::create_folder(&last).unwrap();
        assert_eq!(place(), "second");
        fs::create_dir(first.parent().unwrap()).unwrap();
        assert_eq!(place(), "runtime/octrace");

        std::os::unix::fs::symlink("/tmp", &first).unwrap();
        let finding = spool_folder(&paths);
        assert_eq!(finding.verdict, Verdict::Warning);
        let says =
            format!("{} is not a folder of yours alone, so {}", first.display(), second.display());
        assert!(finding.says.contains(&says), "{}", finding.says);

        paths.spool_candidates = vec![first];
        assert_eq!(spool_folder(&paths).verdict, Verdict::Problem);
    }

    #[test]
    fn a_home_that_cannot_be_written_is_a_problem() {
        let dir = tempfile::tempdir().unwrap();
        let mut paths = paths(dir.path());
        let settings = defaults(dir.path());
        assert_eq!(home(&paths, &settings), None);
        assert!(!paths.home.exists(), "looking makes nothing");
        assert_eq!(disk(&paths).map(|finding| finding.about), Some("disk"));

        fs::write(&paths.home, "a file").unwrap();
        let finding = home(&paths, &settings).unwrap();
        let place = paths.home.display().to_string();
        assert_eq!(finding.verdict, Verdict::Problem);
        assert!(
            finding.says.starts_with(&format!("cannot write in {place}: not a directory")),
            "{}",
            finding.says
        );
        assert!(
            finding
                .remedy
                .unwrap()
                .starts_with("Move it away, or name another folder with OCTRACE_HOME")
        );

        paths.home = paths.home.join("below");
        assert!(
            home(&paths, &settings)
                .unwrap()
                .says
                .starts_with(&format!("cannot write in {place}, "))
        );

        if cfg!(target_os = "linux") {
            paths.home = "/proc/nope".into();
            let finding = home(&paths, &settings).unwrap();
            assert!(
                finding.says.starts_with("cannot write in /proc, where /proc/nope is to be: "),
                "{}",
                finding.says
            );
            assert_eq!(disk(&paths), None, "it is no disk");
        }
    }
}
