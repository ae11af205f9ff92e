//! One OpenCode, recorded without touching its configuration: by environment only.
//!
//! `OPENCODE_CONFIG_CONTENT` is a configuration that OpenCode merges over all others; ours names the plugin,
//! or is added to the one that the user has there.

use std::{
    ffi::OsString,
    fs::File,
    hash::{BuildHasher, RandomState},
    io,
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Child, Command, ExitStatus},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use anyhow::{Context, bail};
use jsonc_parser::{ParseOptions, cst::CstRootNode};
use rustix::{
    process::{Pid, Signal, WaitId, WaitIdOptions, getpgrp, kill_process, waitid},
    termios::tcgetpgrp,
};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM},
    iterator::{Handle, Signals},
};

use super::plugin;

/// The variable with a configuration for one OpenCode.
pub(crate) const CONTENT: &str = "OPENCODE_CONFIG_CONTENT";

/// The variable with a run's id.
pub(crate) const RUN: &str = "OCTRACE_RUN";

/// An id for one run, by which its sessions are found on the tape.
pub(crate) fn run_id() -> String {
    // Each state has random keys of its own.
    let random = || RandomState::new().hash_one(0);
    format!("run_{:016x}{:016x}", random(), random())
}

/// Makes `command`, and every OpenCode that it starts, load the plugin at `entry` and name this run.
/// `content` is what the user has in [`CONTENT`].
///
/// # Errors
/// When the user's content cannot be added to; the command is as it was then.
pub(crate) fn record(
    command: &mut Command,
    entry: &Path,
    run: &str,
    content: Option<OsString>,
) -> anyhow::Result<()> {
    let entry = entry.to_str().with_context(|| format!("{} is not UTF-8", entry.display()))?;
    let content = match content {
        None => serde_json::json!({ "plugin": [entry] }).to_string(),
        Some(content) => {
            let content =
                content.into_string().ok().with_context(|| format!("{CONTENT} is not UTF-8"))?;
            with_plugin(&content, entry)?
        }
    };
    command.env(CONTENT, content).env(RUN, run).env("OCTRACE_BIN", plugin::binary()?);
    Ok(())
}

/// Adds a plugin to a configuration, and leaves everything else in it as it is.
fn with_plugin(content: &str, entry: &str) -> anyhow::Result<String> {
    let root = CstRootNode::parse(content, &ParseOptions::default())
        .map_err(|error| anyhow::anyhow!("{CONTENT} is not JSON: {error}"))?;
    let Some(object) = root.object_value_or_create() else { bail!("{CONTENT} is not an object") };
    let Some(plugins) = object.array_value_or_create("plugin") else {
        bail!("`plugin` in {CONTENT} is not a list");
    };
    let there = plugins.elements().iter().any(|element| {
        element.as_string_lit().and_then(|text| text.decoded_value().ok()).as_deref() == Some(entry)
    });
    if !there {
        plugins.append(entry.into());
    }
    Ok(root.to_string())
}

/// Runs `command` to its end, as if we were not there: it gets the terminal's signals by itself, since it is
/// in our process group, and those that are sent to us from elsewhere through us.
///
/// # Errors
/// When it cannot be started.
pub(crate) fn execute(command: &mut Command) -> io::Result<ExitStatus> {
    // Caught before there is a child, so that none is lost; a caught signal is not inherited.
    let signals = Signals::new([SIGINT, SIGQUIT, SIGTERM, SIGHUP])?;
    let handle = signals.handle();
    let mut child = command.spawn()?;
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let alive = Arc::new(Mutex::new(pid));
    let forwarder = {
        let alive = Arc::clone(&alive);
        thread::Builder::new().name("signals".to_owned()).spawn(move || forward(signals, &alive))?
    };
    let status = wait(&mut child, pid, &alive);
    Handle::close(&handle);
    forwarder.join().ok();
    status
}

/// Waits, and says that the child is gone before its process id can be anybody else's.
fn wait(child: &mut Child, pid: Option<Pid>, alive: &Mutex<Option<Pid>>) -> io::Result<ExitStatus> {
    if let Some(pid) = pid {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        while waitid(WaitId::Pid(pid), options).is_err_and(|error| error == rustix::io::Errno::INTR)
        {
        }
    }
    alive.lock().unwrap_or_else(PoisonError::into_inner).take();
    child.wait()
}

fn forward(mut signals: Signals, alive: &Mutex<Option<Pid>>) {
    for signal in signals.forever() {
        // The terminal sends these two to the child as well.
        if matches!(signal, SIGINT | SIGQUIT) && has_terminal() {
            continue;
        }
        let alive = alive.lock().unwrap_or_else(PoisonError::into_inner);
        if let (Some(pid), Some(signal)) = (*alive, Signal::from_named_raw(signal)) {
            // An error means that it is gone.
            kill_process(pid, signal).ok();
        }
    }
}

/// Whether a terminal's keys make signals for us.
fn has_terminal() -> bool {
    let foreground = File::open("/dev/tty").ok().and_then(|tty| tcgetpgrp(tty).ok());
    foreground == Some(getpgrp())
}

/// The exit code of a shell for this status.
pub(crate) fn exit_code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTRY: &str = "/home/a/plugin/0123456789ab/index.ts";

    #[test]
    fn the_users_content_keeps_its_comments_and_settings() {
        let content = "{\n  // mine\n  \"model\": \"a/b\", /* too */\n  \"plugin\": [\n    \"file:///mine.ts\", // first\n  ],\n}";
        insta::assert_snapshot!(with_plugin(content, ENTRY).unwrap(), @r#"
        {
          // mine
          "model": "a/b", /* too */
          "plugin": [
            "file:///mine.ts", // first
            "/home/a/plugin/0123456789ab/index.ts",
          ],
        }
        "#);
        let twice = with_plugin(&with_plugin(content, ENTRY).unwrap(), ENTRY).unwrap();
        assert_eq!(twice, with_plugin(content, ENTRY).unwrap());
    }

    #[test]
    fn content_without_plugins_gets_a_list() {
        insta::assert_snapshot!(with_plugin("{\"model\": \"a/b\"}", ENTRY).unwrap(), @r#"
        {
          "model": "a/b",
          "plugin": ["/home/a/plugin/0123456789ab/index.ts"]
        }
        "#);
        insta::assert_snapshot!(with_plugin("", ENTRY).unwrap(), @r#"
        {
          "plugin": ["/home/a/plugin/0123456789ab/index.ts"]
        }
        "#);
    }

    #[test]
    fn content_that_is_none_is_refused() {
        for content in ["[]", "{\"plugin\": 3}", "{\"plugin\": [", "nonsense"] {
            assert!(with_plugin(content, ENTRY).is_err(), "{content}");
        }
    }

    #[test]
    fn exit_codes_are_the_childs() {
        let run = |script| execute(Command::new("sh").args(["-c", script])).map(exit_code).unwrap();
        assert_eq!(run("exit 7"), 7);
        assert_eq!(run("kill -TERM $$"), 128 + 15);
        assert_eq!(run("exit 0"), 0);
    }

    #[test]
    fn runs_have_ids_of_their_own() {
        assert_ne!(run_id(), run_id());
    }
}
