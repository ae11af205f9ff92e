//! A program in a pseudo-terminal, with an emulator that knows what is on its screen.

use std::{
    io::{Read as _, Write as _},
    num::NonZero,
    os::unix::process::ExitStatusExt as _,
    process::Child,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context, anyhow, bail};
use pty_process::{
    Size,
    blocking::{Command, Pty, open},
};
use rustix::process::{Pid, Signal, kill_process};

use crate::{PATIENCE, eventually, picture, process::Run};

/// How long a program may take to end after its terminal hung up.
const FAREWELL: Duration = Duration::from_millis(250);

/// What keys send.
pub mod keys {
    /// Enter.
    pub const ENTER: &str = "\r";
    /// Escape.
    pub const ESCAPE: &str = "\x1b";
    /// Tabulator.
    pub const TAB: &str = "\t";
    /// Control and C.
    pub const CTRL_C: &str = "\x03";
    /// Arrow up.
    pub const UP: &str = "\x1b[A";
    /// Arrow down.
    pub const DOWN: &str = "\x1b[B";
    /// Arrow right.
    pub const RIGHT: &str = "\x1b[C";
    /// Arrow left.
    pub const LEFT: &str = "\x1b[D";
}

/// A program in a pseudo-terminal. Dropping it tells the program that the terminal hung up, and kills it if need be.
pub struct Tui {
    terminal: Arc<Pty>,
    child: Child,
    display: Arc<Display>,
}

/// The screen, and whether the program still writes to it.
struct Display {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    emulator: vt100::Parser<Told>,
    closed: bool,
}

/// What the program told the terminal beside what is on the screen.
#[derive(Default)]
struct Told {
    /// For the clipboard, last.
    clipboard: Option<Vec<u8>>,
    /// How often it said that a picture is complete (synchronised updates).
    updates: u64,
}

impl vt100::Callbacks for Told {
    fn copy_to_clipboard(&mut self, _: &mut vt100::Screen, _: &[u8], base64: &[u8]) {
        self.clipboard = Some(decoded(base64));
    }

    fn unhandled_csi(
        &mut self,
        _: &mut vt100::Screen,
        mark: Option<u8>,
        _: Option<u8>,
        params: &[&[u16]],
        sign: char,
    ) {
        if mark == Some(b'?') && params == [[2026]] && sign == 'l' {
            self.updates += 1;
        }
    }
}

/// What a program has asked of its terminal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Modes {
    /// Another screen than the one with the shell on it.
    pub alternate: bool,
    /// To be told of the mouse.
    pub mouse: bool,
    /// Marks around what is pasted.
    pub paste: bool,
    /// No cursor.
    pub hidden_cursor: bool,
}

impl Display {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tui {
    /// Starts `command` in a terminal of this size, which calls itself `xterm-256color`.
    ///
    /// # Errors
    /// When no terminal can be opened or the program not be started.
    pub fn start(command: Run, columns: u16, rows: u16) -> anyhow::Result<Self> {
        let (program, arguments, environment, dir) = command.into_parts();
        let (terminal, end) = open()?;
        terminal.resize(Size::new(rows, columns))?;
        let command = Command::new(program).args(arguments).env_clear().envs(environment);
        let command = command.env("TERM", "xterm-256color").env("PWD", &dir).current_dir(dir);
        let child = command.spawn(end)?;
        let terminal = Arc::new(terminal);
        let display = Arc::new(Display {
            state: Mutex::new(State {
                emulator: vt100::Parser::new_with_callbacks(
                    cells(rows)?,
                    cells(columns)?,
                    0,
                    Told::default(),
                ),
                closed: false,
            }),
            changed: Condvar::new(),
        });
        let (output, shown) = (Arc::clone(&terminal), Arc::clone(&display));
        std::thread::Builder::new().name("terminal".to_owned()).spawn(move || {
            let mut buffer = [0; 16 << 10];
            loop {
                let read = (&*output).read(&mut buffer).unwrap_or(0);
                let mut state = shown.lock();
                match buffer.get(..read) {
                    Some(bytes) if read > 0 => state.emulator.process(bytes),
                    // The end, or the error that Linux gives in its place.
                    _ => state.closed = true,
                }
                let closed = state.closed;
                drop(state);
                shown.changed.notify_all();
                if closed {
                    return;
                }
            }
        })?;
        Ok(Self { terminal, child, display })
    }

    /// Types `keys`; see [`keys`] for those that are not letters.
    ///
    /// # Errors
    /// When the terminal is closed.
    pub fn send(&mut self, keys: &str) -> anyhow::Result<()> {
        Ok((&*self.terminal).write_all(keys.as_bytes())?)
    }

    /// Gives the terminal another size.
    ///
    /// # Errors
    /// When the terminal is closed.
    pub fn resize(&self, columns: u16, rows: u16) -> anyhow::Result<()> {
        self.display.lock().emulator.screen_mut().set_size(cells(rows)?, cells(columns)?);
        Ok(self.terminal.resize(Size::new(rows, columns))?)
    }

    /// What is on the screen, one line per row, without trailing blanks.
    pub fn screen(&self) -> String {
        self.display.lock().emulator.screen().contents()
    }

    /// What the program has asked of the terminal.
    pub fn modes(&self) -> Modes {
        let state = self.display.lock();
        let screen = state.emulator.screen();
        Modes {
            alternate: screen.alternate_screen(),
            mouse: screen.mouse_protocol_mode() != vt100::MouseProtocolMode::None,
            paste: screen.bracketed_paste(),
            hidden_cursor: screen.hide_cursor(),
        }
    }

    /// What the program put on the terminal's clipboard last (OSC 52).
    pub fn clipboard(&self) -> Option<Vec<u8>> {
        self.display.lock().emulator.callbacks().clipboard.clone()
    }

    /// How many pictures the program has completed (synchronised updates).
    pub fn updates(&self) -> u64 {
        self.display.lock().emulator.callbacks().updates
    }

    /// What is on the screen as a picture, an SVG document: with its colours.
    pub fn picture(&self) -> String {
        picture::svg(self.display.lock().emulator.screen())
    }

    /// Waits until the screen contains `text`, and gives the screen.
    ///
    /// # Errors
    /// When it does not in time, or the program ends before; with the last screen.
    pub fn wait_for(&self, text: &str) -> anyhow::Result<String> {
        self.wait_until(PATIENCE, |screen| screen.contains(text))
            .with_context(|| format!("waiting for {text:?} on the screen"))
    }

    /// Waits until the screen is as `wanted`, and gives the screen.
    ///
    /// # Errors
    /// As [`Tui::wait_for`].
    pub fn wait_until(
        &self,
        timeout: Duration,
        wanted: impl Fn(&str) -> bool,
    ) -> anyhow::Result<String> {
        self.until(timeout, |state| {
            Some(state.emulator.screen().contents()).filter(|screen| wanted(screen))
        })
    }

    /// Waits until the program has completed more than `known` pictures ([`Tui::updates`]).
    ///
    /// # Errors
    /// As [`Tui::wait_for`].
    pub fn wait_for_update(&self, known: u64, timeout: Duration) -> anyhow::Result<()> {
        self.until(timeout, |state| (state.emulator.callbacks().updates > known).then_some(()))
    }

    fn until<T>(&self, timeout: Duration, ask: impl Fn(&State) -> Option<T>) -> anyhow::Result<T> {
        let deadline = Instant::now() + timeout;
        let mut state = self.display.lock();
        loop {
            if let Some(answer) = ask(&state) {
                return Ok(answer);
            }
            let screen = || state.emulator.screen().contents();
            if state.closed {
                bail!("the program ended; its last screen:\n{}", screen());
            }
            let left = deadline
                .checked_duration_since(Instant::now())
                .ok_or_else(|| anyhow!("not within {timeout:?}; the screen:\n{}", screen()))?;
            let waited = self.display.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits for the program's end and gives its exit code; 128 and the signal's number when a signal ended it.
    ///
    /// # Errors
    /// When it does not end in time; with the last screen.
    pub fn wait(mut self) -> anyhow::Result<i32> {
        eventually(PATIENCE, || match self.child.try_wait() {
            Ok(Some(status)) => {
                let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
                code.context("neither exit code nor signal")
            }
            Ok(None) => Err(anyhow!("the program goes on; the screen:\n{}", self.screen())),
            Err(error) => Err(error.into()),
        })
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Tui {
    fn drop(&mut self) {
        // Errors mean that it is gone.
        kill_process(Pid::from_child(&self.child), Signal::HUP).ok();
        let ended = eventually(FAREWELL, || match self.child.try_wait() {
            Ok(None) => Err("it goes on"),
            _ => Ok(()),
        });
        if ended.is_err() {
            self.child.kill().ok();
            self.child.wait().ok();
        }
    }
}

fn cells(count: u16) -> anyhow::Result<NonZero<u16>> {
    NonZero::new(count).context("a terminal needs at least one row and one column")
}

/// The bytes that this is the base64 of.
fn decoded(base64: &[u8]) -> Vec<u8> {
    let value = |sign: &u8| {
        let at = match sign {
            b'A'..=b'Z' => sign - b'A',
            b'a'..=b'z' => sign - b'a' + 26,
            b'0'..=b'9' => sign - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        Some(u32::from(at))
    };
    let signs: Vec<u32> = base64.iter().map_while(value).collect();
    let four = |signs: &[u32]| {
        let bits = signs.iter().fold(0, |bits, sign| bits << 6 | sign) << (6 * (4 - signs.len()));
        let [_, bytes @ ..] = bits.to_be_bytes();
        bytes.into_iter().take(signs.len() - 1)
    };
    signs.chunks(4).flat_map(four).collect()
}
