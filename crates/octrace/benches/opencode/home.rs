//! Where OpenCode runs: throw-away homes, with octrace as a user installs it, and without.

use std::{fs, time::Duration};

use anyhow::ensure;
use octrace_testkit::{Home, eventually};
use rustix::process::{Signal, kill_process};

/// How long anything may take, on a machine that does a lot else.
pub(crate) const PATIENCE: Duration = Duration::from_secs(600);

/// A home where octrace is installed.
pub(crate) fn recorded(url: &str) -> anyhow::Result<Home> {
    let home = Home::new(url)?;
    home.octrace(env!("CARGO_BIN_EXE_octrace"), ["install"]).output()?.success()?;
    Ok(home)
}

/// A home with a plugin that does nothing.
pub(crate) fn unrecorded(url: &str) -> anyhow::Result<Home> {
    let home = Home::new(url)?;
    let plugins = home.config().join("plugins");
    fs::create_dir(&plugins)?;
    fs::write(plugins.join("nothing.ts"), "export default async () => ({})\n")?;
    Ok(home)
}

/// Waits until nobody is at work there.
pub(crate) fn is_left(home: &Home) -> anyhow::Result<()> {
    eventually(PATIENCE, || {
        let left = home.processes();
        ensure!(left.is_empty(), "still at work: {left:?}");
        Ok(())
    })
}

/// Ends whoever is still at work there.
pub(crate) fn leave(home: &Home) -> anyhow::Result<()> {
    eventually(PATIENCE, || {
        let left = home.processes();
        for (pid, _) in &left {
            // An error means that it is gone.
            kill_process(*pid, Signal::KILL).ok();
        }
        ensure!(left.is_empty(), "still at work: {left:?}");
        Ok(())
    })
}
