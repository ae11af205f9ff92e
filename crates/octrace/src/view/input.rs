//! What reaches the viewer from the terminal: keys and mouse, signals, and that it is gone.

use std::{io, sync::mpsc::SyncSender, time::Duration};

use crossterm::{
    event::{self, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEventKind},
    terminal::disable_raw_mode,
};
use octrace_view::terminal::{
    Event,
    input::{Input, Key, Mouse, MouseAction},
};
use rustix::{
    event::{PollFd, PollFlags},
    io::Errno,
};
use signal_hook::{
    consts::{SIGALRM, SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGUSR1, SIGUSR2},
    iterator::Signals,
    low_level::emulate_default_handler,
};

use super::wake::{Wake, thread};

/// What somebody may send to end a program, and programs die of.
const DEADLY: [i32; 7] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGALRM, SIGUSR1, SIGUSR2];

/// How long the viewer may take to die of one.
const PATIENCE: Duration = Duration::from_secs(3);

/// Listens to the terminal and to signals from now on.
pub(super) fn watch(wake: &SyncSender<Wake>) -> io::Result<()> {
    let mut signals = Signals::new(DEADLY.iter().chain(&[SIGTSTP, SIGCONT]))?;
    let tell = wake.clone();
    thread("signals", wake, move || {
        for signal in signals.forever() {
            if DEADLY.contains(&signal) {
                thread("end", &tell, move || die(signal)).ok();
            }
            if tell.send(Wake::Signal(signal)).is_err() {
                return;
            }
        }
    })?;
    let tell = wake.clone();
    thread("keys", wake, move || {
        while let Ok(event) = event::read() {
            let Some(wake) = translate(event) else { continue };
            if tell.send(wake).is_err() {
                return;
            }
        }
        tell.send(Wake::Closed).ok();
    })?;
    let tell = wake.clone();
    thread("terminal", wake, move || {
        // Asked for nothing, it answers when the other end is closed: the library that reads keys would read
        // nothing again and again.
        let stdin = io::stdin();
        let mut asked = [PollFd::new(&stdin, PollFlags::empty())];
        while matches!(rustix::event::poll(&mut asked, None), Err(Errno::INTR)) {}
        tell.send(Wake::Closed).ok();
    })
}

/// Dies of a signal that the viewer did not die of: the terminal takes nothing any more, and whoever draws on it waits.
fn die(signal: i32) {
    std::thread::sleep(PATIENCE);
    // What can be restored without a word to it.
    disable_raw_mode().ok();
    emulate_default_handler(signal).ok();
}

/// `None` for what nobody wants to know.
fn translate(event: event::Event) -> Option<Wake> {
    let input = match event {
        event::Event::Key(event) => match key(event)? {
            Key::Ctrl('l') => return Some(Wake::Repaint),
            key => Input::Key(key),
        },
        event::Event::Mouse(event) => {
            let what = match event.kind {
                MouseEventKind::Down(MouseButton::Left) => MouseAction::Press,
                MouseEventKind::Drag(MouseButton::Left) => MouseAction::Drag,
                MouseEventKind::Up(MouseButton::Left) => MouseAction::Release,
                MouseEventKind::ScrollUp => MouseAction::WheelUp,
                MouseEventKind::ScrollDown => MouseAction::WheelDown,
                _ => return None,
            };
            Input::Mouse(Mouse { what, x: event.column, y: event.row })
        }
        event::Event::Paste(text) => Input::Paste(text),
        event::Event::Resize(..) => return Some(Wake::Resized),
        event::Event::FocusGained | event::Event::FocusLost => return None,
    };
    Some(Wake::Event(Event::Input(input)))
}

fn key(event: KeyEvent) -> Option<Key> {
    if event.kind == KeyEventKind::Release {
        return None;
    }
    let control = event.modifiers.contains(KeyModifiers::CONTROL);
    Some(match event.code {
        // With Alt it is another key than without.
        _ if event.modifiers.contains(KeyModifiers::ALT) => return None,
        KeyCode::Char(char) if control => Key::Ctrl(char.to_ascii_lowercase()),
        KeyCode::Char(char) => Key::Char(char),
        KeyCode::Enter => Key::Enter,
        KeyCode::Esc => Key::Esc,
        KeyCode::Tab => Key::Tab,
        KeyCode::BackTab => Key::BackTab,
        KeyCode::Backspace => Key::Backspace,
        KeyCode::Delete => Key::Delete,
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::Left => Key::Left,
        KeyCode::Right => Key::Right,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        KeyCode::Home => Key::Home,
        KeyCode::End => Key::End,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pressed(code: KeyCode, modifiers: KeyModifiers) -> Option<Key> {
        key(KeyEvent::new(code, modifiers))
    }

    #[test]
    fn keys_are_what_is_printed_on_them() {
        let (none, shift) = (KeyModifiers::NONE, KeyModifiers::SHIFT);
        assert_eq!(pressed(KeyCode::Char('g'), none), Some(Key::Char('g')));
        assert_eq!(pressed(KeyCode::Char('G'), shift), Some(Key::Char('G')));
        assert_eq!(pressed(KeyCode::Char('d'), KeyModifiers::CONTROL), Some(Key::Ctrl('d')));
        assert_eq!(pressed(KeyCode::BackTab, shift), Some(Key::BackTab));
        assert_eq!(pressed(KeyCode::F(1), none), None);
        assert_eq!(pressed(KeyCode::Char('q'), KeyModifiers::ALT), None, "not q");
    }

    #[test]
    fn a_key_that_is_let_go_is_not_pressed_again() {
        let mut event = KeyEvent::new(KeyCode::Char('j'), KeyModifiers::NONE);
        event.kind = KeyEventKind::Release;
        assert_eq!(key(event), None);
    }
}
