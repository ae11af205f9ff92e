//! The terminal while the viewer has it: set up, drawn on, and given back as it was, whatever happens.

use std::io::{self, BufWriter, Stdout, Write};

use crossterm::{
    cursor,
    event::{DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture},
    execute, queue,
    terminal::{
        BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
        disable_raw_mode, enable_raw_mode,
    },
};
use octrace_view::terminal::App;
use ratatui_core::{backend::Backend, buffer::Buffer, layout::Rect};
use ratatui_crossterm::CrosstermBackend;

/// The terminal, and what is on it. It is given back when this goes.
pub(super) struct Screen {
    backend: CrosstermBackend<BufWriter<Stdout>>,
    shown: Buffer,
}

impl Screen {
    pub(super) fn open() -> io::Result<Self> {
        let backend = CrosstermBackend::new(BufWriter::new(io::stdout()));
        let mut screen = Self { backend, shown: Buffer::empty(Rect::ZERO) };
        screen.enter()?;
        Ok(screen)
    }

    fn enter(&mut self) -> io::Result<()> {
        enable_raw_mode()?;
        execute!(
            self.backend,
            EnterAlternateScreen,
            cursor::Hide,
            EnableMouseCapture,
            EnableBracketedPaste
        )
    }

    fn leave(&mut self) -> io::Result<()> {
        let told = execute!(
            self.backend,
            DisableBracketedPaste,
            DisableMouseCapture,
            cursor::Show,
            LeaveAlternateScreen
        );
        disable_raw_mode().and(told)
    }

    /// Brings what has changed onto the screen, at once.
    pub(super) fn draw(&mut self, app: &mut App) -> io::Result<()> {
        let area = area();
        queue!(self.backend, BeginSynchronizedUpdate)?;
        if self.shown.area != area {
            self.backend.clear()?;
            self.shown = Buffer::empty(area);
        }
        let mut next = Buffer::empty(area);
        app.draw(&mut next);
        self.backend.draw(self.shown.diff(&next).into_iter())?;
        queue!(self.backend, EndSynchronizedUpdate)?;
        self.shown = next;
        Write::flush(&mut self.backend)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // A terminal that is gone needs nothing restored.
        self.leave().ok();
    }
}

/// The screen, as large as it says it is.
fn area() -> Rect {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok();
    let size = size.filter(|size| size.ws_col > 0 && size.ws_row > 0);
    size.map_or(Rect::new(0, 0, 80, 24), |size| Rect::new(0, 0, size.ws_col, size.ws_row))
}
