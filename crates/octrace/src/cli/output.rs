//! The only place that prints.

use std::{
    env,
    ffi::OsString,
    io::{self, IsTerminal, Write},
    time::{Duration, Instant},
};

use jiff::tz::TimeZone;
use octrace_view::text::{Style, safe};
use serde::Serialize;

use super::error::{Failure, Result};

/// Where there is no terminal to ask.
const WIDTH: usize = 100;

/// Standard output, and notes on standard error.
pub(crate) struct Output {
    stdout: io::Stdout,
}

impl Output {
    pub(crate) fn new() -> Self {
        Self { stdout: io::stdout() }
    }

    /// Prints text as it is: whoever made it has made it safe for a terminal.
    pub(crate) fn print(&mut self, text: &str) -> Result {
        self.bytes(text.as_bytes())
    }

    /// Prints a line of our own words; names in it may be anybody's.
    pub(crate) fn line(&mut self, line: &str) -> Result {
        self.print(&format!("{}\n", safe::block(line)))
    }

    /// Prints a value for scripts.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> Result {
        let text = serde_json::to_string_pretty(value)?;
        self.print(&safe::json(&text))?;
        self.print("\n")
    }

    /// Prints bytes exactly.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Result {
        let mut stdout = self.stdout.lock();
        stdout.write_all(bytes).and_then(|()| stdout.flush()).map_err(Failure::output)
    }

    /// Tells the person something beside the output. That nobody listens is no failure.
    pub(crate) fn note(&self, line: &str) {
        self.stderr(&format!("octrace: {}\n", safe::line(line)));
    }

    /// Prints to standard error, as it is.
    pub(crate) fn stderr(&self, text: &str) {
        io::stderr().write_all(text.as_bytes()).ok();
    }

    /// Whether a person sees the output at once.
    pub(crate) fn is_terminal(&self) -> bool {
        self.stdout.is_terminal()
    }

    /// Whether it is a terminal that moves its cursor when told to.
    pub(crate) fn is_screen(&self) -> bool {
        self.is_terminal() && set("TERM").is_some_and(|term| term != "dumb")
    }

    /// How text may look here.
    pub(crate) fn style(&self) -> Style {
        Style {
            color: self.is_screen() && set("NO_COLOR").is_none(),
            // A file or a pipe takes anything; a terminal takes what its locale says.
            unicode: !self.is_terminal()
                || is_utf8(["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set)),
            zone: TimeZone::system(),
        }
    }

    /// How many columns there are.
    pub(crate) fn width(&self) -> usize {
        let asked = rustix::termios::tcgetwinsize(&self.stdout).ok();
        asked.map(|size| usize::from(size.ws_col)).filter(|width| *width > 0).unwrap_or(WIDTH)
    }

    /// How many lines there are; `None` where it is no terminal, or one that does not say.
    pub(crate) fn height(&self) -> Option<usize> {
        let asked = rustix::termios::tcgetwinsize(&self.stdout).ok();
        asked.map(|size| usize::from(size.ws_row)).filter(|height| *height > 0)
    }
}

/// How far long work is, on one line of a terminal that is gone afterwards; nowhere else.
pub(crate) struct Progress {
    shown: Instant,
    screen: bool,
}

impl Progress {
    /// Nothing is shown for work that is done at once.
    pub(crate) fn new() -> Self {
        let screen = io::stderr().is_terminal() && set("TERM").is_some_and(|term| term != "dumb");
        Self { shown: Instant::now(), screen }
    }

    /// `done` of `of` of them; an `of` of 0 is not known.
    pub(crate) fn show(&mut self, what: &str, done: u64, of: u64) {
        const EVERY: Duration = Duration::from_millis(200);
        if !self.screen || self.shown.elapsed() < EVERY {
            return;
        }
        self.shown = Instant::now();
        let share = (of > 0).then(|| format!(" {}%", done.min(of).saturating_mul(100) / of));
        let line = format!("\r\x1b[K{what}{}", share.unwrap_or_default());
        io::stderr().write_all(line.as_bytes()).ok();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.screen {
            io::stderr().write_all(b"\r\x1b[K").ok();
        }
    }
}

/// An environment variable with something in it.
fn set(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

fn is_utf8(locale: Option<OsString>) -> bool {
    let Some(locale) = locale else { return cfg!(target_os = "macos") };
    let locale = locale.to_string_lossy().to_ascii_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}
