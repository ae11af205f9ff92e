//! A terminal that goes away under the viewer.

use std::{
    fs::File,
    io::Read,
    process::{Command, Stdio},
};

use anyhow::{Context, ensure};
use octrace_testkit::{PATIENCE, eventually, script::Script};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::stage::{OCTRACE, Stage};

#[test]
fn it_ends_with_its_terminal() -> anyhow::Result<()> {
    let stage = Stage::new(Script::new())?;
    // No controlling terminal: nobody sends a signal when it goes.
    // Nor does the viewer, or another test's program, hold the other end.
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    grantpt(&master)?;
    unlockpt(&master)?;
    let name = ptsname(&master, Vec::new())?;
    let slave = File::options().read(true).write(true).open(name.to_str()?)?;
    let mut child = Command::new(OCTRACE)
        .arg("view")
        .env_clear()
        .env("HOME", stage.home.path())
        .env("TERM", "xterm")
        .stdin(slave.try_clone()?)
        .stdout(slave)
        .stderr(Stdio::null())
        .spawn()?;
    let mut master = File::from(master);
    let mut drawn = [0; 16];
    master.read_exact(&mut drawn).context("nothing drawn")?;
    drop(master);
    let status = eventually(PATIENCE, || child.try_wait().ok().flatten().ok_or("it goes on"));
    child.kill().ok();
    ensure!(status?.success(), "an end like any other");
    Ok(())
}
