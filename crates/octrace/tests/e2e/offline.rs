//! Without network. Once a plugin is configured, OpenCode waits at each start for packages from a registry,
//! and without network for more than a minute; a recorded OpenCode must not.
//!
//! In every run of the tests a registry that never answers stands for the network; in the slow set the
//! network is really cut off.

use std::{
    fs, io,
    net::{Ipv4Addr, TcpListener},
    time::Duration,
};

use anyhow::{Context, ensure};
use octrace_testkit::{
    Home, Run, cut_off,
    script::{Script, Server, Step},
};

use crate::stage::{Stage, main_calls, recorded};

/// A home that has never had a plugin, with a project that has an empty configuration folder of its own:
/// OpenCode would wait for both.
fn stage() -> anyhow::Result<Stage> {
    let server = Server::start(Script::new().on("hi", [Step::text("Hello.")]))?;
    let home = Home::unprepared(&server.url())?;
    fs::create_dir(home.project().join(".opencode"))?;
    Ok(Stage { server, home })
}

/// A package registry that takes calls and never answers.
struct Registry(TcpListener);

impl Registry {
    fn silent() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        Ok(Self(listener))
    }

    /// The command, with this registry.
    fn of(&self, command: Run) -> anyhow::Result<Run> {
        let url = format!("http://{}/", self.0.local_addr()?);
        Ok(command.env("npm_config_registry", url))
    }

    /// Whether anybody has called since this was last asked.
    fn was_called(&self) -> io::Result<bool> {
        let mut called = false;
        loop {
            match self.0.accept() {
                Ok(_) => called = true,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(called),
                Err(error) => return Err(error),
            }
        }
    }
}

#[test]
fn a_recorded_opencode_asks_no_package_registry() -> anyhow::Result<()> {
    let registry = Registry::silent()?;
    // OpenCode does ask, and this registry; without a plugin it does not wait for the answer.
    let bare = stage()?;
    let output = registry.of(bare.home.opencode_run("mock/scripted", "SCRIPT:hi"))?.output()?;
    ensure!(output.success()?.stdout.contains("Hello."));
    ensure!(registry.was_called()?, "OpenCode no longer asks; then this test proves nothing");

    let run = stage()?;
    let output = registry.of(run.run("mock/scripted", "SCRIPT:hi"))?.output()?.success()?;
    ensure!(output.stdout.contains("Hello.") && recorded(&output), "{output:?}");
    ensure!(!registry.was_called()?, "`octrace run` made OpenCode ask");

    let installed = stage()?;
    registry.of(installed.octrace(["install"]))?.output()?.success()?;
    let command = installed.home.opencode_run("mock/scripted", "SCRIPT:hi");
    ensure!(registry.of(command)?.output()?.success()?.stdout.contains("Hello."));
    ensure!(!registry.was_called()?, "the installed plugin made OpenCode ask");
    installed.flush()?;
    assert_eq!(main_calls(&installed.only()?).len(), 1);
    Ok(())
}

#[test]
#[ignore = "slow: nine starts of OpenCode, in a network namespace of their own"]
fn without_network_a_recorded_opencode_starts_as_soon_as_any() -> anyhow::Result<()> {
    if !cut_off("offline::without_network_a_recorded_opencode_starts_as_soon_as_any")? {
        return Ok(());
    }
    let (bare, run, installed) = (stage()?, stage()?, stage()?);
    installed.octrace(["install"]).output()?.success()?;
    let mut times: [Vec<Duration>; 3] = Default::default();
    for _ in 0..3 {
        let commands = [
            bare.home.opencode_run("mock/scripted", "SCRIPT:hi"),
            run.run("mock/scripted", "SCRIPT:hi"),
            installed.home.opencode_run("mock/scripted", "SCRIPT:hi"),
        ];
        for (command, times) in commands.into_iter().zip(&mut times) {
            let output = command.output()?.success()?;
            ensure!(output.stdout.contains("Hello."), "{output:?}");
            times.push(output.took);
        }
    }
    installed.flush()?;
    for recorded in [&run, &installed] {
        assert_eq!(recorded.sessions()?.len(), 3, "all of it was recorded");
    }
    let [bare, run, installed] = times.map(|mut times| {
        times.sort();
        times.get(1).copied()
    });
    println!(
        "medians of 3: without {bare:.2?}, `octrace run` {run:.2?}, installed {installed:.2?}"
    );
    // What a recorder and a report take on a busy machine; the wait would be more than a minute.
    let most = bare.context("times")?.mul_f64(1.25) + Duration::from_millis(1500);
    ensure!(run < Some(most), "`octrace run` {run:.2?}, without {bare:.2?}");
    ensure!(installed < Some(most), "installed {installed:.2?}, without {bare:.2?}");
    Ok(())
}
