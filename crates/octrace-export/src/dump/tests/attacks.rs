//! A shared folder, in which everything that can be there is there.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::Path,
    time::{Duration, SystemTime},
};

use rustix::fs::{AtFlags, CWD, Mode, Timespec, Timestamps, mkfifoat, utimensat};
use tempfile::TempDir;

use crate::dump::{KEPT_FOR, Root, Trio, root_path, stem, sweep};

fn trio(word: &str) -> Trio {
    Trio {
        kind: "openai",
        sent_us: 0,
        request: format!("request {word}").into(),
        response: format!("response {word}").into(),
        meta: format!("meta {word}").into(),
        captured_bytes: 0,
        anomalies: Vec::new(),
    }
}

fn list(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Something of somebody else's, and what it looks like untouched.
fn elsewhere() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("001-openai-t.meta.json"), "theirs").unwrap();
    folder
}

fn untouched(elsewhere: &TempDir) {
    assert_eq!(list(elsewhere.path()), ["001-openai-t.meta.json"]);
    let content = fs::read(elsewhere.path().join("001-openai-t.meta.json")).unwrap();
    assert_eq!(content, b"theirs");
}

#[test]
fn a_trio_is_for_its_owner_only_and_counts_on() {
    let tmp = tempfile::tempdir().unwrap();
    let folder = Root::open(tmp.path()).unwrap().session("ses_1").unwrap();
    assert_eq!(folder.highest_number().unwrap(), 0);
    folder.write(&stem(1, "openai", 0), &trio("a")).unwrap();
    assert_eq!(folder.highest_number().unwrap(), 1);
    let there = root_path(tmp.path()).join("ses_1");
    assert_eq!((mode(&there), mode(there.parent().unwrap())), (0o700, 0o700));
    let names = list(&there);
    assert_eq!(
        names,
        [
            "001-openai-1970-01-01T00-00-00-000Z.meta.json",
            "001-openai-1970-01-01T00-00-00-000Z.request.json",
            "001-openai-1970-01-01T00-00-00-000Z.response.json",
        ]
    );
    for name in &names {
        assert_eq!(mode(&there.join(name)), 0o600);
    }
    assert_eq!(fs::read(there.join(&names[0])).unwrap(), b"meta a");
}

#[test]
fn what_a_dead_attempt_left_is_finished_or_gone() {
    let tmp = tempfile::tempdir().unwrap();
    let folder = Root::open(tmp.path()).unwrap().session("ses_1").unwrap();
    let there = root_path(tmp.path()).join("ses_1");
    // After the first name was given, in the middle of the third file.
    fs::write(there.join("001-openai-t.request.json"), "request a").unwrap();
    fs::write(there.join(".001-openai-t.response.json.new"), "response a").unwrap();
    fs::write(there.join(".001-openai-t.meta.json.new"), "me").unwrap();
    folder.write("001-openai-t", &trio("a")).unwrap();
    assert_eq!(list(&there).len(), 3);
    assert_eq!(fs::read(there.join("001-openai-t.meta.json")).unwrap(), b"meta a");

    // One of the files cannot be made.
    let in_the_way = there.join(".002-openai-t.meta.json.new");
    fs::create_dir(&in_the_way).unwrap();
    let error = folder.write("002-openai-t", &trio("b")).unwrap_err();
    assert!(error.to_string().starts_with("cannot write 002-openai-t.meta.json: "), "{error}");
    assert_eq!(list(&there).len(), 4, "the first trio, and what is in the way");

    // Or cannot get its name.
    let in_the_way = there.join("003-openai-t.meta.json");
    fs::create_dir(&in_the_way).unwrap();
    folder.write("003-openai-t", &trio("c")).unwrap_err();
    assert_eq!(list(&there).len(), 5);
}

#[test]
fn a_prepared_link_leads_nowhere() {
    let (tmp, elsewhere) = (tempfile::tempdir().unwrap(), elsewhere());
    let root = root_path(tmp.path());
    symlink(elsewhere.path(), &root).unwrap();
    let refused = Root::open(tmp.path()).unwrap_err().to_string();
    assert_eq!(refused, "opencode-interceptor: it is not a folder");
    let [anomaly] = &sweep(tmp.path(), SystemTime::now() + 2 * KEPT_FOR)[..] else { panic!() };
    assert_eq!(anomaly.phase.as_str(), "cleanup/path-safety");
    untouched(&elsewhere);

    fs::remove_file(&root).unwrap();
    let opened = Root::open(tmp.path()).unwrap();
    symlink(elsewhere.path(), root.join("ses_1")).unwrap();
    assert_eq!(opened.session("ses_1").unwrap_err().to_string(), "ses_1: it is not a folder");
    untouched(&elsewhere);

    // A file's name: the link goes, what it points to stays.
    let folder = opened.session("ses_2").unwrap();
    let theirs = elsewhere.path().join("001-openai-t.meta.json");
    for name in [".001-openai-t.meta.json.new", "001-openai-t.meta.json"] {
        symlink(&theirs, root.join("ses_2").join(name)).unwrap();
    }
    folder.write("001-openai-t", &trio("a")).unwrap();
    untouched(&elsewhere);
    assert!(!fs::symlink_metadata(root.join("ses_2/001-openai-t.meta.json")).unwrap().is_symlink());
}

#[test]
fn a_folder_that_others_may_write_is_refused() {
    let tmp = tempfile::tempdir().unwrap();
    let root = root_path(tmp.path());
    Root::open(tmp.path()).unwrap();
    chmod(&root, 0o770);
    let refused = Root::open(tmp.path()).unwrap_err().to_string();
    assert_eq!(refused, "opencode-interceptor: others may write to it");
    assert_eq!(mode(&root), 0o770, "left as it is");
    chmod(&root, 0o755);
    let opened = Root::open(tmp.path()).unwrap();
    fs::create_dir(root.join("ses_1")).unwrap();
    chmod(&root.join("ses_1"), 0o702);
    assert_eq!(opened.session("ses_1").unwrap_err().to_string(), "ses_1: others may write to it");

    // A place for temporary files is everybody's, and then it is sticky.
    chmod(tmp.path(), 0o777);
    let refused = Root::open(tmp.path()).unwrap_err().to_string();
    assert!(refused.ends_with(": everybody may replace what is in it"), "{refused}");
    chmod(tmp.path(), 0o1777);
    assert!(Root::open(tmp.path()).is_ok());
    assert!(Root::open(&tmp.path().join("missing")).is_err());
    let file = root.join("ses_file");
    fs::write(&file, "").unwrap();
    assert!(Root::open(&file).is_err());
    assert_eq!(opened.session("ses_file").unwrap_err().to_string(), "ses_file: it is not a folder");
}

#[test]
fn what_is_swapped_after_it_was_opened_gets_nothing() {
    let (tmp, elsewhere) = (tempfile::tempdir().unwrap(), elsewhere());
    let opened = Root::open(tmp.path()).unwrap();
    let root = root_path(tmp.path());
    let aside = tmp.path().join("aside");
    fs::rename(&root, &aside).unwrap();
    symlink(elsewhere.path(), &root).unwrap();
    let folder = opened.session("ses_1").unwrap();
    fs::rename(aside.join("ses_1"), aside.join("ses_2")).unwrap();
    symlink(elsewhere.path(), aside.join("ses_1")).unwrap();
    folder.write("001-openai-t", &trio("a")).unwrap();
    assert_eq!(list(&aside.join("ses_2")).len(), 3, "where it was opened");
    untouched(&elsewhere);
}

#[test]
fn a_hostile_session_stays_below_the_root() {
    let tmp = tempfile::tempdir().unwrap();
    let opened = Root::open(tmp.path()).unwrap();
    let sessions = ["../../x", "..", "/etc", "", "a\0b", &"x".repeat(5_000)];
    for session in sessions {
        opened.session(session).unwrap().write("001-openai-t", &trio("a")).unwrap();
    }
    assert_eq!(list(&root_path(tmp.path())).len(), sessions.len());
    assert_eq!(list(tmp.path()), ["opencode-interceptor"]);
}

/// Everything in and below `path` becomes `age` old; a link, not what it points to.
fn aged(path: &Path, age: Duration) {
    let at = SystemTime::now() - age;
    if path.is_dir() && !path.is_symlink() {
        for entry in fs::read_dir(path).unwrap() {
            aged(&entry.unwrap().path(), age);
        }
    }
    let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let at = Timespec { tv_sec: since.as_secs().cast_signed(), tv_nsec: 0 };
    let times = Timestamps { last_access: at, last_modification: at };
    utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW).unwrap();
}

#[test]
fn a_sweep_takes_old_session_folders_and_nothing_else() {
    let (tmp, elsewhere) = (tempfile::tempdir().unwrap(), elsewhere());
    let (old, now) = (KEPT_FOR + Duration::from_secs(60), SystemTime::now());
    assert_eq!(sweep(tmp.path(), now), []);
    assert_eq!(list(tmp.path()), [""; 0], "looking makes nothing");
    assert_eq!(sweep(&tmp.path().join("missing"), now), []);

    let opened = Root::open(tmp.path()).unwrap();
    let root = root_path(tmp.path());
    let sessions = ["old", "fresh", "half_fresh", "noted", "nested", "linked", "shared", "piped"];
    for session in sessions.map(|word| format!("ses_{word}")) {
        opened.session(&session).unwrap().write("001-openai-t", &trio("a")).unwrap();
    }
    // However odd its id is, a session's folder is known; somebody's own is not.
    for session in ["run_12_a1", "../x", "", "mine"] {
        opened.session(session).unwrap().write("001-openai-t", &trio("a")).unwrap();
    }
    for folder in ["ses_empty", "mine", "notes-2026", "empty"] {
        fs::create_dir(root.join(folder)).unwrap();
    }
    fs::write(root.join("mine/001-openai-t.meta.json"), "mine").unwrap();
    fs::write(root.join("ses_old/.002-openai-t.meta.json.new"), "half").unwrap();
    fs::write(root.join("ses_noted/notes.txt"), "in our folder").unwrap();
    fs::create_dir_all(root.join("ses_nested/deep/er")).unwrap();
    symlink(elsewhere.path(), root.join("ses_linked/to a folder")).unwrap();
    symlink(elsewhere.path().join("001-openai-t.meta.json"), root.join("ses_linked/x")).unwrap();
    mkfifoat(CWD, root.join("ses_piped/pipe"), Mode::RUSR).unwrap();
    fs::write(root.join("ses_file"), "a file in the root").unwrap();
    symlink(elsewhere.path(), root.join("ses_link")).unwrap();
    symlink(elsewhere.path(), root.join("link")).unwrap();
    aged(&root, old);
    chmod(&root.join("ses_shared"), 0o777);
    aged(&root.join("ses_fresh"), KEPT_FOR - Duration::from_secs(60));
    // Something was written in it since, which does not show in the folder.
    aged(&root.join("ses_half_fresh/001-openai-t.meta.json"), Duration::ZERO);

    let anomalies = sweep(tmp.path(), now);
    assert_eq!(
        list(&root),
        [
            "empty",
            "link",
            "mine",
            "notes-2026",
            "ses_file",
            "ses_fresh",
            "ses_half_fresh",
            "ses_link",
            "ses_nested",
            "ses_piped",
            "ses_shared"
        ]
    );
    assert_eq!(list(&root.join("ses_nested")).len(), 4, "whole");
    assert_eq!(list(&root.join("ses_piped")).len(), 4);
    assert_eq!(list(&root.join("mine")).len(), 1);
    untouched(&elsewhere);
    let said: Vec<_> =
        anomalies.iter().map(|said| format!("{} {}", said.phase.as_str(), said.message)).collect();
    let stays = "is neither a file nor a link of ours, so the folder stays";
    assert_eq!(
        said,
        [
            "cleanup/path-safety ses_link: it is a link".to_owned(),
            format!("cleanup/entry-delete ses_nested: deep {stays}"),
            format!("cleanup/entry-delete ses_piped: pipe {stays}"),
            "cleanup/path-safety ses_shared: others may write to it".to_owned(),
        ]
    );
}
