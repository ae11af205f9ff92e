//! A small disk that can be filled: a tmpfs of our own. It takes a mount namespace, which a user namespace gives to anybody,
//! where the system allows that.

use std::{
    env,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    process::{Command, ExitStatus},
};

use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};

/// Set in the process that has namespaces of its own.
const INSIDE: &str = "OCTRACE_CHAOS_INSIDE";

/// Whether disks can be mounted here.
pub(crate) fn is_possible() -> bool {
    env::var_os(INSIDE).is_some()
}

/// Runs this program again in namespaces of its own; `None` where it is there already, or where the system gives none.
pub(crate) fn run_inside() -> io::Result<Option<ExitStatus>> {
    let unshare = ["--user", "--map-root-user", "--mount", "--"];
    let tried = Command::new("unshare").args(unshare).arg("true").output();
    if is_possible() || !tried.is_ok_and(|output| output.status.success()) {
        return Ok(None);
    }
    let mut again = Command::new("unshare");
    again.args(unshare).arg(env::current_exe()?).args(env::args_os().skip(1)).env(INSIDE, "1");
    again.status().map(Some)
}

/// A disk, mounted until it is dropped.
pub(crate) struct Disk {
    folder: PathBuf,
}

impl Disk {
    /// An empty one over this folder.
    pub(crate) fn over(folder: &Path) -> io::Result<Self> {
        // Enough for what a cycle records.
        let options = Some(c"size=192m,mode=700");
        mount("tmpfs", folder, "tmpfs", MountFlags::NOSUID | MountFlags::NODEV, options)?;
        Ok(Self { folder: folder.to_owned() })
    }

    /// Takes all but so many bytes of what is free.
    pub(crate) fn fill(&self, leave: u64) -> io::Result<()> {
        let mut ballast = File::options().create(true).append(true).open(self.ballast())?;
        let block = vec![0; 64 << 10];
        while ballast.write_all(&block).is_ok() {}
        let length = ballast.metadata()?.len();
        ballast.set_len(length.saturating_sub(leave))
    }

    /// Gives it back.
    pub(crate) fn free(&self) {
        // An error means that there is none.
        fs::remove_file(self.ballast()).ok();
    }

    fn ballast(&self) -> PathBuf {
        self.folder.join("ballast")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Who still has a file open there keeps it to himself.
        unmount(&self.folder, UnmountFlags::DETACH).ok();
    }
}
