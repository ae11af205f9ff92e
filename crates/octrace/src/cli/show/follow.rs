//! `octrace show --follow`: a session, shown anew whenever it has changed.
//!
//! On a terminal there is one picture, on the alternate screen, so that nothing of the scrollback goes;
//! the last one stays there afterwards. Elsewhere one picture follows the other.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use octrace_core::filter::Filter;
use octrace_store::Tape;
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    flag,
};

use super::{
    super::{
        error::{Failure, Result},
        output::Output,
    },
    Shown,
};

/// How often it looks.
const EVERY: Duration = Duration::from_millis(250);

/// Shows the session until somebody stops us; that is how it ends, so no failure.
pub(super) fn follow(tape: &Tape, id: &str, filter: &Filter, out: &mut Output) -> Result {
    if !out.is_screen() {
        let stop = AtomicBool::new(false);
        return watch(tape, id, filter, out, &stop, |out, text| out.print(&format!("{text}\n")));
    }
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGHUP, SIGINT, SIGTERM] {
        flag::register(signal, Arc::clone(&stop)).map_err(|error| {
            Failure::failed(format!("cannot wait for the key that ends this: {error}"))
        })?;
    }
    let mut last = String::new();
    let screen = Screen::open(out)?;
    watch(tape, id, filter, screen.out, &stop, |out, text| {
        text.clone_into(&mut last);
        out.print(&frame(text, out.height()))
    })?;
    drop(screen);
    out.print(&last)
}

/// Draws the session first, and then when it or the terminal's size has changed. The tape is read only after
/// somebody has written to it.
fn watch(
    tape: &Tape,
    id: &str,
    filter: &Filter,
    out: &mut Output,
    stop: &AtomicBool,
    mut draw: impl FnMut(&mut Output, &str) -> Result,
) -> Result {
    // Asked before the session is read: what is written meanwhile is read the next time.
    let mut version = tape.data_version()?;
    let mut shown = Shown::read(tape, id, filter)?;
    let mut drawn = None;
    while !stop.load(Ordering::Relaxed) {
        let size = (out.width(), out.height());
        let text = shown.text(&out.style(), size.0);
        if drawn.as_ref().is_none_or(|(before, at)| *before != text || *at != size) {
            draw(out, &text)?;
            drawn = Some((text, size));
        }
        thread::sleep(EVERY);
        let now = tape.data_version()?;
        if now != version {
            version = now;
            shown = Shown::read(tape, id, filter)?;
        }
    }
    Ok(())
}

/// What puts `text` on a screen of this many lines in place of what was there: all of it, or its end.
fn frame(text: &str, height: Option<usize>) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let hidden = lines.len().saturating_sub(height.unwrap_or(usize::MAX));
    let lines = lines.get(hidden..).unwrap_or_default();
    // Each line is cleared behind its end, and the rest below: to clear first would flicker.
    format!("\u{1b}[H{}\u{1b}[K\u{1b}[J", lines.join("\u{1b}[K\r\n"))
}

/// The terminal's alternate screen, without a cursor, until this is dropped.
struct Screen<'a> {
    out: &'a mut Output,
}

impl<'a> Screen<'a> {
    fn open(out: &'a mut Output) -> Result<Self> {
        out.print("\u{1b}[?1049h\u{1b}[?25l")?;
        Ok(Self { out })
    }
}

impl Drop for Screen<'_> {
    fn drop(&mut self) {
        // A terminal that is gone needs nothing restored.
        self.out.print("\u{1b}[?25h\u{1b}[?1049l").ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_replaces_the_one_before() {
        let shown = |text, height| frame(text, height).replace('\u{1b}', "^").replace('\r', "");
        insta::assert_snapshot!(shown("a\nb\n", Some(3)), @"
        ^[Ha^[K
        b^[K^[J
        ");
        assert_eq!(shown("a\nb\nc\n", Some(2)), "^[Hb^[K\nc^[K^[J", "the end is what is new");
        assert_eq!(shown("a\n", None), "^[Ha^[K^[J");
    }
}
