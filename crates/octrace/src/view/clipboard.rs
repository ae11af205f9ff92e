//! The clipboard, by every way there is: programs that own it, and the terminal itself (OSC 52), which works from
//! another machine, too. A terminal may refuse and does not say so; so it is always said which way was taken.

use std::{
    env, fmt,
    io::Write,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use octrace_view::text;
use rustix::process::{Pid, Signal, kill_process_group};

use crate::setup::opencode::find;

/// How long a program may take. They take what they are given, and stay in the background.
const PATIENCE: Duration = Duration::from_secs(3);

/// Many terminals refuse more than this many bytes of base64.
const USUAL: usize = 74_994;

/// More than this is not even tried: it would hold up the screen.
const MOST: usize = 1 << 20;

/// A program that puts its standard input on a clipboard.
struct Tool {
    /// What it is called on `PATH`.
    name: &'static str,
    arguments: &'static [&'static str],
    /// It works where this variable is set.
    needs: Option<&'static str>,
}

/// Those that own the clipboard; the first one that is there is used.
const OWNERS: [Tool; 4] = [
    Tool {
        name: "wl-copy",
        arguments: &["--type", "text/plain;charset=utf-8"],
        needs: Some("WAYLAND_DISPLAY"),
    },
    Tool { name: "xclip", arguments: &["-selection", "clipboard"], needs: Some("DISPLAY") },
    Tool { name: "xsel", arguments: &["--clipboard", "--input"], needs: Some("DISPLAY") },
    Tool { name: "pbcopy", arguments: &[], needs: None },
];

/// In tmux what is sent to the terminal reaches tmux, which hands it on only where its settings say so.
const TMUX: Tool =
    Tool { name: "tmux", arguments: &["load-buffer", "-w", "-"], needs: Some("TMUX") };

/// What came of it so far.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Copied {
    /// What the terminal is still to be given.
    pub(super) for_terminal: Option<Arc<Vec<u8>>>,
    /// For the person who wanted it: what happened, or why nothing did.
    pub(super) said: Result<String, String>,
}

/// Gives it to the programs that are there. At most twice [`PATIENCE`].
pub(super) fn copy(bytes: Vec<u8>) -> Copied {
    let bytes = Arc::new(bytes);
    let tools = [OWNERS.iter().find_map(Tool::find), TMUX.find()];
    let outcomes = tools
        .into_iter()
        .flatten()
        .map(|(tool, program)| (tool.name, run(&program, tool.arguments, &bytes, PATIENCE)));
    let outcomes: Vec<_> = outcomes.collect();
    tell(bytes, &outcomes)
}

impl Tool {
    /// Itself and the program, if there is one and it would work.
    fn find(&self) -> Option<(&Self, PathBuf)> {
        let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
        if !self.needs.is_none_or(is_set) {
            return None;
        }
        // A relative folder on PATH is whatever project somebody happens to be in.
        let program = find(self.name.as_ref()).filter(|program| program.is_absolute())?;
        Some((self, program))
    }
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Took,
    Failed(Option<i32>),
    Hung,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Took => write!(f, "took it"),
            Self::Failed(Some(code)) => write!(f, "failed (exit code {code})"),
            Self::Failed(None) => write!(f, "failed"),
            Self::Hung => write!(f, "did not answer"),
        }
    }
}

/// Runs it out of the terminal's sight, and out of reach of what the terminal's keys and end do to us.
fn run(program: &Path, arguments: &[&str], bytes: &Arc<Vec<u8>>, patience: Duration) -> Outcome {
    let spawned = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn();
    let Ok(mut child) = spawned else { return Outcome::Failed(None) };
    if let Some(mut stdin) = child.stdin.take() {
        let bytes = Arc::clone(bytes);
        // One that does not read holds up nobody but this thread, which ends when it is killed.
        thread::spawn(move || stdin.write_all(&bytes));
    }
    wait(&mut child, patience)
}

fn wait(child: &mut Child, patience: Duration) -> Outcome {
    const POLL: Duration = Duration::from_millis(5);
    let begun = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Outcome::Took,
            Ok(Some(status)) => return Outcome::Failed(status.code()),
            Ok(None) if begun.elapsed() < patience => thread::sleep(POLL),
            Ok(None) | Err(_) => {
                // An error means that it is gone.
                kill_process_group(Pid::from_child(child), Signal::KILL).ok();
                child.wait().ok();
                return Outcome::Hung;
            }
        }
    }
}

/// Says what happened, and decides whether the terminal is to have it.
fn tell(bytes: Arc<Vec<u8>>, outcomes: &[(&str, Outcome)]) -> Copied {
    let count = String::from_utf8_lossy(&bytes).chars().count();
    let what = text::counted(count as u64, "character");
    let took: Vec<_> = outcomes.iter().filter(|(_, outcome)| *outcome == Outcome::Took).collect();
    let took = took.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    let failed = outcomes.iter().filter(|(_, outcome)| *outcome != Outcome::Took);
    let failed: String = failed.map(|(name, outcome)| format!("{name} {outcome}; ")).collect();
    let encoded = bytes.len().div_ceil(3).saturating_mul(4);

    let (through, said) = match (took.is_empty(), encoded) {
        (false, ..=USUAL) => {
            (true, Ok(format!("copied {what} with {took} and through the terminal (OSC 52)")))
        }
        (false, _) => (false, Ok(format!("copied {what} with {took}"))),
        (true, ..=USUAL) => {
            (true, Ok(format!("copied {what} through the terminal only, if it allows it (OSC 52)")))
        }
        (true, ..=MOST) => (
            true,
            Ok(format!(
                "sent {what} to the terminal (OSC 52); many refuse so much: s saves it to a file"
            )),
        ),
        (true, _) => (
            false,
            Err(format!("{what} are more than a terminal takes (OSC 52): s saves it to a file")),
        ),
    };
    let also = |said: String| format!("{failed}{said}");
    Copied { for_terminal: through.then_some(bytes), said: said.map(also).map_err(also) }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt, path::Path};

    use super::*;

    fn said(bytes: usize, outcomes: &[(&str, Outcome)]) -> String {
        let copied = tell(Arc::new(vec![b'x'; bytes]), outcomes);
        let through = if copied.for_terminal.is_some() { "→ " } else { "  " };
        match copied.said {
            Ok(said) => format!("{through}{said}"),
            Err(why) => format!("{through}! {why}"),
        }
    }

    #[test]
    fn it_is_said_how_much_went_which_way() {
        let took = [("wl-copy", Outcome::Took)];
        let tmux = [("xclip", Outcome::Took), ("tmux", Outcome::Took)];
        let failed = [("xsel", Outcome::Failed(Some(1))), ("tmux", Outcome::Hung)];
        let lines = [
            said(12_345, &took),
            said(12_345, &tmux),
            said(12_345, &[]),
            said(1, &failed),
            said(56_244, &[]),
            said(56_247, &[]),
            said(56_247, &took),
            said(1_000_000, &[]),
        ];
        insta::assert_snapshot!(lines.join("\n"), @"
        → copied 12,345 characters with wl-copy and through the terminal (OSC 52)
        → copied 12,345 characters with xclip, tmux and through the terminal (OSC 52)
        → copied 12,345 characters through the terminal only, if it allows it (OSC 52)
        → xsel failed (exit code 1); tmux did not answer; copied 1 character through the terminal only, if it allows it (OSC 52)
        → copied 56,244 characters through the terminal only, if it allows it (OSC 52)
        → sent 56,247 characters to the terminal (OSC 52); many refuse so much: s saves it to a file
          copied 56,247 characters with wl-copy
          ! 1,000,000 characters are more than a terminal takes (OSC 52): s saves it to a file
        ");
    }

    fn script(folder: &Path, text: &str) -> PathBuf {
        let program = folder.join("tool");
        fs::write(&program, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        program
    }

    #[test]
    fn a_program_gets_every_byte() {
        let folder = tempfile::tempdir().unwrap();
        let program = script(folder.path(), "cat > \"$1\"; echo noise; echo noise >&2");
        let bytes: Arc<Vec<u8>> = Arc::new((0..=u8::MAX).cycle().take(200_000).collect());
        let target = folder.path().join("clipboard");
        let outcome = run(&program, &[target.to_str().unwrap()], &bytes, Duration::from_secs(60));
        assert_eq!(outcome, Outcome::Took);
        assert_eq!(fs::read(target).unwrap(), *bytes);
    }

    #[test]
    fn one_that_fails_or_hangs_or_is_none_holds_nobody_up() {
        let folder = tempfile::tempdir().unwrap();
        let bytes = Arc::new(vec![b'x'; 1 << 20]);
        let program = script(folder.path(), "exit 3");
        let long = Duration::from_secs(60);
        assert_eq!(run(&program, &[], &bytes, long), Outcome::Failed(Some(3)));
        let program = script(folder.path(), "sleep 1000 & sleep 1000");
        assert_eq!(run(&program, &[], &bytes, Duration::from_millis(50)), Outcome::Hung);
        assert_eq!(run(&folder.path().join("none"), &[], &bytes, long), Outcome::Failed(None));
    }
}
