//! The terminal viewer, in a terminal: on a live recording of the real OpenCode, and in all that a terminal does to
//! a program.

use anyhow::{Context, ensure};
use octrace_testkit::{Modes, PATIENCE, Tui, eventually, keys, script::Script};
use rustix::process::{Pid, Signal, kill_process};

use crate::stage::{OCTRACE, Stage};

/// What the viewer asks of a terminal.
const OURS: Modes = Modes { alternate: true, mouse: true, paste: true, hidden_cursor: true };

/// A terminal with a shell in it that runs this, and `octrace view` as `$view`.
fn shell(stage: &Stage, script: &str) -> anyhow::Result<Tui> {
    let shell = stage.home.command("/bin/sh").env("view", format!("{OCTRACE} view"));
    Tui::start(shell.args(["-c", script]), 100, 30)
}

/// Waits until the terminal is the viewer's, or is not any more.
fn wait_for_modes(tui: &Tui, wanted: Modes) -> anyhow::Result<()> {
    eventually(PATIENCE, || match tui.modes() {
        modes if modes == wanted => Ok(()),
        modes => Err(format!("{modes:?}; the screen:\n{}", tui.screen())),
    })
}

/// The viewer that runs in the stage's home.
fn viewer(stage: &Stage) -> anyhow::Result<Pid> {
    let found = stage.home.processes().into_iter().find(|(_, line)| {
        let mut words = line.split(' ');
        words.next() == Some(OCTRACE) && words.next() == Some("view")
    });
    Ok(found.context("no viewer runs")?.0)
}

#[test]
fn without_a_terminal_it_says_what_to_use() -> anyhow::Result<()> {
    let stage = Stage::new(Script::new())?;
    let output = stage.octrace(["view"]).output()?;
    ensure!(output.code == 1 && output.stdout.is_empty(), "{output:?}");
    ensure!(output.stderr.contains("needs a terminal"), "{}", output.stderr);
    ensure!(output.stderr.contains("octrace show"), "{}", output.stderr);
    let output = stage.octrace(["view", "--filter", "status:often"]).output()?;
    ensure!(output.code == 2, "{output:?}");
    Ok(())
}

#[test]
fn a_signal_ends_it_and_the_terminal_is_as_it_was() -> anyhow::Result<()> {
    let stage = Stage::new(Script::new())?;
    for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 130), (Signal::HUP, 129)] {
        let tui = shell(
            &stage,
            "before=$(stty -g); trap : INT; $view; echo \"code $?\"
             [ \"$(stty -g)\" = \"$before\" ] && echo as it was",
        )?;
        wait_for_modes(&tui, OURS)?;
        kill_process(viewer(&stage)?, signal)?;
        let shown = tui.wait_for("as it was")?;
        ensure!(shown.contains(&format!("code {code}")), "{signal:?}: {shown}");
        ensure!(tui.modes() == Modes::default(), "{signal:?}: {:?}", tui.modes());
    }
    Ok(())
}

#[test]
fn a_shell_gets_the_terminal_while_it_is_stopped() -> anyhow::Result<()> {
    let stage = Stage::new(Script::new())?;
    // With job control, so that the shell notices, and goes on with its next command.
    let mut tui = shell(
        &stage,
        "set -m; before=$(stty -g); $view
         [ \"$(stty -g)\" = \"$before\" ] && echo stopped once
         read -r line; fg >/dev/null
         [ \"$(stty -g)\" = \"$before\" ] && echo stopped twice
         read -r line; fg >/dev/null; echo \"code $?\"",
    )?;
    wait_for_modes(&tui, OURS)?;
    let drawn = tui.wait_for("octrace")?;
    for (by, times) in [("signal", "once"), ("key", "twice")] {
        match by {
            "signal" => kill_process(viewer(&stage)?, Signal::TSTP)?,
            _ => tui.send("\x1a")?,
        }
        tui.wait_for(&format!("stopped {times}"))?;
        ensure!(tui.modes() == Modes::default(), "{by}: {:?}", tui.modes());
        tui.send(keys::ENTER)?;
        wait_for_modes(&tui, OURS)?;
        let again = tui.wait_until(PATIENCE, |screen| screen == drawn);
        again.with_context(|| format!("{by}: drawn again as it was"))?;
    }
    kill_process(viewer(&stage)?, Signal::TERM)?;
    tui.wait_for("code 143")?;
    ensure!(tui.modes() == Modes::default(), "{:?}", tui.modes());
    Ok(())
}
