//! Git is asked on real repositories: what it says is read right, and a hostile one starts nothing.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    time::{SystemTime, UNIX_EPOCH},
};

use octrace_testkit::{PATIENCE, eventually};
use tempfile::TempDir;

use super::{
    objects::{Blob, Status},
    *,
};

/// A repository without commits.
struct Room {
    _dir: TempDir,
    root: PathBuf,
}

impl Room {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap().join("project");
        fs::create_dir(&root).unwrap();
        let room = Self { _dir: dir, root };
        room.git(&["init", "--quiet", "--initial-branch=main"]);
        room
    }

    /// As a user calls it.
    fn git(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("git");
        command.arg("-C").arg(&self.root).args([
            "-c",
            "user.name=u",
            "-c",
            "user.email=u@localhost",
        ]);
        let output = command.args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.root.join(name), text).unwrap();
    }

    /// The tree of the files as they are.
    fn tree(&self) -> String {
        self.git(&["add", "--all"]);
        self.git(&["write-tree"])
    }

    fn program(&self, name: &str, text: &str) -> PathBuf {
        let path = self.root.with_file_name(name);
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }
}

fn contents(git: &Git, ids: &[String], most: u64) -> Vec<Blob> {
    let mut blobs = vec![Blob::Missing; ids.len()];
    git.cat_file(ids, most, |place, blob| blobs[place] = blob).unwrap();
    blobs
}

#[test]
fn the_files_that_differ_between_two_trees_are_found_with_their_contents() {
    let room = Room::new();
    for name in ["changed", "gone", "executable", "becomes a link", "odd\n\t\"name"] {
        room.write(name, &format!("{name} 1\n"));
    }
    room.write("moved", &"a line that stays\n".repeat(20));
    symlink("changed", room.root.join("link")).unwrap();
    let old = room.tree();
    room.write("changed", "changed 2\n");
    room.write("new", "");
    room.write("odd\n\t\"name", "2");
    fs::remove_file(room.root.join("gone")).unwrap();
    fs::set_permissions(room.root.join("executable"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::remove_file(room.root.join("becomes a link")).unwrap();
    symlink("changed", room.root.join("becomes a link")).unwrap();
    fs::remove_file(room.root.join("link")).unwrap();
    symlink("new", room.root.join("link")).unwrap();
    fs::rename(room.root.join("moved"), room.root.join("there")).unwrap();
    let new = room.tree();

    for git in [Git::at(&room.root), Git::bare(&room.root.join(".git"))] {
        let changes = git.diff_tree(&old, &new).unwrap();
        let told: Vec<_> = changes
            .iter()
            .map(|change| {
                let ids = (change.old.is_some(), change.new.is_some());
                (String::from_utf8(change.path.clone()).unwrap(), ids, change.status)
            })
            .collect();
        let there = |name: &str, ids, status| (name.to_owned(), ids, status);
        assert_eq!(
            told,
            [
                there("becomes a link", (true, false), Status::Retyped),
                there("changed", (true, true), Status::Modified),
                there("gone", (true, false), Status::Deleted),
                there("moved", (true, false), Status::Deleted),
                there("new", (false, true), Status::Added),
                there("odd\n\t\"name", (true, true), Status::Modified),
                there("there", (false, true), Status::Added),
            ]
        );
        assert_eq!(git.diff_tree(&new, &new).unwrap(), []);
        assert!(matches!(git.diff_tree(&"0".repeat(40), &new), Err(GitError::Failed(_))));
        assert!(matches!(git.diff_tree("--output=x", &new), Err(GitError::Odd)));

        let changed = changes[1].clone();
        let ids = [changed.new, changed.old, changes[4].new.clone(), changes[6].new.clone()];
        let mut ids: Vec<_> = ids.into_iter().flatten().collect();
        ids.extend(["1".repeat(40), new.clone()]);
        let bytes = |text: &str| Blob::Bytes(text.into());
        assert_eq!(
            contents(&git, &ids, 100),
            [
                bytes("changed 2\n"),
                bytes("changed 1\n"),
                bytes(""),
                Blob::Large(360),
                Blob::Missing,
                Blob::Missing
            ]
        );
        assert_eq!(contents(&git, &[], 100), []);
        assert!(git.has(&old).unwrap() && !git.has(&"1".repeat(40)).unwrap());
    }
}

#[test]
fn contents_are_asked_for_in_pieces() {
    let room = Room::new();
    let text = |n: usize| n.to_string().repeat(8 << 20);
    for n in 0..6 {
        room.write(&n.to_string(), &text(n));
    }
    let tree = room.tree();
    let listed = room.git(&["ls-tree", "--format=%(objectname)", &tree]);
    let ids: Vec<_> = listed.lines().map(str::to_owned).collect();
    let blobs = contents(&Git::at(&room.root), &ids, 8 << 20);
    let blobs: Vec<_> = blobs.into_iter().enumerate().collect();
    assert_eq!(blobs.len(), 6);
    assert!(blobs.iter().all(|(n, blob)| *blob == Blob::Bytes(text(*n).into_bytes())));
}

#[test]
fn the_commit_and_the_root_are_those_of_the_work_tree() {
    let room = Room::new();
    let below = room.root.join("a/b");
    fs::create_dir_all(&below).unwrap();
    assert_eq!(Git::at(&below).rev_parse_head().unwrap(), None, "no commit yet");
    room.git(&["commit", "--quiet", "--allow-empty", "--message=1"]);
    let first = room.git(&["rev-parse", "HEAD"]);
    let other = room.root.with_file_name("worktree with a space");
    room.git(&["worktree", "add", "--quiet", "--detach", other.to_str().unwrap()]);
    room.git(&["commit", "--quiet", "--allow-empty", "--message=2"]);
    let second = room.git(&["rev-parse", "HEAD"]);
    assert_eq!(Git::at(&below).rev_parse_head().unwrap(), Some(second));
    assert_eq!(Git::at(&other).rev_parse_head().unwrap(), Some(first));
    assert_eq!(Git::at(&below).toplevel().unwrap(), room.root);
    assert_eq!(Git::at(&other).toplevel().unwrap(), other);

    let nowhere = tempfile::tempdir().unwrap();
    for place in [nowhere.path(), Path::new("/no/such/folder")] {
        assert!(matches!(Git::at(place).toplevel(), Err(GitError::Failed(Some(128)))));
        assert!(matches!(Git::at(place).rev_parse_head(), Err(GitError::Failed(Some(128)))));
    }
}

#[test]
fn what_was_checked_out_at_a_time_is_in_the_log() {
    let room = Room::new();
    let git = Git::at(&room.root);
    assert!(git.head_at(0).is_err(), "no commit yet");
    let commit = |date: &str| {
        let mut command = Command::new("git");
        command.arg("-C").arg(&room.root).env("GIT_COMMITTER_DATE", format!("@{date} +0000"));
        command.args(["-c", "user.name=u", "-c", "user.email=u@localhost", "commit"]);
        let output =
            command.args(["--quiet", "--allow-empty", "--message", date]).output().unwrap();
        assert!(output.status.success());
        room.git(&["rev-parse", "HEAD"])
    };
    let (first, second) = (commit("1000"), commit("2000"));
    let at = |seconds: i64| git.head_at(seconds * 1_000_000 + 999_999).unwrap();
    assert_eq!(at(3000), Some(second));
    assert_eq!(at(2000), None, "in that second it was the one, then the other");
    assert_eq!(at(1999), Some(first));
    assert_eq!(at(1000), None);
    assert_eq!(at(999), None, "before the log begins");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    assert!(at(now.cast_signed()).is_some());
}

#[test]
fn what_git_keeps_in_another_form_is_told() {
    let room = Room::new();
    room.write(".gitattributes", "*.big filter=lfs\n*.id ident\n*.w working-tree-encoding=UTF-16\n*.crlf eol=crlf\n*.big2 -filter\n");
    let paths = ["a.big", "b.id", "c/d.w", "e.crlf", "f.txt", "g\n.big", "h.big2"];
    let paths: Vec<_> = paths.iter().map(|path| path.as_bytes()).collect();
    let git = Git::at(&room.root);
    assert_eq!(git.converts(&paths).unwrap(), [true, true, true, false, false, true, false]);
    assert_eq!(git.converts(&[]).unwrap(), [false; 0]);
}

#[test]
fn a_hostile_repository_starts_nothing() {
    let room = Room::new();
    let started = room.root.with_file_name("started");
    let evil = room.program("evil", &format!("echo \"$0\" >> '{}'; cat", started.display()));
    room.write("file.c", "1\n");
    room.write(".gitattributes", "* diff=evil filter=evil merge=evil\n");
    let old = room.tree();
    room.git(&["commit", "--quiet", "--message=1"]);
    room.write("file.c", "2\n");
    let new = room.tree();
    let hooks = room.root.join(".git/hooks");
    fs::create_dir_all(&hooks).unwrap();
    for hook in ["post-index-change", "reference-transaction", "post-checkout"] {
        fs::copy(&evil, hooks.join(hook)).unwrap();
    }
    for name in [
        "core.fsmonitor",
        "core.pager",
        "core.editor",
        "core.sshCommand",
        "core.askPass",
        "core.gitProxy",
        "core.alternateRefsCommand",
        "diff.external",
        "diff.evil.command",
        "diff.evil.textconv",
        "filter.evil.clean",
        "filter.evil.smudge",
        "filter.evil.process",
        "gpg.program",
        "gpg.ssh.program",
        "credential.helper",
        "alias.diff-tree",
        "alias.rev-parse",
        "alias.cat-file",
        "remote.origin.uploadpack",
    ] {
        room.git(&["config", name, evil.to_str().unwrap()]);
    }
    // A partial clone, of what a program gives.
    for (name, value) in [
        ("extensions.partialClone", "origin"),
        ("remote.origin.promisor", "true"),
        ("remote.origin.url", &format!("ext::{}", evil.display())),
        ("protocol.ext.allow", "always"),
        ("log.showSignature", "true"),
        ("pager.diff-tree", "true"),
    ] {
        room.git(&["config", name, value]);
    }
    fs::remove_file(&started).ok();

    let index = fs::read(room.root.join(".git/index")).unwrap();
    room.write("file.c", "3\n");
    let git = Git::at(&room.root);
    let [change] = &git.diff_tree(&old, &new).unwrap()[..] else { panic!("one file") };
    let mut ids =
        [change.old.clone(), change.new.clone()].into_iter().flatten().collect::<Vec<_>>();
    ids.push("1".repeat(40));
    let bytes = |text: &str| Blob::Bytes(text.into());
    assert_eq!(contents(&git, &ids, 100), [bytes("1\n"), bytes("2\n"), Blob::Missing]);
    assert!(!git.has(&"1".repeat(40)).unwrap());
    assert_eq!(git.toplevel().unwrap(), room.root);
    assert!(git.rev_parse_head().unwrap().is_some());
    assert!(git.head_at(i64::MAX).unwrap().is_some());
    assert_eq!(git.converts(&[b"file.c"]).unwrap(), [true]);
    git.run(["ls-files", "--others", "--exclude-standard", "-z"]).unwrap();
    git.run(["blame", "--porcelain", "--no-textconv", "HEAD", "--", "file.c"]).unwrap();
    assert_eq!(fs::read_to_string(&started).unwrap_or_default(), "");
    assert_eq!(fs::read(room.root.join(".git/index")).unwrap(), index);
    assert!(!room.root.join(".git/index.lock").exists());

    room.git(&["status"]);
    assert!(started.exists(), "they are there, for whoever is not careful");
}

#[test]
fn a_lock_of_somebody_elses_is_not_waited_for() {
    let room = Room::new();
    let tree = room.tree();
    room.write(".git/index.lock", "");
    let git = Git::at(&room.root);
    assert_eq!(git.diff_tree(&tree, &tree).unwrap(), []);
    assert_eq!(git.rev_parse_head().unwrap(), None);
    assert_eq!(git.toplevel().unwrap(), room.root);
}

#[test]
fn a_git_that_hangs_is_killed_with_what_it_started() {
    let room = Room::new();
    let started = room.root.with_file_name("pid");
    let hangs =
        format!("sleep 1000 & echo $! > '{0}.new'; mv '{0}.new' '{0}'; wait", started.display());
    let git = Git::at(&room.root).by(&room.program("hangs", &hangs));
    assert!(matches!(git.within(Duration::from_secs(1)).run(["x"]), Err(GitError::Slow(_))));
    let pid = fs::read_to_string(started).unwrap();
    let stat = format!("/proc/{}/stat", pid.trim());
    // Killed, and taken note of or not: that is up to whoever inherited it.
    let is_gone = || fs::read_to_string(&stat).map_or(true, |stat| stat.contains(") Z "));
    eventually(PATIENCE, || is_gone().then_some(()).ok_or("it lives")).unwrap();
}

#[test]
fn what_git_cannot_do_is_told() {
    let room = Room::new();
    let git = Git::at(&room.root);
    let by = |text: &str| git.clone().by(&room.program("git", text));
    assert!(matches!(
        git.clone().by(Path::new("/no/such/git")).toplevel(),
        Err(GitError::Start(_))
    ));
    assert!(matches!(by("exec yes").run(["x"]), Err(GitError::Long)));
    assert!(matches!(by("kill -9 $$").run(["x"]), Err(GitError::Failed(None))));
    assert!(matches!(by("echo no id").rev_parse_head(), Err(GitError::Odd)));
    assert!(matches!(by("echo relative").toplevel(), Err(GitError::Odd)));
    let id = "1".repeat(40);
    for text in ["echo :100644", "printf ':1 2 3 4 A\\0'", "printf 'x\\0y\\0'"] {
        assert!(matches!(by(text).diff_tree(&id, &id), Err(GitError::Odd)), "{text}");
    }
    for text in ["exit 0", "echo blob 5", "echo blob 99999999999999999999", "echo 'blob -1'"] {
        let told = by(text).cat_file(std::slice::from_ref(&id), 100, |_, _| {});
        assert!(!matches!(told, Err(GitError::Slow(_) | GitError::Long)), "{text}");
    }
    assert!(by("cat").run(["x"]).unwrap().is_empty(), "nothing is on its standard input");
}
