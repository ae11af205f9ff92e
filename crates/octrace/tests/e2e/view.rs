//! The terminal viewer, in a terminal: on a live recording of the real OpenCode, and in all that a terminal does to
//! a program.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use octrace_testkit::{
    Modes, Output, PATIENCE, Serve, Tui, eventually, keys,
    script::{Fault, Script, Seen, Step},
};
use rustix::{
    process::{Pid, Signal, kill_process},
    termios::{Action, tcflow},
};
use serde_json::json;

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
    let signals =
        [(Signal::TERM, 143), (Signal::INT, 130), (Signal::HUP, 129), (Signal::QUIT, 131)];
    for (signal, code) in signals {
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
fn a_signal_ends_it_though_the_terminal_takes_nothing() -> anyhow::Result<()> {
    let stage = Stage::new(Script::new())?;
    let tui = shell(
        &stage,
        "before=$(stty -g); $view; [ \"$(stty -g)\" = \"$before\" ] && echo as it was",
    )?;
    wait_for_modes(&tui, OURS)?;
    tui.wait_for("Nothing has been recorded yet")?;
    let viewer = viewer(&stage)?;
    let terminal = fs::File::open(format!("/proc/{}/fd/0", viewer.as_raw_nonzero()))?;
    tcflow(&terminal, Action::OOff)?;
    // What it draws now waits for ever.
    kill_process(viewer, Signal::CONT)?;
    kill_process(viewer, Signal::TERM)?;
    eventually(PATIENCE, || match self::viewer(&stage) {
        Ok(_) => Err("it is still there"),
        Err(_) => Ok(()),
    })?;
    tcflow(&terminal, Action::OOn)?;
    tui.wait_until(PATIENCE, |screen| screen.contains("as it was"))?;
    Ok(())
}

#[test]
fn much_that_is_typed_at_once_is_taken_at_once() -> anyhow::Result<()> {
    let stage = Stage::new(Script::new())?;
    let mut tui = Tui::start(stage.octrace(["view"]), 100, 30)?;
    tui.wait_for("Nothing has been recorded yet")?;
    // More than is read at once, and nothing after it.
    tui.send(&format!("{}?", "j".repeat(3000)))?;
    tui.wait_for("narrow")?;
    tui.send(keys::ESCAPE)?;
    tui.wait_for("Nothing has been recorded yet")?;
    tui.send(&format!("/\x1b[200~{}THE END\x1b[201~", "x".repeat(900)))?;
    tui.wait_for("THE END")?;
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
    let drawn = tui.wait_for("Nothing has been recorded yet")?;
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

#[test]
fn a_tape_that_another_program_keeps_to_itself_is_waited_for_on_the_screen() -> anyhow::Result<()> {
    let stage = Stage::new(Script::new())?;
    let path = stage.home.data().join("octrace/tape.db");
    drop(octrace_store::Tape::open(&path)?);
    let other = rusqlite::Connection::open(&path)?;
    other.pragma_update(None, "locking_mode", "exclusive")?;
    other.execute_batch("BEGIN EXCLUSIVE; COMMIT")?;
    let view = || Tui::start(stage.octrace(["view"]), 100, 30);
    let mut tui = view()?;
    tui.wait_for("another program keeps the tape to itself")?;
    // It is not deaf meanwhile.
    tui.send("?")?;
    tui.wait_for("narrow")?;
    tui.send(keys::CTRL_C)?;
    ensure!(tui.wait()? == 0);

    let tui = view()?;
    tui.wait_for("another program keeps the tape to itself")?;
    drop(other);
    tui.wait_for("Nothing has been recorded yet")?;
    Ok(())
}

/// How soon what happened must be on the screen while many other tests run. Alone it takes a fifth of a second.
const SOON: Duration = Duration::from_secs(3);

/// A recording that goes on while it is looked at, and all that can be done with it.
#[test]
fn a_live_recording_is_looked_at_copied_and_saved() -> anyhow::Result<()> {
    let work = [
        Step::call("bash", json!({"command": "cat notes.txt; exit 3", "description": "Look"}))
            .reasoning("Hm."),
        Step::text("All done, naïvely “said”."),
    ];
    let hang = [Step::text("One two three four five six.").fault(Fault::HangAfter(3))];
    let title = Step::text("Two lines");
    let stage = Stage::new(Script::new().on("work", work).on("hang", hang).title(title))?;
    let clipboard = clipboard_tool(&stage)?;
    let view =
        |arguments: &[&str]| stage.octrace(["view"]).args(arguments).env("WAYLAND_DISPLAY", "none");
    let mut tui = Tui::start(view(&[]), 120, 30)?;
    tui.wait_for("Nothing has been recorded yet")?;

    // The list, and a session as it goes.
    let serve = Serve::of(stage.serve())?;
    let dir = stage.home.project();
    let session = serve.session(&dir)?;
    serve.prompt(&dir, &session, "anthropic/scripted", "SCRIPT:work please")?;
    tui.wait_for("Two lines")?;
    tui.send(keys::ENTER)?;
    let shown = tui.wait_for("SCRIPT:work please")?;
    ensure!(shown.contains("bash cat notes.txt") && shown.contains("exit 3"), "{shown}");
    ensure!(!shown.contains("title"), "requests for titles are not shown: {shown}");

    // While something is under way; the moments are the server's own.
    let mut history = Tui::start(view(&["--static", "--session", &session]), 120, 30)?;
    history.wait_until(PATIENCE, |screen| {
        screen.contains("SCRIPT:work please") && !screen.contains("reading")
    })?;
    serve.send(&dir, &session, "anthropic/scripted", "SCRIPT:hang now")?;
    let shown = tui.wait_for("streaming")?;
    let streams = Instant::now();
    let hung = |seen: &[Seen]| seen.iter().find(|seen| seen.script == "hang").cloned();
    let begun = stage.server.wait_for(PATIENCE, hung).context("no request")?;
    ensure!(shown.contains("SCRIPT:hang now"), "{shown}");
    ensure!(streams - begun.at < SOON, "streams after {:?}", streams - begun.at);
    stage.server.release();
    let over = |screen: &str| !screen.contains("streaming") && !screen.contains("stalled");
    tui.wait_until(PATIENCE, over)?;
    let ended = Instant::now();
    let (_, at) = stage.server.wait_for(PATIENCE, |seen| hung(seen)?.ended).context("no end")?;
    ensure!(ended.saturating_duration_since(at) < SOON, "over after {:?}", ended - at);

    // What shows only what was there then has not moved. A key first, so that there is a new picture to look at.
    history.send("?")?;
    history.wait_for("narrow")?;
    history.send(keys::ESCAPE)?;
    let shown = history.wait_until(PATIENCE, |screen| !screen.contains("narrow"))?;
    ensure!(shown.contains("SCRIPT:work please") && !shown.contains("SCRIPT:hang"), "{shown}");
    drop(history);

    // The other size of terminal, and back.
    tui.resize(80, 24)?;
    tui.wait_until(PATIENCE, |screen| {
        screen.lines().count() == 24 && screen.lines().last().is_some_and(|foot| foot.contains("?"))
    })?;
    tui.resize(120, 30)?;
    tui.wait_until(PATIENCE, |screen| screen.lines().count() == 30)?;

    // An exchange: the first one of the conversation. Its body goes to every clipboard as it was sent.
    tui.send("g")?;
    tui.send("j")?;
    tui.send(keys::ENTER)?;
    tui.wait_for("1 conversation")?;
    tui.send("2")?;
    tui.send("Y")?;
    let shown = tui.wait_for("copied")?;
    ensure!(shown.contains("with wl-copy and through the terminal (OSC 52)"), "{shown}");
    let asked = stage.asked();
    let sent = asked.first().context("no request")?.body.as_ref();
    ensure!(fs::read(&clipboard)? == sent, "wl-copy has the body");
    // The terminal gets it before the toast, but this reads what it shows at any moment.
    ensure!(tui.clipboard().as_deref() == Some(sent), "the terminal has the body");
    tui.send("c")?;
    eventually(PATIENCE, || match fs::read_to_string(&clipboard) {
        Ok(text) if text.contains("curl --globoff") => Ok(()),
        other => Err(format!("{other:?}")),
    })?;

    // And to a file.
    tui.send("s")?;
    tui.wait_for("save")?;
    tui.send("\x15~/body.json\r")?;
    tui.wait_for("saved")?;
    let file = stage.home.path().join("body.json");
    ensure!(fs::read(&file)? == sent, "the file has the body");
    ensure!(fs::metadata(&file)?.permissions().mode() & 0o777 == 0o600, "for its owner only");
    tui.send("s")?;
    tui.wait_for("save")?;
    tui.send("\x15~/body.json\r")?;
    tui.wait_for("save as ~/body-2.json   ~/body.json is there already")?;
    tui.send("\r")?;
    eventually(PATIENCE, || {
        ensure!(fs::read(stage.home.path().join("body-2.json"))? == sent, "the same body");
        Ok(())
    })?;

    // A session that is opened at once, by the end of its id, with every request.
    let end = session.get(session.len() - 8..).context("an id")?;
    let meta = Tui::start(view(&["--session", end, "--include-meta"]), 120, 30)?;
    meta.wait_until(PATIENCE, |screen| {
        screen.contains("SCRIPT:hang now") && screen.contains("title")
    })?;
    drop(meta);

    // The tape pruned under it, once its recorder has seen that OpenCode is gone.
    drop(serve);
    eventually(PATIENCE, || {
        stage.octrace(["prune", "--session", &session]).output().and_then(Output::success)
    })?;
    tui.send("3")?;
    tui.wait_for("was pruned")?;
    for _ in 0..2 {
        tui.send("q")?;
    }
    tui.wait_for("Nothing has been recorded yet")?;
    Ok(())
}

/// A `wl-copy` that keeps what it is given, and where.
fn clipboard_tool(stage: &Stage) -> anyhow::Result<PathBuf> {
    let kept = stage.home.path().join("clipboard");
    let tool = stage.home.path().join("bin/wl-copy");
    // Moved there when it is whole, as a clipboard changes.
    fs::write(&tool, format!("#!/bin/sh\ncat > {kept:?}.new && mv {kept:?}.new {kept:?}\n"))?;
    fs::set_permissions(&tool, fs::Permissions::from_mode(0o755))?;
    Ok(kept)
}
