//! The terminal while the viewer has it: set up, drawn on, and given back as it was, whatever happens.

use std::{
    io::{self, Write},
    panic,
    sync::atomic::{AtomicBool, Ordering},
};

use crossterm::{
    clipboard::CopyToClipboard,
    cursor,
    event::{DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture},
    execute, queue,
    style::ResetColor,
    terminal::{
        BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate, EnterAlternateScreen,
        LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
    },
};
use octrace_view::terminal::App;
use ratatui_core::{backend::Backend, buffer::Buffer, layout::Rect};
use ratatui_crossterm::CrosstermBackend;

/// Whether the terminal is ours at the moment: there is one, and whoever gives it back first has done it.
static IS_OURS: AtomicBool = AtomicBool::new(false);

/// The terminal, and what is on it. It is given back when this goes, and before a panic is reported.
pub(super) struct Screen {
    /// What the terminal shows.
    shown: Buffer,
    /// Whether nothing is known of what it shows.
    stale: bool,
    mouse: bool,
}

impl Screen {
    pub(super) fn open() -> io::Result<Self> {
        let report = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            give_back().ok();
            report(panic);
        }));
        let mut screen = Self { shown: Buffer::empty(Rect::ZERO), stale: true, mouse: true };
        screen.take()?;
        Ok(screen)
    }

    /// Makes the terminal ours: at the beginning, and when we are back in the foreground.
    pub(super) fn take(&mut self) -> io::Result<()> {
        IS_OURS.store(true, Ordering::SeqCst);
        self.stale = true;
        // While we were stopped a shell had it, and left it as it likes it.
        disable_raw_mode().ok();
        enable_raw_mode()?;
        execute!(io::stdout(), EnterAlternateScreen, cursor::Hide, EnableBracketedPaste)?;
        self.mouse(self.mouse)
    }

    /// Leaves it to others for a while.
    pub(super) fn leave(&self) -> io::Result<()> {
        give_back()
    }

    /// Whether the mouse is ours, or selects text as it does without us.
    pub(super) fn mouse(&mut self, ours: bool) -> io::Result<()> {
        self.mouse = ours;
        match ours {
            true => execute!(io::stdout(), EnableMouseCapture),
            false => execute!(io::stdout(), DisableMouseCapture),
        }
    }

    /// Asks the terminal to put this on the clipboard (OSC 52). Whether it did, no terminal says.
    pub(super) fn copy(&self, bytes: &[u8]) -> io::Result<()> {
        execute!(io::stdout(), CopyToClipboard::to_clipboard_from(bytes))
    }

    /// The next picture is drawn from nothing.
    pub(super) fn repaint(&mut self) {
        self.stale = true;
    }

    /// Brings what has changed onto the screen, at once.
    pub(super) fn draw(&mut self, app: &mut App) -> io::Result<()> {
        let area = area();
        let mut picture = Buffer::empty(area);
        app.draw(&mut picture);

        // Made whole before anything of it goes out: a fault in the middle leaves no half of it behind.
        let mut bytes = Vec::new();
        if self.stale || self.shown.area != area {
            queue!(bytes, ResetColor, Clear(ClearType::All))?;
            self.shown = Buffer::empty(area);
            self.stale = false;
        }
        let mut changes = self.shown.diff_iter(&picture).peekable();
        if changes.peek().is_some() {
            CrosstermBackend::new(&mut bytes).draw(changes)?;
        }
        if !bytes.is_empty() {
            let mut stdout = io::stdout().lock();
            queue!(stdout, BeginSynchronizedUpdate)?;
            stdout.write_all(&bytes)?;
            execute!(stdout, EndSynchronizedUpdate)?;
        }
        self.shown = picture;
        Ok(())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // A terminal that is gone needs nothing restored.
        give_back().ok();
    }
}

/// Leaves the terminal as it was found.
fn give_back() -> io::Result<()> {
    if !IS_OURS.swap(false, Ordering::SeqCst) {
        return Ok(());
    }
    let told = execute!(
        io::stdout(),
        EndSynchronizedUpdate,
        DisableMouseCapture,
        DisableBracketedPaste,
        ResetColor,
        cursor::Show,
        LeaveAlternateScreen
    );
    disable_raw_mode().and(told)
}

/// The screen, as large as it says it is.
fn area() -> Rect {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok();
    let size = size.filter(|size| size.ws_col > 0 && size.ws_row > 0);
    size.map_or(Rect::new(0, 0, 80, 24), |size| Rect::new(0, 0, size.ws_col, size.ws_row))
}

#[cfg(test)]
mod tests {
    use octrace_testkit::{Modes, Run, Tui};

    use super::*;

    /// Whoever has it in the environment is the one in the terminal.
    const FAULTY: &str = "OCTRACE_TEST_FAULTY";

    #[test]
    fn a_fault_is_reported_on_a_terminal_that_was_given_back() {
        if std::env::var_os(FAULTY).is_some() {
            let mut screen = Screen::open().unwrap();
            screen.mouse(true).unwrap();
            panic!("this is the fault");
        }
        let folder = tempfile::tempdir().unwrap();
        let test = std::env::current_exe().unwrap();
        let name = "view::screen::tests::a_fault_is_reported_on_a_terminal_that_was_given_back";
        let script = format!(
            "before=$(stty -g); {FAULTY}=1 {test:?} --exact {name} --nocapture 2>&1
             [ \"$(stty -g)\" = \"$before\" ] && echo as it was"
        );
        let shell = Run::new("/bin/sh".as_ref(), folder.path(), folder.path());
        let path = std::env::var_os("PATH").unwrap_or_default();
        let tui = Tui::start(shell.env("PATH", path).args(["-c", &script]), 120, 40).unwrap();
        // On the shell's own screen, which the emulator keeps apart from ours.
        let shown = tui.wait_for("as it was").unwrap();
        assert!(shown.contains("this is the fault"), "{shown}");
        assert_eq!(tui.modes(), Modes::default());
    }
}
